#include "protocol/services/spoken_values.h"

#include <algorithm>
#include <iterator>

#include "base/json.h"

namespace trunkline::protocol {
namespace {

constexpr int kHourMinutes = 60;
constexpr int kHalfDay = 12 * kHourMinutes;
constexpr int kWholeDay = 24 * kHourMinutes;

constexpr std::string_view kUnits[] = {
    "zero",    "one",     "two",       "three",    "four",
    "five",    "six",     "seven",     "eight",    "nine",
    "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::string_view kTens[] = {"",       "",      "twenty", "thirty",
                                      "forty",  "fifty", "sixty",  "seventy",
                                      "eighty", "ninety"};
constexpr std::string_view kDays[] = {"sunday",    "monday",   "tuesday",
                                      "wednesday", "thursday", "friday",
                                      "saturday",  "today",    "tomorrow"};
constexpr std::string_view kMonths[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

template <size_t kCount>
std::optional<int> IndexOf(const std::string_view (&names)[kCount],
                           std::string_view word) {
  if (word.empty()) return std::nullopt;
  const auto* found = std::find(std::begin(names), std::end(names), word);
  if (found == std::end(names)) return std::nullopt;
  return static_cast<int>(found - std::begin(names));
}

std::optional<int> DigitsOf(std::string_view word) {
  const std::optional<int64_t> number = ParseDecimal(word);
  if (!number || *number > 9999) return std::nullopt;
  return static_cast<int>(*number);
}

// The word at `at`, "" behind the last one.
std::string_view WordAt(std::span<const TextWord> words, size_t at) {
  return at < words.size() ? std::string_view(words[at].word)
                           : std::string_view();
}

bool Follows(std::span<const TextWord> words, size_t at,
             std::initializer_list<std::string_view> expected) {
  for (const std::string_view word : expected) {
    if (WordAt(words, at++) != word) return false;
  }
  return true;
}

// Which half of the day is meant by the words at `at`, and how many they are.
struct HalfOfDay {
  bool is_afternoon = false;
  size_t words = 0;
};
std::optional<HalfOfDay> HalfAt(std::span<const TextWord> words, size_t at) {
  if (Follows(words, at, {"am"})) return HalfOfDay{false, 1};
  if (Follows(words, at, {"a", "m"})) return HalfOfDay{false, 2};
  if (Follows(words, at, {"pm"})) return HalfOfDay{true, 1};
  if (Follows(words, at, {"p", "m"})) return HalfOfDay{true, 2};
  if (Follows(words, at, {"in", "the", "morning"})) return HalfOfDay{false, 3};
  if (Follows(words, at, {"in", "the", "afternoon"})) return HalfOfDay{true, 3};
  if (Follows(words, at, {"in", "the", "evening"})) return HalfOfDay{true, 3};
  if (Follows(words, at, {"at", "night"})) return HalfOfDay{true, 2};
  return std::nullopt;
}

// "half past", "a quarter to", "ten past": minutes from the hour that follows.
struct FromHour {
  int minutes = 0;
  size_t words = 0;
};
std::optional<FromHour> FromHourAt(std::span<const TextWord> words, size_t at) {
  const size_t first = at;
  int minutes = 0;
  if (WordAt(words, at) == "half") {
    minutes = 30;
    ++at;
  } else if (WordAt(words, at) == "quarter" ||
             Follows(words, at, {"a", "quarter"})) {
    minutes = 15;
    at += WordAt(words, at) == "a" ? 2 : 1;
  } else if (const auto number = NumberAt(words, at);
             number && number->value > 0 && number->value < kHourMinutes) {
    minutes = number->value;
    at += number->words;
    if (WordAt(words, at) == "minutes") ++at;
  } else {
    return std::nullopt;
  }
  const std::string_view way = WordAt(words, at);
  if (way == "past" || way == "after") return FromHour{minutes, at + 1 - first};
  if (way == "to" || way == "before") return FromHour{-minutes, at + 1 - first};
  return std::nullopt;
}

// Minutes that are said behind an hour: "thirty", "oh five".
std::optional<SpokenNumber> MinutesAt(std::span<const TextWord> words,
                                      size_t at) {
  if (WordAt(words, at) == "oh" || WordAt(words, at) == "o") {
    const auto digit = IndexOf(kUnits, WordAt(words, at + 1));
    if (!digit || *digit == 0 || *digit > 9) return std::nullopt;
    return SpokenNumber{*digit, 2};
  }
  const auto number = NumberAt(words, at);
  if (!number || number->value < 10 || number->value >= kHourMinutes) {
    return std::nullopt;
  }
  return number;
}

std::string Capitalised(std::string_view word) {
  std::string text(word);
  if (!text.empty()) text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

bool IsNumberWord(std::string_view word) {
  if (word.empty()) return false;
  if (IndexOf(kUnits, word) || IndexOf(kTens, word)) return true;
  return word[0] >= '0' && word[0] <= '9';
}

std::optional<SpokenNumber> NumberAt(std::span<const TextWord> words,
                                     size_t at) {
  const std::string_view word = WordAt(words, at);
  if (const auto digits = DigitsOf(word)) return SpokenNumber{*digits, 1};
  if (const auto units = IndexOf(kUnits, word)) return SpokenNumber{*units, 1};
  const auto tens = IndexOf(kTens, word);
  if (!tens) return std::nullopt;
  const auto units = IndexOf(kUnits, WordAt(words, at + 1));
  if (!units || *units == 0 || *units > 9) return SpokenNumber{*tens * 10, 1};
  return SpokenNumber{*tens * 10 + *units, 2};
}

std::optional<SpokenTime> TimeAt(std::span<const TextWord> words, size_t at) {
  const std::string_view word = WordAt(words, at);
  if (word == "noon") return SpokenTime{kHalfDay, 1, true, true};
  if (word == "midnight") return SpokenTime{0, 1, true, true};
  SpokenTime time;
  size_t next = at;
  int minutes = 0;
  if (const auto from_hour = FromHourAt(words, next)) {
    minutes = from_hour->minutes;
    next += from_hour->words;
    time.is_certain = true;
  }
  const std::string_view first = WordAt(words, next);
  const size_t colon = first.find(':');
  if (colon != std::string_view::npos) {
    const auto hour = DigitsOf(first.substr(0, colon));
    const auto minute = DigitsOf(first.substr(colon + 1));
    if (!hour || !minute || *hour > 23 || *minute >= kHourMinutes ||
        time.is_certain) {
      return std::nullopt;
    }
    minutes = *hour * kHourMinutes + *minute;
    // As timetables write it.
    time.has_half = *hour > 12 || *hour == 0;
    time.is_certain = true;
    ++next;
  } else if (time.is_certain && (first == "noon" || first == "midnight")) {
    minutes += first == "noon" ? kHalfDay : 0;
    time.has_half = true;
    ++next;
  } else {
    const auto hour = NumberAt(words, next);
    if (!hour || hour->value > 23) return std::nullopt;
    next += hour->words;
    minutes += hour->value * kHourMinutes;
    time.has_half = hour->value > 12 || hour->value == 0;
    if (WordAt(words, next) == "o'clock" || WordAt(words, next) == "oclock") {
      ++next;
      time.is_certain = true;
    } else if (Follows(words, next, {"o", "clock"})) {
      next += 2;
      time.is_certain = true;
    } else if (const auto after = MinutesAt(words, next);
               after && !time.is_certain) {
      minutes += after->value;
      next += after->words;
      time.is_certain = true;
    }
  }
  if (const auto half = HalfAt(words, next)) {
    next += half->words;
    time.is_certain = true;
    if (!time.has_half) {
      minutes = (minutes + kWholeDay) % kHalfDay +
                (half->is_afternoon ? kHalfDay : 0);
      time.has_half = true;
    }
  }
  // The day as well, and so not used up here.
  if (!time.has_half && WordAt(words, next) == "tonight") {
    minutes = (minutes + kWholeDay) % kHalfDay + kHalfDay;
    time.has_half = true;
  }
  time.minutes = (minutes + kWholeDay) % kWholeDay;
  time.words = next - at;
  return time;
}

std::optional<SpokenDay> DayAt(std::string_view word) {
  if (word == "tonight") return SpokenDay::kToday;
  const auto index = IndexOf(kDays, word);
  if (!index) return std::nullopt;
  return static_cast<SpokenDay>(*index);
}

std::string_view DayName(SpokenDay day) {
  return kDays[static_cast<size_t>(day)];
}

std::string DayWords(SpokenDay day) {
  if (day >= SpokenDay::kToday) return std::string(DayName(day));
  return "on " + Capitalised(DayName(day));
}

std::string NumberWords(int64_t number) {
  if (number < 0 || number >= 100) return std::to_string(number);
  const auto small = static_cast<size_t>(number);
  if (small < std::size(kUnits)) return std::string(kUnits[small]);
  std::string words(kTens[small / 10]);
  if (small % 10 != 0) (words += ' ') += kUnits[small % 10];
  return words;
}

std::string TimeWords(int minutes) {
  if (minutes == 0) return "midnight";
  if (minutes == kHalfDay) return "noon";
  const int hour = minutes / kHourMinutes;
  const int minute = minutes % kHourMinutes;
  std::string words = NumberWords(hour % 12 == 0 ? 12 : hour % 12);
  if (minute > 0) words += minute < 10 ? " oh " : " ";
  if (minute > 0) words += NumberWords(minute);
  return words + (hour < 12 ? " a m" : " p m");
}

std::string TimeDigits(int minutes) {
  std::string digits = std::to_string(minutes / kHourMinutes);
  digits += minutes % kHourMinutes < 10 ? ":0" : ":";
  digits += std::to_string(minutes % kHourMinutes);
  return digits.size() < 5 ? "0" + digits : digits;
}

// The proleptic Gregorian calendar, by its eras of 400 years from the first of
// March on.
std::string DateWords(int64_t days) {
  constexpr int64_t kEraDays = 146'097;
  constexpr int64_t kDaysTo1970 = 719'468;  // from 0000-03-01
  const int64_t weekday = ((days + 4) % 7 + 7) % 7;
  const int64_t day_of_era =
      ((days + kDaysTo1970) % kEraDays + kEraDays) % kEraDays;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 +
                               day_of_era / 36524 - day_of_era / 146096) /
                              365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  const auto month = static_cast<size_t>((month_from_march + 2) % 12);
  std::string words = Capitalised(kDays[static_cast<size_t>(weekday)]);
  ((words += ", ") += kMonths[month]) += ' ';
  return words + NumberWords(day);
}

void AppendCountSentences(std::span<const std::string> units,
                          std::vector<std::string>& sentences) {
  size_t at = 0;
  for (const std::string_view number : kUnits) {
    std::string sentence(number);
    sentences.push_back("for " + sentence);
    if (units.empty()) continue;
    sentences.push_back(sentence + ' ' + units[at++ % units.size()]);
  }
  for (const std::string_view tens : kTens) {
    if (!tens.empty()) sentences.emplace_back(tens);
  }
}

void AppendDaySentences(std::vector<std::string>& sentences) {
  for (const std::string_view day : kDays) {
    const bool is_named = day.ends_with("day") && day != "today";
    sentences.push_back((is_named ? "on " : "") + std::string(day));
  }
  sentences.emplace_back("tonight");
}

void AppendTimeSentences(std::vector<std::string>& sentences) {
  for (int hour = 1; hour <= 12; ++hour) {
    const std::string name = NumberWords(hour);
    sentences.push_back("at " + name);
    sentences.push_back(name + " o'clock");
    sentences.push_back("at " + name + " thirty");
    sentences.push_back("half past " + name);
    sentences.push_back("quarter past " + name);
    sentences.push_back("quarter to " + name);
    sentences.push_back("at " + name + (hour % 2 == 0 ? " p m" : " a m"));
  }
  for (const char* sentence :
       {"at noon", "at midnight", "fifteen", "forty five", "in the morning",
        "in the afternoon", "in the evening", "at night"}) {
    sentences.emplace_back(sentence);
  }
}

}  // namespace trunkline::protocol
