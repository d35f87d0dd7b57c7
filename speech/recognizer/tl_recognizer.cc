#include "speech/tl_recognizer.h"

#include <sphinx_host.h>

#include <string_view>

#include "speech/recognizer/recognizer.h"

namespace {

using trunkline::speech::Decoder;
using trunkline::speech::Recognizer;

// The module's only state, besides its files.
struct Module {
  Recognizer recognizer;
  alignas(int16_t) uint8_t inbox[TL_RECOGNIZER_MAX_INBOX_BYTES] = {};

  std::string_view Text(uint32_t len) const {
    return {reinterpret_cast<const char*>(inbox), len};
  }
};

Module& TheModule() {
  static Module* const kModule = new Module;
  return *kModule;
}

}  // namespace

uint32_t tl_recognizer_abi_version(void) { return TL_RECOGNIZER_ABI_VERSION; }

uint8_t* tl_recognizer_inbox(uint32_t len) {
  return len <= TL_RECOGNIZER_MAX_INBOX_BYTES ? TheModule().inbox : nullptr;
}

uint8_t* tl_recognizer_file(uint32_t file, uint32_t len) {
  return TheModule().recognizer.File(file, len).data();
}

int32_t tl_recognizer_open(void) {
  tl_sphinx_clear_error();
  return TheModule().recognizer.Open();
}

int32_t tl_recognizer_language(uint32_t kind, uint32_t first, uint32_t len) {
  if (len > TL_RECOGNIZER_MAX_INBOX_BYTES) return TL_RECOGNIZER_ERR_INPUT;
  return TheModule().recognizer.AddLanguage(kind, first != 0,
                                            TheModule().Text(len));
}

int32_t tl_recognizer_dictionary(uint32_t len) {
  if (len > TL_RECOGNIZER_MAX_INBOX_BYTES) return TL_RECOGNIZER_ERR_INPUT;
  return TheModule().recognizer.FeedDictionary(TheModule().Text(len));
}

int32_t tl_recognizer_use(void) {
  tl_sphinx_clear_error();
  return TheModule().recognizer.UseLanguage();
}

int32_t tl_recognizer_start(uint32_t rate_hz, uint32_t fresh) {
  tl_sphinx_clear_error();
  return TheModule().recognizer.Start(
      rate_hz, fresh != 0 ? Decoder::Caller::kFresh : Decoder::Caller::kSame);
}

int32_t tl_recognizer_feed(uint32_t samples) {
  if (samples > TL_RECOGNIZER_MAX_FEED_SAMPLES) return TL_RECOGNIZER_ERR_INPUT;
  return TheModule().recognizer.Feed(
      {reinterpret_cast<const int16_t*>(TheModule().inbox), samples});
}

int32_t tl_recognizer_partial(void) { return TheModule().recognizer.Partial(); }

int32_t tl_recognizer_finish(void) {
  tl_sphinx_clear_error();
  return TheModule().recognizer.Finish();
}

const char* tl_recognizer_text(void) {
  return TheModule().recognizer.text().c_str();
}

uint32_t tl_recognizer_text_len(void) {
  return static_cast<uint32_t>(TheModule().recognizer.text().size());
}

const tl_recognizer_word* tl_recognizer_words(void) {
  return TheModule().recognizer.words().data();
}

const char* tl_recognizer_error(void) { return tl_sphinx_error(); }
