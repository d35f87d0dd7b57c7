#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// The filter of one ratio and the code unrolled for it.
struct ResamplerKernel;

// Converts between 8, 16, 24 and 48 kHz by a polyphase FIR in 16-bit integers,
// alike to the bit in every build.
//
// The filter is a Kaiser-windowed sinc, cut off at half of the lower rate and
// 32 samples of that rate long; half of it, 2 ms at 8 kHz, is its delay.
// Against the lower rate, and so at 8 kHz in brackets: flat within 0.01 dB up
// to 0.425 (3.4 kHz), -6 dB at 0.5 (4 kHz), images and aliases below -74 dB
// from 0.575 (4.6 kHz) on.
//
// Stateful and chunk-invariant: any split of the input gives the same samples,
// and N samples of input since construction or Reset() have given
// ceil(N * out_hz / in_hz) samples of output, for equal rates N.
// Loud input saturates. Not thread-safe. Allocates nothing; 1.5 KB. A copy is a
// snapshot: it goes on with the same samples.
class Resampler {
 public:
  // Whether both rates are among 8000, 16000, 24000 and 48000.
  static bool Supports(int in_hz, int out_hz);

  // Precondition: Supports(in_hz, out_hz). Equal rates copy.
  Resampler(int in_hz, int out_hz);

  // Appends `in` to the past and writes what follows from it to `out`, which
  // has room for MaxOutputSamples(in.size()) and does not overlap `in`. Returns
  // the number of samples written.
  size_t Process(std::span<const int16_t> in, std::span<int16_t> out);
  // Forgets the past, which then counts as silence.
  void Reset();

  // The most that `in_samples` samples can become.
  size_t MaxOutputSamples(size_t in_samples) const;
  // What the next `in_samples` samples will become.
  size_t OutputSamples(size_t in_samples) const;
  // How far the output lags behind the input, in samples of the output, rounded
  // down; 0 for equal rates.
  int delay_samples() const;

 private:
  // Taps of the longest phase: 32 samples of the lower rate, where the input
  // has up to six times that.
  static constexpr size_t kMaxTaps = 192;
  // Samples of input that are filtered in one go: 20 ms at 24 kHz.
  static constexpr size_t kBlockSamples = 480;

  // nullptr for equal rates.
  const ResamplerKernel* kernel_ = nullptr;
  // Where the next output lies, in upsampled samples from the next input.
  size_t next_ = 0;
  // The last taps - 1 samples, then the block.
  std::array<int16_t, kMaxTaps - 1 + kBlockSamples> buffer_{};
};

}  // namespace trunkline::audio
