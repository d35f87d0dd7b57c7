#include "audio/comfort_noise.h"

#include <algorithm>
#include <cmath>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// A block of the noise itself may be so much louder than the quietest one: 9
// dB. Blocks of pink noise spread over about 8 dB, of white noise over 3.
constexpr float kSpread = 8.0F;
constexpr int kMemory = 32;
// A line's noise changes slowly: one block in so many tells as much.
constexpr int kLookBlocks = 4;
// Direct current is no noise. What is left beside it 50 dB below is rounding.
constexpr float kLeastOfDirect = 1e-5F;

// What keeps the predictor well behaved: white noise 40 dB below, and a window
// over the lags that widens every resonance to about 60 Hz at 8 kHz, a Gauss
// curve 1 - x + x^2 / 2 with x = (2 pi 60 / 8000 * lag)^2 / 2.
constexpr auto kLagWindow = [] {
  std::array<float, 9> window{};
  window[0] = 1.0001F;
  for (size_t lag = 1; lag < window.size(); ++lag) {
    const float angle = 0.0471239F * static_cast<float>(lag);
    const float x = angle * angle / 2;
    window[lag] = 1 - x + x * x / 2;
  }
  return window;
}();

// Four random bytes added up: variance 4 (256^2 - 1) / 12, mean 510.
constexpr float kMean = 510.0F;
constexpr float kVariance = 21845.0F;

// What the block correlates with itself `lag` samples before.
template <typename Sum>
float LagProduct(std::span<const int16_t> block, size_t lag) {
  Sum product = 0;
  for (size_t i = lag; i < block.size(); ++i) {
    const int32_t value = int32_t{block[i]} * block[i - lag];
    product += value;
  }
  return static_cast<float>(product);
}

}  // namespace

ComfortNoise::ComfortNoise(int sample_rate_hz)
    : block_samples_(static_cast<size_t>(sample_rate_hz / 50)) {
  TL_CHECK(sample_rate_hz == 8000 || sample_rate_hz == 16000);
}

void ComfortNoise::Reset() {
  *this = ComfortNoise(static_cast<int>(block_samples_) * 50);
}

float ComfortNoise::power() const {
  return std::min(LearntPower(), kLoudestPower);
}

void ComfortNoise::TrackFloor(float power) {
  if (learnt_ == 0) quietest_.fill(power);
  if (in_slot_ >= kSlotBlocks) {
    in_slot_ = 0;
    slot_ = (slot_ + 1) % kSlots;
    quietest_[slot_] = power;
  }
  ++in_slot_;
  quietest_[slot_] = std::min(quietest_[slot_], power);
  floor_ = *std::min_element(quietest_.begin(), quietest_.end());
}

void ComfortNoise::Learn(std::span<const int16_t> block) {
  TL_CHECK(block.size() == block_samples_);
  if (learnt_ == kMemory && ++unseen_ < kLookBlocks) {
    ++in_slot_;
    return;
  }
  unseen_ = 0;
  // In integers: exact, so that the order of the additions is the compiler's.
  int32_t sum = 0;
  for (const int16_t sample : block) sum += sample;
  const uint64_t squares = SumOfSquares(block);
  const float scale = 1 / static_cast<float>(block.size());
  const float power = static_cast<float>(squares) * scale;
  TrackFloor(power);
  if (power > floor_ * kSpread) return;

  // What was noise before is not any more when this is far below it.
  if (correlation_[0] > floor_ * kSpread) learnt_ = 0;
  learnt_ = std::min(learnt_ + 1, kMemory);
  const float weight = 1 / static_cast<float>(learnt_);
  mean_ += (static_cast<float>(sum) * scale - mean_) * weight;
  correlation_[0] += (power - correlation_[0]) * weight;
  // No sum of products, whole or in part, exceeds that of the squares
  // (Cauchy and Schwarz).
  const bool fits = squares <= INT32_MAX;
  for (size_t lag = 1; lag <= kOrder; ++lag) {
    const float mean = scale * (fits ? LagProduct<int32_t>(block, lag)
                                     : LagProduct<int64_t>(block, lag));
    correlation_[lag] += (mean - correlation_[lag]) * weight;
  }
}

float ComfortNoise::LearntPower() const {
  const float power = correlation_[0] - mean_ * mean_;
  return power < correlation_[0] * kLeastOfDirect ? 0 : power;
}

void ComfortNoise::Start(float most_power) {
  predictor_.fill(0);
  state_.fill(0);
  gain_ = 0;
  const float power = LearntPower();
  // Quieter than this is rounded to silence.
  if (power < 0.01F) return;

  // Levinson and Durbin; the noise's power is 1.
  std::array<float, kOrder + 1> r;
  for (size_t lag = 0; lag <= kOrder; ++lag) {
    // The products of a lag are fewer by it.
    const float direct =
        mean_ * mean_ *
        (1 - static_cast<float>(lag) / static_cast<float>(block_samples_));
    r[lag] = (correlation_[lag] - direct) / power * kLagWindow[lag];
  }
  float error = r[0];
  for (size_t m = 0; m < kOrder; ++m) {
    float rest = r[m + 1];
    for (size_t i = 0; i < m; ++i) rest -= predictor_[i] * r[m - i];
    const float reflection = rest / error;
    // Only rounding could bring it here; the lower order is stable.
    if (reflection >= 0.9999F || reflection <= -0.9999F) break;
    const std::array<float, kOrder> last = predictor_;
    for (size_t i = 0; i < m; ++i) {
      predictor_[i] = last[i] - reflection * last[m - 1 - i];
    }
    predictor_[m] = reflection;
    error *= 1 - reflection * reflection;
  }
  const float wanted = std::min({power, kLoudestPower, most_power});
  gain_ = std::sqrt(wanted * error / kVariance);
}

float ComfortNoise::Next() {
  // Numerical Recipes' generator; two draws, the low bits of neither.
  random_ = random_ * 1664525U + 1013904223U;
  const uint32_t first = random_ >> 16;
  random_ = random_ * 1664525U + 1013904223U;
  const uint32_t second = random_ >> 16;
  const uint32_t bytes =
      (first & 255) + (first >> 8) + (second & 255) + (second >> 8);
  const float value = (static_cast<float>(bytes) - kMean) * gain_ + state_[0];
  for (size_t i = 0; i + 1 < kOrder; ++i) {
    state_[i] = state_[i + 1] + predictor_[i] * value;
  }
  state_[kOrder - 1] = predictor_[kOrder - 1] * value;
  return value;
}

}  // namespace trunkline::audio
