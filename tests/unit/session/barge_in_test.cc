// Interruptions: what is cleared, what is kept, what upstream is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::State;

TEST(BargeInTest, SpeechOverTheReplyClearsWithinTheSameInput) {
  VirtualWorld world(RealtimeOptions(Duration()));
  Connect(world);
  HearReply(world, 1000);
  world.line.Say(Speech(1000));
  ASSERT_TRUE(world.RunUntil([&] { return world.line.clears() == 1; }));
  const std::vector<Json> started = world.EventsOf("speechStarted");
  const std::vector<Json> cleared = world.EventsOf("cleared");
  ASSERT_EQ(started.size(), 2U);
  ASSERT_EQ(cleared.size(), 1U);
  // The decision and the clear are one input.
  EXPECT_EQ(started.back()["atMs"], cleared.back()["atMs"]);
  // Speech began at most 60 ms and a frame before the decision.
  EXPECT_LE(cleared.back()["atMs"].get<int64_t>() -
                started.back()["startMs"].get<int64_t>(),
            120);
}

// The whole reply had been generated before the interruption: clear and
// truncate all the same (trap 2).
TEST(BargeInTest, ClearsWhenTheResponseIsAlreadyDone) {
  VirtualWorld world(RealtimeOptions(Duration()));
  world.agent.reply_ms = 3000;
  Connect(world);
  HearReply(world, 1500);  // at eight times real time it was done at 375 ms
  world.line.Say(Speech(1000));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  world.Advance(Duration::Millis(50));
  EXPECT_EQ(world.line.clears(), 1);
  EXPECT_EQ(world.realtime.CountReceived("conversation.item.truncate"), 1);
  // The response was over: a cancel would be an error (trap 4).
  EXPECT_EQ(world.realtime.CountReceived("response.cancel"), 0);
}

TEST(BargeInTest, CancelsWhatIsStillGenerated) {
  VirtualWorld world(RealtimeOptions(Duration()));
  world.agent.reply_ms = 20'000;
  world.agent.speed = 2;
  Connect(world);
  HearReply(world, 1000);
  world.line.Say(Speech(1000));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  world.Advance(Duration::Millis(50));
  EXPECT_EQ(world.realtime.CountReceived("response.cancel"), 1);
  EXPECT_THAT(world.agent.errors(), testing::IsEmpty());
}

// A cough of 150 ms in the middle of a reply (it is not lost, and nothing
// upstream hears of it).
TEST(BargeInTest, ACoughDoesNotLoseTheReply) {
  for (const char* agent : {"openai-realtime", "parrot"}) {
    SCOPED_TRACE(agent);
    VirtualWorld::Options options = RealtimeOptions(Duration::Millis(15));
    options.agent = agent;
    VirtualWorld world(options);
    Connect(world);
    world.line.Say(Speech(2000));
    ASSERT_TRUE(world.RunUntil([&] {
      return world.state() == State::kSpeaking && world.line.heard_ms() > 700;
    }));
    world.line.Say(Speech(140, /*seed=*/7));
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
    EXPECT_EQ(world.Count("cleared"), 1U);
    EXPECT_EQ(world.Count("resumed"), 1U);
    EXPECT_THAT(world.EventsOf("truncated"), testing::IsEmpty());
    EXPECT_EQ(world.realtime.CountReceived("conversation.item.truncate"), 0);
    EXPECT_EQ(world.realtime.CountReceived("response.cancel"), 0);
    if (options.agent == "openai-realtime") {
      // The provider took the cough for a turn: it is taken back, unanswered.
      world.Advance(Duration::Millis(3000));
      EXPECT_EQ(world.agent.items().size(), 1U);
      EXPECT_EQ(world.realtime.CountReceived("conversation.item.delete"), 1);
      // Every millisecond of the reply was heard, none of it twice.
      const Agent::Item& item = world.agent.items().front();
      EXPECT_NEAR(static_cast<double>(world.HeardMs(item)),
                  static_cast<double>(item.generated_ms), 60);
    }
  }
}

class ToldBargeInTest : public ToldProviderTest {};

// The texts of earlier turns are slow: their words cost the reply that a cough
// had interrupted.
TEST_F(ToldBargeInTest, WordsOfAnEarlierTurnProveNothing) {
  for (const std::string item : {"u1", "u2", "u3"}) {
    SCOPED_TRACE(item);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Created(world, "r0");
    Committed(world, "u2");
    Done(world, "r0", "cancelled");
    Reply(world, "r1", 4'000);
    world.Advance(Duration::Millis(500));
    world.line.Say(Speech(180, 3));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kInterrupted; }));
    CallerText(world, item, "I want to cancel my order");
    world.Advance(Duration::Millis(1'000));
    const bool proves = item == "u3";
    EXPECT_EQ(world.Count("truncated"), proves ? 1U : 0U);
    EXPECT_EQ(world.Count("resumed"), proves ? 0U : 1U);
  }
}

// Nor are words of the cough itself, once it was taken for a turn, of another.
TEST_F(ToldBargeInTest, WordsOfATurnThatWasTakenMeanwhileProveIt) {
  VirtualWorld world(Options());
  Start(world);
  Committed(world, "u1");
  Reply(world, "r1", 4'000);
  world.Advance(Duration::Millis(500));
  Hears(world, true);
  ASSERT_EQ(world.state(), State::kInterrupted);
  Committed(world, "u2");
  CallerText(world, "u2", "Stop");
  EXPECT_EQ(world.Count("truncated"), 1U);
}

// His turn had been answered by the greeting: with the cough it went as well.
TEST_F(ToldBargeInTest, ACoughInTheGreetingDeletesNothing) {
  VirtualWorld::Options options = Options();
  options.profile["greeting"] = "Hello this call is recorded";
  VirtualWorld world(options);
  world.agent.think = Duration::Millis(60'000);
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.agent.stalled = true;
  Created(world, "r0");
  Committed(world, "u1");
  Done(world, "r0", "cancelled");
  Created(world, "r1");
  Sound(world, "r1", "i1", 4'000);
  Done(world, "r1");
  world.Advance(Duration::Millis(1'000));
  ASSERT_EQ(world.state(), State::kSpeaking);
  world.line.Say(Speech(180, 3));
  world.Advance(Duration::Millis(1'500));
  ASSERT_EQ(world.Count("resumed"), 1U);
  EXPECT_EQ(Deleted(world), 0);
}

// A commit that comes twice was a cough over the reply to itself.
TEST_F(ToldBargeInTest, ACommitThatComesTwiceIsNoTurn) {
  for (const bool speaking : {true, false}) {
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    if (speaking) Sound(world, "r1", "i1", 2'000);
    Committed(world, "u1");
    EXPECT_EQ(Deleted(world), 0);
    EXPECT_EQ(Asked(world), 1);
    EXPECT_EQ(world.Count("turnEnded"), 1U);
    // Another one over the reply is none.
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), speaking ? 1 : 0);
  }
}

// A caller on a loudspeaker: the parrot's voice comes back 20 dB down, 120 ms
// later.
VirtualWorld::Options LoudspeakerOptions(const char* guard) {
  VirtualWorld::Options options = RealtimeOptions(Duration::Millis(30));
  options.agent = "parrot";
  options.profile = {{"echoGuard", guard}};
  return options;
}

void SwitchLoudspeakerOn(VirtualWorld& world) {
  world.line.loudspeaker_delay = Duration::Millis(120);
  world.line.loudspeaker_gain = 0.1;
}

TEST(EchoTest, TheAgentsOwnVoiceIsNoInterruption) {
  for (const bool guarded : {false, true}) {
    VirtualWorld world(LoudspeakerOptions(guarded ? "on" : "off"));
    SwitchLoudspeakerOn(world);
    Connect(world);
    for (int turn = 0; turn < 4; ++turn) {
      world.line.Say(Speech(2500, static_cast<uint64_t>(turn)));
      world.Advance(Duration::Millis(7000));
    }
    if (guarded) {
      EXPECT_EQ(world.Count("cleared"), 0U);
      EXPECT_EQ(world.Count("replyDone"), 4U);
    } else {
      // Or this test would show nothing.
      EXPECT_GT(world.Count("cleared"), 0U);
    }
  }
}

TEST(EchoTest, ACallerOverTheEchoIsHeard) {
  VirtualWorld world(LoudspeakerOptions("on"));
  SwitchLoudspeakerOn(world);
  Connect(world);
  // One reply in peace, for the guard to find the echo.
  world.line.Say(Speech(3000, 1));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  for (size_t turn = 1; turn <= 3; ++turn) {
    world.line.Say(Speech(3500, turn));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kSpeaking; }));
    world.Advance(Duration::Millis(1200));
    const Instant spoke = world.now();
    world.line.Say(Speech(900, turn + 3));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("truncated") == turn; }));
    // Confirmed by 300 ms of speech that began 50 ms after.
    EXPECT_LT((world.now() - spoke).ms(), 600);
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("replyDone") > turn; }));
  }
}

// Trap 1: after a clear the carrier echoes every pending mark; none of them is
// playback.
TEST(BargeInTest, EchoesOfClearedMarksAreNotPlayback) {
  VirtualWorld world(RealtimeOptions(Duration::Millis(30)));
  Connect(world);
  HearReply(world, 1000);
  world.line.Say(Speech(1200));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  const Agent::Item& item = world.agent.items().back();
  const int64_t heard = world.HeardMs(item);
  const int64_t told =
      world.EventsOf("truncated")[0]["audioEndMs"].get<int64_t>();
  EXPECT_LE(std::llabs(told - heard), 40);
  // A truncation by sent time would be beyond it by the lead.
  EXPECT_LT(told, heard + 100);
}

// Trap 11: deltas of the cancelled response that still arrive are not played.
TEST(BargeInTest, LateAudioOfACancelledResponseIsDropped) {
  VirtualWorld world(RealtimeOptions(Duration()));
  world.agent.reply_ms = 20'000;
  world.agent.speed = 2;
  world.agent.late_pieces = 10;
  Connect(world);
  HearReply(world, 1000);
  const Agent::Item item = world.agent.items().back();
  world.line.Say(Speech(1200));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  const int64_t heard = world.HeardMs(item);
  world.Advance(Duration::Millis(1500));
  EXPECT_EQ(world.HeardMs(item), heard);
}

}  // namespace
}  // namespace trunkline::test
