// The leg is lost (or replaced) while what is here of a reply was heard and
// more is to come: whether it comes is watched, with the sound of waiting.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class StarvedTest : public ToldProviderTest {};

TEST_F(StarvedTest, TheRestIsMissedWhenTheLegIsBack) {
  for (const bool replaced : {false, true}) {
    SCOPED_TRACE(replaced);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", 1'000);
    Wait(world, 4'000);
    ASSERT_EQ(world.state(), State::kSpeaking);
    ASSERT_EQ(world.Count("waiting"), 1U);
    if (!replaced) world.line.Drop();
    Wait(world, 500);
    world.line.Call();
    Wait(world, 3'000);
    EXPECT_EQ(world.Count("waiting"), 2U);
    EXPECT_LT(MsUntil(world, [&] { return world.Count("agentFailed") > 0; }),
              20'000)
        << world.EndReason();
  }
}

// The same of the second part, that was asked for.
TEST_F(StarvedTest, TheSecondPartIsMissedWhenTheLegIsBack) {
  VirtualWorld world(Options());
  DelayMarks(world, 700);
  Preamble(world, 1'000);
  Result(world, "c1");
  ASSERT_EQ(Asked(world), 2);
  MsUntil(world, [&] { return world.line.heard_ms() >= 999; });
  Wait(world, 100);
  ASSERT_EQ(world.state(), State::kSpeaking);
  world.line.Drop();
  Wait(world, 500);
  world.line.Call();
  EXPECT_LT(MsUntil(world, [&] { return world.Count("agentFailed") > 0; }),
            20'000)
      << world.EndReason();
}

}  // namespace
}  // namespace trunkline::test
