#pragma once

#include <array>
#include <cstddef>
#include <span>

// The discrete Fourier transform of 256 real samples, and back.
//
// A complex transform of 128 (Stockham, radix 4, no reordering) and one pass
// that splits it. Plain arithmetic in a fixed order with tables made at compile
// time: every build gives the same numbers. Errors stay below 1e-6 of the
// largest value.

namespace trunkline::audio {

inline constexpr size_t kSpectrumSamples = 256;
inline constexpr size_t kSpectrumBins = kSpectrumSamples / 2 + 1;

// Bins 0 (direct current) to 128 (half of the sample rate).
struct Spectrum {
  std::array<float, kSpectrumBins> re;
  std::array<float, kSpectrumBins> im;
};

// Both work in the 2 KB of their arguments: what is transformed is lost.

// Sums of samples times e^(-2 pi i k n / 256): not scaled.
void Transform(std::span<float, kSpectrumSamples> samples, Spectrum& spectrum);
// Undoes Transform. The imaginary parts of bins 0 and 128 count as 0.
void TransformBack(Spectrum& spectrum,
                   std::span<float, kSpectrumSamples> samples);

}  // namespace trunkline::audio
