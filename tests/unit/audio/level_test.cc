#include "audio/level.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

TEST(LevelTest, MeanSquareOfKnownSignals) {
  EXPECT_EQ(MeanSquare({}), 0U);
  EXPECT_EQ(MeanSquare(std::vector<int16_t>(160, 0)), 0U);
  EXPECT_EQ(MeanSquare(std::vector<int16_t>(160, -3)), 9U);
  EXPECT_EQ(MeanSquare(std::vector<int16_t>(1'000'000, INT16_MIN)), 1U << 30);
  const std::vector<int16_t> mixed = {1, -2, 2};
  EXPECT_EQ(MeanSquare(mixed), 3U);
}

TEST(LevelTest, PeakIsTheLargestMagnitudeOfEitherSign) {
  EXPECT_EQ(Peak({}), 0);
  const std::vector<int16_t> positive = {3, -2, 7};
  EXPECT_EQ(Peak(positive), 7);
  const std::vector<int16_t> negative = {INT16_MAX, INT16_MIN};
  EXPECT_EQ(Peak(negative), 32768);
}

TEST(LevelTest, KnownLevels) {
  EXPECT_EQ(LevelDbfsTenths(0), kSilenceDbfsTenths);
  EXPECT_EQ(LevelDbfsTenths(1), -903);
  EXPECT_EQ(LevelDbfsTenths(1U << 30), 0);
  EXPECT_EQ(LevelDbfsTenths(1U << 29), -30);
  EXPECT_EQ(LevelDbfsTenths(UINT32_MAX), 60);
}

// The integer logarithm against the library's. It may differ where the exact
// value lies within a few millionths of the border between two tenths.
TEST(LevelTest, LevelIsTheLogarithmRoundedToTenths) {
  test::Random random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto mean_square =
        static_cast<uint32_t>(random.Next() >> (33 + random.Below(31)));
    if (mean_square == 0) continue;
    const double exact = 100 * std::log10(mean_square / 0x1p30);
    ASSERT_LE(std::abs(LevelDbfsTenths(mean_square) - exact), 0.501)
        << mean_square;
  }
}

TEST(LevelTest, LevelNeverFallsWhenThePowerRises) {
  int last = kSilenceDbfsTenths;
  for (uint64_t mean_square = 1; mean_square < uint64_t{1} << 32;
       mean_square += mean_square / 997 + 1) {
    const int level = LevelDbfsTenths(static_cast<uint32_t>(mean_square));
    ASSERT_GE(level, last) << mean_square;
    last = level;
  }
}

}  // namespace
}  // namespace trunkline::audio
