#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "audio/gap_concealer.h"
#include "audio/resampler.h"

namespace trunkline::media {

// Fills what a line of any rate lost with what it would likely have gone on
// with, as of audio::GapConcealer.
//
// At 8 and 16 kHz that is all. A line of 24 or 48 kHz is concealed at 16 kHz:
// what stands in for the lost samples has nothing above 8 kHz, lies where they
// lay, within a sample, and is faded over to the good ones in the first 5 ms
// after a gap. Good samples keep their width and are changed nowhere else.
//
// Adds no delay. Allocates nothing after construction.
class GapFiller {
 public:
  // 8000, 16000, 24000 or 48000. Frames are of 20 ms.
  explicit GapFiller(int sample_rate_hz);

  // The next frame of the line; changed in place after a gap.
  void Good(std::span<int16_t> frame);
  // Writes what stands in for the next frame, which is lost.
  void Lost(std::span<int16_t> frame);
  // As constructed.
  void Reset();

 private:
  static constexpr int kConcealedHz = 16'000;
  static constexpr size_t kConcealedPerMs = kConcealedHz / 1000;
  static constexpr size_t kFrameMs = 20;
  static constexpr size_t kFadeMs = 5;

  // The next `out.size()` samples of what stands in.
  void Conceal(std::span<int16_t> out);

  const size_t per_ms_;
  audio::GapConcealer concealer_;
  // Of a wide line: to the concealer's rate and back.
  std::unique_ptr<audio::Resampler> down_;
  std::unique_ptr<audio::Resampler> up_;
  bool in_gap_ = false;
  // Samples at the concealer's rate that it knows already.
  size_t known_ = 0;
  std::vector<int16_t> narrow_;
  std::vector<int16_t> wide_;
};

}  // namespace trunkline::media
