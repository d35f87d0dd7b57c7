#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/speech_features.h"
#include "audio/speech_net.h"

namespace trunkline::audio {

// Decides, one frame at a time, whether the caller is speaking.
//
// A small recurrent net (SpeechNet) says how likely a frame is speech, in noise
// as loud as the voice as well. What is fainter than any caller, the other
// direction's echo, is none, however much it is a voice; nor is what is 30 dB
// fainter than the caller was lately: the room that he speaks in.
//
// A decision is about the frame that was just taken and waits for nothing. On a
// clean line it is right from the first frame of speech and from the first
// without it, by the median; a trigger on 5 of the last 8 frames comes 80 to
// 120 ms after the onset, in noise as well (docs/audio-quality.md). A voice in
// a babble of voices as loud as itself it does not tell.
//
// Where nobody has spoken for 200 ms, a frame that is as quiet as the
// line's noise, or fainter than -50 dBFS, is not given to the net, but for one
// in five: it costs its level alone, and says what the frame before it said.
// The first frame that stands out wakes it. In the middle of loud speech it
// looks at up to four frames at a time: those that wait say what the frame
// before them said, so that the end of a voice that falls silent at once may be
// seen 60 ms late. What the net needs is fetched once for all of them.
//
// Plain arithmetic in a fixed order: every build decides alike. About 2.7 KB,
// no allocation; a copy goes on alike. Not thread-safe.
class SpeechDetector {
 public:
  static constexpr int kSampleRateHz = 8000;
  static constexpr size_t kFrameSamples = 160;

  struct Config {
    // Probability from which a frame counts as voiced, (0, 1000].
    int threshold_per_mille = 600;
  };

  // Levels are tenths of dBFS, where 0 is a full-scale square wave.
  struct Result {
    bool speech = false;
    // What the net alone says. Speech is voiced.
    bool voiced = false;
    // Whether the net was spared this frame: nobody speaks.
    bool rested = false;
    // Whether the net looks at the frame with a later one: somebody speaks on.
    bool waits = false;
    // [0, 1000].
    int16_t probability_per_mille = 0;
    // kSilenceDbfsTenths for a frame of zeros.
    int16_t level_dbfs_tenths = 0;
    int16_t noise_floor_dbfs_tenths = 0;
  };

  explicit SpeechDetector(const Config& config);

  // Takes 20 ms of mono S16 at 8 kHz. Precondition: kFrameSamples samples.
  Result Process(std::span<const int16_t> frame);
  // As constructed.
  void Reset();

 private:
  // The window whose quietest frame is the noise: 9 slots of 200 ms. Nobody
  // speaks for 1.8 s without a closure or a breath.
  static constexpr size_t kSlots = 9;
  static constexpr int kSlotFrames = 10;
  static constexpr size_t kMostWaiting = 3;

  void TrackNoise(int level);
  void TrackVoice(int level, bool voiced);
  // Whether the frame needs no look; counts it.
  bool Rests(int level);
  // Whether it is in the middle of loud speech.
  bool IsSteady(int level) const;
  void Look(std::span<const int16_t> frame, uint32_t mean_square);

  Config config_;
  SpeechFeatures features_;
  SpeechNet net_;
  int noise_floor_ = 0;
  // How loud the caller has been lately, and the frames since the last one that
  // was nearly so.
  int voice_hundredths_ = 0;
  int unlike_frames_ = 0;
  // Of the last frame that was looked at.
  int per_mille_ = 0;
  // Frames in which nobody spoke, up to kStillFrames, and those of them since
  // the last look.
  int still_frames_ = 0;
  int unseen_frames_ = 0;
  // Voiced frames in a row, up to kSteadyFrames.
  int steady_frames_ = 0;
  struct WaitingFrame {
    std::array<int16_t, kFrameSamples> samples;
    uint32_t mean_square;
  };
  size_t waiting_ = 0;
  std::array<WaitingFrame, kMostWaiting> waiting_frames_;
  // The quietest level of each slot, the current one's so far.
  std::array<int16_t, kSlots> quietest_{};
  size_t slot_ = 0;
  int slot_frames_ = 0;
};

}  // namespace trunkline::audio
