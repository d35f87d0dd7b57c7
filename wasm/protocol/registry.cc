#include "protocol/registry.h"

#include <algorithm>

namespace trunkline::protocol {
namespace {

template <typename Entry>
const Entry* Find(std::span<const Entry> entries, std::string_view name) {
  const auto found =
      std::find_if(entries.begin(), entries.end(),
                   [name](const Entry& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace

const LegEntry* Registry::FindLeg(std::string_view name) const {
  return Find(legs, name);
}

const AgentEntry* Registry::FindAgent(std::string_view name) const {
  return Find(agents, name);
}

Registry Registry::BuiltIn() { return {Legs(), Agents()}; }

}  // namespace trunkline::protocol
