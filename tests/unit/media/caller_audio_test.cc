// Frames of the caller, placed in time.

#include "media/caller_audio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

constexpr AudioFormat kMuLaw{Encoding::kMuLaw, 8000};

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(1'000'000 + ms * 1000));
}

// Delivers to `audio` and takes all frames of it.
struct Line {
  Line() { audio.OnStreamStarted(At(0)); }
  // What comes was spoken just now.
  void Feed(std::optional<int64_t> timestamp_ms,
            const std::vector<uint8_t>& bytes_in) {
    const auto length = static_cast<int64_t>(bytes_in.size() / 8);
    FeedAt(timestamp_ms, bytes_in, timestamp_ms.value_or(0) + length);
  }
  void FeedAt(std::optional<int64_t> timestamp_ms,
              const std::vector<uint8_t>& bytes_in, int64_t now_ms) {
    audio.OnAudio(timestamp_ms, bytes_in, At(now_ms));
    Take();
  }
  void FillSilence(Duration duration) {
    audio.FillSilence(duration);
    Take();
  }
  void Take() {
    while (const auto frame = audio.Next()) {
      if (frame->source == CallerAudio::Source::kPassed) continue;
      EXPECT_EQ(frame->audio.size(), 160U);
      bytes.insert(bytes.end(), frame->audio.begin(), frame->audio.end());
    }
  }
  CallerAudio audio{kMuLaw};
  std::vector<uint8_t> bytes;
};

std::vector<uint8_t> Bytes(size_t count, uint8_t value) {
  return std::vector<uint8_t>(count, value);
}

TEST(CallerAudioTest, FramesAnyLengthTheCarrierSends) {
  Line line;
  std::vector<uint8_t> expected;
  int64_t timestamp = 0;
  for (const size_t length : {160U, 80U, 80U, 8U, 800U, 152U, 160U}) {
    const auto value = static_cast<uint8_t>(expected.size() % 251);
    line.Feed(timestamp, Bytes(length, value));
    expected.insert(expected.end(), length, value);
    timestamp += static_cast<int64_t>(length / 8);
  }
  EXPECT_EQ(line.bytes, expected);
  EXPECT_EQ(line.audio.counters().filled_ms, 0U);
}

TEST(CallerAudioTest, AGapIsFilledWithSilenceOfItsLength) {
  Line line;
  line.Feed(0, Bytes(160, 1));
  line.Feed(60, Bytes(160, 2));
  ASSERT_EQ(line.bytes.size(), 4 * 160U);
  EXPECT_EQ(line.bytes[159], 1);
  EXPECT_EQ(line.bytes[160], 0xFF);
  EXPECT_EQ(line.bytes[479], 0xFF);
  EXPECT_EQ(line.bytes[480], 2);
  EXPECT_EQ(line.audio.counters().filled_ms, 40U);
}

TEST(CallerAudioTest, AGapBeyondTheBoundIsShortenedToIt) {
  Line line;
  line.Feed(0, Bytes(160, 1));
  line.Feed(3'600'000, Bytes(160, 2));
  EXPECT_EQ(line.bytes.size(), 320U + 80'000U);
  EXPECT_EQ(line.audio.counters().shortened_gaps, 1U);
  // The clock is the carrier's from there on.
  line.Feed(3'600'020, Bytes(160, 3));
  EXPECT_EQ(line.bytes.size(), 480U + 80'000U);
}

// 200 messages with timestamps an hour apart made half an hour of silence.
TEST(CallerAudioTest, AStreamIsNoLongerThanTheTimeSinceItBegan) {
  Line line;
  for (int64_t i = 0; i < 200; ++i) {
    line.FeedAt(i * 3'600'000, Bytes(160, 1), (i + 1) * 20);
    EXPECT_LE(static_cast<int64_t>(line.bytes.size()) / 8,
              (i + 1) * 20 + CallerAudio::kAllowance.ms());
  }
  EXPECT_GT(line.audio.counters().unreal_ms, 1'000'000U);
  // All that was said is there.
  EXPECT_EQ(std::count(line.bytes.begin(), line.bytes.end(), 1), 200 * 160);
  // What really passes is filled as before.
  const size_t before = line.bytes.size();
  line.FeedAt(200 * 3'600'000, Bytes(160, 2), 4000 + 10'000);
  EXPECT_NEAR(static_cast<double>(line.bytes.size() - before) / 8, 10'000, 25);
}

TEST(CallerAudioTest, ANewStreamHasItsOwnTime) {
  Line line;
  line.FeedAt(0, Bytes(160, 1), 60'000);
  line.audio.OnStreamStarted(At(60'000));
  line.FeedAt(0, Bytes(160, 1), 60'020);
  line.FeedAt(9'000, Bytes(160, 1), 60'040);
  EXPECT_LE(line.bytes.size() / 8,
            60U + static_cast<size_t>(CallerAudio::kAllowance.ms()));
}

TEST(CallerAudioTest, WhatIsLateIsDroppedAndCounted) {
  Line line;
  line.Feed(0, Bytes(320, 1));
  line.Feed(0, Bytes(160, 2));   // a duplicate
  line.Feed(20, Bytes(320, 3));  // half of it known
  EXPECT_EQ(line.bytes.size(), 480U);
  EXPECT_EQ(line.bytes[320], 3);
  EXPECT_EQ(line.audio.counters().late_ms, 40U);
  line.Feed(60, Bytes(160, 4));
  EXPECT_EQ(line.bytes.size(), 640U);
}

// Nothing but the first frame was ever heard of such a caller, and his
// recording was as short.
TEST(CallerAudioTest, AClockThatStandsOrCrawlsIsNotBelieved) {
  const auto stands = [](int64_t) { return int64_t{0}; };
  const auto seconds = [](int64_t ms) { return ms / 1000; };
  const auto crawls = [](int64_t ms) { return ms / 20; };
  const auto starts_over = [](int64_t ms) {
    return ms < 6000 ? ms : ms - 6000;
  };
  for (const auto clock : {+stands, +seconds, +crawls, +starts_over}) {
    Line line;
    for (int64_t ms = 0; ms < 10'000; ms += 20) {
      line.FeedAt(clock(ms), Bytes(160, 1), ms + 20);
    }
    EXPECT_NEAR(static_cast<double>(line.bytes.size()) / 8, 10'000, 20);
    EXPECT_LT(std::ranges::count(line.bytes, 0xFF), 600 * 8);
    EXPECT_LE(line.audio.counters().late_ms, 520U);
    EXPECT_EQ(line.audio.counters().dead_clocks, 1U);
    // The next stream has a clock of its own.
    line.audio.OnStreamStarted(At(10'000));
    line.bytes.clear();
    line.FeedAt(0, Bytes(160, 1), 10'020);
    line.FeedAt(100, Bytes(160, 1), 10'120);
    EXPECT_EQ(line.bytes.size(), 120 * 8U);
    EXPECT_EQ(line.audio.counters().dead_clocks, 1U);
  }
}

TEST(CallerAudioTest, WhatIsRepeatedAtOnceKillsNoClock) {
  Line line;
  for (int64_t ms = 0; ms < 3000; ms += 20) {
    line.FeedAt(ms, Bytes(160, 1), ms + 20);
  }
  for (int64_t ms = 1000; ms < 3000; ms += 20) {
    line.FeedAt(ms, Bytes(160, 2), 3000);
  }
  line.FeedAt(3000, Bytes(160, 1), 3020);
  EXPECT_EQ(line.bytes, Bytes(3020 * 8, 1));
  EXPECT_EQ(line.audio.counters().dead_clocks, 0U);
}

TEST(CallerAudioTest, SilencePutInAheadIsTakenOffTheGap) {
  Line line;
  line.Feed(0, Bytes(160, 1));
  line.FillSilence(Duration::Millis(1000));
  line.Feed(1520, Bytes(160, 2));  // 1500 ms are missing
  EXPECT_EQ(line.bytes.size(), 160U + 12'000U + 160U);
  // Frames that were only held up are not lost.
  line.FillSilence(Duration::Millis(1000));
  line.Feed(1540, Bytes(160, 3));
  EXPECT_EQ(line.bytes.back(), 3);
}

// Of the stream's time, and nothing to hear once more.
TEST(CallerAudioTest, SilenceOfAStallThatWasRealIsToldOf) {
  struct Case {
    int64_t stall_ms;
    int64_t gap_ms;
    int passed;  // frames
  };
  for (const auto& [stall_ms, gap_ms, passed] :
       {Case{0, 1'500, 0}, Case{1'000, 1'500, 50}, Case{1'000, 700, 35},
        Case{1'000, 0, 0}, Case{0, 30'000, 1'000}, Case{1'000, 30'000, 1'050},
        // No more than the bound.
        Case{0, 600'000, 3'000}}) {
    CallerAudio audio({Encoding::kMuLaw, 8000});
    audio.OnStreamStarted(At(0));
    audio.OnAudio(0, Bytes(160, 1), At(20));
    while (audio.Next()) {
    }
    audio.FillSilence(Duration::Millis(stall_ms));
    while (audio.Next()) {
    }
    audio.OnAudio(20 + gap_ms, Bytes(160, 2), At(40 + gap_ms));
    int counted = 0;
    bool is_first = true;
    while (const auto frame = audio.Next()) {
      if (frame->source != CallerAudio::Source::kPassed) {
        is_first = false;
        continue;
      }
      EXPECT_TRUE(is_first);
      ++counted;
    }
    EXPECT_EQ(counted, passed) << stall_ms << " " << gap_ms;
  }
}

// A gap that has not passed is none, whatever it is called.
TEST(CallerAudioTest, TimeOfALongGapThatHasNotPassedIsNotToldOf) {
  CallerAudio audio(kMuLaw);
  audio.OnStreamStarted(At(0));
  const std::vector<uint8_t> frame = Bytes(160, 1);
  int frames = 0;
  for (const auto& [timestamp_ms, now_ms] :
       {std::pair(0, 20), std::pair(3'600'000, 5'000)}) {
    audio.OnAudio(timestamp_ms, frame, At(now_ms));
    while (audio.Next()) ++frames;
  }
  EXPECT_LE(frames * CallerAudio::kFrameMs,
            5'000 + CallerAudio::kAllowance.ms());
}

TEST(CallerAudioTest, ACarrierWithoutTimestampsIsContiguous) {
  Line line;
  for (int i = 0; i < 3; ++i) line.Feed(std::nullopt, Bytes(160, 1));
  EXPECT_EQ(line.bytes.size(), 480U);
}

TEST(CallerAudioTest, OfAMessageOfAMinuteTenSecondsAreTaken) {
  for (const AudioFormat format :
       {AudioFormat{Encoding::kMuLaw, 8000},
        AudioFormat{Encoding::kLinear16, 8000},
        AudioFormat{Encoding::kLinear16Big, 48000}}) {
    CallerAudio audio(format);
    const std::vector<uint8_t> minute(protocol::BytesOf(format, 60'000));
    audio.OnStreamStarted(At(0));
    audio.OnAudio(0, minute, At(60'000));
    int frames = 0;
    while (audio.Next()) ++frames;
    EXPECT_EQ(frames, 500);
    EXPECT_EQ(audio.counters().excess_ms, 50'000U);
    // What follows is in its place.
    audio.OnAudio(
        20'000,
        std::span<const uint8_t>(minute).first(protocol::BytesOf(format, 20)),
        At(60'020));
    while (audio.Next()) ++frames;
    EXPECT_EQ(frames, 1001);
  }
}

}  // namespace
}  // namespace trunkline::media
