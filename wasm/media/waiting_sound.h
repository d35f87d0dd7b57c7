#pragma once

#include <cstdint>
#include <span>

#include "audio/melody.h"
#include "audio/tones.h"

namespace trunkline::media {

// What a caller who waits is to hear.
enum class Waiting : uint8_t { kSilence, kTone, kMelody };

// The sound of it, without end. A melody goes on where it was left; a tone
// begins with its note.
class WaitingSound {
 public:
  WaitingSound(Waiting waiting, int sample_rate_hz)
      : waiting_(waiting), tone_(sample_rate_hz), melody_(sample_rate_hz) {}

  // Whether there is any.
  bool exists() const { return waiting_ != Waiting::kSilence; }
  void Begin() { tone_.Reset(); }
  // Precondition: exists().
  void Generate(std::span<int16_t> out) {
    if (waiting_ == Waiting::kTone) {
      tone_.Generate(out);
    } else {
      melody_.Generate(out);
    }
  }

 private:
  const Waiting waiting_;
  audio::WaitingTone tone_;
  audio::Melody melody_;
};

}  // namespace trunkline::media
