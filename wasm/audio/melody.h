#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Music on hold for want of any other: four soft voices (bass, two of chords, a
// tune) over sixteen bars at 80 beats a minute, 48 s until it repeats. About
// -26 dBFS (0 is a full-scale square wave), never above -15; all below 3.4 kHz.
//
// A voice is a parabola's arches, a sine with 3.7 % of its third harmonic;
// every note begins and ends in silence, so that nothing clicks.
//
// Integer arithmetic; the samples do not depend on how they are asked for.
// Allocates nothing; a copy goes on with the same samples. 12 bytes.
class Melody {
 public:
  // Precondition: `sample_rate_hz` is 8000, 16000, 24000 or 48000.
  explicit Melody(int sample_rate_hz);

  // Writes the next samples, without end.
  void Generate(std::span<int16_t> out);
  // From the beginning.
  void Reset() { position_ = 0; }

  // How many samples there are until it repeats.
  size_t period_samples() const;

 private:
  uint32_t sample_rate_hz_;
  uint32_t block_samples_;
  uint32_t position_ = 0;  // < period_samples()
};

}  // namespace trunkline::audio
