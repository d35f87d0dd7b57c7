#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "session/state.h"
#include "support/world/sound.h"
#include "support/world/world.h"

namespace trunkline::test {

// Speaks one turn and runs until the reply has been heard for `ms`.
inline void HearReply(VirtualWorld& world, int64_t ms) {
  const size_t items = world.agent.items().size();
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] {
    return world.agent.items().size() > items &&
           world.HeardMs(world.agent.items().back()) >= ms;
  })) << session::ToString(world.state());
}

}  // namespace trunkline::test
