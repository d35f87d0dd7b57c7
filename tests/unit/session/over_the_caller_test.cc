// He begins to speak a moment before a reply is asked for (a result has come, a
// time to wait is over, the rest of a broken one is due): it does not play over
// him, and his turn is answered.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class OverHimTest : public ToldProviderTest {};

// An honest provider; the result comes 200 ms into his sentence.
TEST_F(OverHimTest, AResultComesAsHeBegins) {
  for (const int64_t late_ms : {0, 300, 700}) {
    SCOPED_TRACE(late_ms);
    VirtualWorld world(Options());
    DelayMarks(world, late_ms);
    Start(world, Mind::kOwn);
    world.agent.reply_ms = 1'200;
    world.line.Say(Speech(900));
    ASSERT_TRUE(world.RunUntil([&] {
      return world.agent.replying() && !world.agent.items().empty();
    }));
    world.agent.CallTool("c1", "lookup");
    ASSERT_TRUE(world.RunUntil(
        [&] { return world.HeardMs(world.agent.items().back()) >= 1'199; }));
    world.agent.reply_ms = 3'000;
    Wait(world, 200);
    world.line.Say(Speech(2'000, 3));
    Wait(world, 200);
    Result(world, "c1");
    Wait(world, 1'740);
    // He still speaks.
    if (world.agent.items().size() > 1) {
      EXPECT_LT(world.HeardMs(world.agent.items().back()), 200);
    }
    Wait(world, 8'000);
    EXPECT_EQ(Deleted(world), 0);
    EXPECT_EQ(world.Count("turnEnded"), 2U);
  }
}

// The same with the mend "who speaks behind a reply answers it": with late
// marks also where the result comes 600 ms into his sentence.
TEST_F(OverHimTest, BehindAPreambleWithLateMarks) {
  for (const int64_t late_ms : {150, 300, 700}) {
    SCOPED_TRACE(late_ms);
    VirtualWorld world(Options());
    DelayMarks(world, late_ms);
    Preamble(world, 1'000);
    MsUntil(world, [&] { return world.line.heard_ms() >= 995; });
    Wait(world, 50);
    world.line.Say(Speech(2'500, 3));
    Wait(world, 350);
    Hears(world, true);
    Wait(world, 300);
    Result(world, "c1");
    const int64_t before_ms = world.line.heard_ms();
    Reply(world, "r2", 4'000);
    Wait(world, 1'000);
    EXPECT_LT(world.line.heard_ms() - before_ms, 200);
    Wait(world, 800);
    Hears(world, false);
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), 0);
  }
}

TEST_F(OverHimTest, TheRestOfABrokenReply) {
  for (const int64_t late_ms : {0, 300, 700}) {
    SCOPED_TRACE(late_ms);
    VirtualWorld world(Options());
    DelayMarks(world, late_ms);
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", 1'000);
    Fail(world, "r1");
    MsUntil(world, [&] { return world.line.heard_ms() >= 995; });
    world.line.Say(Speech(2'500, 3));
    Wait(world, 350);
    Hears(world, true);
    Wait(world, 150);
    const int64_t before_ms = world.line.heard_ms();
    if (Asked(world) > 1) Reply(world, "r2", 4'000);
    Wait(world, 1'200);
    EXPECT_LT(world.line.heard_ms() - before_ms, 200);
    Wait(world, 700);
    Hears(world, false);
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), 0);
  }
}

TEST_F(OverHimTest, TheTimeToWaitIsOver) {
  for (const int before_ms : {60, 150, 250}) {
    SCOPED_TRACE(before_ms);
    VirtualWorld::Options options = Options();
    options.profile["waitingSound"] = "off";
    VirtualWorld world(options);
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Fail(world, "r1", "rate_limit_exceeded", "try again in 3s");
    Wait(world, 2'920 - before_ms);
    world.line.Say(Speech(2'000, 3));
    Hears(world, true);
    MsUntil(world, [&] {
      return Asked(world) > 1 || world.state() == State::kListening;
    });
    Wait(world, 60);
    if (Asked(world) > 1) Reply(world, "r2", 3'000);
    Wait(world, 1'000);
    EXPECT_LT(world.line.heard_ms(), 200);
    Wait(world, 800);
    Hears(world, false);
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), 0);
  }
}

}  // namespace
}  // namespace trunkline::test
