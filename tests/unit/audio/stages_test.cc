// Level, fades, tones and the speech detector.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "audio/fade.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/speech_detector.h"
#include "audio/tones.h"
#include "support/world/sound.h"

namespace trunkline::audio {
namespace {

TEST(LevelTest, MeanSquareAndPeakOfExtremes) {
  const std::vector<int16_t> lowest(160, INT16_MIN);
  EXPECT_EQ(MeanSquare(lowest), 1U << 30);
  EXPECT_EQ(Peak(lowest), 32768);
  EXPECT_EQ(MeanSquare({}), 0U);
  EXPECT_EQ(Peak({}), 0);
}

TEST(FadeTest, RisesFromSilenceAndLeavesTheRestAlone) {
  std::vector<int16_t> samples(400, 10000);
  FadeIn(samples, 0, 160);
  EXPECT_EQ(samples[0], 0);
  for (size_t i = 1; i < samples.size(); ++i) {
    EXPECT_GE(samples[i], samples[i - 1]);
  }
  EXPECT_EQ(samples[160], 10000);
}

TEST(FadeTest, AnySplitGivesTheSameSamples) {
  std::vector<int16_t> whole(400, -12345);
  std::vector<int16_t> split = whole;
  FadeOut(whole, 0, 320);
  for (size_t at = 0; at < split.size(); at += 7) {
    FadeOut(std::span<int16_t>(split).subspan(
                at, std::min<size_t>(7, split.size() - at)),
            at, 320);
  }
  EXPECT_EQ(split, whole);
  EXPECT_EQ(whole.back(), 0);
}

TEST(FadeTest, InAndOutKeepThePower) {
  std::vector<int16_t> in(320, 10000);
  std::vector<int16_t> out(320, 10000);
  FadeIn(in, 0, 320);
  FadeOut(out, 0, 320);
  for (size_t i = 0; i < in.size(); ++i) {
    const double power = std::hypot(in[i], out[i]);
    EXPECT_NEAR(power, 10000, 100) << i;
  }
}

TEST(TonesTest, AreAsLongAndLoudAsTheySayAndNeverClick) {
  for (const int rate : {8000, 16000, 24000, 48000}) {
    FarewellTones tones(rate);
    std::vector<int16_t> all;
    std::vector<int16_t> chunk(77);
    while (const size_t count = tones.Generate(chunk)) {
      all.insert(all.end(), chunk.begin(),
                 chunk.begin() + static_cast<ptrdiff_t>(count));
    }
    EXPECT_EQ(all.size(), static_cast<size_t>(rate) * 720 / 1000);
    EXPECT_NEAR(20 * std::log10(Peak(all) / 32768.0), -18, 0.3);
    // The steepest slope of the highest note; a click is steeper.
    const double steepest = 4200 * 2 * 3.1416 * 392 / rate * 1.2;
    EXPECT_LT(std::abs(all.front()), steepest);
    EXPECT_LT(std::abs(all.back()), steepest);
    for (size_t i = 1; i < all.size(); ++i) {
      EXPECT_LT(std::abs(all[i] - all[i - 1]), steepest) << rate << " " << i;
    }
  }
}

std::vector<bool> Detect(const std::vector<uint8_t>& mulaw) {
  SpeechDetector detector({});
  std::vector<bool> speech;
  std::vector<int16_t> frame(SpeechDetector::kFrameSamples);
  for (size_t at = 0; at + frame.size() <= mulaw.size(); at += frame.size()) {
    DecodeMuLaw(std::span<const uint8_t>(mulaw).subspan(at, frame.size()),
                frame);
    speech.push_back(detector.Process(frame).speech);
  }
  return speech;
}

TEST(SpeechDetectorTest, FollowsSpeechAtBothEnds) {
  std::vector<uint8_t> line = test::SilenceBytes(1000);
  const std::vector<uint8_t> voice = test::SpeechBytes(2000);
  line.insert(line.end(), voice.begin(), voice.end());
  const std::vector<uint8_t> rest = test::SilenceBytes(1000);
  line.insert(line.end(), rest.begin(), rest.end());
  const std::vector<bool> speech = Detect(line);
  // Within 60 ms of the first frame, until at most 40 ms after the last.
  EXPECT_TRUE(speech[50] || speech[51] || speech[52]);
  int frames = 0;
  for (size_t i = 50; i < 150; ++i) frames += speech[i] ? 1 : 0;
  EXPECT_GE(frames, 90);
  for (size_t i = 0; i < 50; ++i) EXPECT_FALSE(speech[i]) << i;
  for (size_t i = 152; i < 200; ++i) EXPECT_FALSE(speech[i]) << i;
}

TEST(SpeechDetectorTest, ResetForgets) {
  SpeechDetector used({});
  SpeechDetector fresh({});
  const std::vector<uint8_t> voice = test::SpeechBytes(1000);
  std::vector<int16_t> frame(SpeechDetector::kFrameSamples);
  const auto run = [&](SpeechDetector& detector, size_t i) {
    DecodeMuLaw(std::span<const uint8_t>(voice).subspan(i * 160, 160), frame);
    return detector.Process(frame).speech;
  };
  for (size_t i = 0; i < 50; ++i) run(used, i);
  used.Reset();
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(run(used, i), run(fresh, i)) << i;
}

TEST(SpeechDetectorTest, ExtremesDoNotTrap) {
  SpeechDetector detector({});
  for (int i = 0; i < 200; ++i) {
    std::vector<int16_t> frame(SpeechDetector::kFrameSamples);
    for (size_t k = 0; k < frame.size(); ++k) {
      frame[k] = (k + static_cast<size_t>(i)) % 2 == 0 ? INT16_MAX : INT16_MIN;
    }
    const SpeechDetector::Result result = detector.Process(frame);
    EXPECT_GE(result.level_dbfs_tenths, -1);
  }
}

}  // namespace
}  // namespace trunkline::audio
