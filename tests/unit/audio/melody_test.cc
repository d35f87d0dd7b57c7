#include "audio/melody.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "audio/level.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

std::vector<int16_t> Period(int rate) {
  Melody melody(rate);
  std::vector<int16_t> samples(melody.period_samples());
  melody.Generate(samples);
  return samples;
}

class MelodyTest : public ::testing::TestWithParam<int> {};

TEST_P(MelodyTest, IsSoftAndHasNoConstantPart) {
  const std::vector<int16_t> samples = Period(GetParam());
  EXPECT_EQ(samples.size(), static_cast<size_t>(GetParam()) * 48);
  EXPECT_NEAR(10 * std::log10(test::PowerOf(samples) / (32768.0 * 32768)), -26,
              1);
  EXPECT_LT(20 * std::log10(Peak(samples) / 32768.0), -15);
  double sum = 0;
  for (const int16_t sample : samples) sum += sample;
  EXPECT_LT(std::abs(sum / static_cast<double>(samples.size())), 1);
}

TEST_P(MelodyTest, IsNeverSilentForLongNorMuchLouderThanItsMean) {
  const std::vector<int16_t> samples = Period(GetParam());
  const auto half_second = static_cast<size_t>(GetParam()) / 2;
  for (size_t at = 0; at < samples.size(); at += half_second) {
    const double dbfs =
        10 *
        std::log10(test::PowerOf(std::span(samples).subspan(at, half_second)) /
                   (32768.0 * 32768));
    EXPECT_GT(dbfs, -34) << at;
    EXPECT_LT(dbfs, -22) << at;
  }
}

// An arch of a parabola has a constant second difference: 32 (f / rate)^2 of
// its peak. The voices together have at most that of a peak of 2400 at the
// highest note; a click at 48 kHz is far above.
TEST_P(MelodyTest, NothingClicksAlsoWhereItRepeats) {
  std::vector<int16_t> samples = Period(GetParam());
  samples.push_back(samples[0]);
  samples.push_back(samples[1]);
  const double per_sample = 880.0 / GetParam();
  double largest = 0;
  for (size_t i = 2; i < samples.size(); ++i) {
    largest =
        std::max(largest, std::abs(double{1} * samples[i] -
                                   2.0 * samples[i - 1] + samples[i - 2]));
  }
  EXPECT_LT(largest, 2400 * 32 * per_sample * per_sample + 3);
  EXPECT_LT(std::abs(int{samples[0]}), 3);
}

TEST_P(MelodyTest, RepeatsAndChunksMakeNoDifference) {
  const std::vector<int16_t> whole = Period(GetParam());
  test::Random random(6);
  Melody melody(GetParam());
  std::vector<int16_t> twice(2 * whole.size());
  size_t at = 0;
  for (const size_t part : test::RandomSplit(twice.size(), 2000, random)) {
    Melody copy = melody;
    copy.Generate(std::span(twice).subspan(at, part));
    melody = copy;
    at += part;
  }
  EXPECT_TRUE(std::ranges::equal(whole, std::span(twice).first(whole.size())));
  EXPECT_TRUE(
      std::ranges::equal(whole, std::span(twice).subspan(whole.size())));
  melody.Generate(std::span(twice).first(12345));
  melody.Reset();
  melody.Generate(std::span(twice).first(whole.size()));
  EXPECT_TRUE(std::ranges::equal(whole, std::span(twice).first(whole.size())));
}

INSTANTIATE_TEST_SUITE_P(Rates, MelodyTest,
                         ::testing::Values(8000, 16000, 24000, 48000));

// Above 3.4 kHz there is next to nothing, at 8 kHz neither.
TEST(MelodySpectrumTest, StaysWithinTheTelephoneBand) {
  for (const int rate : {8000, 16000}) {
    const std::vector<int16_t> samples = Period(rate);
    const auto window = static_cast<size_t>(rate) / 4;
    double above = 0;
    double all = 0;
    for (size_t at = 0; at + window <= samples.size(); at += 13 * window) {
      std::vector<int16_t> part(
          samples.begin() + static_cast<ptrdiff_t>(at),
          samples.begin() + static_cast<ptrdiff_t>(at + window));
      // A window of Hann, so that nothing leaks.
      for (size_t i = 0; i < window; ++i) {
        part[i] = static_cast<int16_t>(
            part[i] * (0.5 - 0.5 * std::cos(2 * 3.14159265358979 *
                                            static_cast<double>(i) /
                                            static_cast<double>(window))));
      }
      all += test::PowerOf(part);
      for (double hz = 3400; hz < rate / 2.0; hz += 4) {
        const double amplitude = test::AmplitudeAt(part, hz, rate);
        above += amplitude * amplitude / 2;
      }
    }
    EXPECT_LT(10 * std::log10(above / all), -50) << rate;
  }
}

}  // namespace
}  // namespace trunkline::audio
