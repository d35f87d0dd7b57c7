#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/spectrum.h"

namespace trunkline::audio {

// Tells the caller's voice from the agent's own, coming back from the caller's
// loudspeaker or hybrid, so that an agent does not interrupt itself.
//
// It compares the spectra of caller frames (16 bands, every 20 ms) with those
// of what was played. Two things are tracked while the agent plays: the delay,
// by the correlation of the levels' changes at 0 to 620 ms, and from then on
// the echo's level in each band. A frame in which nothing stands out of that
// echo and of the caller's noise is explained; speech at the same time stands
// out in some band even where it is quieter than the echo. Before the delay is
// known, for 1 to 2 s of the agent's first words, more over noise, what could
// be an echo at any delay with a loss of 18 dB is taken for one. Lines bring 20
// dB and more; to allow for a loudspeaker's first words would cost the others
// their first interruption. A caller who keeps still for 640 ms meanwhile shows
// that there is none: that allowance then falls by 25 dB/s.
//
// It changes no audio. Plain arithmetic: every build decides alike. Not
// thread-safe. Allocates nothing; about 3.2 KB. A copy goes on alike.
class EchoGuard {
 public:
  static constexpr int kSampleRateHz = 8000;
  static constexpr size_t kFrameSamples = 160;
  static constexpr int kFrameMs = 20;
  static constexpr int kMaxDelayMs = 620;
  static constexpr int kUnknownDelay = -1;

  struct Result {
    // Whether the agent's echo accounts for the frame. False when nothing was
    // played within kMaxDelayMs. Barge-in wants speech that is not explained.
    bool explained = false;
    // By how much the caller exceeds echo and noise, mean over the bands, dB.
    float excess_db = 0;
    // How far the echo lags behind `played`, a multiple of kFrameMs in [0,
    // kMaxDelayMs]; kUnknownDelay before an echo was found.
    int delay_ms = kUnknownDelay;
    // Level of what was played over its echo, mean over the bands, dB; 0 while
    // the delay is unknown.
    float loss_db = 0;
  };

  EchoGuard();

  // Takes 20 ms of what the caller hears at this moment, as far as is known,
  // and the 20 ms that come from the caller at this moment. Both kFrameSamples
  // of mono S16 at 8 kHz; `played` is zeros when nothing is played. What is
  // played later than told (buffers, a loudspeaker over Bluetooth) is part of
  // the delay. Every frame counts, also while nobody speaks.
  Result Process(std::span<const int16_t> played,
                 std::span<const int16_t> caller);
  // Nothing was played within kMaxDelayMs, and no echo can come of it.
  bool idle() const { return since_played_ == static_cast<int>(kDelays); }
  // In place of Process() for a frame of the caller's while nothing is played:
  // all that Process() would learn from it is the caller's noise, which is left
  // out. Nothing is explained. Precondition: idle().
  void Skip(std::span<const int16_t> caller);
  // As constructed: another call.
  void Reset();

 private:
  static constexpr size_t kBands = 16;
  static constexpr size_t kDelays = kMaxDelayMs / kFrameMs + 1;
  static constexpr size_t kOverlap = kSpectrumSamples - kFrameSamples;

  // Powers as logarithms to base 2.
  using Levels = std::array<float, kBands>;
  using Overlap = std::array<int16_t, kOverlap>;

  static Levels LevelsOf(std::span<const int16_t> frame, Overlap& past);
  const Levels& PlayedBefore(size_t frames) const;
  void TrackNoise(const Levels& caller);
  void Correlate(const Levels& caller);
  void FindDelay();
  void ForgetEcho();
  float LossDb() const;
  Levels EchoSource() const;
  float Compare(const Levels& caller, const Levels& source) const;
  void Learn(const Levels& caller, const Levels& source);

  Overlap played_past_{};
  Overlap caller_past_{};
  // What was played, a ring; `newest_` is this frame's.
  std::array<Levels, kDelays> played_{};
  size_t newest_ = 0;
  // Frames since something was played.
  int since_played_ = 0;

  // What the caller's line has without speech, and how it is found.
  Levels noise_{};
  Levels smoothed_{};
  Levels least_{};
  Levels least_before_{};
  int noise_frames_ = -1;
  // Slow means, from which changes are counted.
  Levels played_mean_{};
  Levels caller_mean_{};
  // Sums of products at each delay, and of squares, forgetting.
  std::array<float, kDelays> cross_{};
  std::array<float, kDelays> played_power_{};
  float caller_power_ = 0;
  float evidence_frames_ = 0;

  int delay_ = kUnknownDelay;
  // Correlation at delay_.
  float correlation_ = 0;
  // Echo over what was played.
  Levels coupling_{};
  // Frames that coupling_ was learnt from since the delay was found.
  int learnt_frames_ = 0;
  // Frames that the caller has been still for while something played.
  int still_frames_ = 0;
  // Of the last frame.
  float excess_db_ = 0;
};

}  // namespace trunkline::audio
