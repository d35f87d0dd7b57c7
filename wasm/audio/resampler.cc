#include "audio/resampler.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "audio/constexpr_math.h"
#include "base/check.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

// Before a loop that is to stay one. Unrolled, it would load more than there
// are registers.
#if defined(__clang__)
#define TL_KEEP_LOOP _Pragma("clang loop unroll(disable)")
#else
#define TL_KEEP_LOOP
#endif

namespace trunkline::audio {
namespace {

// Length of the filters in samples of the lower rate. A Kaiser window of N taps
// stops A dB over a transition of (A - 7.95) / (14.36 * N) of the rate: 77 dB
// over 0.15 of it, from 3.4 to 4.6 kHz at 8.
constexpr size_t kSpan = 32;
// 0.1102 * (A - 8.7), A = 77 dB.
constexpr double kBeta = 7.5;

// Every phase has a multiple of so many taps, the oldest of them zeros where
// the filter has fewer: what SIMD multiplies at once.
constexpr size_t kUnit = 8;
// What it stores at once.
constexpr size_t kOutputs = 8;

// A sum of products is kept in this many lanes, the n-th pair of products in
// lane n modulo 4, as SIMD does it: one lane alone would overflow, were the
// coefficients as exact as they are.
constexpr size_t kLanes = 4;
// Lanes are shortened by two bits, so that all of them together fit one number.
constexpr int kLaneShift = 2;

// What one filter needs: `kPhases` phases of `kTapsOfPhase` taps, in units of
// 2^-kBitsOfOne.
template <size_t kPhases, size_t kTapsOfPhase, int kBitsOfOne>
struct Filters {
  static constexpr size_t kUp = kPhases;
  static constexpr size_t kTaps = kTapsOfPhase;
  static constexpr int kBits = kBitsOfOne;
  std::array<int16_t, kPhases * kTapsOfPhase> coefficients;

  // Whether no input makes a lane overflow, nor what all of them add up to.
  constexpr bool IsSafe() const {
    for (size_t phase = 0; phase < kUp; ++phase) {
      int64_t sums[kLanes] = {};
      int64_t total = 1 << kBits;  // more than what rounding adds
      for (size_t k = 0; k < kTaps; ++k) {
        const int64_t c = coefficients[phase * kTaps + k];
        sums[k / 2 % kLanes] += (c < 0 ? -c : c) * 32768;
      }
      for (const int64_t sum : sums) {
        if (sum > INT32_MAX) return false;
        total += (sum >> kLaneShift) + 1;
      }
      if (total > INT32_MAX) return false;
    }
    return true;
  }
};

// Filters for upsampling by kUp, where the filter's own rate is kRatio times
// the lower rate.
template <size_t kUp, size_t kRatio, int kBits>
constexpr auto MakeFilters() {
  constexpr size_t kCount = kSpan * kRatio;
  constexpr size_t kUsed = kCount / kUp;
  constexpr size_t kTaps = (kUsed + kUnit - 1) / kUnit * kUnit;
  static_assert(kCount % kUp == 0);
  std::array<double, kCount> ideal{};
  for (size_t i = 0; i < kCount; ++i) {
    // From the centre, which is between two taps, so that t is never 0.
    const double t =
        static_cast<double>(i) - (static_cast<double>(kCount) - 1) / 2;
    const double sinc = SinPi(t / static_cast<double>(kRatio)) / t;
    const double edge = t / (static_cast<double>(kCount) / 2);
    ideal[i] = sinc * BesselI0OfRoot(kBeta * kBeta * (1 - edge * edge));
  }
  Filters<kUp, kTaps, kBits> filters{};
  for (size_t phase = 0; phase < kUp; ++phase) {
    // Every phase passes a constant unchanged, else the phases would beat.
    double sum = 0;
    for (size_t k = 0; k < kUsed; ++k) sum += ideal[phase + k * kUp];
    for (size_t k = 0; k < kUsed; ++k) {
      const double scaled =
          ideal[phase + k * kUp] / sum * static_cast<double>(1 << kBits);
      filters.coefficients[phase * kTaps + kTaps - 1 - k] =
          RoundedToInt16(scaled);
    }
  }
  return filters;
}

// Rates of the same ratio share a filter; 16 to 24 kHz and back go by way of
// 48. One is as large as 16 bits and the lanes allow.
constexpr auto kUp2 = MakeFilters<2, 2, 15>();
constexpr auto kUp3 = MakeFilters<3, 3, 15>();
constexpr auto kUp6 = MakeFilters<6, 6, 15>();
constexpr auto kDown2 = MakeFilters<1, 2, 16>();
constexpr auto kDown3 = MakeFilters<1, 3, 16>();
constexpr auto kDown6 = MakeFilters<1, 6, 16>();
constexpr auto kUp2Down3 = MakeFilters<2, 3, 15>();
static_assert(kUp2.IsSafe() && kUp3.IsSafe() && kUp6.IsSafe());
static_assert(kDown2.IsSafe() && kDown3.IsSafe() && kDown6.IsSafe());
static_assert(kUp2Down3.IsSafe());

bool IsRate(int hz) {
  return hz == 8000 || hz == 16000 || hz == 24000 || hz == 48000;
}

#if defined(__wasm_simd128__)

using Lanes = v128_t;
inline Lanes NoLanes() { return wasm_i32x4_const_splat(0); }
// Adds the products of eight samples and coefficients.
inline Lanes AddProducts(Lanes sums, const int16_t* a, const int16_t* b) {
  return wasm_i32x4_add(
      sums, wasm_i32x4_dot_i16x8(wasm_v128_load(a), wasm_v128_load(b)));
}
// The totals of four sums, one in each lane.
inline Lanes Totals(Lanes a, Lanes b, Lanes c, Lanes d) {
  a = wasm_i32x4_shr(a, kLaneShift);
  b = wasm_i32x4_shr(b, kLaneShift);
  c = wasm_i32x4_shr(c, kLaneShift);
  d = wasm_i32x4_shr(d, kLaneShift);
  const v128_t ab = wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5),
                                   wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
  const v128_t cd = wasm_i32x4_add(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5),
                                   wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
  return wasm_i32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2),
                        wasm_i64x2_shuffle(ab, cd, 1, 3));
}
// Rounds eight totals to samples.
template <int kShift>
inline void Store(int16_t* out, Lanes low, Lanes high) {
  const v128_t half = wasm_i32x4_const_splat(1 << (kShift - 1));
  wasm_v128_store(out, wasm_i16x8_narrow_i32x4(
                           wasm_i32x4_shr(wasm_i32x4_add(low, half), kShift),
                           wasm_i32x4_shr(wasm_i32x4_add(high, half), kShift)));
}
inline int32_t FirstOf(Lanes lanes) {
  return wasm_i32x4_extract_lane(lanes, 0);
}

#elif defined(__SSE2__)

using Lanes = __m128i;
inline Lanes NoLanes() { return _mm_setzero_si128(); }
inline __m128i Load(const int16_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
inline Lanes AddProducts(Lanes sums, const int16_t* a, const int16_t* b) {
  return _mm_add_epi32(sums, _mm_madd_epi16(Load(a), Load(b)));
}
inline Lanes Totals(Lanes a, Lanes b, Lanes c, Lanes d) {
  a = _mm_srai_epi32(a, kLaneShift);
  b = _mm_srai_epi32(b, kLaneShift);
  c = _mm_srai_epi32(c, kLaneShift);
  d = _mm_srai_epi32(d, kLaneShift);
  const __m128i ab =
      _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
  const __m128i cd =
      _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
  return _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
}
template <int kShift>
inline void Store(int16_t* out, Lanes low, Lanes high) {
  const __m128i half = _mm_set1_epi32(1 << (kShift - 1));
  _mm_storeu_si128(
      reinterpret_cast<__m128i*>(out),
      _mm_packs_epi32(_mm_srai_epi32(_mm_add_epi32(low, half), kShift),
                      _mm_srai_epi32(_mm_add_epi32(high, half), kShift)));
}
inline int32_t FirstOf(Lanes lanes) { return _mm_cvtsi128_si32(lanes); }

#else

using Lanes = std::array<int32_t, kLanes>;
inline Lanes NoLanes() { return {}; }
inline Lanes AddProducts(Lanes sums, const int16_t* a, const int16_t* b) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sums[lane] += a[2 * lane] * b[2 * lane] + a[2 * lane + 1] * b[2 * lane + 1];
  }
  return sums;
}
inline Lanes Totals(const Lanes& a, const Lanes& b, const Lanes& c,
                    const Lanes& d) {
  Lanes totals{};
  for (size_t lane = 0; lane < kLanes; ++lane) {
    totals[0] += a[lane] >> kLaneShift;
    totals[1] += b[lane] >> kLaneShift;
    totals[2] += c[lane] >> kLaneShift;
    totals[3] += d[lane] >> kLaneShift;
  }
  return totals;
}
template <int kShift>
inline void Store(int16_t* out, const Lanes& low, const Lanes& high) {
  for (size_t i = 0; i < kOutputs; ++i) {
    const int32_t total = i < kLanes ? low[i] : high[i - kLanes];
    out[i] = static_cast<int16_t>(std::clamp<int32_t>(
        (total + (1 << (kShift - 1))) >> kShift, INT16_MIN, INT16_MAX));
  }
}
inline int32_t FirstOf(const Lanes& lanes) { return lanes[0]; }

#endif

// Filters with `Chosen`, one of Filters, then takes one of kDown. The
// coefficients come as a pointer that the compiler cannot see through, else it
// would put each vector of them into the code, which is larger and slower.
template <typename Chosen, size_t kDown>
struct Fir {
  static constexpr size_t kUp = Chosen::kUp;
  static constexpr size_t kTaps = Chosen::kTaps;
  static constexpr int kShift = Chosen::kBits - kLaneShift;
  // Outputs until the phases repeat, in whole steps of SIMD, and the samples
  // that they advance by.
  static constexpr size_t kPeriod = std::lcm(kUp, kOutputs);
  static constexpr size_t kAdvance = kPeriod / kUp * kDown;

  // Writes eight outputs of a period from `kFirst` on, whose first sample is
  // *samples. Side by side, so that samples and coefficients that they share
  // are loaded once, and the lanes of all are added at once.
  template <size_t kFirst>
  static void Eight(const int16_t* samples, const int16_t* coefficients,
                    int16_t* out) {
    Lanes a = NoLanes();
    Lanes b = NoLanes();
    Lanes c = NoLanes();
    Lanes d = NoLanes();
    Lanes e = NoLanes();
    Lanes f = NoLanes();
    Lanes g = NoLanes();
    Lanes h = NoLanes();
    TL_KEEP_LOOP
    for (size_t k = 0; k < kTaps; k += kUnit) {
      const int16_t* const at = samples + k;
      const int16_t* const by = coefficients + k;
      a = AddProducts(a, at + Position(kFirst), by + Phase(kFirst));
      b = AddProducts(b, at + Position(kFirst + 1), by + Phase(kFirst + 1));
      c = AddProducts(c, at + Position(kFirst + 2), by + Phase(kFirst + 2));
      d = AddProducts(d, at + Position(kFirst + 3), by + Phase(kFirst + 3));
      e = AddProducts(e, at + Position(kFirst + 4), by + Phase(kFirst + 4));
      f = AddProducts(f, at + Position(kFirst + 5), by + Phase(kFirst + 5));
      g = AddProducts(g, at + Position(kFirst + 6), by + Phase(kFirst + 6));
      h = AddProducts(h, at + Position(kFirst + 7), by + Phase(kFirst + 7));
    }
    Store<kShift>(out, Totals(a, b, c, d), Totals(e, f, g, h));
  }

  template <size_t... kSteps>
  static void Period(const int16_t* samples, const int16_t* coefficients,
                     int16_t* out, std::index_sequence<kSteps...> /*steps*/) {
    (Eight<kSteps * kOutputs>(samples, coefficients, out + kSteps * kOutputs),
     ...);
  }

  static int16_t One(const int16_t* samples, const int16_t* coefficients) {
    Lanes sums = NoLanes();
    for (size_t k = 0; k < kTaps; k += kUnit) {
      sums = AddProducts(sums, samples + k, coefficients + k);
    }
    const int32_t total = FirstOf(Totals(sums, sums, sums, sums));
    return static_cast<int16_t>(std::clamp<int32_t>(
        (total + (1 << (kShift - 1))) >> kShift, INT16_MIN, INT16_MAX));
  }

  // Writes what `count` samples give, of which the first is the newest of the
  // window at *samples. `next` as Resampler::next_, before and after. Returns
  // how many were written.
  static size_t Run(const int16_t* samples, size_t count,
                    const int16_t* coefficients, size_t& next, int16_t* out) {
    const int16_t* const begin = out;
    const size_t end = count * kUp;
    size_t at = next;
    for (; at < end && at % kUp != 0; at += kDown) {
      *out++ = One(samples + at / kUp, coefficients + at % kUp * kTaps);
    }
    for (; at + (kPeriod - 1) * kDown < end; at += kPeriod * kDown) {
      Period(samples + at / kUp, coefficients, out,
             std::make_index_sequence<kPeriod / kOutputs>());
      out += kPeriod;
    }
    for (; at < end; at += kDown) {
      *out++ = One(samples + at / kUp, coefficients + at % kUp * kTaps);
    }
    next = at - end;
    return static_cast<size_t>(out - begin);
  }

 private:
  static constexpr size_t Position(size_t output) {
    return output * kDown / kUp;
  }
  // Where the coefficients of its phase begin.
  static constexpr size_t Phase(size_t output) {
    return output * kDown % kUp * kTaps;
  }
};

}  // namespace

struct ResamplerKernel {
  size_t up;
  size_t down;
  size_t taps;
  const int16_t* coefficients;
  size_t (*run)(const int16_t* samples, size_t count,
                const int16_t* coefficients, size_t& next, int16_t* out);
};

namespace {

template <const auto& kFilters, size_t kDown>
constexpr ResamplerKernel kKernel = {
    kFilters.kUp, kDown, kFilters.kTaps, kFilters.coefficients.data(),
    Fir<std::remove_cvref_t<decltype(kFilters)>, kDown>::Run};

const ResamplerKernel* KernelOf(size_t up, size_t down) {
  static constexpr const ResamplerKernel* kKernels[] = {
      &kKernel<kUp2, 1>,     &kKernel<kUp3, 1>,   &kKernel<kUp6, 1>,
      &kKernel<kDown2, 2>,   &kKernel<kDown3, 3>, &kKernel<kDown6, 6>,
      &kKernel<kUp3, 2>,  // Its lower rate is the input's, too.
      &kKernel<kUp2Down3, 3>};
  for (const ResamplerKernel* kernel : kKernels) {
    if (kernel->up == up && kernel->down == down) return kernel;
  }
  return nullptr;
}

}  // namespace

bool Resampler::Supports(int in_hz, int out_hz) {
  return IsRate(in_hz) && IsRate(out_hz);
}

Resampler::Resampler(int in_hz, int out_hz) {
  TL_CHECK(Supports(in_hz, out_hz));
  if (in_hz == out_hz) return;
  const int common = std::gcd(in_hz, out_hz);
  kernel_ = KernelOf(static_cast<size_t>(out_hz / common),
                     static_cast<size_t>(in_hz / common));
  TL_CHECK(kernel_ != nullptr && kernel_->taps <= kMaxTaps);
}

size_t Resampler::MaxOutputSamples(size_t in_samples) const {
  if (kernel_ == nullptr) return in_samples;
  return (in_samples * kernel_->up + kernel_->down - 1) / kernel_->down;
}

size_t Resampler::OutputSamples(size_t in_samples) const {
  if (kernel_ == nullptr) return in_samples;
  const size_t end = in_samples * kernel_->up;
  return end <= next_ ? 0 : (end - next_ + kernel_->down - 1) / kernel_->down;
}

void Resampler::Reset() {
  buffer_.fill(0);
  next_ = 0;
}

int Resampler::delay_samples() const {
  if (kernel_ == nullptr) return 0;
  // Of the filter's rate, kSpan * ratio taps, without those that pad a phase.
  const size_t ratio = std::max(kernel_->up, kernel_->down);
  return static_cast<int>((kSpan * ratio - 1) / 2 / kernel_->down);
}

size_t Resampler::Process(std::span<const int16_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= MaxOutputSamples(in.size()));
  if (kernel_ == nullptr) {
    std::copy(in.begin(), in.end(), out.begin());
    return in.size();
  }
  const size_t history = kernel_->taps - 1;
  size_t written = 0;
  while (!in.empty()) {
    const size_t count = std::min(in.size(), kBlockSamples);
    std::copy_n(in.begin(), count, buffer_.data() + history);
    written += kernel_->run(buffer_.data(), count, kernel_->coefficients, next_,
                            out.data() + written);
    std::memmove(buffer_.data(), buffer_.data() + count,
                 history * sizeof(int16_t));
    in = in.subspan(count);
  }
  return written;
}

}  // namespace trunkline::audio
