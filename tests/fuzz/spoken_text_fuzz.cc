// Any text to speech: every stretch is bounded and has its words, which follow
// each other and are those of the text; and flite's own code, which takes its
// text to be English, keeps within its buffers.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "speech/synthesizer/synthesizer.h"

namespace {

// Above it a run takes too long to try many texts.
constexpr size_t kMostBytes = 48;

trunkline::speech::Synthesizer& Voice() {
  static auto* const kVoice = new trunkline::speech::Synthesizer;
  return *kVoice;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes),
                              std::min(size, kMostBytes));
  trunkline::speech::Synthesizer& voice = Voice();
  const int32_t count = voice.Begin(text, TL_SYNTHESIZER_MAX_PACE);
  TL_CHECK(count >= 0);
  size_t samples = 0;
  uint32_t index = 0;
  uint32_t at = 0;
  while (const size_t stretch = voice.Next()) {
    TL_CHECK(stretch < size_t{10} * voice.rate_hz());
    samples += stretch;
    for (const tl_synthesizer_word& word : voice.words()) {
      TL_CHECK(word.index >= index);
      TL_CHECK(word.index < static_cast<uint32_t>(count));
      TL_CHECK(word.text_begin < word.text_end);
      TL_CHECK(word.text_end <= text.size());
      TL_CHECK(at <= word.from_sample);
      TL_CHECK(word.from_sample <= word.to_sample);
      TL_CHECK(word.to_sample <= samples);
      index = word.index;
      at = word.to_sample;
    }
  }
  return 0;
}
