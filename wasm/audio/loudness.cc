#include "audio/loudness.h"

#include <algorithm>

#include "audio/constexpr_math.h"
#include "audio/decibels.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// tan(pi * f / rate).
constexpr double Warped(double frequency_hz, int sample_rate_hz) {
  const double x = frequency_hz / sample_rate_hz;
  return SinPi(x) / SinPi(x + 0.5);
}

// A section of the weighting: K and 1 + K/Q + K^2 of the bilinear transform.
struct Bilinear {
  constexpr Bilinear(double frequency_hz, double q, int sample_rate_hz)
      : k(Warped(frequency_hz, sample_rate_hz)),
        over_q(k / q),
        norm(1 + over_q + k * k) {}
  double k;
  double over_q;
  double norm;
};

// BS.1770's coefficients are these two sections with 1682 Hz, 4.0 dB, 0.707 and
// 38.1 Hz, 0.500 at 48 kHz. The shelf's gains at the top and at its corner are
// `top` and `top`^0.5.
constexpr double kHighPassHz = 38.13547087602444;
constexpr double kHighPassQ = 0.5003270373238773;

struct Shelf {
  double frequency_hz;
  double top;
  double corner;
  double q;
};

}  // namespace

const KWeighting::Design& KWeighting::DesignFor(int sample_rate_hz) {
  constexpr auto kDesigned = [](int hz, const Shelf& shelf) {
    const Bilinear s(shelf.frequency_hz, shelf.q, hz);
    const double kk = s.k * s.k;
    const Bilinear h(kHighPassHz, kHighPassQ, hz);
    // At 48 kHz the high-pass has no gain of its own but that of its poles.
    const double gain = Bilinear(kHighPassHz, kHighPassQ, 48000).norm / h.norm;
    const auto f = [](double x) { return static_cast<float>(x); };
    return Design{
        hz,
        {f((shelf.top + shelf.corner * s.over_q + kk) / s.norm),
         f(2 * (kk - shelf.top) / s.norm),
         f((shelf.top - shelf.corner * s.over_q + kk) / s.norm),
         f(2 * (kk - 1) / s.norm), f((1 - s.over_q + kk) / s.norm)},
        {f(gain), f(-2 * gain), f(gain), f(2 * (h.k * h.k - 1) / h.norm),
         f((1 - h.over_q + h.k * h.k) / h.norm)}};
  };
  // 3.84, 3.98 and 4.00 dB, and their halves.
  static constexpr Design kDesigns[] = {
      kDesigned(8000, {1620, 1.555966, 1.247383, 0.65}),
      kDesigned(16000, {1670, 1.581248, 1.257477, 0.69}),
      kDesigned(24000, {1680, 1.584893, 1.258925, 0.70})};
  for (const Design& design : kDesigns) {
    if (design.sample_rate_hz == sample_rate_hz) return design;
  }
  TL_CHECK(false);
}

KWeighting::KWeighting(int sample_rate_hz)
    : design_(&DesignFor(sample_rate_hz)) {}

void KWeighting::Reset() { state_.fill(0); }

void KWeighting::AddSquares(std::span<const int16_t> samples, float& sum) {
  // Keeps silence from ending in denormal numbers, which are slow; the
  // high-pass stops it.
  constexpr float kOffset = 1e-15F;
  const Section s = design_->shelf;
  const Section h = design_->high_pass;
  auto [s1, s2, h1, h2] = state_;
  for (const int16_t sample : samples) {
    const float x = static_cast<float>(sample) * 0x1p-15F + kOffset;
    const float y = s.b0 * x + s1;
    s1 = s.b1 * x - s.a1 * y + s2;
    s2 = s.b2 * x - s.a2 * y;
    const float z = h.b0 * y + h1;
    h1 = h.b1 * y - h.a1 * z + h2;
    h2 = h.b2 * y - h.a2 * z;
    sum += z * z;
  }
  state_ = {s1, s2, h1, h2};
}

float LoudnessOfMeanSquare(float mean_square) {
  return PowerToDb(mean_square) - 0.691F;
}

LoudnessMeter::LoudnessMeter(int sample_rate_hz)
    : weighting_(sample_rate_hz),
      slot_samples_(static_cast<size_t>(sample_rate_hz / 10)) {}

void LoudnessMeter::Reset() {
  weighting_.Reset();
  in_slot_ = 0;
  sum_ = 0;
  next_slot_ = 0;
  filled_slots_ = 0;
  histogram_.fill(0);
}

void LoudnessMeter::Process(std::span<const int16_t> samples) {
  while (!samples.empty()) {
    const size_t count = std::min(samples.size(), slot_samples_ - in_slot_);
    weighting_.AddSquares(samples.first(count), sum_);
    samples = samples.subspan(count);
    in_slot_ += count;
    if (in_slot_ == slot_samples_) EndSlot();
  }
}

void LoudnessMeter::EndSlot() {
  slots_[next_slot_] = sum_ / static_cast<float>(slot_samples_);
  next_slot_ = (next_slot_ + 1) % kShortTermSlots;
  filled_slots_ = std::min(filled_slots_ + 1, kShortTermSlots);
  in_slot_ = 0;
  sum_ = 0;
  const float block_lufs = momentary_lufs();
  if (block_lufs < kQuietestLufs) return;
  const auto bin =
      static_cast<size_t>((block_lufs - kQuietestLufs) * kBinsPerLu);
  ++histogram_[std::min(bin, kBins - 1)];
}

float LoudnessMeter::MeanOfLast(size_t slots) const {
  if (filled_slots_ < slots) return kNone;
  float sum = 0;
  for (size_t back = 1; back <= slots; ++back) {
    sum += slots_[(next_slot_ + kShortTermSlots - back) % kShortTermSlots];
  }
  return std::max(LoudnessOfMeanSquare(sum / static_cast<float>(slots)), kNone);
}

float LoudnessMeter::integrated_lufs() const {
  // The mean power of the blocks from bin `first` on, as LUFS.
  const auto mean = [&](size_t first) {
    double power = 0;
    double blocks = 0;
    for (size_t bin = first; bin < kBins; ++bin) {
      if (histogram_[bin] == 0) continue;
      const float middle =
          kQuietestLufs + (static_cast<float>(bin) + 0.5F) / kBinsPerLu;
      power += static_cast<double>(histogram_[bin]) *
               static_cast<double>(DbToPower(middle));
      blocks += histogram_[bin];
    }
    return blocks == 0 ? kNone : PowerToDb(static_cast<float>(power / blocks));
  };
  const float ungated = mean(0);
  if (ungated == kNone) return kNone;
  const float gate = ungated - 10;
  if (gate <= kQuietestLufs) return ungated;
  return mean(static_cast<size_t>((gate - kQuietestLufs) * kBinsPerLu));
}

}  // namespace trunkline::audio
