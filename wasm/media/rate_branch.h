#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "audio/resampler.h"

namespace trunkline::media {

// Frames of one rate to frames of another, in a buffer of their own; those that
// have the rate already stay where they are. What was converted lags by 2 ms.
//
// Allocates nothing after construction.
class RateBranch {
 public:
  // 8000, 16000, 24000 or 48000 Hz. Frames are of up to 20 ms.
  RateBranch(int from_hz, int to_hz);

  // Valid until the next call, or as long as `frame`.
  std::span<const int16_t> Process(std::span<const int16_t> frame) {
    return resampler_ ? Convert(frame) : frame;
  }

 private:
  std::span<const int16_t> Convert(std::span<const int16_t> frame);

  std::unique_ptr<audio::Resampler> resampler_;
  std::vector<int16_t> samples_;
};

}  // namespace trunkline::media
