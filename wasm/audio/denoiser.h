#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/spectrum.h"

namespace trunkline::audio {

// Lowers steady noise under a voice, for those who listen to it. It does not
// make speech more intelligible to a recogniser, so it has no place before one
// nor in a recording.
//
// Every 10 ms a spectrum of the last 32 ms: the noise of each bin is tracked by
// the probability of speech in it (Gerkmann and Hendriks 2012), the gain is
// that of the log-spectral amplitude (Ephraim and Malah 1985) with a
// decision-directed SNR, drawn to the floor by the probability that there is no
// speech (Cohen 2002). Where the voice is some 30 dB above the noise less and
// less is done, and nothing from 34 dB on: a clean line comes out as it is. The
// windows are not symmetric: the analysis sees 32 ms, of which the synthesis
// uses the last 20 ms, so that the output lags by 10 ms only (kDelaySamples).
//
// Plain arithmetic: every build gives the same samples. Not thread-safe.
// Allocates nothing; about 4.5 KB. A copy goes on alike.
class Denoiser {
 public:
  static constexpr int kSampleRateHz = 8000;
  static constexpr size_t kFrameSamples = 160;
  static constexpr int kDelaySamples = 80;

  enum class Strength : uint8_t {
    kOff,     // passes samples on, delayed as the others are
    kLight,   // noise falls by up to 12 dB
    kStrong,  // by up to 24 dB; what little is left sounds less natural
  };

  struct Config {
    Strength strength = Strength::kOff;
  };

  explicit Denoiser(const Config& config);

  // Changes 20 ms of mono S16 in place. Precondition: kFrameSamples samples.
  void Process(std::span<int16_t> frame);
  // As constructed: the past counts as silence, the noise is unknown.
  void Reset();

 private:
  static constexpr size_t kHop = kDelaySamples;

  // A second: no vowel lasts as long in one bin.
  static constexpr int kWindowHops = 100;

  using Bins = std::array<float, kSpectrumBins>;

  void ProcessHop(std::span<int16_t, kHop> samples);
  void TrackNoise(const Bins& power);
  float FindAmount(const Bins& power);
  void FindGains(const Bins& power, Bins& gains);

  Config config_;
  // Below what no gain falls, logarithm to base 2 of the amplitude.
  float floor_log2_;
  std::array<float, kSpectrumSamples> past_{};
  // What the last synthesis window left for the next hop.
  std::array<float, kHop> tail_{};
  Bins noise_{};
  // Smoothed probability of speech.
  Bins presence_{};
  // The last hop's estimate of the voice's power.
  Bins voice_{};
  // The smoothed power, its least of this window and of the one before.
  Bins smooth_{};
  Bins quietest_{};
  Bins quietest_before_{};
  // Powers of the loudest hop, sinking, and of the noise, rising slowly.
  float loudest_ = 0;
  float quiet_ = 0;
  // Whether anything stands out of the noise, [0, 1].
  float spoken_ = 0;
  int hops_ = 0;
};

}  // namespace trunkline::audio
