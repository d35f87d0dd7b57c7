#include "media/caller_cleaner.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::media {

int CallerCleaner::RateFor(Denoising denoise, Leveling leveling,
                           int sample_rate_hz) {
  if (denoise != Denoising::kOff) return audio::Denoiser::kSampleRateHz;
  if (leveling == Leveling::kOff) return sample_rate_hz;
  return std::min(sample_rate_hz, 24000);
}

CallerCleaner::CallerCleaner(Denoising denoise, Leveling leveling,
                             int sample_rate_hz) {
  // INVARIANT: what is cleaned was made as narrow as that takes.
  TL_CHECK(RateFor(denoise, leveling, sample_rate_hz) == sample_rate_hz);
  if (denoise != Denoising::kOff) {
    denoiser_.emplace(audio::Denoiser::Config{denoise});
  }
  if (leveling == Leveling::kOn) {
    gain_control_.emplace(
        audio::GainControl::Config{.sample_rate_hz = sample_rate_hz});
  }
  if (active()) frame_.resize(static_cast<size_t>(sample_rate_hz / 50));
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
