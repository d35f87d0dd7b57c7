#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// What a caller hears when a call ends and nobody can say so: three soft notes
// that fall (G4, E4, C4), 720 ms in all, at -18 dB below a full-scale sine,
// each rising within 30 ms and dying away over 120 ms along a quarter of a
// sine, so that nothing clicks.
//
// Integer arithmetic; the samples do not depend on how they are asked for.
// Allocates nothing.
class FarewellTones {
 public:
  static constexpr size_t kNotes = 3;
  static constexpr int kNoteMs = 240;

  // Precondition: `sample_rate_hz` is 8000, 16000, 24000 or 48000.
  explicit FarewellTones(int sample_rate_hz);

  // Writes the next samples; returns how many, 0 once all have been written.
  size_t Generate(std::span<int16_t> out);

  // How many there are in all.
  size_t total_samples() const { return note_samples_ * kNotes; }

 private:
  size_t note_samples_;
  // What a sample adds to the phase, note by note; 2^32 is a whole turn.
  std::array<uint32_t, kNotes> steps_;
  size_t position_ = 0;
  uint32_t phase_ = 0;
};

// What says to a caller who waits that the line is not dead: a soft note (A4,
// 440 Hz) of 300 ms every 2 s, at -28 dB below a full-scale sine, rising within
// 60 ms and dying away over 240 ms likewise.
//
// Integer arithmetic; the samples do not depend on how they are asked for.
// Allocates nothing.
class WaitingTone {
 public:
  static constexpr int kPeriodMs = 2000;
  static constexpr int kNoteMs = 300;

  // Precondition: `sample_rate_hz` is 8000, 16000, 24000 or 48000.
  explicit WaitingTone(int sample_rate_hz);

  // Writes the next samples, without end.
  void Generate(std::span<int16_t> out);
  // From the beginning of a note.
  void Reset() { position_ = 0; }

 private:
  size_t samples_per_ms_;
  uint32_t step_;
  size_t position_ = 0;  // in the period
};

}  // namespace trunkline::audio
