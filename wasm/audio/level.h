#pragma once

#include <cstdint>
#include <span>

namespace trunkline::audio {

// Mean of the squares of the samples, rounded down; 0 for none. -x dBFS of a
// square wave is (32768 * 10^(-x/20))^2.
uint32_t MeanSquare(std::span<const int16_t> samples);

// The largest magnitude, [0, 32768]; 0 for none.
int32_t Peak(std::span<const int16_t> samples);

}  // namespace trunkline::audio
