#include "audio/level.h"

#include <algorithm>

namespace trunkline::audio {

uint32_t MeanSquare(std::span<const int16_t> samples) {
  if (samples.empty()) return 0;
  uint64_t sum = 0;
  for (const int16_t sample : samples) {
    sum += static_cast<uint64_t>(static_cast<int32_t>(sample) * sample);
  }
  return static_cast<uint32_t>(sum / samples.size());
}

int32_t Peak(std::span<const int16_t> samples) {
  int32_t peak = 0;
  for (const int16_t sample : samples) {
    const int32_t value = sample;
    peak = std::max(peak, value < 0 ? -value : value);
  }
  return peak;
}

}  // namespace trunkline::audio
