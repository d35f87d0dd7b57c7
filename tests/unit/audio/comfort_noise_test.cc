#include "audio/comfort_noise.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

void LearnAll(ComfortNoise& noise, std::span<const int16_t> line) {
  const size_t block = noise.block_samples();
  for (size_t at = 0; at + block <= line.size(); at += block) {
    noise.Learn(line.subspan(at, block));
  }
}

std::vector<int16_t> Generate(ComfortNoise& noise, size_t count) {
  std::vector<int16_t> out(count);
  for (int16_t& sample : out) {
    sample = static_cast<int16_t>(std::lround(noise.Next()));
  }
  return out;
}

double LevelDb(std::span<const int16_t> samples) {
  return 10 * std::log10((test::PowerOf(samples) + 1e-9) / 0x1p30);
}

// The correlation of neighbours says where the spectrum's weight is.
double Tilt(std::span<const int16_t> samples) {
  double sum = 0;
  for (size_t i = 1; i < samples.size(); ++i) {
    sum += double{1} * samples[i] * samples[i - 1];
  }
  return sum / static_cast<double>(samples.size()) / test::PowerOf(samples);
}

TEST(ComfortNoiseTest, HasTheLevelOfTheLine) {
  for (const int rate : {8000, 16000}) {
    for (const int tenths : {-700, -550, -350}) {
      ComfortNoise noise(rate);
      LearnAll(noise, test::NoiseSignal(32000, tenths, 1));
      noise.Start(1e9F);
      EXPECT_NEAR(LevelDb(Generate(noise, 16000)), tenths / 10.0, 1)
          << rate << " " << tenths;
    }
  }
}

TEST(ComfortNoiseTest, HasTheSpectrumOfTheLine) {
  for (const double pole : {-0.8, -0.3, 0.3, 0.9}) {
    std::vector<int16_t> line = test::NoiseSignal(32000, -500, 2);
    double last = 0;
    for (int16_t& sample : line) {
      last = sample + pole * last;
      sample = static_cast<int16_t>(std::lround(last));
    }
    ComfortNoise noise(8000);
    LearnAll(noise, line);
    noise.Start(1e9F);
    const auto out = Generate(noise, 32000);
    EXPECT_NEAR(Tilt(out), Tilt(line), 0.05) << pole;
    EXPECT_NEAR(LevelDb(out), LevelDb(line), 1) << pole;
  }
}

TEST(ComfortNoiseTest, SpeechDoesNotCount) {
  std::vector<int16_t> line = test::NoiseSignal(80000, -600, 3);
  for (size_t at = 16000; at < line.size(); at += 16000) {
    test::Mix(std::span(line).subspan(at), test::VoiceSignal(8000, -200, at));
  }
  ComfortNoise noise(8000);
  LearnAll(noise, line);
  noise.Start(1e9F);
  EXPECT_NEAR(LevelDb(Generate(noise, 16000)), -60, 1.5);
}

TEST(ComfortNoiseTest, FollowsALineThatChanges) {
  ComfortNoise noise(8000);
  for (const int tenths : {-400, -650, -450}) {
    // Louder noise counts when the quieter is 3 s old.
    LearnAll(noise, test::NoiseSignal(64000, tenths, 4));
    noise.Start(1e9F);
    EXPECT_NEAR(LevelDb(Generate(noise, 16000)), tenths / 10.0, 1) << tenths;
  }
}

TEST(ComfortNoiseTest, IsBounded) {
  ComfortNoise noise(8000);
  LearnAll(noise, test::NoiseSignal(32000, -100, 5));
  EXPECT_EQ(noise.power(), ComfortNoise::kLoudestPower);
  noise.Start(1e9F);
  EXPECT_NEAR(LevelDb(Generate(noise, 16000)), -30, 1);
  noise.Start(100);
  EXPECT_NEAR(test::PowerOf(Generate(noise, 16000)), 100, 10);
  noise.Start(0);
  EXPECT_EQ(test::PowerOf(Generate(noise, 1600)), 0);
}

TEST(ComfortNoiseTest, SilenceAndDirectCurrentAreSilence) {
  for (const int16_t value : std::to_array<int16_t>({0, 1000, INT16_MIN})) {
    ComfortNoise noise(8000);
    LearnAll(noise, std::vector<int16_t>(32000, value));
    noise.Start(1e9F);
    EXPECT_LT(test::PowerOf(Generate(noise, 1600)), 0.5) << value;
  }
}

// Poles on the unit circle: the synthesis must not run away.
TEST(ComfortNoiseTest, TonesAndExtremesStayStable) {
  std::vector<std::vector<int16_t>> lines = {test::SquareSignal(32000, 1),
                                             test::SquareSignal(32000, 4000),
                                             test::RandomSamples(32000, 6)};
  for (const double hz : {1.0, 50.0, 1000.0, 3999.0}) {
    lines.push_back(test::SineSignal(32000, hz, 8000, 1400));
    lines.push_back(test::SineSignal(32000, hz, 8000, 32767));
  }
  for (const auto& line : lines) {
    ComfortNoise noise(8000);
    LearnAll(noise, line);
    noise.Start(1e9F);
    for (int i = 0; i < 80000; ++i) ASSERT_LT(std::abs(noise.Next()), 16000);
  }
}

TEST(ComfortNoiseTest, ACopyGoesOnAlikeAndResetForgets) {
  ComfortNoise noise(16000);
  LearnAll(noise, test::NoiseSignal(32000, -500, 7));
  noise.Start(1e9F);
  Generate(noise, 77);
  ComfortNoise copy = noise;
  EXPECT_EQ(Generate(copy, 5000), Generate(noise, 5000));

  noise.Reset();
  EXPECT_EQ(noise.block_samples(), 320U);
  ComfortNoise fresh(16000);
  for (ComfortNoise* each : {&noise, &fresh}) {
    LearnAll(*each, test::NoiseSignal(3200, -400, 8));
    each->Start(1e9F);
  }
  EXPECT_EQ(Generate(noise, 500), Generate(fresh, 500));
}

}  // namespace
}  // namespace trunkline::audio
