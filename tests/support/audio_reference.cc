#include "support/audio_reference.h"

#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

namespace trunkline::test {
namespace {

// The decision values of one sign, 128 of them and the virtual one at the end,
// in the units of the recommendation.
using DecisionValues = std::array<int, 129>;

// Table 2a: 0, 1, then steps of 2 up to 31, of 4 up to 95, ... of 256 up to
// 8159; 14 bits.
DecisionValues MuLawDecisions() {
  DecisionValues values{};
  size_t n = 1;
  int value = 1;
  values[n++] = value;
  for (int step = 2; step <= 256; step *= 2) {
    for (int i = step == 2 ? 1 : 0; i < 16; ++i) {
      value += step;
      values[n++] = value;
    }
  }
  return values;
}

// Table 1a: steps of 2 up to 64, of 4 up to 128, ... of 128 up to 4096; 13
// bits.
DecisionValues ALawDecisions() {
  DecisionValues values{};
  size_t n = 1;
  int value = 0;
  for (int step = 2; step <= 128; step *= 2) {
    for (int i = 0; i < (step == 2 ? 32 : 16); ++i) {
      value += step;
      values[n++] = value;
    }
  }
  return values;
}

// The interval that holds `magnitude`, of values `unit` times as fine. A value
// on a decision value belongs to the interval above it if `above`.
int IntervalOf(const DecisionValues& decisions, int magnitude, int unit,
               bool above) {
  int interval = 0;
  for (int n = 1; n < 128; ++n) {
    const int decision = decisions[static_cast<size_t>(n)] * unit;
    if (above ? magnitude >= decision : magnitude > decision) interval = n;
  }
  return interval;
}

// Twice the middle of an interval.
int TwiceTheMiddle(const DecisionValues& decisions, int interval) {
  return decisions[static_cast<size_t>(interval)] +
         decisions[static_cast<size_t>(interval) + 1];
}

std::complex<double> PhasorAt(std::span<const int16_t> samples,
                              double frequency_hz, int sample_rate_hz) {
  std::complex<double> sum = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * frequency_hz *
                         static_cast<double>(i) / sample_rate_hz;
    sum += static_cast<double>(samples[i]) * std::polar(1.0, -angle);
  }
  return 2.0 * sum / static_cast<double>(samples.size());
}

double BesselI0(double x) {
  double term = 1;
  double sum = 1;
  for (int k = 1; k < 60; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

uint8_t ReferenceEncodeMuLaw(int16_t sample) {
  static const DecisionValues kDecisions = MuLawDecisions();
  const int magnitude = std::abs(int{sample});
  const int interval = IntervalOf(kDecisions, magnitude, 4, /*above=*/true);
  // All bits of a magnitude are inverted; the sign bit is 1 from zero up.
  return static_cast<uint8_t>((sample >= 0 ? 0x80 : 0) | (127 - interval));
}

int16_t ReferenceDecodeMuLaw(uint8_t code) {
  static const DecisionValues kDecisions = MuLawDecisions();
  const int interval = 127 - (code & 0x7F);
  // The first output value is 0, not the middle of the first interval.
  const int magnitude =
      interval == 0 ? 0 : TwiceTheMiddle(kDecisions, interval) * 2;
  return static_cast<int16_t>(code >= 0x80 ? magnitude : -magnitude);
}

uint8_t ReferenceEncodeALaw(int16_t sample) {
  static const DecisionValues kDecisions = ALawDecisions();
  const int interval = IntervalOf(kDecisions, std::abs(int{sample}), 8,
                                  /*above=*/sample >= 0);
  return static_cast<uint8_t>(((sample >= 0 ? 0x80 : 0) | interval) ^ 0x55);
}

int16_t ReferenceDecodeALaw(uint8_t code) {
  static const DecisionValues kDecisions = ALawDecisions();
  const int plain = code ^ 0x55;
  const int magnitude = TwiceTheMiddle(kDecisions, plain & 0x7F) * 4;
  return static_cast<int16_t>(plain >= 0x80 ? magnitude : -magnitude);
}

std::vector<double> ReferenceResample(std::span<const int16_t> in, int in_hz,
                                      int out_hz) {
  constexpr int kSpan = 32;
  constexpr double kBeta = 7.5;
  const auto up = static_cast<size_t>(out_hz / std::gcd(in_hz, out_hz));
  const auto down = static_cast<size_t>(in_hz / std::gcd(in_hz, out_hz));
  const size_t ratio = std::max(up, down);
  const size_t taps = kSpan * ratio;
  std::vector<double> filter(taps);
  double sum = 0;
  for (size_t i = 0; i < taps; ++i) {
    const double t = static_cast<double>(i) - static_cast<double>(taps - 1) / 2;
    const double edge = 2 * t / static_cast<double>(taps);
    filter[i] = std::sin(std::numbers::pi * t / static_cast<double>(ratio)) /
                t * BesselI0(kBeta * std::sqrt(1 - edge * edge));
    sum += filter[i];
  }
  for (double& tap : filter) tap *= static_cast<double>(up) / sum;
  std::vector<double> stuffed(in.size() * up);
  for (size_t i = 0; i < in.size(); ++i) stuffed[i * up] = in[i];
  std::vector<double> out;
  for (size_t at = 0; at < stuffed.size(); at += down) {
    double value = 0;
    for (size_t k = 0; k < taps && k <= at; ++k) {
      value += filter[k] * stuffed[at - k];
    }
    out.push_back(value);
  }
  return out;
}

std::string ReferenceBase64Encode(std::span<const uint8_t> in) {
  std::string out;
  for (size_t bit = 0; bit < in.size() * 8; bit += 6) {
    size_t value = 0;
    for (size_t i = bit; i < bit + 6; ++i) {
      const bool set = i / 8 < in.size() && (in[i / 8] >> (7 - i % 8) & 1) != 0;
      value = value * 2 + (set ? 1 : 0);
    }
    out += kAlphabet[value];
  }
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::vector<uint8_t>> ReferenceBase64Decode(std::string_view in) {
  size_t padding = 0;
  while (padding < in.size() && in[in.size() - 1 - padding] == '=') ++padding;
  if (padding > 2 || (padding > 0 && in.size() % 4 != 0)) return std::nullopt;
  in.remove_suffix(padding);
  if (in.size() % 4 == 1) return std::nullopt;
  std::vector<bool> bits;
  for (const char c : in) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    for (int bit = 5; bit >= 0; --bit) bits.push_back((value >> bit & 1) != 0);
  }
  std::vector<uint8_t> out(bits.size() / 8);
  for (size_t i = 0; i < out.size() * 8; ++i) {
    if (bits[i]) {
      out[i / 8] = static_cast<uint8_t>(out[i / 8] | 0x80 >> (i % 8));
    }
  }
  return out;
}

double AmplitudeAt(std::span<const int16_t> samples, double frequency_hz,
                   int sample_rate_hz) {
  return std::abs(PhasorAt(samples, frequency_hz, sample_rate_hz));
}

double PowerOf(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += double{1} * sample * sample;
  return sum / static_cast<double>(samples.size());
}

double PowerBeside(std::span<const int16_t> samples, double frequency_hz,
                   int sample_rate_hz) {
  const std::complex<double> phasor =
      PhasorAt(samples, frequency_hz, sample_rate_hz);
  double sum = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * frequency_hz *
                         static_cast<double>(i) / sample_rate_hz;
    const double rest = samples[i] - (phasor * std::polar(1.0, angle)).real();
    sum += rest * rest;
  }
  return sum / static_cast<double>(samples.size());
}

}  // namespace trunkline::test
