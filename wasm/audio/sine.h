#pragma once

#include <array>
#include <cstdint>

#include "audio/constexpr_math.h"

namespace trunkline::audio {

// A quarter of a sine in steps of a 1/1024 of it, Q15; both ends included.
inline constexpr uint32_t kQuarterSineSteps = 1024;
inline constexpr auto kQuarterSine = [] {
  std::array<int16_t, kQuarterSineSteps + 1> table{};
  for (uint32_t i = 0; i <= kQuarterSineSteps; ++i) {
    table[i] = RoundedToInt16(32767 * SinPi(0.5 * i / kQuarterSineSteps));
  }
  return table;
}();

// Sine at `phase`, where 2^32 is a whole turn, Q15, within 0.0008 of it: the
// nearest step below is taken.
constexpr int32_t SineAt(uint32_t phase) {
  const uint32_t step = phase >> 20;
  const uint32_t within = step % kQuarterSineSteps;
  switch (step / kQuarterSineSteps) {
    case 0:
      return kQuarterSine[within];
    case 1:
      return kQuarterSine[kQuarterSineSteps - within];
    case 2:
      return -kQuarterSine[within];
    default:
      return -kQuarterSine[kQuarterSineSteps - within];
  }
}

}  // namespace trunkline::audio
