#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::speech {

// The sentences that a caller is expected to say, and their words: each has a
// number, in the order in which they first came.
class Language {
 public:
  // Different words, and words in all; one sentence above is refused with all
  // that came with it.
  static constexpr size_t kMaxWords = 1000;
  static constexpr size_t kMaxRunningWords = 10000;
  // A longer word is cut: no dictionary has one.
  static constexpr size_t kMaxWordBytes = 40;

  // Adds a sentence for each line. Returns false, and nothing has changed, when
  // there would be too many words. A sentence that is there already counts as
  // said twice.
  bool Add(std::string_view lines);
  void Clear();

  const std::vector<std::string>& words() const { return words_; }
  const std::vector<std::vector<uint16_t>>& sentences() const {
    return sentences_;
  }
  // Its number; nothing if it is not one of the language.
  const uint16_t* Find(std::string_view word) const;

 private:
  std::vector<std::string> words_;
  std::map<std::string, uint16_t, std::less<>> numbers_;
  std::vector<std::vector<uint16_t>> sentences_;
  size_t running_words_ = 0;
};

// The words of a line: lower case, cut at all but letters, digits and
// apostrophes, accents left aside.
std::vector<std::string> WordsOf(std::string_view line);

// A bigram model of the sentences in ARPA's format: of what follows a word,
// kBackOff of the probability is for what never did. Words that `known` does
// not mark cut their sentences in two. Empty if no word is known.
std::string ArpaModel(const Language& language, const std::vector<bool>& known);

// One that is expected in the caller's words, and one that is not, are this far
// apart: the library weighs a model by 6.5 against the sounds.
inline constexpr double kBackOff = 0.02;

// Sentences as a tree: from a state, one word leads to another. State 0 is the
// beginning; those in `ends` are where a sentence may end.
struct SentenceTree {
  struct Arc {
    uint32_t from = 0;
    uint32_t to = 0;
    uint16_t word = 0;
  };
  uint32_t states = 1;
  std::vector<Arc> arcs;
  std::vector<uint32_t> ends;
};

// Sentences of which a word is not known are left out.
SentenceTree TreeOf(const Language& language, const std::vector<bool>& known);

// Takes the pronunciations of the language's words out of a dictionary that
// comes in slices.
class Pronunciations {
 public:
  // Lines longer than this are passed over.
  static constexpr size_t kMaxLineBytes = 256;
  // Of one word: "a", "a(2)", ...
  static constexpr uint8_t kMaxVariants = 8;

  // Forgets all; `language` must outlive it.
  void Begin(const Language& language);
  // The next slice, cut anywhere.
  void Feed(std::string_view slice);
  // The dictionary is over: its last line may have no end.
  void Finish();

  // By the words' numbers.
  const std::vector<bool>& known() const { return known_; }
  size_t known_count() const { return known_count_; }
  // Lines of the language's own dictionary.
  const std::string& lines() const { return lines_; }

 private:
  void TakeLine(std::string_view line);

  const Language* language_ = nullptr;
  std::string line_;
  bool too_long_ = false;
  std::string lines_;
  std::vector<bool> known_;
  std::vector<uint8_t> variants_;
  size_t known_count_ = 0;
};

}  // namespace trunkline::speech
