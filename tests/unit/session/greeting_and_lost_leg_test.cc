// A greeting that is begun, and breaks off when the leg has been lost and is
// back, is said again, or given up by name.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class LostGreetingTest : public ToldProviderTest {};

TEST_F(LostGreetingTest, IsOwedWhenTheLegIsBack) {
  VirtualWorld::Options options = Options();
  options.profile["greeting"] = "Hello. This call is recorded.";
  VirtualWorld world(options);
  world.agent.think = Duration::Millis(60'000);
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.agent.stalled = true;
  Created(world, "r1");
  Sound(world, "r1", "i1", 1'000);
  // Of which more is to come.
  Wait(world, 1'500);
  world.line.Drop();
  Wait(world, 300);
  world.line.Call();
  Wait(world, 300);
  Fail(world, "r1");
  Wait(world, 5'000);
  world.line.HangUp();
  Wait(world, 300);
  // Asked for again, and given up by name when nothing came of that.
  EXPECT_EQ(Asked(world), 2);
  EXPECT_EQ(world.Count("notSaid"), 1U);
}

}  // namespace
}  // namespace trunkline::test
