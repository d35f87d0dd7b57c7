#include "audio/echo_guard.h"

#include <algorithm>

#include "audio/constexpr_math.h"
#include "audio/decibels.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// Levels are logarithms to base 2 of powers: a dB is a third of one.
constexpr float kDb = 0.332192809F;

constexpr auto kWindow = [] {
  std::array<float, kSpectrumSamples> window{};
  for (size_t n = 0; n < window.size(); ++n) {
    const double half =
        SinPi((static_cast<double>(n) + 0.5) / kSpectrumSamples);
    window[n] = static_cast<float>(half * half);
  }
  return window;
}();

// First bins of the bands, 31.25 Hz each, and the end of the last: 125 Hz to
// 3.75 kHz, about as wide as critical bands, the lowest no less than 3 bins.
constexpr std::array<size_t, 17> kEdges = {4,  7,  10, 13, 16, 20, 24,  28, 33,
                                           39, 46, 54, 63, 74, 87, 102, 120};

// The power in a bin that white noise of 4 steps of S16 has, some -78 dBFS: no
// band is taken to be quieter. 96 is the sum of the squares of the window.
constexpr float kLeastBinPower = 96 * 4 * 4;
constexpr float kLeast = Log2(kLeastBinPower);

// Something is played when a band lies as far above the least level.
constexpr float kActive = 15 * kDb;
// The caller's noise is the least smoothed level of this window and the one
// before: 1.2 to 2.4 s. It lies some 4 dB below the noise's mean.
constexpr int kNoiseWindowFrames = 60;
constexpr float kLevelSmoothing = 0.3F;

constexpr float kMeanSmoothing = 0.02F;    // 1 s
constexpr float kForget = 1 - 1.0F / 150;  // 3 s
// The correlation that is an echo: two talkers reach 0.6 within a second and
// 0.35 over three. Linear in the frames that are remembered.
constexpr float kFoundAtFirst = 0.6F;
constexpr float kFoundFall = 0.0025F;
constexpr float kFoundAtLast = 0.25F;
// As squares: over all delays that are no part of the same peak, and over the
// delay so far.
constexpr int kPeakFrames = 5;
constexpr float kDistinct = 1.6F;
constexpr float kBetter = 1.2F;
// What noise alone does not exceed often.
constexpr float kRest = 6 * kDb;
// Changes count up to here, so that an onset is not all there is.
constexpr float kMostChange = 12 * kDb;
// Sum of squared changes that a correlation needs: 0.4 s of 6 dB in each band.
constexpr float kEnough = 20 * 16 * (6 * kDb) * (6 * kDb);

// How fast the coupling follows, a share of the way for each frame, also with a
// voice over the echo; the most of the way that counts; the square of the
// correlation that shows an echo; and within what the coupling stays.
constexpr float kLearnt = 0.05F;
constexpr float kLearntUnderVoice = 0.02F;
constexpr float kMostStep = 10 * kDb;
constexpr float kShown = 0.06F;
constexpr float kLeastCoupling = -60 * kDb;
constexpr float kMostCoupling = 6 * kDb;

// The loudest of neighbouring frames over one of them, on average.
constexpr float kSourceOverMeanDb = 4.0F;

// Frames until what was learnt counts, and what no echo falls below: one that
// is as loud as what was played is another voice.
constexpr int kLearntFrames = 25;
constexpr float kLeastLossDb = 3.0F;
// An echo that is not known yet is at most this loud: with kSourceOverMeanDb
// less than a loss of 18 dB.
constexpr float kPriorCoupling = -24 * kDb;
// How far echo and noise reach above what is expected of them.
constexpr float kEchoMargin = 8 * kDb;
constexpr float kNoiseMargin = 9 * kDb;
// Mean excess that is a voice.
constexpr float kNearDb = 1.0F;
// A clear one, and what its frames weigh in the correlation.
constexpr float kVoiceDb = 2.0F;
constexpr float kVoiceWeight = 0.2F;

}  // namespace

EchoGuard::EchoGuard() { Reset(); }

void EchoGuard::Reset() {
  const std::array<int16_t, kFrameSamples> silence{};
  played_past_.fill(0);
  caller_past_.fill(0);
  const Levels least = LevelsOf(silence, played_past_);
  played_.fill(least);
  newest_ = 0;
  since_played_ = static_cast<int>(kDelays);
  smoothed_ = least;
  least_ = least;
  least_before_ = least;
  noise_ = least;
  noise_frames_ = -1;
  played_mean_ = least;
  caller_mean_ = least;
  still_frames_ = 0;
  excess_db_ = 0;
  ForgetEcho();
}

void EchoGuard::ForgetEcho() {
  cross_.fill(0);
  played_power_.fill(0);
  caller_power_ = 0;
  evidence_frames_ = 0;
  delay_ = kUnknownDelay;
  correlation_ = 0;
  coupling_.fill(kPriorCoupling);
  learnt_frames_ = 0;
}

float EchoGuard::LossDb() const {
  float sum = 0;
  for (const float coupling : coupling_) sum += coupling;
  return -sum / (kBands * kDb) - kSourceOverMeanDb;
}

EchoGuard::Levels EchoGuard::LevelsOf(std::span<const int16_t> frame,
                                      Overlap& past) {
  std::array<float, kSpectrumSamples> windowed;
  for (size_t n = 0; n < kOverlap; ++n) {
    windowed[n] = static_cast<float>(past[n]) * kWindow[n];
  }
  for (size_t n = 0; n < kFrameSamples; ++n) {
    windowed[kOverlap + n] =
        static_cast<float>(frame[n]) * kWindow[kOverlap + n];
  }
  std::copy(frame.end() - kOverlap, frame.end(), past.begin());
  Spectrum spectrum;
  Transform(windowed, spectrum);
  Levels levels;
  for (size_t band = 0; band < kBands; ++band) {
    float sum = 0;
    for (size_t k = kEdges[band]; k < kEdges[band + 1]; ++k) {
      sum += spectrum.re[k] * spectrum.re[k] + spectrum.im[k] * spectrum.im[k];
    }
    const auto bins = static_cast<float>(kEdges[band + 1] - kEdges[band]);
    levels[band] = sum / bins + kLeastBinPower;
  }
  for (float& level : levels) level = Log2(level);
  return levels;
}

const EchoGuard::Levels& EchoGuard::PlayedBefore(size_t frames) const {
  return played_[(newest_ + kDelays - frames) % kDelays];
}

EchoGuard::Result EchoGuard::Process(std::span<const int16_t> played,
                                     std::span<const int16_t> caller) {
  TL_CHECK(played.size() == kFrameSamples);
  TL_CHECK(caller.size() == kFrameSamples);
  newest_ = (newest_ + 1) % kDelays;
  played_[newest_] = LevelsOf(played, played_past_);
  const Levels heard = LevelsOf(caller, caller_past_);
  TrackNoise(heard);

  const bool active =
      std::any_of(played_[newest_].begin(), played_[newest_].end(),
                  [](float level) { return level > kLeast + kActive; });
  since_played_ =
      active ? 0 : std::min(since_played_ + 1, static_cast<int>(kDelays));
  Result result;
  if (since_played_ < static_cast<int>(kDelays)) {
    Correlate(heard);
    FindDelay();
    const Levels source = EchoSource();
    excess_db_ = Compare(heard, source);
    Learn(heard, source);
    if (learnt_frames_ >= kLearntFrames && LossDb() < kLeastLossDb) {
      // Two voices that kept time by chance.
      ForgetEcho();
    }
    result.excess_db = excess_db_;
    result.explained = excess_db_ < kNearDb;
  }
  if (delay_ != kUnknownDelay) {
    result.delay_ms = delay_ * kFrameMs;
    result.loss_db = LossDb();
  }
  return result;
}

void EchoGuard::Skip(std::span<const int16_t> caller) {
  TL_CHECK(idle() && caller.size() == kFrameSamples);
  // The ring has silence alone, and stays as it is.
  std::copy(caller.end() - kOverlap, caller.end(), caller_past_.begin());
}

void EchoGuard::TrackNoise(const Levels& caller) {
  if (noise_frames_ == kNoiseWindowFrames) {
    noise_frames_ = 0;
    least_before_ = least_;
    least_ = smoothed_;
  }
  // The first frame of all.
  if (noise_frames_ < 0) {
    smoothed_ = caller;
    least_ = caller;
    least_before_ = caller;
    noise_frames_ = 0;
  }
  ++noise_frames_;
  for (size_t band = 0; band < kBands; ++band) {
    smoothed_[band] += kLevelSmoothing * (caller[band] - smoothed_[band]);
    least_[band] = std::min(least_[band], smoothed_[band]);
    noise_[band] = std::min(least_[band], least_before_[band]);
  }
}

// Only while an echo may come: silence would make the past forgotten.
void EchoGuard::Correlate(const Levels& caller) {
  // A voice over a known echo says little about the delay.
  const float weight =
      delay_ != kUnknownDelay && excess_db_ > kVoiceDb ? kVoiceWeight : 1;
  if (evidence_frames_ == 0) {
    // Between silence and speech, and at rest.
    for (size_t band = 0; band < kBands; ++band) {
      played_mean_[band] += 0.5F * (PlayedBefore(0)[band] - played_mean_[band]);
      caller_mean_[band] = noise_[band] + kRest;
    }
  }
  evidence_frames_ = kForget * evidence_frames_ + weight;
  Levels change;
  float power = 0;
  for (size_t band = 0; band < kBands; ++band) {
    // What is below the noise does not change.
    const float level = std::max(caller[band], noise_[band] + kRest);
    const float apart = level - caller_mean_[band];
    caller_mean_[band] += kMeanSmoothing * apart;
    played_mean_[band] +=
        kMeanSmoothing * (PlayedBefore(0)[band] - played_mean_[band]);
    change[band] = std::clamp(apart, -kMostChange, kMostChange);
    power += change[band] * change[band];
  }
  caller_power_ = kForget * caller_power_ + weight * power;
  for (size_t frames = 0; frames < kDelays; ++frames) {
    const Levels& played = PlayedBefore(frames);
    // Four sums side by side: one SIMD register, and one order in all builds.
    std::array<float, 4> cross{};
    std::array<float, 4> square{};
    for (size_t band = 0; band < kBands; band += 4) {
      for (size_t lane = 0; lane < 4; ++lane) {
        const float before =
            std::clamp(played[band + lane] - played_mean_[band + lane],
                       -kMostChange, kMostChange);
        cross[lane] += change[band + lane] * before;
        square[lane] += before * before;
      }
    }
    cross_[frames] = kForget * cross_[frames] +
                     weight * ((cross[0] + cross[1]) + (cross[2] + cross[3]));
    played_power_[frames] =
        kForget * played_power_[frames] +
        weight * ((square[0] + square[1]) + (square[2] + square[3]));
  }
}

void EchoGuard::FindDelay() {
  if (caller_power_ < kEnough) return;
  // Squares of correlations, 0 for negative ones: they need no root.
  std::array<float, kDelays> squares{};
  for (size_t frames = 0; frames < kDelays; ++frames) {
    if (cross_[frames] <= 0 || played_power_[frames] < kEnough) continue;
    squares[frames] = cross_[frames] * cross_[frames] /
                      (played_power_[frames] * caller_power_);
  }
  const auto best = static_cast<int>(
      std::max_element(squares.begin(), squares.end()) - squares.begin());
  const float most = squares[static_cast<size_t>(best)];
  float elsewhere = 0;
  for (int frames = 0; frames < static_cast<int>(kDelays); ++frames) {
    if (frames >= best - kPeakFrames && frames <= best + kPeakFrames) continue;
    elsewhere = std::max(elsewhere, squares[static_cast<size_t>(frames)]);
  }
  const float least =
      std::max(kFoundAtFirst - kFoundFall * evidence_frames_, kFoundAtLast);
  const float current =
      delay_ == kUnknownDelay ? 0 : squares[static_cast<size_t>(delay_)];
  correlation_ = current;
  if (best == delay_ || most < least * least || most < kDistinct * elsewhere ||
      most < kBetter * current) {
    return;
  }
  const bool moved =
      delay_ == kUnknownDelay || best < delay_ - 1 || best > delay_ + 1;
  if (moved) learnt_frames_ = 0;
  delay_ = best;
  correlation_ = most;
}

// What the echo of this frame may have come from.
EchoGuard::Levels EchoGuard::EchoSource() const {
  size_t first = 0;
  size_t last = kDelays - 1;
  if (delay_ != kUnknownDelay) {
    // The delay is no multiple of a frame, and rooms hold on.
    first = static_cast<size_t>(std::max(delay_ - 1, 0));
    last = std::min(static_cast<size_t>(delay_) + 2, kDelays - 1);
  }
  Levels source = PlayedBefore(first);
  for (size_t frames = first + 1; frames <= last; ++frames) {
    const Levels& played = PlayedBefore(frames);
    for (size_t band = 0; band < kBands; ++band) {
      source[band] = std::max(source[band], played[band]);
    }
  }
  return source;
}

float EchoGuard::Compare(const Levels& caller, const Levels& source) const {
  float excess = 0;
  for (size_t band = 0; band < kBands; ++band) {
    const float expected =
        std::max(source[band] + coupling_[band] + kEchoMargin,
                 noise_[band] + kNoiseMargin);
    excess += std::max(caller[band] - expected, 0.0F);
  }
  return excess / (kBands * kDb);
}

void EchoGuard::Learn(const Levels& caller, const Levels& source) {
  const bool found = delay_ != kUnknownDelay;
  float audible_bands = 0;
  float source_bands = 0;
  for (size_t band = 0; band < kBands; ++band) {
    audible_bands += caller[band] > noise_[band] + kNoiseMargin ? 1.0F : 0.0F;
    source_bands += source[band] > kLeast + kActive ? 1.0F : 0.0F;
  }
  if (source_bands < kBands / 2.0F) return;
  // Noise reaches above its margin in a band or two.
  still_frames_ = audible_bands > 4 ? 0 : std::min(still_frames_ + 1, 1000);
  learnt_frames_ = std::min(learnt_frames_ + 1, 1000);
  const float fast =
      std::max(1.0F / static_cast<float>(learnt_frames_ + 2), kLearnt);
  // Upwards only with an echo that shows; with a voice over it slowly, so that
  // an echo that has grown is not taken for a voice for ever. Downwards, before
  // the delay is known, only when no delay at all can explain the stillness.
  float up = 0;
  float down = fast;
  if (!found) {
    down = still_frames_ > static_cast<int>(kDelays) ? kLearnt : 0;
  } else if (learnt_frames_ < kLearntFrames) {
    up = fast;
  } else if (correlation_ > kShown) {
    up = excess_db_ < kNearDb ? fast : kLearntUnderVoice;
  }
  for (size_t band = 0; band < kBands; ++band) {
    if (source[band] < kLeast + kActive) continue;
    // Where there is only noise, an echo that was not found yet may be anything
    // below it: it takes long to find, and must not stand out when it is.
    const float heard =
        found ? caller[band] : std::max(caller[band], noise_[band] + kRest);
    const float apart = heard - (source[band] + coupling_[band]);
    const bool audible = caller[band] > noise_[band] + kRest;
    if (apart > 0 && !audible) continue;
    coupling_[band] += apart > 0 ? up * std::min(apart, kMostStep)
                                 : down * std::max(apart, -kMostStep);
    coupling_[band] =
        std::clamp(coupling_[band], kLeastCoupling, kMostCoupling);
  }
}

}  // namespace trunkline::audio
