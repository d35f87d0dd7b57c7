#include "speech/recognizer/recognizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "audio/g711.h"
#include "base/json.h"
#include "speech/synthesizer/synthesizer.h"
#include "unit/speech/model_files.h"

namespace trunkline::speech {
namespace {

using testing::IsEmpty;

const std::string& Dictionary() {
  static const auto* const kDictionary =
      new std::string(ReadModelFile(kDictionaryFile));
  return *kDictionary;
}

void GiveFiles(Recognizer& recognizer) {
  for (uint32_t file = 0; file < TL_RECOGNIZER_FILES; ++file) {
    const std::string bytes = ReadModelFile(kModelFiles[file]);
    const std::span<uint8_t> memory =
        recognizer.File(file, static_cast<uint32_t>(bytes.size()));
    ASSERT_EQ(bytes.size(), memory.size());
    std::ranges::copy(bytes, memory.begin());
  }
}

int32_t Expect(Recognizer& recognizer, std::string_view lines,
               uint32_t kind = TL_RECOGNIZER_LANGUAGE_WORDS) {
  const int32_t words = recognizer.AddLanguage(kind, /*first=*/true, lines);
  if (words < 0) return words;
  constexpr size_t kSlice = TL_RECOGNIZER_MAX_INBOX_BYTES;
  const std::string_view dictionary = Dictionary();
  for (size_t at = 0; at < dictionary.size(); at += kSlice) {
    EXPECT_LE(0, recognizer.FeedDictionary(dictionary.substr(at, kSlice)));
  }
  return recognizer.UseLanguage();
}

// Sentences as they come over a telephone line.
struct Line {
  std::vector<int16_t> samples;
  // Of the last sentence.
  std::vector<tl_synthesizer_word> words;

  void Say(std::string_view text) {
    static auto* const kVoice = new Synthesizer;
    kVoice->Begin(text, 100);
    words.clear();
    const auto before = static_cast<uint32_t>(samples.size());
    while (kVoice->Next() > 0) {
      samples.insert(samples.end(), kVoice->samples().begin(),
                     kVoice->samples().end());
      words.insert(words.end(), kVoice->words().begin(), kVoice->words().end());
    }
    for (tl_synthesizer_word& word : words) {
      word.from_sample += before;
      word.to_sample += before;
    }
    std::vector<uint8_t> codes(samples.size());
    audio::EncodeMuLaw(samples, codes);
    audio::DecodeMuLaw(codes, samples);
  }
  void Pause(int ms) {
    samples.insert(samples.end(), 8 * static_cast<size_t>(ms), 0);
  }
};

// Feeds all of it and returns what was understood.
std::string Hear(Recognizer& recognizer, std::span<const int16_t> samples,
                 size_t slice = 800, uint32_t rate_hz = 8000) {
  EXPECT_EQ(0, recognizer.Start(rate_hz, Decoder::Caller::kFresh));
  for (size_t at = 0; at < samples.size(); at += slice) {
    EXPECT_LE(0, recognizer.Feed(samples.subspan(
                     at, std::min(slice, samples.size() - at))));
  }
  EXPECT_LE(0, recognizer.Finish());
  return recognizer.text();
}

constexpr std::string_view kDomain =
    "When do you open?\nI want to cancel my table.\nMay I bring my children?\n"
    "Please book a table for seven people.\nyes please\nno thank you\n"
    "Do you have a garden?";

// One recogniser for the tests that it survives: opening it takes a while.
class RecognizerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = new Recognizer;
    GiveFiles(*shared_);
    ASSERT_EQ(0, shared_->Open());
  }
  static void TearDownTestSuite() {
    delete shared_;
    shared_ = nullptr;
  }
  static Recognizer& recognizer() { return *shared_; }

 private:
  static Recognizer* shared_;
};
Recognizer* RecognizerTest::shared_ = nullptr;

TEST_F(RecognizerTest, UnderstandsATelephoneCall) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  for (const std::string_view text :
       {"when do you open", "i want to cancel my table",
        "may i bring my children", "please book a table for seven people",
        "yes please"}) {
    Line line;
    line.Pause(200);
    line.Say(text);
    line.Pause(300);
    EXPECT_EQ(text, Hear(recognizer(), line.samples));
  }
}

// tests/golden/speech.json: what the builds of the module hear as well.
TEST_F(RecognizerTest, HearsWhatTheModuleHears) {
  std::ifstream file(TRUNKLINE_SOURCE_DIR "/tests/golden/speech.json");
  std::stringstream content;
  content << file.rdbuf();
  const Json golden = Json::parse(content.str());
  std::string lines;
  for (const Json& row : golden["heard"]) {
    lines += row["text"].get<std::string>() + '\n';
  }
  ASSERT_EQ(0, Expect(recognizer(), lines));
  ASSERT_LE(5u, golden["heard"].size());
  for (const Json& row : golden["heard"]) {
    Line line;
    line.Say(row["text"].get<std::string>());
    const std::string heard = Hear(recognizer(), line.samples, 160);
    std::vector<uint32_t> times;
    for (const tl_recognizer_word& word : recognizer().words()) {
      times.insert(times.end(), {word.from_ms, word.to_ms});
    }
    EXPECT_EQ(row["words"].get<std::vector<uint32_t>>(), times) << heard;
  }
}

TEST_F(RecognizerTest, UnderstandsWidebandAsWell) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  Line line;
  line.Say("Do you have a garden?");
  std::vector<int16_t> wide;
  Upsampler().Process(line.samples, wide);
  EXPECT_EQ("do you have a garden", Hear(recognizer(), wide, 320, 16000));
}

TEST_F(RecognizerTest, WordsComeInAnOrderOfTheirOwn) {
  ASSERT_EQ(0, Expect(recognizer(), "yes\nno\nplease\ntable\nchildren"));
  Line line;
  line.Say("No, table, please.");
  EXPECT_EQ("no table please", Hear(recognizer(), line.samples));
}

TEST_F(RecognizerTest, OfSentencesItAnswersWithOne) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain, TL_RECOGNIZER_LANGUAGE_SENTENCES));
  Line line;
  line.Say("May I bring my children?");
  EXPECT_EQ("may i bring my children", Hear(recognizer(), line.samples));
  Line other;
  other.Say("May I cancel my garden?");
  const std::string heard = Hear(recognizer(), other.samples);
  EXPECT_NE("may i cancel my garden", heard);
}

TEST_F(RecognizerTest, TellsWhenAWordWasSaid) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  Line line;
  line.Say("yes please");
  // Longer than any hangover: silence takes time too.
  line.Pause(2500);
  line.Say("I want to cancel my table.");
  line.Pause(300);
  ASSERT_EQ("yes please i want to cancel my table",
            Hear(recognizer(), line.samples));
  const std::span<const tl_recognizer_word> words = recognizer().words();
  ASSERT_EQ(8u, words.size());
  for (size_t i = 0; i < line.words.size(); ++i) {
    const tl_recognizer_word& heard = words[i + 2];
    EXPECT_NEAR(line.words[i].from_sample / 8.0, heard.from_ms, 80) << i;
    EXPECT_NEAR(line.words[i].to_sample / 8.0, heard.to_ms, 80) << i;
    EXPECT_LE(1u, heard.confidence);
    EXPECT_GE(1000u, heard.confidence);
    EXPECT_LT(heard.text_begin, heard.text_end);
  }
  EXPECT_EQ("cancel",
            recognizer().text().substr(
                words[5].text_begin, words[5].text_end - words[5].text_begin));
}

TEST_F(RecognizerTest, PartialResultsGrow) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  Line line;
  line.Say("Please book a table for seven people.");
  line.Pause(300);
  ASSERT_EQ(0, recognizer().Start(8000, Decoder::Caller::kFresh));
  std::vector<int32_t> counts;
  const std::span<const int16_t> all = line.samples;
  for (size_t at = 0; at < all.size(); at += 800) {
    ASSERT_LE(0, recognizer().Feed(
                     all.subspan(at, std::min<size_t>(800, all.size() - at))));
    counts.push_back(recognizer().Partial());
    for (const tl_recognizer_word& word : recognizer().words()) {
      EXPECT_EQ(0u, word.confidence);
    }
  }
  // Something before half of it was heard, all but nothing changes later.
  EXPECT_LE(2, counts[counts.size() / 2]);
  EXPECT_LE(6, counts.back());
  EXPECT_EQ(7, recognizer().Finish());
}

TEST_F(RecognizerTest, TheSplitOfTheAudioChangesNothing) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  Line line;
  line.Pause(100);
  line.Say("I want to cancel my table.");
  line.Pause(250);
  const std::string whole = Hear(recognizer(), line.samples, 8000);
  const std::vector<tl_recognizer_word> words(recognizer().words().begin(),
                                              recognizer().words().end());
  for (const size_t slice : {1u, 7u, 160u, 801u}) {
    EXPECT_EQ(whole, Hear(recognizer(), line.samples, slice)) << slice;
    ASSERT_EQ(words.size(), recognizer().words().size());
    for (size_t i = 0; i < words.size(); ++i) {
      EXPECT_EQ(words[i].from_ms, recognizer().words()[i].from_ms) << slice;
      EXPECT_EQ(words[i].to_ms, recognizer().words()[i].to_ms) << slice;
    }
  }
}

TEST_F(RecognizerTest, AFreshCallerIsHeardAsTheFirst) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  Line line;
  line.Say("When do you open?");
  Hear(recognizer(), line.samples);
  const std::vector<tl_recognizer_word> first(recognizer().words().begin(),
                                              recognizer().words().end());
  // Another caller, loud, and one who hangs up in the middle.
  const std::vector<int16_t> noise(16000, 20000);
  Hear(recognizer(), noise);
  ASSERT_EQ(0, recognizer().Start(8000, Decoder::Caller::kSame));
  ASSERT_LE(0, recognizer().Feed(std::span(line.samples).first(3000)));
  Hear(recognizer(), line.samples);
  ASSERT_EQ(first.size(), recognizer().words().size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].from_ms, recognizer().words()[i].from_ms);
    EXPECT_EQ(first[i].to_ms, recognizer().words()[i].to_ms);
    EXPECT_EQ(first[i].confidence, recognizer().words()[i].confidence);
  }
}

TEST_F(RecognizerTest, SilenceAndNothingAreNoWords) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  EXPECT_EQ("", Hear(recognizer(), {}));
  EXPECT_EQ("", Hear(recognizer(), std::vector<int16_t>(1, 5)));
  EXPECT_EQ("", Hear(recognizer(), std::vector<int16_t>(300, 5)));
  EXPECT_EQ("", Hear(recognizer(), std::vector<int16_t>(8000, 0)));
  EXPECT_THAT(recognizer().words(), IsEmpty());
}

TEST_F(RecognizerTest, AnUtteranceHasAnEnd) {
  ASSERT_EQ(0,
            Expect(recognizer(), "yes\nno", TL_RECOGNIZER_LANGUAGE_SENTENCES));
  ASSERT_EQ(0, recognizer().Start(8000, Decoder::Caller::kFresh));
  const std::vector<int16_t> second(8000, 0);
  for (uint32_t i = 1; i <= TL_RECOGNIZER_MAX_UTTERANCE_MS / 1000; ++i) {
    ASSERT_EQ(static_cast<int32_t>(1000 * i), recognizer().Feed(second));
  }
  EXPECT_EQ(TL_RECOGNIZER_ERR_FULL,
            recognizer().Feed(std::span(second).first(1)));
  EXPECT_LE(0, recognizer().Finish());
}

TEST_F(RecognizerTest, NamesTheWordsThatItCannotHear) {
  EXPECT_EQ(2, Expect(recognizer(), "yes xyzzyx please\nplugh\nno"));
  EXPECT_EQ("xyzzyx plugh", recognizer().text());
  Line line;
  line.Say("yes please");
  EXPECT_EQ("yes please", Hear(recognizer(), line.samples));
}

TEST_F(RecognizerTest, ALanguageWithoutAWordIsNone) {
  EXPECT_EQ(TL_RECOGNIZER_ERR_EMPTY, Expect(recognizer(), "xyzzyx plugh"));
  EXPECT_EQ("xyzzyx plugh", recognizer().text());
  EXPECT_EQ(TL_RECOGNIZER_ERR_EMPTY, Expect(recognizer(), ""));
  EXPECT_EQ(TL_RECOGNIZER_ERR_EMPTY, Expect(recognizer(), "yes xyzzyx",
                                            TL_RECOGNIZER_LANGUAGE_SENTENCES));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER,
            recognizer().Start(8000, Decoder::Caller::kFresh));
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
}

TEST_F(RecognizerTest, RefusesWhatIsNotItsTurn) {
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
  const std::vector<int16_t> samples(160, 0);
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, recognizer().Open());
  EXPECT_THAT(recognizer().File(0, 100), IsEmpty());
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, recognizer().Feed(samples));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, recognizer().Partial());
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, recognizer().Finish());
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, recognizer().UseLanguage());
  EXPECT_EQ(TL_RECOGNIZER_ERR_INPUT,
            recognizer().AddLanguage(2, /*first=*/true, "yes"));
  EXPECT_EQ(TL_RECOGNIZER_ERR_INPUT,
            recognizer().Start(11025, Decoder::Caller::kFresh));
  ASSERT_EQ(0, recognizer().Start(8000, Decoder::Caller::kFresh));
  EXPECT_EQ(TL_RECOGNIZER_ERR_INPUT,
            recognizer().Feed(
                std::vector<int16_t>(TL_RECOGNIZER_MAX_FEED_SAMPLES + 1, 0)));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER,
            recognizer().AddLanguage(0, /*first=*/true, "yes"));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, recognizer().FeedDictionary("a AH\n"));
  EXPECT_EQ(160 / 8, recognizer().Feed(samples));
  EXPECT_EQ(0, recognizer().Finish());
  // Sentences behind the dictionary would have no sounds.
  ASSERT_EQ(1, recognizer().AddLanguage(0, /*first=*/true, "yes"));
  ASSERT_EQ(2, recognizer().AddLanguage(0, /*first=*/false, "no"));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER,
            recognizer().AddLanguage(1, /*first=*/false, "no"));
  ASSERT_EQ(0, recognizer().FeedDictionary("hello HH AH L OW\n"));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER,
            recognizer().AddLanguage(0, /*first=*/false, "maybe"));
}

TEST_F(RecognizerTest, TheBiggestLanguageIsHeard) {
  // Every 130th word of the dictionary, all of them told apart.
  std::string lines = "when do you open\n";
  size_t count = 4;
  size_t line_number = 0;
  for (size_t at = 0; at < Dictionary().size() && count < 1000;) {
    const size_t end = Dictionary().find('\n', at);
    const std::string_view line =
        std::string_view(Dictionary()).substr(at, end - at);
    at = end + 1;
    const std::string_view word = line.substr(0, line.find(' '));
    if (line_number++ % 130 == 0 && WordsOf(word).size() == 1 &&
        WordsOf(word)[0] == word) {
      lines += word;
      lines += '\n';
      ++count;
    }
  }
  ASSERT_LT(900u, count);
  ASSERT_EQ(0, Expect(recognizer(), lines));
  Line line;
  line.Say("When do you open?");
  EXPECT_EQ("when do you open", Hear(recognizer(), line.samples));
  ASSERT_EQ(0, Expect(recognizer(), kDomain));
}

TEST(RecognizerModelTest, AModelThatIsNotThereIsNone) {
  Recognizer nothing;
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, nothing.AddLanguage(0, true, "yes"));
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER,
            nothing.Start(8000, Decoder::Caller::kFresh));
  EXPECT_EQ(TL_RECOGNIZER_ERR_MODEL, nothing.Open());
  EXPECT_EQ(TL_RECOGNIZER_ERR_ORDER, nothing.Open());
}

TEST(RecognizerModelTest, FilesAreGivenOnceAndWithinTheBound) {
  Recognizer recognizer;
  EXPECT_THAT(recognizer.File(TL_RECOGNIZER_FILES, 10), IsEmpty());
  EXPECT_THAT(recognizer.File(0, 0), IsEmpty());
  EXPECT_THAT(recognizer.File(0, TL_RECOGNIZER_MAX_MODEL_BYTES + 1), IsEmpty());
  EXPECT_EQ(10u, recognizer.File(0, 10).size());
  EXPECT_THAT(recognizer.File(0, 10), IsEmpty());
  EXPECT_THAT(recognizer.File(1, TL_RECOGNIZER_MAX_MODEL_BYTES), IsEmpty());
  EXPECT_EQ(TL_RECOGNIZER_MAX_MODEL_BYTES - 10,
            recognizer.File(1, TL_RECOGNIZER_MAX_MODEL_BYTES - 10).size());
}

// The library stops when it is given something else: the shim compares hashes.
TEST(RecognizerModelDeathTest, AFileOfAnotherKindIsATrap) {
  Recognizer recognizer;
  for (uint32_t file = 0; file < TL_RECOGNIZER_FILES; ++file) {
    std::ranges::fill(recognizer.File(file, 1000), uint8_t{'x'});
  }
  EXPECT_DEATH(recognizer.Open(), "");
}

}  // namespace
}  // namespace trunkline::speech
