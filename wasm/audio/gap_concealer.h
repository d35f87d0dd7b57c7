#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/comfort_noise.h"

namespace trunkline::audio {

// Fills what a line lost with what it would likely have gone on with.
//
// Good samples pass as they are. When some are lost, the last pitch period of
// what was heard is repeated, its ends faded into each other: the idea of ITU-T
// G.711 Appendix I, without its delay of 3.75 ms. The step from the last good
// sample to the first repeated one is taken back over 2 ms instead. After 20 ms
// the repetition sinks until, 80 ms after the beginning, only the line's own
// noise is left; where nothing but that noise was heard, it sets in within
// 10 ms. What hardly repeats itself comes up to 3 dB quieter. The first 5 ms
// after a gap are faded over to; that is the only change of good samples.
//
// What is put in is never louder than what was heard last: no sample is beyond
// the peak of the 40 ms before the gap, the noise not above their level.
//
// Any split of the input gives the same samples. Plain arithmetic without a
// library: every build gives the same. Adds no delay. Allocates nothing; 2.5
// KB; trivially copyable, and a copy goes on with the same samples.
class GapConcealer {
 public:
  // 8000 or 16000.
  explicit GapConcealer(int sample_rate_hz);

  // The next samples of the line, any number; changed in place after a gap.
  void Good(std::span<int16_t> frame);
  // Writes what stands in for the next samples, any number, which are lost.
  void Lost(std::span<int16_t> out);
  // As constructed.
  void Reset();

 private:
  static constexpr size_t kMaxHistory = 640;  // 40 ms at 16 kHz
  static constexpr size_t kMaxPeriod = 240;   // 15 ms at 16 kHz

  enum class State : uint8_t {
    kGood,
    kLost,
    kReturning,  // good samples come and are faded over to
  };

  struct Period {
    size_t samples = 0;
    // The normalised correlation of the last 6 ms with what was a period
    // earlier, [0, 1].
    float likeness = 1;
  };

  void BeginLoss();
  Period FindPeriod(int peak) const;
  void TakePeriod(size_t period, float gain);
  // The next sample of what stands in.
  float NextConcealed();
  void Remember(std::span<const int16_t> samples);

  size_t Samples(int ms) const { return static_cast<size_t>(ms) * per_ms_; }
  std::span<const int16_t> history() const {
    return std::span(history_).first(history_samples_);
  }

  size_t per_ms_;
  size_t history_samples_;
  ComfortNoise noise_;
  State state_ = State::kGood;
  // Good samples in a row that the noise has not learnt yet.
  size_t unlearnt_ = 0;
  // What was put out, the last sample at the end of the history.
  std::array<int16_t, kMaxHistory> history_{};

  // Of the gap: the period and where in it the next sample is; samples since
  // the gap began, and since it ended; the bounds in samples of the sinking.
  std::array<float, kMaxPeriod> period_{};
  size_t period_samples_ = 0;
  size_t at_ = 0;
  size_t lost_ = 0;
  size_t returned_ = 0;
  size_t hold_ = 0;
  size_t gone_ = 0;
  // What the first sample misses, and no sample may exceed.
  float step_ = 0;
  float peak_ = 0;
};

}  // namespace trunkline::audio
