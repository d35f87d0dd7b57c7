#include "speech/text/ascii.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace trunkline::speech {
namespace {

TEST(AsciiTest, PrintableAsciiStaysAsItIs) {
  std::string all;
  for (char c = 0x20; c < 0x7f; ++c) all.push_back(c);
  EXPECT_EQ(all, ToAscii(all));
}

TEST(AsciiTest, TypographyBecomesWhatAKeyboardHas) {
  EXPECT_EQ("don't", ToAscii("don\u2019t"));
  EXPECT_EQ("\"Come in!\"", ToAscii("\u201cCome in!\u201d"));
  EXPECT_EQ("ten - eleven", ToAscii("ten\u2014eleven"));
  EXPECT_EQ("well...", ToAscii("well\u2026"));
  EXPECT_EQ("check-in", ToAscii("check\u2011in"));
}

TEST(AsciiTest, LettersLoseTheirAccents) {
  EXPECT_EQ("Stephane", ToAscii("St\u00e9phane"));
  EXPECT_EQ("Strasse", ToAscii("Stra\u00dfe"));
  EXPECT_EQ("Zizek", ToAscii("\u017di\u017eek"));
  EXPECT_EQ("Lodz", ToAscii("\u0141\u00f3d\u017a"));
  EXPECT_EQ("Aerosund", ToAscii("\u00c6r\u00f8sund"));
}

TEST(AsciiTest, SignsBecomeTheirNames) {
  EXPECT_EQ("5 euros", ToAscii("5\u20ac"));
  EXPECT_EQ("20 degrees", ToAscii("20\u00b0"));
}

TEST(AsciiTest, WhatHasNoNameIsDropped) {
  EXPECT_EQ("", ToAscii("\U0001f600"));
  EXPECT_EQ("ok", ToAscii("\u4f60o\u597dk"));
  EXPECT_EQ("ab", ToAscii(std::string_view("a\0b", 3)));
  EXPECT_EQ("ab", ToAscii("a\tb"));
  // Cut characters, overlong forms, surrogates, bytes that are none.
  EXPECT_EQ("ab", ToAscii("a\xe2\x82"
                          "b"));
  EXPECT_EQ("ab", ToAscii("a\xc0\x80"
                          "b"));
  EXPECT_EQ("ab", ToAscii("a\xed\xa0\x80"
                          "b"));
  EXPECT_EQ("ab", ToAscii("a\xff\xfe"
                          "b"));
}

}  // namespace
}  // namespace trunkline::speech
