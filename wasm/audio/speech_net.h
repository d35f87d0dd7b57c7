#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "audio/speech_features.h"

namespace trunkline::audio {

// How likely a frame is speech, given it and what came before: a recurrent net
// of 24 + 32 units. Its weights are 8-bit and its sums integers, so that any
// order of summation gives the same number; tests/training makes them.
//
// 64 bytes of state; a copy goes on alike.
class SpeechNet {
 public:
  static constexpr size_t kInputs = SpeechFeatures::kCount;
  static constexpr size_t kDense = 24;
  static constexpr size_t kUnits = 32;

  // Probability of speech, (0, 1).
  float Process(const SpeechFeatures::Vector& features);
  void Reset() { units_.fill(0); }

 private:
  // In [-1, 1], 14 bits of fraction.
  std::array<int16_t, kUnits> units_{};
};

}  // namespace trunkline::audio
