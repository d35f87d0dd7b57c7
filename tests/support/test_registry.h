#pragma once

#include "protocol/registry.h"

namespace trunkline::test {

// The built-in legs and agents, "plain" (PlainLeg) and "scripted"
// (ScriptedAgent). A test binary whose calls go through the C boundary defines
// protocol::LinkedRegistry() as this.
protocol::Registry TestRegistry();

}  // namespace trunkline::test
