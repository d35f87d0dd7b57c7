#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/gain_ramp.h"

namespace trunkline::audio {

// Where soft limiting begins, 2.5 dB below full scale.
inline constexpr int32_t kSoftLimitKnee = 24576;

// `value` as it is up to the knee, and above it ever flatter towards full
// scale, which no value reaches beyond: knee + h d / (h + d), where d lies
// above the knee and h is what is left of it. Its slope has no step, it is
// monotone and odd. |value| < 2^30.
int16_t SoftLimit(int32_t value);

// Adds up to four sounds with gains that move in ramps; the sum is soft
// limited. Integer arithmetic: a single input of gain 1 comes out to the bit as
// long as it stays below the knee.
//
// Chunk-invariant; a copy goes on with the same samples. Allocates nothing;
// 64 bytes.
class Mixer {
 public:
  static constexpr size_t kInputs = 4;
  static constexpr int32_t kUnity = GainRamp::kUnity;  // Q15

  // Every gain is unity at first.
  Mixer();

  // Moves the gain of `input` to `gain_q15`, [0, 4 * kUnity], in a straight
  // line over the next `ramp_samples`, from wherever it is; at once for 0.
  // Precondition: input < kInputs, ramp_samples <= 2^20.
  void SetGain(size_t input, int32_t gain_q15, size_t ramp_samples);

  // Mixes the next out.size() samples. An input that is empty is silent, any
  // other has out.size() samples and may be `out` itself. The ramps of silent
  // inputs move as well. Precondition: at most kInputs inputs.
  void Process(std::span<const std::span<const int16_t>> inputs,
               std::span<int16_t> out);

 private:
  std::array<GainRamp, kInputs> ramps_;
};

}  // namespace trunkline::audio
