#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace trunkline::audio {

// Decides, one frame at a time, whether the caller is speaking.
//
// Two tests that both must hold: WebRTC's detector (a Gaussian mixture over six
// bands) says speech, and the level lies above the noise floor that is tracked
// here. WebRTC's detector alone holds speech for 40 to 160 ms after its end,
// which would lengthen every turn; on a line as quiet as telephone lines are
// the level ends it with the word.
//
// Integer arithmetic: decisions are the same in every build. Allocates WebRTC's
// state (about 750 bytes) once.
class SpeechDetector {
 public:
  static constexpr int kSampleRateHz = 8000;
  static constexpr size_t kFrameSamples = 160;

  // How readily WebRTC's detector says no; its modes 0 to 3.
  enum class Mode : uint8_t { kQuality, kLowBitrate, kAggressive, kStrict };

  struct Config {
    // Misses the least speech of those that still reject line noise; measured
    // over 20 minutes of prompts by tests/bench/speech_detector_report.
    Mode mode = Mode::kAggressive;
  };

  struct Result {
    bool speech = false;
    // Mean square of the frame and of the tracked noise floor, squares of S16
    // units.
    uint32_t mean_square = 0;
    uint32_t noise_floor = 0;
  };

  explicit SpeechDetector(const Config& config);
  ~SpeechDetector();
  SpeechDetector(const SpeechDetector&) = delete;
  SpeechDetector& operator=(const SpeechDetector&) = delete;

  // 20 ms of mono S16 at 8 kHz. Precondition: kFrameSamples samples.
  Result Process(std::span<const int16_t> frame);
  // As constructed.
  void Reset();

 private:
  struct Vad;
  std::unique_ptr<Vad> vad_;
  Config config_;
  uint32_t noise_floor_ = 0;
};

}  // namespace trunkline::audio
