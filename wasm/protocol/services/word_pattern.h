#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::protocol {

// A word of a text, in lower case, and its bytes there.
struct TextWord {
  std::string word;
  size_t begin = 0;
  size_t end = 0;
  // One of 64, by the word: what has no such bit does not have the word.
  uint64_t bit = 0;
};

// The words of `text`, at most `max_words`, longer ones cut: letters with
// apostrophes between them, or digits; "7:30" and "7.30" are one word, "7:30",
// and "7pm" is two. Characters beyond ASCII count as letters.
std::vector<TextWord> TextWordsOf(std::string_view text, size_t max_words);

// Words that a text may have, with alternatives and gaps:
//
//   what time        these words, one behind the other
//   (what|tell me)   one of these
//   [please]         this or nothing
//   *                any words, or none
//   {word} {number} {text}
//                    any word, a number in words or digits, all that follows;
//                    what stands there is caught
//   ^ $              the beginning and the end of the text, first and last
//
// A pattern is found anywhere in a text, in time that grows with the product of
// their lengths and no faster.
class WordPattern {
 public:
  // Steps that a pattern is made of; a longer one is refused.
  static constexpr size_t kMaxSteps = 128;
  // Brackets in brackets.
  static constexpr int kMaxDepth = 4;
  // Sentences that are made of one pattern; of one with more alternatives, the
  // words that are not among these come by themselves.
  static constexpr size_t kMaxSentences = 64;

  // nullopt if it is no pattern.
  static std::optional<WordPattern> Parse(std::string_view pattern);

  // The words [begin, end) that were caught; none if they are the same.
  struct Found {
    size_t begin = 0;
    size_t end = 0;
  };
  // nullopt if the text has it nowhere.
  std::optional<Found> Find(std::span<const TextWord> words) const;

  // Sentences that have it, without what gaps may hold. Each of `fills` stands
  // for a {word}, "five" for a {number}, nothing for a {text}.
  void AppendSentences(std::span<const std::string> fills,
                       std::vector<std::string>& sentences) const;

 private:
  struct Step {
    enum class Kind : uint8_t {
      kWord,  // this word, and on
      kAnyWord,
      kNumber,
      kGap,      // as few words as will do
      kRest,     // as many as there are
      kNumbers,  // as many numbers as there are
      kFork,     // on at `to`, or, first, at the next step
      kJump,     // on at `to`
      kCatch,    // what is caught begins
      kCaught,   // and ends
      kEnd,      // on if the text is over
      kFound,
    };
    Kind kind = Kind::kFound;
    size_t to = 0;
    std::string word;
  };
  class Reader;
  class Run;

  std::vector<Step> steps_;
  // A text that has the pattern has a word of each.
  std::vector<uint64_t> needs_;
};

}  // namespace trunkline::protocol
