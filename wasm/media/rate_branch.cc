#include "media/rate_branch.h"

namespace trunkline::media {

RateBranch::RateBranch(int from_hz, int to_hz) {
  if (from_hz == to_hz) return;
  resampler_ = std::make_unique<audio::Resampler>(from_hz, to_hz);
  const auto frame_samples = static_cast<size_t>(from_hz / 1000) * 20;
  samples_.resize(resampler_->MaxOutputSamples(frame_samples));
}

std::span<const int16_t> RateBranch::Convert(std::span<const int16_t> frame) {
  return std::span(samples_).first(resampler_->Process(frame, samples_));
}

}  // namespace trunkline::media
