#include "audio/resampler.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "audio/constexpr_math.h"
#include "base/check.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace trunkline::audio {
namespace {

// Length of the filters in samples of the lower rate. A Kaiser window of N taps
// stops A dB over a transition of (A - 7.95) / (14.36 * N) of the rate: 82 dB
// over 0.129 of it, where 0.15 is allowed.
constexpr size_t kSpan = 40;
// 0.1102 * (A - 8.7), A = 82 dB.
constexpr double kBeta = 8.08;

// Every phase has a multiple of so many taps, the oldest of them zeros where
// the filter has fewer. SIMD takes as many in five steps, which are unrolled.
constexpr size_t kUnit = 40;

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
inline int32_t SumOf(Lanes sums) {
  sums = wasm_i32x4_shr(sums, kLaneShift);
  sums = wasm_i32x4_add(sums, wasm_i32x4_shuffle(sums, sums, 2, 3, 0, 1));
  sums = wasm_i32x4_add(sums, wasm_i32x4_shuffle(sums, sums, 1, 0, 3, 2));
  return wasm_i32x4_extract_lane(sums, 0);
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
inline int32_t SumOf(Lanes sums) {
  sums = _mm_srai_epi32(sums, kLaneShift);
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0b01'00'11'10));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0b10'11'00'01));
  return _mm_cvtsi128_si32(sums);
}

#else

using Lanes = std::array<int32_t, kLanes>;
inline Lanes NoLanes() { return {}; }
inline Lanes AddProducts(Lanes sums, const int16_t* a, const int16_t* b) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    sums[lane] += a[2 * lane] * b[2 * lane] + a[2 * lane + 1] * b[2 * lane + 1];
  }
  return sums;
}
inline int32_t SumOf(const Lanes& sums) {
  int32_t sum = 0;
  for (const int32_t lane : sums) sum += lane >> kLaneShift;
  return sum;
}

#endif

// `taps` is a multiple of kUnit.
inline int16_t DotProduct(const int16_t* samples, const int16_t* coefficients,
                          size_t taps, int bits) {
  Lanes sums = NoLanes();
  for (; taps > 0; taps -= kUnit) {
    for (size_t k = 0; k < kUnit; k += 2 * kLanes) {
      sums = AddProducts(sums, samples + k, coefficients + k);
    }
    samples += kUnit;
    coefficients += kUnit;
  }
  const int shift = bits - kLaneShift;
  const int32_t rounded = (SumOf(sums) + (1 << (shift - 1))) >> shift;
  return static_cast<int16_t>(
      std::clamp<int32_t>(rounded, INT16_MIN, INT16_MAX));
}

}  // namespace

bool Resampler::Supports(int in_hz, int out_hz) {
  return IsRate(in_hz) && IsRate(out_hz);
}

Resampler::Resampler(int in_hz, int out_hz) {
  TL_CHECK(Supports(in_hz, out_hz));
  const int common = std::gcd(in_hz, out_hz);
  up_ = static_cast<size_t>(out_hz / common);
  down_ = static_cast<size_t>(in_hz / common);
  const auto use = [this](const auto& filters) {
    taps_ = filters.kTaps;
    coefficients_ = filters.coefficients.data();
    coefficient_bits_ = filters.kBits;
  };
  if (up_ == 2 && down_ == 3) {
    use(kUp2Down3);
  } else if (up_ == 3) {
    use(kUp3);  // 2 to 3 as well: its lower rate is the input's, too.
  } else if (up_ == 2) {
    use(kUp2);
  } else if (up_ == 6) {
    use(kUp6);
  } else if (down_ == 2) {
    use(kDown2);
  } else if (down_ == 3) {
    use(kDown3);
  } else if (down_ == 6) {
    use(kDown6);
  }
  TL_CHECK(up_ == down_ || coefficients_ != nullptr);
}

size_t Resampler::MaxOutputSamples(size_t in_samples) const {
  return (in_samples * up_ + down_ - 1) / down_;
}

void Resampler::Reset() {
  buffer_.fill(0);
  next_ = 0;
}

int Resampler::delay_samples() const {
  if (up_ == down_) return 0;
  // Of the filter's rate, kSpan * ratio taps, without those that pad a phase.
  const size_t ratio = std::max(up_, down_);
  return static_cast<int>((kSpan * ratio - 1) / 2 / down_);
}

size_t Resampler::Process(std::span<const int16_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= MaxOutputSamples(in.size()));
  if (up_ == down_) {
    std::copy(in.begin(), in.end(), out.begin());
    return in.size();
  }
  size_t written = 0;
  while (!in.empty()) {
    const size_t count = std::min(in.size(), kBlockSamples);
    written += Filter(in.first(count), out.data() + written);
    in = in.subspan(count);
  }
  return written;
}

size_t Resampler::Filter(std::span<const int16_t> in, int16_t* out) {
  const size_t history = taps_ - 1;
  std::copy(in.begin(), in.end(), buffer_.data() + history);
  const int16_t* const begin = out;
  const size_t whole = down_ / up_;
  const size_t part = down_ % up_;
  size_t position = next_ / up_;
  size_t phase = next_ % up_;
  while (position < in.size()) {
    *out++ =
        DotProduct(buffer_.data() + position, coefficients_ + phase * taps_,
                   taps_, coefficient_bits_);
    position += whole;
    phase += part;
    if (phase >= up_) {
      phase -= up_;
      ++position;
    }
  }
  next_ = (position - in.size()) * up_ + phase;
  std::memmove(buffer_.data(), buffer_.data() + in.size(),
               history * sizeof(int16_t));
  return static_cast<size_t>(out - begin);
}

}  // namespace trunkline::audio
