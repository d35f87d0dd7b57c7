#include "audio/limiter.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::audio {

Limiter::Limiter(const Config& config) : ceiling_(config.ceiling) {
  const int hz = config.sample_rate_hz;
  TL_CHECK(hz == 8000 || hz == 16000 || hz == 24000);
  TL_CHECK(config.ceiling > 0);
  // 16, 32 and 64 samples: 2 ms, and 2.7 ms at 24 kHz.
  look_ahead_bits_ = hz == 8000 ? 4 : hz == 16000 ? 5 : 6;
  look_ahead_ = 1U << look_ahead_bits_;
  // The gain's way back to unity shrinks to a third in 2^bits samples: 64 ms,
  // and 43 ms at 24 kHz. Longer than a period of a voice, so that the gain
  // does not follow its wave.
  release_bits_ = hz == 8000 ? 9 : 10;
  Reset();
}

void Limiter::Reset() {
  samples_.fill(0);
  wanted_.fill(kUnity);
  released_.fill(kUnity);
  at_ = 0;
  least_ = kUnity;
  sum_ = int64_t{kUnity} << look_ahead_bits_;
  gain_ = kUnity;
}

int32_t Limiter::WantedGain(int32_t sample) const {
  const int32_t magnitude = sample < 0 ? -sample : sample;
  if (magnitude <= ceiling_) return kUnity;
  // Rounded down: the product stays below the ceiling.
  return static_cast<int32_t>(int64_t{ceiling_} * kUnity / magnitude);
}

// Puts `wanted` in the place of the oldest; returns the least of all.
int32_t Limiter::HeldGain(int32_t wanted) {
  const int32_t leaving = wanted_[at_];
  wanted_[at_] = wanted;
  if (wanted <= least_) {
    least_ = wanted;
  } else if (leaving == least_) {
    least_ = *std::min_element(wanted_.data(), wanted_.data() + look_ahead_);
  }
  return least_;
}

void Limiter::Process(std::span<const int32_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= in.size());
  const uint32_t mask = look_ahead_ - 1;
  const int whole_bits = kUnityBits + look_ahead_bits_;
  const int64_t whole = int64_t{1} << whole_bits;
  for (size_t i = 0; i < in.size(); ++i) {
    samples_[at_] = in[i];
    const int32_t held = HeldGain(WantedGain(in[i]));
    // Within 2^-12 of unity the rest of the way is not heard.
    gain_ += (kUnity - gain_) >> release_bits_;
    if (kUnity - gain_ < kUnity >> 12) gain_ = kUnity;
    gain_ = std::min(gain_, held);
    sum_ += gain_ - released_[at_];
    released_[at_] = gain_;
    at_ = (at_ + 1) & mask;
    // `at_` is now the oldest sample, and each of the released gains was held
    // while its wanted gain counted: the average does not exceed that one.
    const int64_t scaled = samples_[at_] * sum_;
    // Towards zero, as a division would round.
    out[i] = static_cast<int16_t>((scaled + ((scaled >> 63) & (whole - 1))) >>
                                  whole_bits);
  }
}

}  // namespace trunkline::audio
