// What a call is, whoever its leg and its agent are: a greeting, turns,
// interruptions and the heard clock, through a whole session.

#include "support/world/peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "support/world/heard_reply.h"

namespace trunkline::test {
namespace {

using protocol::LegTraits;
using session::State;
using testing::HasSubstr;
using testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(Calls, PeersTest, testing::ValuesIn(AllPeers()),
                         NameOfPeers);

// What neither side may say of the other, and no line may hear.
void ExpectGoodManners(VirtualWorld& world) {
  EXPECT_THAT(world.line.violations(), IsEmpty());
  EXPECT_THAT(world.agent.errors(), IsEmpty());
  EXPECT_THAT(world.EventsOf("fault"), IsEmpty());
  EXPECT_EQ(world.line.underruns(), 0);
  EXPECT_TRUE(world.session().IsConsistent());
}

TEST_P(PeersTest, AGreetingIsHeardBeforeTheCallerSpeaks) {
  VirtualWorld::Options options = GetParam().Options();
  options.profile["greeting"] = "Good morning.";
  VirtualWorld world(options);
  world.agent.reply_ms = 1500;
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(world.state(), State::kListening);
  ASSERT_EQ(world.agent.items().size(), 1U);
  EXPECT_NEAR(static_cast<double>(world.HeardMs(world.agent.items().front())),
              1500, 5);
  EXPECT_THAT(world.agent.told(),
              testing::Contains(HasSubstr("Good morning.")));
  ExpectGoodManners(world);
}

TEST_P(PeersTest, ATurnIsAnsweredAndTheAnswerHeardToItsEnd) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 2340;
  Start(world);
  for (size_t turn = 1; turn <= 3; ++turn) {
    world.line.Say(Speech(1200, turn));
    const Instant spoken = world.now();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("turnEnded") == turn; }));
    // Silence of half a second or a bit more ends a turn.
    const int64_t after = (world.now() - spoken).ms() - 1200;
    EXPECT_GE(after, 400);
    EXPECT_LE(after, 900);
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("replyDone") == turn; }));
    ASSERT_EQ(world.agent.items().size(), turn);
    const Agent::Item& item = world.agent.items().back();
    EXPECT_NEAR(static_cast<double>(world.HeardMs(item)), 2340, 5);
    EXPECT_EQ(world.EventsOf("replyDone").back()["heardMs"], 2340);
    EXPECT_EQ(world.EventsOf("replyDone").back()["item"], item.id);
    world.Advance(Duration::Millis(300));
  }
  EXPECT_EQ(world.line.clears(), 0);
  EXPECT_EQ(world.agent.cancels(), 0);
  // All that he said came to the agent.
  EXPECT_GT(world.agent.heard_frames(), int64_t{3 * (1200 + 2340) / 20});
  ExpectGoodManners(world);
}

// By its events, a call is the same whatever its leg's width.
TEST_P(PeersTest, TheLegIsAsItsTraitsSay) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  HearReply(world, 2000);
  const LegTraits& traits = world.line.config().traits;
  const Json started = world.EventsOf("started").at(0);
  EXPECT_EQ(started["encoding"], ToString(traits.heard.encoding));
  EXPECT_EQ(started["sampleRateHz"], traits.heard.sample_rate_hz);
  EXPECT_EQ(started["carrierCallId"], "CA1");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  if (traits.max_message_bytes != 0) {
    EXPECT_LE(world.line.longest_message(), traits.max_message_bytes);
  }
  // Of one reply, the last piece.
  EXPECT_LE(world.line.odd_messages().size(), 1U);
  EXPECT_EQ(world.line.marks() > 0,
            traits.playback == LegTraits::Playback::kMarks);
  EXPECT_EQ(world.line.pauses() > 0,
            traits.flow_control == LegTraits::FlowControl::kPauses);
}

TEST_P(PeersTest, TheLineNeverHoldsMoreThanTheLead) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 6000;
  Start(world);
  world.line.Say(Speech(600));
  int64_t most = 0;
  world.RunUntil([&] {
    most = std::max(most, world.line.waiting_ms());
    return world.Count("replyDone") > 0;
  });
  EXPECT_LE(most, 220);
  EXPECT_GE(most, 100);
  ExpectGoodManners(world);
}

// The reply is cleared, cancelled and truncated where it was heard, and nothing
// of it comes after.
TEST_P(PeersTest, AnInterruptionIsWhereTheReplyWasHeard) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 20'000;
  world.agent.speed = 2;
  world.agent.late_pieces = 10;
  Start(world);
  HearReply(world, 1000);
  const Agent::Item item = world.agent.items().back();
  world.line.Say(Speech(1200, 3));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") == 1; }));
  world.Advance(Duration::Millis(1500));
  EXPECT_EQ(world.line.clears(), 1);
  EXPECT_EQ(world.agent.cancels(), 1);
  EXPECT_EQ(world.agent.truncations(), 1);
  const std::optional<int64_t> told =
      world.agent.items().front().truncated_at_ms;
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(world.EventsOf("truncated")[0]["audioEndMs"], *told);
  EXPECT_EQ(world.EventsOf("cleared")[0]["heardMs"], *told);
  EXPECT_NEAR(static_cast<double>(*told),
              static_cast<double>(world.HeardMs(item)), 5);
  ExpectGoodManners(world);
}

TEST_P(PeersTest, ACoughDoesNotLoseTheReply) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 4000;
  Start(world);
  HearReply(world, 700);
  const Agent::Item item = world.agent.items().back();
  world.line.Say(Speech(140, 7));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  world.Advance(Duration::Millis(3000));
  EXPECT_EQ(world.Count("cleared"), 1U);
  EXPECT_EQ(world.Count("resumed"), 1U);
  EXPECT_EQ(world.agent.truncations(), 0);
  EXPECT_EQ(world.agent.cancels(), 0);
  EXPECT_EQ(world.agent.items().size(), 1U);
  // It took the cough for a turn, or was told of one: it forgets it, once.
  EXPECT_EQ(world.agent.discards(), 1);
  // Every millisecond was heard, none of it twice; 20 ms of them fade in.
  EXPECT_NEAR(static_cast<double>(world.HeardMs(item)), 4000, 30);
  EXPECT_NEAR(static_cast<double>(world.line.heard_ms()), 4000, 5);
  ExpectGoodManners(world);
}

TEST_P(PeersTest, MediaThatStopsDoesNotKeepATurnOpen) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  world.line.Say(Speech(3000));
  world.Advance(Duration::Millis(1000));
  world.line.StopMedia();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.Count("turnEnded"), 1U);
  EXPECT_EQ(world.line.underruns(), 0);
}

TEST_P(PeersTest, LostFramesAreFilledSoThatTimeStaysTheCallers) {
  VirtualWorld world(GetParam().Options());
  world.line.loss_per_mille = 50;
  Start(world);
  const int64_t frames = world.agent.heard_frames();
  const Instant begun = world.now();
  world.line.Say(Speech(4000));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_NEAR(static_cast<double>((world.agent.heard_frames() - frames) * 20),
              static_cast<double>((world.now() - begun).ms()), 100);
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

// The heard clock through a whole session is what docs/protocol.md says of it:
// how far it may be from what a clear leaves heard, ms, at a delay of `there`
// each way and up to `jitter` more.
struct Way {
  int64_t there_ms;
  int64_t jitter_ms;
};

TEST_P(PeersTest, TheHeardClockIsWithinItsBound) {
  constexpr int kInterruptions = 8;
  int64_t worst = 0;
  for (const Way way : {Way{0, 0}, Way{10, 0}, Way{120, 0}, Way{40, 30}}) {
    SCOPED_TRACE(way.there_ms);
    VirtualWorld::Options options = GetParam().Options();
    options.leg_delay = Duration::Millis(way.there_ms);
    options.leg_jitter = Duration::Millis(way.jitter_ms);
    options.limits = {{"maxCallMs", 3'600'000}};
    VirtualWorld world(options);
    // Echoes or reports that are all late look like playback that slipped.
    const bool is_told =
        world.line.config().traits.playback != LegTraits::Playback::kClock;
    const int64_t less_ms = is_told && way.jitter_ms != 0 ? 12 : 2;
    Start(world);
    for (int i = 0; i < kInterruptions; ++i) {
      world.agent.reply_ms = 4000;
      // Never at real time: what comes late is heard late, and nobody knows.
      world.agent.speed = 2 + world.clock.Random(7);
      const size_t before = world.Count("truncated");
      HearReply(world, 300 + world.clock.Random(1500));
      if (HasFatalFailure()) return;
      const Agent::Item item = world.agent.items().back();
      const size_t cleared = world.Count("cleared");
      world.line.Say(Speech(700, world.clock.Random(8)));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("cleared") > cleared; }));
      const auto told =
          world.EventsOf("cleared").back()["heardMs"].get<int64_t>();
      // What a clear that takes the usual time leaves heard.
      world.Advance(options.leg_delay);
      const int64_t error = told - world.HeardMs(item);
      // An edge of a resampled item is known to 2 ms.
      EXPECT_GE(error, -2 - less_ms) << "told " << told;
      EXPECT_LE(error, 2 + 2 + way.jitter_ms) << "told " << told;
      worst = std::max<int64_t>(worst, std::abs(error));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("truncated") > before; }));
      EXPECT_EQ(world.EventsOf("truncated").back()["audioEndMs"], told);
      world.agent.reply_ms = 400;
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kThinking; }));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
    }
    EXPECT_EQ(world.Count("waiting"), 0U);
    // A cancel may cross the end of its reply on the way.
    EXPECT_THAT(world.agent.errors(),
                testing::Each("response_cancel_not_active"));
    EXPECT_THAT(world.line.violations(), IsEmpty());
  }
  RecordProperty("worst_ms", static_cast<int>(worst));
}

}  // namespace
}  // namespace trunkline::test
