#include "audio/fade.h"

#include <algorithm>

#include "audio/sine.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// How many of `count` samples lie before the end of the fade.
size_t Within(size_t count, size_t position, size_t length) {
  TL_CHECK(length > 0 && length <= kMaxFadeSamples);
  return position < length ? std::min(count, length - position) : 0;
}

// The sample at `position` of a fade-in, 0 <= position < length.
int16_t Faded(int16_t sample, size_t position, size_t length) {
  const int32_t gain_q15 = kQuarterSine[position * kQuarterSineSteps / length];
  return static_cast<int16_t>((sample * gain_q15 + (1 << 14)) >> 15);
}

}  // namespace

void FadeIn(std::span<int16_t> samples, size_t position, size_t length) {
  const size_t count = Within(samples.size(), position, length);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = Faded(samples[i], position + i, length);
  }
}

void FadeOut(std::span<int16_t> samples, size_t position, size_t length) {
  const size_t count = Within(samples.size(), position, length);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = Faded(samples[i], length - 1 - position - i, length);
  }
  const auto silent = samples.subspan(count);
  std::fill(silent.begin(), silent.end(), int16_t{0});
}

}  // namespace trunkline::audio
