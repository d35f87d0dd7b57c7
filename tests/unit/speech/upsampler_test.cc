#include "speech/recognizer/upsampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace trunkline::speech {
namespace {

std::vector<int16_t> Upsampled(std::span<const int16_t> input, size_t slice) {
  Upsampler upsampler;
  std::vector<int16_t> output;
  for (size_t at = 0; at < input.size(); at += slice) {
    upsampler.Process(input.subspan(at, std::min(slice, input.size() - at)),
                      output);
  }
  return output;
}

std::vector<int16_t> Tone(double hz, double amplitude, size_t count) {
  std::vector<int16_t> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = static_cast<int16_t>(
        std::lround(amplitude * std::sin(2 * std::numbers::pi * hz *
                                         static_cast<double>(i) / 8000)));
  }
  return samples;
}

// Amplitude of one frequency at 16 kHz, behind the first `skip` samples.
double AmplitudeAt(std::span<const int16_t> samples, double hz, size_t skip) {
  double re = 0;
  double im = 0;
  for (size_t i = skip; i < samples.size(); ++i) {
    const double phase =
        2 * std::numbers::pi * hz * static_cast<double>(i) / 16000;
    re += samples[i] * std::cos(phase);
    im += samples[i] * std::sin(phase);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(samples.size() - skip);
}

TEST(UpsamplerTest, TheMirrorImageIsSixDecibelsDown) {
  for (const double hz : {400.0, 1000.0, 2000.0, 3000.0}) {
    const std::vector<int16_t> wide = Upsampled(Tone(hz, 10000, 8080), 160);
    const double tone = AmplitudeAt(wide, hz, 160);
    const double image = AmplitudeAt(wide, 8000 - hz, 160);
    EXPECT_NEAR(-6.0, 20 * std::log10(image / tone), 0.3) << hz;
    EXPECT_NEAR(10000 * 2.0 / 3, tone, 100) << hz;
  }
}

TEST(UpsamplerTest, EverySecondSampleIsTheInputs) {
  const std::vector<int16_t> input = Tone(700, 20000, 400);
  const std::vector<int16_t> wide = Upsampled(input, 400);
  ASSERT_EQ(800u, wide.size());
  for (size_t i = 0; i + Upsampler::kReach < input.size(); ++i) {
    ASSERT_EQ(input[i], wide[2 * i + Upsampler::kDelaySamples]) << i;
  }
}

TEST(UpsamplerTest, TheSplitOfTheInputChangesNothing) {
  const std::vector<int16_t> input = Tone(1234, 30000, 1000);
  const std::vector<int16_t> whole = Upsampled(input, 1000);
  for (const size_t slice : {1u, 3u, 16u, 17u, 160u, 999u}) {
    EXPECT_EQ(whole, Upsampled(input, slice)) << slice;
  }
}

TEST(UpsamplerTest, TheLoudestInputDoesNotWrap) {
  // The worst that the taps can meet: each of the sign of its coefficient.
  std::vector<int16_t> input(64, 0);
  for (size_t k = 0; k < Upsampler::kReach; ++k) {
    const int16_t value = k % 2 == 0 ? 32767 : -32768;
    input[20 - k] = value;
    input[21 + k] = value;
  }
  const std::vector<int16_t> wide = Upsampled(input, 64);
  const int16_t between = wide[2 * 20 + 1 + Upsampler::kDelaySamples];
  EXPECT_LT(20000, between);
  for (int16_t& sample : input) sample = static_cast<int16_t>(~sample);
  EXPECT_GT(-20000,
            Upsampled(input, 64)[2 * 20 + 1 + Upsampler::kDelaySamples]);
}

TEST(UpsamplerTest, ResetForgetsTheInput) {
  Upsampler upsampler;
  std::vector<int16_t> output;
  upsampler.Process(Tone(500, 30000, 80), output);
  upsampler.Reset();
  output.clear();
  upsampler.Process(std::vector<int16_t>(80, 0), output);
  EXPECT_THAT(output, testing::Each(0));
}

}  // namespace
}  // namespace trunkline::speech
