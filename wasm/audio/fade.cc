#include "audio/fade.h"

#include "audio/sine.h"

namespace trunkline::audio {
namespace {

int16_t Scale(int16_t sample, int32_t gain_q15) {
  return static_cast<int16_t>((sample * gain_q15 + (1 << 14)) >> 15);
}

// Gain `position` samples into a fade-in, Q15. position < length.
int32_t GainAt(size_t position, size_t length) {
  return kQuarterSine[position * kQuarterSineSteps / length];
}

}  // namespace

void FadeIn(std::span<int16_t> samples, size_t position, size_t length) {
  for (size_t i = 0; i < samples.size() && position + i < length; ++i) {
    samples[i] = Scale(samples[i], GainAt(position + i, length));
  }
}

void FadeOut(std::span<int16_t> samples, size_t position, size_t length) {
  for (size_t i = 0; i < samples.size(); ++i) {
    const size_t at = position + i;
    samples[i] =
        at < length ? Scale(samples[i], GainAt(length - 1 - at, length)) : 0;
  }
}

}  // namespace trunkline::audio
