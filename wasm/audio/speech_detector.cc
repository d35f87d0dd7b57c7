#include "audio/speech_detector.h"

#include <webrtc_vad.h>

#include <algorithm>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// -55 dBFS: (32768 * 10^(-55/20))^2. No speech on a telephone line is quieter,
// and no idle line that is fit for calls is louder.
constexpr uint32_t kQuietest = 3395;
// Speech is at least 6 dB above the floor.
constexpr uint32_t kMargin = 4;
// Where the floor starts: it falls at once and rises slowly.
constexpr uint32_t kInitialFloor = 300;
// 1/128 a frame: 1.7 dB a second, slower than any pause between words is short,
// faster than a caller walks into a noisy street and gives up.
constexpr uint32_t kRise = 128;
// No floor above -35 dBFS: speech must still be able to exceed it.
constexpr uint32_t kHighestFloor = 340'000;

}  // namespace

struct SpeechDetector::Vad {
  Vad() : handle(WebRtcVad_Create()) { TL_CHECK(handle != nullptr); }
  ~Vad() { WebRtcVad_Free(handle); }
  Vad(const Vad&) = delete;
  Vad& operator=(const Vad&) = delete;
  VadInst* handle;
};

SpeechDetector::SpeechDetector(const Config& config)
    : vad_(std::make_unique<Vad>()), config_(config) {
  Reset();
}

SpeechDetector::~SpeechDetector() = default;

void SpeechDetector::Reset() {
  TL_CHECK(WebRtcVad_Init(vad_->handle) == 0);
  TL_CHECK(WebRtcVad_set_mode(vad_->handle, static_cast<int>(config_.mode)) ==
           0);
  noise_floor_ = kInitialFloor;
}

SpeechDetector::Result SpeechDetector::Process(std::span<const int16_t> frame) {
  TL_CHECK(frame.size() == kFrameSamples);
  Result result;
  result.mean_square = MeanSquare(frame);
  if (result.mean_square < noise_floor_) {
    noise_floor_ = std::max<uint32_t>(result.mean_square, 1);
  } else {
    noise_floor_ =
        std::min(noise_floor_ + noise_floor_ / kRise + 1, kHighestFloor);
  }
  result.noise_floor = noise_floor_;
  // WebRTC's detector sees every frame: it adapts to noise as well.
  const bool voiced = WebRtcVad_Process(vad_->handle, kSampleRateHz,
                                        frame.data(), frame.size()) == 1;
  result.speech = voiced && result.mean_square > kQuietest &&
                  result.mean_square > noise_floor_ * kMargin;
  return result;
}

}  // namespace trunkline::audio
