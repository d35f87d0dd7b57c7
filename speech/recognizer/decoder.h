#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speech/recognizer/language.h"

// The recogniser's library: the only file that knows pocketsphinx.

namespace trunkline::speech {

struct HeardWord {
  std::string text;
  // Of the utterance, [from, to).
  uint32_t from_ms = 0;
  uint32_t to_ms = 0;
  // Of 1; 0 where it is not known.
  float confidence = 0;
};

class Decoder {
 public:
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  // Makes the acoustic model of the memory files model/mdef, model/means,
  // model/variances, model/transition_matrices, model/sendump,
  // model/feat.params and model/noisedict. Returns false if they are none.
  bool Open();
  bool is_open() const { return decoder_ != nullptr; }

  // What is expected from now on. Returns false, and expects nothing, when the
  // library does not take it. Precondition: open, no utterance has begun.
  bool UseWords(const Language& language, const Pronunciations& sounds);
  bool UseSentences(const Language& language, const Pronunciations& sounds);
  bool has_language() const { return has_language_; }

  enum class Caller : uint8_t { kSame, kFresh };
  // Begins an utterance. Precondition: has a language, none has begun.
  bool Start(Caller caller);
  // Samples at 16 kHz.
  bool Feed(std::span<const int16_t> samples);
  bool Finish();

  // Of the utterance that has begun, or of the last that was finished.
  std::vector<HeardWord> Words() const;

 private:
  bool LoadDictionary(const Pronunciations& sounds);

  // ps_decoder_t and fsg_model_t of the library.
  void* decoder_ = nullptr;
  bool has_language_ = false;
  bool started_ = false;
  std::string lines_;
  std::string model_;
  std::vector<float> initial_mean_;
};

}  // namespace trunkline::speech
