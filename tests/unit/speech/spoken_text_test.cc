#include "speech/synthesizer/spoken_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::speech {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The stretches in which `text` is spoken, their pieces with a space between.
std::vector<std::string> Stretches(std::string_view text) {
  const std::vector<Piece> pieces = PiecesOf(text, SplitWords(text));
  std::vector<std::string> stretches;
  for (size_t at = 0; at < pieces.size();) {
    const size_t count = NextStretch(std::span(pieces).subspan(at));
    std::string& stretch = stretches.emplace_back();
    for (size_t i = at; i < at + count; ++i) {
      if (i > at) stretch += ' ';
      stretch += pieces[i].ascii;
    }
    at += count;
  }
  return stretches;
}

TEST(SpokenTextTest, WordsAreWhatWhiteSpaceSeparates) {
  const std::string text = "  one\ttwo\n\u00a0three\u2003four ";
  std::vector<std::string> words;
  for (const Word& word : SplitWords(text)) {
    words.push_back(text.substr(word.begin, word.end - word.begin));
  }
  EXPECT_THAT(words, ElementsAre("one", "two", "three", "four"));
  EXPECT_THAT(SplitWords(""), IsEmpty());
  EXPECT_THAT(SplitWords(" \n "), IsEmpty());
}

TEST(SpokenTextTest, ASentenceIsAStretch) {
  EXPECT_THAT(Stretches("Yes. Is it? It is! Fine"),
              ElementsAre("Yes.", "Is it?", "It is!", "Fine"));
  EXPECT_THAT(Stretches("(He said: \"Come in!\") Then he left."),
              ElementsAre("(He said: \"Come in!\")", "Then he left."));
  EXPECT_THAT(Stretches("A heading\n\nand text\nof two lines"),
              ElementsAre("A heading", "and text of two lines"));
  EXPECT_THAT(Stretches("Wait\u2026 what?"), ElementsAre("Wait...", "what?"));
}

TEST(SpokenTextTest, AFullStopInAWordEndsNoSentence) {
  EXPECT_THAT(
      Stretches("Dr. J. Smith pays 12.50, e.g. at St. Mary's, no. 3"),
      ElementsAre("Dr. J. Smith pays 12.50, e.g. at St. Mary's, no. 3"));
  EXPECT_THAT(Stretches("(Mr. X said so.) Yes."),
              ElementsAre("(Mr. X said so.)", "Yes."));
}

TEST(SpokenTextTest, ALongSentenceIsCutBehindAClause) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "word word word word, ";
  const std::vector<std::string> stretches = Stretches(text);
  ASSERT_LT(2u, stretches.size());
  for (const std::string& stretch : stretches) {
    EXPECT_EQ(',', stretch.back()) << stretch;
    EXPECT_GE(kMaxStretchWeight, Weight(stretch));
  }
}

TEST(SpokenTextTest, ALongSentenceWithoutClausesIsCutBehindAWord) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word ";
  for (const std::string& stretch : Stretches(text)) {
    EXPECT_EQ("word", stretch.substr(stretch.size() - 4));
    EXPECT_GE(kMaxStretchWeight + 4, Weight(stretch));
  }
}

TEST(SpokenTextTest, AWordWithoutAnEndIsCutIntoPieces) {
  const std::string text(100 * kMaxPieceBytes, '7');
  const std::vector<Piece> pieces = PiecesOf(text, SplitWords(text));
  EXPECT_EQ(100u, pieces.size());
  size_t bytes = 0;
  for (const Piece& piece : pieces) {
    EXPECT_EQ(0u, piece.word);
    EXPECT_GE(kMaxPieceBytes, piece.ascii.size());
    bytes += piece.ascii.size();
  }
  EXPECT_EQ(text.size(), bytes);
}

TEST(SpokenTextTest, WhatIsReadOutByNameIsAWordEach) {
  EXPECT_EQ(5u, Weight("hello"));
  EXPECT_EQ(6u, Weight("don't,"));
  EXPECT_EQ(32u, Weight("2027"));
  EXPECT_EQ(24u, Weight("50%"));
  EXPECT_EQ(8u, Weight("w"));
  EXPECT_EQ(8u, Weight("a"));
  EXPECT_EQ(16u, Weight("TV"));
}

TEST(SpokenTextTest, PiecesTellTheirWord) {
  const std::string text = "a \U0001f600 5\u20ac b";
  std::vector<std::string> pieces;
  for (const Piece& piece : PiecesOf(text, SplitWords(text))) {
    pieces.push_back(std::to_string(piece.word) + piece.ascii);
  }
  EXPECT_THAT(pieces, ElementsAre("0a", "25", "2euros", "3b"));
}

TEST(SpokenTextTest, EveryStretchHasAPieceAndIsBounded) {
  for (uint32_t round = 0; round < 200; ++round) {
    std::mt19937 random(round);
    std::string text;
    for (int i = 0; i < 400; ++i) {
      text.push_back(static_cast<char>(random() % 256));
    }
    const std::vector<Piece> pieces = PiecesOf(text, SplitWords(text));
    for (size_t at = 0; at < pieces.size();) {
      const size_t count = NextStretch(std::span(pieces).subspan(at));
      ASSERT_LE(1u, count);
      ASSERT_LE(count, pieces.size() - at);
      size_t weight = 0;
      for (size_t i = at; i < at + count; ++i) weight += pieces[i].weight;
      if (count > 1) {
        ASSERT_GE(kMaxStretchWeight, weight);
      }
      ASSERT_GE(8 * kMaxPieceBytes + 1, weight);
      at += count;
    }
  }
}

}  // namespace
}  // namespace trunkline::speech
