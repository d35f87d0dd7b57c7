// Where interruptions cut a reply, over many of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "support/world/heard_reply.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::State;

// Traps 1, 3 and 11 over a thousand interruptions at random instants, with
// network delays, jittered echoes and replies that are over or are not.
TEST(InterruptionsTest, AThousandAreTruncatedWhereTheyWereHeard) {
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
