#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speech/recognizer/decoder.h"
#include "speech/recognizer/language.h"
#include "speech/recognizer/upsampler.h"
#include "speech/tl_recognizer.h"

namespace trunkline::speech {

// Hears utterances: tl_recognizer.h, but for its pointers. Results are those
// of the header. One at a time in a program: its files have fixed names.
class Recognizer {
 public:
  Recognizer() = default;
  Recognizer(const Recognizer&) = delete;
  Recognizer& operator=(const Recognizer&) = delete;
  ~Recognizer();

  // Memory for a file of the model; nothing where the header says NULL.
  std::span<uint8_t> File(uint32_t file, uint32_t size);
  int32_t Open();

  int32_t AddLanguage(uint32_t kind, bool first, std::string_view lines);
  int32_t FeedDictionary(std::string_view slice);
  int32_t UseLanguage();

  int32_t Start(uint32_t rate_hz, Decoder::Caller caller);
  int32_t Feed(std::span<const int16_t> samples);
  int32_t Partial();
  int32_t Finish();

  const std::string& text() const { return text_; }
  std::span<const tl_recognizer_word> words() const { return words_; }

 private:
  enum class Phase : uint8_t {
    kFiles,
    // Opening failed.
    kBroken,
    // Without a language.
    kOpen,
    kReady,
    kHearing,
  };

  int32_t TakeWords();

  Phase phase_ = Phase::kFiles;
  std::array<std::vector<uint8_t>, TL_RECOGNIZER_FILES> files_;
  Language language_;
  uint32_t kind_ = TL_RECOGNIZER_LANGUAGE_WORDS;
  Pronunciations sounds_;
  // The dictionary has begun: no more sentences.
  bool sounding_ = false;
  uint32_t rate_hz_ = 0;
  uint64_t heard_samples_ = 0;
  Upsampler upsampler_;
  std::vector<int16_t> wide_;
  std::string text_;
  std::vector<tl_recognizer_word> words_;
  // The last: it goes before the files do.
  Decoder decoder_;
};

}  // namespace trunkline::speech
