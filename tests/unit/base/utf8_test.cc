#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline {
namespace {

std::vector<uint32_t> Values(std::string_view text) {
  std::vector<uint32_t> values;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    EXPECT_GE(point.bytes, 1U);
    EXPECT_LE(at + point.bytes, text.size());
    values.push_back(point.value);
    at += point.bytes;
  }
  return values;
}

TEST(Utf8Test, ReadsCharactersOfEveryLength) {
  EXPECT_EQ(Values("a\u00e9\u20ac\U0001f600"),
            (std::vector<uint32_t>{'a', 0xE9, 0x20AC, 0x1F600}));
  EXPECT_EQ(
      Values("\u0080\u07ff\u0800\uffff\U00010000\U0010ffff"),
      (std::vector<uint32_t>{0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF}));
  EXPECT_EQ(Values(std::string_view("\0", 1)), std::vector<uint32_t>{0});
}

TEST(Utf8Test, TakesEachMalformedByteForACharacter) {
  const std::vector<uint32_t> one = {0xFFFD};
  const std::vector<uint32_t> two = {0xFFFD, 0xFFFD};
  const std::vector<uint32_t> three = {0xFFFD, 0xFFFD, 0xFFFD};
  EXPECT_EQ(Values("\x80"), one);
  EXPECT_EQ(Values("\xC3"), one);
  EXPECT_EQ(Values("\xC0\x80"), two);                // overlong
  EXPECT_EQ(Values("\xE0\x80\x80"), three);          // overlong
  EXPECT_EQ(Values("\xED\xA0\x80"), three);          // a surrogate
  EXPECT_EQ(Values("\xF4\x90\x80\x80").size(), 4U);  // above U+10FFFF
  EXPECT_EQ(Values("\xE2\x82"), two);
  EXPECT_EQ(Values("\xE2(a"), (std::vector<uint32_t>{0xFFFD, '(', 'a'}));
}

TEST(Utf8Test, CutsBetweenCharacters) {
  const std::string_view text = "a\u00e9\u20ac\U0001f600z";
  EXPECT_EQ(CutText(text, 100), text);
  EXPECT_EQ(CutText(text, 11), text);
  EXPECT_EQ(CutText(text, 10), text.substr(0, 10));
  EXPECT_EQ(CutText(text, 9), text.substr(0, 6));
  EXPECT_EQ(CutText(text, 6), text.substr(0, 6));
  EXPECT_EQ(CutText(text, 5), text.substr(0, 3));
  EXPECT_EQ(CutText(text, 2), "a");
  EXPECT_EQ(CutText(text, 0), "");
  EXPECT_EQ(CutText("\x80\x80\x80\x80\x80", 3), "\x80\x80\x80");
}

// Every cut of every text of four bytes out of those that matter.
TEST(Utf8Test, ACutIsAPlaceWhereACharacterBegins) {
  const std::string bytes = "a\x80\xBF\xC3\xE2\xED\xF0\xF4";
  for (size_t n = 0; n < 4096; ++n) {
    std::string text;
    for (size_t i = 0, rest = n; i < 4; ++i, rest /= 8) {
      text.push_back(bytes[rest % 8]);
    }
    for (size_t limit = 0; limit <= 4; ++limit) {
      size_t place = 0;
      for (size_t at = 0; at <= limit;) {
        place = at;
        if (at == text.size()) break;
        at += CodePointAt(text, at).bytes;
      }
      EXPECT_EQ(CutText(text, limit).size(), place) << n << ' ' << limit;
    }
  }
}

TEST(Utf8Test, AppendsWholeCharactersAndReplacesMalformedOnes) {
  std::string out = "x";
  EXPECT_EQ(AppendWellFormed(out, "a\u00e9\uFFFD\xC3", 100), Appended::kAll);
  EXPECT_EQ(out, "xa\u00e9\uFFFD\uFFFD");
  out = "x";
  EXPECT_EQ(AppendWellFormed(out, "a\u20ac.", 4), Appended::kPart);
  EXPECT_EQ(out, "xa");
  EXPECT_EQ(AppendWellFormed(out, "\u20ac", 5), Appended::kAll);
  EXPECT_EQ(AppendWellFormed(out, "", 0), Appended::kAll);
  EXPECT_EQ(AppendWellFormed(out, "b", 5), Appended::kPart);
  EXPECT_EQ(out, "xa\u20ac");
}

}  // namespace
}  // namespace trunkline
