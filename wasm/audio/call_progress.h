#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Whose tones a caller knows.
enum class TonePlan {
  kUs,      // the precise tone plan of North America (ANSI T1.401)
  kUk,      // BT SIN 350
  kEurope,  // 425 Hz with the harmonised cadences (ETSI TR 101 041, E.180)
};

enum class CallSignal {
  kDial,
  kRingback,
  kBusy,
  kCongestion,          // "reorder" in the US
  kSpecialInformation,  // 950, 1400, 1800 Hz, then 1 s of silence: E.180
  kComfort,             // "please wait": two soft notes every 4 s, in all plans
  kBeep,                // 1 kHz for 300 ms, every 15 s, in all plans
};

// How often a cadence is heard.
enum class Cadence {
  kEndless,
  // One round, less the pause at its end. The dial tone lasts 3 s.
  kOnce,
};

// Call-progress tones: one or two sines in a cadence, rising and falling within
// 5 ms (the notes of kComfort within 40 ms) along a quarter of a sine.
//
// Levels are -13 dBm0 in all, where 0 dBm0 is 3.14 dB below a full-scale sine:
// E.180's -10 dBm0 less 3, since what follows it is a voice. The US plan has
// its own: -13, -19 and -24 dBm0 for each sine. Durations are the plans'
// nominal ones, to the sample.
//
// Integer arithmetic; the samples do not depend on how they are asked for.
// Allocates nothing; a copy goes on with the same samples. 32 bytes.
class CallProgressTone {
 public:
  struct Config {
    CallSignal signal = CallSignal::kRingback;
    TonePlan plan = TonePlan::kUs;
    Cadence cadence = Cadence::kEndless;
    int sample_rate_hz = 8000;  // 8000, 16000, 24000 or 48000
  };

  explicit CallProgressTone(const Config& config);

  // Writes the next samples; returns how many: all of `out` unless the end has
  // been reached.
  size_t Generate(std::span<int16_t> out);
  // Ends within the next 5 ms, whatever is heard now.
  void Stop();
  // As constructed.
  void Reset();

 private:
  struct Pattern;
  static const Pattern& PatternOf(CallSignal signal, TonePlan plan);

  // Writes samples of one part of the cadence; returns how many.
  size_t GeneratePart(std::span<int16_t> out);

  const Pattern* pattern_;
  Cadence cadence_;
  uint32_t samples_per_ms_;
  uint32_t part_ = 0;      // of the pattern; its number of parts: at the end
  uint32_t stopping_ = 0;  // samples still to come; kNotStopping
  // Of the part. Counts on without end in a tone that has no cadence.
  uint64_t within_ = 0;
};

}  // namespace trunkline::audio
