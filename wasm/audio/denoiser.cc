#include "audio/denoiser.h"

#include <algorithm>

#include "audio/constexpr_math.h"
#include "audio/decibels.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

constexpr size_t kHopSamples = Denoiser::kDelaySamples;
// Where the analysis window has its top: from there it falls over one hop.
constexpr size_t kTop = kSpectrumSamples - kHopSamples;

// A long rise and a short fall, quarters of a sine.
constexpr auto kAnalysis = [] {
  std::array<float, kSpectrumSamples> window{};
  for (size_t n = 0; n < window.size(); ++n) {
    const double x =
        n < kTop ? (static_cast<double>(n) + 0.5) / kTop
                 : 1 + (static_cast<double>(n - kTop) + 0.5) / kHopSamples;
    window[n] = static_cast<float>(SinPi(x / 2));
  }
  return window;
}();

// What makes the product of both the rise of a Hann window in the last hop but
// one and its fall in the last: in each hop the products add up to one.
constexpr auto kSynthesis = [] {
  std::array<float, 2 * kHopSamples> window{};
  for (size_t n = 0; n < window.size(); ++n) {
    const double hann = SinPi((static_cast<double>(n) + 0.5) / 2 / kHopSamples);
    window[n] = static_cast<float>(
        n < kHopSamples
            ? hann * hann /
                  static_cast<double>(kAnalysis[kTop - kHopSamples + n])
            : hann);
  }
  return window;
}();

// The power in a bin of white noise of 4 steps of S16, about what mu-law leaves
// on an idle line: 128 is the sum of the squares of the window. No noise is
// taken to be less.
constexpr float kLeastNoise = 128 * 4 * 4;

// Exponential integral of 2^u for u in [-12, 4], by its series.
constexpr double ExponentialIntegralOfPower(double two_to_u, double u) {
  constexpr double kEuler = 0.57721566490153286;
  constexpr double kLn2 = 0.69314718055994531;
  double sum = -kEuler - u * kLn2;
  double term = 1;
  for (int k = 1; k < 80; ++k) {
    term *= -two_to_u / k;
    sum -= term / k;
  }
  return sum;
}

// log2 of exp(E1(v) / 2), what the log-spectral gain is above Wiener's, for
// v = 2^-12 to 2^4 in quarters of an octave.
constexpr int kOctavesBelow = 12;
constexpr int kOctavesAbove = 4;
constexpr int kPerOctave = 4;
constexpr auto kLogSpectral = [] {
  constexpr int kSteps = (kOctavesBelow + kOctavesAbove) * kPerOctave;
  std::array<float, kSteps + 2> table{};
  double v = 1.0 / 4096;
  for (int i = 0; i <= kSteps; ++i) {
    const double u = static_cast<double>(i) / kPerOctave - kOctavesBelow;
    table[static_cast<size_t>(i)] = static_cast<float>(
        ExponentialIntegralOfPower(v, u) / (2 * 0.69314718055994531));
    v *= 1.1892071150027210667;  // 2^(1/4)
  }
  table[kSteps + 1] = table[kSteps];
  return table;
}();

// Where v lies in the table.
constexpr float LogSpectralStep(float v) {
  const float bounded = std::min(std::max(v, 1.0F / 4096), 16.0F);
  return (Log2(bounded) + kOctavesBelow) * kPerOctave;
}

float LogSpectralAt(float step) {
  const auto whole = static_cast<size_t>(step);
  const float within = step - static_cast<float>(whole);
  return kLogSpectral[whole] +
         within * (kLogSpectral[whole + 1] - kLogSpectral[whole]);
}

// Four sums side by side: one SIMD register, and one order in all builds.
float Sum(const std::array<float, kSpectrumBins>& values) {
  std::array<float, 4> sums{};
  for (size_t k = 0; k + 4 <= kSpectrumBins; k += 4) {
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += values[k + lane];
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + values.back();
}

// Of the noise tracker, as published: the SNR of speech where it is present,
// 15 dB, and the smoothing per hop (0.8 and 0.9 for 16 ms there).
constexpr float kPresentSnr = 31.6227766F;
constexpr float kNoiseSmoothing = 0.87F;
constexpr float kPresenceSmoothing = 0.93F;

constexpr float kLog2E = 1.44269504F;

// Tuned over the conditions of tests/quality: the weight of the last hop in the
// prior SNR; its least value, -25 dB; the share of the tracked noise that is
// taken away, as more costs the voice more than it takes from the noise.
constexpr float kDecision = 0.93F;
constexpr float kLeastPrior = 0.003162F;
constexpr float kNoiseShare = 0.85F;
// The mean of noise over the minimum of its smoothed power: 4.8 dB.
constexpr float kMeanOverLeast = 3.0F;
constexpr float kMostPosterior = 1e6F;
// What the mean over the bins of power over noise exceeds when there is speech.
constexpr float kQuietMean = 1.3F;
constexpr float kQuietRange = 0.4F;
// Where the gain is no longer applied, and from how far below it is less so:
// mu-law itself is no better.
constexpr float kCleanSnrDb = 33.5F;
constexpr float kCleanRangeDb = 8.0F;

}  // namespace

Denoiser::Denoiser(const Config& config) : config_(config) {
  floor_log2_ = config.strength == Strength::kLight ? -12 * 0.166096405F
                                                    : -24 * 0.166096405F;
  Reset();
}

void Denoiser::Reset() {
  past_.fill(0);
  tail_.fill(0);
  noise_.fill(kLeastNoise);
  presence_.fill(0);
  voice_.fill(0);
  quietest_.fill(0);
  quietest_before_.fill(0);
  smooth_.fill(kLeastNoise);
  loudest_ = 0;
  quiet_ = 1e30F;
  spoken_ = 0;
  hops_ = 0;
}

void Denoiser::Process(std::span<int16_t> frame) {
  TL_CHECK(frame.size() == kFrameSamples);
  ProcessHop(frame.first<kHop>());
  ProcessHop(frame.last<kHop>());
}

void Denoiser::ProcessHop(std::span<int16_t, kHop> samples) {
  std::copy(past_.begin() + kHop, past_.end(), past_.begin());
  for (size_t n = 0; n < kHop; ++n) {
    past_[kTop + n] = static_cast<float>(samples[n]);
  }
  if (config_.strength == Strength::kOff) {
    for (size_t n = 0; n < kHop; ++n) {
      samples[n] = static_cast<int16_t>(past_[kTop - kHop + n]);
    }
    return;
  }

  std::array<float, kSpectrumSamples> windowed;
  for (size_t n = 0; n < windowed.size(); ++n) {
    windowed[n] = past_[n] * kAnalysis[n];
  }
  Spectrum spectrum;
  Transform(windowed, spectrum);
  Bins power;
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    power[k] =
        spectrum.re[k] * spectrum.re[k] + spectrum.im[k] * spectrum.im[k];
  }
  TrackNoise(power);
  Bins gains;
  FindGains(power, gains);
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    spectrum.re[k] *= gains[k];
    spectrum.im[k] *= gains[k];
  }
  TransformBack(spectrum, windowed);
  for (size_t n = 0; n < kHop; ++n) {
    const float out = tail_[n] + windowed[kTop - kHop + n] * kSynthesis[n];
    tail_[n] = windowed[kTop + n] * kSynthesis[kHop + n];
    const float bounded = std::clamp(out, -32768.0F, 32767.0F);
    samples[n] = static_cast<int16_t>(bounded + (bounded < 0 ? -0.5F : 0.5F));
  }
}

void Denoiser::TrackNoise(const Bins& power) {
  // The minimum of the smoothed power over the last one to two windows is a
  // second, slower opinion: it lets the noise rise at last where the
  // probability of speech says that it is all speech.
  if (hops_ % kWindowHops == 0) {
    quietest_before_ = hops_ == 0 ? power : quietest_;
    quietest_ = smooth_;
    if (hops_ == 0) {
      quietest_ = power;
      smooth_ = power;
    }
  }
  hops_ = hops_ + 1 == 2 * kWindowHops ? kWindowHops : hops_ + 1;
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    const float noise = noise_[k];
    const float exponent =
        power[k] / noise * (kPresentSnr / (1 + kPresentSnr)) * kLog2E;
    const float likely = 1 / (1 + (1 + kPresentSnr) * Exp2(-exponent));
    const float presence =
        kPresenceSmoothing * presence_[k] + (1 - kPresenceSmoothing) * likely;
    presence_[k] = presence;
    // As published: a bin cannot take all to be speech for ever.
    const float most = presence > 0.99F ? 0.99F : 1.0F;
    const float probability = std::min(likely, most);
    const float estimate = probability * noise + (1 - probability) * power[k];
    const float tracked =
        kNoiseSmoothing * noise + (1 - kNoiseSmoothing) * estimate;
    const float smooth = 0.85F * smooth_[k] + 0.15F * power[k];
    smooth_[k] = smooth;
    const float quietest = std::min(quietest_[k], smooth);
    quietest_[k] = quietest;
    const float least = std::min(quietest, quietest_before_[k]);
    // 6 dB above the minimum it may still rise by 26 dB/s, no faster: that is
    // a vowel. The minimum of smoothed noise lies some 5 dB below its mean.
    const float risen = std::min(tracked, std::max(noise * 1.03F, least * 4));
    noise_[k] = std::max(std::max(risen, least * 0.3F), kLeastNoise);
  }
}

// How much of the gain is applied, [0, 1]: a line whose speech lies far above
// its noise is better left alone.
float Denoiser::FindAmount(const Bins& power) {
  Bins least;
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    least[k] = std::max(std::min(quietest_[k], quietest_before_[k]),
                        kLeastNoise / kMeanOverLeast);
  }
  const float power_sum = Sum(power);
  const float noise_sum = Sum(least);
  // Sinks by 0.4 dB/s.
  loudest_ = std::max(loudest_ * 0.999F, power_sum);
  // A sentence without a pause lifts even the minimum: it may rise by 2.5 dB/s.
  quiet_ = std::min(kMeanOverLeast * noise_sum, quiet_ * 1.0058F);
  const float snr_db = PowerToDb(loudest_ / quiet_);
  return std::clamp((kCleanSnrDb - snr_db) / kCleanRangeDb, 0.0F, 1.0F);
}

void Denoiser::FindGains(const Bins& power, Bins& gains) {
  const float amount = FindAmount(power);
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    gains[k] = std::min(power[k] / noise_[k], kMostPosterior);
  }
  // Of noise alone the mean is one. Speech counts at once, and for some hops
  // after it so that words end softly.
  const float mean = Sum(gains) / static_cast<float>(kSpectrumBins);
  spoken_ = std::max(std::clamp((mean - kQuietMean) / kQuietRange, 0.0F, 1.0F),
                     spoken_ * 0.9F);
  // Three loops: the first and the last are SIMD, the table's is not.
  Bins present;
  Bins wiener_log2;
  Bins step;
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    const float posterior = gains[k] / kNoiseShare;
    const float prior =
        std::max(kDecision * voice_[k] / (noise_[k] * kNoiseShare) +
                     (1 - kDecision) * std::max(posterior - 1, 0.0F),
                 kLeastPrior);
    const float wiener = prior / (1 + prior);
    const float v = wiener * posterior;
    const float absent = (1 + prior) * Exp2(-v * kLog2E);
    present[k] = spoken_ / (1 + absent);
    wiener_log2[k] = Log2(wiener);
    step[k] = LogSpectralStep(v);
  }
  for (float& value : step) value = LogSpectralAt(value);
  for (size_t k = 0; k < kSpectrumBins; ++k) {
    const float wanted_log2 = std::min(wiener_log2[k] + step[k], 0.0F);
    const float drawn =
        present[k] * wanted_log2 + (1 - present[k]) * floor_log2_;
    gains[k] = Exp2(amount * std::max(drawn, floor_log2_));
    const float wanted = Exp2(wanted_log2);
    voice_[k] = wanted * wanted * power[k];
  }
}

}  // namespace trunkline::audio
