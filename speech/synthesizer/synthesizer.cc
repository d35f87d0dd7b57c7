#include "speech/synthesizer/synthesizer.h"

#include <algorithm>

namespace trunkline::speech {

int32_t Synthesizer::Begin(std::string_view text, uint32_t pace) {
  words_.clear();
  pieces_.clear();
  next_ = 0;
  spoken_samples_ = 0;
  samples_ = {};
  spoken_.clear();
  if (text.size() > TL_SYNTHESIZER_MAX_TEXT_BYTES ||
      pace < TL_SYNTHESIZER_MIN_PACE || pace > TL_SYNTHESIZER_MAX_PACE) {
    return TL_SYNTHESIZER_ERR_TEXT;
  }
  pace_ = pace;
  words_ = SplitWords(text);
  pieces_ = PiecesOf(text, words_);
  return static_cast<int32_t>(words_.size());
}

size_t Synthesizer::Next() {
  samples_ = {};
  spoken_.clear();
  // A stretch of which nothing can be read is passed over.
  while (next_ < pieces_.size() && samples_.empty()) {
    const std::span<const Piece> left = std::span(pieces_).subspan(next_);
    const size_t count = NextStretch(left);
    next_ += count;
    voice_.Speak(left.first(count), pace_);
    samples_ = voice_.samples();
    const std::span<const WordTime> times = voice_.word_times();
    uint32_t skipped = 0;
    if (spoken_samples_ == 0 && !times.empty()) {
      const uint32_t lead = kLeadMs * rate_hz() / 1000;
      skipped = times[0].from_sample - std::min(times[0].from_sample, lead);
      samples_ = samples_.subspan(skipped);
    }
    for (const WordTime& time : times) {
      spoken_.push_back(
          {.index = time.word,
           .text_begin = words_[time.word].begin,
           .text_end = words_[time.word].end,
           .from_sample = spoken_samples_ + time.from_sample - skipped,
           .to_sample = spoken_samples_ + time.to_sample - skipped});
    }
    spoken_samples_ += static_cast<uint32_t>(samples_.size());
  }
  return samples_.size();
}

}  // namespace trunkline::speech
