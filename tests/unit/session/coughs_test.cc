// A listener who coughs now and then, and a provider that rightly makes no
// turns of it and answers whatever it is asked: nobody is deaf.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class CoughsTest : public ToldProviderTest {};

TEST_F(CoughsTest, OfAListenerEndNoCall) {
  for (const int cough_ms : {250, 320}) {
    SCOPED_TRACE(cough_ms);
    VirtualWorld world(Options());
    Start(world, Mind::kOwn);
    world.agent.reply_ms = 1'000;
    HearReply(world, 990);
    if (HasFatalFailure()) return;
    Wait(world, 2'000);
    // It hears no cough.
    world.agent.has_vad = false;
    for (int i = 0; i < 12 && world.ended().empty(); ++i) {
      world.line.Say(Speech(cough_ms, static_cast<uint64_t>(i)));
      Wait(world, 15'000);
    }
    EXPECT_EQ(world.Count("agentFailed"), 0U);
    EXPECT_EQ(world.Count("waiting"), 0U);
    EXPECT_NE(world.EndReason(), "agentFailed");
  }
}

// A noise of more than 0.6 s over a reply that is due.
TEST_F(CoughsTest, ANoiseCostsNoTwelveSeconds) {
  for (const int ms : {560, 620, 800, 1'500, 3'000}) {
    SCOPED_TRACE(ms);
    VirtualWorld world(Options());
    Start(world, Mind::kOwn);
    world.agent.think = Duration::Millis(2'000);
    world.line.Say(Speech(1'000));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kThinking; }));
    world.agent.has_vad = false;
    Wait(world, 500);
    world.line.Say(Speech(ms, 3));
    EXPECT_LT(MsUntil(world, [&] { return world.Count("replyStarted") > 0; }),
              ms + 6'000);
    EXPECT_EQ(world.Count("agentFailed"), 0U);
  }
}

}  // namespace
}  // namespace trunkline::test
