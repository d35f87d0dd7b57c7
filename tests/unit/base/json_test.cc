#include "base/json.h"

#include <gtest/gtest.h>

#include "base/json_scanner.h"

namespace trunkline {
namespace {

TEST(JsonTest, RefusesWhatIsDeeperOrWiderThanItsBounds) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(ParseJson(nested(kMaxJsonDepth)).has_value());
  EXPECT_FALSE(ParseJson(nested(kMaxJsonDepth + 1)).has_value());
  EXPECT_FALSE(ParseJson(std::string(1 << 20, '[')).has_value());

  std::string wide = "[0";
  for (size_t i = 2; i < kMaxJsonValues; ++i) wide += ",0";
  EXPECT_TRUE(ParseJson(wide + "]").has_value());
  EXPECT_FALSE(ParseJson(wide + ",0,0]").has_value());
}

TEST(JsonTest, BracketsAndCommasInsideStringsDoNotCount) {
  const std::string text = "[\"" + std::string(100'000, '[') +
                           std::string(100'000, ',') + "\\\"[\"]";
  EXPECT_TRUE(ParseJson(text).has_value());
}

TEST(JsonTest, RefusesEveryTruncationWithoutTrapping) {
  const std::string text =
      R"({"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{"c":"d"}})";
  ASSERT_TRUE(ParseJson(text).has_value());
  for (size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(ParseJson(text.substr(0, length)).has_value()) << length;
  }
}

TEST(JsonTest, IntegersComeAsNumbersOrAsDigits) {
  const Json object = {{"number", 5},
                       {"text", "5"},
                       {"fraction", 5.5},
                       {"negative", -5},
                       {"word", "five"},
                       {"empty", ""},
                       {"large", 9007199254740993},
                       {"null", nullptr}};
  EXPECT_EQ(IntegerMember(object, "number"), 5);
  EXPECT_EQ(IntegerMember(object, "text"), 5);
  for (const char* key :
       {"fraction", "negative", "word", "empty", "large", "null", "absent"}) {
    EXPECT_EQ(IntegerMember(object, key), std::nullopt) << key;
  }
  EXPECT_EQ(IntegerMember(Json::array(), "x"), std::nullopt);
}

TEST(JsonTest, PrintsIllFormedUtf8AsReplacement) {
  EXPECT_EQ(PrintJson("a\xff"), "\"a\xEF\xBF\xBD\"");
}

// The scanner agrees with the parser wherever it claims to understand.
TEST(JsonScannerTest, WalksWhatTheParserWalks) {
  const std::string text =
      R"( { "event" : "media" , "n":12, "o":{"a":[1,{"b":"}"}]}, "t":true , "e":{} } )";
  const std::optional<Json> parsed = ParseJson(text);
  ASSERT_TRUE(parsed.has_value());
  JsonScanner scanner(text);
  size_t members = 0;
  while (scanner.Next()) {
    ++members;
    const Json& member = (*parsed)[std::string(scanner.key())];
    if (scanner.kind() == JsonScanner::Kind::kString) {
      EXPECT_EQ(member, Json(std::string(scanner.value())));
    } else if (scanner.kind() == JsonScanner::Kind::kScalar) {
      EXPECT_EQ(member, ParseJson(scanner.value()));
    } else {
      EXPECT_EQ(member.is_object(),
                scanner.kind() == JsonScanner::Kind::kObject);
      EXPECT_TRUE(scanner.value().empty());
    }
  }
  EXPECT_TRUE(scanner.ok());
  EXPECT_EQ(members, parsed->size());
}

TEST(JsonScannerTest, WalksWhatItEnters) {
  JsonScanner scanner(
      R"({"a":{"b":1, "skipped":{"x":[]}, "c":{ }},"d":{"e":{"f":"g"}},"h":2})");
  std::string walked;
  const auto note = [&] { walked += std::string(scanner.key()) + ' '; };
  while (scanner.Next()) {
    note();
    if (scanner.kind() != JsonScanner::Kind::kObject) continue;
    scanner.Enter();
    while (scanner.Next()) {
      note();
      if (scanner.key() != "c" && scanner.key() != "e") continue;
      scanner.Enter();
      while (scanner.Next()) note();
    }
    EXPECT_FALSE(scanner.ok());
  }
  EXPECT_TRUE(scanner.ok());
  EXPECT_EQ(walked, "a b skipped c d e f h ");
}

TEST(JsonScannerTest, IsNotOkWhenWhatItEnteredIsBroken) {
  const std::string good = R"({"a":{"b":"c","d":{}}})";
  for (size_t length = 0; length <= good.size(); ++length) {
    JsonScanner scanner(std::string_view(good).substr(0, length));
    while (scanner.Next()) {
      if (scanner.kind() == JsonScanner::Kind::kObject) scanner.Enter();
      while (scanner.Next()) {
      }
    }
    EXPECT_EQ(scanner.ok(), length == good.size()) << length;
  }
}

// Marks are looked for sixteen characters at a time: every place counts.
TEST(JsonScannerTest, FindsTheEndOfStringsOfAnyLength) {
  for (size_t length = 0; length < 70; ++length) {
    const std::string value(length, 'v');
    for (const char* tail : {"}", R"(,"b":1}       )"}) {
      const std::string text = "{\"a\":\"" + value + "\"" + tail;
      JsonScanner scanner(text);
      ASSERT_TRUE(scanner.Next());
      EXPECT_EQ(scanner.value(), value);
      while (scanner.Next()) {
      }
      EXPECT_TRUE(scanner.ok()) << text;
    }
    for (size_t at = 0; at < length; ++at) {
      std::string escaped = value;
      escaped[at] = '\\';
      const std::string text = R"({"a":")" + escaped + R"("})";
      JsonScanner scanner(text);
      EXPECT_FALSE(scanner.Next());
      EXPECT_FALSE(scanner.ok());
    }
  }
}

TEST(JsonScannerTest, IsNotOkOnAnythingBroken) {
  const std::string good = R"({"a":"b","c":{"d":1},"e":2})";
  for (size_t length = 0; length < good.size(); ++length) {
    JsonScanner scanner(std::string_view(good).substr(0, length));
    while (scanner.Next()) {
    }
    EXPECT_FALSE(scanner.ok()) << length;
  }
  for (const char* text :
       {"[]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "{\"a\":1}x", "{\"a\":}",
        "{\"a\":\"\\n\"}", "{\"\\u0061\":1}", "{\"a\":[[[[[[[[[1]]]]]]]]]}"}) {
    JsonScanner scanner(text);
    while (scanner.Next()) {
    }
    EXPECT_FALSE(scanner.ok()) << text;
    EXPECT_FALSE(scanner.Next());
  }
}

// Senders of deltas cut a text where its UTF-16 can be cut: an emoji came as
// two messages, and both were taken for malformed.
TEST(JsonTest, HalfASurrogatePairCostsItsCharacterOnly) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a":"x\ud83d","b":1})", "x\uFFFD"},
      {R"({"a":"\ude00y","b":1})", "\uFFFDy"},
      {R"({"a":"\uD83D\u0041","b":1})", "\uFFFDA"},
      {R"({"a":"\ud83d\ud83d\ude00","b":1})", "\uFFFD\U0001F600"},
      {R"({"a":"\ude00\ud83d\n","b":1})", "\uFFFD\uFFFD\n"},
      {R"({"a":"\\ud83d","b":1})", R"(\ud83d)"},
      {R"({"a":"\ud83d\ude00","b":1})", "\U0001F600"},
  };
  for (const auto& [text, expected] : cases) {
    const std::optional<Json> json = ParseJson(text);
    ASSERT_TRUE(json) << text;
    EXPECT_EQ(StringMember(*json, "a"), expected) << text;
    EXPECT_EQ(IntegerMember(*json, "b"), 1) << text;
  }
}

TEST(JsonTest, WhatIsMendedIsStillJudged) {
  for (const char* text :
       {R"({"a":"\ud83d)", R"({"a":"\ud83d"} x)", R"({"a":"\ud83"})",
        R"({"a":"\ud83dx\q"})", R"(\ud83d)", R"({"a":"\u12g4"})"}) {
    EXPECT_FALSE(ParseJson(text)) << text;
  }
}

}  // namespace
}  // namespace trunkline
