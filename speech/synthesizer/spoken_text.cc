#include "speech/synthesizer/spoken_text.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "speech/text/ascii.h"

namespace trunkline::speech {
namespace {

bool IsSpace(uint32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Behind these a full stop ends no sentence. In lower case, without the stop.
constexpr std::array<std::string_view, 19> kAbbreviations = {
    "mr", "mrs", "ms",   "dr",  "prof", "st",  "sr",  "jr",     "vs", "etc",
    "no", "inc", "corp", "ltd", "e.g",  "i.e", "a.m", "approx", "tel"};

Break BreakAfter(std::string_view ascii) {
  while (!ascii.empty() && std::string_view("\"')]}").find(ascii.back()) !=
                               std::string_view::npos) {
    ascii.remove_suffix(1);
  }
  if (ascii.empty()) return Break::kNone;
  switch (ascii.back()) {
    case '!':
    case '?':
      return Break::kSentence;
    case '.': {
      ascii.remove_suffix(1);
      while (!ascii.empty() && std::string_view("\"'([{").find(ascii.front()) !=
                                   std::string_view::npos) {
        ascii.remove_prefix(1);
      }
      if (ascii.size() == 1 && IsLetter(ascii[0])) return Break::kNone;
      std::string lower(ascii);
      for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      }
      return std::find(kAbbreviations.begin(), kAbbreviations.end(), lower) !=
                     kAbbreviations.end()
                 ? Break::kNone
                 : Break::kSentence;
    }
    case ',':
    case ';':
    case ':':
    case '-':
      return Break::kClause;
    default:
      return Break::kNone;
  }
}

}  // namespace

std::vector<Word> SplitWords(std::string_view text) {
  std::vector<Word> words;
  size_t lines = 0;
  bool within = false;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    if (IsSpace(point.value)) {
      within = false;
      lines += point.value == '\n' ? 1 : 0;
      if (lines == 2 && !words.empty()) {
        words.back().break_after = Break::kSentence;
      }
    } else {
      if (!within) words.push_back({.begin = static_cast<uint32_t>(at)});
      within = true;
      lines = 0;
      words.back().end = static_cast<uint32_t>(at + point.bytes);
    }
    at += point.bytes;
  }
  for (Word& word : words) {
    if (word.break_after == Break::kSentence) continue;
    std::string ascii = ToAscii(text.substr(word.begin, word.end - word.begin));
    while (!ascii.empty() && ascii.back() == ' ') ascii.pop_back();
    word.break_after = BreakAfter(ascii);
  }
  return words;
}

size_t Weight(std::string_view ascii) {
  constexpr std::string_view kVowels = "aeiouyAEIOUY";
  constexpr std::string_view kNamedSigns = "%&@#$+=";
  const auto letters = std::count_if(ascii.begin(), ascii.end(), IsLetter);
  // "w", "TV": letter by letter.
  const bool spelled =
      letters == 1 || ascii.find_first_of(kVowels) == std::string_view::npos;
  size_t weight = 0;
  for (const char c : ascii) {
    if (IsDigit(c) || kNamedSigns.find(c) != std::string_view::npos) {
      weight += 8;
    } else if (IsLetter(c)) {
      weight += spelled ? 8 : 1;
    } else {
      ++weight;
    }
  }
  return weight;
}

std::vector<Piece> PiecesOf(std::string_view text,
                            const std::vector<Word>& words) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string ascii =
        ToAscii(text.substr(words[i].begin, words[i].end - words[i].begin));
    size_t begin = 0;
    const size_t before = pieces.size();
    while (begin < ascii.size()) {
      const size_t end = std::min(ascii.find(' ', begin), ascii.size());
      const size_t size = std::min(end - begin, kMaxPieceBytes);
      if (size > 0) {
        std::string piece = ascii.substr(begin, size);
        const auto weight = static_cast<uint32_t>(Weight(piece) + 1);
        pieces.push_back({.ascii = std::move(piece),
                          .word = static_cast<uint32_t>(i),
                          .weight = weight});
      }
      begin += size + (begin + size == end ? 1 : 0);
    }
    if (pieces.size() > before) {
      pieces.back().break_after = words[i].break_after;
    }
  }
  return pieces;
}

size_t NextStretch(std::span<const Piece> pieces) {
  size_t sum = 0;
  size_t clause = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    sum += pieces[i].weight;
    if (sum > kMaxStretchWeight && i > 0) return clause > 0 ? clause : i;
    if (pieces[i].break_after == Break::kSentence) return i + 1;
    if (pieces[i].break_after == Break::kClause &&
        2 * sum > kMaxStretchWeight) {
      clause = i + 1;
    }
  }
  return pieces.size();
}

}  // namespace trunkline::speech
