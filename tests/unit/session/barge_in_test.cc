// Interruptions: what is cleared, what is kept, what upstream is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::State;

VirtualWorld::Options RealtimeOptions(Duration leg_delay, uint64_t seed = 1) {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.leg_delay = leg_delay;
  options.seed = seed;
  options.limits = {{"maxCallMs", 86'000'000}};
  return options;
}

// Connects, speaks one turn and runs until the reply has been heard for `ms`.
void HearReply(VirtualWorld& world, int64_t ms) {
  const size_t items = world.agent.items().size();
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] {
    return world.agent.items().size() > items &&
           world.HeardMs(world.agent.items().back()) >= ms;
  })) << session::ToString(world.state());
}

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

// Traps 1, 3 and 11 over a thousand interruptions at random instants, with
// network delays, jittered echoes and replies that are over or are not.
TEST(BargeInTest, AThousandInterruptionsAreTruncatedWhereTheyWereHeard) {
  constexpr int kCalls = 20;
  constexpr int kPerCall = 50;
  int64_t worst = 0;
  int64_t sum = 0;
  int count = 0;
  for (int call = 0; call < kCalls; ++call) {
    SCOPED_TRACE(call);
    VirtualWorld world(RealtimeOptions(Duration::Millis(call * 4),
                                       static_cast<uint64_t>(call) + 1));
    world.line.echo_jitter = Duration::Millis(call % 3 * 8);
    Connect(world);
    for (int i = 0; i < kPerCall; ++i) {
      world.agent.reply_ms = 2500 + world.clock.Random(6000);
      world.agent.speed = 1 + world.clock.Random(8);
      const auto truncations = world.Count("truncated");
      HearReply(world, 100 + world.clock.Random(1900));
      if (HasFatalFailure()) return;
      const Agent::Item item = world.agent.items().back();
      world.line.Say(Speech(600 + static_cast<int>(world.clock.Random(20)) * 20,
                            world.clock.Random(100)));
      ASSERT_TRUE(world.RunUntil(
          [&] { return world.Count("truncated") > truncations; }));
      // Until the clear and the truncation have arrived.
      world.Advance(Duration::Millis(200));
      const Agent::Item* now = nullptr;
      for (const auto& candidate : world.agent.items()) {
        if (candidate.id == item.id) now = &candidate;
      }
      ASSERT_TRUE(now != nullptr && now->truncated_at_ms.has_value());
      const int64_t heard = world.HeardMs(item);
      const int64_t error = std::llabs(*now->truncated_at_ms - heard);
      EXPECT_LE(error, 40) << "heard " << heard;
      EXPECT_LE(*now->truncated_at_ms, now->generated_ms);
      worst = std::max(worst, error);
      sum += error;
      ++count;
      // Let the turn that interrupted be answered, and that be heard; a short
      // answer is one as well.
      world.agent.reply_ms = 600;
      const size_t items = world.agent.items().size();
      ASSERT_TRUE(world.RunUntil([&] {
        return world.agent.items().size() > items ||
               world.agent.items().back().id != item.id;
      }));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      // Nothing of the old reply came after the clear.
      EXPECT_EQ(world.HeardMs(item), heard);
    }
    // A cancel may cross the end of its response on the way; nothing else may
    // be refused, least of all a truncation.
    EXPECT_THAT(world.agent.errors(),
                testing::Each("response_cancel_not_active"));
    EXPECT_THAT(world.line.violations(), testing::IsEmpty());
  }
  EXPECT_EQ(count, kCalls * kPerCall);
  RecordProperty("worst_ms", static_cast<int>(worst));
  RecordProperty("mean_ms", static_cast<int>(sum / count));
  std::printf(
      "truncation error over %d interruptions: mean %lld ms, worst %lld ms\n",
      count, static_cast<long long>(sum / count),
      static_cast<long long>(worst));
}

}  // namespace
}  // namespace trunkline::test
