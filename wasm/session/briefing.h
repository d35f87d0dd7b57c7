#pragma once

#include "protocol/agents/agent.h"
#include "session/transcript.h"

namespace trunkline::session {

// Tells an agent, as the first thing after it became ready, the conversation
// that it was not in: what was said by the caller, what was heard of the agent,
// and the tools' calls; those that are open have no result yet. Nothing if
// there was none.
void Brief(protocol::Agent& agent, const Transcript& transcript);

}  // namespace trunkline::session
