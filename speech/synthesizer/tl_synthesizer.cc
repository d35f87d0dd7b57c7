#include "speech/tl_synthesizer.h"

#include <string_view>

#include "speech/synthesizer/synthesizer.h"

namespace {

// The module's only state.
struct Module {
  trunkline::speech::Synthesizer synthesizer;
  uint8_t inbox[TL_SYNTHESIZER_MAX_TEXT_BYTES] = {};
};

Module& TheModule() {
  static Module* const kModule = new Module;
  return *kModule;
}

}  // namespace

uint32_t tl_synthesizer_abi_version(void) { return TL_SYNTHESIZER_ABI_VERSION; }

uint32_t tl_synthesizer_rate_hz(void) {
  return TheModule().synthesizer.rate_hz();
}

uint8_t* tl_synthesizer_inbox(uint32_t len) {
  TheModule().synthesizer.Begin({}, TL_SYNTHESIZER_MIN_PACE);
  return len <= TL_SYNTHESIZER_MAX_TEXT_BYTES ? TheModule().inbox : nullptr;
}

int32_t tl_synthesizer_begin(uint32_t len, uint32_t pace) {
  Module& module = TheModule();
  if (len > TL_SYNTHESIZER_MAX_TEXT_BYTES) return TL_SYNTHESIZER_ERR_TEXT;
  return module.synthesizer.Begin(
      std::string_view(reinterpret_cast<const char*>(module.inbox), len), pace);
}

int32_t tl_synthesizer_next(void) {
  return static_cast<int32_t>(TheModule().synthesizer.Next());
}

const int16_t* tl_synthesizer_samples(void) {
  return TheModule().synthesizer.samples().data();
}

const tl_synthesizer_word* tl_synthesizer_words(void) {
  return TheModule().synthesizer.words().data();
}

uint32_t tl_synthesizer_word_count(void) {
  return static_cast<uint32_t>(TheModule().synthesizer.words().size());
}
