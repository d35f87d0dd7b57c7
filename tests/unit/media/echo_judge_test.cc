// Whether the caller's speech is the agent's own voice, beside a guard that
// takes every frame as it comes.

#include "media/echo_judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "audio/speech_detector.h"
#include "media/transcoder.h"
#include "support/audio_signals.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using testing::Values;

constexpr size_t kFrame = EchoJudge::kFrameSamples;
constexpr int64_t kFrameMs = 20;
constexpr int kFrames = 50 * 30;

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

// Thirty seconds: the agent speaks, is silent, and speaks again; its echo comes
// back 120 ms later; the caller speaks in the pause and over the second speech.
struct Scene {
  Scene() : played(kFrames * kFrame), caller(kFrames * kFrame) {
    Put(played, 2, test::VoiceSignal(8 * 8000, -200, 1));
    Put(played, 20, test::VoiceSignal(8 * 8000, -200, 2));
    caller = test::NoiseSignal(caller.size(), -600, 3);
    for (size_t i = 960; i < caller.size(); ++i) {
      caller[i] = static_cast<int16_t>(caller[i] + played[i - 960] / 10);
    }
    Put(caller, 12, test::VoiceSignal(4 * 8000, -220, 4));
    Put(caller, 25, test::VoiceSignal(2 * 8000, -220, 5));
  }

  static void Put(std::vector<int16_t>& line, size_t second,
                  const std::vector<int16_t>& voice) {
    for (size_t i = 0; i < voice.size(); ++i) {
      int16_t& sample = line[second * 8000 + i];
      sample = static_cast<int16_t>(sample + voice[i]);
    }
  }

  std::vector<int16_t> played;
  std::vector<int16_t> caller;
};

class EchoJudgeTest : public testing::TestWithParam<AudioFormat> {};

TEST_P(EchoJudgeTest, SaysWhatAGuardSaysThatTakesEachFrameAsItComes) {
  const Scene scene;
  HeardTrack heard(GetParam());
  RateBranch to_leg(8000, GetParam().sample_rate_hz);
  RateBranch to_guard(GetParam().sample_rate_hz, 8000);
  EchoJudge judge(heard);
  audio::EchoGuard guard;
  audio::SpeechDetector detector{audio::SpeechDetector::Config{}};
  std::vector<uint8_t> bytes(protocol::BytesOf(GetParam(), kFrameMs));
  std::vector<int16_t> played(
      static_cast<size_t>(GetParam().sample_rate_hz / 1000 * kFrameMs));
  int explained = 0;
  int voices = 0;
  for (int i = 0; i < kFrames; ++i) {
    const auto at = static_cast<size_t>(i) * kFrame;
    const std::span<const int16_t> speech =
        std::span(scene.played).subspan(at, kFrame);
    const bool plays =
        std::ranges::any_of(speech, [](int16_t sample) { return sample != 0; });
    if (plays) {
      EncodeAudio(GetParam().encoding, to_leg.Process(speech), bytes);
      heard.Play(bytes, At(i * kFrameMs));
    }
    const std::span<const int16_t> caller =
        std::span(scene.caller).subspan(at, kFrame);
    const audio::SpeechDetector::Result detected = detector.Process(caller);
    const int64_t begin = heard.PositionAt(At(i * kFrameMs));
    const bool far_from_noise =
        detected.speech &&
        detected.level_dbfs_tenths > detected.noise_floor_dbfs_tenths + 100;
    bool expected = false;
    if (guard.idle() && heard.IsSilentFrom(begin) &&
        (detected.rested || far_from_noise)) {
      guard.Skip(caller);
    } else {
      heard.Read(begin, played);
      expected = guard.Process(to_guard.Process(played), caller).explained;
    }
    expected = expected && detected.speech;
    ASSERT_EQ(judge.Explains(At((i + 1) * kFrameMs), caller, detected),
              expected)
        << i;
    explained += expected ? 1 : 0;
    voices += detected.speech && !expected ? 1 : 0;
  }
  // The scene has both in it.
  EXPECT_GT(explained, 100);
  EXPECT_GT(voices, 150);
}

INSTANTIATE_TEST_SUITE_P(Legs, EchoJudgeTest,
                         Values(AudioFormat{Encoding::kMuLaw, 8000},
                                AudioFormat{Encoding::kLinear16, 16000}));

}  // namespace
}  // namespace trunkline::media
