#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/spectrum.h"

namespace trunkline::audio {

// What SpeechNet looks at, one vector for each frame of 20 ms.
//
// The spectrum of the last 32 ms, under a window that rises slowly and falls
// fast so that most of it is the new frame. Of it: how far each of 18 bands
// lies above the band's noise (the least of its smoothed power within the last
// 1.6 to 1.8 s), how flat the whole is, how well it repeats at the pitch of a
// voice, how loud the frame is in itself and beside the loudest of late. A line
// so quiet that no caller is on it costs no transform.
//
// Plain arithmetic: every build gives the same numbers. About 1.5 KB. A copy
// goes on alike.
class SpeechFeatures {
 public:
  static constexpr size_t kFrameSamples = 160;
  static constexpr size_t kBands = 18;
  // The bands, then flatness, pitch's strength, pitch's lag, level beside the
  // loudest, level, noise.
  static constexpr size_t kCount = kBands + 6;
  using Vector = std::array<float, kCount>;

  SpeechFeatures();

  // Takes 20 ms of mono S16 at 8 kHz and the frame's mean square. Features are
  // in [-4, 4]. Precondition: kFrameSamples samples.
  Vector Process(std::span<const int16_t> frame, uint32_t mean_square);
  // Takes a frame whose features nobody wants: it is the next one's past, and
  // its noise is not looked at. Same precondition.
  void Skip(std::span<const int16_t> frame);
  // As constructed: the past counts as silence.
  void Reset();

 private:
  static constexpr size_t kPast = kSpectrumSamples - kFrameSamples;
  static constexpr size_t kSlots = 8;
  static constexpr int kSlotFrames = 10;

  using Bands = std::array<float, kBands>;

  void TrackNoise(const Bands& bands);

  std::array<int16_t, kPast> past_;
  Bands smooth_;
  // The least of each slot, of the slots that are full, and of all.
  std::array<Bands, kSlots> quietest_;
  Bands quietest_before_;
  Bands noise_;
  size_t slot_;
  int slot_frames_;
  float loudest_;
};

}  // namespace trunkline::audio
