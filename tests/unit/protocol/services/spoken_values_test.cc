#include "protocol/services/spoken_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trunkline::protocol {
namespace {

// "19:30 certain half 3": the time, and how many words it is; "-" if none.
std::string ReadTime(std::string_view text) {
  const std::vector<TextWord> words = TextWordsOf(text, 20);
  const auto time = TimeAt(words, 0);
  if (!time) return "-";
  return TimeDigits(time->minutes) + (time->is_certain ? " certain" : "") +
         (time->has_half ? " half" : "") + ' ' + std::to_string(time->words);
}

TEST(SpokenTimeTest, IsReadAsItIsSaid) {
  const std::pair<const char*, const char*> cases[] = {
      {"seven", "07:00 1"},
      {"seven people", "07:00 1"},
      {"seven thirty", "07:30 certain 2"},
      {"seven twenty five", "07:25 certain 3"},
      {"seven oh five", "07:05 certain 3"},
      {"seven o five", "07:05 certain 3"},
      {"seven o'clock", "07:00 certain 2"},
      {"seven o clock", "07:00 certain 3"},
      {"seven p m", "19:00 certain half 3"},
      {"seven pm", "19:00 certain half 2"},
      {"7pm", "19:00 certain half 2"},
      {"7:30", "07:30 certain 1"},
      {"7.30 p.m.", "19:30 certain half 3"},
      {"19:30", "19:30 certain half 1"},
      {"half past seven", "07:30 certain 3"},
      {"a quarter to eight", "07:45 certain 4"},
      {"quarter past eight in the evening", "20:15 certain half 6"},
      {"ten to seven", "06:50 certain 3"},
      {"ten minutes past seven", "07:10 certain 4"},
      {"quarter to one p m", "12:45 certain half 5"},
      {"twelve a m", "00:00 certain half 3"},
      {"twelve p m", "12:00 certain half 3"},
      {"noon", "12:00 certain half 1"},
      {"half past noon", "12:30 certain half 3"},
      {"quarter to midnight", "23:45 certain half 3"},
      {"midnight", "00:00 certain half 1"},
      {"seven tonight", "19:00 half 1"},
      {"twenty thirty", "20:30 certain half 2"},
      {"twenty five", "-"},
      {"thirty", "-"},
      {"25:00", "-"},
      {"7:60", "-"},
      {"half a dozen", "-"},
      {"people", "-"},
      {"", "-"}};
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(ReadTime(text), expected) << text;
  }
}

TEST(SpokenTimeTest, IsSaidAsItIsRead) {
  EXPECT_EQ(TimeWords(0), "midnight");
  EXPECT_EQ(TimeWords(5), "twelve oh five a m");
  EXPECT_EQ(TimeWords(12 * 60), "noon");
  EXPECT_EQ(TimeWords(12 * 60 + 30), "twelve thirty p m");
  for (int minutes = 0; minutes < 24 * 60; ++minutes) {
    const std::vector<TextWord> words = TextWordsOf(TimeWords(minutes), 20);
    const auto time = TimeAt(words, 0);
    ASSERT_TRUE(time) << TimeWords(minutes);
    EXPECT_EQ(time->minutes, minutes);
    EXPECT_EQ(time->words, words.size());
  }
}

TEST(SpokenNumberTest, IsReadAsItIsSaid) {
  for (int number = 0; number < 100; ++number) {
    const std::vector<TextWord> words = TextWordsOf(NumberWords(number), 5);
    const auto read = NumberAt(words, 0);
    ASSERT_TRUE(read) << number;
    EXPECT_EQ(read->value, number);
    EXPECT_EQ(read->words, words.size());
    for (const TextWord& word : words) EXPECT_TRUE(IsNumberWord(word.word));
  }
  EXPECT_EQ(NumberWords(100), "100");
  EXPECT_EQ(NumberAt(TextWordsOf("250 people", 5), 0)->value, 250);
  EXPECT_FALSE(NumberAt(TextWordsOf("99999", 5), 0));
  EXPECT_FALSE(NumberAt(TextWordsOf("some", 5), 0));
  EXPECT_FALSE(NumberAt(TextWordsOf("some", 5), 1));
}

TEST(SpokenDayTest, HasAName) {
  EXPECT_EQ(DayAt("friday"), SpokenDay{5});
  EXPECT_EQ(DayAt("tonight"), SpokenDay::kToday);
  EXPECT_EQ(DayAt("someday"), std::nullopt);
  EXPECT_EQ(DayAt(""), std::nullopt);
  EXPECT_EQ(DayWords(SpokenDay{5}), "on Friday");
  EXPECT_EQ(DayWords(SpokenDay::kTomorrow), "tomorrow");
}

TEST(SpokenDateTest, IsThatOfTheCalendar) {
  EXPECT_EQ(DateWords(0), "Thursday, January one");
  EXPECT_EQ(DateWords(-1), "Wednesday, December thirty one");
  EXPECT_EQ(DateWords(11'016), "Tuesday, February twenty nine");  // 2000
  EXPECT_EQ(DateWords(11'017), "Wednesday, March one");
  EXPECT_EQ(DateWords(20'786), "Sunday, November twenty nine");  // 2026
}

}  // namespace
}  // namespace trunkline::protocol
