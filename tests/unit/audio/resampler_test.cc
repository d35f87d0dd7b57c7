#include "audio/resampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr int kRatesHz[] = {8000, 16000, 24000, 48000};

struct Pair {
  int in_hz;
  int out_hz;
};

std::vector<Pair> Pairs() {
  std::vector<Pair> pairs;
  for (const int in_hz : kRatesHz) {
    for (const int out_hz : kRatesHz) {
      if (in_hz != out_hz) pairs.push_back({in_hz, out_hz});
    }
  }
  return pairs;
}

std::vector<int16_t> Resampled(Resampler& resampler,
                               std::span<const int16_t> in) {
  std::vector<int16_t> out(resampler.MaxOutputSamples(in.size()));
  out.resize(resampler.Process(in, out));
  return out;
}

class ResamplerTest : public ::testing::TestWithParam<Pair> {
 protected:
  int in_hz() const { return GetParam().in_hz; }
  int out_hz() const { return GetParam().out_hz; }
  int lower_hz() const { return std::min(in_hz(), out_hz()); }

  // What half a second of a sine becomes, without its first 50 ms.
  std::vector<int16_t> Response(double frequency_hz) const {
    Resampler resampler(in_hz(), out_hz());
    const std::vector<int16_t> out = Resampled(
        resampler, test::SineSignal(static_cast<size_t>(in_hz()) / 2,
                                    frequency_hz, in_hz(), kAmplitude));
    return {out.begin() + out_hz() / 20, out.end()};
  }

  // Frequencies between two shares of the lower rate, Hz. All have whole
  // periods in what Response() returns, 450 ms.
  std::vector<double> Frequencies(double from, double to) const {
    std::vector<double> frequencies;
    for (int i = 0; from + 0.0125 * i <= to + 1e-9; ++i) {
      const double share = from + 0.0125 * i;
      frequencies.push_back(std::round(share * lower_hz() / 20) * 20);
    }
    return frequencies;
  }

  // -3 dBFS.
  static constexpr double kAmplitude = 23000;
};

TEST_P(ResamplerTest, PassBandIsFlat) {
  for (const double frequency : Frequencies(0.0125, 0.425)) {
    const double gain =
        test::AmplitudeAt(Response(frequency), frequency, out_hz()) /
        kAmplitude;
    ASSERT_NEAR(20 * std::log10(gain), 0, 0.01) << frequency;
  }
}

TEST_P(ResamplerTest, CutOffIsHalfOfTheLowerRate) {
  if (in_hz() < out_hz()) return;  // There it is the end of the input's band.
  const double frequency = 0.48 * lower_hz();
  const double gain =
      test::AmplitudeAt(Response(frequency), frequency, out_hz()) / kAmplitude;
  EXPECT_NEAR(20 * std::log10(gain), -2.0, 1);
}

// Everything that is not the tone itself, noise included.
TEST_P(ResamplerTest, ImagesAreBelowMinus74Db) {
  for (const double frequency : Frequencies(0.0125, 0.425)) {
    const double power =
        test::PowerBeside(Response(frequency), frequency, out_hz());
    ASSERT_LT(10 * std::log10(power / (kAmplitude * kAmplitude / 2)), -74)
        << frequency;
  }
}

TEST_P(ResamplerTest, AliasesAreBelowMinus74Db) {
  if (in_hz() < out_hz()) return;  // Nothing can fold.
  for (const double frequency :
       Frequencies(0.575, 0.5 * in_hz() / lower_hz() - 0.0125)) {
    const double power = test::PowerOf(Response(frequency));
    ASSERT_LT(10 * std::log10(power / (kAmplitude * kAmplitude / 2)), -74)
        << frequency;
  }
}

TEST_P(ResamplerTest, MatchesTheSlowTwin) {
  for (const std::vector<int16_t>& in :
       {test::RandomSamples(1500, 1), test::NoiseSignal(1500, -200, 2)}) {
    Resampler resampler(in_hz(), out_hz());
    const std::vector<int16_t> out = Resampled(resampler, in);
    const std::vector<double> exact =
        test::ReferenceResample(in, in_hz(), out_hz());
    ASSERT_EQ(out.size(), exact.size());
    for (size_t i = 0; i < out.size(); ++i) {
      // 192 coefficients, each half of 1/32768 wrong at most and mostly by
      // less, and a rounded result.
      ASSERT_NEAR(out[i], std::clamp(exact[i], -32768.0, 32767.0), 8) << i;
    }
  }
}

TEST_P(ResamplerTest, SaturatesAndNeverWraps) {
  // Half periods from the shortest to well below the cut-off, so that every
  // pattern of signs that a filter can meet at its loudest occurs.
  for (size_t half_period = 1; half_period < 50; half_period += 3) {
    const std::vector<int16_t> in = test::SquareSignal(1500, half_period);
    Resampler resampler(in_hz(), out_hz());
    const std::vector<int16_t> out = Resampled(resampler, in);
    const std::vector<double> exact =
        test::ReferenceResample(in, in_hz(), out_hz());
    for (size_t i = 0; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], std::clamp(exact[i], -32768.0, 32767.0), 8)
          << half_period << " " << i;
    }
  }
}

TEST_P(ResamplerTest, ConstantsPassUnchanged) {
  for (const int value : {INT16_MIN, -1, 0, 1, 1000, INT16_MAX}) {
    Resampler resampler(in_hz(), out_hz());
    const std::vector<int16_t> out = Resampled(
        resampler, std::vector<int16_t>(1000, static_cast<int16_t>(value)));
    for (size_t i = out.size() / 2; i < out.size(); ++i) {
      ASSERT_NEAR(out[i], value, std::abs(value) > 1 ? 6 : 0);
    }
  }
}

TEST_P(ResamplerTest, AnySplitGivesTheSameSamples) {
  const std::vector<int16_t> in = test::RandomSamples(6000, 3);
  Resampler whole(in_hz(), out_hz());
  const std::vector<int16_t> expected = Resampled(whole, in);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    test::Random random(seed);
    const size_t longest = seed % 2 == 0 ? 7 : 1500;
    Resampler resampler(in_hz(), out_hz());
    std::vector<int16_t> out;
    size_t at = 0;
    for (const size_t part : test::RandomSplit(in.size(), longest, random)) {
      const std::vector<int16_t> more =
          Resampled(resampler, std::span(in).subspan(at, part));
      ASSERT_LE(more.size(), resampler.MaxOutputSamples(part));
      out.insert(out.end(), more.begin(), more.end());
      at += part;
    }
    ASSERT_EQ(out, expected) << seed;
  }
}

TEST_P(ResamplerTest, CountOfSamplesIsFixed) {
  Resampler resampler(in_hz(), out_hz());
  test::Random random(4);
  int64_t in_count = 0;
  int64_t out_count = 0;
  for (int i = 0; i < 500; ++i) {
    const std::vector<int16_t> in(random.Below(50));
    in_count += static_cast<int64_t>(in.size());
    out_count += static_cast<int64_t>(Resampled(resampler, in).size());
    ASSERT_EQ(out_count, (in_count * out_hz() + in_hz() - 1) / in_hz());
  }
}

TEST_P(ResamplerTest, DelayIsHalfOfTheFilter) {
  Resampler resampler(in_hz(), out_hz());
  const size_t at = static_cast<size_t>(in_hz()) / 100;
  std::vector<int16_t> in(4 * at);
  in[at] = 30000;
  const std::vector<int16_t> out = Resampled(resampler, in);
  double energy = 0;
  double centre = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    energy += double{1} * out[i] * out[i];
    centre += static_cast<double>(i) * out[i] * out[i];
  }
  const double delay = centre / energy - out_hz() / 100.0;
  EXPECT_NEAR(delay, resampler.delay_samples(), 1);
  // Sixteen samples of the lower rate: 2 ms at 8 kHz.
  EXPECT_NEAR(delay / out_hz() * lower_hz(), 16, 1);
}

TEST_P(ResamplerTest, ACopyGoesOnWithTheSameSamples) {
  Resampler resampler(in_hz(), out_hz());
  Resampled(resampler, test::RandomSamples(1001, 8));
  Resampler copy(resampler);
  const std::vector<int16_t> in = test::RandomSamples(777, 9);
  const std::vector<int16_t> expected = Resampled(resampler, in);
  // What either does later is nothing to the other.
  Resampled(resampler, in);
  EXPECT_EQ(Resampled(copy, in), expected);
}

TEST_P(ResamplerTest, ResetForgetsThePast) {
  const std::vector<int16_t> in = test::RandomSamples(777, 5);
  Resampler fresh(in_hz(), out_hz());
  const std::vector<int16_t> expected = Resampled(fresh, in);
  Resampler used(in_hz(), out_hz());
  Resampled(used, test::RandomSamples(1001, 6));
  used.Reset();
  EXPECT_EQ(Resampled(used, in), expected);
}

INSTANTIATE_TEST_SUITE_P(Pairs, ResamplerTest, ::testing::ValuesIn(Pairs()),
                         [](const ::testing::TestParamInfo<Pair>& instance) {
                           return std::to_string(instance.param.in_hz / 1000) +
                                  "To" +
                                  std::to_string(instance.param.out_hz / 1000);
                         });

TEST(ResamplerEqualRatesTest, Copies) {
  const std::vector<int16_t> in = test::RandomSamples(1000, 7);
  for (const int hz : kRatesHz) {
    Resampler resampler(hz, hz);
    EXPECT_EQ(Resampled(resampler, in), in);
    EXPECT_EQ(resampler.delay_samples(), 0);
  }
}

TEST(ResamplerSupportTest, FourRates) {
  for (const int in_hz : kRatesHz) {
    for (const int out_hz : kRatesHz) {
      EXPECT_TRUE(Resampler::Supports(in_hz, out_hz));
    }
    for (const int other : {0, -8000, 11025, 44100, 96000}) {
      EXPECT_FALSE(Resampler::Supports(in_hz, other));
      EXPECT_FALSE(Resampler::Supports(other, in_hz));
    }
  }
}

TEST(ResamplerDeathTest, UnsupportedRatesAndShortOutputAreRefused) {
  EXPECT_DEATH(Resampler(8000, 44100), "");
  Resampler resampler(8000, 24000);
  const std::vector<int16_t> in(10);
  std::vector<int16_t> out(29);
  EXPECT_DEATH(resampler.Process(in, out), "");
}

}  // namespace
}  // namespace trunkline::audio
