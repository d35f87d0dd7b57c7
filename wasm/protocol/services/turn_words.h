#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/dialogue.h"

namespace trunkline::protocol {

// What is known of the language that words are of.
enum class WordRules : uint8_t {
  kDigits,   // no more than that digits are dictated in groups
  kEnglish,  // and which words nobody ends with, and which are an answer
};

// For an ISO 639-1 tag: English where it says so, or says nothing.
WordRules WordRulesOf(std::string_view language);

// Whether who has said `words` so far has finished, where `question` is what he
// was told last; "" for nothing.
//
// kUnfinished: he is in the middle of a number that is dictated in groups, or
// in English his last word is one that others follow: "and", "my", "to", "is",
// "um". A question that he asks is finished whatever it ends with ("Where are
// you from?").
//
// kComplete: he was asked something, and his answer is yes, no or a word alone,
// in English.
//
// Digits are Arabic numerals, written with or without blanks and hyphens, and
// in English their names. A number of 10, 11 or 16 digits, of a telephone or a
// card, is finished; 3 digits or more are not if he was asked for a number, or
// has said that one comes, or if there are two groups of them or 5 of them. So
// "table 204" and "at 7:30" are no numbers that are dictated.
//
// Cost: linear in the words; allocates nothing.
TurnHint JudgeTurnWords(std::string_view words, std::string_view question,
                        WordRules rules);

}  // namespace trunkline::protocol
