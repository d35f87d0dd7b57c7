#include "audio/tones.h"

#include <algorithm>

#include "audio/sine.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// Equal temperament, A4 = 440 Hz, tenths of a hertz.
constexpr std::array<uint64_t, FarewellTones::kNotes> kNoteTenthHz = {
    3920, 3296, 2616};
// 32767 * 10^(-18/20).
constexpr int32_t kPeak = 4125;
constexpr size_t kRiseMs = 30;
constexpr size_t kFallMs = 120;

// A quarter of a sine's rise, Q15. position <= length.
int32_t Rise(size_t position, size_t length) {
  return kQuarterSine[position * kQuarterSineSteps / length];
}

}  // namespace

FarewellTones::FarewellTones(int sample_rate_hz)
    : note_samples_(static_cast<size_t>(sample_rate_hz) * kNoteMs / 1000) {
  TL_CHECK(sample_rate_hz == 8000 || sample_rate_hz == 16000 ||
           sample_rate_hz == 24000 || sample_rate_hz == 48000);
  const auto tenth_hz = uint64_t{10} * static_cast<uint64_t>(sample_rate_hz);
  for (size_t i = 0; i < kNotes; ++i) {
    steps_[i] = static_cast<uint32_t>((kNoteTenthHz[i] << 32) / tenth_hz);
  }
}

size_t FarewellTones::Generate(std::span<int16_t> out) {
  const size_t rise = note_samples_ * kRiseMs / kNoteMs;
  const size_t fall = note_samples_ * kFallMs / kNoteMs;
  const size_t count = std::min(out.size(), total_samples() - position_);
  for (size_t i = 0; i < count; ++i, ++position_) {
    const size_t within = position_ % note_samples_;
    const size_t left = note_samples_ - 1 - within;
    const int32_t gain_q15 = std::min(Rise(std::min(within, rise), rise),
                                      Rise(std::min(left, fall), fall));
    phase_ += steps_[position_ / note_samples_];
    out[i] =
        static_cast<int16_t>((SineAt(phase_) * kPeak >> 15) * gain_q15 >> 15);
  }
  return count;
}

}  // namespace trunkline::audio
