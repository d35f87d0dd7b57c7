#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Keeps samples within a ceiling without clipping: the gain falls before a peak
// arrives and rises after it.
//
// The wanted gain of each sample is held for the look-ahead, released
// exponentially and averaged over the look-ahead, so that it never jumps and
// no sample ever exceeds the ceiling. Below the ceiling the samples pass as
// they are. Integer arithmetic: every build gives the same samples.
//
// Stateful and chunk-invariant: any split of the input gives the same samples.
// The output lags by delay_samples(): 1.9 ms at 8 and 16 kHz, 2.6 ms at 24 kHz.
// Not thread-safe. Allocates nothing; about 0.8 KB. A copy goes on alike.
class Limiter {
 public:
  // The largest magnitude of an input sample: 54 dB above full scale.
  static constexpr int32_t kMaxInput = 1 << 24;

  struct Config {
    // 8000, 16000 or 24000.
    int sample_rate_hz = 8000;
    // The largest magnitude of an output sample, [1, 32767]. -1 dBFS: what a
    // codec or a resampler adds after it then does not clip either.
    int16_t ceiling = 29204;
  };

  explicit Limiter(const Config& config);

  // Writes as many samples to `out` as `in` has; `out` has the room.
  // Precondition: no magnitude in `in` exceeds kMaxInput.
  void Process(std::span<const int32_t> in, std::span<int16_t> out);
  // Forgets the past, which then counts as silence.
  void Reset();

  int delay_samples() const { return static_cast<int>(look_ahead_) - 1; }

 private:
  static constexpr size_t kMaxLookAhead = 64;
  static constexpr int kUnityBits = 24;
  static constexpr int32_t kUnity = 1 << kUnityBits;

  int32_t WantedGain(int32_t sample) const;
  int32_t HeldGain(int32_t wanted);

  int32_t ceiling_;
  // A power of two.
  uint32_t look_ahead_;
  int look_ahead_bits_;
  int release_bits_;

  // Rings of the last look_ahead_ samples, their wanted gains, and the released
  // gains; `at_` is the oldest of each.
  std::array<int32_t, kMaxLookAhead> samples_{};
  std::array<int32_t, kMaxLookAhead> wanted_{};
  std::array<int32_t, kMaxLookAhead> released_{};
  uint32_t at_ = 0;
  // The least of wanted_ and the sum of released_.
  int32_t least_ = kUnity;
  int64_t sum_ = 0;
  int32_t gain_ = kUnity;
};

}  // namespace trunkline::audio
