#include "audio/gap_concealer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

constexpr int kHistoryMs = 40;
// The repetition stays for a frame, the commonest gap, and sinks over 60 ms. As
// in G.711 Appendix I it would sink from 10 ms on: the spectrum in gaps of 60
// to 100 ms is then farther from what was lost.
constexpr int kHoldMs = 20;
constexpr int kGoneMs = 80;
// Where only noise was heard, within 6 dB of what is known of it.
constexpr int kNoiseGoneMs = 10;
constexpr float kNoiseSpread = 4.0F;
// The less a period is like the one before it, the less likely another is to
// follow: its gain is their correlation, but no less than this, -3 dB.
constexpr float kLeastGain = 0.7F;
constexpr int kStepMs = 2;
constexpr int kReturnMs = 5;

// The pitch is looked for at 4 kHz: lags of 2.5 to 15 ms, compared over the
// last 6 ms. Over 10 or 20 ms the period is the one of earlier sounds: 0.3 and
// 1 dB less SNR.
constexpr int kCoarsePerMs = 4;
constexpr size_t kCoarseWindow = 24;
constexpr size_t kCoarseLeast = 10;
constexpr size_t kCoarseMost = 60;
constexpr size_t kCoarse = kCoarseWindow + kCoarseMost;
// So that 24 products stay below 2^31.
constexpr int32_t kCoarsePeak = 4095;
// And 96 of them, with room to spare.
constexpr int32_t kFinePeak = 2047;

int32_t Product(std::span<const int16_t> a, std::span<const int16_t> b) {
  int32_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<int32_t>(a[i]) * b[i];
  }
  return sum;
}

// How alike two stretches are, with the sign of their correlation; the energy
// of the first is left out, it is the same for all that are compared.
float Likeness(int32_t product, int32_t energy) {
  const auto value = static_cast<float>(product);
  const float squared = value * value / (static_cast<float>(energy) + 1);
  return product < 0 ? -squared : squared;
}

int16_t Rounded(float value) {
  return static_cast<int16_t>(value + (value < 0 ? -0.5F : 0.5F));
}

}  // namespace

static_assert(std::is_trivially_copyable_v<GapConcealer>);

GapConcealer::GapConcealer(int sample_rate_hz)
    : per_ms_(static_cast<size_t>(sample_rate_hz / 1000)),
      history_samples_(per_ms_ * kHistoryMs),
      noise_(sample_rate_hz) {}

void GapConcealer::Reset() {
  *this = GapConcealer(static_cast<int>(per_ms_) * 1000);
}

void GapConcealer::Good(std::span<int16_t> frame) {
  if (state_ == State::kLost) {
    state_ = State::kReturning;
    returned_ = 0;
  }
  if (state_ == State::kReturning) {
    const size_t length = Samples(kReturnMs);
    const size_t count = std::min(frame.size(), length - returned_);
    const float per_sample = 1 / static_cast<float>(length + 1);
    const std::span<int16_t> faded = frame.first(count);
    for (int16_t& sample : faded) {
      ++returned_;
      const float part = static_cast<float>(returned_) * per_sample;
      // Without a bend at either end.
      const float gain = part * part * (3 - 2 * part);
      const float concealed = NextConcealed();
      sample =
          Rounded(concealed + (static_cast<float>(sample) - concealed) * gain);
    }
    if (returned_ == length) state_ = State::kGood;
    Remember(faded);
    frame = frame.subspan(count);
  }
  while (!frame.empty()) {
    const size_t count =
        std::min(frame.size(), noise_.block_samples() - unlearnt_);
    Remember(frame.first(count));
    frame = frame.subspan(count);
    unlearnt_ += count;
    if (unlearnt_ < noise_.block_samples()) continue;
    unlearnt_ = 0;
    noise_.Learn(history().last(noise_.block_samples()));
  }
}

void GapConcealer::Lost(std::span<int16_t> out) {
  if (out.empty()) return;
  if (state_ != State::kLost) BeginLoss();
  for (int16_t& sample : out) sample = Rounded(NextConcealed());
  Remember(out);
}

void GapConcealer::BeginLoss() {
  state_ = State::kLost;
  unlearnt_ = 0;
  lost_ = 0;
  const int32_t peak = Peak(history());
  peak_ = static_cast<float>(peak);
  noise_.Start(static_cast<float>(MeanSquare(history())));
  const bool only_noise =
      static_cast<float>(MeanSquare(history().last(Samples(20)))) <=
      noise_.power() * kNoiseSpread;
  hold_ = only_noise ? 0 : Samples(kHoldMs);
  gone_ = Samples(only_noise ? kNoiseGoneMs : kGoneMs);
  const Period period = FindPeriod(peak);
  TakePeriod(period.samples,
             only_noise ? 1 : std::max(period.likeness, kLeastGain));
}

GapConcealer::Period GapConcealer::FindPeriod(int peak) const {
  const size_t decimation = per_ms_ / kCoarsePerMs;
  if (peak == 0) return Period{.samples = kCoarseMost * decimation};
  std::array<int16_t, kCoarse> coarse;
  const float coarse_scale =
      static_cast<float>(kCoarsePeak) /
      static_cast<float>(peak * static_cast<int32_t>(decimation));
  const auto recent = history().last(kCoarse * decimation);
  for (size_t i = 0; i < kCoarse; ++i) {
    int32_t sum = 0;
    for (size_t k = 0; k < decimation; ++k) sum += recent[i * decimation + k];
    coarse[i] = static_cast<int16_t>(static_cast<float>(sum) * coarse_scale);
  }
  const std::span<const int16_t> all(coarse);
  const auto window = all.last(kCoarseWindow);
  size_t best_lag = kCoarseMost;
  float best = 0;
  for (size_t lag = kCoarseLeast; lag <= kCoarseMost; ++lag) {
    const auto other = all.subspan(kCoarseMost - lag, kCoarseWindow);
    const float likeness =
        Likeness(Product(window, other), Product(other, other));
    if (likeness > best) {
      best = likeness;
      best_lag = lag;
    }
  }

  // At the full rate, around it.
  std::array<int16_t, kMaxHistory> scaled;
  const float scale = static_cast<float>(kFinePeak) / static_cast<float>(peak);
  for (size_t i = 0; i < history_samples_; ++i) {
    scaled[i] = static_cast<int16_t>(static_cast<float>(history_[i]) * scale);
  }
  const auto fine = std::span<const int16_t>(scaled).first(history_samples_);
  const size_t length = kCoarseWindow * decimation;
  const auto fine_window = fine.last(length);
  const size_t middle = best_lag * decimation;
  const size_t least = std::max(middle - decimation, kCoarseLeast * decimation);
  const size_t most = std::min(middle + decimation, kCoarseMost * decimation);
  size_t period = middle;
  best = 0;
  for (size_t lag = least; lag <= most; ++lag) {
    const auto other = fine.subspan(history_samples_ - length - lag, length);
    const float likeness =
        Likeness(Product(fine_window, other), Product(other, other));
    if (likeness > best) {
      best = likeness;
      period = lag;
    }
  }
  const auto energy = static_cast<float>(Product(fine_window, fine_window));
  return Period{.samples = period,
                .likeness = energy > 0 ? std::sqrt(best / energy) : 1};
}

void GapConcealer::TakePeriod(size_t period, float gain) {
  const auto last = history().last(period);
  const auto before = history().last(2 * period).first(period);
  // Towards its end the period becomes what was before its beginning, so that
  // it follows itself without a step.
  const size_t fade = period / 4;
  const size_t kept = period - fade;
  for (size_t i = 0; i < period; ++i) {
    auto value = static_cast<float>(last[i]);
    if (i >= kept) {
      const float share =
          static_cast<float>(i - kept + 1) / static_cast<float>(fade);
      value += (static_cast<float>(before[i]) - value) * share;
    }
    period_[i] = value * gain;
  }
  period_samples_ = period;
  at_ = 0;
  step_ = static_cast<float>(last.back()) -
          gain * static_cast<float>(before.back());
}

float GapConcealer::NextConcealed() {
  float value = 0;
  if (lost_ < gone_) {
    value = period_[at_];
    at_ = at_ + 1 == period_samples_ ? 0 : at_ + 1;
    if (lost_ < Samples(kStepMs)) {
      const float left = 1 - static_cast<float>(lost_ + 1) /
                                 static_cast<float>(Samples(kStepMs));
      value += step_ * left * left;
    }
    if (lost_ >= hold_) {
      const float gain =
          static_cast<float>(gone_ - lost_) / static_cast<float>(gone_ - hold_);
      // The squares of both gains add up to one: what they are applied to is
      // not correlated.
      value = value * gain + noise_.Next() * std::sqrt(1 - gain * gain);
    }
    ++lost_;
  } else {
    value = noise_.Next();
  }
  return std::clamp(value, -peak_, std::min(peak_, 32767.0F));
}

void GapConcealer::Remember(std::span<const int16_t> samples) {
  if (samples.size() >= history_samples_) {
    const auto last = samples.last(history_samples_);
    std::memcpy(history_.data(), last.data(), last.size_bytes());
    return;
  }
  if (samples.empty()) return;
  const size_t kept = history_samples_ - samples.size();
  std::memmove(history_.data(), history_.data() + samples.size(),
               kept * sizeof(int16_t));
  std::memcpy(history_.data() + kept, samples.data(), samples.size_bytes());
}

}  // namespace trunkline::audio
