#pragma once

#include <cstdint>

#include "media/line_out.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/replies.h"

namespace trunkline::session {

// The last words of a call: the profile's farewell in the agent's voice, or
// three falling notes where there is none, the agent is not there, or nothing
// comes of it. Made when the goodbye begins; what the caller was to hear before
// has been dropped.
class Farewell {
 public:
  // Asks for the words, or queues the notes. `agent`, `replies` and `line` are
  // borrowed for the life of the object.
  Farewell(const CallContext& context, AgentLink& agent, Replies& replies,
           media::LineOut& line);
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;

  // Whether the agent's audio is that of its last words.
  bool wants_audio() const { return says_; }
  // A reply is done, maybe the one that had the words.
  void OnReplyDone();
  // The words that did not come will not come any more.
  void OnAgentFailed();
  // It was heard.
  bool done(Instant now) const {
    return line_.done(now) && line_.received() > from_;
  }

 private:
  media::LineOut& line_;
  // The agent was asked for words, which may still come.
  bool says_ = false;
  // Where in what was received it begins.
  const uint64_t from_;
};

}  // namespace trunkline::session
