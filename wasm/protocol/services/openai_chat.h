#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/http_exchange.h"
#include "protocol/services/llm.h"
#include "protocol/services/openai_chat_request.h"
#include "protocol/services/sse.h"

namespace trunkline::protocol {

// OpenAI Chat Completions, streamed, and the servers that speak like it.
// Source: the openai npm package 7.55.0, resources/chat/completions/*.d.ts.
//
// What the model writes comes as it is written, all of one input in one
// LlmText; a refusal in the model's own words is text as well. Calls of tools
// come whole, when the model has finished: their fragments are put together by
// index. A call without a name is told as a fault and left out, one without an
// id is given one, and a reply that was cut short, by a bound or a filter,
// calls nothing: the arguments may be cut as well.
//
// A stream has come whole with a finish_reason or with [DONE]. One that ends
// otherwise fails as "truncated", whatever came of it. Of what comes behind
// [DONE] nothing is read. A server that does not stream answers with the whole
// reply as JSON, which is read likewise.
//
// The models of Workers AI have this dialect or one of their own, in which
// `response` is the text, tools are called whole, and [DONE] alone is the end.
// Both are read. Source: packages/workers-ai-provider of cloudflare/ai,
// streaming.ts.
class OpenAiChat : public Llm {
 public:
  using Config = OpenAiChatConfig;

  // Of the answer: 10,000 chunks of 400 bytes. It is not kept. Overflow, here
  // and below: the reply fails as "tooLarge".
  static constexpr uint32_t kMaxAnswerBytes = 4 * 1024 * 1024;
  // Of an answer that is not streamed, which is kept.
  static constexpr size_t kMaxWholeBytes = size_t{256} * 1024;
  // Calls of tools in one reply, and the bytes of all of them.
  static constexpr size_t kMaxToolCalls = 16;
  static constexpr size_t kMaxToolCallBytes = size_t{64} * 1024;

  // `channels` is borrowed for the life of the object.
  OpenAiChat(Config config, Channels& channels);

  Instant deadline() const override { return exchange_.deadline(); }
  void OnDeadline() override;
  void OnHttpHeaders(ChannelId channel, uint16_t status,
                     const Json& headers) override;
  void OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnHttpDone(ChannelId channel) override;
  void OnHttpFailed(ChannelId channel, HttpFailure failure,
                    std::string_view reason) override;

  void Ask(const LlmRequest& request) override;
  void Abort() override;

  std::optional<LlmEvent> NextEvent() override;

 private:
  // What is made of the body that comes.
  enum class Phase : uint8_t {
    kIdle,    // no reply is being made
    kAsked,   // no headers yet, or those of an error
    kStream,  // events
    kWhole,   // one JSON text
  };
  enum class End : uint8_t { kNone, kDone, kFailed };

  struct ToolCall {
    // Which one of the reply it is, by the server's count.
    int64_t index = 0;
    std::string id;
    std::string name;
    std::string arguments;
  };

  void Reset();
  // Of those of one input the first is told.
  void Report(Fault fault) {
    if (!fault_) fault_ = fault;
  }

  void OnStream(std::span<const uint8_t> bytes);
  void OnStreamEvent(const SseParser::Event& event);
  void OnWhole();
  // What the words of a choice are: more of them, or all.
  enum class Words : uint8_t { kDelta, kMessage };
  void OnCompletion(const Json& completion, Words kind);
  void OnWords(const Json& words, Words kind);
  void AddText(const Json& words, const char* key);
  // Of Workers AI's own dialect, streamed or whole; false if it is none.
  bool OnNative(const Json& answer);
  void OnToolCall(const Json& fragment, std::optional<int64_t> position);
  // The call that a fragment belongs to, a new one if it is another's; nullptr
  // if there are too many.
  ToolCall* CallOf(const Json& fragment, std::optional<int64_t> position);
  void OnFinishReason(std::string_view reason);
  void ReleaseToolCalls();

  // The reply is over, as far as it is told; its exchange may still be open.
  void Finish();
  // What the exchange has come to, that is its end or its failure.
  void Take(HttpExchange::Step step);
  // The body has ended.
  void OnEnd();
  // It is over as the exchange says.
  void Fail();
  void Fail(std::string_view code);
  // As an error inside of the answer says.
  void FailWith(const Json& error);

  const Config config_;
  const Json tools_;
  Channels& channels_;

  Phase phase_ = Phase::kIdle;
  HttpExchange exchange_;
  AnswerPatience patience_;
  // The channel of a reply that is over, until its end has come.
  std::optional<ChannelId> trailing_;
  SseParser sse_;
  std::string whole_;

  // What is to be told, in this order.
  std::optional<Fault> fault_;
  std::string text_;
  std::vector<ToolCall> calls_;
  // Those of calls_ that may be told, and were.
  bool calls_released_ = false;
  size_t calls_told_ = 0;
  End end_ = End::kNone;

  std::optional<LlmDone::End> finish_;
  Usage usage_;
  size_t call_bytes_ = 0;
  // Ids that were given here, within the call.
  int64_t ids_given_ = 0;
  // What the view of the last text is of.
  std::string told_;
};

}  // namespace trunkline::protocol
