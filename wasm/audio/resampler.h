#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Converts between 8, 16, 24 and 48 kHz by a polyphase FIR in 16-bit
// arithmetic, exact and alike in every build.
//
// The filter is a Kaiser-windowed sinc as long as 36 samples of the lower rate:
// 18 samples of it, 2.25 ms at 8 kHz, are its delay. Its response between 0.425
// and 0.575 of the lower rate is the transition (3.4 to 4.6 kHz at 8 kHz).
//
// Stateful and chunk-invariant: any split of the input gives the same samples.
// Allocates nothing.
class Resampler {
 public:
  // Whether both rates are among 8000, 16000, 24000 and 48000.
  static bool Supports(int in_hz, int out_hz);

  // Precondition: Supports(in_hz, out_hz). Equal rates copy.
  Resampler(int in_hz, int out_hz);

  // What `in_samples` samples can become at most.
  size_t MaxOutputSamples(size_t in_samples) const;
  // Returns the number of samples written to `out`, which has room for
  // MaxOutputSamples(in.size()).
  size_t Process(std::span<const int16_t> in, std::span<int16_t> out);
  // Forgets the past: what follows has no relation to it.
  void Reset();

  // Of the output, in its samples, rounded down.
  int delay_samples() const;

 private:
  // Samples of input that a filter can look back: 36 of the lower rate, where
  // the input has up to six times that.
  static constexpr size_t kMaxTaps = 216;
  // Samples of input that are filtered in one go.
  static constexpr size_t kBlock = 480;

  size_t Filter(std::span<const int16_t> in, int16_t* out);

  int in_hz_;
  int out_hz_;
  // Upsampling by `up_`, then taking one of `down_`.
  size_t up_ = 1;
  size_t down_ = 1;
  // Taps of one phase, and all phases one behind the other, oldest sample
  // first, Q15.
  size_t taps_ = 0;
  const int16_t* coefficients_ = nullptr;
  // Where the next output lies, in upsampled samples from the next input.
  size_t next_ = 0;
  // The last taps_ - 1 samples, then the block.
  std::array<int16_t, kMaxTaps + kBlock> buffer_{};
};

}  // namespace trunkline::audio
