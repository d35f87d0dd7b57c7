#include "audio/denoiser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using Strength = Denoiser::Strength;

constexpr size_t kFrame = Denoiser::kFrameSamples;
constexpr Strength kStrengths[] = {Strength::kOff, Strength::kLight,
                                   Strength::kStrong};

std::vector<int16_t> Through(Denoiser& denoiser, std::vector<int16_t> line) {
  for (size_t at = 0; at + kFrame <= line.size(); at += kFrame) {
    denoiser.Process(std::span<int16_t>(line).subspan(at, kFrame));
  }
  return line;
}

std::vector<int16_t> Through(Strength strength, std::vector<int16_t> line) {
  Denoiser denoiser(Denoiser::Config{.strength = strength});
  return Through(denoiser, std::move(line));
}

// Words of 600 ms with gaps of 400 ms.
std::vector<int16_t> Words(size_t seconds, int dbfs_tenths) {
  auto words = test::VoiceSignal(seconds * 8000, dbfs_tenths, 1);
  for (size_t i = 0; i < words.size(); ++i) {
    if (i % 8000 >= 4800) words[i] = 0;
  }
  return words;
}

double DbOf(std::span<const int16_t> samples) {
  return 10 * std::log10(test::PowerOf(samples) + 1e-3);
}

TEST(DenoiserTest, OffPassesSamplesOnWithTheSameDelay) {
  const auto line = test::RandomSamples(8000, 1);
  const auto out = Through(Strength::kOff, line);
  for (size_t i = Denoiser::kDelaySamples; i < line.size(); ++i) {
    ASSERT_EQ(out[i], line[i - Denoiser::kDelaySamples]);
  }
}

// With a gain of one the windows add up to the input.
TEST(DenoiserTest, AVoiceOnACleanLinePassesWithTheStatedDelay) {
  const auto line = Words(12, -200);
  for (const Strength strength : {Strength::kLight, Strength::kStrong}) {
    const auto out = Through(strength, line);
    double error = 0;
    double power = 0;
    for (size_t i = 32000; i < line.size(); ++i) {
      const double apart = out[i] - line[i - Denoiser::kDelaySamples];
      error += apart * apart;
      power += double{1} * line[i] * line[i];
    }
    EXPECT_GT(10 * std::log10(power / error), 30);
  }
}

TEST(DenoiserTest, SteadyNoiseSinksToItsFloor) {
  for (const int tenths : {-600, -400, -200}) {
    const auto line = test::NoiseSignal(48000, tenths, 2);
    const double before = DbOf(std::span<const int16_t>(line).last(16000));
    const auto light = Through(Strength::kLight, line);
    EXPECT_NEAR(DbOf(std::span<const int16_t>(light).last(16000)) - before, -12,
                1.5)
        << tenths;
    const auto strong = Through(Strength::kStrong, line);
    EXPECT_LE(DbOf(std::span<const int16_t>(strong).last(16000)) - before, -20)
        << tenths;
  }
}

TEST(DenoiserTest, NoiseThatSetsInIsLearntWithinThreeSeconds) {
  auto line = Words(4, -200);
  line.resize(line.size() + 64000, 0);
  test::Mix(std::span<int16_t>(line).last(64000),
            test::NoiseSignal(64000, -400, 3));
  const auto out = Through(Strength::kStrong, line);
  EXPECT_LE(DbOf(std::span<const int16_t>(out).last(16000)) -
                DbOf(std::span<const int16_t>(line).last(16000)),
            -10);
}

TEST(DenoiserTest, AVoiceKeepsItsLevelInNoise) {
  const auto words = Words(10, -200);
  auto line = words;
  test::Mix(line, test::NoiseSignal(line.size(), -350, 4));
  for (const Strength strength : {Strength::kLight, Strength::kStrong}) {
    const auto out = Through(strength, line);
    for (size_t second = 4; second < 10; ++second) {
      const size_t at = second * 8000 + 400;
      EXPECT_NEAR(DbOf(std::span<const int16_t>(out).subspan(
                      at + Denoiser::kDelaySamples, 4000)),
                  DbOf(std::span<const int16_t>(words).subspan(at, 4000)), 1.5);
    }
  }
}

TEST(DenoiserTest, SilenceStaysSilence) {
  for (const Strength strength : kStrengths) {
    for (const int16_t sample :
         Through(strength, std::vector<int16_t>(16000, 0))) {
      ASSERT_EQ(sample, 0);
    }
  }
}

TEST(DenoiserTest, ExtremesAreBoundedAndPass) {
  for (const Strength strength : {Strength::kLight, Strength::kStrong}) {
    for (const auto& line :
         {test::SquareSignal(16000, 1), test::SquareSignal(16000, 37),
          std::vector<int16_t>(16000, INT16_MIN),
          std::vector<int16_t>(16000, INT16_MAX),
          test::RandomSamples(16000, 5)}) {
      Denoiser denoiser(Denoiser::Config{.strength = strength});
      Through(denoiser, line);
      // And it works afterwards.
      const auto noise = test::NoiseSignal(64000, -200, 6);
      const auto out = Through(denoiser, noise);
      EXPECT_NEAR(DbOf(std::span<const int16_t>(out).last(8000)) -
                      DbOf(std::span<const int16_t>(noise).last(8000)),
                  strength == Strength::kLight ? -12 : -23, 3);
    }
  }
}

TEST(DenoiserTest, ACopyGoesOnAlikeAndResetForgets) {
  for (const Strength strength : kStrengths) {
    auto line = Words(3, -200);
    test::Mix(line, test::NoiseSignal(line.size(), -350, 7));
    Denoiser denoiser(Denoiser::Config{.strength = strength});
    const auto first = Through(denoiser, line);
    Denoiser copy = denoiser;
    const auto second = Through(denoiser, line);
    EXPECT_EQ(Through(copy, line), second);
    copy.Reset();
    EXPECT_EQ(Through(copy, line), first);
  }
}

}  // namespace
}  // namespace trunkline::audio
