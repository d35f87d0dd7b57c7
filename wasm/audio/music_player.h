#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/gain_ramp.h"

namespace trunkline::audio {

// Plays music over and over: no gap where it repeats, and no click where it
// starts, pauses, goes on, or makes room for a voice.
//
// The music is mu-law, as the line's is: half the memory of linear samples, and
// nothing that a caller could hear is lost. It is borrowed and must outlive the
// player. Its end goes over into its beginning with equal power, so a round is
// shorter than the music by the seam.
//
// It starts paused. Away from the seam, unducked and not in a fade, the samples
// are the decoded ones to the bit.
//
// Integer arithmetic but for the decibels of Duck(); the samples do not depend
// on how they are asked for. Allocates nothing; a copy goes on with the same
// samples. 64 bytes.
class MusicPlayer {
 public:
  struct Config {
    std::span<const uint8_t> mu_law;
    int sample_rate_hz = 8000;  // of the music: 8000, 16000, 24000 or 48000
    int seam_ms = 500;          // [1, 10000]
  };
  static constexpr int kMaxMs = 10000;

  // Whether the music is longer than two seams, and the rest is in range.
  static bool CanPlay(const Config& config);

  // Precondition: CanPlay(config).
  explicit MusicPlayer(const Config& config);

  // Fades in, from wherever an earlier fade has got, as a whole within
  // `fade_ms`, [0, kMaxMs].
  void Play(int fade_ms);
  // Fades out likewise, then stands still. The position is kept.
  void Pause(int fade_ms);
  // Goes down by `db`, [0, 60], or to that from another ducking, in a straight
  // line over `ramp_ms`, [0, kMaxMs]; Duck(0, ...) comes back. The ramp moves
  // in a pause as well.
  void Duck(float db, int ramp_ms);
  // Writes the next samples; silence while paused.
  void Process(std::span<int16_t> out);
  // As constructed: at the beginning, paused, not ducked.
  void Reset();

  // Whether anything is heard: false in a pause once the fade is over.
  bool playing() const { return fade_step_ > 0 || fade_ > 0; }
  // Where it is in the music, [0, mu_law.size()).
  size_t position() const { return position_; }

 private:
  // Fades are positions on a quarter of a sine.
  static constexpr int32_t kFadeTop = 1 << 24;

  int32_t FadeStep(int fade_ms) const;
  // Writes the next samples of the music, without gains.
  void Read(std::span<int16_t> out);

  std::span<const uint8_t> mu_law_;
  size_t seam_samples_;
  size_t position_ = 0;
  int32_t samples_per_ms_;
  int32_t fade_ = 0;  // [0, kFadeTop]
  int32_t fade_step_ = 0;
  GainRamp duck_;
};

}  // namespace trunkline::audio
