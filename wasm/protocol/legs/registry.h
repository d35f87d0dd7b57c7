#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "protocol/legs/leg.h"

namespace trunkline::protocol {

// A carrier's protocol by the name that configurations and events have for it.
struct LegEntry {
  std::string_view name;
  // `wire` leads to the leg's socket and is borrowed for the life of the leg.
  std::unique_ptr<Leg> (*make)(Wire& wire);
};

// Every leg of this build. The first is the default.
std::span<const LegEntry> Legs();

}  // namespace trunkline::protocol
