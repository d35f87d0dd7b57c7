#include "audio/speech_net.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "audio/activations.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace trunkline::audio {
namespace {

// A layer's row is its weights, which `scale` turns into numbers, and a bias.
template <size_t kRows, size_t kColumns>
struct Matrix {
  std::array<std::array<int8_t, kColumns>, kRows> weights;
  std::array<float, kRows> scale;
};

// The gates in the order update, reset, candidate.
constexpr size_t kGates = 3 * SpeechNet::kUnits;

#include "audio/speech_net_weights.inc"

constexpr int kFractionBits = 14;
constexpr int kFeatureFractionBits = 12;

int16_t Fixed(float value, int fraction_bits) {
  const float scaled = value * static_cast<float>(1 << fraction_bits);
  return static_cast<int16_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));
}

// The sums of four rows, and the instruction that adds to each the products of
// two columns.
#if defined(__wasm_simd128__)

using Sums = v128_t;
inline Sums NoSums() { return wasm_i32x4_const_splat(0); }
inline Sums Pair(const int16_t* columns) {
  return wasm_v128_load32_splat(columns);
}
inline Sums AddProducts(Sums sums, const int8_t* weights, Sums pair) {
  return wasm_i32x4_add(
      sums, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights), pair));
}
inline void Store(int32_t* out, Sums sums) { wasm_v128_store(out, sums); }

#elif defined(__SSE2__)

using Sums = __m128i;
inline Sums NoSums() { return _mm_setzero_si128(); }
inline Sums Pair(const int16_t* columns) {
  int32_t pair;
  std::memcpy(&pair, columns, sizeof(pair));
  return _mm_set1_epi32(pair);
}
inline Sums AddProducts(Sums sums, const int8_t* weights, Sums pair) {
  const __m128i bytes =
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights));
  const __m128i wide = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
  return _mm_add_epi32(sums, _mm_madd_epi16(wide, pair));
}
inline void Store(int32_t* out, Sums sums) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), sums);
}

#else

using Sums = std::array<int32_t, 4>;
inline Sums NoSums() { return {}; }
inline const int16_t* Pair(const int16_t* columns) { return columns; }
inline Sums AddProducts(Sums sums, const int8_t* weights, const int16_t* pair) {
  for (size_t row = 0; row < sums.size(); ++row) {
    sums[row] += weights[2 * row] * pair[0] + weights[2 * row + 1] * pair[1];
  }
  return sums;
}
inline void Store(int32_t* out, Sums sums) {
  std::copy(sums.begin(), sums.end(), out);
}

#endif

// Rows whose sums are in registers at the same time.
constexpr size_t kBlockRows = 24;

// A matrix's weights in the order in which Multiply takes them: blocks of rows,
// in each the pairs of columns, in each the rows.
template <size_t kRows, size_t kColumns>
constexpr auto Packed(const Matrix<kRows, kColumns>& matrix) {
  static_assert(kRows % kBlockRows == 0 && kColumns % 2 == 0);
  std::array<int8_t, kRows * kColumns> packed{};
  size_t at = 0;
  for (size_t block = 0; block < kRows; block += kBlockRows) {
    for (size_t column = 0; column < kColumns; column += 2) {
      for (size_t row = block; row < block + kBlockRows; ++row) {
        packed[at++] = matrix.weights[row][column];
        packed[at++] = matrix.weights[row][column + 1];
      }
    }
  }
  return packed;
}

constexpr auto kPackedDense = Packed(kDenseWeights);
constexpr auto kDenseScale = kDenseWeights.scale;
constexpr auto kPackedInput = Packed(kInputWeights);
constexpr auto kInputScale = kInputWeights.scale;
constexpr auto kPackedUnit = Packed(kUnitWeights);
constexpr auto kUnitScale = kUnitWeights.scale;

// `sums` = matrix * vector. At most 32 products below 2^22: integers suffice.
template <size_t kRows, size_t kColumns>
void Multiply(const std::array<int8_t, kRows * kColumns>& packed,
              const std::array<float, kRows>& scale,
              const std::array<int16_t, kColumns>& vector, int fraction_bits,
              std::array<float, kRows>& sums) {
  const int8_t* weights = packed.data();
  const float unit = 1.0F / static_cast<float>(1 << fraction_bits);
  for (size_t block = 0; block < kRows; block += kBlockRows) {
    Sums lanes[kBlockRows / 4];
    for (Sums& each : lanes) each = NoSums();
    for (size_t column = 0; column < kColumns; column += 2) {
      const auto pair = Pair(vector.data() + column);
      [&]<size_t... kLane>(std::index_sequence<kLane...>) {
        ((lanes[kLane] = AddProducts(lanes[kLane], weights + 8 * kLane, pair)),
         ...);
      }(std::make_index_sequence<kBlockRows / 4>());
      weights += 2 * kBlockRows;
    }
    std::array<int32_t, kBlockRows> totals;
    for (size_t i = 0; i < std::size(lanes); ++i) {
      Store(totals.data() + 4 * i, lanes[i]);
    }
    for (size_t i = 0; i < kBlockRows; ++i) {
      const size_t row = block + i;
      sums[row] = static_cast<float>(totals[i]) * (scale[row] * unit);
    }
  }
}

}  // namespace

float SpeechNet::Process(const SpeechFeatures::Vector& features) {
  std::array<int16_t, kInputs> inputs;
  for (size_t i = 0; i < kInputs; ++i) {
    // 4 itself would be 2^14, well in range.
    inputs[i] = Fixed(features[i], kFeatureFractionBits);
  }
  std::array<float, kDense> sums;
  Multiply<kDense, kInputs>(kPackedDense, kDenseScale, inputs,
                            kFeatureFractionBits, sums);
  std::array<int16_t, kDense> dense;
  for (size_t i = 0; i < kDense; ++i) {
    dense[i] = Fixed(Tanh(sums[i] + kDenseBias[i]), kFractionBits);
  }
  std::array<float, kGates> from_dense;
  std::array<float, kGates> from_units;
  Multiply<kGates, kDense>(kPackedInput, kInputScale, dense, kFractionBits,
                           from_dense);
  Multiply<kGates, kUnits>(kPackedUnit, kUnitScale, units_, kFractionBits,
                           from_units);
  std::array<float, kUnits> now;
  for (size_t i = 0; i < kUnits; ++i) {
    const size_t r = i + kUnits;
    const size_t c = r + kUnits;
    const float update = Sigmoid(from_dense[i] + from_units[i] + kGateBias[i]);
    const float reset = Sigmoid(from_dense[r] + from_units[r] + kGateBias[r]);
    const float candidate =
        Tanh(from_dense[c] + kGateBias[c] + reset * from_units[c]);
    constexpr float kUnit = 1.0F / (1 << kFractionBits);
    const float before = kUnit * static_cast<float>(units_[i]);
    now[i] = candidate + update * (before - candidate);
  }
  // Loops of their own, so that the one above becomes SIMD.
  for (size_t i = 0; i < kUnits; ++i) units_[i] = Fixed(now[i], kFractionBits);
  float out = kOutputBias;
  for (size_t i = 0; i < kUnits; ++i) out += kOutputWeights[i] * now[i];
  return Sigmoid(out);
}

}  // namespace trunkline::audio
