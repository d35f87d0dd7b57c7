// A caller who has asked is answered, or the call says that the agent has
// failed him: whatever is heard of him here and at the provider, and whenever.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class UnansweredTest : public ToldProviderTest {
 protected:
  // By when a caller who waits is answered, or the provider replaced: the time
  // of a reply, that of the agent to be there, and what it thinks.
  static constexpr int64_t kSoonMs = 20'000;

  // Asked again within the time, and never a second time in vain.
  static void ExpectAnotherReply(VirtualWorld& world) {
    const int asked = Asked(world);
    EXPECT_LT(MsUntil(world, [&] { return Asked(world) > asked; }), kSoonMs)
        << world.EndReason();
    EXPECT_EQ(Asked(world), asked + 1);
  }
  // The carrier's echoes of marks come so much later, or never for -1.
  static void DelayMarks(VirtualWorld& world, int64_t late_ms) {
    world.tamper_with_line = [&world, late_ms](
                                 Message message,
                                 const std::function<void(Message)>& deliver) {
      if (message.bytes.find(R"("event":"mark")") == std::string::npos) {
        deliver(std::move(message));
      } else if (late_ms >= 0) {
        world.clock.After(Duration::Millis(late_ms),
                          [message, deliver] { deliver(message); });
      }
    };
  }
};

// The reply was given up for a noise that the provider does not hear, and
// nobody asked for it again.
TEST_F(UnansweredTest, ANoiseDoesNotCostTheReplyThatIsAwaited) {
  for (const int ms : {320, 340, 400, 500, 560}) {
    SCOPED_TRACE(ms);
    VirtualWorld world(Options());
    Start(world, Mind::kOwn);
    world.agent.think = Duration::Millis(3'000);
    world.line.Say(Speech(1'000));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kThinking; }));
    world.agent.has_vad = false;
    world.Advance(Duration::Millis(1'000));
    world.line.Say(Speech(ms, 3));
    EXPECT_LT(MsUntil(world, [&] { return world.Count("replyStarted") > 0; }),
              kSoonMs);
    EXPECT_EQ(world.Count("replyStarted"), 1U);
    EXPECT_EQ(world.agent.asked(), 2);
  }
}

TEST_F(UnansweredTest, NorTheRestOfOneThatPlays) {
  for (const int ms : {360, 420, 560}) {
    SCOPED_TRACE(ms);
    VirtualWorld world(Options());
    Start(world, Mind::kOwn);
    world.agent.reply_ms = 6'000;
    HearReply(world, 1'000);
    if (HasFatalFailure()) return;
    world.agent.has_vad = false;
    world.line.Say(Speech(ms, 3));
    ExpectAnotherReply(world);
  }
}

// A turn of his is answered once, not the noise and the turn.
TEST_F(UnansweredTest, WhatBecomesATurnIsAskedForOnce) {
  VirtualWorld world(Options());
  Start(world, Mind::kOwn);
  world.agent.reply_ms = 6'000;
  HearReply(world, 1'000);
  if (HasFatalFailure()) return;
  world.line.Say(Speech(900, 3));
  ASSERT_TRUE(world.RunUntil([&] { return world.agent.asked() == 2; }));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(world.agent.asked(), 2);
}

// Who interrupts a text by command wants no reply.
TEST_F(UnansweredTest, ANoiseOverATextByCommandAsksForNothing) {
  VirtualWorld world(Options());
  Start(world, Mind::kOwn);
  world.agent.reply_ms = 6'000;
  world.Command({{"type", "say"}, {"text", "One moment please"}});
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.Advance(Duration::Millis(2'000));
  world.agent.has_vad = false;
  world.line.Say(Speech(420, 3));
  const int asked = Asked(world);
  world.Advance(Duration::Millis(kSoonMs));
  EXPECT_EQ(Asked(world), asked);
}

// Each turn was too short to be missed for sure, and each gave the silence that
// ends a call another minute.
TEST_F(UnansweredTest, ADeafProviderIsNoticedByShortTurnsToo) {
  for (const auto& [speech_ms, pause_ms] :
       {std::pair{440, 5'000}, std::pair{250, 4'000}, std::pair{200, 12'000}}) {
    SCOPED_TRACE(speech_ms);
    VirtualWorld world(Options());
    Start(world, Mind::kOwn);
    world.agent.has_vad = false;
    const Instant from = world.now();
    for (int i = 0; i < 12 && world.Count("agentFailed") == 0; ++i) {
      world.line.Say(Speech(speech_ms, static_cast<uint64_t>(i)));
      world.Advance(Duration::Millis(pause_ms));
    }
    ASSERT_EQ(world.Count("agentFailed"), 1U);
    EXPECT_EQ(world.EventsOf("agentFailed")[0]["code"], "deaf");
    EXPECT_LT((world.now() - from).ms(), 65'000);
    // The next one is asked for the reply that he waits for.
    EXPECT_LT(MsUntil(world, [&] { return world.Count("replyStarted") == 1; }),
              kSoonMs);
    EXPECT_EQ(Asked(world), 1);
  }
}

// A provider that takes none of them is deaf however often it is replaced: what
// it says unasked does not show that it hears.
TEST_F(UnansweredTest, AProviderThatStaysDeafHasFailed) {
  VirtualWorld world(Options());
  Start(world, Mind::kOwn);
  world.agent.reply_ms = 1'000;
  world.agent.has_vad = false;
  for (int i = 0; i < 12 && world.ended().empty(); ++i) {
    world.line.Say(Speech(1'000, static_cast<uint64_t>(i)));
    world.Advance(Duration::Millis(10'000));
  }
  EXPECT_EQ(world.EndReason(), "agentFailed");
}

// Turns that are taken in between count for nothing.
TEST_F(UnansweredTest, CoughsBetweenTurnsAreNoDeafness) {
  VirtualWorld world(Options());
  Start(world, Mind::kOwn);
  world.agent.reply_ms = 500;
  for (int i = 0; i < 5; ++i) {
    world.agent.has_vad = false;
    world.line.Say(Speech(300, 3));
    world.Advance(Duration::Millis(2'000));
    world.agent.has_vad = true;
    world.line.Say(Speech(900, 4));
    world.Advance(Duration::Millis(14'000));
  }
  EXPECT_EQ(world.Count("agentFailed"), 0U);
  EXPECT_EQ(world.agent.asked(), 5);
}

// The turn was over before the agent was ready, and nobody waited for the
// provider to take it from what it was fed.
TEST_F(UnansweredTest, ATurnThatEndedBeforeTheAgentWasReadyHasADeadline) {
  VirtualWorld world(Options());
  world.agent.stalled = true;
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kConnecting; }));
  world.line.Say(Speech(1'500));
  world.Advance(Duration::Millis(4'000));
  world.agent.has_vad = false;
  world.agent.stalled = false;
  Tell(world, {{"type", "session.created"}});
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  EXPECT_LT(MsUntil(world, [&] { return world.Count("agentFailed") > 0; }),
            kSoonMs);
  EXPECT_EQ(world.EventsOf("agentFailed")[0]["code"], "deaf");
  ExpectAnotherReply(world);
}

// The same of an agent that was away, and of one that does take it.
TEST_F(UnansweredTest, ATurnWhileTheAgentIsAwayIsTakenOrMissed) {
  for (const bool hears : {true, false}) {
    SCOPED_TRACE(hears);
    VirtualWorld world(Options());
    Start(world, Mind::kOwn);
    world.agent.stalled = true;
    world.agent.Drop(1011);
    world.line.Say(Speech(1'500));
    world.Advance(Duration::Millis(4'000));
    ASSERT_EQ(world.state(), State::kListening);
    world.agent.has_vad = hears;
    world.agent.stalled = false;
    Tell(world, {{"type", "session.created"}});
    EXPECT_LT(MsUntil(world, [&] { return world.agent.asked() > 0; }), kSoonMs);
    EXPECT_EQ(world.Count("agentFailed"), hears ? 1U : 2U);
  }
}

// What he had said was lost with the socket of a provider that had not taken
// it.
TEST_F(UnansweredTest, ATurnThatDiesWithTheSocketIsAnsweredByTheNext) {
  VirtualWorld world(Options());
  Start(world, Mind::kOwn);
  world.agent.has_vad = false;
  world.line.Say(Speech(1'500));
  world.Advance(Duration::Millis(4'000));
  world.agent.Drop(1011);
  ExpectAnotherReply(world);
}

// The model was told of the digits, and nobody asked it for a reply.
TEST_F(UnansweredTest, DigitsInANoiseAreAnswered) {
  for (const int ms : {120, 250, 500}) {
    for (const bool thinking : {false, true}) {
      SCOPED_TRACE(std::to_string(ms) + (thinking ? " thinking" : ""));
      VirtualWorld world(Options());
      Start(world, Mind::kOwn);
      if (thinking) {
        world.agent.think = Duration::Millis(2'500);
        world.line.Say(Speech(900));
        ASSERT_TRUE(
            world.RunUntil([&] { return world.state() == State::kThinking; }));
      }
      world.agent.has_vad = false;
      world.line.Say(Speech(ms, 3));
      world.Advance(Duration::Millis(200));
      world.line.Press('4');
      world.line.Press('#');
      ASSERT_TRUE(world.RunUntil([&] { return !world.agent.told().empty(); }));
      ExpectAnotherReply(world);
      EXPECT_LT(
          MsUntil(world, [&] { return world.Count("replyStarted") == 1; }),
          kSoonMs);
    }
  }
}

// Keys over a reply are a turn of his for sure: they are answered when they are
// whole, and until then he does not wait for us.
TEST_F(UnansweredTest, KeysOverAReplyAreAnsweredOnce) {
  VirtualWorld::Options options = Options();
  options.limits["waitingMs"] = 400;
  VirtualWorld world(options);
  Start(world, Mind::kOwn);
  world.agent.reply_ms = 4'000;
  HearReply(world, 500);
  if (HasFatalFailure()) return;
  for (int i = 0; i < 4; ++i) {
    world.line.Press('4');
    world.Advance(Duration::Millis(900));
    EXPECT_EQ(world.agent.asked(), 1);
  }
  EXPECT_EQ(world.Count("waiting"), 0U);
  ExpectAnotherReply(world);
}

// The leg says late, or never, that it has played a reply: "yes" behind it was
// taken for a cough over it.
TEST_F(UnansweredTest, AShortAnswerToAReplyThatMustBeOverIsTaken) {
  for (const int64_t late_ms : {0, 300, 700, 1'500, -1}) {
    for (const int64_t after_ms : {100, 300, 900}) {
      SCOPED_TRACE(std::to_string(late_ms) + " " + std::to_string(after_ms));
      VirtualWorld world(Options());
      DelayMarks(world, late_ms);
      Start(world, Mind::kOwn);
      world.agent.reply_ms = 800;
      world.line.Say(Speech(800));
      ASSERT_TRUE(world.RunUntil([&] {
        return !world.agent.items().empty() &&
               world.HeardMs(world.agent.items().back()) >= 799;
      }));
      world.Advance(Duration::Millis(after_ms));
      world.line.Say(Speech(240, 3));
      ExpectAnotherReply(world);
      EXPECT_EQ(world.agent.discards(), 0);
      EXPECT_EQ(world.Count("resumed"), 0U);
      EXPECT_NEAR(world.EventsOf("replyDone").at(0)["heardMs"].get<double>(),
                  800, 5);
    }
  }
}

// Speech of which the provider says that it has begun, and no more: the reply
// was given up for it.
TEST_F(UnansweredTest, SpeechThatNeverBecomesATurnDoesNotCostTheReply) {
  for (const bool stops : {false, true}) {
    SCOPED_TRACE(stops);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Reply(world, "r1", 4'000);
    world.Advance(Duration::Millis(600));
    Hears(world, true);
    world.Advance(Duration::Millis(1'000));
    ASSERT_EQ(world.state(), State::kListening);
    if (stops) Hears(world, false);
    ExpectAnotherReply(world);
  }
}

// The silence after a question is the agent's, and that is what the end says;
// the silence after a reply is the caller's.
TEST_F(UnansweredTest, ASilenceThatEndsTheCallIsNamedByWhoseItIs) {
  for (const bool answers : {true, false}) {
    SCOPED_TRACE(answers);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    if (answers) {
      Reply(world, "r1", 800);
    } else {
      Created(world, "r1");
      Done(world, "r1");
    }
    MsUntil(world, [] { return false; });
    EXPECT_EQ(world.EndReason(), answers ? "deadAir" : "agentFailed");
  }
}

}  // namespace
}  // namespace trunkline::test
