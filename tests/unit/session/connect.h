#pragma once

#include <gtest/gtest.h>

#include <cstdint>

#include "session/state.h"
#include "support/world/world.h"

namespace trunkline::test {

// A call to a provider, on a leg whose messages take so long.
inline VirtualWorld::Options RealtimeOptions(Duration leg_delay,
                                             uint64_t seed = 1) {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.leg_delay = leg_delay;
  options.seed = seed;
  options.limits = {{"maxCallMs", 86'000'000}};
  return options;
}

// How most tests begin: the caller calls, and is listened to.
inline void Connect(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(world.RunUntil(
      [&] { return world.state() == session::State::kListening; }));
}

}  // namespace trunkline::test
