#include "audio/fade.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

TEST(FadeTest, FadeInFollowsAQuarterOfASine) {
  constexpr size_t kLength = 240;
  std::vector<int16_t> samples(kLength + 50, 20000);
  FadeIn(samples, 0, kLength);
  EXPECT_EQ(samples[0], 0);
  for (size_t i = 0; i < kLength; ++i) {
    const double gain =
        std::sin(std::numbers::pi / 2 * static_cast<double>(i) / kLength);
    // A step of the table is 1/1024 of the quarter: 20000 * pi / 2048.
    ASSERT_NEAR(samples[i], 20000 * gain, 32) << i;
  }
  for (size_t i = kLength; i < samples.size(); ++i) {
    ASSERT_EQ(samples[i], 20000);
  }
}

TEST(FadeTest, FadeOutIsFadeInBackwardsAndThenSilence) {
  constexpr size_t kLength = 173;
  std::vector<int16_t> out(kLength + 50, -32768);
  std::vector<int16_t> in(kLength, -32768);
  FadeOut(out, 0, kLength);
  FadeIn(in, 0, kLength);
  for (size_t i = 0; i < kLength; ++i) {
    ASSERT_EQ(out[i], in[kLength - 1 - i]) << i;
  }
  for (size_t i = kLength; i < out.size(); ++i) ASSERT_EQ(out[i], 0);
}

TEST(FadeTest, PowersOfBothAddUpToOne) {
  constexpr size_t kLength = 1024;
  std::vector<int16_t> in(kLength, 30000);
  std::vector<int16_t> out(kLength, 30000);
  FadeIn(in, 0, kLength);
  FadeOut(out, 0, kLength);
  // One sample apart, so that gains of complementary angles meet.
  for (size_t i = 1; i < kLength; ++i) {
    const double power =
        double{1} * in[i] * in[i] + double{1} * out[i - 1] * out[i - 1];
    ASSERT_NEAR(power / (30000.0 * 30000.0), 1, 0.001) << i;
  }
}

TEST(FadeTest, ChunksMakeNoDifference) {
  test::Random random(5);
  for (int round = 0; round < 50; ++round) {
    const size_t length = 1 + random.Below(2000);
    const std::vector<int16_t> samples =
        test::RandomSamples(2500, static_cast<uint64_t>(round));
    std::vector<int16_t> in = samples;
    std::vector<int16_t> out = samples;
    FadeIn(in, 0, length);
    FadeOut(out, 0, length);
    std::vector<int16_t> in_parts = samples;
    std::vector<int16_t> out_parts = samples;
    size_t at = 0;
    for (const size_t part : test::RandomSplit(samples.size(), 300, random)) {
      FadeIn(std::span(in_parts).subspan(at, part), at, length);
      FadeOut(std::span(out_parts).subspan(at, part), at, length);
      at += part;
    }
    ASSERT_EQ(in_parts, in) << length;
    ASSERT_EQ(out_parts, out) << length;
  }
}

TEST(FadeTest, NeverMakesAnythingLouder) {
  for (const int extreme : {INT16_MIN, INT16_MAX}) {
    for (const size_t length : {size_t{1}, size_t{2}, kMaxFadeSamples}) {
      std::vector<int16_t> samples(100, static_cast<int16_t>(extreme));
      FadeIn(samples, length / 2, length);
      for (const int16_t sample : samples) {
        ASSERT_LE(std::abs(int{sample}), std::abs(extreme));
        ASSERT_FALSE(extreme > 0 ? sample < 0 : sample > 0);
      }
    }
  }
}

TEST(FadeTest, BehindTheEndNothingRises) {
  std::vector<int16_t> samples(10, 100);
  FadeIn(samples, 500, 400);
  EXPECT_EQ(samples, std::vector<int16_t>(10, 100));
  FadeOut(samples, SIZE_MAX, 400);
  EXPECT_EQ(samples, std::vector<int16_t>(10, 0));
}

}  // namespace
}  // namespace trunkline::audio
