#include "speech/synthesizer/synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace trunkline::speech {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// One voice for all tests: what one leaves behind must not matter to another.
Synthesizer& Voice() {
  static Synthesizer* const kSynthesizer = new Synthesizer;
  return *kSynthesizer;
}

struct Speech {
  std::vector<int16_t> samples;
  std::vector<tl_synthesizer_word> words;
  std::vector<size_t> stretches;
};

Speech Say(std::string_view text, uint32_t pace = 100) {
  Speech speech;
  Synthesizer& voice = Voice();
  EXPECT_LE(0, voice.Begin(text, pace));
  while (const size_t count = voice.Next()) {
    EXPECT_EQ(count, voice.samples().size());
    speech.stretches.push_back(count);
    speech.samples.insert(speech.samples.end(), voice.samples().begin(),
                          voice.samples().end());
    speech.words.insert(speech.words.end(), voice.words().begin(),
                        voice.words().end());
  }
  return speech;
}

uint64_t HashOf(std::span<const int16_t> samples) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const int16_t sample : samples) {
    hash = (hash ^ static_cast<uint16_t>(sample)) * 0x100000001B3ULL;
  }
  return hash;
}

double LevelDbfs(std::span<const int16_t> samples) {
  double sum = 1;
  for (const int16_t sample : samples) sum += double{1} * sample * sample;
  return 10 *
         std::log10(sum / static_cast<double>(samples.size()) / 32768 / 32768);
}

std::vector<std::string> Spoken(std::string_view text, const Speech& speech) {
  std::vector<std::string> words;
  for (const tl_synthesizer_word& word : speech.words) {
    words.push_back(std::to_string(word.index) + ' ' +
                    std::string(text.substr(word.text_begin,
                                            word.text_end - word.text_begin)));
  }
  return words;
}

TEST(SynthesizerTest, TellsTheWordsOfTheText) {
  const std::string text =
      "Dr. Smith \u2014 who pays \u20ac12.50 \u2014 is \u201chere\u201d "
      "\U0001f600 ... 100% sure!";
  EXPECT_THAT(
      Spoken(text, Say(text)),
      ElementsAre("0 Dr.", "1 Smith", "3 who", "4 pays", "5 \u20ac12.50",
                  "7 is", "8 \u201chere\u201d", "11 100%", "12 sure!"));
}

TEST(SynthesizerTest, WordsFollowEachOther) {
  const Speech speech =
      Say("We are open every day from eleven in the morning until ten at "
          "night. You find us at twelve harbour street, next to the station.");
  ASSERT_EQ(25u, speech.words.size());
  EXPECT_EQ(2u, speech.stretches.size());
  uint32_t before = 0;
  for (const tl_synthesizer_word& word : speech.words) {
    EXPECT_LE(before, word.from_sample);
    EXPECT_LT(word.from_sample, word.to_sample);
    before = word.to_sample;
  }
  EXPECT_LE(before, speech.samples.size());
}

TEST(SynthesizerTest, WordsAreWhereTheyAreHeard) {
  const Speech speech = Say("Stop, stop. Come, stop. Go, please.");
  ASSERT_EQ(6u, speech.words.size());
  const std::span<const int16_t> all = speech.samples;
  const size_t ms = Voice().rate_hz() / 1000;
  for (size_t i = 0; i < speech.words.size(); ++i) {
    const size_t from = speech.words[i].from_sample;
    const size_t to = speech.words[i].to_sample;
    EXPECT_LT(-30, LevelDbfs(all.subspan(from, to - from))) << i;
    if (i + 1 == speech.words.size()) break;
    // A pause follows, but for 20 ms to each side, in which a sound may fade.
    const size_t next = speech.words[i + 1].from_sample;
    ASSERT_LT(to + 60 * ms, next) << i;
    EXPECT_GT(-45, LevelDbfs(all.subspan(to + 20 * ms, next - to - 40 * ms)))
        << i;
  }
}

TEST(SynthesizerTest, BeginsAlmostAtOnce) {
  const Speech speech = Say("Hello. Hello.");
  ASSERT_EQ(2u, speech.words.size());
  EXPECT_EQ(Synthesizer::kLeadMs * Voice().rate_hz() / 1000,
            speech.words[0].from_sample);
  // Between two sentences the voice's own pause stays.
  EXPECT_LT(speech.words[0].to_sample + Voice().rate_hz() / 5,
            speech.words[1].from_sample);
}

TEST(SynthesizerTest, WhatWasSaidBeforeChangesNothing) {
  const std::string text = "The table is booked. See you on Friday!";
  const Speech once = Say(text);
  EXPECT_EQ(once.samples, Say(text).samples);
  Say("12345 $%& something else altogether", 70);
  // Left in the middle.
  Voice().Begin("First sentence. Second sentence. Third sentence.", 150);
  Voice().Next();
  EXPECT_EQ(once.samples, Say(text).samples);
}

TEST(SynthesizerTest, PaceStretchesTime) {
  const std::string text = "We take cash and all credit cards.";
  const double own = static_cast<double>(Say(text).samples.size());
  const double slow = static_cast<double>(Say(text, 50).samples.size());
  const double fast = static_cast<double>(Say(text, 200).samples.size());
  EXPECT_NEAR(2.0, slow / own, 0.2);
  EXPECT_NEAR(0.5, fast / own, 0.1);
}

// flite knows one voice in all, whose settings all have in common.
TEST(SynthesizerTest, APaceIsOneSynthesizersOwn) {
  const std::string text = "We take cash and all credit cards.";
  const std::vector<int16_t> own = Say(text).samples;
  Say(text, 200);
  Synthesizer later;
  ASSERT_LE(0, later.Begin(text, 100));
  std::vector<int16_t> samples;
  while (later.Next() > 0) {
    samples.insert(samples.end(), later.samples().begin(),
                   later.samples().end());
  }
  EXPECT_EQ(own, samples);
}

TEST(SynthesizerTest, WhatCannotBeReadIsSilent) {
  for (const std::string_view text : {"", " ", "...", " - ", "\U0001f600",
                                      "\u4f60\u597d", "\xff\xfe", "\"()\""}) {
    const Speech speech = Say(text);
    EXPECT_THAT(speech.samples, IsEmpty()) << text;
    EXPECT_THAT(speech.words, IsEmpty()) << text;
  }
  // And says nothing of what is around it.
  EXPECT_EQ(Say("Hello there.").samples,
            Say("\U0001f600 Hello there. \U0001f600").samples);
}

TEST(SynthesizerTest, RefusesWhatIsOutOfRange) {
  Synthesizer& voice = Voice();
  const std::string text(TL_SYNTHESIZER_MAX_TEXT_BYTES, ' ');
  EXPECT_EQ(0, voice.Begin(text, 100));
  EXPECT_EQ(TL_SYNTHESIZER_ERR_TEXT, voice.Begin(text + ' ', 100));
  EXPECT_EQ(TL_SYNTHESIZER_ERR_TEXT, voice.Begin("a", 49));
  EXPECT_EQ(TL_SYNTHESIZER_ERR_TEXT, voice.Begin("a", 201));
  EXPECT_EQ(0u, voice.Next());
  EXPECT_EQ(1, voice.Begin("a", 50));
  EXPECT_EQ(1, voice.Begin("a", 200));
}

std::string Repeated(std::string_view word, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += word;
  return text;
}

TEST(SynthesizerTest, AStretchIsBoundedWhateverTheText) {
  // At half the pace: 20 s at the voice's own.
  const size_t most = size_t{40} * Voice().rate_hz();
  std::string controls;
  for (int i = 0; i < 512; ++i) controls.push_back(static_cast<char>(i));
  for (const std::string& text :
       {std::string(200, '7'), std::string(200, 'a'), std::string(200, '%'),
        std::string(200, '\''), std::string(200, '-'), controls,
        Repeated("w ", 200), Repeated("% ", 100), Repeated("TV ", 80),
        Repeated("a ", 200), Repeated("7 ", 100),
        std::string("9,") + std::string(300, '9') + ".99.99.99",
        std::string("$1,000,000,000,000.00 IIII XXXXVIII 1/2/3/4 12:61"),
        std::string("A.B.C.D. http://a.b/c?d=e&f McX x'y'z's 's")}) {
    Synthesizer& voice = Voice();
    ASSERT_LE(0, voice.Begin(text, 50));
    while (const size_t count = voice.Next()) EXPECT_GT(most, count) << text;
  }
}

// tests/golden/speech.json: what the builds of the module say as well.
TEST(SynthesizerTest, SaysWhatTheModuleSays) {
  std::ifstream file(TRUNKLINE_SOURCE_DIR "/tests/golden/speech.json");
  std::stringstream content;
  content << file.rdbuf();
  const Json golden = Json::parse(content.str());
  ASSERT_LE(5u, golden["spoken"].size());
  for (const Json& row : golden["spoken"]) {
    const auto text = row["text"].get<std::string>();
    const Speech speech = Say(text, row["pace"].get<uint32_t>());
    std::vector<uint32_t> times;
    for (const tl_synthesizer_word& word : speech.words) {
      times.insert(times.end(), {word.index, word.from_sample, word.to_sample});
    }
    char hash[17];
    std::snprintf(hash, sizeof hash, "%016llx",
                  static_cast<unsigned long long>(HashOf(speech.samples)));
    EXPECT_EQ(row["samples"].get<size_t>(), speech.samples.size()) << text;
    EXPECT_EQ(row["words"].get<std::vector<uint32_t>>(), times) << text;
    EXPECT_EQ(row["hash"].get<std::string>(), hash) << text;
  }
}

}  // namespace
}  // namespace trunkline::speech
