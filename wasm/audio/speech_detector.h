#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace trunkline::audio {

// Decides, one frame at a time, whether the caller is speaking.
//
// Two tests that both must hold. WebRTC's detector (a Gaussian mixture over six
// bands) finds a voice; alone it would hold on for 40 to 160 ms after the end
// of speech and lengthen every turn, and in loud noise it never lets go. The
// frame's level, meanwhile, must exceed a tracked noise floor, an absolute
// level and a share of how loud this caller speaks, and so ends speech with the
// word.
//
// Integer arithmetic: every build decides alike. Allocates WebRTC's state
// (about 750 bytes) at construction and nothing after it. Not thread-safe.
class SpeechDetector {
 public:
  static constexpr int kSampleRateHz = 8000;
  static constexpr size_t kFrameSamples = 160;

  // How readily WebRTC's detector says no: its modes 0 to 3.
  enum class Mode : uint8_t { kQuality, kLowBitrate, kAggressive, kStrict };

  struct Config {
    // The mildest that still tells a voice from noise 15 dB below it, where
    // the two before it hear one all the time. kStrict lets go of quiet vowels:
    // with noise at 20 dB it missed 24 % of the speech, the others 8 to 9 %.
    // Measured over 21 minutes of prompts.
    Mode mode = Mode::kAggressive;
  };

  // Levels are tenths of dBFS, where 0 is a full-scale square wave.
  struct Result {
    bool speech = false;
    // What WebRTC's detector alone says.
    bool voiced = false;
    // kSilenceDbfsTenths for a frame of zeros.
    int16_t level_dbfs_tenths = 0;
    int16_t noise_floor_dbfs_tenths = 0;
  };

  explicit SpeechDetector(const Config& config);
  ~SpeechDetector();
  SpeechDetector(const SpeechDetector&) = delete;
  SpeechDetector& operator=(const SpeechDetector&) = delete;

  // Takes 20 ms of mono S16 at 8 kHz. Precondition: kFrameSamples samples.
  Result Process(std::span<const int16_t> frame);
  // As constructed.
  void Reset();

 private:
  struct Vad;

  // The window whose quietest frame is the noise: 9 slots of 200 ms. Nobody
  // speaks for 1.8 s without a closure or a breath.
  static constexpr size_t kSlots = 9;
  static constexpr int kSlotFrames = 10;

  void TrackNoise(int level);

  const Config config_;
  std::unique_ptr<Vad> vad_;
  int noise_floor_ = 0;
  int loudest_ = 0;
  // The quietest level of each slot, the current one's so far.
  std::array<int16_t, kSlots> quietest_{};
  size_t slot_ = 0;
  int slot_frames_ = 0;
};

}  // namespace trunkline::audio
