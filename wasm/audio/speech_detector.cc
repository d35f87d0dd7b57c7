#include "audio/speech_detector.h"

#include <algorithm>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// All of these are tenths of a dB or of dBFS.

// Speech on a telephone line is louder, an idle line fit for calls is not.
constexpr int kQuietestSpeech = -550;
// The floor falls at once and rises by 10 dB/s: a vowel held for four seconds
// is still speech, and noise that sets in is noise after five.
constexpr int kFloorRise = 2;
constexpr int kFloorAtStart = -600;
constexpr int kFloorAtLeast = -700;
constexpr int kFloorAtMost = -200;

}  // namespace

SpeechDetector::SpeechDetector(const Config& config) : config_(config) {
  Reset();
}

void SpeechDetector::Reset() {
  features_.Reset();
  net_.Reset();
  noise_floor_ = kFloorAtStart;
  quietest_.fill(kFloorAtStart);
  slot_ = 0;
  slot_frames_ = 0;
}

SpeechDetector::Result SpeechDetector::Process(std::span<const int16_t> frame) {
  TL_CHECK(frame.size() == kFrameSamples);
  const uint32_t mean_square = MeanSquare(frame);
  const int level = LevelDbfsTenths(mean_square);
  TrackNoise(level);
  // The net sees every frame: it learns from noise as well.
  const float probability = net_.Process(features_.Process(frame, mean_square));
  const float to_nearest = probability * 1000 + 0.5F;
  const int per_mille = static_cast<int>(to_nearest);
  const bool voiced = per_mille >= config_.threshold_per_mille;
  return Result{
      .speech = voiced && level > kQuietestSpeech,
      .voiced = voiced,
      .probability_per_mille = static_cast<int16_t>(per_mille),
      .level_dbfs_tenths = static_cast<int16_t>(level),
      .noise_floor_dbfs_tenths = static_cast<int16_t>(noise_floor_),
  };
}

void SpeechDetector::TrackNoise(int level) {
  const auto bounded =
      static_cast<int16_t>(std::clamp(level, kFloorAtLeast, kFloorAtMost));
  if (slot_frames_ == kSlotFrames) {
    slot_frames_ = 0;
    slot_ = (slot_ + 1) % kSlots;
    quietest_[slot_] = bounded;
  }
  ++slot_frames_;
  quietest_[slot_] = std::min(quietest_[slot_], bounded);
  const int quietest = *std::min_element(quietest_.begin(), quietest_.end());
  noise_floor_ = std::min(noise_floor_ + kFloorRise, quietest);
}

}  // namespace trunkline::audio
