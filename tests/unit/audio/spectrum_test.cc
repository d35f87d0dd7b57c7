#include "audio/spectrum.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <complex>

#include "audio/constexpr_math.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using Samples = std::array<float, kSpectrumSamples>;

Samples RandomInput(uint64_t seed) {
  test::Random random(seed);
  Samples samples;
  for (float& sample : samples) {
    sample = static_cast<float>(random.Symmetric());
  }
  return samples;
}

TEST(SpectrumTest, IsTheSumOfItsDefinition) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Samples samples = RandomInput(seed);
    Samples lost = samples;
    Spectrum spectrum;
    Transform(lost, spectrum);
    for (size_t k = 0; k < kSpectrumBins; ++k) {
      std::complex<double> sum;
      for (size_t n = 0; n < kSpectrumSamples; ++n) {
        sum +=
            static_cast<double>(samples[n]) *
            std::polar(1.0, -2 * kPi * static_cast<double>(k * n % 256) / 256);
      }
      EXPECT_NEAR(spectrum.re[k], sum.real(), 2e-5) << k;
      EXPECT_NEAR(spectrum.im[k], sum.imag(), 2e-5) << k;
    }
  }
}

TEST(SpectrumTest, ThereAndBackIsTheSame) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Samples samples = RandomInput(seed);
    Samples lost = samples;
    Spectrum spectrum;
    Transform(lost, spectrum);
    Samples back;
    TransformBack(spectrum, back);
    for (size_t n = 0; n < kSpectrumSamples; ++n) {
      EXPECT_NEAR(back[n], samples[n], 1e-6);
    }
  }
}

TEST(SpectrumTest, DirectCurrentAndAlternationHaveABinEach) {
  Samples samples;
  samples.fill(1);
  Spectrum spectrum;
  Transform(samples, spectrum);
  EXPECT_EQ(spectrum.re[0], 256);
  for (size_t k = 1; k < kSpectrumBins; ++k) EXPECT_EQ(spectrum.re[k], 0);
  for (size_t n = 0; n < kSpectrumSamples; n += 2) {
    samples[n] = 1;
    samples[n + 1] = -1;
  }
  Transform(samples, spectrum);
  EXPECT_EQ(spectrum.re[128], 256);
  for (size_t k = 0; k < 128; ++k) EXPECT_EQ(spectrum.re[k], 0);
}

}  // namespace
}  // namespace trunkline::audio
