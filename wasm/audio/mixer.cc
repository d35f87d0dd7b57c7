#include "audio/mixer.h"

#include "base/check.h"

namespace trunkline::audio {
namespace {

// `magnitude` >= 0.
int32_t Limited(int32_t magnitude) {
  if (magnitude <= kSoftLimitKnee) return magnitude;
  constexpr int64_t kRoom = 32767 - kSoftLimitKnee;
  const int64_t above = int64_t{magnitude} - kSoftLimitKnee;
  return kSoftLimitKnee + static_cast<int32_t>(kRoom * above / (kRoom + above));
}

}  // namespace

int16_t SoftLimit(int32_t value) {
  return static_cast<int16_t>(value < 0 ? -Limited(-value) : Limited(value));
}

Mixer::Mixer() = default;

void Mixer::SetGain(size_t input, int32_t gain_q15, size_t ramp_samples) {
  TL_CHECK(input < kInputs);
  TL_CHECK(gain_q15 >= 0 && gain_q15 <= 4 * kUnity);
  TL_CHECK(ramp_samples <= GainRamp::kMaxSamples);
  ramps_[input].MoveTo(gain_q15, static_cast<uint32_t>(ramp_samples));
}

void Mixer::Process(std::span<const std::span<const int16_t>> inputs,
                    std::span<int16_t> out) {
  TL_CHECK(inputs.size() <= kInputs);
  for (const std::span<const int16_t> input : inputs) {
    TL_CHECK(input.empty() || input.size() == out.size());
  }
  for (size_t i = 0; i < out.size(); ++i) {
    // Sixteen full-scale inputs' worth in Q15 needs 35 bits.
    int64_t sum = 0;
    for (size_t k = 0; k < kInputs; ++k) {
      if (k < inputs.size() && !inputs[k].empty()) {
        sum += int64_t{inputs[k][i]} * ramps_[k].gain_q15();
      }
      ramps_[k].Step();
    }
    out[i] = SoftLimit(static_cast<int32_t>((sum + (1 << 14)) >> 15));
  }
}

}  // namespace trunkline::audio
