#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "audio/denoiser.h"
#include "audio/gain_control.h"

namespace trunkline::media {

// How much of the noise is taken away.
using Denoising = audio::Denoiser::Strength;
enum class Leveling : uint8_t { kOff, kOn };

// The caller's audio as one destination wants it: with less noise, at an even
// level, or as it came. Leaves what comes in alone; what comes out lags by
// 10 ms where noise is taken away and by 2 ms where the level is made even.
//
// Noise is taken away at 8 kHz only, and the level made even at up to 24 kHz:
// what comes in has RateFor(), and a wider caller is heard narrower for it.
//
// Allocates nothing after construction.
class CallerCleaner {
 public:
  // The rate at which audio of a wider or equal one is cleaned; its own where
  // nothing is done.
  static int RateFor(Denoising denoise, Leveling leveling, int sample_rate_hz);

  // Frames are of 20 ms at `sample_rate_hz`, which is RateFor() itself.
  CallerCleaner(Denoising denoise, Leveling leveling, int sample_rate_hz);

  // False: Process gives back what it gets.
  bool active() const { return denoiser_ || gain_control_; }

  // The result is valid until the next call, or as long as `frame`.
  // `speaks` is whether the caller's own voice is in the frame.
  std::span<const int16_t> Process(std::span<const int16_t> frame, bool speaks);

 private:
  std::optional<audio::Denoiser> denoiser_;
  std::optional<audio::GainControl> gain_control_;
  std::vector<int16_t> frame_;
};

}  // namespace trunkline::media
