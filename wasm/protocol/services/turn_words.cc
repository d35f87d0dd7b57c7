#include "protocol/services/turn_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

namespace trunkline::protocol {
namespace {

constexpr size_t kMaxLetters = 16;

// One word in lower case, without the signs around it.
struct Word {
  std::array<char, kMaxLetters> letters{};
  size_t size = 0;
  // A longer one is none that is known here.
  std::string_view text() const { return {letters.data(), size}; }
};

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
constexpr char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
// Letters of any script, digits, and an apostrophe.
constexpr bool IsOfWord(char c) {
  const char low = ToLower(c);
  return (low >= 'a' && low <= 'z') || IsDigit(c) || c == '\'' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Takes the last word, between blanks, off `text`; "" if there is none.
std::string_view TakeLast(std::string_view& text) {
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  size_t begin = text.size();
  while (begin > 0 && !IsBlank(text[begin - 1])) --begin;
  const std::string_view last = text.substr(begin);
  text.remove_suffix(last.size());
  return last;
}

std::string_view TakeFirst(std::string_view& text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  size_t end = 0;
  while (end < text.size() && !IsBlank(text[end])) ++end;
  const std::string_view first = text.substr(0, end);
  text.remove_prefix(end);
  return first;
}

Word Read(std::string_view raw) {
  while (!raw.empty() && !IsOfWord(raw.back())) raw.remove_suffix(1);
  while (!raw.empty() && !IsOfWord(raw.front())) raw.remove_prefix(1);
  Word word;
  // The typographic apostrophe is three bytes.
  constexpr std::string_view kApostrophe = "\xE2\x80\x99";
  while (!raw.empty() && word.size < kMaxLetters) {
    const bool is_apostrophe = raw.starts_with(kApostrophe);
    word.letters[word.size++] = is_apostrophe ? '\'' : ToLower(raw.front());
    raw.remove_prefix(is_apostrophe ? kApostrophe.size() : 1);
  }
  if (!raw.empty()) word.size = 0;
  return word;
}

template <size_t kCount>
bool IsOneOf(std::string_view word,
             const std::array<std::string_view, kCount>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Nobody ends with these: what they join, belong to or point at follows. Those
// that may end a sentence as well ("that", "on", "in") stand below.
constexpr auto kOpenWords = std::to_array<std::string_view>(
    {"and",   "or",      "but",   "because", "if",       "when",  "while",
     "until", "unless",  "than",  "whether", "although", "the",   "a",
     "an",    "my",      "your",  "our",     "their",    "his",   "its",
     "of",    "to",      "for",   "with",    "at",       "from",  "by",
     "into",  "between", "about", "under",   "near",     "per",   "via",
     "i",     "i'm",     "i'd",   "i'll",    "i've",     "we're", "we'd",
     "we'll", "he's",    "she's", "they're", "there's",  "let's", "want",
     "need",  "wanna",   "gonna", "um",      "uh",       "er",    "erm",
     "hmm",   "uhm",     "plus",  "every",   "which",    "whose", "called",
     "named", "spelled"});
// Words that one begins with, and ends with as well: by themselves they begin.
constexpr auto kBeginnings = std::to_array<std::string_view>(
    {"so", "well", "like", "now", "then", "maybe", "perhaps"});
// The same, but that they end a short answer ("yes, I am", "it is", "we can").
constexpr auto kVerbs = std::to_array<std::string_view>(
    {"is", "are", "am", "was", "were", "will", "would", "can", "could",
     "should", "have", "has", "had", "do", "does", "be", "it's", "that's"});
constexpr auto kPronouns = std::to_array<std::string_view>(
    {"i", "you", "he", "she", "it", "we", "they", "that", "this", "there"});
// The same, but that they end a question as well ("what are you working on").
constexpr auto kPlaces =
    std::to_array<std::string_view>({"in", "on", "around", "before", "after"});
constexpr auto kAskers = std::to_array<std::string_view>(
    {"what",  "where", "when", "who",    "whom",    "which", "why",
     "how",   "do",    "does", "did",    "is",      "are",   "can",
     "could", "would", "will", "what's", "where's", "who's", "how's"});
constexpr auto kAnswers = std::to_array<std::string_view>(
    {"yes",    "no",      "yeah",      "yep",        "yup",
     "nope",   "nah",     "sure",      "okay",       "ok",
     "right",  "correct", "exactly",   "absolutely", "definitely",
     "please", "thanks",  "certainly", "indeed",     "never"});
constexpr auto kDigitNames = std::to_array<std::string_view>(
    {"zero", "oh", "one", "two", "three", "four", "five", "six", "seven",
     "eight", "nine"});
// Said between them, and how many digits each adds to the one that follows.
struct Between {
  std::string_view word;
  size_t digits;
};
constexpr Between kBetween[] = {
    {"double", 1}, {"triple", 2}, {"dash", 0}, {"hyphen", 0}};
// What is dictated in digits.
constexpr auto kNumbers = std::to_array<std::string_view>(
    {"number", "phone", "telephone", "card", "account", "digits", "code", "zip",
     "postcode", "pin", "reference", "confirmation", "serial"});

// Of a number that is dictated, at the end of what was said.
struct Dictation {
  size_t digits = 0;
  // Words that they came in; each digit's name is a digit alone.
  size_t groups = 0;
  // What stands before it.
  std::string_view before;
};

// The digits of a word that is nothing else; 0 if it is another. A full stop, a
// comma and hyphens are how they are written down.
size_t DigitsOf(std::string_view raw) {
  size_t digits = 0;
  for (const char c : raw) {
    if (IsDigit(c)) {
      ++digits;
    } else if (c != '-' && c != '.' && c != ',' && c != '(' && c != ')' &&
               c != '+') {
      return 0;
    }
  }
  return digits;
}

Dictation DictationAtEnd(std::string_view text, WordRules rules) {
  Dictation found;
  found.before = text;
  while (true) {
    std::string_view rest = found.before;
    const std::string_view raw = TakeLast(rest);
    if (raw.empty()) break;
    const size_t numerals = DigitsOf(raw);
    const Word word = Read(raw);
    const bool is_english = rules == WordRules::kEnglish;
    if (numerals > 0) {
      found.digits += numerals;
      if (numerals > 1) ++found.groups;
    } else if (is_english && IsOneOf(word.text(), kDigitNames)) {
      ++found.digits;
    } else {
      const auto* const between = std::find_if(
          std::begin(kBetween), std::end(kBetween),
          [&word](const Between& one) { return one.word == word.text(); });
      if (!is_english || between == std::end(kBetween)) break;
      found.digits += between->digits;
    }
    found.before = rest;
  }
  return found;
}

bool HasNumberWord(std::string_view text) {
  while (true) {
    const std::string_view raw = TakeFirst(text);
    if (raw.empty()) return false;
    const Word word = Read(raw);
    if (IsOneOf(word.text(), kNumbers)) return true;
  }
}

bool IsUnfinishedNumber(std::string_view words, std::string_view question,
                        WordRules rules) {
  constexpr size_t kLeast = 3;
  constexpr size_t kSurely = 5;
  constexpr size_t kWhole[] = {10, 11, 16};
  const Dictation number = DictationAtEnd(words, rules);
  const bool is_whole = std::find(std::begin(kWhole), std::end(kWhole),
                                  number.digits) != std::end(kWhole);
  if (number.digits == 0 || is_whole) return false;
  const bool is_asked_for =
      rules == WordRules::kEnglish &&
      (HasNumberWord(question) || HasNumberWord(number.before));
  if (number.digits < kLeast) return is_asked_for;
  return is_asked_for || number.groups > 1 || number.digits >= kSurely;
}

bool EndsOpen(std::string_view words) {
  while (!words.empty() && IsBlank(words.back())) words.remove_suffix(1);
  if (words.ends_with("...") || words.ends_with("\xE2\x80\xA6") ||
      words.ends_with('-') || words.ends_with(',')) {
    return true;
  }
  if (words.ends_with('?') || words.ends_with('!')) return false;
  std::string_view rest = words;
  const Word last = Read(TakeLast(rest));
  std::string_view from_first = words;
  const Word first = Read(TakeFirst(from_first));
  if (last.size == 0) return false;
  const bool is_question = !rest.empty() && IsOneOf(first.text(), kAskers);
  if (IsOneOf(last.text(), kBeginnings)) {
    return Read(TakeLast(rest)).size == 0;
  }
  if (IsOneOf(last.text(), kVerbs)) {
    const Word before = Read(TakeLast(rest));
    return before.size == 0 || !IsOneOf(before.text(), kPronouns);
  }
  if (IsOneOf(last.text(), kPlaces)) return !is_question && !rest.empty();
  if (!IsOneOf(last.text(), kOpenWords)) return false;
  // "Where are you from": only what points somewhere may end it.
  constexpr auto kEndsQuestions =
      std::to_array<std::string_view>({"to", "for", "with", "at", "from", "by",
                                       "about", "of", "like", "want", "need"});
  return !is_question || !IsOneOf(last.text(), kEndsQuestions);
}

bool IsAnswer(std::string_view words, std::string_view question) {
  while (!question.empty() && IsBlank(question.back())) {
    question.remove_suffix(1);
  }
  if (!question.ends_with('?')) return false;
  constexpr size_t kMostWords = 3;
  size_t count = 0;
  bool begins_so = false;
  for (std::string_view rest = words; count <= kMostWords; ++count) {
    const Word word = Read(TakeFirst(rest));
    if (word.size == 0) break;
    if (count == 0) begins_so = IsOneOf(word.text(), kAnswers);
  }
  return count == 1 || (begins_so && count <= kMostWords);
}

}  // namespace

WordRules WordRulesOf(std::string_view language) {
  const std::string_view primary = language.substr(0, language.find('-'));
  const bool is_english =
      primary.empty() || (primary.size() == 2 && ToLower(primary[0]) == 'e' &&
                          ToLower(primary[1]) == 'n');
  return is_english ? WordRules::kEnglish : WordRules::kDigits;
}

TurnHint JudgeTurnWords(std::string_view words, std::string_view question,
                        WordRules rules) {
  if (IsUnfinishedNumber(words, question, rules)) return TurnHint::kUnfinished;
  if (rules != WordRules::kEnglish) return TurnHint::kNone;
  if (EndsOpen(words)) return TurnHint::kUnfinished;
  // A number says by its length whether it is whole.
  if (DictationAtEnd(words, rules).digits > 2) return TurnHint::kNone;
  return IsAnswer(words, question) ? TurnHint::kComplete : TurnHint::kNone;
}

}  // namespace trunkline::protocol
