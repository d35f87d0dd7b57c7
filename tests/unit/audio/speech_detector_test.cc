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

class SpeechDetectorSceneTest : public ::testing::Test {
 protected:
  SpeechDetector detector_{SpeechDetector::Config{}};
};

TEST_F(SpeechDetectorSceneTest, DigitalSilenceIsNeverSpeech) {
  for (const bool mu_law : {true, false}) {
    const std::vector<uint8_t> codes(60 * kSecond,
                                     mu_law ? kMuLawSilence : kALawSilence);
    std::vector<int16_t> line(codes.size());
    mu_law ? DecodeMuLaw(codes, line) : DecodeALaw(codes, line);
    const Results results = Detect(detector_, line);
    EXPECT_EQ(SpeechFrames(results, 0, results.size()), 0);
  }
}

TEST_F(SpeechDetectorSceneTest, OnsetIsSeenWithin60Ms) {
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

TEST_F(SpeechDetectorSceneTest, EndIsSeenWithin40MsOnAQuietLine) {
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

TEST_F(SpeechDetectorSceneTest,
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

TEST_F(SpeechDetectorSceneTest, ResetIsAsConstructed) {
  const Scene scene(1, -150, -450, 3);
  const Results expected = Detect(detector_, scene.line);
  Detect(detector_, test::RandomSamples(kSecond, 4));
  detector_.Reset();
  const Results again = Detect(detector_, scene.line);
  ASSERT_EQ(again.size(), expected.size());
  for (size_t i = 0; i < again.size(); ++i) {
    ASSERT_EQ(again[i].speech, expected[i].speech) << i;
    ASSERT_EQ(again[i].probability_per_mille, expected[i].probability_per_mille)
        << i;
    ASSERT_EQ(again[i].noise_floor_dbfs_tenths,
              expected[i].noise_floor_dbfs_tenths);
  }
}

TEST_F(SpeechDetectorSceneTest, ExtremesAreSurvived) {
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

TEST_F(SpeechDetectorSceneTest, VoiceIsSpeechThroughout) {
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

TEST_F(SpeechDetectorSceneTest, VoiceIsHeard20DbAboveTheNoise) {
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
TEST_F(SpeechDetectorSceneTest, LongSpeechStaysSpeech) {
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

TEST_F(SpeechDetectorSceneTest, QuietCallerIsHeardAfterALoudOne) {
  std::vector<int16_t> line = test::VoiceSignal(2 * kSecond, -80, 1);
  line.resize(4 * kSecond);
  const std::vector<int16_t> quiet = test::VoiceSignal(2 * kSecond, -350, 2);
  line.insert(line.end(), quiet.begin(), quiet.end());
  const Results results = Detect(detector_, test::ThroughMuLaw(line));
  EXPECT_GE(SpeechFrames(results, 200, 300), 70);
}

// What leaks from the other direction of a silent line is quieter than any
// caller.
TEST_F(SpeechDetectorSceneTest, FaintVoiceIsNotSpeech) {
  std::vector<int16_t> line(2 * kSecond);
  const std::vector<int16_t> voice = test::VoiceSignal(4 * kSecond, -620, 3);
  line.insert(line.end(), voice.begin(), voice.end());
  const Results results = Detect(detector_, line);
  EXPECT_EQ(SpeechFrames(results, 0, results.size()), 0);
}

TEST_F(SpeechDetectorSceneTest, VoiceIsHeardInNoiseAsLoudAsItself) {
  int64_t heard = 0;
  int64_t imagined = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    detector_.Reset();
    const Scene scene(8, -200, -200, seed);
    const Results results = Detect(detector_, scene.line);
    heard += SpeechFrames(results, scene.voice_begin, scene.voice_end);
    imagined += SpeechFrames(results, 100, scene.voice_begin) +
                SpeechFrames(results, scene.voice_end + 10, results.size());
  }
  EXPECT_GE(heard, 850);    // of 1000
  EXPECT_LE(imagined, 90);  // of 4400
}

TEST_F(SpeechDetectorSceneTest, KeysAndClicksAreNotSpeech) {
  std::vector<int16_t> line = test::NoiseSignal(10 * kSecond, -600, 1);
  for (size_t at = kSecond; at + kSecond + 100 < line.size();
       at += 2 * kSecond) {
    const std::span<int16_t> key(line.data() + at, 800);
    test::Mix(key, test::SineSignal(key.size(), 770, 8000, 4000));
    test::Mix(key, test::SineSignal(key.size(), 1336, 8000, 4000));
    const std::span<int16_t> click(line.data() + at + kSecond, 20);
    test::Mix(click, test::SquareSignal(click.size(), 3));
  }
  const Results results = Detect(detector_, test::ThroughMuLaw(line));
  int run = 0;
  for (const SpeechDetector::Result& result : results) {
    run = result.speech ? run + 1 : 0;
    // Three start a turn.
    ASSERT_LT(run, 3);
  }
}

// What waits is looked at after all, in order: the net says of the frame it
// looks at last what it would have said had it seen each at its time.
TEST_F(SpeechDetectorSceneTest, FramesOfLoudSpeechAreLookedAtTogether) {
  const std::vector<int16_t> voice =
      test::ThroughMuLaw(test::VoiceSignal(4 * kSecond, -200, 3));
  SpeechFeatures features;
  SpeechNet net;
  size_t waited = 0;
  size_t in_row = 0;
  size_t frames = 0;
  for (std::span<const int16_t> rest = voice; rest.size() >= kFrame;
       rest = rest.subspan(kFrame), ++frames) {
    const std::span<const int16_t> frame = rest.first(kFrame);
    const float probability =
        net.Process(features.Process(frame, MeanSquare(frame)));
    const SpeechDetector::Result result = detector_.Process(frame);
    ASSERT_FALSE(result.rested);
    in_row = result.waits ? in_row + 1 : 0;
    waited += result.waits ? 1 : 0;
    EXPECT_LE(in_row, 3U);
    if (!result.waits) {
      EXPECT_EQ(result.probability_per_mille,
                static_cast<int>(probability * 1000 + 0.5F))
          << frames;
    }
  }
  EXPECT_GT(waited, frames / 2);
}

// A frame that is not far above the noise may be the voice's last.
TEST_F(SpeechDetectorSceneTest, WhatFadesDoesNotWait) {
  const std::vector<int16_t> voice = test::VoiceSignal(2 * kSecond, -200, 3);
  Detect(detector_, voice);
  std::vector<int16_t> faint(voice.begin(), voice.begin() + 10 * kFrame);
  for (int16_t& sample : faint) sample = static_cast<int16_t>(sample / 100);
  for (const SpeechDetector::Result& result : Detect(detector_, faint)) {
    EXPECT_FALSE(result.waits);
  }
}

TEST_F(SpeechDetectorSceneTest, ThresholdDecidesWhatIsVoiced) {
  const Scene scene(1, -200, -250, 4);
  SpeechDetector strict({.threshold_per_mille = 900});
  const Results results = Detect(strict, scene.line);
  for (const SpeechDetector::Result& result : results) {
    ASSERT_EQ(result.voiced, result.probability_per_mille >= 900);
    ASSERT_GE(result.probability_per_mille, 0);
    ASSERT_LE(result.probability_per_mille, 1000);
  }
  const Results mild = Detect(detector_, scene.line);
  EXPECT_LT(SpeechFrames(results, 0, results.size()),
            SpeechFrames(mild, 0, mild.size()));
}

TEST_F(SpeechDetectorSceneTest, CopyGoesOnAlike) {
  const Scene scene(1, -200, -350, 6);
  const std::span<const int16_t> line(scene.line);
  const size_t half = line.size() / kFrame / 2 * kFrame;
  Detect(detector_, line.first(half));
  SpeechDetector copy = detector_;
  const Results results = Detect(detector_, line.subspan(half));
  const Results copied = Detect(copy, line.subspan(half));
  for (size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].probability_per_mille,
              copied[i].probability_per_mille);
    ASSERT_EQ(results[i].noise_floor_dbfs_tenths,
              copied[i].noise_floor_dbfs_tenths);
  }
}

TEST_F(SpeechDetectorSceneTest, LevelsAreThoseOfTheFrame) {
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
