// The leg is lost when a turn of the caller's is over, and comes back: it is
// answered.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

class TurnAndLegTest : public ToldProviderTest {};

// The provider takes it while the leg is away: in its conversation it stands
// without an answer, and the log has no line of it.
TEST_F(TurnAndLegTest, ATurnThatIsTakenWithoutTheLegIsAnswered) {
  for (const int said_ms : {2'150, 1'700}) {
    SCOPED_TRACE(said_ms);
    VirtualWorld world(Options());
    Start(world);
    world.line.Say(Speech(1'500));
    Wait(world, said_ms);
    world.line.Drop();
    Wait(world, 100);
    Committed(world, "u1");
    CallerText(world, "u1", "I want to cancel my order");
    Wait(world, 1'500);
    world.line.Call();
    EXPECT_LT(MsUntil(world, [&] { return Asked(world) > 0; }), 20'000)
        << world.EndReason();
  }
}

// He has asked, and hears the sound of waiting; the provider is deaf.
TEST_F(TurnAndLegTest, ATurnThatNobodyTookIsMissedBehindALostLeg) {
  VirtualWorld world(Options());
  Start(world);
  world.line.Say(Speech(1'500));
  Wait(world, 5'000);
  ASSERT_EQ(world.Count("waiting"), 1U);
  world.line.Drop();
  Wait(world, 300);
  world.line.Call();
  EXPECT_LT(MsUntil(world,
                    [&] {
                      return Asked(world) > 0 || world.Count("agentFailed") > 0;
                    }),
            20'000)
      << world.EndReason();
}

}  // namespace
}  // namespace trunkline::test
