#pragma once

#include <algorithm>

#include "audio/decibels.h"

// What neural networks bend their sums with, in plain arithmetic: the same to
// the bit in every build.

namespace trunkline::audio {

// 1 / (1 + e^-x), within 3e-7.
constexpr float Sigmoid(float x) {
  constexpr float kLog2E = 1.44269504F;
  return 1.0F / (1.0F + Exp2(-x * kLog2E));
}

// Hyperbolic tangent, within 6e-7.
constexpr float Tanh(float x) {
  constexpr float kTwoLog2E = 2.88539008F;
  return 1.0F - 2.0F / (1.0F + Exp2(x * kTwoLog2E));
}

}  // namespace trunkline::audio
