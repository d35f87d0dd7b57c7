#include "audio/spectrum.h"

#include <cstring>

#include "audio/constexpr_math.h"

namespace trunkline::audio {
namespace {

constexpr size_t kComplex = kSpectrumSamples / 2;

// kComplex numbers somewhere.
struct Complexes {
  float* re;
  float* im;
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
inline Butterfly Step(Complexes in, size_t a, size_t quarter, const Turns& w) {
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
void FirstPass(Complexes in, Complexes out) {
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
inline void Pass(Complexes in, Complexes out) {
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

// The result is in `z`; `other` is room for as much.
void TransformComplex(Complexes z, Complexes other) {
  FirstPass(z, other);
  Pass<32, 4>(other, z);
  Pass<8, 16>(z, other);
  // The last pass has two subsequences and no twiddles.
  for (size_t q = 0; q < kComplex / 2; ++q) {
    z.re[q] = other.re[q] + other.re[q + kComplex / 2];
    z.im[q] = other.im[q] + other.im[q + kComplex / 2];
    z.re[q + kComplex / 2] = other.re[q] - other.re[q + kComplex / 2];
    z.im[q + kComplex / 2] = other.im[q] - other.im[q + kComplex / 2];
  }
}

Complexes In(Spectrum& spectrum) {
  return {spectrum.re.data(), spectrum.im.data()};
}
Complexes In(std::span<float, kSpectrumSamples> samples) {
  return {samples.data(), samples.data() + kComplex};
}

// Four complex numbers.
struct Bins {
  Lanes re, im;
};

// Those from `at`, and those that end before `end`, from the last to the first.
inline Bins Forward(const float* re, const float* im, size_t at) {
  return {Load(re + at), Load(im + at)};
}
inline Lanes Reversed(Lanes lanes) {
  return __builtin_shufflevector(lanes, lanes, 3, 2, 1, 0);
}
inline Bins Backward(const float* re, const float* im, size_t end) {
  return {Reversed(Load(re + end - 4)), Reversed(Load(im + end - 4))};
}

// Bins k of the transform of real samples, of bins k and 128 - k of that of
// complex numbers made of each two of them; `w` are the twiddles k.
inline Bins Split(const Bins& z, const Bins& mirror, const Bins& w) {
  // The transforms of the even and of the odd samples.
  const Lanes half = Splat(0.5F);
  const Lanes even_r = half * (z.re + mirror.re);
  const Lanes even_i = half * (z.im - mirror.im);
  const Lanes odd_r = half * (z.im + mirror.im);
  const Lanes odd_i = half * (mirror.re - z.re);
  return {even_r + (w.re * odd_r - w.im * odd_i),
          even_i + (w.re * odd_i + w.im * odd_r)};
}

// The way back, scaled and conjugated: the transform of the conjugate is the
// conjugate of the inverse.
inline Bins Join(const Bins& z, const Bins& mirror, const Bins& w) {
  const Lanes scale = Splat(1.0F / kSpectrumSamples);
  const Lanes even_r = z.re + mirror.re;
  const Lanes even_i = z.im - mirror.im;
  const Lanes apart_r = z.re - mirror.re;
  const Lanes apart_i = z.im + mirror.im;
  const Lanes odd_r = w.re * apart_r + w.im * apart_i;
  const Lanes odd_i = w.re * apart_i - w.im * apart_r;
  return {scale * (even_r - odd_i), -scale * (even_i + odd_r)};
}

// Does `step`, Split or Join, with bins 1 to 127 in their own place. Bin 64 is
// its own mirror: it comes twice, and the same both times.
template <typename Step>
inline void InPairs(Complexes z, Step step) {
  const float* const wr = kTwiddles.re.data();
  const float* const wi = kTwiddles.im.data();
  for (size_t k = 1; k < kComplex / 2; k += 4) {
    const size_t end = kComplex - k + 1;
    const Bins low = Forward(z.re, z.im, k);
    const Bins high = Backward(z.re, z.im, end);
    const Bins new_high = step(high, low, Backward(wr, wi, end));
    const Bins new_low = step(low, high, Forward(wr, wi, k));
    Store(z.re + end - 4, Reversed(new_high.re));
    Store(z.im + end - 4, Reversed(new_high.im));
    Store(z.re + k, new_low.re);
    Store(z.im + k, new_low.im);
  }
}

}  // namespace

void Transform(std::span<float, kSpectrumSamples> samples, Spectrum& spectrum) {
  const Complexes z = In(spectrum);
  for (size_t n = 0; n < kComplex; ++n) {
    z.re[n] = samples[2 * n];
    z.im[n] = samples[2 * n + 1];
  }
  TransformComplex(z, In(samples));
  const float even = z.re[0];
  const float odd = z.im[0];
  spectrum.re[0] = even + odd;
  spectrum.im[0] = 0;
  spectrum.re[kComplex] = even - odd;
  spectrum.im[kComplex] = 0;
  InPairs(z, Split);
}

void TransformBack(Spectrum& spectrum,
                   std::span<float, kSpectrumSamples> samples) {
  const Complexes z = In(spectrum);
  constexpr float kScale = 1.0F / kSpectrumSamples;
  const float first = spectrum.re[0];
  const float last = spectrum.re[kComplex];
  z.re[0] = kScale * (first + last);
  z.im[0] = -kScale * (first - last);
  InPairs(z, Join);
  TransformComplex(z, In(samples));
  for (size_t n = 0; n < kComplex; ++n) {
    samples[2 * n] = z.re[n];
    samples[2 * n + 1] = -z.im[n];
  }
}

}  // namespace trunkline::audio
