#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bit_cast.h"

// Logarithms and their inverse in plain arithmetic: the same to the bit in
// every build, which no library of mathematics promises. Free of branches, so
// that loops over them become SIMD.

namespace trunkline::audio {

// Within 1e-6 of the logarithm to base 2, or 1e-7 of it where it is large.
// `x` is a positive normal number; below 2^-126 it counts as that.
constexpr float Log2(float x) {
  const auto bits = BitCast<uint32_t>(std::max(x, BitCast<float>(0x00800000U)));
  // The mantissa in [sqrt(1/2), sqrt(2)), where 0x3F3504F3 is sqrt(1/2).
  const uint32_t shifted = bits - 0x3F3504F3U;
  const auto exponent = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const float mantissa = BitCast<float>((shifted & 0x007FFFFFU) + 0x3F3504F3U);
  // 2 atanh(t) = ln(mantissa); the next term is below 2e-8.
  const float t = (mantissa - 1) / (mantissa + 1);
  const float s = t * t;
  constexpr float kTwoOverLn2 = 2.885390082F;
  return exponent + kTwoOverLn2 * t *
                        (1 + s * (1.0F / 3 + s * (1.0F / 5 + s * (1.0F / 7))));
}

// 2^x within 3e-7 of itself; x counts as no less than -126 and no more than
// 126.
constexpr float Exp2(float x) {
  const float bounded = std::min(std::max(x, -126.0F), 126.0F);
  // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
  constexpr float kRounder = 12582912.0F;
  const float whole = (bounded + kRounder) - kRounder;
  const float y = (bounded - whole) * 0.693147181F;
  // e^y for |y| <= ln(2) / 2, by Taylor.
  const float fraction =
      1 +
      y * (1 + y * (1.0F / 2 +
                    y * (1.0F / 6 + y * (1.0F / 24 + y * (1.0F / 120 +
                                                          y * (1.0F / 720))))));
  const auto exponent =
      static_cast<uint32_t>(static_cast<int32_t>(whole) + 127);
  return BitCast<float>(exponent << 23) * fraction;
}

// 10 log10 of a power ratio; very negative, but finite, for 0.
constexpr float PowerToDb(float power) { return 3.01029996F * Log2(power); }
// The amplitude ratio and the power ratio of so many dB.
constexpr float DbToGain(float db) { return Exp2(db * 0.166096405F); }
constexpr float DbToPower(float db) { return Exp2(db * 0.332192809F); }

}  // namespace trunkline::audio
