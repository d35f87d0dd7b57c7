#include "media/spoken_clock.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace trunkline::media {
namespace {

using Source = CallerAudio::Source;

constexpr int64_t kWayMs = 50;

Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(1'000'000 + ms * 1000));
}

// A stream that began at 0, and whose frames come kWayMs after they are spoken.
class Stream {
 public:
  // Frames come as they are spoken, or at once.
  void Speak(int64_t until_ms) {
    for (; now_ms_ < until_ms; now_ms_ += 20) Take(now_ms_ + 20);
  }
  void Wait(int64_t until_ms) { now_ms_ = until_ms; }
  void Burst(int64_t ms, Source source = Source::kCarrier) {
    for (; ms > 0; ms -= 20) Take(now_ms_, source);
  }
  // When the frames had been spoken that have come, by the clock.
  int64_t LatestMs() const { return EndMs(clock_.frames()); }
  int64_t EndMs(int64_t frames) const {
    return (clock_.EndOf(frames) - At(kWayMs)).ms();
  }
  SpokenClock& clock() { return clock_; }

 private:
  void Take(int64_t at_ms, Source source = Source::kCarrier) {
    clock_.OnFrame(source, At(at_ms + kWayMs));
  }
  SpokenClock clock_;
  int64_t now_ms_ = 0;
};

TEST(SpokenClockTest, FramesThatComeInTimeWereSpokenThen) {
  Stream stream;
  stream.Speak(5'000);
  EXPECT_EQ(stream.clock().frames(), 250);
  for (const int64_t frames : {0, 1, 100, 250}) {
    EXPECT_EQ(stream.EndMs(frames), frames * 20);
  }
}

TEST(SpokenClockTest, WhatWasHeldUpWasSpokenBefore) {
  for (const int64_t held_ms : {300, 1'000, 1'700, 5'000, 9'000}) {
    Stream stream;
    stream.Speak(2'000);
    stream.Wait(2'000 + held_ms);
    stream.Burst(held_ms);
    for (int64_t ms = 0; ms <= held_ms; ms += 20) {
      const int64_t spoken_ms = stream.EndMs((2'000 + ms) / 20);
      // Of the last frames it is not known yet.
      if (ms + CallRecorder::kLongestMessage.ms() < held_ms) {
        EXPECT_EQ(spoken_ms, 2'000 + ms) << held_ms;
      } else {
        EXPECT_GE(spoken_ms, 2'000 + ms) << held_ms;
        EXPECT_LE(spoken_ms, 2'000 + held_ms) << held_ms;
      }
    }
    stream.Speak(2'400 + held_ms);
    for (int64_t ms = 0; ms <= held_ms + 400; ms += 20) {
      EXPECT_EQ(stream.EndMs((2'000 + ms) / 20), 2'000 + ms) << held_ms;
    }
  }
}

// Whether timestamps tell of it or not.
TEST(SpokenClockTest, WhatIsSpokenAfterAGapWasSpokenWhenItCame) {
  for (const int64_t gap_ms : {300, 1'000, 5'000, 60'000}) {
    for (const bool told : {false, true}) {
      Stream stream;
      stream.Speak(2'000);
      stream.Wait(2'000 + gap_ms);
      if (told) stream.Burst(gap_ms, Source::kFilled);
      const int64_t before = stream.clock().frames();
      for (int64_t ms = 20; ms <= 3'000; ms += 20) {
        stream.Speak(2'000 + gap_ms + ms);
        EXPECT_NEAR(static_cast<double>(stream.LatestMs()),
                    static_cast<double>(2'000 + gap_ms + ms), 20);
      }
      EXPECT_NEAR(static_cast<double>(stream.EndMs(before + 1)),
                  static_cast<double>(2'020 + gap_ms), 20);
      EXPECT_EQ(stream.EndMs(50), 1'000);
    }
  }
}

TEST(SpokenClockTest, SilenceThatEndsATurnIsNoTimeOfTheStream) {
  Stream stream;
  stream.Speak(2'000);
  stream.Wait(2'750);
  stream.Burst(1'000, Source::kStall);
  EXPECT_EQ(stream.clock().frames(), 100);
  EXPECT_EQ(stream.LatestMs(), 2'000);
}

// Frames at half of real time: they are early by what is lost in kHoldUp and
// kPace, and kLeastLoss.
TEST(SpokenClockTest, FramesThatComeTooSlowlyAreNotLeftBehind) {
  Stream stream;
  for (int64_t ms = 40; ms <= 30'000; ms += 40) {
    stream.Wait(ms);
    stream.Burst(20);
    EXPECT_LE(stream.LatestMs(), ms);
    EXPECT_GE(stream.LatestMs(),
              ms - (CallRecorder::kLeastLoss +
                    (CallRecorder::kHoldUp + CallRecorder::kPace) / 2)
                       .ms());
  }
}

TEST(SpokenClockTest, AStreamThatBeginsAnewHasATimeOfItsOwn) {
  Stream stream;
  stream.Speak(2'000);
  stream.Wait(6'000);
  stream.clock().OnStreamStarted();
  EXPECT_EQ(stream.LatestMs(), 2'000);
  stream.Speak(8'000);
  EXPECT_EQ(stream.LatestMs(), 8'000);
  EXPECT_EQ(stream.EndMs(101), 6'020);
  EXPECT_EQ(stream.EndMs(100), 2'000);
}

// Faster than time passes: nothing is spoken later than it came.
TEST(SpokenClockTest, NothingWasSpokenAfterItCame) {
  Stream stream;
  for (int64_t ms = 20; ms <= 10'000; ms += 20) {
    stream.Wait(ms);
    stream.Burst(40);
    EXPECT_EQ(stream.LatestMs(), ms);
    EXPECT_LE(stream.EndMs(1), ms);
  }
}

}  // namespace
}  // namespace trunkline::media
