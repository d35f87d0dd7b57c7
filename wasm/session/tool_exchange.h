#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "protocol/channels.h"
#include "protocol/services/tool_requests.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/tool_desk.h"
#include "session/transcript.h"

namespace trunkline::session {

// The tools of a call between the agent, which calls them and is given their
// results, and the transcript, which keeps both. The desk knows which calls are
// open; when the agent replies to results is the conversation's to say. Results
// that the gateway has to bring it asks for itself, each once: while this
// object lives by one exchange, after it was lost by another one with the same
// key.
class ToolExchange {
 public:
  // All are borrowed for the life of the object.
  ToolExchange(CallContext& context, AgentLink& agent, Transcript& transcript,
               protocol::Channels& channels);

  // The agent calls a tool. kEndsCall: the one that ends the call, when the
  // caller has heard what is said with it; it has no result, which would make
  // the agent speak once more.
  enum class Called : uint8_t { kOpened, kEndsCall };
  Called OnCall(const protocol::AgentToolCall& call);
  // The call ends when the reply was heard.
  bool ends_call() const { return end_call_id_.has_value(); }
  // The caller did not hear the agent's goodbye to its end: the call goes on,
  // and that is the tool's answer.
  void GoOn();
  // The call is over, which is what the tool was to do: that is its result.
  void OnEnd();

  // The call begins, or goes on after its object was lost: asks for the results
  // of the calls that a former session has left.
  void Begin();
  // Nothing is asked for any more.
  void Stop() { requests_.End(); }
  // For what comes on the channels of the tools.
  protocol::ToolRequests& requests();
  // Takes what has come there. True if there was anything.
  bool TakeResults();

  // Whether a result of this call would be taken.
  bool Knows(std::string_view call_id) const { return desk_.Knows(call_id); }
  // It is the gateway that brings it.
  bool IsErrand(std::string_view call_id) const {
    return desk_.IsErrand(call_id);
  }
  bool HasRoomFor(std::string_view call_id, std::string_view output) const {
    return desk_.HasRoomFor(call_id, output);
  }
  // A tool's result, in time or late. Precondition: there is room for it.
  void Take(std::string_view call_id, std::string_view output);
  // Gives the agent all results that are there, if it is ready. True if it got
  // any, or has to get one with the conversation that its next connection is
  // told, since the last time that somebody asked.
  bool Give();
  bool waiting() const { return desk_.waiting(); }

  Instant deadline() const { return desk_.deadline(); }
  void OnDeadline(Instant now);

  Json ToJson(Instant now) const;
  bool FromJson(const Json& json, Instant now);

 private:
  // Asks for the results that the gateway has to bring and does not ask for
  // yet.
  void Run();
  void TakeLate(std::string_view call_id, std::string_view name,
                std::string_view output);

  CallContext& context_;
  AgentLink& agent_;
  Transcript& transcript_;
  ToolDesk desk_;
  protocol::ToolRequests requests_;
  // The open call of the tool that ends the call.
  std::optional<std::string> end_call_id_;
  // A late result was told, or is kept for the next connection; or a call was
  // answered that found no place.
  bool gave_besides_ = false;
};

}  // namespace trunkline::session
