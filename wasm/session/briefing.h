#pragma once

#include <vector>

#include "protocol/agents/agent.h"
#include "session/transcript.h"

namespace trunkline::session {

// Tells an agent the conversation that it was not in: what was said by the
// caller, what was heard of the agent, and the tools' calls; those that are
// open have no result yet.
class Briefing {
 public:
  // The first thing after it became ready. Nothing if there was no
  // conversation. What is still being heard of a former agent is left for
  // GoOn().
  void Begin(protocol::Agent& agent, const Transcript& transcript);
  // All of it up to now, to one that does not remember and needs it.
  static void TellAll(protocol::Agent& agent, const Transcript& transcript);
  // Some of that may have been heard to its end, or been cut: due before the
  // agent is asked for anything else.
  void GoOn(protocol::Agent& agent, const Transcript& transcript);

 private:
  std::vector<LineId> being_heard_;
};

}  // namespace trunkline::session
