#include "speech/recognizer/recognizer.h"

#include <cmath>

#include "speech/recognizer/memory_files.h"

namespace trunkline::speech {
namespace {

constexpr std::array<std::string_view, TL_RECOGNIZER_FILES> kFileNames = {
    "model/mdef",      "model/means",
    "model/variances", "model/transition_matrices",
    "model/sendump",   "model/feat.params",
    "model/noisedict"};

static_assert(Language::kMaxWords == TL_RECOGNIZER_MAX_WORDS);
static_assert(Language::kMaxRunningWords == TL_RECOGNIZER_MAX_RUNNING_WORDS);

}  // namespace

Recognizer::~Recognizer() {
  for (const std::string_view name : kFileNames) RemoveMemoryFile(name);
}

std::span<uint8_t> Recognizer::File(uint32_t file, uint32_t size) {
  if (phase_ != Phase::kFiles || file >= TL_RECOGNIZER_FILES || size == 0) {
    return {};
  }
  size_t total = size;
  for (const std::vector<uint8_t>& other : files_) total += other.size();
  if (!files_[file].empty() || total > TL_RECOGNIZER_MAX_MODEL_BYTES) return {};
  files_[file].resize(size);
  PutMemoryFile(kFileNames[file], files_[file]);
  return files_[file];
}

int32_t Recognizer::Open() {
  if (phase_ != Phase::kFiles) return TL_RECOGNIZER_ERR_ORDER;
  phase_ = Phase::kBroken;
  for (const std::vector<uint8_t>& file : files_) {
    if (file.empty()) return TL_RECOGNIZER_ERR_MODEL;
  }
  if (!decoder_.Open()) return TL_RECOGNIZER_ERR_MODEL;
  // Two are used where they lie; the others have been read.
  for (uint32_t file = 0; file < TL_RECOGNIZER_FILES; ++file) {
    if (file == TL_RECOGNIZER_FILE_MDEF || file == TL_RECOGNIZER_FILE_SENDUMP ||
        file == TL_RECOGNIZER_FILE_NOISES) {
      continue;
    }
    RemoveMemoryFile(kFileNames[file]);
    files_[file] = {};
  }
  phase_ = Phase::kOpen;
  return 0;
}

int32_t Recognizer::AddLanguage(uint32_t kind, bool first,
                                std::string_view lines) {
  if (phase_ != Phase::kOpen && phase_ != Phase::kReady) {
    return TL_RECOGNIZER_ERR_ORDER;
  }
  if (kind > TL_RECOGNIZER_LANGUAGE_SENTENCES) return TL_RECOGNIZER_ERR_INPUT;
  if (!first && (sounding_ || kind != kind_)) return TL_RECOGNIZER_ERR_ORDER;
  if (first) {
    language_.Clear();
    sounding_ = false;
    kind_ = kind;
  }
  if (!language_.Add(lines)) return TL_RECOGNIZER_ERR_INPUT;
  return static_cast<int32_t>(language_.words().size());
}

int32_t Recognizer::FeedDictionary(std::string_view slice) {
  if (phase_ != Phase::kOpen && phase_ != Phase::kReady) {
    return TL_RECOGNIZER_ERR_ORDER;
  }
  if (!sounding_) sounds_.Begin(language_);
  sounding_ = true;
  sounds_.Feed(slice);
  return static_cast<int32_t>(sounds_.known_count());
}

int32_t Recognizer::UseLanguage() {
  if ((phase_ != Phase::kOpen && phase_ != Phase::kReady) || !sounding_) {
    return TL_RECOGNIZER_ERR_ORDER;
  }
  sounds_.Finish();
  sounding_ = false;
  phase_ = Phase::kOpen;
  text_.clear();
  words_.clear();
  int32_t missing = 0;
  for (size_t i = 0; i < language_.words().size(); ++i) {
    if (sounds_.known()[i]) continue;
    if (!text_.empty()) text_ += ' ';
    text_ += language_.words()[i];
    ++missing;
  }
  if (sounds_.known_count() == 0) return TL_RECOGNIZER_ERR_EMPTY;
  if (kind_ == TL_RECOGNIZER_LANGUAGE_SENTENCES &&
      TreeOf(language_, sounds_.known()).ends.empty()) {
    return TL_RECOGNIZER_ERR_EMPTY;
  }
  const bool used = kind_ == TL_RECOGNIZER_LANGUAGE_SENTENCES
                        ? decoder_.UseSentences(language_, sounds_)
                        : decoder_.UseWords(language_, sounds_);
  if (!used) return TL_RECOGNIZER_ERR_SEARCH;
  phase_ = Phase::kReady;
  return missing;
}

int32_t Recognizer::Start(uint32_t rate_hz, Decoder::Caller caller) {
  if (phase_ != Phase::kReady && phase_ != Phase::kHearing) {
    return TL_RECOGNIZER_ERR_ORDER;
  }
  if (rate_hz != 8000 && rate_hz != 16000) return TL_RECOGNIZER_ERR_INPUT;
  rate_hz_ = rate_hz;
  heard_samples_ = 0;
  upsampler_.Reset();
  text_.clear();
  words_.clear();
  phase_ = Phase::kReady;
  if (!decoder_.Start(caller)) return TL_RECOGNIZER_ERR_SEARCH;
  phase_ = Phase::kHearing;
  return 0;
}

int32_t Recognizer::Feed(std::span<const int16_t> samples) {
  if (phase_ != Phase::kHearing) return TL_RECOGNIZER_ERR_ORDER;
  if (samples.size() > TL_RECOGNIZER_MAX_FEED_SAMPLES) {
    return TL_RECOGNIZER_ERR_INPUT;
  }
  const uint64_t heard = heard_samples_ + samples.size();
  if (heard * 1000 > uint64_t{TL_RECOGNIZER_MAX_UTTERANCE_MS} * rate_hz_) {
    return TL_RECOGNIZER_ERR_FULL;
  }
  heard_samples_ = heard;
  bool fed = false;
  if (rate_hz_ == 8000) {
    wide_.clear();
    upsampler_.Process(samples, wide_);
    fed = decoder_.Feed(wide_);
  } else {
    fed = decoder_.Feed(samples);
  }
  if (!fed) return TL_RECOGNIZER_ERR_SEARCH;
  return static_cast<int32_t>(heard_samples_ * 1000 / rate_hz_);
}

int32_t Recognizer::Partial() {
  if (phase_ != Phase::kHearing) return TL_RECOGNIZER_ERR_ORDER;
  return TakeWords();
}

int32_t Recognizer::Finish() {
  if (phase_ != Phase::kHearing) return TL_RECOGNIZER_ERR_ORDER;
  phase_ = Phase::kReady;
  text_.clear();
  words_.clear();
  if (!decoder_.Finish()) return TL_RECOGNIZER_ERR_SEARCH;
  return TakeWords();
}

int32_t Recognizer::TakeWords() {
  text_.clear();
  words_.clear();
  for (const HeardWord& word : decoder_.Words()) {
    if (!text_.empty()) text_ += ' ';
    const auto begin = static_cast<uint32_t>(text_.size());
    text_ += word.text;
    words_.push_back({.text_begin = begin,
                      .text_end = static_cast<uint32_t>(text_.size()),
                      .from_ms = word.from_ms,
                      .to_ms = word.to_ms,
                      .confidence = static_cast<uint32_t>(
                          std::lround(word.confidence * 1000.0F))});
  }
  return static_cast<int32_t>(words_.size());
}

}  // namespace trunkline::speech
