#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/agents/agent.h"
#include "protocol/agents/openai_calls.h"
#include "protocol/agents/openai_config.h"
#include "protocol/agents/openai_error.h"
#include "protocol/agents/openai_items.h"
#include "protocol/agents/openai_responses.h"
#include "protocol/agents/registry.h"
#include "protocol/channels.h"
#include "protocol/event_queue.h"

namespace trunkline::protocol {

// OpenAI Realtime, GA shapes, over WebSocket: JSON text frames with base64
// audio. Source: the openai npm package 7.55.0, resources/realtime/*.d.ts, and
// the Realtime guide. Both the GA and the beta names of deltas are read, since
// compatible servers send either; only GA is sent.
//
// The server detects the caller's turns but neither answers nor interrupts by
// itself (create_response and interrupt_response are false): the session
// decides what was a turn and what was a cough, and there is never a second
// response.create in flight by surprise.
class OpenAiRealtime final : public Agent {
 public:
  using Config = OpenAiConfig;

  // `channels` is borrowed for the life of the object.
  OpenAiRealtime(Config config, Channels& channels);

  const AgentTraits& traits() const override { return traits_; }

  void Begin() override;
  void End(std::string_view reason) override;
  void OnSocketOpened(ChannelId channel) override;
  void OnText(ChannelId channel, std::string_view text) override;
  void OnBinary(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnSocketClosed(ChannelId channel, uint16_t code, uint16_t http_status,
                      std::string_view reason) override;
  void OnOversize(ChannelId channel) override;
  std::optional<AgentEvent> NextEvent() override { return events_.Take(); }
  // Sends the request that waited for the end of a response.
  void Proceed() override;
  void Tell(std::span<const ConversationLine> conversation) override;
  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void Respond(Duration ago) override;
  void Say(std::string_view text) override;
  void DiscardTurn() override;
  void Cancel() override;
  int64_t Truncate(ItemId id, int64_t heard_ms) override;
  void ToolResult(std::string_view tool_call_id,
                  std::string_view output) override;
  std::string_view item_name(ItemId id) const override;
  int32_t item_part(ItemId id) const override;

 private:
  // Calls that are first heard of at the end of their response. Overflow: the
  // rest is not made, and that is a fault.
  static constexpr size_t kMaxLateCalls = OpenAiCalls::kMaxPending;
  // Those, what is wrong with one of them, and the end itself; nothing makes
  // more.
  static constexpr size_t kMaxEvents = kMaxLateCalls + 2;
  // Results that may yet be refused; the oldest is taken for accepted.
  static constexpr size_t kMaxResults = 16;

  enum class Socket : uint8_t { kNone, kConnecting, kOpen };

  bool IsOpen(ChannelId channel) const {
    return socket_ == Socket::kOpen && channel == channel_;
  }
  // It was cancelled, or has ended: nothing more is heard of it.
  bool IsFinished(std::string_view response) const {
    return responses_.IsUnwanted(response) || responses_.IsOver(response);
  }
  void Report(Fault fault) { events_.Push(AgentFaulted{fault}); }
  void ReportError(const OpenAiError& error);
  // What an answer to a message of ours names it by: what it was, and a number.
  enum class Request : uint8_t {
    kNone,  // not one of ours
    kUpdate,
    kCreate,
    kCancel,
    kOther,
  };
  // Returns its event_id.
  std::string Send(Json event);
  // What `event_id` names.
  static Request RequestOf(std::string_view event_id);
  void SendText(std::string_view text);
  void SendToolResult(std::string_view tool_call_id, std::string_view output);
  // What is asked for answers the turn that was taken, whatever it says.
  void RequestResponse(std::string instructions);
  void SendNextRequest();

  bool ScanAudioDelta(std::string_view text);
  void OnAudioDelta(std::string_view response, std::string_view item,
                    int64_t content_index, std::string_view delta);
  void OnOutputItemAdded(const Json& message);
  void OnArgumentsDone(const Json& message);
  void OnOutputItemDone(const Json& message);
  // Makes the calls of a response that is over, of which nobody was told. False
  // if there are none.
  bool MakeLateCalls(const Json& response);
  void TakePiece(const OpenAiCalls::Call& piece);
  void TellCall(const OpenAiCalls::Call& call);
  void OnResponseDone(const Json& message);
  void OnTranscript(Role role, const Json& message, const char* field,
                    TranscriptState state);
  void OnError(const Json& message);
  // It came in the place of the response that was asked for.
  bool IsRefusal(const OpenAiError& error) const;

  const Config config_;
  const AgentTraits traits_;
  Channels& channels_;
  EventQueue<AgentEvent, kMaxEvents> events_;

  Socket socket_ = Socket::kNone;
  ChannelId channel_{};
  bool ready_ = false;
  OpenAiResponses responses_;
  OpenAiCalls calls_;
  std::vector<std::string> open_tool_calls_;
  // The last results that were sent.
  struct SentResult {
    std::string event_id;
    std::string call_id;
  };
  std::vector<SentResult> results_;
  // Messages sent that have an event_id.
  uint32_t message_count_ = 0;
  // The turn that was taken last, as long as nobody has decided what it was;
  // and the last one that was answered or deleted.
  std::string committed_item_;
  std::string decided_item_;
  OpenAiItems items_;
  uint32_t connection_ = 0;
  // What the views of the last event are of.
  std::optional<Json> incoming_;
  std::vector<uint8_t> audio_;
  std::string failure_;
  std::string refused_call_;
  // Scratch.
  std::string message_;
};

}  // namespace trunkline::protocol
