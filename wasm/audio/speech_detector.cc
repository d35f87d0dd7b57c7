#include "audio/speech_detector.h"

#include <webrtc_vad.h>

#include <algorithm>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// All of these are tenths of a dB or of dBFS.

// Speech on a telephone line is louder, an idle line fit for calls is not.
constexpr int kQuietestSpeech = -550;
// How far speech lies above the floor. The floor is a minimum, so that steady
// noise itself reaches up to 3 dB above it.
constexpr int kMargin = 40;
// How far the end of a word may lie below the loudest frame. Breath and room
// follow it there.
constexpr int kRange = 300;
// What the loudest frame sinks by in a frame, 5 dB/s, and how far: a caller who
// turns away is heard again within seconds.
constexpr int kLoudestDecay = 1;
constexpr int kLoudestAtLeast = -350;

// The floor falls at once and rises by 10 dB/s: a vowel held for four seconds
// is still speech, and noise that sets in is noise after five.
constexpr int kFloorRise = 2;
constexpr int kFloorAtStart = -600;
constexpr int kFloorAtLeast = -700;
// Speech must be able to exceed it.
constexpr int kFloorAtMost = -200;

}  // namespace

struct SpeechDetector::Vad {
  Vad() : handle(WebRtcVad_Create()) { TL_CHECK(handle != nullptr); }
  ~Vad() { WebRtcVad_Free(handle); }
  Vad(const Vad&) = delete;
  Vad& operator=(const Vad&) = delete;
  VadInst* const handle;
};

SpeechDetector::SpeechDetector(const Config& config)
    : config_(config), vad_(std::make_unique<Vad>()) {
  Reset();
}

SpeechDetector::~SpeechDetector() = default;

void SpeechDetector::Reset() {
  TL_CHECK(WebRtcVad_Init(vad_->handle) == 0);
  TL_CHECK(WebRtcVad_set_mode(vad_->handle, static_cast<int>(config_.mode)) ==
           0);
  noise_floor_ = kFloorAtStart;
  loudest_ = kLoudestAtLeast;
  quietest_.fill(kFloorAtStart);
  slot_ = 0;
  slot_frames_ = 0;
}

SpeechDetector::Result SpeechDetector::Process(std::span<const int16_t> frame) {
  TL_CHECK(frame.size() == kFrameSamples);
  const int level = LevelDbfsTenths(MeanSquare(frame));
  TrackNoise(level);
  // WebRTC's detector sees every frame: it learns from noise as well.
  const bool voiced = WebRtcVad_Process(vad_->handle, kSampleRateHz,
                                        frame.data(), frame.size()) == 1;
  const bool loud = level > kQuietestSpeech && level > noise_floor_ + kMargin &&
                    level > loudest_ - kRange;
  loudest_ = std::max(loudest_ - kLoudestDecay, kLoudestAtLeast);
  if (voiced && loud) loudest_ = std::max(loudest_, level);
  return Result{
      .speech = voiced && loud,
      .voiced = voiced,
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
