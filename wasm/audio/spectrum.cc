#include "audio/spectrum.h"

#include "audio/constexpr_math.h"

namespace trunkline::audio {
namespace {

constexpr size_t kComplex = kSpectrumSamples / 2;

struct Complexes {
  std::array<float, kComplex> re;
  std::array<float, kComplex> im;
};

// cos and -sin of 2 pi k / 256, k in [0, 192).
struct Twiddles {
  std::array<float, 192> re;
  std::array<float, 192> im;
};

constexpr Twiddles kTwiddles = [] {
  Twiddles table{};
  for (size_t k = 0; k < table.re.size(); ++k) {
    const double turns = 2.0 * static_cast<double>(k) / kSpectrumSamples;
    table.re[k] = static_cast<float>(SinPi(turns + 0.5));
    table.im[k] = static_cast<float>(-SinPi(turns));
  }
  return table;
}();

// One pass of Stockham's algorithm, radix 4: kStride interleaved transforms of
// kLength become four times as many of a quarter. kLength * kStride is 128.
template <size_t kLength, size_t kStride>
inline void Pass(const Complexes& in, Complexes& out) {
  constexpr size_t kQuarter = kLength / 4;
  for (size_t p = 0; p < kQuarter; ++p) {
    // e^(-2 pi i p / kLength), its square and its cube.
    constexpr size_t kStep = kSpectrumSamples / kLength;
    const float w1r = kTwiddles.re[p * kStep];
    const float w1i = kTwiddles.im[p * kStep];
    const float w2r = kTwiddles.re[2 * p * kStep];
    const float w2i = kTwiddles.im[2 * p * kStep];
    const float w3r = kTwiddles.re[3 * p * kStep];
    const float w3i = kTwiddles.im[3 * p * kStep];
    for (size_t q = 0; q < kStride; ++q) {
      const size_t a = q + kStride * p;
      const size_t b = a + kStride * kQuarter;
      const size_t c = b + kStride * kQuarter;
      const size_t d = c + kStride * kQuarter;
      const float sum_ac_r = in.re[a] + in.re[c];
      const float sum_ac_i = in.im[a] + in.im[c];
      const float apart_ac_r = in.re[a] - in.re[c];
      const float apart_ac_i = in.im[a] - in.im[c];
      const float sum_bd_r = in.re[b] + in.re[d];
      const float sum_bd_i = in.im[b] + in.im[d];
      const float apart_bd_r = in.re[b] - in.re[d];
      const float apart_bd_i = in.im[b] - in.im[d];
      const size_t to = q + kStride * 4 * p;
      out.re[to] = sum_ac_r + sum_bd_r;
      out.im[to] = sum_ac_i + sum_bd_i;
      const float y1r = apart_ac_r + apart_bd_i;
      const float y1i = apart_ac_i - apart_bd_r;
      out.re[to + kStride] = y1r * w1r - y1i * w1i;
      out.im[to + kStride] = y1r * w1i + y1i * w1r;
      const float y2r = sum_ac_r - sum_bd_r;
      const float y2i = sum_ac_i - sum_bd_i;
      out.re[to + 2 * kStride] = y2r * w2r - y2i * w2i;
      out.im[to + 2 * kStride] = y2r * w2i + y2i * w2r;
      const float y3r = apart_ac_r - apart_bd_i;
      const float y3i = apart_ac_i + apart_bd_r;
      out.re[to + 3 * kStride] = y3r * w3r - y3i * w3i;
      out.im[to + 3 * kStride] = y3r * w3i + y3i * w3r;
    }
  }
}

// `in` is overwritten; the result is in `in`.
void TransformComplex(Complexes& in) {
  Complexes other;
  Pass<128, 1>(in, other);
  Pass<32, 4>(other, in);
  Pass<8, 16>(in, other);
  // The last pass has two subsequences and no twiddles.
  for (size_t q = 0; q < kComplex / 2; ++q) {
    in.re[q] = other.re[q] + other.re[q + kComplex / 2];
    in.im[q] = other.im[q] + other.im[q + kComplex / 2];
    in.re[q + kComplex / 2] = other.re[q] - other.re[q + kComplex / 2];
    in.im[q + kComplex / 2] = other.im[q] - other.im[q + kComplex / 2];
  }
}

}  // namespace

void Transform(std::span<const float, kSpectrumSamples> samples,
               Spectrum& spectrum) {
  Complexes z;
  for (size_t n = 0; n < kComplex; ++n) {
    z.re[n] = samples[2 * n];
    z.im[n] = samples[2 * n + 1];
  }
  TransformComplex(z);
  spectrum.re[0] = z.re[0] + z.im[0];
  spectrum.im[0] = 0;
  spectrum.re[kComplex] = z.re[0] - z.im[0];
  spectrum.im[kComplex] = 0;
  for (size_t k = 1; k < kComplex; ++k) {
    // The transforms of the even and of the odd samples.
    const float even_r = 0.5F * (z.re[k] + z.re[kComplex - k]);
    const float even_i = 0.5F * (z.im[k] - z.im[kComplex - k]);
    const float odd_r = 0.5F * (z.im[k] + z.im[kComplex - k]);
    const float odd_i = 0.5F * (z.re[kComplex - k] - z.re[k]);
    const float wr = kTwiddles.re[k];
    const float wi = kTwiddles.im[k];
    spectrum.re[k] = even_r + (wr * odd_r - wi * odd_i);
    spectrum.im[k] = even_i + (wr * odd_i + wi * odd_r);
  }
}

void TransformBack(const Spectrum& spectrum,
                   std::span<float, kSpectrumSamples> samples) {
  // The transform of the conjugate is the conjugate of the inverse.
  Complexes z;
  constexpr float kScale = 1.0F / kSpectrumSamples;
  z.re[0] = kScale * (spectrum.re[0] + spectrum.re[kComplex]);
  z.im[0] = -kScale * (spectrum.re[0] - spectrum.re[kComplex]);
  for (size_t k = 1; k < kComplex; ++k) {
    const float even_r = spectrum.re[k] + spectrum.re[kComplex - k];
    const float even_i = spectrum.im[k] - spectrum.im[kComplex - k];
    const float apart_r = spectrum.re[k] - spectrum.re[kComplex - k];
    const float apart_i = spectrum.im[k] + spectrum.im[kComplex - k];
    const float wr = kTwiddles.re[k];
    const float wi = -kTwiddles.im[k];
    const float odd_r = wr * apart_r - wi * apart_i;
    const float odd_i = wr * apart_i + wi * apart_r;
    z.re[k] = kScale * (even_r - odd_i);
    z.im[k] = -kScale * (even_i + odd_r);
  }
  TransformComplex(z);
  for (size_t n = 0; n < kComplex; ++n) {
    samples[2 * n] = z.re[n];
    samples[2 * n + 1] = -z.im[n];
  }
}

}  // namespace trunkline::audio
