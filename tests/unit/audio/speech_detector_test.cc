#include "audio/speech_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "audio/g711.h"
#include "audio/level.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr size_t kFrame = SpeechDetector::kFrameSamples;
constexpr size_t kSecond = 8000;

using Results = std::vector<SpeechDetector::Result>;

Results Detect(SpeechDetector& detector, std::span<const int16_t> line) {
  Results results;
  for (; line.size() >= kFrame; line = line.subspan(kFrame)) {
    results.push_back(detector.Process(line.first(kFrame)));
  }
  return results;
}

ptrdiff_t SpeechFrames(const Results& results, size_t begin, size_t end) {
  return std::count_if(
      results.begin() + static_cast<ptrdiff_t>(begin),
      results.begin() + static_cast<ptrdiff_t>(std::min(end, results.size())),
      [](const SpeechDetector::Result& result) { return result.speech; });
}

// `lead_seconds` of a line, then voice for two seconds, then the line alone for
// three, all through mu-law. Noise of `noise_tenths` is on the line, none below
// kSilenceDbfsTenths.
struct Scene {
  static constexpr size_t kVoiceFrames = 100;
  static constexpr size_t kTailFrames = 150;

  Scene(size_t lead_seconds, int voice_tenths, int noise_tenths, uint64_t seed)
      : voice_begin(lead_seconds * 50), voice_end(voice_begin + kVoiceFrames) {
    line.resize((voice_end + kTailFrames) * kFrame);
    const std::vector<int16_t> voice =
        test::VoiceSignal(kVoiceFrames * kFrame, voice_tenths, seed);
    std::ranges::copy(
        voice, line.begin() + static_cast<ptrdiff_t>(voice_begin * kFrame));
    if (noise_tenths > kSilenceDbfsTenths) {
      test::Mix(line, test::NoiseSignal(line.size(), noise_tenths, seed + 100));
    }
    line = test::ThroughMuLaw(line);
  }

  std::vector<int16_t> line;
  size_t voice_begin;
  size_t voice_end;
};

class SpeechDetectorModesTest
    : public ::testing::TestWithParam<SpeechDetector::Mode> {
 protected:
  SpeechDetector detector_{SpeechDetector::Config{.mode = GetParam()}};
};

TEST_P(SpeechDetectorModesTest, DigitalSilenceIsNeverSpeech) {
  for (const bool mu_law : {true, false}) {
    const std::vector<uint8_t> codes(60 * kSecond,
                                     mu_law ? kMuLawSilence : kALawSilence);
    std::vector<int16_t> line(codes.size());
    mu_law ? DecodeMuLaw(codes, line) : DecodeALaw(codes, line);
    const Results results = Detect(detector_, line);
    EXPECT_EQ(SpeechFrames(results, 0, results.size()), 0);
  }
}

TEST_P(SpeechDetectorModesTest, OnsetIsSeenWithin60Ms) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    detector_.Reset();
    const Scene scene(2, -200, kSilenceDbfsTenths, seed);
    const Results results = Detect(detector_, scene.line);
    EXPECT_EQ(SpeechFrames(results, 0, scene.voice_begin), 0);
    EXPECT_GE(SpeechFrames(results, scene.voice_begin, scene.voice_begin + 3),
              1)
        << seed;
  }
}

// WebRTC's detector alone holds on for more than 100 ms in its milder modes.
TEST_P(SpeechDetectorModesTest, EndIsSeenWithin40MsOnAQuietLine) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (const int noise_tenths : {kSilenceDbfsTenths, -650, -550}) {
      detector_.Reset();
      const Scene scene(2, -200, noise_tenths, seed);
      const Results results = Detect(detector_, scene.line);
      EXPECT_EQ(SpeechFrames(results, scene.voice_end + 2, results.size()), 0)
          << seed << " " << noise_tenths;
    }
  }
}

TEST_P(SpeechDetectorModesTest,
       SteadyNoiseIsNotSpeechFiveSecondsAfterItSetsIn) {
  for (const int noise_tenths : {-600, -500, -400, -300}) {
    detector_.Reset();
    const Results results = Detect(
        detector_,
        test::ThroughMuLaw(test::NoiseSignal(20 * kSecond, noise_tenths, 5)));
    EXPECT_EQ(SpeechFrames(results, 250, results.size()), 0) << noise_tenths;
    const int floor = results.back().noise_floor_dbfs_tenths;
    EXPECT_NEAR(floor, noise_tenths, 25);
  }
}

TEST_P(SpeechDetectorModesTest, ResetIsAsConstructed) {
  const Scene scene(1, -150, -450, 3);
  const Results expected = Detect(detector_, scene.line);
  Detect(detector_, test::RandomSamples(kSecond, 4));
  detector_.Reset();
  const Results again = Detect(detector_, scene.line);
  ASSERT_EQ(again.size(), expected.size());
  for (size_t i = 0; i < again.size(); ++i) {
    ASSERT_EQ(again[i].speech, expected[i].speech) << i;
    ASSERT_EQ(again[i].voiced, expected[i].voiced) << i;
    ASSERT_EQ(again[i].noise_floor_dbfs_tenths,
              expected[i].noise_floor_dbfs_tenths);
  }
}

TEST_P(SpeechDetectorModesTest, ExtremesAreSurvived) {
  for (const std::vector<int16_t>& line :
       {test::SquareSignal(kSecond, 1), test::SquareSignal(kSecond, 3),
        test::SquareSignal(kSecond, 100), test::RandomSamples(kSecond, 8),
        std::vector<int16_t>(kSecond, INT16_MIN),
        std::vector<int16_t>(kSecond, INT16_MAX)}) {
    for (const SpeechDetector::Result& result : Detect(detector_, line)) {
      ASSERT_LE(result.level_dbfs_tenths, 0);
      ASSERT_GE(result.level_dbfs_tenths, kSilenceDbfsTenths);
      ASSERT_FALSE(result.speech && !result.voiced);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, SpeechDetectorModesTest,
                         ::testing::Values(SpeechDetector::Mode::kQuality,
                                           SpeechDetector::Mode::kLowBitrate,
                                           SpeechDetector::Mode::kAggressive,
                                           SpeechDetector::Mode::kStrict));

class DefaultSpeechDetectorTest : public ::testing::Test {
 protected:
  SpeechDetector detector_{SpeechDetector::Config{}};
};

TEST_F(DefaultSpeechDetectorTest, VoiceIsSpeechThroughout) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (const int voice_tenths : {-100, -200, -300}) {
      detector_.Reset();
      const Scene scene(1, voice_tenths, -650, seed);
      const Results results = Detect(detector_, scene.line);
      EXPECT_GE(SpeechFrames(results, scene.voice_begin, scene.voice_end), 95)
          << seed << " " << voice_tenths;
    }
  }
}

TEST_F(DefaultSpeechDetectorTest, VoiceIsHeard20DbAboveTheNoise) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    detector_.Reset();
    const Scene scene(8, -200, -400, seed);
    const Results results = Detect(detector_, scene.line);
    EXPECT_GE(SpeechFrames(results, scene.voice_begin, scene.voice_end), 90)
        << seed;
    EXPECT_EQ(SpeechFrames(results, scene.voice_end + 6, results.size()), 0)
        << seed;
  }
}

// The floor is a minimum over 1.8 s: it must not climb into continuous speech.
TEST_F(DefaultSpeechDetectorTest, LongSpeechStaysSpeech) {
  std::vector<int16_t> line(60 * kSecond);
  for (size_t at = 0; at < line.size(); at += 2 * kSecond) {
    // 1.9 s of voice, 0.1 s for a breath.
    std::ranges::copy(test::VoiceSignal(2 * kSecond - 800, -200, at),
                      line.begin() + static_cast<ptrdiff_t>(at));
  }
  const Results results = Detect(detector_, test::ThroughMuLaw(line));
  for (size_t second = 0; second + 2 <= 60; second += 2) {
    EXPECT_GE(SpeechFrames(results, second * 50, (second + 2) * 50), 90)
        << second;
  }
}

// 27 dB quieter: whatever WebRTC's detector finds there, the range below the
// loud one's level does not hide it.
TEST_F(DefaultSpeechDetectorTest, QuietCallerIsHeardAfterALoudOne) {
  std::vector<int16_t> line = test::VoiceSignal(2 * kSecond, -80, 1);
  line.resize(4 * kSecond);
  const std::vector<int16_t> quiet = test::VoiceSignal(2 * kSecond, -350, 2);
  line.insert(line.end(), quiet.begin(), quiet.end());
  const Results results = Detect(detector_, test::ThroughMuLaw(line));
  int voiced = 0;
  for (size_t i = 200; i < 300; ++i) voiced += results[i].voiced ? 1 : 0;
  EXPECT_GE(voiced, 70);
  EXPECT_EQ(SpeechFrames(results, 200, 300), voiced);
}

// What leaks from the other direction of a silent line is quieter than any
// caller. The mildest mode hears a voice in it.
TEST(SpeechDetectorTest, FaintVoiceIsNotSpeech) {
  SpeechDetector detector({.mode = SpeechDetector::Mode::kQuality});
  std::vector<int16_t> line(2 * kSecond);
  const std::vector<int16_t> voice = test::VoiceSignal(4 * kSecond, -620, 3);
  line.insert(line.end(), voice.begin(), voice.end());
  const Results results = Detect(detector, line);
  EXPECT_EQ(SpeechFrames(results, 0, results.size()), 0);
  EXPECT_TRUE(std::ranges::any_of(
      results, [](const auto& result) { return result.voiced; }));
}

TEST_F(DefaultSpeechDetectorTest, LevelsAreThoseOfTheFrame) {
  const std::vector<int16_t> frame(kFrame, 328);
  const SpeechDetector::Result result = detector_.Process(frame);
  EXPECT_EQ(result.level_dbfs_tenths, -400);
  EXPECT_EQ(detector_.Process(std::vector<int16_t>(kFrame)).level_dbfs_tenths,
            kSilenceDbfsTenths);
}

TEST(SpeechDetectorDeathTest, OtherFramesAreRefused) {
  SpeechDetector detector(SpeechDetector::Config{});
  EXPECT_DEATH(detector.Process(std::vector<int16_t>(80)), "");
}

}  // namespace
}  // namespace trunkline::audio
