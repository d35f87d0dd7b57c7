#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/agents/agent.h"
#include "protocol/agents/registry.h"
#include "protocol/channels.h"
#include "protocol/event_queue.h"

namespace trunkline::test {

// An agent of several parts, as one of single services is: it hears by one
// socket, speaks by another, and asks for the words of each reply by an HTTP
// request with credit, under a deadline of its own. A test plays all three.
//
// Sockets carry JSON texts with a `type` and binary audio: linear 16, at 16 kHz
// to the ears and at 24 kHz from the voice.
//
//   scripted-ears   out  {"type":"begin","instructions","tools"}
//                        {"type":"history","lines":[["caller","hello"]]}
//                        {"type":"turn","agoMs"} {"type":"forget"}
//                        {"type":"heard","item","ms"} {"type":"ping"}
//                        {"type":"toolResult","id","output"}
//                   in   {"type":"speech","edge":"started|stopped"}
//                        {"type":"committed","item"}
//                        {"type":"transcript","role":"caller|agent","item",
//                         "text","final":true}
//                        {"type":"tool","id","name","arguments"}
//                        {"type":"fail","code","fatal":true}
//                        {"type":"keepAlive","everyMs"}
//   scripted-voice  out  {"type":"say","text"} {"type":"flush"}
//                        {"type":"stop"}
//                   in   {"type":"item","name"} and audio of it
//                        {"type":"done"}  after the last audio, and exactly
//                        one with "stopped":true to each stop
//   scripted-mind        POST /reply with {"turn":N}, answered by a line of
//                        text for each `say`
//
// The model's words say what it can do: with "provider-turns" the ears decide
// where turns end, with "texts" they send what both sides say.
class ScriptedAgent final : public protocol::Agent {
 public:
  // From the request for the words of a reply to the end of them.
  static constexpr Duration kPatience = Duration::Millis(3'000);
  // Bytes of the words that may come without credit.
  static constexpr uint32_t kWindowBytes = 64;
  // The longest line of words.
  static constexpr size_t kMaxLineBytes = 1024;

  // `channels` is borrowed for the life of the object.
  ScriptedAgent(protocol::AgentSettings settings, protocol::Channels& channels);

  const protocol::AgentTraits& traits() const override { return traits_; }

  void Begin() override;
  void End(std::string_view reason) override;

  void OnSocketOpened(protocol::ChannelId channel) override;
  void OnText(protocol::ChannelId channel, std::string_view text) override;
  void OnBinary(protocol::ChannelId channel,
                std::span<const uint8_t> bytes) override;
  void OnSocketClosed(protocol::ChannelId channel, uint16_t code,
                      uint16_t http_status, std::string_view reason) override;
  void OnOversize(protocol::ChannelId channel) override;
  void OnHttpHeaders(protocol::ChannelId channel, uint16_t status,
                     const Json& headers) override;
  void OnHttpChunk(protocol::ChannelId channel,
                   std::span<const uint8_t> bytes) override;
  void OnHttpDone(protocol::ChannelId channel) override;
  void OnHttpFailed(protocol::ChannelId channel, protocol::HttpFailure failure,
                    std::string_view reason) override;
  Instant deadline() const override;
  void OnDeadline() override;

  std::optional<protocol::AgentEvent> NextEvent() override {
    return events_.Take();
  }
  void Proceed() override;

  void Tell(std::span<const protocol::ConversationLine> conversation) override;
  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void Respond(Duration ago) override;
  void Say(std::string_view text) override;
  void DiscardTurn() override;
  void Cancel() override;
  int64_t Truncate(protocol::ItemId id, int64_t heard_ms) override;
  void ToolResult(std::string_view tool_call_id,
                  std::string_view output) override;

  std::string_view item_name(protocol::ItemId id) const override;

 private:
  // No input and no command makes more than one.
  static constexpr size_t kMaxEvents = 1;

  // A socket, and whether it is open.
  struct Socket {
    std::optional<protocol::ChannelId> channel;
    bool open = false;
  };
  enum class Reply : uint8_t {
    kNone,
    kThinking,   // its words come
    kSpeaking,   // all of them are with the voice
    kCancelled,  // until the voice has stopped
    kFailed,     // the same, and its end was told already
  };
  struct Item {
    std::string name;
    size_t received_bytes = 0;
  };
  // A reply that waits for the end of the one before: of its own words, or of
  // these.
  struct Request {
    std::string text;
  };

  void Report(protocol::Fault fault) {
    events_.Push(protocol::AgentFaulted{fault});
  }
  void OnEars(const Json& message, std::string_view type);
  void OnVoice(const Json& message, std::string_view type);
  void Send(const Socket& socket, const Json& message);
  void CloseAll(std::string_view reason);
  void Abort();
  void Ask(Request request);
  void FailReply();
  void OnReplyDone();

  const protocol::AgentSettings settings_;
  const protocol::AgentTraits traits_;
  protocol::Channels& channels_;
  protocol::EventQueue<protocol::AgentEvent, kMaxEvents> events_;

  Socket ears_;
  Socket voice_;
  std::optional<protocol::ChannelId> words_;
  std::string line_;
  Reply reply_ = Reply::kNone;
  std::optional<Request> next_;
  Instant reply_deadline_ = Instant::Never();
  Instant ping_at_ = Instant::Never();
  Duration ping_every_;
  int64_t turns_ = 0;
  // There is a turn that no reply was asked for to.
  bool turn_open_ = false;
  std::vector<std::string> open_tool_calls_;
  // The reply that is being made has called tools.
  bool calls_tools_ = false;
  bool item_begun_ = false;
  std::deque<Item> items_;
  // What the views of the last event are of.
  std::optional<Json> incoming_;
  std::vector<uint8_t> audio_;
  std::string failure_;
};

}  // namespace trunkline::test
