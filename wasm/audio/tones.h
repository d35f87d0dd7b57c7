#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// What a caller hears when a call ends and nobody can say so: three notes that
// fall (G4, E4, C4), 240 ms each, at -18 dBFS, each rising and sinking softly.
class FarewellTones {
 public:
  static constexpr int kNotes = 3;
  static constexpr int kNoteMs = 240;

  // `sample_rate_hz`: 8000, 16000, 24000 or 48000.
  explicit FarewellTones(int sample_rate_hz);

  // Writes the next samples; returns how many, 0 when all have been written.
  size_t Generate(std::span<int16_t> out);

 private:
  size_t note_samples_;
  uint32_t steps_[kNotes];
  size_t position_ = 0;
  uint32_t phase_ = 0;
};

}  // namespace trunkline::audio
