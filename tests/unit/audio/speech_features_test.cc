#include "audio/speech_features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "audio/level.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr size_t kFrame = SpeechFeatures::kFrameSamples;
constexpr size_t kPitchStrength = SpeechFeatures::kBands + 1;
constexpr size_t kPitchLag = SpeechFeatures::kBands + 2;

std::vector<SpeechFeatures::Vector> Extract(SpeechFeatures& features,
                                            std::span<const int16_t> line) {
  std::vector<SpeechFeatures::Vector> vectors;
  for (; line.size() >= kFrame; line = line.subspan(kFrame)) {
    vectors.push_back(
        features.Process(line.first(kFrame), MeanSquare(line.first(kFrame))));
  }
  return vectors;
}

TEST(SpeechFeaturesTest, StayInRangeWhateverComes) {
  for (const std::vector<int16_t>& line :
       {test::SquareSignal(8000, 1), test::SquareSignal(8000, 40),
        test::RandomSamples(8000, 1), std::vector<int16_t>(8000, INT16_MIN),
        std::vector<int16_t>(8000), test::NoiseSignal(8000, -700, 2)}) {
    SpeechFeatures features;
    for (const SpeechFeatures::Vector& vector : Extract(features, line)) {
      for (const float value : vector) {
        ASSERT_GE(value, -4);
        ASSERT_LE(value, 4);
      }
    }
  }
}

TEST(SpeechFeaturesTest, PitchOfPulsesIsFound) {
  for (const size_t period : {25U, 40U, 64U, 95U}) {
    std::vector<int16_t> line(8000);
    for (size_t n = 0; n < line.size(); n += period) line[n] = 20000;
    SpeechFeatures features;
    const auto vectors = Extract(features, line);
    const SpeechFeatures::Vector& last = vectors.back();
    // Of the longest, the window holds less than three.
    EXPECT_GT(last[kPitchStrength], 0.4F) << period;
    // A multiple of the period repeats as well.
    const double lag = (last[kPitchLag] + 1) * 50;
    const double periods = lag / static_cast<double>(period);
    EXPECT_NEAR(periods, std::round(periods), 0.05) << period;
    EXPECT_GE(periods, 0.9) << period;
  }
}

TEST(SpeechFeaturesTest, NoiseHasNoPitchAndRisesLittleAboveItself) {
  SpeechFeatures features;
  const auto vectors = Extract(features, test::NoiseSignal(80000, -300, 3));
  double pitch = 0;
  double above = 0;
  for (size_t f = 250; f < vectors.size(); ++f) {
    pitch += vectors[f][kPitchStrength];
    for (size_t b = 0; b < SpeechFeatures::kBands; ++b) above += vectors[f][b];
  }
  const auto frames = static_cast<double>(vectors.size() - 250);
  EXPECT_LT(pitch / frames, 0);
  EXPECT_LT(above / frames / SpeechFeatures::kBands, 0.6);  // 7 dB
}

// 12 dB less, and the bands are as far above their noise as before.
TEST(SpeechFeaturesTest, BandsDoNotDependOnTheGain) {
  SpeechFeatures loud;
  SpeechFeatures quiet;
  std::vector<int16_t> line = test::NoiseSignal(40000, -400, 4);
  test::Mix(std::span<int16_t>(line).subspan(30000),
            test::VoiceSignal(10000, -150, 5));
  std::vector<int16_t> quarter(line);
  for (int16_t& sample : quarter) sample = static_cast<int16_t>(sample / 4);
  const auto expected = Extract(loud, line);
  const auto actual = Extract(quiet, quarter);
  for (size_t f = 150; f < expected.size(); ++f) {
    for (size_t b = 0; b < SpeechFeatures::kBands; ++b) {
      ASSERT_NEAR(actual[f][b], expected[f][b], 0.1) << f << " " << b;
    }
  }
}

TEST(SpeechFeaturesTest, CopyGoesOnAlikeAndResetForgets) {
  const std::vector<int16_t> line = test::RandomSamples(16000, 6);
  SpeechFeatures features;
  const auto fresh = Extract(features, line);
  SpeechFeatures copy = features;
  EXPECT_EQ(Extract(copy, line), Extract(features, line));
  features.Reset();
  EXPECT_EQ(Extract(features, line), fresh);
}

}  // namespace
}  // namespace trunkline::audio
