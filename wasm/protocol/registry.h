#pragma once

#include <span>
#include <string_view>

#include "protocol/agents/registry.h"
#include "protocol/legs/registry.h"

namespace trunkline::protocol {

// The legs and agents that a session chooses from, by the names that
// configurations have for them. A view: the entries outlive it.
struct Registry {
  std::span<const LegEntry> legs;
  std::span<const AgentEntry> agents;

  // nullptr if none has this name. Of two with the same name, the first.
  const LegEntry* FindLeg(std::string_view name) const;
  const AgentEntry* FindAgent(std::string_view name) const;

  // Those of Legs() and Agents().
  static Registry BuiltIn();
};

// What the sessions behind the C boundary choose from: BuiltIn(), unless an
// object file of the binary defines this function. The core's own definition is
// alone in its file of a static library, where the linker looks only for what
// no object file has, so tests bring legs and agents of their own without a
// variable in the core.
Registry LinkedRegistry();

}  // namespace trunkline::protocol
