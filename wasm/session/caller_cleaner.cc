#include "session/caller_cleaner.h"

#include <algorithm>

namespace trunkline::session {

CallerCleaner::CallerCleaner(audio::Denoiser::Strength denoise,
                             Config::Leveling leveling) {
  if (denoise != audio::Denoiser::Strength::kOff) {
    denoiser_.emplace(audio::Denoiser::Config{denoise});
  }
  if (leveling == Config::Leveling::kOn) {
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

}  // namespace trunkline::session
