#include "media/playout.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::ItemId;

constexpr AudioFormat kMuLaw{Encoding::kMuLaw, 8000};

Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

std::vector<uint8_t> Bytes(size_t count, uint8_t value) {
  return std::vector<uint8_t>(count, value);
}

// A leg that plays what it is sent, `delay` away in each direction.
class PlayoutTest : public testing::Test {
 protected:
  Playout playout{{kMuLaw, Duration::Millis(200), Duration::Millis(160)}};

  // Sends all that may be sent now; returns the bytes and keeps the marks.
  size_t Send(int64_t now_ms) {
    size_t sent = 0;
    for (;;) {
      const auto chunk = playout.NextChunk(At(now_ms));
      if (chunk.empty()) break;
      sent += chunk.size();
      if (const auto mark = playout.TakeMark()) marks.push_back(*mark);
    }
    if (const auto mark = playout.TakeMark()) marks.push_back(*mark);
    return sent;
  }
  std::vector<protocol::MarkId> marks;
};

TEST_F(PlayoutTest, SendsTheLeadAndThenRealTime) {
  playout.Append(ItemId{1}, Bytes(8000, 7));
  playout.EndReply();
  EXPECT_EQ(Send(1000), 1600U);
  EXPECT_EQ(Send(1000), 0U);
  EXPECT_EQ(Send(1019), 0U);
  EXPECT_EQ(Send(1020), 0U);
  EXPECT_EQ(Send(1039), 0U);
  EXPECT_EQ(Send(1040), 320U);
  EXPECT_EQ(Send(1100), 480U);
  EXPECT_EQ(playout.heard(At(1100)), 800U);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0], (protocol::MarkId{0, 1280}));
}

TEST_F(PlayoutTest, SendsTwoChunksAtATimeWhileTheLegHasEnough) {
  playout.Append(ItemId{1}, Bytes(1600 + 640, 7));
  EXPECT_EQ(Send(1000), 1600U);
  // Two frames of the caller's are one message to the leg.
  EXPECT_EQ(Send(1020), 0U);
  EXPECT_EQ(Send(1040), 320U);
  EXPECT_EQ(Send(1060), 0U);
  // Late: the leg has only 100 ms left.
  EXPECT_EQ(Send(1140), 320U);
  playout.Append(ItemId{1}, Bytes(160, 7));
  // The only chunk there is does not wait for another.
  EXPECT_EQ(Send(1141), 160U);
}

// A lead that is hardly enough for late frames is kept up by every frame.
TEST(PlayoutLeadTest, AShortLeadIsFilledChunkByChunk) {
  Playout playout({.format = {protocol::Encoding::kMuLaw, 8000},
                   .lead = Duration::Millis(100)});
  playout.Append(ItemId{1}, Bytes(8000, 7));
  EXPECT_EQ(playout.NextChunk(At(1000)).size(), 800U);
  for (int ms = 1020; ms < 1200; ms += 20) {
    EXPECT_EQ(playout.NextChunk(At(ms)).size(), 160U) << ms;
  }
}

TEST_F(PlayoutTest, IsNeverHeardBeyondWhatWasSent) {
  playout.Append(ItemId{1}, Bytes(320, 7));
  EXPECT_EQ(Send(1000), 320U);
  EXPECT_EQ(playout.heard(At(5000)), 320U);
  EXPECT_FALSE(playout.done(At(5000)));  // more may come
  playout.EndReply();
  EXPECT_EQ(Send(5000), 0U);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_TRUE(playout.OnMark(marks[0], At(5001)));
  EXPECT_TRUE(playout.done(At(5001)));
}

TEST_F(PlayoutTest, KnowsWhenTheLastWasHeard) {
  playout.Append(ItemId{1}, Bytes(3200, 7));
  Send(1000);
  EXPECT_EQ(playout.HeardAt(At(1100)), At(1100));
  // A mark is overdue: the clock stands where it was.
  EXPECT_LT(playout.HeardAt(At(1500)), At(1300));
  ASSERT_FALSE(marks.empty());
  EXPECT_TRUE(playout.OnMark(marks.back(), At(1160)));
  // The lead was sent, and no more: it was heard to its end.
  EXPECT_EQ(playout.HeardAt(At(5000)), At(1200));
  playout.Interrupt(At(5000));
  EXPECT_EQ(playout.HeardAt(At(6000)), At(5000));
}

TEST_F(PlayoutTest, KeepsATailForTheEndOfTheReply) {
  playout.Append(ItemId{1}, Bytes(170, 7));
  EXPECT_EQ(Send(1000), 160U);
  playout.EndReply();
  EXPECT_EQ(Send(1001), 10U);
}

// The leg stops playing: the clock must not run on.
TEST_F(PlayoutTest, AnOverdueMarkStopsTheClock) {
  playout.Append(ItemId{1}, Bytes(80'000, 7));
  for (int64_t ms = 1000; ms <= 1160; ms += 20) Send(ms);
  ASSERT_FALSE(marks.empty());
  EXPECT_TRUE(playout.OnMark(marks[0], At(1180)));  // a round trip of 20 ms
  for (int64_t ms = 1180; ms <= 3000; ms += 20) Send(ms);
  // The next mark, at 320 ms, was due at 1340 and its grace is over.
  EXPECT_EQ(playout.heard(At(1800)), 2560U);
}

// One that never echoes any is heard all the same.
TEST_F(PlayoutTest, AMarkStopsNoClockBeforeAnyHasComeBack) {
  playout.Append(ItemId{1}, Bytes(80'000, 7));
  for (int64_t ms = 1000; ms <= 3000; ms += 20) {
    Send(ms);
    EXPECT_EQ(playout.heard(At(ms)), static_cast<uint64_t>(ms - 1000) * 8);
  }
}

// The leg falls 90 ms behind after its first mark: all later echoes say so, and
// the clock follows. When they are punctual again, it follows back.
TEST_F(PlayoutTest, ALastingSlipIsBelievedUntilItIsGone) {
  playout.Append(ItemId{1}, Bytes(80'000, 7));
  size_t echoed = 0;
  const auto late = [](size_t mark) { return mark == 0 || mark > 8 ? 0 : 90; };
  const auto run = [&](int64_t from, int64_t to) {
    for (int64_t ms = from; ms < to; ms += 10) {
      Send(ms);
      while (echoed < marks.size()) {
        const auto played = static_cast<int64_t>(marks[echoed].position / 8);
        if (1000 + played + 20 + late(echoed) > ms) break;
        EXPECT_TRUE(playout.OnMark(marks[echoed], At(ms)));
        ++echoed;
      }
    }
  };
  run(1000, 1200);
  EXPECT_EQ(playout.round_trip(), Duration::Millis(20));
  EXPECT_EQ(playout.heard(At(1200)), 200U * 8);
  run(1200, 2200);
  EXPECT_EQ(playout.heard(At(2200)), (1200U - 90U) * 8);
  EXPECT_EQ(playout.round_trip(), Duration::Millis(20));
  run(2200, 3000);
  EXPECT_EQ(playout.heard(At(3000)), 2000U * 8);
}

TEST_F(PlayoutTest, AnInterruptionKeepsTheUnheardAndForgetsTheMarks) {
  playout.Append(ItemId{1}, Bytes(4000, 1));
  playout.Append(ItemId{2}, Bytes(4000, 2));
  playout.EndReply();
  for (int64_t ms = 1000; ms <= 1600; ms += 20) Send(ms);
  playout.Interrupt(At(1600));
  EXPECT_EQ(playout.heard(At(9000)), 4800U);
  EXPECT_FALSE(playout.OnMark(marks.back(), At(1610)));
  const Playout::Cut current = playout.current(At(1610));
  EXPECT_EQ(current.item, ItemId{2});
  EXPECT_EQ(current.heard_ms, 100);
  // Goes on from where it was heard.
  EXPECT_EQ(playout.NextChunk(At(2000)).front(), 2);
  EXPECT_EQ(playout.sent(), 4800U + 1280U);
}

TEST_F(PlayoutTest, DiscardTellsWhatWasHeardOfEachItem) {
  playout.Append(ItemId{1}, Bytes(4000, 1));
  playout.Append(ItemId{2}, Bytes(4000, 2));
  playout.Append(ItemId{3}, Bytes(800, 3));
  for (int64_t ms = 1000; ms <= 1600; ms += 20) Send(ms);
  playout.Interrupt(At(1600));
  const auto cuts = playout.Discard(At(1700));
  ASSERT_EQ(cuts.size(), 2U);
  EXPECT_EQ(cuts[0].item, ItemId{2});
  EXPECT_EQ(cuts[0].heard_ms, 100);
  EXPECT_EQ(cuts[0].received_ms, 500);
  EXPECT_EQ(cuts[1].item, ItemId{3});
  EXPECT_EQ(cuts[1].heard_ms, 0);
  EXPECT_TRUE(playout.done(At(1700)));
  EXPECT_EQ(Send(1800), 0U);
}

TEST_F(PlayoutTest, TellsWhoseAChunkIs) {
  playout.Append(ItemId{1}, Bytes(400, 1));
  playout.Append(ItemId{2}, Bytes(240, 2));
  playout.Append(ItemId{3}, Bytes(1600, 3));
  ASSERT_EQ(playout.NextChunk(At(1000)).size(), 1280U);
  const auto parts = playout.PartsFrom(0);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[0].item, ItemId{1});
  EXPECT_EQ(parts[0].begin, 0U);
  EXPECT_EQ(parts[1].item, ItemId{2});
  EXPECT_EQ(parts[1].begin, 400U);
  EXPECT_EQ(parts[2].item, ItemId{3});
  EXPECT_EQ(parts[2].begin, 640U);
  EXPECT_EQ(playout.PlaysAt(parts[2].begin), At(1080));
  ASSERT_EQ(playout.NextChunk(At(1000)).size(), 160U);
  const auto rest = playout.PartsFrom(1280);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].item, ItemId{3});
  EXPECT_EQ(rest[0].begin, 1280U);
}

// A hundred replies take no more room than one.
TEST_F(PlayoutTest, AForgottenReplyGivesItsRoomBack) {
  const std::vector<uint8_t> reply = Bytes(8000, 1);
  const uint8_t* front = nullptr;
  int64_t now = 1000;
  for (uint32_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(playout.Append(ItemId{i}, reply));
    playout.EndReply();
    const uint8_t* const at = playout.NextChunk(At(now)).data();
    if (front == nullptr) front = at;
    EXPECT_EQ(at, front);
    for (const int64_t end = now + 1200; now < end; now += 20) {
      Send(now);
      while (!marks.empty() &&
             marks.front().position <= playout.heard(At(now))) {
        EXPECT_TRUE(playout.OnMark(marks.front(), At(now)));
        marks.erase(marks.begin());
      }
    }
    ASSERT_TRUE(playout.done(At(now)));
    playout.Forget();
  }
  EXPECT_EQ(playout.received(), 800'000U);
}

TEST_F(PlayoutTest, RefusesWhatExceedsItsBounds) {
  const std::vector<uint8_t> minute = Bytes(60'000 * 8, 1);
  for (int i = 0; i < ReplyQueue::kMaxMs / 60'000; ++i) {
    EXPECT_TRUE(playout.Append(ItemId{1}, minute));
  }
  EXPECT_FALSE(playout.Append(ItemId{1}, Bytes(160, 1)));
  EXPECT_EQ(playout.received(), uint64_t{ReplyQueue::kMaxMs} * 8);

  Playout items({kMuLaw, Duration::Millis(200), Duration::Millis(160)});
  for (uint32_t i = 1; i <= ReplyQueue::kMaxItems; ++i) {
    EXPECT_TRUE(items.Append(ItemId{i}, Bytes(160, 1)));
  }
  EXPECT_FALSE(items.Append(ItemId{99}, Bytes(160, 1)));
}

// An item of which more comes behind another one is one item.
TEST(ReplyQueueTest, AnItemThatGoesOnIsCutOnce) {
  ReplyQueue queue(kMuLaw);
  const auto append = [&queue](uint32_t item, int ms) {
    EXPECT_TRUE(queue.Append(
        ItemId{item}, std::vector<uint8_t>(static_cast<size_t>(ms) * 8)));
  };
  append(1, 100);
  append(2, 50);
  append(1, 100);
  append(2, 50);
  append(3, 10);
  struct Heard {
    uint64_t ms;
    std::vector<std::array<int64_t, 3>> cuts;
  };
  for (const auto& [ms, expected] : {
           Heard{0, {{1, 0, 200}, {2, 0, 100}, {3, 0, 10}}},
           Heard{60, {{1, 60, 200}, {2, 0, 100}, {3, 0, 10}}},
           Heard{120, {{2, 20, 100}, {1, 100, 200}, {3, 0, 10}}},
           Heard{200, {{1, 150, 200}, {2, 50, 100}, {3, 0, 10}}},
           Heard{270, {{2, 70, 100}, {3, 0, 10}}},
           Heard{305, {{3, 5, 10}}},
           Heard{310, {}},
       }) {
    std::vector<std::array<int64_t, 3>> cuts;
    for (const ReplyQueue::Cut& cut : queue.CutsAt(ms * 8)) {
      cuts.push_back(
          {static_cast<int64_t>(cut.item), cut.heard_ms, cut.received_ms});
    }
    EXPECT_EQ(cuts, expected) << ms;
    if (!cuts.empty()) {
      const ReplyQueue::Cut at = queue.At(ms * 8);
      EXPECT_EQ(static_cast<int64_t>(at.item), cuts[0][0]) << ms;
      EXPECT_EQ(at.heard_ms, cuts[0][1]) << ms;
    }
    // What is heard is forgotten, and counts.
    queue.Retire(ms * 8, 0);
  }
  // So it does when all is.
  queue.Restart(queue.end());
  append(2, 30);
  EXPECT_EQ(queue.At(queue.end()).heard_ms, 130);
  EXPECT_EQ(queue.At(queue.end()).received_ms, 130);
}

TEST(ReplyQueueTest, ItsStretchesAreBoundedAndSoIsWhatItRemembers) {
  ReplyQueue queue(kMuLaw);
  const std::vector<uint8_t> audio(8);
  for (uint32_t i = 0; i < ReplyQueue::kMaxSegments; ++i) {
    ASSERT_TRUE(queue.Append(ItemId{1 + i % 2}, audio));
  }
  EXPECT_FALSE(queue.Append(ItemId{1}, audio));
  EXPECT_TRUE(queue.Append(ItemId{2}, audio)) << "the last one goes on";
  queue.Restart(queue.end());
  for (uint32_t i = 3; i < 3 + ReplyQueue::kMaxForgotten - 1; ++i) {
    ASSERT_TRUE(queue.Append(ItemId{i}, audio));
  }
  queue.Restart(queue.end());
  // The first is forgotten, and counts from where it goes on.
  EXPECT_TRUE(queue.Append(ItemId{1}, audio));
  EXPECT_EQ(queue.At(queue.end()).heard_ms, 1);
  EXPECT_TRUE(queue.Append(ItemId{2}, audio));
  EXPECT_EQ(queue.At(queue.end()).heard_ms,
            int64_t{ReplyQueue::kMaxSegments} / 2 + 2);
}

}  // namespace
}  // namespace trunkline::media
