// The boundaries of the speech modules as a host uses them; what is behind them
// has tests of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "speech/tl_recognizer.h"
#include "speech/tl_synthesizer.h"
#include "unit/speech/model_files.h"

// The library frees nothing of a model that is none; nor need it, for the
// instance goes.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:gauden_init";
}

namespace trunkline::speech {
namespace {

int32_t Begin(const std::string& text) {
  uint8_t* const inbox =
      tl_synthesizer_inbox(static_cast<uint32_t>(text.size()));
  std::ranges::copy(text, inbox);
  return tl_synthesizer_begin(static_cast<uint32_t>(text.size()), 100);
}

TEST(SynthesizerBoundaryTest, SpeaksATextStretchByStretch) {
  EXPECT_EQ(TL_SYNTHESIZER_ABI_VERSION, tl_synthesizer_abi_version());
  EXPECT_EQ(8000u, tl_synthesizer_rate_hz());
  ASSERT_EQ(3, Begin("Hello. Good day."));
  ASSERT_LT(0, tl_synthesizer_next());
  ASSERT_EQ(1u, tl_synthesizer_word_count());
  EXPECT_EQ(0u, tl_synthesizer_words()[0].index);
  EXPECT_EQ(6u, tl_synthesizer_words()[0].text_end);
  EXPECT_NE(nullptr, tl_synthesizer_samples());
  ASSERT_LT(0, tl_synthesizer_next());
  ASSERT_EQ(2u, tl_synthesizer_word_count());
  EXPECT_EQ(2u, tl_synthesizer_words()[1].index);
  EXPECT_EQ(0, tl_synthesizer_next());
  EXPECT_EQ(0u, tl_synthesizer_word_count());
  EXPECT_EQ(0, tl_synthesizer_next());
}

TEST(SynthesizerBoundaryTest, ATextThatComesTakesThePlaceOfTheOther) {
  ASSERT_EQ(3, Begin("Hello. Good day."));
  ASSERT_LT(0, tl_synthesizer_next());
  ASSERT_NE(nullptr, tl_synthesizer_inbox(5));
  EXPECT_EQ(0, tl_synthesizer_next());
}

TEST(SynthesizerBoundaryTest, RefusesATextThatIsTooLong) {
  EXPECT_NE(nullptr, tl_synthesizer_inbox(TL_SYNTHESIZER_MAX_TEXT_BYTES));
  EXPECT_EQ(nullptr, tl_synthesizer_inbox(TL_SYNTHESIZER_MAX_TEXT_BYTES + 1));
  EXPECT_EQ(TL_SYNTHESIZER_ERR_TEXT,
            tl_synthesizer_begin(TL_SYNTHESIZER_MAX_TEXT_BYTES + 1, 100));
  EXPECT_EQ(TL_SYNTHESIZER_ERR_TEXT, tl_synthesizer_begin(1, 0));
}

TEST(RecognizerBoundaryTest, RefusesWhatDoesNotFitTheInbox) {
  EXPECT_EQ(TL_RECOGNIZER_ABI_VERSION, tl_recognizer_abi_version());
  constexpr uint32_t kMost = TL_RECOGNIZER_MAX_INBOX_BYTES;
  EXPECT_NE(nullptr, tl_recognizer_inbox(kMost));
  EXPECT_EQ(nullptr, tl_recognizer_inbox(kMost + 1));
  EXPECT_EQ(TL_RECOGNIZER_ERR_INPUT, tl_recognizer_language(0, 1, kMost + 1));
  EXPECT_EQ(TL_RECOGNIZER_ERR_INPUT, tl_recognizer_dictionary(kMost + 1));
  EXPECT_EQ(TL_RECOGNIZER_ERR_INPUT,
            tl_recognizer_feed(TL_RECOGNIZER_MAX_FEED_SAMPLES + 1));
}

TEST(RecognizerBoundaryTest, AModelThatIsNoneIsNamed) {
  for (uint32_t file = 0; file < TL_RECOGNIZER_FILES; ++file) {
    std::string bytes = ReadModelFile(kModelFiles[file]);
    // Half of the mean values are missing.
    if (file == TL_RECOGNIZER_FILE_MEANS) bytes.resize(bytes.size() / 2);
    uint8_t* const memory =
        tl_recognizer_file(file, static_cast<uint32_t>(bytes.size()));
    ASSERT_NE(nullptr, memory);
    std::ranges::copy(bytes, memory);
  }
  EXPECT_EQ(TL_RECOGNIZER_ERR_MODEL, tl_recognizer_open());
  EXPECT_THAT(tl_recognizer_error(), testing::HasSubstr("model/means"));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, tl_recognizer_start(8000, 1));
  EXPECT_EQ(0u, tl_recognizer_text_len());
  EXPECT_STREQ("", tl_recognizer_text());
}

}  // namespace
}  // namespace trunkline::speech
