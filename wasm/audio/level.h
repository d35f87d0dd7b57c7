#pragma once

#include <cstdint>
#include <span>

namespace trunkline::audio {

// The level of silence, tenths of dBFS: below any that is not 0.
inline constexpr int kSilenceDbfsTenths = -1000;

// Exact for up to 2^34 samples.
uint64_t SumOfSquares(std::span<const int16_t> samples);

// Mean of the squares of the samples, rounded down, [0, 2^30]; 0 for none.
uint32_t MeanSquare(std::span<const int16_t> samples);

// The largest magnitude, [0, 32768]; 0 for none.
int32_t Peak(std::span<const int16_t> samples);

// The level of a mean square, tenths of dBFS, rounded to the nearest, where 0
// is a full-scale square wave (2^30) and -30 a full-scale sine. In integers: no
// build differs. [-903, 0] for [1, 2^30], kSilenceDbfsTenths for 0; larger
// values give what the formula says, up to 60.
int LevelDbfsTenths(uint32_t mean_square);

}  // namespace trunkline::audio
