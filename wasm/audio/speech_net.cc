#include "audio/speech_net.h"

#include <span>

#include "audio/activations.h"

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

// `sums` = matrix * vector. At most 32 products below 2^22: integers suffice.
template <size_t kRows, size_t kColumns>
void Multiply(const Matrix<kRows, kColumns>& matrix,
              const std::array<int16_t, kColumns>& vector, int fraction_bits,
              std::array<float, kRows>& sums) {
  const float unit = 1.0F / static_cast<float>(1 << fraction_bits);
  for (size_t row = 0; row < kRows; ++row) {
    int32_t sum = 0;
    for (size_t i = 0; i < kColumns; ++i) {
      sum += matrix.weights[row][i] * vector[i];
    }
    sums[row] = static_cast<float>(sum) * (matrix.scale[row] * unit);
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
  Multiply(kDenseWeights, inputs, kFeatureFractionBits, sums);
  std::array<int16_t, kDense> dense;
  for (size_t i = 0; i < kDense; ++i) {
    dense[i] = Fixed(Tanh(sums[i] + kDenseBias[i]), kFractionBits);
  }
  std::array<float, kGates> from_dense;
  std::array<float, kGates> from_units;
  Multiply(kInputWeights, dense, kFractionBits, from_dense);
  Multiply(kUnitWeights, units_, kFractionBits, from_units);
  float out = kOutputBias;
  for (size_t i = 0; i < kUnits; ++i) {
    const size_t r = i + kUnits;
    const size_t c = r + kUnits;
    const float update = Sigmoid(from_dense[i] + from_units[i] + kGateBias[i]);
    const float reset = Sigmoid(from_dense[r] + from_units[r] + kGateBias[r]);
    const float candidate =
        Tanh(from_dense[c] + kGateBias[c] + reset * from_units[c]);
    constexpr float kUnit = 1.0F / (1 << kFractionBits);
    const float before = kUnit * static_cast<float>(units_[i]);
    const float now = candidate + update * (before - candidate);
    units_[i] = Fixed(now, kFractionBits);
    out += kOutputWeights[i] * now;
  }
  return Sigmoid(out);
}

}  // namespace trunkline::audio
