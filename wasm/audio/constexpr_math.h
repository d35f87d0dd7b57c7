#pragma once

#include <cstdint>

// Math at compile time, by series: tables are the same to the bit in every
// build, which no libm promises. For tables only; it is slow.

namespace trunkline::audio {

inline constexpr double kPi = 3.14159265358979323846;

// Sine of pi * x. Error below 1e-15 for |x| up to some thousands.
constexpr double SinPi(double x) {
  const auto turns = static_cast<long long>(x / 2);
  double reduced = x - 2.0 * static_cast<double>(turns);  // (-2, 2)
  if (reduced > 1) reduced -= 2;
  if (reduced < -1) reduced += 2;
  const double angle = kPi * reduced;
  double term = angle;
  double sum = angle;
  for (int n = 1; n < 18; ++n) {
    term *= -angle * angle / ((2.0 * n) * (2.0 * n + 1));
    sum += term;
  }
  return sum;
}

// The modified Bessel function I0 of the root of `squared`: the Kaiser window
// needs no square root this way.
constexpr double BesselI0OfRoot(double squared) {
  double term = 1;
  double sum = 1;
  for (int k = 1; k < 40; ++k) {
    term *= squared / (4.0 * k * k);
    sum += term;
  }
  return sum;
}

// To the nearest, halves away from zero. `value` is in range.
constexpr int16_t RoundedToInt16(double value) {
  return static_cast<int16_t>(value < 0 ? value - 0.5 : value + 0.5);
}

}  // namespace trunkline::audio
