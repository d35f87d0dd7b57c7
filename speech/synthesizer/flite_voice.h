#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "speech/synthesizer/spoken_text.h"

// The voice: the only file that knows flite. One voice is linked, by
// TRUNKLINE_SPEECH_VOICE.

namespace trunkline::speech {

// When a word is spoken, samples from the beginning of the stretch, [from, to).
struct WordTime {
  uint32_t word = 0;
  uint32_t from_sample = 0;
  uint32_t to_sample = 0;
};

class FliteVoice {
 public:
  FliteVoice();
  FliteVoice(const FliteVoice&) = delete;
  FliteVoice& operator=(const FliteVoice&) = delete;
  ~FliteVoice();

  // 8000 or 16000.
  uint32_t rate_hz() const;

  // Speaks `pieces` as one utterance, `pace` percent as fast as the voice does
  // by itself. What was spoken before has no influence. Leaves nothing when
  // nothing of them can be read.
  void Speak(std::span<const Piece> pieces, uint32_t pace);

  // Of the last utterance.
  std::span<const int16_t> samples() const { return samples_; }
  // Ascending; words of which nothing is heard are left out.
  std::span<const WordTime> word_times() const { return word_times_; }

 private:
  struct Impl;
  Impl* impl_;
  std::vector<int16_t> samples_;
  std::vector<WordTime> word_times_;
};

}  // namespace trunkline::speech
