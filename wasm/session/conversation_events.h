#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/time.h"
#include "media/reply_pauses.h"
#include "protocol/agents/agent.h"
#include "session/call_context.h"
#include "session/state.h"
#include "session/transcript.h"

namespace trunkline::session {

// What the shim is told of the conversation while it happens, an event each;
// docs/boundary.md lists them with their fields. `item` is the provider's name
// of an utterance; positions in it are ms from its beginning.
class ConversationEvents {
 public:
  // `context` is borrowed for the life of the object.
  explicit ConversationEvents(CallContext& context) : context_(context) {}

  void StateChanged(State from, State to, Reason reason);
  // `ago` is when the speech began, or ended, before now.
  void SpeechStarted(Duration ago);
  void SpeechStopped(Duration ago);
  // `source` is who decided: "local" or "agent". `turn` counts from 1.
  void TurnEnded(std::string_view source, int64_t turn);
  void Text(const protocol::AgentTranscript& text);
  void ToolCall(const protocol::AgentToolCall& call);
  void Used(const protocol::Usage& usage);
  // The sound for who waits begins.
  void Waiting();
  // A text by command that will not be said.
  void NotSaid(std::string_view text, std::string_view reason);
  void ReplyStarted(std::string_view item, int64_t turn);
  void Cleared(std::string_view item, int64_t heard_ms);
  void Resumed(std::string_view item, int64_t from_ms);
  void Truncated(std::string_view item, int64_t audio_end_ms,
                 int64_t received_ms,
                 std::span<const media::ReplyPauses::Pause> pauses);
  void ReplyDone(std::string_view item, int64_t heard_ms, int64_t turn);
  void Line(const Transcript::FinalLine& line);

 private:
  CallContext& context_;
};

}  // namespace trunkline::session
