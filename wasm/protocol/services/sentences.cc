#include "protocol/services/sentences.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

char Lowered(char c) {
  return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

// Behind these a full stop never ends a sentence: a name or a number follows.
// In lower case; English, Spanish, German, French, Portuguese, Italian.
constexpr std::string_view kTitles[] = {
    "mr",     "sr",  "mrs", "ms",  "mx",   "dr",  "prof", "st",   "sra",
    "srta",   "ud",  "uds", "vs",  "e.g",  "i.e", "z.b",  "d.h",  "bzw",
    "fr",     "hr",  "nr",  "mme", "mlle", "sig", "gen",  "capt", "col",
    "lt",     "sgt", "rev", "hon", "no",   "nos", "fig",  "pp",   "vol",
    "approx", "tel", "ext", "av",  "avda"};

// Behind these it may: a word in upper case begins the next one. Before
// anything else, such as a number, it ends none.
constexpr std::string_view kAbbreviations[] = {
    "a.m", "p.m", "etc",  "inc", "ltd",  "co",  "corp", "jr",  "usw", "u.s",
    "u.k", "jan", "feb",  "mar", "apr",  "jun", "jul",  "aug", "sep", "sept",
    "oct", "nov", "dec",  "mon", "tue",  "wed", "thu",  "fri", "sat", "sun",
    "min", "max", "dept", "ave", "blvd", "rd",  "ca"};

template <class Value, size_t kCount>
bool Contains(const Value (&values)[kCount], const Value& value) {
  return std::find(std::begin(values), std::end(values), value) !=
         std::end(values);
}

// U+3002, U+FF0E, U+FF01, U+FF1F, U+FF61: no space follows them.
bool EndsWithoutSpace(uint32_t character) {
  return character == 0x3002 || character == 0xFF0E || character == 0xFF01 ||
         character == 0xFF1F || character == 0xFF61;
}

// . ! ? U+2026, and the full stops and question marks of Arabic, Urdu, Hindi.
bool EndsBeforeSpace(uint32_t character) {
  return character == '.' || character == '!' || character == '?' ||
         character == 0x2026 || character == 0x061F || character == 0x06D4 ||
         character == 0x0964;
}

bool Closes(uint32_t character) {
  constexpr uint32_t kClosing[] = {'"',    '\'',   ')',    ']',    '*',
                                   '_',    0x2019, 0x201D, 0x00BB, 0x300D,
                                   0x300F, 0xFF09, 0x203A};
  return Contains(kClosing, character);
}

// Behind which a long sentence may be cut.
bool Pauses(uint32_t character) {
  constexpr uint32_t kPauses[] = {',',    ';',    ':',    0x2014,
                                  0x3001, 0xFF0C, 0xFF1B, 0x060C};
  return Contains(kPauses, character);
}

// Whether the full stop at `at` is part of what is before it. `next` is the
// first character behind the white space, 0 where the text ends.
bool IsInside(std::string_view sentence, size_t at, char next) {
  const std::string_view before = sentence.substr(0, at);
  const size_t space = before.find_last_of(" \t\n\r(\"");
  const std::string_view word = before.substr(space == kNone ? 0 : space + 1);
  if (word.empty()) return false;
  // "1. Milk": where nothing but the number stands in front of it.
  if (std::all_of(word.begin(), word.end(), IsDigit)) {
    return word.size() <= 2 &&
           before.find_first_not_of(" \t\n\r") + word.size() == at && next != 0;
  }
  if (IsLower(next)) return true;
  // An initial: "J. S. Bach". "I" ends sentences.
  if (word.size() == 1 && IsUpper(word[0]) && word[0] != 'I') return next != 0;
  std::string lowered(word);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), Lowered);
  if (next == 0) return false;
  if (Contains(kTitles, std::string_view(lowered))) return true;
  return Contains(kAbbreviations, std::string_view(lowered)) && !IsUpper(next);
}

// First and last of what is no letter and no digit above ASCII: controls and
// signs of Latin 1 but for its letters, punctuation, symbols and arrows, the
// signs of Chinese and Japanese, what selects and joins, private use, pictures.
struct Signs {
  uint32_t first;
  uint32_t last;
};
constexpr Signs kSigns[] = {
    {0x0080, 0x00A9},   {0x00AB, 0x00B1},   {0x00B4, 0x00B4},
    {0x00B6, 0x00B8},   {0x00BB, 0x00BB},   {0x00BF, 0x00BF},
    {0x00D7, 0x00D7},   {0x00F7, 0x00F7},   {0x2000, 0x206F},
    {0x20A0, 0x20FF},   {0x2190, 0x245F},   {0x2500, 0x2BFF},
    {0x3000, 0x3004},   {0x3008, 0x3020},   {0x3030, 0x3030},
    {0xE000, 0xF8FF},   {0xFE00, 0xFE1F},   {0xFE30, 0xFE6F},
    {0xFEFF, 0xFF0F},   {0xFF1A, 0xFF20},   {0xFF5B, 0xFF65},
    {0xFFE0, 0xFFFF},   {0x1F000, 0x1F0FF}, {0x1F1E6, 0x1FAFF},
    {0xE0000, 0x10FFFF}};

bool IsLetterOrDigit(uint32_t character) {
  if (character < 0x80) {
    const char c = Lowered(static_cast<char>(character));
    return IsDigit(c) || IsLower(c);
  }
  return std::none_of(
      std::begin(kSigns), std::end(kSigns), [character](const Signs& signs) {
        return character >= signs.first && character <= signs.last;
      });
}

}  // namespace

bool HasWords(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint next = CodePointAt(text, at);
    if (IsLetterOrDigit(next.value)) return true;
    at += next.bytes;
  }
  return false;
}

void Sentences::Clear() {
  text_.clear();
  finished_ = false;
}

size_t Sentences::End() const {
  const size_t begin = text_.find_first_not_of(" \t\n\r");
  if (begin == kNone) return kNone;
  size_t at = begin;
  while (at < text_.size()) {
    if (text_[at] == '\n') return at;
    const CodePoint mark = CodePointAt(text_, at);
    at += mark.bytes;
    const bool ends = EndsWithoutSpace(mark.value);
    if (!ends && !EndsBeforeSpace(mark.value)) continue;
    const size_t stop = at - mark.bytes;
    size_t end = at;
    while (end < text_.size()) {
      const CodePoint more = CodePointAt(text_, end);
      if (!Closes(more.value) && !EndsBeforeSpace(more.value) &&
          !EndsWithoutSpace(more.value)) {
        break;
      }
      end += more.bytes;
    }
    if (end == text_.size()) return kNone;
    if (ends) return end;
    at = end;
    if (!IsSpace(text_[end])) continue;
    if (text_[end] == '\n') return end;
    const size_t next = text_.find_first_not_of(" \t\n\r", end);
    // Only a full stop can be of an abbreviation, only an ellipsis a pause.
    const bool stops = mark.value == '.' || mark.value == 0x2026;
    if (!stops) return end;
    if (next == kNone) return kNone;
    if (!IsInside(text_, stop, text_[next])) return end;
  }
  return kNone;
}

size_t Sentences::Cut() const {
  const std::string_view text = text_;
  size_t pause = kNone;
  size_t space = kNone;
  for (size_t at = 0; at < text.size() && at < kMaxBytes;) {
    const CodePoint character = CodePointAt(text, at);
    const size_t end = at + character.bytes;
    if (end > kMaxBytes) break;
    if (Pauses(character.value) && end < text.size() &&
        (character.bytes > 1 || IsSpace(text[end]))) {
      pause = end;
    }
    if (at > 0 && IsSpace(text[at])) space = at;
    at = end;
  }
  if (pause != kNone && (pause >= kSoftBytes || text.size() > kMaxBytes)) {
    return pause;
  }
  if (text.size() <= kMaxBytes) return kNone;
  if (space != kNone) return space;
  return CutText(text, kMaxBytes).size();
}

std::optional<std::string> Sentences::Take() {
  size_t end = End();
  if (end == kNone || end > kMaxBytes) {
    const size_t cut = Cut();
    if (cut != kNone) end = cut;
  }
  if (end == kNone) {
    if (!finished_ || text_.empty()) return std::nullopt;
    end = text_.size();
  }
  std::string sentence = text_.substr(0, end);
  text_.erase(0, end);
  // What is only white space belongs to what was taken before.
  if (finished_ && text_.find_first_not_of(" \t\n\r") == kNone) {
    sentence += std::exchange(text_, {});
  }
  return sentence;
}

}  // namespace trunkline::protocol
