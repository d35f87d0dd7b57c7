#include "audio/spectrum.h"

#include <cstring>

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

// Four numbers, which every operator treats alike.
using Lanes = float __attribute__((vector_size(16)));

inline Lanes Load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}
inline void Store(float* to, Lanes lanes) {
  std::memcpy(to, &lanes, sizeof(lanes));
}
inline Lanes Splat(float value) { return Lanes{} + value; }

// e^(-2 pi i p / kLength), its square and its cube.
struct Turns {
  Lanes w1r, w1i, w2r, w2i, w3r, w3i;
};

// One radix-4 step in four lanes; `y` is what the next pass gets.
struct Butterfly {
  Lanes y0r, y0i, y1r, y1i, y2r, y2i, y3r, y3i;
};
inline Butterfly Step(const Complexes& in, size_t a, size_t quarter,
                      const Turns& w) {
  const size_t b = a + quarter;
  const size_t c = b + quarter;
  const size_t d = c + quarter;
  const Lanes sum_ac_r = Load(&in.re[a]) + Load(&in.re[c]);
  const Lanes sum_ac_i = Load(&in.im[a]) + Load(&in.im[c]);
  const Lanes apart_ac_r = Load(&in.re[a]) - Load(&in.re[c]);
  const Lanes apart_ac_i = Load(&in.im[a]) - Load(&in.im[c]);
  const Lanes sum_bd_r = Load(&in.re[b]) + Load(&in.re[d]);
  const Lanes sum_bd_i = Load(&in.im[b]) + Load(&in.im[d]);
  const Lanes apart_bd_r = Load(&in.re[b]) - Load(&in.re[d]);
  const Lanes apart_bd_i = Load(&in.im[b]) - Load(&in.im[d]);
  const Lanes y1r = apart_ac_r + apart_bd_i;
  const Lanes y1i = apart_ac_i - apart_bd_r;
  const Lanes y2r = sum_ac_r - sum_bd_r;
  const Lanes y2i = sum_ac_i - sum_bd_i;
  const Lanes y3r = apart_ac_r - apart_bd_i;
  const Lanes y3i = apart_ac_i + apart_bd_r;
  return {.y0r = sum_ac_r + sum_bd_r,
          .y0i = sum_ac_i + sum_bd_i,
          .y1r = y1r * w.w1r - y1i * w.w1i,
          .y1i = y1r * w.w1i + y1i * w.w1r,
          .y2r = y2r * w.w2r - y2i * w.w2i,
          .y2i = y2r * w.w2i + y2i * w.w2r,
          .y3r = y3r * w.w3r - y3i * w.w3i,
          .y3i = y3r * w.w3i + y3i * w.w3r};
}

// The twiddles of the first pass, in its order.
struct FirstTwiddles {
  static constexpr size_t kCount = kComplex / 4;
  std::array<float, kCount> w1r, w1i, w2r, w2i, w3r, w3i;
};
constexpr FirstTwiddles kFirstTwiddles = [] {
  FirstTwiddles first{};
  for (size_t p = 0; p < FirstTwiddles::kCount; ++p) {
    first.w1r[p] = kTwiddles.re[2 * p];
    first.w1i[p] = kTwiddles.im[2 * p];
    first.w2r[p] = kTwiddles.re[4 * p];
    first.w2i[p] = kTwiddles.im[4 * p];
    first.w3r[p] = kTwiddles.re[6 * p];
    first.w3i[p] = kTwiddles.im[6 * p];
  }
  return first;
}();

// Lane n of the four becomes the four numbers from out + 4 * n.
inline void StoreTransposed(float* out, Lanes a, Lanes b, Lanes c, Lanes d) {
  const Lanes ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Lanes ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Lanes cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Lanes cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  Store(out, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
  Store(out + 4, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
  Store(out + 8, __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
  Store(out + 12, __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

// The passes of Stockham's algorithm, radix 4: kStride interleaved transforms
// of kLength become four times as many of a quarter. kLength * kStride is 128.

// A stride of 1: four neighbours side by side.
void FirstPass(const Complexes& in, Complexes& out) {
  const FirstTwiddles& t = kFirstTwiddles;
  for (size_t p = 0; p < kComplex / 4; p += 4) {
    const Butterfly y =
        Step(in, p, kComplex / 4,
             {Load(&t.w1r[p]), Load(&t.w1i[p]), Load(&t.w2r[p]),
              Load(&t.w2i[p]), Load(&t.w3r[p]), Load(&t.w3i[p])});
    StoreTransposed(&out.re[4 * p], y.y0r, y.y1r, y.y2r, y.y3r);
    StoreTransposed(&out.im[4 * p], y.y0i, y.y1i, y.y2i, y.y3i);
  }
}

// A stride that is a multiple of 4.
template <size_t kLength, size_t kStride>
inline void Pass(const Complexes& in, Complexes& out) {
  constexpr size_t kQuarter = kLength / 4;
  constexpr size_t kStep = kSpectrumSamples / kLength;
  for (size_t p = 0; p < kQuarter; ++p) {
    const size_t w = p * kStep;
    const Turns turns{Splat(kTwiddles.re[w]),     Splat(kTwiddles.im[w]),
                      Splat(kTwiddles.re[2 * w]), Splat(kTwiddles.im[2 * w]),
                      Splat(kTwiddles.re[3 * w]), Splat(kTwiddles.im[3 * w])};
    for (size_t q = 0; q < kStride; q += 4) {
      const Butterfly y = Step(in, q + kStride * p, kStride * kQuarter, turns);
      float* const re = &out.re[q + kStride * 4 * p];
      float* const im = &out.im[q + kStride * 4 * p];
      Store(re, y.y0r);
      Store(im, y.y0i);
      Store(re + kStride, y.y1r);
      Store(im + kStride, y.y1i);
      Store(re + 2 * kStride, y.y2r);
      Store(im + 2 * kStride, y.y2i);
      Store(re + 3 * kStride, y.y3r);
      Store(im + 3 * kStride, y.y3i);
    }
  }
}

// `in` is overwritten; the result is in `in`.
void TransformComplex(Complexes& in) {
  Complexes other;
  FirstPass(in, other);
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
