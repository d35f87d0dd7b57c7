// The reply to the results of tools fails while the preamble before it still
// plays: it is asked for again, or named.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class SecondPartTest : public ToldProviderTest {};

TEST_F(SecondPartTest, IsAskedForAgain) {
  for (const std::string how :
       {"failed", "limited", "incomplete", "cancelled", "error"}) {
    SCOPED_TRACE(how);
    VirtualWorld world(Options());
    Preamble(world, 3'000);
    Wait(world, 300);
    Result(world, "c1");
    ASSERT_EQ(Asked(world), 2);
    ASSERT_EQ(world.state(), State::kSpeaking);
    if (how == "error") {
      const Json* asked = world.realtime.LastReceived("response.create");
      Tell(world, {{"type", "error"},
                   {"error",
                    {{"type", "server_error"},
                     {"code", "server_error"},
                     {"message", "oops"},
                     {"event_id", asked->at("event_id")}}}});
    } else {
      Created(world, "r2");
    }
    if (how == "failed") Fail(world, "r2");
    if (how == "limited") {
      Fail(world, "r2", "rate_limit_exceeded", "try again in 1s");
    }
    if (how == "incomplete" || how == "cancelled") Done(world, "r2", how);
    EXPECT_LT(MsUntil(world, [&] { return Asked(world) > 2; }), 20'000)
        << world.EndReason();
    EXPECT_EQ(Asked(world), 3);
  }
}

// One with nothing in it was named nowhere.
TEST_F(SecondPartTest, IsNamedWhenItIsEmpty) {
  VirtualWorld world(Options());
  Preamble(world, 3'000);
  Result(world, "c1");
  Created(world, "r2");
  Done(world, "r2");
  Wait(world, 4'000);
  ASSERT_EQ(world.Count("agentFailed"), 1U);
  EXPECT_EQ(world.EventsOf("agentFailed")[0]["code"], "emptyReply");
}

}  // namespace
}  // namespace trunkline::test
