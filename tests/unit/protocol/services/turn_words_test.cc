#include "protocol/services/turn_words.h"

#include <gtest/gtest.h>

#include <string_view>

namespace trunkline::protocol {
namespace {

TurnHint English(std::string_view words, std::string_view question = {}) {
  return JudgeTurnWords(words, question, WordRules::kEnglish);
}

TEST(TurnWordsTest, WhoIsInTheMiddleOfASentenceGoesOn) {
  for (const char* words :
       {"I would like to", "I need", "my name is", "It's for four people and",
        "um", "so", "Well...", "can you tell me the", "I'm calling because",
        "the table should be near", "I'd like a table for",
        "we are coming from", "my address is", "not the small one but",
        "I'm calling about my", "please send it to the", "then,",
        "My number is.", "I\xE2\x80\x99m"}) {
    EXPECT_EQ(English(words), TurnHint::kUnfinished) << words;
  }
}

TEST(TurnWordsTest, WhoHasSaidASentenceMayHaveFinished) {
  for (const char* words :
       {"", "I would like a table.", "Where are you from?",
        "where are you from", "what is that for", "yes I am", "yes it is",
        "I think so", "That's what it is.", "Thank you very much",
        "do you have a table for two", "I am doing well", "tomorrow at seven",
        "who is there", "what are you working on", "we can", "Stop!"}) {
    EXPECT_EQ(English(words), TurnHint::kNone) << words;
  }
}

TEST(TurnWordsTest, DigitsAreDictatedInGroups) {
  constexpr std::string_view kAsked = "What is your phone number?";
  for (const char* words :
       {"415", "four one five", "4 1 5", "415 555", "it is 415-555",
        "four one five, five five five", "oh", "double four one"}) {
    EXPECT_EQ(English(words, kAsked), TurnHint::kUnfinished) << words;
  }
  for (const char* words : {"my number is 415", "my card number is 4000 1234",
                            "4000 1234 5678", "four one five five five five"}) {
    EXPECT_EQ(English(words), TurnHint::kUnfinished) << words;
  }
  // A telephone's, with or without a country, and a card's.
  for (const char* words :
       {"415 555 0199", "4155550199", "1 415 555 0199", "(415) 555-0199",
        "four one five five five five oh one nine nine",
        "4000 1234 5678 9010"}) {
    EXPECT_EQ(English(words, kAsked), TurnHint::kNone) << words;
  }
  // Numbers that are none of those.
  for (const char* words :
       {"table 204", "at 7:30", "in 1998", "we are five", "it costs 12.50"}) {
    EXPECT_EQ(English(words), TurnHint::kNone) << words;
  }
}

TEST(TurnWordsTest, AWordAnswersAQuestion) {
  constexpr std::string_view kAsked = "A table for five. Is that right? ";
  for (const char* words : {"yes", "No.", "Yes please", "yeah that's right",
                            "Tomorrow.", "five", "no thanks"}) {
    EXPECT_EQ(English(words, kAsked), TurnHint::kComplete) << words;
  }
  for (const char* words : {"yes but", "um", "no, the", "well", "not the"}) {
    EXPECT_EQ(English(words, kAsked), TurnHint::kUnfinished) << words;
  }
  for (const char* words :
       {"yes I would like a table", "I would rather not", ""}) {
    EXPECT_EQ(English(words, kAsked), TurnHint::kNone) << words;
  }
  // Nobody has asked.
  EXPECT_EQ(English("yes", "I have noted that."), TurnHint::kNone);
  EXPECT_EQ(English("yes"), TurnHint::kNone);
}

TEST(TurnWordsTest, OfOtherLanguagesOnlyDigitsAreKnown) {
  const auto judge = [](std::string_view words) {
    return JudgeTurnWords(words, "Wie ist Ihre Nummer?", WordRules::kDigits);
  };
  EXPECT_EQ(judge("ich komme von an"), TurnHint::kNone);
  EXPECT_EQ(judge("ja"), TurnHint::kNone);
  EXPECT_EQ(judge("meine Nummer ist 030 1234"), TurnHint::kUnfinished);
  EXPECT_EQ(judge("030 1234 567"), TurnHint::kNone);
  EXPECT_EQ(judge("um 1930"), TurnHint::kNone);
}

TEST(TurnWordsTest, TheLanguageSaysWhichRulesHold) {
  for (const char* language : {"", "en", "EN", "en-US", "en-GB"}) {
    EXPECT_EQ(WordRulesOf(language), WordRules::kEnglish) << language;
  }
  for (const char* language : {"de", "es-MX", "eng", "e"}) {
    EXPECT_EQ(WordRulesOf(language), WordRules::kDigits) << language;
  }
}

}  // namespace
}  // namespace trunkline::protocol
