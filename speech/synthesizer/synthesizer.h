#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "speech/synthesizer/flite_voice.h"
#include "speech/synthesizer/spoken_text.h"
#include "speech/tl_synthesizer.h"

namespace trunkline::speech {

// Speaks a text stretch by stretch: tl_synthesizer.h, but for its pointers.
class Synthesizer {
 public:
  uint32_t rate_hz() const { return voice_.rate_hz(); }

  // Begins `text`, of at most TL_SYNTHESIZER_MAX_TEXT_BYTES, and forgets what
  // is left of the one before. `pace` in percent, in the header's range.
  // Returns the number of words, or nothing and has no text when one of them
  // is out of range.
  int32_t Begin(std::string_view text, uint32_t pace);

  // What is left of the silence that a voice begins with, ms: somebody waits.
  // Behind it, the first sound has room to rise.
  static constexpr uint32_t kLeadMs = 30;

  // Speaks the next stretch; returns its samples, 0 after the last.
  size_t Next();

  // Of the last stretch.
  std::span<const int16_t> samples() const { return samples_; }
  std::span<const tl_synthesizer_word> words() const { return spoken_; }

 private:
  FliteVoice voice_;
  std::vector<Word> words_;
  std::vector<Piece> pieces_;
  uint32_t pace_ = 100;
  // Of the pieces.
  size_t next_ = 0;
  uint32_t spoken_samples_ = 0;
  std::span<const int16_t> samples_;
  std::vector<tl_synthesizer_word> spoken_;
};

}  // namespace trunkline::speech
