#include "audio/speech_features.h"

#include <algorithm>

#include "audio/constexpr_math.h"
#include "audio/decibels.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// Powers are logarithms to base 2, where 0 is a full-scale square wave: a unit
// is 3 dB.

constexpr size_t kSamples = kSpectrumSamples;
// The first bin of each band and the one after the last: 94 to 3812 Hz, twice
// the bin's 31 Hz wide below 350 Hz and a sixth of the frequency above 1 kHz.
constexpr std::array<uint8_t, SpeechFeatures::kBands + 1> kEdges = {
    3, 5, 7, 9, 11, 14, 17, 20, 24, 28, 33, 39, 46, 54, 64, 76, 90, 106, 122};
// The pitch is sought below 2 kHz, where harmonics are strong, and from 80 to
// 400 Hz.
constexpr size_t kPitchBins = 64;
constexpr size_t kShortestLag = 20;
constexpr size_t kLongestLag = 100;
// Power at which a band counts as empty, -80 dBFS: mu-law's own noise on a
// silent line lies around it.
constexpr float kLeast = 1e-8F;
constexpr float kLeastLog2 = -26.575425F;
// Mean square below which nobody speaks, -62 dBFS.
constexpr uint32_t kQuietMeanSquare = 677;
// The loudest frame sinks by 1 dB a second, no further than -36 dBFS: at the
// end of a pause noise would otherwise be the loudest.
constexpr float kLoudestDecay = 0.007F;
constexpr float kLoudestAtLeast = -12;
// The band power whose minimum is the noise follows at this pace per frame.
constexpr float kSmoothing = 0.4F;

// Where the window ends its rise: half a sample short of its last 10 ms.
constexpr size_t kRise = 176;

struct Window {
  std::array<float, kSamples> shape;
  // 1 / the sum of its squares.
  float scale;
  // What the autocorrelation of a constant is divided by it, by lag.
  std::array<float, kLongestLag + 2> overlap;
};

constexpr Window kWindow = [] {
  Window window{};
  std::array<double, kSamples> shape{};
  for (size_t n = 0; n < kSamples; ++n) {
    const double x = static_cast<double>(n) + 0.5;
    // sin^2 up, sin^2 down.
    const double sine = n < kRise
                            ? SinPi(0.5 * x / kRise)
                            : SinPi(0.5 * (kSamples - x) / (kSamples - kRise));
    shape[n] = sine * sine;
    window.shape[n] = static_cast<float>(shape[n]);
  }
  double squares = 0;
  for (const double value : shape) squares += value * value;
  window.scale = static_cast<float>(1 / (squares * 32768 * 32768));
  for (size_t lag = 0; lag < window.overlap.size(); ++lag) {
    double sum = 0;
    for (size_t n = 0; n < kSamples; ++n) {
      sum += shape[n] * shape[(n + lag) % kSamples];
    }
    window.overlap[lag] = static_cast<float>(squares / sum);
  }
  return window;
}();

float Bounded(float feature) {
  return std::min(std::max(feature, -4.0F), 4.0F);
}

struct Pitch {
  float strength = 0;
  float lag = 0;
};

// The largest autocorrelation, 1 for what repeats exactly. `power`, which is
// lost, is that of the bins below kPitchBins, 0 above; `correlation` is room.
Pitch FindPitch(Spectrum& power,
                std::span<float, kSpectrumSamples> correlation) {
  TransformBack(power, correlation);
  Pitch pitch;
  if (!(correlation[0] > 0)) return pitch;
  const float scale = 1 / correlation[0];
  for (size_t lag = kShortestLag; lag <= kLongestLag; ++lag) {
    const float strength = correlation[lag] * scale * kWindow.overlap[lag];
    // A peak: what only falls off from lag 0 is no pitch.
    if (strength > pitch.strength && correlation[lag] >= correlation[lag - 1] &&
        correlation[lag] >= correlation[lag + 1]) {
      pitch = {.strength = strength, .lag = static_cast<float>(lag)};
    }
  }
  return pitch;
}

}  // namespace

SpeechFeatures::SpeechFeatures() { Reset(); }

void SpeechFeatures::Reset() {
  past_.fill(0);
  smooth_.fill(kLeastLog2);
  quietest_.fill(smooth_);
  quietest_before_ = smooth_;
  noise_ = smooth_;
  slot_ = 0;
  slot_frames_ = 0;
  loudest_ = kLoudestAtLeast;
}

SpeechFeatures::Vector SpeechFeatures::Process(std::span<const int16_t> frame,
                                               uint32_t mean_square) {
  TL_CHECK(frame.size() == kFrameSamples);
  Bands bands;
  bands.fill(kLeastLog2);
  float flatness = 0;
  Pitch pitch;
  std::array<float, kSamples> samples;
  std::copy(past_.begin(), past_.end(), samples.begin());
  std::copy(frame.begin(), frame.end(), samples.begin() + kPast);
  std::copy(frame.end() - kPast, frame.end(), past_.begin());
  if (mean_square >= kQuietMeanSquare) {
    for (size_t n = 0; n < kSamples; ++n) samples[n] *= kWindow.shape[n];
    Spectrum power;
    Transform(samples, power);
    for (size_t k = 0; k < kSpectrumBins; ++k) {
      power.re[k] = kWindow.scale *
                    (power.re[k] * power.re[k] + power.im[k] * power.im[k]);
    }
    Bands means;
    for (size_t b = 0; b < kBands; ++b) {
      float sum = 0;
      for (size_t k = kEdges[b]; k < kEdges[b + 1]; ++k) sum += power.re[k];
      means[b] = sum / static_cast<float>(kEdges[b + 1] - kEdges[b]) + kLeast;
    }
    // Loops of their own, so that this one becomes SIMD.
    for (size_t b = 0; b < kBands; ++b) bands[b] = Log2(means[b]);
    float total = 0;
    float logarithms = 0;
    for (size_t b = 0; b < kBands; ++b) {
      total += means[b];
      logarithms += bands[b];
    }
    flatness = logarithms / kBands - Log2(total / kBands);
    std::fill(power.re.begin(), power.re.begin() + kEdges[0], 0.0F);
    std::fill(power.re.begin() + kPitchBins, power.re.end(), 0.0F);
    power.im.fill(0);
    pitch = FindPitch(power, samples);
  }
  TrackNoise(bands);

  constexpr float kFullScaleLog2 = 30;
  const float level =
      Log2(static_cast<float>(mean_square) + 1) - kFullScaleLog2;
  loudest_ = std::max({loudest_ - kLoudestDecay, kLoudestAtLeast, level});
  Vector vector;
  float noise = 0;
  for (size_t b = 0; b < kBands; ++b) {
    // 1 is 12 dB.
    vector[b] = Bounded(0.25F * (bands[b] - noise_[b]));
    noise += noise_[b];
  }
  vector[kBands] = Bounded(0.25F * flatness + 1);
  vector[kBands + 1] = Bounded(2 * pitch.strength - 1);
  vector[kBands + 2] = Bounded(pitch.lag / 50 - 1);
  vector[kBands + 3] = Bounded(0.2F * (level - loudest_) + 1);
  vector[kBands + 4] = Bounded(0.2F * (level + 13));
  vector[kBands + 5] = Bounded(0.2F * (noise / kBands + 20));
  return vector;
}

void SpeechFeatures::Skip(std::span<const int16_t> frame) {
  TL_CHECK(frame.size() == kFrameSamples);
  std::copy(frame.end() - kPast, frame.end(), past_.begin());
  loudest_ -= kLoudestDecay;
}

void SpeechFeatures::TrackNoise(const Bands& bands) {
  if (slot_frames_ == kSlotFrames) {
    slot_frames_ = 0;
    slot_ = (slot_ + 1) % kSlots;
    quietest_[slot_].fill(0);
    quietest_before_ = quietest_[0];
    for (const Bands& quietest : quietest_) {
      for (size_t b = 0; b < kBands; ++b) {
        quietest_before_[b] = std::min(quietest_before_[b], quietest[b]);
      }
    }
  }
  ++slot_frames_;
  Bands& quietest = quietest_[slot_];
  for (size_t b = 0; b < kBands; ++b) {
    smooth_[b] += kSmoothing * (bands[b] - smooth_[b]);
    quietest[b] = std::min(quietest[b], smooth_[b]);
    noise_[b] = std::min(quietest_before_[b], quietest[b]);
  }
}

}  // namespace trunkline::audio
