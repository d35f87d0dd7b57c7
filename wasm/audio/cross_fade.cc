#include "audio/cross_fade.h"

#include "audio/fade.h"
#include "audio/mixer.h"
#include "audio/sine.h"
#include "base/check.h"

namespace trunkline::audio {

void CrossFade(std::span<const int16_t> from, std::span<const int16_t> to,
               std::span<int16_t> out, size_t position, size_t length) {
  TL_CHECK(length > 0 && length <= kMaxFadeSamples);
  TL_CHECK(from.size() == out.size() && to.size() == out.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (position >= length) {
      out[i] = to[i];
      continue;
    }
    const size_t step = position++ * kQuarterSineSteps / length;
    const int32_t sum =
        to[i] * int32_t{kQuarterSine[step]} +
        from[i] * int32_t{kQuarterSine[kQuarterSineSteps - step]};
    out[i] = SoftLimit((sum >> 15) + ((sum >> 14) & 1));
  }
}

}  // namespace trunkline::audio
