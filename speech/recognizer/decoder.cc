#include "speech/recognizer/decoder.h"

#include <pocketsphinx.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/feat.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "speech/recognizer/memory_files.h"

namespace trunkline::speech {
namespace {

constexpr const char* kSearch = "search";
constexpr const char* kDictionaryFile = "dictionary";
constexpr const char* kModelFile = "language.lm";
// The model has 100 frames a second.
constexpr uint32_t kFrameMs = 10;

std::span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

ps_decoder_t* Ps(void* decoder) { return static_cast<ps_decoder_t*>(decoder); }

// Fillers are silence and noises; a word may carry the number of its
// pronunciation.
std::string_view NameOf(std::string_view word) {
  if (word.empty() || word[0] == '<' || word[0] == '[' || word[0] == '+' ||
      word[0] == '(') {
    return {};
  }
  return word.substr(0, word.find('('));
}

}  // namespace

Decoder::~Decoder() {
  if (decoder_ != nullptr) ps_free(Ps(decoder_));
  RemoveMemoryFile(kDictionaryFile);
  RemoveMemoryFile(kModelFile);
}

bool Decoder::Open() {
  TL_CHECK(decoder_ == nullptr);
  // Silence stays in: without it no time of a word would be true. All else is
  // as the library has it.
  cmd_ln_t* const config =
      cmd_ln_init(nullptr, ps_args(), TRUE, "-hmm", "model", "-samprate",
                  "16000", "-remove_silence", "no", nullptr);
  if (config == nullptr) return false;
  decoder_ = ps_init(config);
  cmd_ln_free_r(config);
  if (decoder_ == nullptr) return false;
  const cmn_t* const cmn = ps_get_feat(Ps(decoder_))->cmn_struct;
  if (cmn != nullptr) {
    initial_mean_.assign(cmn->cmn_mean, cmn->cmn_mean + cmn->veclen);
  }
  return true;
}

bool Decoder::LoadDictionary(const Pronunciations& sounds) {
  TL_CHECK(decoder_ != nullptr && !started_);
  ps_unset_search(Ps(decoder_), kSearch);
  has_language_ = false;
  // The library reads it once.
  lines_ = sounds.lines();
  if (lines_.empty()) return false;
  PutMemoryFile(kDictionaryFile, BytesOf(lines_));
  const bool loaded =
      ps_load_dict(Ps(decoder_), kDictionaryFile, nullptr, nullptr) == 0;
  RemoveMemoryFile(kDictionaryFile);
  lines_ = {};
  return loaded;
}

bool Decoder::UseWords(const Language& language, const Pronunciations& sounds) {
  if (!LoadDictionary(sounds)) return false;
  model_ = ArpaModel(language, sounds.known());
  if (model_.empty()) return false;
  PutMemoryFile(kModelFile, BytesOf(model_));
  const bool loaded = ps_set_lm_file(Ps(decoder_), kSearch, kModelFile) == 0;
  RemoveMemoryFile(kModelFile);
  model_ = {};
  has_language_ = loaded && ps_set_search(Ps(decoder_), kSearch) == 0;
  return has_language_;
}

bool Decoder::UseSentences(const Language& language,
                           const Pronunciations& sounds) {
  if (!LoadDictionary(sounds)) return false;
  const SentenceTree tree = TreeOf(language, sounds.known());
  if (tree.ends.empty()) return false;
  logmath_t* const log = ps_get_logmath(Ps(decoder_));
  const auto weight =
      static_cast<float32>(cmd_ln_float_r(ps_get_config(Ps(decoder_)), "-lw"));
  // One state more, to which all sentences lead.
  fsg_model_t* const model =
      fsg_model_init(kSearch, log, weight, static_cast<int32>(tree.states + 1));
  model->start_state = 0;
  model->final_state = static_cast<int32>(tree.states);
  std::vector<uint32_t> out(tree.states, 0);
  for (const SentenceTree::Arc& arc : tree.arcs) ++out[arc.from];
  for (const uint32_t end : tree.ends) ++out[end];
  const auto log_of = [&](uint32_t from) {
    return logmath_log(log, 1.0 / std::max(1U, out[from]));
  };
  for (const SentenceTree::Arc& arc : tree.arcs) {
    const int word =
        fsg_model_word_add(model, language.words()[arc.word].c_str());
    fsg_model_trans_add(model, static_cast<int32>(arc.from),
                        static_cast<int32>(arc.to), log_of(arc.from), word);
  }
  for (const uint32_t end : tree.ends) {
    fsg_model_null_trans_add(model, static_cast<int32>(end), model->final_state,
                             log_of(end));
  }
  const bool loaded = ps_set_fsg(Ps(decoder_), kSearch, model) == 0;
  fsg_model_free(model);
  has_language_ = loaded && ps_set_search(Ps(decoder_), kSearch) == 0;
  return has_language_;
}

bool Decoder::Start(Caller caller) {
  TL_CHECK(has_language_);
  if (started_) Finish();
  cmn_t* const cmn = ps_get_feat(Ps(decoder_))->cmn_struct;
  if (caller == Caller::kFresh && !initial_mean_.empty()) {
    cmn_live_set(cmn, initial_mean_.data());
  }
  // Times begin with the utterance.
  if (ps_start_stream(Ps(decoder_)) < 0) return false;
  started_ = ps_start_utt(Ps(decoder_)) == 0;
  return started_;
}

bool Decoder::Feed(std::span<const int16_t> samples) {
  TL_CHECK(started_);
  return ps_process_raw(Ps(decoder_), samples.data(), samples.size(),
                        /*no_search=*/FALSE, /*full_utt=*/FALSE) >= 0;
}

bool Decoder::Finish() {
  if (!started_) return false;
  started_ = false;
  return ps_end_utt(Ps(decoder_)) >= 0;
}

std::vector<HeardWord> Decoder::Words() const {
  std::vector<HeardWord> words;
  if (!has_language_) return words;
  ps_decoder_t* const decoder = Ps(decoder_);
  for (ps_seg_t* segment = ps_seg_iter(decoder); segment != nullptr;
       segment = ps_seg_next(segment)) {
    const char* const name = ps_seg_word(segment);
    const std::string_view text = name == nullptr ? "" : NameOf(name);
    if (text.empty()) continue;
    int first = 0;
    int last = 0;
    ps_seg_frames(segment, &first, &last);
    int32 acoustic = 0;
    int32 linguistic = 0;
    int32 back_off = 0;
    const int32 posterior =
        ps_seg_prob(segment, &acoustic, &linguistic, &back_off);
    const float confidence = started_
                                 ? 0.0F
                                 : static_cast<float>(logmath_exp(
                                       ps_get_logmath(decoder), posterior));
    words.push_back(
        {.text = std::string(text),
         .from_ms = static_cast<uint32_t>(std::max(first, 0)) * kFrameMs,
         .to_ms = static_cast<uint32_t>(std::max(last, -1) + 1) * kFrameMs,
         .confidence = std::clamp(confidence, 0.0F, 1.0F)});
  }
  return words;
}

}  // namespace trunkline::speech
