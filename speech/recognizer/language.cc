#include "speech/recognizer/language.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/check.h"
#include "speech/text/ascii.h"

namespace trunkline::speech {
namespace {

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'';
}

// "(2)" behind a word tells another pronunciation of it.
std::string_view WithoutVariant(std::string_view word) {
  const size_t bracket = word.find('(');
  return bracket == 0 ? word : word.substr(0, bracket);
}

// Four digits behind the point, as the format is usually written.
std::string Log10(double probability) {
  char text[32];
  // The library has no use for less.
  const double log = std::max(std::log10(probability), -9.0);
  std::snprintf(text, sizeof text, "%.4f", log);
  return text;
}

}  // namespace

std::vector<std::string> WordsOf(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    // Quotes are no apostrophes.
    while (!word.empty() && word.front() == '\'') word.erase(0, 1);
    while (!word.empty() && word.back() == '\'') word.pop_back();
    if (word.size() > Language::kMaxWordBytes) {
      word.resize(Language::kMaxWordBytes);
    }
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (char c : ToAscii(line)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (IsWordCharacter(c)) {
      word.push_back(c);
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

bool Language::Add(std::string_view lines) {
  std::vector<std::vector<std::string>> sentences;
  std::set<std::string> fresh;
  size_t running = running_words_;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    std::vector<std::string> words = WordsOf(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (words.empty()) continue;
    running += words.size();
    for (const std::string& word : words) {
      if (!numbers_.contains(word)) fresh.insert(word);
    }
    if (running > kMaxRunningWords ||
        words_.size() + fresh.size() > kMaxWords) {
      return false;
    }
    sentences.push_back(std::move(words));
  }
  running_words_ = running;
  for (const std::vector<std::string>& words : sentences) {
    std::vector<uint16_t>& sentence = sentences_.emplace_back();
    for (const std::string& word : words) {
      const auto [entry, is_new] =
          numbers_.try_emplace(word, static_cast<uint16_t>(words_.size()));
      if (is_new) words_.push_back(word);
      sentence.push_back(entry->second);
    }
  }
  return true;
}

void Language::Clear() {
  words_.clear();
  numbers_.clear();
  sentences_.clear();
  running_words_ = 0;
}

const uint16_t* Language::Find(std::string_view word) const {
  const auto entry = numbers_.find(word);
  return entry == numbers_.end() ? nullptr : &entry->second;
}

std::string ArpaModel(const Language& language,
                      const std::vector<bool>& known) {
  // Words by number, then the beginning and the end of a sentence.
  const size_t begin = language.words().size();
  const size_t end = begin + 1;
  std::vector<uint32_t> counts(end + 1, 0);
  std::vector<std::map<size_t, uint32_t>> followers(end + 1);
  uint32_t total = 0;
  for (const std::vector<uint16_t>& sentence : language.sentences()) {
    // Nothing: a word that is not known is in between.
    size_t before = begin;
    bool joined = true;
    bool any = false;
    const auto take = [&](size_t word) {
      ++counts[word];
      ++total;
      if (joined) ++followers[before][word];
      before = word;
      joined = true;
    };
    for (const uint16_t word : sentence) {
      if (known[word]) {
        take(word);
        any = true;
      } else {
        joined = false;
      }
    }
    if (any) take(end);
  }
  if (total == 0) return {};

  size_t unigrams = 1;
  size_t bigrams = 0;
  for (size_t word = 0; word <= end; ++word) {
    unigrams += counts[word] > 0 ? 1 : 0;
    bigrams += followers[word].size();
  }
  const auto name = [&](size_t word) -> std::string_view {
    if (word == begin) return "<s>";
    if (word == end) return "</s>";
    return language.words()[word];
  };
  std::string out = "\\data\\\nngram 1=" + std::to_string(unigrams) +
                    "\nngram 2=" + std::to_string(bigrams) + "\n\n\\1-grams:\n";
  for (size_t word = 0; word <= end; ++word) {
    if (counts[word] == 0 && word != begin) continue;
    const double probability =
        word == begin ? 0.0 : static_cast<double>(counts[word]) / total;
    // What never followed is drawn from the words that did not.
    double seen = 0;
    for (const auto& [next, count] : followers[word]) {
      seen += static_cast<double>(counts[next]) / total;
    }
    const double back_off =
        followers[word].empty() ? 1.0 : kBackOff / std::max(1e-6, 1 - seen);
    out += Log10(probability);
    out += ' ';
    out += name(word);
    out += ' ';
    out += Log10(back_off);
    out += '\n';
  }
  out += "\n\\2-grams:\n";
  for (size_t word = 0; word <= end; ++word) {
    uint32_t sum = 0;
    for (const auto& [next, count] : followers[word]) sum += count;
    for (const auto& [next, count] : followers[word]) {
      out += Log10((1 - kBackOff) * count / sum);
      out += ' ';
      out += name(word);
      out += ' ';
      out += name(next);
      out += '\n';
    }
  }
  out += "\n\\end\\\n";
  return out;
}

SentenceTree TreeOf(const Language& language, const std::vector<bool>& known) {
  SentenceTree tree;
  std::map<std::pair<uint32_t, uint16_t>, uint32_t> arcs;
  std::set<uint32_t> ends;
  for (const std::vector<uint16_t>& sentence : language.sentences()) {
    if (!std::all_of(sentence.begin(), sentence.end(),
                     [&](uint16_t w) { return known[w]; })) {
      continue;
    }
    uint32_t state = 0;
    for (const uint16_t word : sentence) {
      const auto [arc, is_new] = arcs.try_emplace({state, word}, tree.states);
      if (is_new) {
        tree.arcs.push_back({.from = state, .to = tree.states++, .word = word});
      }
      state = arc->second;
    }
    ends.insert(state);
  }
  tree.ends.assign(ends.begin(), ends.end());
  return tree;
}

void Pronunciations::Begin(const Language& language) {
  language_ = &language;
  line_.clear();
  too_long_ = false;
  lines_.clear();
  known_.assign(language.words().size(), false);
  variants_.assign(language.words().size(), 0);
  known_count_ = 0;
}

void Pronunciations::Feed(std::string_view slice) {
  while (!slice.empty()) {
    const size_t end = slice.find('\n');
    const std::string_view part = slice.substr(0, end);
    if (line_.size() + part.size() > kMaxLineBytes) too_long_ = true;
    if (!too_long_) line_ += part;
    if (end == std::string_view::npos) return;
    slice.remove_prefix(end + 1);
    Finish();
  }
}

void Pronunciations::Finish() {
  if (!too_long_) TakeLine(line_);
  line_.clear();
  too_long_ = false;
}

void Pronunciations::TakeLine(std::string_view line) {
  TL_CHECK(language_ != nullptr);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) {
    line.remove_suffix(1);
  }
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0) return;
  const uint16_t* const word =
      language_->Find(WithoutVariant(line.substr(0, space)));
  if (word == nullptr || variants_[*word] == kMaxVariants) return;
  ++variants_[*word];
  if (!known_[*word]) {
    known_[*word] = true;
    ++known_count_;
  }
  lines_ += language_->words()[*word];
  // The library wants the first of them without a number.
  if (variants_[*word] > 1) {
    lines_ += '(' + std::to_string(variants_[*word]) + ')';
  }
  lines_ += line.substr(space);
  lines_ += '\n';
}

}  // namespace trunkline::speech
