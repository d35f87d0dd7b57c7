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

constexpr uint64_t kWaitingTenthHz = 4400;
// 32767 * 10^(-28/20).
constexpr int32_t kWaitingPeak = 1304;
constexpr size_t kWaitingRiseMs = 60;
constexpr size_t kWaitingFallMs = 240;

bool IsRate(int sample_rate_hz) {
  return sample_rate_hz == 8000 || sample_rate_hz == 16000 ||
         sample_rate_hz == 24000 || sample_rate_hz == 48000;
}

// What a sample adds to the phase; 2^32 is a whole turn.
uint32_t Step(uint64_t note_tenth_hz, int sample_rate_hz) {
  const auto tenth_hz = uint64_t{10} * static_cast<uint64_t>(sample_rate_hz);
  return static_cast<uint32_t>((note_tenth_hz << 32) / tenth_hz);
}

// A quarter of a sine's rise, Q15. position <= length.
int32_t Rise(size_t position, size_t length) {
  return kQuarterSine[position * kQuarterSineSteps / length];
}

// A note's gain at a sample, of how many, Q15.
int32_t Envelope(size_t position, size_t samples, size_t rise, size_t fall) {
  return std::min(Rise(std::min(position, rise), rise),
                  Rise(std::min(samples - 1 - position, fall), fall));
}

int16_t Sample(uint32_t phase, int32_t peak, int32_t gain_q15) {
  return static_cast<int16_t>((SineAt(phase) * peak >> 15) * gain_q15 >> 15);
}

}  // namespace

FarewellTones::FarewellTones(int sample_rate_hz)
    : note_samples_(static_cast<size_t>(sample_rate_hz) * kNoteMs / 1000) {
  TL_CHECK(IsRate(sample_rate_hz));
  for (size_t i = 0; i < kNotes; ++i) {
    steps_[i] = Step(kNoteTenthHz[i], sample_rate_hz);
  }
}

size_t FarewellTones::Generate(std::span<int16_t> out) {
  const size_t rise = note_samples_ * kRiseMs / kNoteMs;
  const size_t fall = note_samples_ * kFallMs / kNoteMs;
  const size_t count = std::min(out.size(), total_samples() - position_);
  for (size_t i = 0; i < count; ++i, ++position_) {
    phase_ += steps_[position_ / note_samples_];
    out[i] =
        Sample(phase_, kPeak,
               Envelope(position_ % note_samples_, note_samples_, rise, fall));
  }
  return count;
}

WaitingTone::WaitingTone(int sample_rate_hz)
    : samples_per_ms_(static_cast<size_t>(sample_rate_hz / 1000)),
      step_(Step(kWaitingTenthHz, sample_rate_hz)) {
  TL_CHECK(IsRate(sample_rate_hz));
}

void WaitingTone::Generate(std::span<int16_t> out) {
  const size_t note = samples_per_ms_ * kNoteMs;
  for (int16_t& sample : out) {
    sample = 0;
    if (position_ < note) {
      const uint32_t phase = static_cast<uint32_t>(position_ + 1) * step_;
      sample =
          Sample(phase, kWaitingPeak,
                 Envelope(position_, note, samples_per_ms_ * kWaitingRiseMs,
                          samples_per_ms_ * kWaitingFallMs));
    }
    position_ = (position_ + 1) % (samples_per_ms_ * kPeriodMs);
  }
}

}  // namespace trunkline::audio
