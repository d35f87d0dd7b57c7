// A short turn that the provider has heard begin, and that is over, dies with
// the socket before it is taken: the next one answers it.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

class ShortTurnTest : public ToldProviderTest {};

TEST_F(ShortTurnTest, IsAnsweredByTheNextSocket) {
  for (const int ms : {300, 450, 550}) {
    SCOPED_TRACE(ms);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Reply(world, "r1", 1'000);
    Wait(world, 2'000);
    world.line.Say(Speech(ms, 3));
    Hears(world, true);
    Wait(world, ms + 480);
    world.agent.stalled = false;
    const int asked = Asked(world);
    world.agent.Drop(1011);
    EXPECT_LT(MsUntil(world, [&] { return Asked(world) > asked; }), 20'000)
        << world.EndReason();
  }
}

}  // namespace
}  // namespace trunkline::test
