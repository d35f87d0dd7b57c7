#include "media/caller_cleaner.h"

#include <algorithm>

namespace trunkline::media {

CallerCleaner::CallerCleaner(Denoising denoise, Leveling leveling) {
  if (denoise != Denoising::kOff) {
    denoiser_.emplace(audio::Denoiser::Config{denoise});
  }
  if (leveling == Leveling::kOn) {
    gain_control_.emplace(audio::GainControl::Config{});
  }
  if (active()) frame_.resize(audio::Denoiser::kFrameSamples);
}

std::span<const int16_t> CallerCleaner::Process(std::span<const int16_t> frame,
                                                bool speaks) {
  if (!active()) return frame;
  std::copy(frame.begin(), frame.end(), frame_.begin());
  if (denoiser_) denoiser_->Process(frame_);
  if (gain_control_) {
    using Voice = audio::GainControl::Voice;
    gain_control_->Process(frame_, speaks ? Voice::kUnknown : Voice::kAbsent);
  }
  return frame_;
}

}  // namespace trunkline::media
