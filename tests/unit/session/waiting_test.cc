// A caller who waits for the agent hears that he waits, soon and softly, and
// not a moment longer.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/world/peers.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::State;

class WaitingTest : public PeersTest {
 protected:
  // A turn whose reply takes so long, up to its end.
  void Ask(VirtualWorld& world, int64_t think_ms) {
    Start(world);
    world.agent.think = Duration::Millis(think_ms);
    world.line.Say(Speech(1'000));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kThinking; }));
  }
  static VirtualWorld::Options After(const Peers& peers, int waiting_ms) {
    VirtualWorld::Options options = peers.Options();
    options.limits["waitingMs"] = waiting_ms;
    return options;
  }
};

// Silence for waitingMs, then the sound, without a gap.
TEST_P(WaitingTest, ALateReplyIsWaitedForWithASound) {
  VirtualWorld world(After(GetParam(), 900));
  Ask(world, 8'000);
  const int64_t before_ms = world.line.heard_ms();
  world.Advance(Duration::Millis(800));
  EXPECT_EQ(world.line.heard_ms(), before_ms);
  EXPECT_EQ(world.Count("waiting"), 0U);
  world.Advance(Duration::Millis(3'000));
  EXPECT_EQ(world.Count("waiting"), 1U);
  // Of 2,900 ms, less the way to the line and what it holds.
  EXPECT_NEAR(static_cast<double>(world.line.heard_ms() - before_ms), 2'870,
              60);
  EXPECT_EQ(world.line.underruns(), 0);
  EXPECT_TRUE(world.session().IsConsistent());
}

// What the line had of the sound is dropped: the reply plays as soon as it is
// there, and is heard to its end.
TEST_P(WaitingTest, TheSoundEndsWithTheReply) {
  VirtualWorld world(After(GetParam(), 400));
  world.agent.reply_ms = 1'000;
  Ask(world, 2'500);
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  const Instant began = world.now();
  EXPECT_EQ(world.Count("waiting"), 1U);
  ASSERT_EQ(world.agent.items().size(), 1U);
  // 20 ms to the line, 20 ms of the reply.
  world.Advance(Duration::Millis(60));
  EXPECT_GE(world.HeardMs(world.agent.items().front()), 15);
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  EXPECT_LT((world.now() - began).ms(), 1'000 + 350);
  EXPECT_NEAR(static_cast<double>(world.HeardMs(world.agent.items().front())),
              1'000, 5);
  EXPECT_EQ(world.line.clears(), 1);
  ASSERT_EQ(world.Count("replyDone"), 1U);
  EXPECT_NEAR(world.EventsOf("replyDone").back()["heardMs"].get<double>(),
              1'000, 5);
  EXPECT_EQ(world.Count("truncated"), 0U);
}

// A caller who goes on has not to speak over it.
TEST_P(WaitingTest, TheSoundEndsWhenTheCallerGoesOn) {
  VirtualWorld world(After(GetParam(), 400));
  Ask(world, 20'000);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("waiting") == 1; }));
  world.Advance(Duration::Millis(500));
  world.line.Say(Speech(1'500, 2));
  ASSERT_TRUE(world.RunUntil([&] { return world.state() == State::kListening; },
                             Duration::Millis(3'000)));
  world.Advance(Duration::Millis(60));
  const int64_t heard_ms = world.line.heard_ms();
  world.Advance(Duration::Millis(400));
  EXPECT_EQ(world.line.heard_ms(), heard_ms);
}

TEST_P(WaitingTest, AQuickReplyIsNotAnnouncedByASound) {
  VirtualWorld world(GetParam().Options());
  Ask(world, 1'000);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(world.Count("waiting"), 0U);
  EXPECT_EQ(world.line.clears(), 0);
}

TEST_P(WaitingTest, ItCanBeOff) {
  VirtualWorld::Options options = After(GetParam(), 400);
  options.profile["waitingSound"] = "off";
  VirtualWorld world(options);
  Ask(world, 3'000);
  const int64_t before_ms = world.line.heard_ms();
  world.Advance(Duration::Millis(2'500));
  EXPECT_EQ(world.Count("waiting"), 0U);
  EXPECT_EQ(world.line.heard_ms(), before_ms);
}

// The wait for the agent itself is one as well, and the goodbye ends it.
TEST_P(WaitingTest, AnAgentThatIsNotReadyIsWaitedForWithASound) {
  VirtualWorld::Options options = After(GetParam(), 1'500);
  options.limits["agentReadyMs"] = 4'000;
  options.profile["waitingSound"] = "melody";
  VirtualWorld world(options);
  world.agent.stalled = true;
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kConnecting; }));
  world.Advance(Duration::Millis(3'500));
  if (world.state() != State::kConnecting) {
    // An agent that is ready when its sockets are open.
    EXPECT_EQ(world.Count("waiting"), 0U);
    return;
  }
  EXPECT_EQ(world.Count("waiting"), 1U);
  EXPECT_NEAR(static_cast<double>(world.line.heard_ms()), 2'000, 100);
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "noAnswer");
  EXPECT_EQ(world.effects_after_end(), 0);
}

// What is lost with the leg is no reply, and the wait goes on when it is back.
TEST_P(WaitingTest, ItGoesOnWhenTheLegIsBack) {
  VirtualWorld world(After(GetParam(), 500));
  Ask(world, 9'000);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("waiting") == 1; }));
  world.Advance(Duration::Millis(300));
  world.line.Drop();
  world.Advance(Duration::Millis(300));
  EXPECT_EQ(world.state(), State::kLegLost);
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("waiting") == 2; }));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  EXPECT_EQ(world.agent.asked(), 1);
}

INSTANTIATE_TEST_SUITE_P(Peers, WaitingTest, testing::ValuesIn(AllPeers()),
                         NameOfPeers);

}  // namespace
}  // namespace trunkline::test
