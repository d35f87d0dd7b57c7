#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/services/word_pattern.h"

namespace trunkline::protocol {

// What numbers, days and times are called in spoken English: from words that
// were heard, and to words that are said.

// A part of a number, or all of it: "seven", "thirty", "7", "7:30".
bool IsNumberWord(std::string_view word);

// A number from 0 to 9999 that begins with a word, and how many words it is.
struct SpokenNumber {
  int value = 0;
  size_t words = 0;
};
std::optional<SpokenNumber> NumberAt(std::span<const TextWord> words,
                                     size_t at);

// A time of day that begins with a word.
struct SpokenTime {
  int minutes = 0;
  size_t words = 0;
  // It can be nothing else: "half past seven", "7:30", "seven p m". A single
  // number may be one as well, and is not certain.
  bool is_certain = false;
  // The half of the day was said, or follows from the hour.
  bool has_half = false;
};
std::optional<SpokenTime> TimeAt(std::span<const TextWord> words, size_t at);

// 0 = Sunday to 6, then today and tomorrow.
enum class SpokenDay : uint8_t { kSunday = 0, kToday = 7, kTomorrow = 8 };
std::optional<SpokenDay> DayAt(std::string_view word);

// "friday", "today".
std::string_view DayName(SpokenDay day);
// "on Friday", "today".
std::string DayWords(SpokenDay day);
// "twenty five"; digits from 100 on.
std::string NumberWords(int64_t number);
// "seven thirty p m", "noon". Minutes of the day.
std::string TimeWords(int minutes);
// "19:30".
std::string TimeDigits(int minutes);
// "Sunday, November twenty nine". Days since 1970-01-01.
std::string DateWords(int64_t days);

// Sentences that a caller may say of each kind, for a recogniser; of counts,
// each with one of `units`.
void AppendCountSentences(std::span<const std::string> units,
                          std::vector<std::string>& sentences);
void AppendDaySentences(std::vector<std::string>& sentences);
void AppendTimeSentences(std::vector<std::string>& sentences);

}  // namespace trunkline::protocol
