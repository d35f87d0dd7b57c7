#include "protocol/services/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace trunkline::protocol {
namespace {

using testing::IsEmpty;

std::vector<std::string> Split(std::string_view text, size_t piece = 1) {
  Sentences sentences;
  std::vector<std::string> all;
  const auto take = [&] {
    while (auto sentence = sentences.Take()) all.push_back(*sentence);
  };
  for (size_t at = 0; at < text.size(); at += piece) {
    sentences.Push(text.substr(at, piece));
    take();
  }
  sentences.Finish();
  take();
  EXPECT_TRUE(sentences.done());
  return all;
}

TEST(HasWordsTest, WhereThereAreLettersOrDigits) {
  for (const char* text :
       {"Hi.", "7", " ...a", "\u00e9", "\u00bd", "\u0416", "\u05d0", "\u0ba4",
        "\u4f60\u597d", "\u3042", "\ud55c", "\U00020000", "(A)"}) {
    EXPECT_TRUE(HasWords(text)) << text;
  }
  for (const char* text :
       {"", " \n", "...", "?!", "-", "\u2014", "\u2026", "\u00ab \u00bb",
        "\u201c\u201d", "\u3002", "\uff01", "\U0001f44d", "\u2764\ufe0f",
        "\u00a0", "\xff\xfe"}) {
    EXPECT_FALSE(HasWords(text)) << text;
  }
}

TEST(SentencesTest, EndsAndWhatLooksLikeThem) {
  const std::vector<std::vector<std::string>> cases = {
      {"Hello there.", " How are you?", " Fine!"},
      {"Dr. Smith and Mrs. Jones live at 5 St. James Street.", " Good."},
      {"J. S. Bach wrote it.", " So did I.", " Really."},
      {"It opens at 9 a.m. on Monday."},
      {"It opens at 9 a.m.", " Mondays are free."},
      {"It costs 3.50 dollars.", " Or 1,200.75?", " No."},
      {"You owe me 3.", " Pay it."},
      {"1. Milk and eggs.", " 2. Bread."},
      {"We have:", "\n- tea", "\n- coffee"},
      {"He said \"stop.\"", " Then he left."},
      {"Really?!", " Yes..."},
      {"Well... maybe.", " Wait.", " No."},
      {"See e.g. the list, i.e. this one.", " Done."},
      {"\xC2\xBFQu\xC3\xA9 hora es?",
       " \xC2\xA1"
       "Ahora!",
       " El Sr. G\xC3\xB3mez vive."},
      // Without a space, by their own marks.
      {"\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82",
       "\xE5\x86\x8D\xE8\xA7\x81\xEF\xBC\x81"},
      {"Visit example.com or mail me@example.org.", " Thanks."},
      {"Version 2.0 is out.", " U.S. citizens pay less."},
      {"(It is so.)", " Yes."},
  };
  for (const std::vector<std::string>& expected : cases) {
    std::string text;
    for (const std::string& one : expected) text += one;
    EXPECT_EQ(expected, Split(text)) << text;
    // However it comes.
    for (const size_t piece : {2u, 3u, 7u, 1000u}) {
      EXPECT_EQ(expected, Split(text, piece)) << text << " by " << piece;
    }
  }
}

TEST(SentencesTest, NothingIsAddedAndNothingLost) {
  for (const std::string_view text : {"", "  ", "\n\n", " a ", "...", ". . .",
                                      "?", "\xFF\xFE.", "a.\n\n b."}) {
    std::string all;
    for (const std::string& one : Split(text)) all += one;
    EXPECT_EQ(text, all);
  }
  EXPECT_THAT(Split(""), IsEmpty());
}

TEST(SentencesTest, ASentenceComesAsSoonAsItIsWhole) {
  Sentences sentences;
  sentences.Push("It is so. ");
  EXPECT_EQ(std::nullopt, sentences.Take());
  sentences.Push("N");
  EXPECT_EQ("It is so.", sentences.Take());
  sentences.Push("o? ");
  EXPECT_EQ(" No?", sentences.Take());
}

TEST(SentencesTest, LongOnesAreCut) {
  const std::string words = "one two three four five, ";
  std::string text;
  while (text.size() < 2000) text += words;
  std::string all;
  for (const std::string& one : Split(text)) {
    EXPECT_LE(one.size(), Sentences::kMaxBytes);
    all += one;
  }
  EXPECT_EQ(text, all);
  EXPECT_EQ(',', Split(text)[0].back());
  // Words, or what has none.
  EXPECT_EQ(' ',
            Split(std::string(400, 'a') + " " + std::string(400, 'b'))[1][0]);
  std::string kana;
  for (int i = 0; i < 400; ++i) kana += "\xE3\x81\x82";
  for (const std::string& one : Split(kana)) EXPECT_EQ(0u, one.size() % 3);
}

TEST(SentencesTest, ClearForgetsAll) {
  Sentences sentences;
  sentences.Push("Half a");
  sentences.Finish();
  sentences.Clear();
  EXPECT_EQ(std::nullopt, sentences.Take());
  EXPECT_FALSE(sentences.done());
}

}  // namespace
}  // namespace trunkline::protocol
