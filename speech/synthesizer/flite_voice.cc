#include "speech/synthesizer/flite_voice.h"

#include <flite.h>

#include <algorithm>
#include <string_view>

#include "base/check.h"

#define TL_REGISTER_VOICE_2(name) register_cmu_us_##name
#define TL_REGISTER_VOICE(name) TL_REGISTER_VOICE_2(name)

extern "C" {
cst_voice* TL_REGISTER_VOICE(TL_SPEECH_VOICE)(const char*);
void tl_speech_seed(void);
}

namespace trunkline::speech {
namespace {

// A feature of ours: which word of the caller a token belongs to.
constexpr const char* kWordFeature = "tl_word";
// How much longer than its own the voice's sounds are.
constexpr const char* kStretchFeature = "duration_stretch";

bool IsReadable(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') ||
         std::string_view("%&@#$+=").find(c) != std::string_view::npos;
}

}  // namespace

struct FliteVoice::Impl {
  cst_voice* voice = nullptr;
  uint32_t rate_hz = 0;
  float stretch = 1.0F;

  // Appends the tokens that flite makes of `piece`.
  void AppendToken(cst_relation* tokens, const Piece& piece) const;
};

void FliteVoice::Impl::AppendToken(cst_relation* tokens,
                                   const Piece& piece) const {
  if (std::none_of(piece.ascii.begin(), piece.ascii.end(), IsReadable)) {
    // A dash, or dots: a pause, where there is something to pause behind.
    if (cst_item* const last = relation_tail(tokens);
        last != nullptr && item_feat_string(last, "punc")[0] == 0) {
      item_set_string(last, "punc", ",");
    }
    return;
  }
  const cst_features* const features = voice->features;
  cst_tokenstream* const stream = ts_open_string(
      piece.ascii.c_str(),
      get_param_string(features, "text_whitespace", nullptr),
      get_param_string(features, "text_singlecharsymbols", nullptr),
      get_param_string(features, "text_prepunctuation", nullptr),
      get_param_string(features, "text_postpunctuation", nullptr));
  while (ts_eof(stream) == 0) {
    const char* const token = ts_get(stream);
    if (token[0] == 0) continue;
    cst_item* const item = relation_append(tokens, nullptr);
    item_set_string(item, "name", token);
    item_set_string(item, "whitespace", " ");
    item_set_string(item, "prepunctuation", stream->prepunctuation);
    item_set_string(item, "punc", stream->postpunctuation);
    item_set_int(item, "file_pos", 0);
    item_set_int(item, "line_number", 0);
    item_set_int(item, kWordFeature, static_cast<int>(piece.word));
  }
  ts_close(stream);
}

FliteVoice::FliteVoice() : impl_(new Impl) {
  flite_init();
  impl_->voice = TL_REGISTER_VOICE(TL_SPEECH_VOICE)(nullptr);
  TL_CHECK(impl_->voice != nullptr);
  impl_->rate_hz = static_cast<uint32_t>(
      get_param_int(impl_->voice->features, "sample_rate", 16000));
  impl_->stretch =
      get_param_float(impl_->voice->features, kStretchFeature, 1.0F);
}

// The voice itself lives as long as the program: flite keeps it.
FliteVoice::~FliteVoice() { delete impl_; }

uint32_t FliteVoice::rate_hz() const { return impl_->rate_hz; }

void FliteVoice::Speak(std::span<const Piece> pieces, uint32_t pace) {
  samples_.clear();
  word_times_.clear();
  TL_CHECK(pace > 0);
  tl_speech_seed();

  cst_utterance* utterance = new_utterance();
  cst_relation* const tokens = utt_relation_create(utterance, "Token");
  for (const Piece& piece : pieces) impl_->AppendToken(tokens, piece);
  if (relation_head(tokens) == nullptr) {
    delete_utterance(utterance);
    return;
  }
  // The voice is left as it was: others that make a FliteVoice get the same
  // one.
  feat_set_float(impl_->voice->features, kStretchFeature,
                 impl_->stretch * 100.0F / static_cast<float>(pace));
  utt_init(utterance, impl_->voice);
  utterance = utt_synth_tokens(utterance);
  feat_set_float(impl_->voice->features, kStretchFeature, impl_->stretch);
  TL_CHECK(utterance != nullptr);

  const cst_wave* const wave = utt_wave(utterance);
  TL_CHECK(wave->num_channels == 1);
  samples_.assign(wave->samples, wave->samples + wave->num_samples);
  const auto sample_at = [&](float seconds) {
    const float at = seconds * static_cast<float>(impl_->rate_hz);
    return std::min(static_cast<uint32_t>(std::max(at, 0.0F)),
                    static_cast<uint32_t>(samples_.size()));
  };
  for (const cst_item* word = relation_head(utt_relation(utterance, "Word"));
       word != nullptr; word = item_next(word)) {
    const cst_item* const token = path_to_item(word, "R:Token.parent");
    const cst_item* const first =
        path_to_item(word, "R:SylStructure.daughter1.daughter1.R:Segment");
    const cst_item* const last =
        path_to_item(word, "R:SylStructure.daughtern.daughtern.R:Segment");
    if (token == nullptr || first == nullptr || last == nullptr) continue;
    const cst_item* const before = item_prev(first);
    const WordTime time = {
        .word = static_cast<uint32_t>(item_feat_int(token, kWordFeature)),
        .from_sample =
            before == nullptr ? 0 : sample_at(item_feat_float(before, "end")),
        .to_sample = sample_at(item_feat_float(last, "end"))};
    // What is read as several words is one of the caller's.
    if (!word_times_.empty() && word_times_.back().word == time.word) {
      word_times_.back().to_sample = time.to_sample;
    } else {
      word_times_.push_back(time);
    }
  }
  delete_utterance(utterance);
}

}  // namespace trunkline::speech
