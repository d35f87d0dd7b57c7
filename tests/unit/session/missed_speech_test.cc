// What is kept of a caller whom nobody has answered.

#include "session/missed_speech.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace trunkline::session {
namespace {

using Turn = MissedSpeech::Turn;

constexpr protocol::AudioFormat kMuLaw{protocol::Encoding::kMuLaw, 8000};
constexpr protocol::AudioFormat kWideband{protocol::Encoding::kLinear16, 16000};
constexpr int kFrameMs = 20;
constexpr size_t kFrameBytes = 160;

void Add(MissedSpeech& missed, int frames, uint8_t value, Turn turn) {
  const std::vector<uint8_t> frame(kFrameBytes, value);
  for (int i = 0; i < frames; ++i) missed.Add(frame, turn);
}

int Ms(const MissedSpeech& missed) {
  return static_cast<int>(missed.length().ms());
}

std::vector<uint8_t> AudioOf(const MissedSpeech& missed,
                             protocol::AudioFormat format = kMuLaw) {
  std::vector<uint8_t> all;
  missed.Play(format, [&all](std::span<const uint8_t> piece) {
    all.insert(all.end(), piece.begin(), piece.end());
  });
  return all;
}

TEST(MissedSpeechTest, OfSilenceALittleIsKeptAndNothingIsMissed) {
  MissedSpeech missed(kMuLaw, kMuLaw);
  Add(missed, 1000, 1, Turn::kOut);
  EXPECT_FALSE(missed.holds());
  EXPECT_LE(Ms(missed), 2 * MissedSpeech::kLeadMs);
  EXPECT_EQ(missed.left_out(), Duration());
}

TEST(MissedSpeechTest,
     ATurnIsKeptWithWhatWasBeforeItAndWithoutTheSilenceAfter) {
  MissedSpeech missed(kMuLaw, kMuLaw);
  Add(missed, 100, 1, Turn::kOut);
  Add(missed, 50, 2, Turn::kIn);
  Add(missed, 25, 3, Turn::kOut);
  EXPECT_TRUE(missed.holds());
  EXPECT_EQ(Ms(missed), MissedSpeech::kLeadMs + 50 * kFrameMs);
  EXPECT_EQ(AudioOf(missed).front(), 1);
  EXPECT_EQ(AudioOf(missed).back(), 2);
  EXPECT_EQ(missed.left_out(), Duration::Millis(25 * kFrameMs));
  // He goes on: both parts, and nothing is left out behind them.
  Add(missed, 10, 4, Turn::kIn);
  EXPECT_EQ(Ms(missed), MissedSpeech::kLeadMs + 60 * kFrameMs);
  EXPECT_EQ(missed.left_out(), Duration());
}

TEST(MissedSpeechTest, WhatIsAnsweredIsForgotten) {
  MissedSpeech missed(kMuLaw, kMuLaw);
  Add(missed, 50, 2, Turn::kIn);
  missed.Forget();
  EXPECT_FALSE(missed.holds());
  EXPECT_LE(Ms(missed), MissedSpeech::kLeadMs);
  Add(missed, 1, 3, Turn::kIn);
  EXPECT_TRUE(missed.holds());
  EXPECT_EQ(Ms(missed), MissedSpeech::kLeadMs + kFrameMs);
}

TEST(MissedSpeechTest, BeyondItsBoundTheOldestIsDroppedAndCounted) {
  MissedSpeech missed(kMuLaw, kMuLaw);
  constexpr int kFrames = MissedSpeech::kMaxMs / kFrameMs;
  Add(missed, 1, 9, Turn::kIn);
  Add(missed, kFrames - 1, 2, Turn::kIn);
  // To the last sample.
  EXPECT_EQ(missed.dropped_ms(), 0U);
  EXPECT_EQ(AudioOf(missed).front(), 9);
  EXPECT_EQ(Ms(missed), MissedSpeech::kMaxMs);
  Add(missed, 1, 7, Turn::kIn);
  EXPECT_EQ(missed.dropped_ms(), uint64_t{MissedSpeech::kDropMs});
  EXPECT_EQ(AudioOf(missed).front(), 2);
  EXPECT_EQ(AudioOf(missed).back(), 7);
  EXPECT_EQ(Ms(missed),
            MissedSpeech::kMaxMs - MissedSpeech::kDropMs + kFrameMs);
}

// Kept is the telephone's format, of a wide leg twice as wide; what hears it
// gets its own.
TEST(MissedSpeechTest, WhateverComesAndWhateverIsWantedItIsAsLong) {
  MissedSpeech missed(kWideband, kMuLaw);
  Add(missed, 50, 2, Turn::kIn);
  missed.SetSource(kWideband);
  const std::vector<uint8_t> frame(protocol::BytesOf(kWideband, kFrameMs), 3);
  for (int i = 0; i < 50; ++i) missed.Add(frame, Turn::kIn);
  for (int i = 0; i < 10; ++i) missed.Add(frame, Turn::kOut);
  // Without what a filter holds back.
  EXPECT_NEAR(Ms(missed), 100 * kFrameMs, 5);
  EXPECT_EQ(missed.left_out(), Duration::Millis(10 * kFrameMs));
  for (const protocol::AudioFormat format : {kMuLaw, kWideband}) {
    const auto ms = static_cast<int>(AudioOf(missed, format).size() /
                                     protocol::BytesOf(format, 1));
    EXPECT_NEAR(ms, 100 * kFrameMs, 10);
  }
}

}  // namespace
}  // namespace trunkline::session
