#include "media/gap_filler.h"

#include <algorithm>
#include <utility>

namespace trunkline::media {
namespace {

// 24 and 48 kHz differ from the concealer's rate by filters of one length: half
// of 32 samples at 16 kHz each way.
constexpr size_t kDelayMs = 1;

}  // namespace

GapFiller::GapFiller(int sample_rate_hz)
    : per_ms_(static_cast<size_t>(sample_rate_hz / 1000)),
      concealer_(std::min(sample_rate_hz, kConcealedHz)) {
  if (sample_rate_hz <= kConcealedHz) return;
  down_ = std::make_unique<audio::Resampler>(sample_rate_hz, kConcealedHz);
  up_ = std::make_unique<audio::Resampler>(kConcealedHz, sample_rate_hz);
  const size_t most_ms = kFrameMs + 2 * kDelayMs;
  narrow_.resize(most_ms * kConcealedPerMs);
  wide_.resize(most_ms * per_ms_);
}

void GapFiller::Reset() {
  concealer_.Reset();
  if (down_) down_->Reset();
  in_gap_ = false;
  known_ = 0;
}

void GapFiller::Good(std::span<int16_t> frame) {
  if (!down_) {
    concealer_.Good(frame);
    return;
  }
  if (std::exchange(in_gap_, false)) {
    // The concealer is ahead of what comes out of `down_` by both delays; with
    // the fade it will be ahead by as much more.
    const size_t fade = kFadeMs * per_ms_;
    const std::span<int16_t> concealed = std::span(wide_).first(fade);
    Conceal(concealed);
    for (size_t i = 0; i < fade; ++i) {
      const float part =
          static_cast<float>(i + 1) / static_cast<float>(fade + 1);
      // Without a bend at either end.
      const float gain = part * part * (3 - 2 * part);
      const auto from = static_cast<float>(concealed[i]);
      const float value = from + (static_cast<float>(frame[i]) - from) * gain;
      frame[i] = static_cast<int16_t>(value + (value < 0 ? -0.5F : 0.5F));
    }
    known_ = (kFadeMs + 2 * kDelayMs) * kConcealedPerMs;
  }
  const std::span<int16_t> line =
      std::span(narrow_).first(down_->Process(frame, narrow_));
  const size_t known = std::min(known_, line.size());
  known_ -= known;
  concealer_.Good(line.subspan(known));
}

void GapFiller::Lost(std::span<int16_t> frame) {
  if (!down_) {
    concealer_.Lost(frame);
    return;
  }
  if (!std::exchange(in_gap_, true)) {
    // What the concealer knows ends before the gap, and what comes out of `up_`
    // ends before that.
    up_->Reset();
    Conceal(std::span(wide_).first(2 * kDelayMs * per_ms_));
  }
  Conceal(frame);
  // The line goes on as it was heard.
  down_->Process(frame, narrow_);
}

void GapFiller::Conceal(std::span<int16_t> out) {
  const size_t count = out.size() / per_ms_ * kConcealedPerMs;
  const std::span<int16_t> narrow = std::span(narrow_).first(count);
  concealer_.Lost(narrow);
  up_->Process(narrow, out);
}

}  // namespace trunkline::media
