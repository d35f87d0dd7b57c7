// A hang-up goes with the reply it is called in, where that is lost with the
// leg or breaks off.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class EndCallTest : public ToldProviderTest {};

// The leg is lost before the reply is done. Behind it the agent is asked again,
// its reply is heard, and he is hung up on.
TEST_F(EndCallTest, IsTakenBackWithAReplyThatIsAskedForAgain) {
  VirtualWorld world(Options());
  Start(world);
  Committed(world, "u1");
  Created(world, "r1");
  Call(world, "r1", "c1", "end_call");
  world.line.Drop();
  Wait(world, 100);
  Done(world, "r1");
  Wait(world, 1'000);
  world.line.Call();
  Wait(world, 200);
  if (Asked(world) > 1) {
    Reply(world, "r2", 800);
    Wait(world, 3'000);
    EXPECT_EQ(world.state(), State::kListening) << world.EndReason();
  } else {
    // Or the call ends without more.
    MsUntil(world, [] { return false; });
    EXPECT_EQ(world.EndReason(), "hangUp");
  }
}

// The reply breaks off behind a click: he hears 0.1 s, and the call is over.
TEST_F(EndCallTest, IsTakenBackWithAReplyThatBreaksOff) {
  for (const std::string how : {"failed", "socket"}) {
    SCOPED_TRACE(how);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Call(world, "r1", "c1", "end_call");
    Sound(world, "r1", "i1", 100);
    if (how == "failed") {
      Fail(world, "r1");
    } else {
      world.agent.stalled = false;
      world.agent.Drop(1011);
    }
    EXPECT_LT(MsUntil(world, [&] { return Asked(world) > 1; }), 3'000)
        << world.EndReason();
    EXPECT_EQ(Asked(world), 2);
  }
}

}  // namespace
}  // namespace trunkline::test
