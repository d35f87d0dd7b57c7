#include "audio/music_player.h"

#include <algorithm>
#include <array>

#include "audio/cross_fade.h"
#include "audio/decibels.h"
#include "audio/g711.h"
#include "audio/sine.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// Between the steps of the table in a straight line, so that a fade of seconds
// has no steps that could be heard. 0 <= position <= 2^24.
int32_t FadeGain(int32_t position) {
  constexpr int kStepBits = 14;
  static_assert(kQuarterSineSteps << kStepBits == 1 << 24);
  const auto step = static_cast<uint32_t>(position) >> kStepBits;
  const int32_t below = kQuarterSine[step];
  if (step == kQuarterSineSteps) return GainRamp::kUnity;
  const int32_t within = position & ((1 << kStepBits) - 1);
  return below + ((kQuarterSine[step + 1] - below) * within >> kStepBits);
}

int32_t Scaled(int32_t sample, int32_t gain_q15) {
  return (sample * gain_q15 + (1 << 14)) >> 15;
}

}  // namespace

bool MusicPlayer::CanPlay(const Config& config) {
  const int hz = config.sample_rate_hz;
  return (hz == 8000 || hz == 16000 || hz == 24000 || hz == 48000) &&
         config.seam_ms >= 1 && config.seam_ms <= kMaxMs &&
         config.mu_law.size() / 2 > static_cast<size_t>(config.seam_ms) *
                                        static_cast<size_t>(hz) / 1000;
}

MusicPlayer::MusicPlayer(const Config& config)
    : mu_law_(config.mu_law),
      seam_samples_(static_cast<size_t>(config.seam_ms) *
                    static_cast<size_t>(config.sample_rate_hz) / 1000),
      samples_per_ms_(config.sample_rate_hz / 1000) {
  TL_CHECK(CanPlay(config));
}

void MusicPlayer::Reset() {
  position_ = 0;
  fade_ = 0;
  fade_step_ = 0;
  duck_ = {};
}

int32_t MusicPlayer::FadeStep(int fade_ms) const {
  TL_CHECK(fade_ms >= 0 && fade_ms <= kMaxMs);
  // Rounded up, so that it ends in time.
  const int32_t samples = std::max(1, fade_ms * samples_per_ms_);
  return (kFadeTop + samples - 1) / samples;
}

void MusicPlayer::Play(int fade_ms) {
  fade_step_ = FadeStep(fade_ms);
  if (fade_ms == 0) fade_ = kFadeTop;
}

void MusicPlayer::Pause(int fade_ms) {
  fade_step_ = -FadeStep(fade_ms);
  if (fade_ms == 0) fade_ = 0;
}

void MusicPlayer::Duck(float db, int ramp_ms) {
  TL_CHECK(db >= 0 && db <= 60);
  TL_CHECK(ramp_ms >= 0 && ramp_ms <= kMaxMs);
  duck_.MoveTo(static_cast<int32_t>(GainRamp::kUnity * DbToGain(-db)),
               static_cast<uint32_t>(ramp_ms * samples_per_ms_));
}

void MusicPlayer::Process(std::span<int16_t> out) {
  size_t count = out.size();
  if (fade_step_ <= 0) {
    // As many as the fade-out still has.
    const auto left =
        fade_step_ == 0
            ? size_t{0}
            : static_cast<size_t>((fade_ - fade_step_ - 1) / -fade_step_);
    count = std::min(count, left);
  }
  Read(out.first(count));
  for (size_t i = 0; i < out.size(); ++i) {
    if (i >= count) {
      out[i] = 0;
    } else if (fade_ != kFadeTop || fade_step_ < 0) {
      out[i] = static_cast<int16_t>(Scaled(out[i], FadeGain(fade_)));
      fade_ = std::clamp(fade_ + fade_step_, 0, kFadeTop);
    } else if (duck_.at_rest() && duck_.gain_q15() == GainRamp::kUnity) {
      break;
    }
    out[i] = static_cast<int16_t>(Scaled(out[i], duck_.gain_q15()));
    duck_.Step();
  }
}

void MusicPlayer::Read(std::span<int16_t> out) {
  const size_t seam_begin = mu_law_.size() - seam_samples_;
  while (!out.empty()) {
    if (position_ < seam_begin) {
      const size_t count = std::min(out.size(), seam_begin - position_);
      DecodeMuLaw(mu_law_.subspan(position_, count), out.first(count));
      position_ += count;
      out = out.subspan(count);
      continue;
    }
    std::array<int16_t, 160> beginning;
    const size_t within = position_ - seam_begin;
    const size_t count =
        std::min({out.size(), beginning.size(), mu_law_.size() - position_});
    const std::span<int16_t> here = out.first(count);
    const std::span<int16_t> to = std::span(beginning).first(count);
    DecodeMuLaw(mu_law_.subspan(position_, count), here);
    DecodeMuLaw(mu_law_.subspan(within, count), to);
    CrossFade(here, to, here, within, seam_samples_);
    position_ += count;
    // The beginning has been heard: the music goes on behind it.
    if (position_ == mu_law_.size()) position_ = seam_samples_;
    out = out.subspan(count);
  }
}

}  // namespace trunkline::audio
