#include "audio/tones.h"

#include <algorithm>

#include "audio/sine.h"

namespace trunkline::audio {
namespace {

// Equal temperament, A4 = 440 Hz, tenths of a hertz.
constexpr uint64_t kNoteTenthHz[FarewellTones::kNotes] = {3920, 3296, 2616};
// Peak of a sine of -18 dBFS: 32767 * 10^(-18/20).
constexpr int32_t kPeak = 4125;
constexpr int kRiseMs = 30;
constexpr int kFallMs = 120;

}  // namespace

FarewellTones::FarewellTones(int sample_rate_hz)
    : note_samples_(static_cast<size_t>(sample_rate_hz) * kNoteMs / 1000) {
  for (int i = 0; i < kNotes; ++i) {
    steps_[i] = static_cast<uint32_t>(
        (kNoteTenthHz[i] << 32) /
        (uint64_t{10} * static_cast<uint64_t>(sample_rate_hz)));
  }
}

size_t FarewellTones::Generate(std::span<int16_t> out) {
  const size_t rise = note_samples_ * kRiseMs / kNoteMs;
  const size_t fall = note_samples_ * kFallMs / kNoteMs;
  const size_t count = std::min(out.size(), note_samples_ * kNotes - position_);
  for (size_t i = 0; i < count; ++i, ++position_) {
    const size_t note = position_ / note_samples_;
    const size_t within = position_ % note_samples_;
    const size_t left = note_samples_ - 1 - within;
    int32_t gain = kQuarterSine[kQuarterSineSteps];
    if (within < rise) gain = kQuarterSine[within * kQuarterSineSteps / rise];
    if (left < fall) {
      gain = std::min<int32_t>(gain,
                               kQuarterSine[left * kQuarterSineSteps / fall]);
    }
    phase_ += steps_[note];
    out[i] = static_cast<int16_t>((SineAt(phase_) * kPeak >> 15) * gain >> 15);
  }
  return count;
}

}  // namespace trunkline::audio
