#include "audio/loudness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/constexpr_math.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

double GainOfSection(const double (&b)[3], const double (&a)[2],
                     double frequency_hz) {
  const auto z = std::polar(1.0, -2 * kPi * frequency_hz / 48000);
  return std::abs((b[0] + z * (b[1] + z * b[2])) /
                  (1.0 + z * (a[0] + z * a[1])));
}

// The tables of BS.1770, for 48 kHz.
double RecommendedDb(double frequency_hz) {
  return 20 *
         std::log10(GainOfSection(
                        {1.53512485958697, -2.69169618940638, 1.19839281085285},
                        {-1.69065929318241, 0.73248077421585}, frequency_hz) *
                    GainOfSection({1, -2, 1},
                                  {-1.99004745483398, 0.99007225036621},
                                  frequency_hz));
}

// In dB, by weighing one second after one second.
double MeasuredDb(int hz, double frequency_hz) {
  KWeighting weighting(hz);
  const auto count = static_cast<size_t>(hz);
  const auto sine = test::SineSignal(2 * count, frequency_hz, hz, 16384);
  float ignored = 0;
  float sum = 0;
  weighting.AddSquares(std::span<const int16_t>(sine).first(count), ignored);
  weighting.AddSquares(std::span<const int16_t>(sine).last(count), sum);
  return 10 * std::log10(sum / (0.125 * hz));
}

struct Fit {
  int hz;
  double db;
};

class KWeightingTest : public testing::TestWithParam<Fit> {};

INSTANTIATE_TEST_SUITE_P(Rates, KWeightingTest,
                         testing::Values(Fit{8000, 0.06}, Fit{16000, 0.03},
                                         Fit{24000, 0.015}));

TEST_P(KWeightingTest, IsThatOf48KhzUpToNineTenthsOfTheBand) {
  const auto [hz, db] = GetParam();
  for (int frequency = 60; frequency <= hz * 45 / 100; frequency += 60) {
    EXPECT_NEAR(MeasuredDb(hz, frequency), RecommendedDb(frequency), db)
        << frequency;
  }
}

TEST_P(KWeightingTest, DirectCurrentIsNotHeard) {
  const int hz = GetParam().hz;
  LoudnessMeter meter(hz);
  meter.Process(std::vector<int16_t>(static_cast<size_t>(4 * hz), INT16_MAX));
  EXPECT_LT(meter.momentary_lufs(), -80);
}

class LoudnessMeterTest : public testing::TestWithParam<int> {
 protected:
  std::vector<int16_t> Sine(double seconds, double dbfs) const {
    const auto count = static_cast<size_t>(seconds * GetParam());
    return test::SineSignal(count, /*frequency_hz=*/997.0, GetParam(),
                            32768 * std::pow(10, dbfs / 20));
  }
};

INSTANTIATE_TEST_SUITE_P(Rates, LoudnessMeterTest,
                         testing::Values(8000, 16000, 24000));

TEST_P(LoudnessMeterTest, ASineOf997HzHasThreeLessThanItsPeak) {
  LoudnessMeter meter(GetParam());
  meter.Process(Sine(5, -20));
  EXPECT_NEAR(meter.momentary_lufs(), -23.01, 0.1);
  EXPECT_NEAR(meter.short_term_lufs(), -23.01, 0.1);
  EXPECT_NEAR(meter.integrated_lufs(), -23.01, 0.1);
}

// Minimum requirements test signals 3 and 4 of EBU Tech 3341, in one channel.
TEST_P(LoudnessMeterTest, QuietPartsAreGatedOut) {
  LoudnessMeter meter(GetParam());
  for (const auto& [seconds, dbfs] :
       {std::pair(10.0, -72.0), std::pair(10.0, -36.0), std::pair(60.0, -20.0),
        std::pair(10.0, -36.0), std::pair(10.0, -72.0)}) {
    meter.Process(Sine(seconds, dbfs));
  }
  EXPECT_NEAR(meter.integrated_lufs(), -23.01, 0.1);
}

TEST_P(LoudnessMeterTest, TellsNothingBeforeItsBlockIsFull) {
  LoudnessMeter meter(GetParam());
  meter.Process(Sine(0.39, -20));
  EXPECT_EQ(meter.momentary_lufs(), LoudnessMeter::kNone);
  EXPECT_EQ(meter.integrated_lufs(), LoudnessMeter::kNone);
  meter.Process(Sine(0.02, -20));
  EXPECT_NEAR(meter.momentary_lufs(), -23, 0.3);
  EXPECT_EQ(meter.short_term_lufs(), LoudnessMeter::kNone);
}

TEST_P(LoudnessMeterTest, SilenceHasNoLoudness) {
  LoudnessMeter meter(GetParam());
  meter.Process(std::vector<int16_t>(5 * static_cast<size_t>(GetParam()), 0));
  EXPECT_EQ(meter.momentary_lufs(), LoudnessMeter::kNone);
  EXPECT_EQ(meter.integrated_lufs(), LoudnessMeter::kNone);
}

TEST_P(LoudnessMeterTest, FullScaleAlternationIsLoudAndFinite) {
  LoudnessMeter meter(GetParam());
  meter.Process(test::SquareSignal(4 * static_cast<size_t>(GetParam()), 2));
  EXPECT_NEAR(meter.integrated_lufs(), 3, 1.2);
}

TEST_P(LoudnessMeterTest, AnySplitAndACopyGiveTheSame) {
  const auto signal =
      test::VoiceSignal(5 * static_cast<size_t>(GetParam()), -200, 1);
  LoudnessMeter whole(GetParam());
  whole.Process(signal);
  LoudnessMeter split(GetParam());
  test::Random random(5);
  size_t at = 0;
  for (const size_t part : test::RandomSplit(signal.size(), 700, random)) {
    LoudnessMeter copy = split;
    copy.Process(std::span<const int16_t>(signal).subspan(at, part));
    split = copy;
    at += part;
  }
  EXPECT_EQ(split.momentary_lufs(), whole.momentary_lufs());
  EXPECT_EQ(split.short_term_lufs(), whole.short_term_lufs());
  EXPECT_EQ(split.integrated_lufs(), whole.integrated_lufs());
  split.Reset();
  split.Process(signal);
  EXPECT_EQ(split.integrated_lufs(), whole.integrated_lufs());
}

}  // namespace
}  // namespace trunkline::audio
