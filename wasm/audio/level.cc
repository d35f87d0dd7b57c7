#include "audio/level.h"

#include <algorithm>
#include <bit>

namespace trunkline::audio {
namespace {

// log2(value) with 16 bits of fraction, rounded down. value > 0.
int32_t Log2Q16(uint32_t value) {
  const int exponent = 31 - std::countl_zero(value);
  // In [1, 2), 31 bits of fraction. Squared, it is in [1, 4): a first bit of
  // the logarithm's fraction, and the square or its half for the next.
  uint64_t mantissa = uint64_t{value} << (31 - exponent);
  int32_t log2 = exponent;
#if defined(__clang__)
  // Every frame comes here once: one turn's code is fetched faster than 16.
#pragma clang loop unroll(disable)
#endif
  for (int bit = 0; bit < 16; ++bit) {
    mantissa = mantissa * mantissa >> 31;
    const uint64_t carry = mantissa >> 32;
    mantissa >>= carry;
    log2 = log2 * 2 + static_cast<int32_t>(carry);
  }
  return log2;
}

}  // namespace

uint64_t SumOfSquares(std::span<const int16_t> samples) {
  const auto square = [](int32_t sample) {
    return static_cast<uint32_t>(sample * sample);
  };
  // Two squares fit 32 bits: half as many additions in 64.
  const size_t half = samples.size() / 2;
  uint64_t sum = samples.size() % 2 != 0 ? square(samples.back()) : 0;
  for (size_t i = 0; i < half; ++i) {
    sum += square(samples[i]) + square(samples[half + i]);
  }
  return sum;
}

uint32_t MeanSquare(std::span<const int16_t> samples) {
  if (samples.empty()) return 0;
  return static_cast<uint32_t>(SumOfSquares(samples) / samples.size());
}

int32_t Peak(std::span<const int16_t> samples) {
  int32_t peak = 0;
  for (const int16_t sample : samples) {
    const int32_t value = sample;
    peak = std::max(peak, value < 0 ? -value : value);
  }
  return peak;
}

int LevelDbfsTenths(uint32_t mean_square) {
  if (mean_square == 0) return kSilenceDbfsTenths;
  // 100 * log10(2) = 30.10300, times 2^16.
  constexpr int64_t kTenthsPerOctaveQ16 = 1'972'830;
  const int64_t octaves = int64_t{Log2Q16(mean_square)} - (30 << 16);
  return static_cast<int>(
      (octaves * kTenthsPerOctaveQ16 + (int64_t{1} << 31)) >> 32);
}

}  // namespace trunkline::audio
