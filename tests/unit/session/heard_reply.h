#pragma once

#include <gtest/gtest.h>

#include <cstddef>
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

// Connects, speaks one turn and runs until the reply has been heard for `ms`.
inline void HearReply(VirtualWorld& world, int64_t ms) {
  const size_t items = world.agent.items().size();
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] {
    return world.agent.items().size() > items &&
           world.HeardMs(world.agent.items().back()) >= ms;
  })) << session::ToString(world.state());
}

}  // namespace trunkline::test
