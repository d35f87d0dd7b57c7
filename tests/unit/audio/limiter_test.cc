#include "audio/limiter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr int kRates[] = {8000, 16000, 24000};

std::vector<int32_t> Amplified(std::span<const int16_t> samples, int32_t by) {
  std::vector<int32_t> loud(samples.begin(), samples.end());
  for (int32_t& sample : loud) sample *= by;
  return loud;
}

std::vector<int16_t> Limited(Limiter& limiter, std::span<const int32_t> in) {
  std::vector<int16_t> out(in.size());
  limiter.Process(in, out);
  return out;
}

class LimiterTest : public testing::TestWithParam<int> {
 protected:
  Limiter::Config config_{.sample_rate_hz = GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Rates, LimiterTest, testing::ValuesIn(kRates));

TEST_P(LimiterTest, WhatIsBelowTheCeilingPassesUnchanged) {
  Limiter limiter(config_);
  const auto delay = static_cast<size_t>(limiter.delay_samples());
  const std::vector<int16_t> in =
      test::SineSignal(4000, 440, GetParam(), 29204);
  const auto out = Limited(limiter, Amplified(in, 1));
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out[i], i < delay ? 0 : in[i - delay]) << i;
  }
}

TEST_P(LimiterTest, NothingExceedsTheCeiling) {
  for (const int ceiling : {1, 1000, 29204, 32767}) {
    config_.ceiling = static_cast<int16_t>(ceiling);
    Limiter limiter(config_);
    test::Random random(1);
    std::vector<int32_t> in;
    for (int part = 0; part < 200; ++part) {
      // From silence to 54 dB above full scale, in bursts and single clicks.
      const int shift = static_cast<int>(random.Below(25));
      const size_t count = 1 + random.Below(300);
      for (size_t i = 0; i < count; ++i) {
        in.push_back(static_cast<int32_t>(random.Symmetric() * (1 << shift)));
      }
      in.push_back(random.Below(2) == 0 ? Limiter::kMaxInput
                                        : -Limiter::kMaxInput);
    }
    for (const int16_t sample : Limited(limiter, in)) {
      ASSERT_LE(std::abs(int{sample}), ceiling);
    }
  }
}

TEST_P(LimiterTest, FullScaleAlternationFourTimesTooLoudComesOutAtTheCeiling) {
  Limiter limiter(config_);
  const auto out = Limited(limiter, Amplified(test::SquareSignal(8000, 1), 4));
  for (size_t i = 4000; i < out.size(); ++i) {
    ASSERT_GE(std::abs(int{out[i]}), config_.ceiling - 2);
    ASSERT_LE(std::abs(int{out[i]}), config_.ceiling);
  }
}

// A gain that jumped would click: between a sample and the next the gain of a
// constant changes by no more than the look-ahead allows.
TEST_P(LimiterTest, TheGainFallsOverTheLookAheadAndDoesNotJump) {
  Limiter limiter(config_);
  std::vector<int32_t> in(4000, 20000);
  in[2000] = 80000;
  const auto out = Limited(limiter, in);
  const int look_ahead = limiter.delay_samples() + 1;
  const auto peak = 2000 + static_cast<size_t>(limiter.delay_samples());
  const double lowest = 29204.0 / 80000;
  const double most = 20000 * (1 - lowest) / look_ahead + 2;
  for (size_t i = 1000; i + 1 < out.size(); ++i) {
    if (i == peak || i + 1 == peak) continue;
    ASSERT_LE(std::abs(out[i + 1] - out[i]), most) << i;
  }
  EXPECT_LE(std::abs(int{out[peak]}), 29204);
  EXPECT_GE(std::abs(int{out[peak]}), 29000);
}

TEST_P(LimiterTest, TheGainIsBackWithinHalfASecond) {
  Limiter limiter(config_);
  std::vector<int32_t> in(static_cast<size_t>(GetParam()), 10000);
  in[100] = Limiter::kMaxInput;
  const auto out = Limited(limiter, in);
  EXPECT_LT(out[101 + static_cast<size_t>(limiter.delay_samples())], 100);
  EXPECT_EQ(out[static_cast<size_t>(GetParam() * 6 / 10)], 10000);
}

TEST_P(LimiterTest, AnySplitGivesTheSameSamples) {
  test::Random random(2);
  const auto in = Amplified(test::VoiceSignal(6000, -100, 3), 9);
  Limiter whole(config_);
  const auto expected = Limited(whole, in);
  Limiter split(config_);
  std::vector<int16_t> out(in.size());
  size_t at = 0;
  for (const size_t part : test::RandomSplit(in.size(), 100, random)) {
    split.Process(std::span<const int32_t>(in).subspan(at, part),
                  std::span<int16_t>(out).subspan(at, part));
    at += part;
  }
  EXPECT_EQ(out, expected);
}

TEST_P(LimiterTest, ACopyGoesOnAlikeAndResetForgets) {
  const auto in = Amplified(test::VoiceSignal(3000, -100, 4), 9);
  Limiter fresh(config_);
  const auto first = Limited(fresh, in);
  Limiter copy = fresh;
  const auto second = Limited(fresh, in);
  EXPECT_NE(first, second);
  EXPECT_EQ(Limited(copy, in), second);
  copy.Reset();
  EXPECT_EQ(Limited(copy, in), first);
}

}  // namespace
}  // namespace trunkline::audio
