#include "audio/resampler.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "audio/constexpr_math.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// Length of the filters in samples of the lower rate. A Kaiser window needs
// (A - 7.95) / (2.285 * dw) taps; for A = 74 dB and a transition of 0.15 of the
// rate that is 31, and 36 leaves room for the rounding of the coefficients.
constexpr size_t kSpan = 36;
// 0.1102 * (A - 8.7), A = 74 dB.
constexpr double kBeta = 7.2;
// One in the coefficients: all of them are below it.
constexpr int kOneBits = 15;

// Coefficients for upsampling by kUp with a filter of kSpan * kRatio taps,
// where the filter's rate is kRatio times the lower rate: phase by phase, each
// reversed, so that a phase is a plain dot product over samples in order.
template <size_t kUp, size_t kRatio>
constexpr std::array<int16_t, kSpan * kRatio> MakeCoefficients() {
  constexpr size_t kCount = kSpan * kRatio;
  constexpr size_t kTaps = kCount / kUp;
  std::array<double, kCount> ideal{};
  const double centre = (static_cast<double>(kCount) - 1) / 2;
  for (size_t i = 0; i < kCount; ++i) {
    const double t = static_cast<double>(i) - centre;
    // Cut off at half of the lower rate: sin(pi t / ratio) / (pi t). An even
    // count never has t = 0.
    const double sinc = SinPi(t / static_cast<double>(kRatio)) / (kPi * t);
    const double edge = t / (static_cast<double>(kCount) / 2);
    const double window = BesselI0OfRoot(kBeta * kBeta * (1 - edge * edge)) /
                          BesselI0OfRoot(kBeta * kBeta);
    ideal[i] = sinc * window;
  }
  std::array<int16_t, kCount> rounded{};
  for (size_t phase = 0; phase < kUp; ++phase) {
    // Every phase passes a constant unchanged; else the phases would beat.
    double sum = 0;
    for (size_t k = 0; k < kTaps; ++k) sum += ideal[phase + k * kUp];
    for (size_t k = 0; k < kTaps; ++k) {
      const double scaled =
          ideal[phase + k * kUp] / sum * static_cast<double>(1 << kOneBits);
      rounded[phase * kTaps + kTaps - 1 - k] =
          static_cast<int16_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
  }
  return rounded;
}

// Up by 2, 3, 6 (the lower rate is the input's); down by 2, 3, 6 (the
// output's); 16 -> 24 and 24 -> 16 through 48 kHz.
constexpr auto kUp2 = MakeCoefficients<2, 2>();
constexpr auto kUp3 = MakeCoefficients<3, 3>();
constexpr auto kUp6 = MakeCoefficients<6, 6>();
constexpr auto kDown2 = MakeCoefficients<1, 2>();
constexpr auto kDown3 = MakeCoefficients<1, 3>();
constexpr auto kDown6 = MakeCoefficients<1, 6>();
constexpr auto kUp3Down2 = MakeCoefficients<3, 3>();
constexpr auto kUp2Down3 = MakeCoefficients<2, 3>();

std::span<const int16_t> CoefficientsOf(size_t up, size_t down) {
  if (up == 2 && down == 1) return kUp2;
  if (up == 3 && down == 1) return kUp3;
  if (up == 6 && down == 1) return kUp6;
  if (up == 1 && down == 2) return kDown2;
  if (up == 1 && down == 3) return kDown3;
  if (up == 1 && down == 6) return kDown6;
  if (up == 3 && down == 2) return kUp3Down2;
  if (up == 2 && down == 3) return kUp2Down3;
  return {};
}

bool IsRate(int hz) {
  return hz == 8000 || hz == 16000 || hz == 24000 || hz == 48000;
}

// Half of a filter: the sum of its |coefficient| is below 1.3, so that 32 bits
// hold its dot product with any samples. (The whole sums up to 2.5.)
int32_t HalfDotProduct(const int16_t* a, const int16_t* b, size_t count) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    sum += static_cast<int32_t>(a[i]) * b[i];
  }
  return sum;
}

int16_t DotProduct(const int16_t* a, const int16_t* b, size_t count) {
  const size_t half = count / 2;
  const int64_t sum = int64_t{HalfDotProduct(a, b, half)} +
                      HalfDotProduct(a + half, b + half, count - half) +
                      (1 << (kOneBits - 1));
  return static_cast<int16_t>(
      std::clamp<int64_t>(sum >> kOneBits, INT16_MIN, INT16_MAX));
}

}  // namespace

bool Resampler::Supports(int in_hz, int out_hz) {
  return IsRate(in_hz) && IsRate(out_hz);
}

Resampler::Resampler(int in_hz, int out_hz) : in_hz_(in_hz), out_hz_(out_hz) {
  TL_CHECK(Supports(in_hz, out_hz));
  const int common = std::gcd(in_hz, out_hz);
  up_ = static_cast<size_t>(out_hz / common);
  down_ = static_cast<size_t>(in_hz / common);
  const std::span<const int16_t> coefficients = CoefficientsOf(up_, down_);
  coefficients_ = coefficients.data();
  taps_ = coefficients.size() / up_;
}

size_t Resampler::MaxOutputSamples(size_t in_samples) const {
  return in_samples * up_ / down_ + 1;
}

void Resampler::Reset() {
  buffer_.fill(0);
  next_ = 0;
}

int Resampler::delay_samples() const {
  if (in_hz_ == out_hz_) return 0;
  return static_cast<int>(taps_ * up_ - 1) / 2 / static_cast<int>(down_);
}

size_t Resampler::Process(std::span<const int16_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= MaxOutputSamples(in.size()));
  if (in_hz_ == out_hz_) {
    std::copy(in.begin(), in.end(), out.begin());
    return in.size();
  }
  size_t written = 0;
  while (!in.empty()) {
    const size_t count = std::min(in.size(), kBlock);
    written += Filter(in.first(count), out.data() + written);
    in = in.subspan(count);
  }
  return written;
}

size_t Resampler::Filter(std::span<const int16_t> in, int16_t* out) {
  const size_t history = taps_ - 1;
  std::copy(in.begin(), in.end(), buffer_.data() + history);
  const int16_t* const begin = out;
  size_t phase = next_ % up_;
  size_t position = next_ / up_;
  while (position < in.size()) {
    *out++ = DotProduct(buffer_.data() + position,
                        coefficients_ + phase * taps_, taps_);
    phase += down_;
    while (phase >= up_) {
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
