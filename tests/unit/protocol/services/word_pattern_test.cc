#include "protocol/services/word_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trunkline::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;

std::vector<std::string> PlainWords(std::string_view text) {
  std::vector<std::string> words;
  for (const TextWord& word : TextWordsOf(text, 10'000)) {
    words.push_back(word.word);
    // The bytes are those of the word.
    EXPECT_LT(word.begin, word.end);
    EXPECT_LE(word.end, text.size());
  }
  return words;
}

// What a pattern catches of a text: "-" if it does not have it.
std::string Caught(std::string_view pattern, std::string_view text) {
  const auto parsed = WordPattern::Parse(pattern);
  if (!parsed) return "no pattern";
  const std::vector<TextWord> words = TextWordsOf(text, 100);
  const auto found = parsed->Find(words);
  if (!found) return "-";
  std::string caught;
  for (size_t i = found->begin; i < found->end; ++i) {
    if (!caught.empty()) caught += ' ';
    caught += words[i].word;
  }
  return caught;
}

TEST(TextWordsTest, AreLettersOrDigits) {
  EXPECT_THAT(PlainWords("What's the time, Mr. O'Neil?"),
              ElementsAre("what's", "the", "time", "mr", "o'neil"));
  EXPECT_THAT(PlainWords("at 7:30pm or 7.45, 4 people; 12:5 3.1415"),
              ElementsAre("at", "7:30", "pm", "or", "7:45", "4", "people", "12",
                          "5", "3", "1415"));
  EXPECT_THAT(PlainWords("don\xe2\x80\x99t 'quote' caf\xc3\xa9"),
              ElementsAre("don't", "quote", "caf\xc3\xa9"));
  EXPECT_THAT(PlainWords(" -- ' \xe2\x80\x99 "), ElementsAre());
}

TEST(TextWordsTest, AreBounded) {
  EXPECT_EQ(TextWordsOf("a b c d", 3).size(), 3U);
  const auto words = TextWordsOf(std::string(1000, 'a'), 3);
  ASSERT_EQ(words.size(), 1U);
  EXPECT_EQ(words[0].word.size(), 40U);
  EXPECT_EQ(words[0].end, 1000U);
}

TEST(WordPatternTest, IsFoundAnywhere) {
  EXPECT_EQ(Caught("what time", "well what time is it"), "");
  EXPECT_EQ(Caught("what time", "what a time"), "-");
  EXPECT_EQ(Caught("time", "sometimes"), "-");
  EXPECT_EQ(Caught("time", ""), "-");
}

TEST(WordPatternTest, HasAlternativesAndGaps) {
  constexpr std::string_view kTime = "(what|tell me) * time";
  EXPECT_EQ(Caught(kTime, "what time"), "");
  EXPECT_EQ(Caught(kTime, "what is the damned time now"), "");
  EXPECT_EQ(Caught(kTime, "can you tell me the time"), "");
  EXPECT_EQ(Caught(kTime, "tell you the time"), "-");
  EXPECT_EQ(Caught("a [b] (c|d [e|f] g)", "a d f g"), "");
  EXPECT_EQ(Caught("a [b] (c|d [e|f] g)", "a b d g"), "");
  EXPECT_EQ(Caught("a [b] (c|d [e|f] g)", "a b b c"), "-");
}

TEST(WordPatternTest, HasEnds) {
  EXPECT_EQ(Caught("^ no $", "no"), "");
  EXPECT_EQ(Caught("^ no $", "no seven"), "-");
  EXPECT_EQ(Caught("^ no", "no seven"), "");
  EXPECT_EQ(Caught("^ no", "oh no"), "-");
  EXPECT_EQ(Caught("no $", "oh no"), "");
}

TEST(WordPatternTest, CatchesWhatStandsThere) {
  EXPECT_EQ(Caught("spell {word}", "please spell garden now"), "garden");
  EXPECT_EQ(Caught("message that {text}", "a message that i am late today"),
            "i am late today");
  EXPECT_EQ(Caught("message that {text}", "a message that"), "-");
  EXPECT_EQ(Caught("count * {number}", "count up to twenty five please"),
            "twenty five");
  EXPECT_EQ(Caught("count * {number}", "count me in"), "-");
  // The first place where it can stand.
  EXPECT_EQ(Caught("spell * {word}", "spell the word garden"), "the");
}

TEST(WordPatternTest, WhatIsNoneIsRefused) {
  for (const char* pattern :
       {"", "  ", "(a", "a)", "(a|)", "[]", "a | b", "{word", "{name}",
        "{word} {word}", "A", "a-b", "a ^ b", "^", "a $ b", "((((((a))))))",
        "\xc3\xa9"}) {
    EXPECT_FALSE(WordPattern::Parse(pattern)) << pattern;
  }
  std::string longest = "a";
  for (size_t i = 0; i < WordPattern::kMaxSteps; ++i) longest += " a";
  EXPECT_FALSE(WordPattern::Parse(longest));
}

// Gaps and alternatives that could be tried in too many ways.
TEST(WordPatternTest, NoTextTakesLong) {
  std::string pattern = "*";
  for (int i = 0; i < 12; ++i) pattern += " [a] * [a|a a] *";
  pattern += " b";
  const auto parsed = WordPattern::Parse(pattern);
  ASSERT_TRUE(parsed);
  std::string text;
  for (int i = 0; i < 120; ++i) text += "a ";
  // With the word that it needs, where it is no use.
  const auto found = WordPattern::Parse("^ b * a b a b");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->Find(TextWordsOf("b " + text, 120)));
  EXPECT_FALSE(parsed->Find(TextWordsOf(text, 120)));
  EXPECT_TRUE(parsed->Find(TextWordsOf(text + "b", 121)));
}

TEST(WordPatternTest, SentencesHaveThePattern) {
  const std::vector<std::string> fills = {"garden", "table"};
  for (const char* text :
       {"what time", "(what|tell me) * time", "a [b] (c|d [e|f] g)",
        "spell (the word|a word|) x", "^ spell [please] {word} $",
        "count to {number}", "say that {text}"}) {
    const auto pattern = WordPattern::Parse(text);
    if (!pattern) continue;
    std::vector<std::string> sentences;
    pattern->AppendSentences(fills, sentences);
    EXPECT_FALSE(sentences.empty());
    for (const std::string& sentence : sentences) {
      if (std::string_view(text).find("{text}") != std::string_view::npos) {
        continue;
      }
      EXPECT_TRUE(pattern->Find(TextWordsOf(sentence, 100)))
          << text << ": " << sentence;
    }
  }
  std::vector<std::string> sentences;
  WordPattern::Parse("(what|tell me) [the] * time")
      ->AppendSentences(fills, sentences);
  EXPECT_THAT(sentences, ElementsAre("what the time", "what time",
                                     "tell me the time", "tell me time"));
  sentences.clear();
  WordPattern::Parse("spell {word}")->AppendSentences(fills, sentences);
  EXPECT_THAT(sentences,
              testing::UnorderedElementsAre("spell garden", "spell table"));
}

TEST(WordPatternTest, NoWordIsMissingFromItsSentences) {
  const auto pattern = WordPattern::Parse(
      "(a|b) (c|d) (e|f) (g|h) (i|j) (k|l) (m|n) (o|p) (q|r)");
  std::vector<std::string> sentences;
  pattern->AppendSentences({}, sentences);
  EXPECT_LE(sentences.size(), WordPattern::kMaxSentences + 18);
  std::string all;
  for (const std::string& sentence : sentences) all += ' ' + sentence;
  for (char word = 'a'; word <= 'r'; ++word) {
    EXPECT_THAT(PlainWords(all), Contains(std::string(1, word)));
  }
}

}  // namespace
}  // namespace trunkline::protocol
