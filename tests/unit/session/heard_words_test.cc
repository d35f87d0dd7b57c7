#include "session/heard_words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"
#include "support/audio_signals.h"

namespace trunkline::session {
namespace {

// What the rule was measured with and compared to; it says how it was made.
const Json& Fixture() {
  static const Json fixture = [] {
    std::ifstream file(TRUNKLINE_SOURCE_DIR "/tests/golden/heard_words.json");
    std::stringstream text;
    text << file.rdbuf();
    return Json::parse(text.str());
  }();
  return fixture;
}

std::vector<Pause> ReadPauses(const Json& json) {
  std::vector<Pause> pauses;
  for (const Json& pause : json) {
    pauses.push_back({pause.at(0).get<int32_t>(), pause.at(1).get<int32_t>()});
  }
  return pauses;
}

std::string_view Heard(std::string_view text, int64_t heard_ms,
                       int64_t received_ms,
                       const std::vector<Pause>& pauses = {}) {
  return HeardText(text, heard_ms, received_ms, pauses);
}

size_t WordsOf(std::string_view text) {
  size_t words = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' && (i == 0 || text[i - 1] == ' ')) ++words;
  }
  return words;
}

TEST(HeardWordsTest, NeverHasMoreThanWasHeardNorHalfAWord) {
  const std::string_view text = "the quick brown fox jumps over the lazy dog";
  for (int64_t heard = 0; heard <= 100; ++heard) {
    const std::string_view kept = Heard(text, heard, 100);
    EXPECT_EQ(text.substr(0, kept.size()), kept);
    EXPECT_LE(kept.size() * 100, text.size() * static_cast<size_t>(heard));
    EXPECT_TRUE(kept == text || kept.empty() || text[kept.size()] == ' ');
  }
  EXPECT_EQ(Heard(text, 100, 100), text);
  EXPECT_EQ(Heard(text, 101, 100), text);
  EXPECT_EQ(Heard(text, -5, 100), "");
  EXPECT_EQ(Heard("word", 1, 2), "");
  EXPECT_EQ(Heard("", 0, 0), "");
  EXPECT_EQ(Heard("", 0, 10), "");
  EXPECT_EQ(Heard(" \n ", 5, 10), "");
}

TEST(HeardWordsTest, CountsInLettersWhatATextTakes) {
  EXPECT_EQ(LettersOf(""), 0);
  EXPECT_EQ(LettersOf("One, two."), 9);
  EXPECT_EQ(LettersOf("42"), 8);
  EXPECT_EQ(LettersOf("\xE6\x97\xA5\xE6\x9C\xAC"), 6);
  // What is malformed, byte by byte.
  EXPECT_EQ(LettersOf("\xFF\xFF"), 2);
}

TEST(HeardWordsTest, GrowsWithWhatWasHeardWhateverThePauses) {
  const std::string_view text =
      "One, two; three. Four five, six! Seven? Eight nine ten.";
  const std::vector<std::vector<Pause>> all = {
      {},
      {{0, 50}},
      {{300, 400}},
      {{100, 200}, {250, 300}, {700, 950}, {960, 1000}},
      {{1, 999}}};
  for (const std::vector<Pause>& pauses : all) {
    size_t before = 0;
    for (int64_t heard = 0; heard <= 1000; heard += 5) {
      const size_t size = Heard(text, heard, 1000, pauses).size();
      EXPECT_GE(size, before);
      before = size;
    }
    EXPECT_EQ(before, text.size());
  }
}

TEST(HeardWordsTest, KnowsAClausesEndByItsPause) {
  // Ten characters take 1.4 s, the other fifteen 3.2 s.
  const std::string_view text = "abcde fgh, klmno pqrs tuv";
  const std::vector<Pause> pauses = {{1400, 1800}};
  EXPECT_EQ(Heard(text, 1390, 5000, pauses), "abcde");
  EXPECT_EQ(Heard(text, 1400, 5000, pauses), "abcde fgh,");
  EXPECT_EQ(Heard(text, 3000, 5000, pauses), "abcde fgh,");
  EXPECT_EQ(Heard(text, 3100, 5000, pauses), "abcde fgh, klmno");
}

TEST(HeardWordsTest, KnowsThatADigitIsAWordAndASignToo) {
  // Eleven letters beside four digits of four letters each.
  EXPECT_EQ(Heard("abcdefghijk 1234 z", 450, 1000), "abcdefghijk");
  EXPECT_EQ(Heard("abcdefghijk 1234 z", 900, 1000), "abcdefghijk");
  EXPECT_EQ(Heard("abcdefghijk 1234 z", 940, 1000), "abcdefghijk 1234");
  EXPECT_EQ(Heard("$5 bill", 500, 1000), "");
}

// Of texts with spaces every case is as the rule in TypeScript has it.
TEST(HeardWordsTest, KeepsWhatTheGoldenCasesKeep) {
  size_t cases = 0;
  for (const Json& entry : Fixture().at("spaced")) {
    const auto text = entry.at("text").get<std::string>();
    for (const Json& one : entry.at("cases")) {
      const std::string_view kept =
          Heard(text, one.at(0).get<int64_t>(), one.at(1).get<int64_t>(),
                ReadPauses(one.at(2)));
      EXPECT_EQ(kept, std::string_view(text).substr(0, one.at(3).get<size_t>()))
          << text << ": " << one;
      ++cases;
    }
  }
  EXPECT_GE(cases, 200U);
}

// Of the others it differs by less than a word of a dictionary.
TEST(HeardWordsTest, IsWithinAWordOfTheGoldenCasesWithoutSpaces) {
  size_t cases = 0;
  size_t fewer = 0;
  for (const Json& entry : Fixture().at("unspaced")) {
    const auto text = entry.at("text").get<std::string>();
    const auto ends = entry.at("ends").get<std::vector<size_t>>();
    const auto words = [&](size_t bytes) {
      return std::upper_bound(ends.begin(), ends.end(), bytes) - ends.begin();
    };
    for (const Json& one : entry.at("cases")) {
      const size_t kept = Heard(text, one.at(0).get<int64_t>(),
                                one.at(1).get<int64_t>(), ReadPauses(one.at(2)))
                              .size();
      const auto golden = one.at(3).get<size_t>();
      // Whole words are the same and a part of the next is more, but that there
      // an opening bracket ends a word and here a closing one does.
      EXPECT_LE(std::abs(words(kept) - words(golden)), 1)
          << text << ": " << one << " has " << kept;
      if (words(kept) < words(golden)) ++fewer;
      ++cases;
    }
  }
  EXPECT_GE(cases, 100U);
  RecordProperty("cases", std::to_string(cases));
  RecordProperty("fewer", std::to_string(fewer));
  EXPECT_LE(fewer * 20, cases);
}

struct Unspaced {
  const char* name;
  std::string_view text;
  // Of 101 instants, that are different.
  size_t least_parts;
};

TEST(HeardWordsTest, FindsTheWordsOfScriptsWithoutSpaces) {
  const Unspaced all[] = {
      {"Japanese",
       "\u4eca\u65e5\u306f\u4f11\u307f\u3067\u3059\u3002\u660e\u65e5\u306f"
       "\u5341\u6642\u304b\u3089\u3067\u3059\u3002",
       10},
      {"Chinese",
       "\u6211\u4eec\u660e\u5929\u5341\u70b9\u5f00\u95e8\uff0c\u661f\u671f"
       "\u65e5\u4f11\u606f\u3002",
       10},
      {"Thai",
       "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e04\u0e23\u0e31\u0e1a "
       "\u0e1c\u0e21\u0e0a\u0e37\u0e48\u0e2d\u0e2a\u0e21\u0e0a\u0e32\u0e22",
       10},
      {"Khmer", "\u179f\u17bd\u179f\u17d2\u178f\u17b8", 2},
      {"Burmese", "\u1019\u1004\u103a\u1039\u1002\u101c\u102c\u1015\u102b", 3},
  };
  for (const auto& [name, text, least_parts] : all) {
    std::vector<size_t> parts;
    for (int64_t heard = 0; heard <= 1000; heard += 10) {
      const std::string_view kept = Heard(text, heard, 1000);
      ASSERT_EQ(text.substr(0, kept.size()), kept) << name;
      parts.push_back(kept.size());
      if (kept.size() == text.size()) continue;
      // Neither a mark nor a sign of the syllable before begins what is left.
      const uint32_t next = CodePointAt(text, kept.size()).value;
      EXPECT_TRUE(next != 0x3002 && next != 0xFF0C) << name;
      EXPECT_FALSE(next >= 0x0E31 && next <= 0x0E4E && next != 0x0E32 &&
                   !(next >= 0x0E40 && next <= 0x0E46))
          << name << ' ' << next;
      EXPECT_FALSE(next >= 0x17B6 && next <= 0x17D3) << name << ' ' << next;
      EXPECT_FALSE(next >= 0x102B && next <= 0x103E) << name << ' ' << next;
    }
    EXPECT_TRUE(std::is_sorted(parts.begin(), parts.end())) << name;
    parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
    EXPECT_GE(parts.size(), least_parts) << name;
  }
}

// A syllable is kept whole: small and long kana, vowels before their consonant,
// stacked consonants, joined and accented letters.
TEST(HeardWordsTest, KeepsWhatBelongsTogether) {
  const auto parts = [](std::string_view text) {
    std::vector<std::string> all;
    size_t before = 0;
    for (int64_t heard = 0; heard <= 10'000; ++heard) {
      const size_t size = Heard(text, heard, 10'000).size();
      if (size != before) all.emplace_back(text.substr(before, size - before));
      before = size;
    }
    return all;
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts("\u30b3\u30fc\u30d2\u30fc"),
            (Parts{"\u30b3\u30fc", "\u30d2\u30fc"}));
  EXPECT_EQ(parts("\u304d\u3063\u3066"), (Parts{"\u304d\u3063", "\u3066"}));
  EXPECT_EQ(parts("\u304b\u3099\u304d"), (Parts{"\u304b\u3099", "\u304d"}));
  EXPECT_EQ(parts("\u0e41\u0e15\u0e48\u0e19\u0e49\u0e33"),
            (Parts{"\u0e41\u0e15\u0e48", "\u0e19\u0e49\u0e33"}));
  EXPECT_EQ(parts("\u179f\u17d2\u178f\u17b8\u1780"),
            (Parts{"\u179f\u17d2\u178f\u17b8", "\u1780"}));
  // Where the script changes, and brackets with what they hold.
  EXPECT_EQ(parts("\u7528iPhone\u6253"), (Parts{"\u7528", "iPhone", "\u6253"}));
  EXPECT_EQ(parts("\u306f\u300c\u3044\u300d\u3002\u3068"),
            (Parts{"\u306f", "\u300c\u3044\u300d\u3002", "\u3068"}));
  EXPECT_EQ(parts("\u8449\U000e0100\u306f"),
            (Parts{"\u8449\U000e0100", "\u306f"}));
}

TEST(HeardWordsTest, LaysThePausesOnJapaneseMarks) {
  // Seven signs take 1.4 s, the nine others 2.6 s.
  const std::string_view text =
      "\u4eca\u65e5\u306f\u4f11\u307f\u3067\u3059\u3002\u660e\u65e5\u306f"
      "\u5341\u6642\u304b\u3089\u3067\u3059\u3002";
  EXPECT_EQ(Heard(text, 1450, 4300, {{1400, 1700}}), text.substr(0, 24));
}

struct Accuracy {
  size_t instants = 0;
  size_t within = 0;
};

// At how many instants, of what a synthetic voice says, at most one word too
// many or too few is kept; never more than two.
Accuracy Measure(const Json& texts) {
  Accuracy accuracy;
  for (const Json& entry : texts) {
    const auto text = entry.at("text").get<std::string>();
    const auto ends = entry.at("endsMs").get<std::vector<int64_t>>();
    const std::vector<Pause> pauses = ReadPauses(entry.at("pauses"));
    const auto length_ms = entry.at("lengthMs").get<int64_t>();
    for (int64_t heard = 0; heard < length_ms; heard += 10) {
      const auto truth = std::count_if(
          ends.begin(), ends.end(), [&](int64_t end) { return end <= heard; });
      const auto kept = static_cast<std::ptrdiff_t>(
          WordsOf(Heard(text, heard, length_ms, pauses)));
      ++accuracy.instants;
      if (std::abs(kept - truth) <= 1) ++accuracy.within;
      EXPECT_LE(std::abs(kept - truth), 2) << text << " after " << heard;
    }
  }
  return accuracy;
}

TEST(HeardWordsTest, IsWithinOneWordOfAVoice) {
  const Accuracy answers = Measure(Fixture().at("answers"));
  RecordProperty("instants", std::to_string(answers.instants));
  RecordProperty("within", std::to_string(answers.within));
  EXPECT_GT(answers.instants, 8000U);
  // Short words in a row are said faster than their characters tell.
  EXPECT_GT(answers.within * 100, answers.instants * 99);
}

TEST(HeardWordsTest, IsNearlyAlwaysWithinOneWordOfAVoiceThatSaysNumbers) {
  const Accuracy numbers = Measure(Fixture().at("numbers"));
  RecordProperty("instants", std::to_string(numbers.instants));
  RecordProperty("within", std::to_string(numbers.within));
  EXPECT_GT(numbers.instants, 2000U);
  EXPECT_GT(numbers.within * 100, numbers.instants * 97);
}

std::string ManyWords(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += "word";
    text += static_cast<char>('a' + i % 26);
    text += ',';
  }
  return text;
}

TEST(HeardWordsTest, KeepsItsTimeWithMoreMarksAndPausesThanAreLaid) {
  const std::string text = ManyWords(200);
  std::vector<Pause> pauses;
  for (int32_t i = 0; i < 199; ++i) {
    pauses.push_back({i * 500 + 400, i * 500 + 500});
  }
  ASSERT_GT(pauses.size(), kMaxHeardMarks);
  for (int64_t word = 0; word < 200; word += 7) {
    const auto heard = static_cast<int64_t>(
        WordsOf(Heard(text, word * 500 + 450, 100'000, pauses)));
    EXPECT_LE(std::abs(heard - (word + 1)), 3);
  }
}

// The costliest there is: all marks and pauses, and none that fits, so that no
// choice is out of the question early. It takes about 1 ms where it is
// optimised; the bound leaves room for sanitizers and a busy machine.
TEST(HeardWordsTest, IsQuickAtItsBounds) {
  std::string text;
  for (size_t i = 0; i < kMaxHeardMarks; ++i) {
    text += std::string(1 + i * i % 97, 'x') + ", ";
  }
  text += ManyWords(1000);
  test::Random random(1);
  std::vector<Pause> pauses;
  for (int32_t at = 100; pauses.size() < kMaxHeardMarks;) {
    at += 100 + static_cast<int32_t>(random.Below(20'000));
    pauses.push_back({at, at + 90});
  }
  const int64_t received = pauses.back().to_ms + 100'000;
  const auto began = std::chrono::steady_clock::now();
  size_t kept = 0;
  for (int i = 0; i < 20; ++i) {
    kept += Heard(text, received / 2 + i, received, pauses).size();
  }
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - began;
  EXPECT_GT(kept, 0U);
  RecordProperty("microseconds", std::to_string(took.count() / 20 * 1000));
  EXPECT_LT(took.count() / 20, 100);
}

TEST(HeardWordsTest, IsABeginningOfWhateverBytes) {
  test::Random random(7);
  const std::string_view pieces[] = {
      "a",    " ",    ".",      "\x80",   "\xC3",       "\xE3\x81",
      "\xF0", "\xED", "\u3042", "\u0e41", "\u3002",     "\u300c",
      "1",    "\"",   "\xFF",   "\u0300", "\U0001f600", "\u1039"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t i = random.Below(40); i > 0; --i) {
      text += pieces[random.Below(std::size(pieces))];
    }
    std::vector<Pause> pauses;
    for (size_t i = random.Below(60); i > 0; --i) {
      // Neither in order nor the right way round.
      pauses.push_back({static_cast<int32_t>(random.Next()),
                        static_cast<int32_t>(random.Next())});
    }
    const auto heard = static_cast<int64_t>(random.Next());
    const auto received = static_cast<int64_t>(random.Next());
    const std::string_view kept = Heard(text, heard, received, pauses);
    ASSERT_LE(kept.size(), text.size());
    ASSERT_EQ(kept.data(), text.data());
    // No character is cut.
    size_t at = 0;
    while (at < kept.size()) at += CodePointAt(text, at).bytes;
    EXPECT_EQ(at, kept.size());
  }
}

}  // namespace
}  // namespace trunkline::session
