#pragma once

#include <gtest/gtest.h>

#include "session/state.h"
#include "support/world/world.h"

namespace trunkline::test {

// How most tests begin: the caller calls, and is listened to.
inline void Connect(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(world.RunUntil(
      [&] { return world.state() == session::State::kListening; }));
}

}  // namespace trunkline::test
