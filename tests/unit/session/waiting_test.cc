// A caller who waits for the agent hears that he waits, soon and softly, and
// not a moment longer.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/world/peers.h"
#include "support/world/told_provider.h"
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

// Waits in other states than those that are nothing else.
class LongWaitTest : public ToldProviderTest {
 protected:
  // Of so much time from now on: it is silent for 1.5 s at most, and all of the
  // rest is the sound, without a gap.
  static void ExpectSound(VirtualWorld& world, int64_t ms) {
    const int64_t before_ms = world.line.heard_ms();
    world.Advance(Duration::Millis(ms));
    EXPECT_GE(world.line.heard_ms() - before_ms, ms - 1'500 - 100);
    EXPECT_EQ(world.Count("waiting"), 1U);
    EXPECT_EQ(world.line.underruns(), 0);
  }
  static void Arguments(VirtualWorld& world) {
    Tell(world, {{"type", "response.function_call_arguments.delta"},
                 {"response_id", "r1"},
                 {"item_id", "f1"},
                 {"delta", "x"}});
  }
  // A preamble of a second is heard, and the reply is not over.
  static void Preamble(VirtualWorld& world, int64_t ms = 1'000) {
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", ms);
    world.Advance(Duration::Millis(1'200));
    ASSERT_EQ(world.state(), State::kSpeaking);
  }
};

TEST_F(LongWaitTest, TheMiddleOfAReply) {
  VirtualWorld world(Options());
  Preamble(world);
  Arguments(world);
  ExpectSound(world, 7'000);
  // Its tool works, which is the same wait.
  Call(world, "r1", "c1", "lookup");
  Done(world, "r1");
  EXPECT_EQ(world.state(), State::kThinking);
  const int64_t before_ms = world.line.heard_ms();
  world.Advance(Duration::Millis(2'000));
  EXPECT_GE(world.line.heard_ms() - before_ms, 1'980);
  EXPECT_EQ(world.Count("waiting"), 1U);
  EXPECT_EQ(world.line.underruns(), 0);
  // What was heard before it was heard, and ended then.
  ASSERT_EQ(world.Count("replyDone"), 1U);
  EXPECT_EQ(world.EventsOf("replyDone")[0]["item"], "i1");
  EXPECT_EQ(world.EventsOf("replyDone")[0]["heardMs"], 1'000);
  ASSERT_EQ(world.Count("line"), 0U);
  world.Command(
      {{"type", "toolResult"}, {"toolCallId", "c1"}, {"output", "nine"}});
  Reply(world, "r2", 600);
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  EXPECT_EQ(world.Count("replyDone"), 2U);
}

// The rest is heard as soon as it is there, behind no part of the sound.
TEST_F(LongWaitTest, TheRestOfAReplyEndsIt) {
  // One that is no whole number of the leg's frames as well.
  for (const int64_t ms : {1'000, 1'007}) {
    SCOPED_TRACE(ms);
    VirtualWorld world(Options());
    Preamble(world, ms);
    world.Advance(Duration::Millis(4'000));
    ASSERT_EQ(world.Count("waiting"), 1U);
    const int clears = world.line.clears();
    Sound(world, "r1", "i1", 900);
    EXPECT_EQ(world.line.clears(), clears + 1);
    Done(world, "r1");
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kListening; },
                       Duration::Millis(1'300)));
    EXPECT_EQ(world.Count("replyDone"), 1U);
    EXPECT_NEAR(world.EventsOf("replyDone")[0]["heardMs"].get<double>(),
                static_cast<double>(ms + 900), 20);
    EXPECT_EQ(world.Count("truncated"), 0U);
  }
}

// A reply whose rest has no sound is over with its end.
TEST_F(LongWaitTest, AnEndWithoutMoreEndsIt) {
  VirtualWorld world(Options());
  Preamble(world);
  world.Advance(Duration::Millis(3'000));
  ASSERT_EQ(world.Count("waiting"), 1U);
  Done(world, "r1");
  EXPECT_EQ(world.state(), State::kListening);
  world.Advance(Duration::Millis(100));
  const int64_t before_ms = world.line.heard_ms();
  world.Advance(Duration::Millis(3'000));
  EXPECT_EQ(world.line.heard_ms(), before_ms);
  EXPECT_EQ(world.EventsOf("replyDone").at(0)["heardMs"], 1'000);
}

// He speaks into it: a cough, or more.
TEST_F(LongWaitTest, SpeechInTheMiddleOfAReplyEndsIt) {
  for (const int speech_ms : {180, 900}) {
    SCOPED_TRACE(speech_ms);
    VirtualWorld world(Options());
    Preamble(world);
    world.Advance(Duration::Millis(3'000));
    ASSERT_EQ(world.Count("waiting"), 1U);
    world.line.Say(Speech(speech_ms, 3));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kInterrupted; }));
    EXPECT_EQ(world.EventsOf("cleared").at(0)["item"], "i1");
    EXPECT_EQ(world.EventsOf("cleared").at(0)["heardMs"], 1'000);
    world.Advance(Duration::Millis(800));
    const bool cough = speech_ms < 300;
    EXPECT_EQ(world.state(), cough ? State::kSpeaking : State::kListening);
    EXPECT_EQ(world.Count("truncated"), 0U);
    if (!cough) continue;
    Sound(world, "r1", "i1", 600);
    Done(world, "r1");
    world.Advance(Duration::Millis(1'200));
    EXPECT_EQ(world.EventsOf("replyDone").at(0)["heardMs"], 1'600);
  }
}

TEST_F(LongWaitTest, ATurnThatNobodyTakes) {
  VirtualWorld world(Options());
  Start(world);
  world.line.Say(Speech(1'500));
  // With the silence that ends it.
  world.Advance(Duration::Millis(2'050));
  ExpectSound(world, 10'000);
  // The provider is replaced, and asked: one wait.
  world.agent.stalled = false;
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyStarted") == 1; }));
  EXPECT_EQ(world.Count("waiting"), 1U);
  EXPECT_EQ(world.line.underruns(), 0);
}

// A cough is not waited for.
TEST_F(LongWaitTest, WhatMayHaveBeenNoTurnIsNotWaitedFor) {
  VirtualWorld world(Options());
  Start(world);
  world.line.Say(Speech(300));
  world.Advance(Duration::Millis(20'000));
  EXPECT_EQ(world.Count("waiting"), 0U);
}

TEST_F(LongWaitTest, AnAgentThatIsAwayWhenHeAsks) {
  VirtualWorld world(Options());
  Start(world);
  world.agent.Drop(1011);
  world.line.Say(Speech(1'500));
  world.Advance(Duration::Millis(2'050));
  ExpectSound(world, 7'000);
  // He goes on: not a note over it.
  world.line.Say(Speech(1'000, 3));
  world.Advance(Duration::Millis(250));
  const int64_t before_ms = world.line.heard_ms();
  world.Advance(Duration::Millis(600));
  EXPECT_EQ(world.line.heard_ms(), before_ms);
}

INSTANTIATE_TEST_SUITE_P(Peers, WaitingTest, testing::ValuesIn(AllPeers()),
                         NameOfPeers);

}  // namespace
}  // namespace trunkline::test
