#include "audio/resampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace trunkline::audio {
namespace {

constexpr double kTwoPi = 6.28318530717958647692;

struct Pair {
  int in_hz;
  int out_hz;
};
void PrintTo(const Pair& pair, std::ostream* out) {
  *out << pair.in_hz << "->" << pair.out_hz;
}

class ResamplerTest : public testing::TestWithParam<Pair> {};

std::vector<int16_t> Sine(double hz, int rate_hz, int samples, double peak) {
  std::vector<int16_t> out;
  for (int i = 0; i < samples; ++i) {
    out.push_back(static_cast<int16_t>(
        std::lround(peak * std::sin(kTwoPi * hz * i / rate_hz))));
  }
  return out;
}

std::vector<int16_t> Resample(Resampler& resampler,
                              std::span<const int16_t> in) {
  std::vector<int16_t> out(resampler.MaxOutputSamples(in.size()));
  out.resize(resampler.Process(in, out));
  return out;
}

// Power at `hz` and all other power, of the settled part, S16 squared.
struct Spectrum {
  double tone;
  double rest;
};
Spectrum Analyse(std::span<const int16_t> out, double hz, int rate_hz) {
  const auto skip = static_cast<size_t>(rate_hz / 50);
  const std::span<const int16_t> settled = out.subspan(skip);
  double re = 0;
  double im = 0;
  double window_sum = 0;
  const auto n = static_cast<double>(settled.size());
  for (size_t i = 0; i < settled.size(); ++i) {
    const double window =
        0.5 - 0.5 * std::cos(kTwoPi * static_cast<double>(i) / n);
    re += window * settled[i] *
          std::cos(kTwoPi * hz * static_cast<double>(i) / rate_hz);
    im += window * settled[i] *
          std::sin(kTwoPi * hz * static_cast<double>(i) / rate_hz);
    window_sum += window;
  }
  const double amplitude = 2 * std::sqrt(re * re + im * im) / window_sum;
  // Take the tone away at its exact amplitude and phase, and see what is left.
  const double phase = std::atan2(im, re);
  double rest = 0;
  for (size_t i = 0; i < settled.size(); ++i) {
    const double tone =
        amplitude *
        std::cos(kTwoPi * hz * static_cast<double>(i) / rate_hz - phase);
    rest += (settled[i] - tone) * (settled[i] - tone);
  }
  return {amplitude * amplitude / 2, rest / n};
}

double Db(double ratio) { return 10 * std::log10(std::max(ratio, 1e-20)); }

// Frequencies scale with the lower rate: 3.4 kHz of 8.
TEST_P(ResamplerTest, PassesSpeechFlatAndWithoutImages) {
  const auto [in_hz, out_hz] = GetParam();
  const double lower = std::min(in_hz, out_hz);
  constexpr double kPeak = 16000;
  for (double fraction = 0.025; fraction <= 0.4251; fraction += 0.025) {
    const double hz = fraction * lower;
    Resampler resampler(in_hz, out_hz);
    const std::vector<int16_t> out =
        Resample(resampler, Sine(hz, in_hz, in_hz / 2, kPeak));
    const Spectrum spectrum = Analyse(out, hz, out_hz);
    EXPECT_NEAR(Db(spectrum.tone / (kPeak * kPeak / 2)), 0, 0.1) << hz;
    EXPECT_LT(Db(spectrum.rest / spectrum.tone), -70) << hz;
  }
}

// Downwards, nothing from beyond the transition folds into what is heard.
TEST_P(ResamplerTest, RejectsWhatWouldFold) {
  const auto [in_hz, out_hz] = GetParam();
  if (out_hz >= in_hz) return;
  constexpr double kPeak = 16000;
  for (double hz = 0.576 * out_hz; hz < 0.5 * in_hz; hz += 0.031 * out_hz) {
    Resampler resampler(in_hz, out_hz);
    const std::vector<int16_t> out =
        Resample(resampler, Sine(hz, in_hz, in_hz / 4, kPeak));
    double power = 0;
    for (size_t i = out.size() / 4; i < out.size(); ++i) {
      power += static_cast<double>(out[i]) * out[i];
    }
    power /= static_cast<double>(out.size() * 3 / 4);
    EXPECT_LT(Db(power / (kPeak * kPeak / 2)), -70) << hz;
  }
}

TEST_P(ResamplerTest, AnySplitGivesTheSameSamples) {
  const auto [in_hz, out_hz] = GetParam();
  uint32_t random = 7;
  const auto next = [&random](uint32_t bound) {
    random = random * 1664525 + 1013904223;
    return (random >> 8) % bound;
  };
  std::vector<int16_t> in(5000);
  for (int16_t& sample : in) {
    sample = static_cast<int16_t>(static_cast<int>(next(65536)) - 32768);
  }
  Resampler whole(in_hz, out_hz);
  const std::vector<int16_t> expected = Resample(whole, in);
  for (int round = 0; round < 20; ++round) {
    Resampler split(in_hz, out_hz);
    std::vector<int16_t> out;
    for (size_t at = 0; at < in.size();) {
      const size_t take = std::min<size_t>(next(700), in.size() - at);
      const std::vector<int16_t> part =
          Resample(split, std::span<const int16_t>(in).subspan(at, take));
      out.insert(out.end(), part.begin(), part.end());
      at += take;
    }
    ASSERT_EQ(out, expected);
  }
}

TEST_P(ResamplerTest, ExtremesSaturateAndKeepTheCount) {
  const auto [in_hz, out_hz] = GetParam();
  for (const int period : {1, 2, 8, 80}) {
    std::vector<int16_t> in;
    for (int i = 0; i < 4800; ++i) {
      in.push_back(i / period % 2 == 0 ? INT16_MAX : INT16_MIN);
    }
    Resampler resampler(in_hz, out_hz);
    EXPECT_EQ(Resample(resampler, in).size(),
              static_cast<size_t>(4800LL * out_hz / in_hz));
  }
}

TEST_P(ResamplerTest, DelayIsAsSaidAndBelowThreeMilliseconds) {
  const auto [in_hz, out_hz] = GetParam();
  std::vector<int16_t> in(static_cast<size_t>(in_hz / 20), 0);
  in[0] = 20000;
  Resampler resampler(in_hz, out_hz);
  const std::vector<int16_t> out = Resample(resampler, in);
  double centre = 0;
  double energy = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const double power = static_cast<double>(out[i]) * out[i];
    centre += static_cast<double>(i) * power;
    energy += power;
  }
  if (energy == 0) return;  // the impulse fell between the samples kept
  centre /= energy;
  EXPECT_NEAR(centre, resampler.delay_samples(), 1.6);
  EXPECT_LT(centre / out_hz * 1000, 3.0 * 8000 / std::min(in_hz, out_hz));
}

TEST(ResamplerSupportTest, KnowsItsRates) {
  EXPECT_TRUE(Resampler::Supports(8000, 48000));
  EXPECT_FALSE(Resampler::Supports(8000, 44100));
  EXPECT_FALSE(Resampler::Supports(0, 8000));
}

INSTANTIATE_TEST_SUITE_P(AllPairs, ResamplerTest,
                         testing::Values(Pair{8000, 16000}, Pair{8000, 24000},
                                         Pair{8000, 48000}, Pair{16000, 8000},
                                         Pair{16000, 24000}, Pair{16000, 48000},
                                         Pair{24000, 8000}, Pair{24000, 16000},
                                         Pair{24000, 48000}, Pair{48000, 8000},
                                         Pair{48000, 16000}, Pair{48000, 24000},
                                         Pair{8000, 8000}));

}  // namespace
}  // namespace trunkline::audio
