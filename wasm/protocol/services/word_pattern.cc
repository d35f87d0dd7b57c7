#include "protocol/services/word_pattern.h"

#include <algorithm>
#include <utility>

#include "protocol/services/spoken_values.h"

namespace trunkline::protocol {
namespace {

// No word that is waited for is as long.
constexpr size_t kMaxWordBytes = 40;

bool IsDigitByte(char c) { return c >= '0' && c <= '9'; }

bool IsLetterByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The bytes of an apostrophe at `at`; 0 if there is none.
size_t ApostropheAt(std::string_view text, size_t at) {
  constexpr std::string_view kTypographic = "\xe2\x80\x99";
  if (at < text.size() && text[at] == '\'') return 1;
  return text.substr(std::min(at, text.size())).starts_with(kTypographic)
             ? kTypographic.size()
             : 0;
}

uint64_t BitOf(std::string_view word) {
  uint32_t sum = 0;
  for (const char c : word) sum = sum * 31 + static_cast<unsigned char>(c);
  return uint64_t{1} << ((sum ^ (sum >> 6)) & 63U);
}

}  // namespace

std::vector<TextWord> TextWordsOf(std::string_view text, size_t max_words) {
  std::vector<TextWord> words;
  size_t at = 0;
  while (at < text.size() && words.size() < max_words) {
    TextWord next;
    next.begin = at;
    const auto take = [&](char c) {
      if (next.word.size() < kMaxWordBytes) next.word += LowerCase(c);
    };
    if (IsDigitByte(text[at])) {
      while (at < text.size() && IsDigitByte(text[at])) take(text[at++]);
      // Minutes are two digits.
      const bool is_time =
          at + 2 < text.size() && (text[at] == ':' || text[at] == '.') &&
          IsDigitByte(text[at + 1]) && IsDigitByte(text[at + 2]) &&
          (at + 3 == text.size() || !IsDigitByte(text[at + 3]));
      if (is_time) {
        take(':');
        take(text[at + 1]);
        take(text[at + 2]);
        at += 3;
      }
    } else if (IsLetterByte(text[at]) && ApostropheAt(text, at) == 0) {
      while (at < text.size()) {
        const size_t apostrophe = ApostropheAt(text, at);
        if (apostrophe > 0) {
          const size_t next_at = at + apostrophe;
          if (next_at >= text.size() || !IsLetterByte(text[next_at])) break;
          take('\'');
          at = next_at;
        } else if (!IsLetterByte(text[at])) {
          break;
        }
        take(text[at++]);
      }
    } else {
      at += std::max(ApostropheAt(text, at), size_t{1});
      continue;
    }
    next.end = at;
    next.bit = BitOf(next.word);
    words.push_back(std::move(next));
  }
  return words;
}

// From a pattern's text to its steps; targets are counted from each part's own
// beginning until the part has its place.
class WordPattern::Reader {
 public:
  using Steps = std::vector<Step>;
  using Kind = Step::Kind;

  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Steps> Read() {
    Steps steps;
    SkipBlanks();
    if (!Take('^')) steps.push_back({Kind::kGap, 0, {}});
    std::optional<Steps> rest = Alternatives(0);
    if (!rest) return std::nullopt;
    const bool is_empty = rest->empty();
    Append(steps, std::move(*rest));
    if (Take('$')) steps.push_back({Kind::kEnd, 0, {}});
    SkipBlanks();
    if (is_empty || at_ != text_.size()) return std::nullopt;
    steps.push_back({Kind::kFound, 0, {}});
    if (steps.size() > kMaxSteps) return std::nullopt;
    return steps;
  }

  std::vector<uint64_t> TakeNeeds() { return std::move(needs_); }

 private:
  // The words of one alternative; all bits where none of them is needed.
  static uint64_t NeedOf(const Steps& steps) {
    uint64_t need = 0;
    for (const Step& step : steps) {
      if (step.kind == Kind::kFork) return ~uint64_t{0};
      if (step.kind == Kind::kWord) need |= BitOf(step.word);
    }
    return need == 0 ? ~uint64_t{0} : need;
  }

  static void Append(Steps& steps, Steps more) {
    const size_t base = steps.size();
    for (Step& step : more) {
      step.to += base;
      steps.push_back(std::move(step));
    }
  }

  void SkipBlanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool Take(char expected) {
    SkipBlanks();
    if (at_ == text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }

  std::optional<Steps> Alternatives(int depth) {
    std::vector<Steps> all;
    uint64_t need = 0;
    do {
      std::optional<Steps> one = Sequence(depth);
      if (!one || (one->empty() && depth > 0)) return std::nullopt;
      need |= NeedOf(*one);
      all.push_back(std::move(*one));
    } while (depth > 0 && Take('|'));
    need_ = need;
    Steps steps = std::move(all.back());
    all.pop_back();
    for (; !all.empty(); all.pop_back()) {
      Steps either;
      const size_t other = all.back().size() + 2;
      either.push_back({Kind::kFork, other, {}});
      Append(either, std::move(all.back()));
      either.push_back({Kind::kJump, other + steps.size(), {}});
      Append(either, std::move(steps));
      steps = std::move(either);
      if (steps.size() > kMaxSteps) return std::nullopt;
    }
    return steps;
  }

  // nullopt for what is no pattern; empty if nothing of one is here.
  std::optional<Steps> Sequence(int depth) {
    Steps steps;
    while (true) {
      SkipBlanks();
      if (at_ == text_.size()) return steps;
      const char c = text_[at_];
      if (c == '|' || c == ')' || c == ']' || c == '$') return steps;
      if (steps.size() > kMaxSteps) return std::nullopt;
      if (c == '*') {
        ++at_;
        steps.push_back({Kind::kGap, 0, {}});
      } else if (c == '(' || c == '[') {
        ++at_;
        if (depth == kMaxDepth) return std::nullopt;
        std::optional<Steps> part = Alternatives(depth + 1);
        if (!part) return std::nullopt;
        if (!Take(c == '(' ? ')' : ']')) return std::nullopt;
        if (depth == 0 && c == '(') needs_.push_back(need_);
        if (c == '[') {
          steps.push_back({Kind::kFork, steps.size() + part->size() + 1, {}});
        }
        Append(steps, std::move(*part));
      } else if (c == '{') {
        if (!Caught(steps)) return std::nullopt;
      } else {
        std::string word;
        while (at_ < text_.size() &&
               ((text_[at_] >= 'a' && text_[at_] <= 'z') ||
                IsDigitByte(text_[at_]) || text_[at_] == '\'')) {
          word += text_[at_++];
        }
        if (word.empty()) return std::nullopt;
        if (depth == 0) needs_.push_back(BitOf(word));
        steps.push_back({Kind::kWord, 0, std::move(word)});
      }
    }
  }

  bool Caught(Steps& steps) {
    const size_t end = text_.find('}', at_);
    if (end == std::string_view::npos || has_caught_) return false;
    const std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    has_caught_ = true;
    steps.push_back({Kind::kCatch, 0, {}});
    if (name == "word") {
      steps.push_back({Kind::kAnyWord, 0, {}});
    } else if (name == "text") {
      steps.push_back({Kind::kAnyWord, 0, {}});
      steps.push_back({Kind::kRest, 0, {}});
    } else if (name == "number") {
      steps.push_back({Kind::kNumber, 0, {}});
      steps.push_back({Kind::kNumbers, 0, {}});
    } else {
      return false;
    }
    steps.push_back({Kind::kCaught, 0, {}});
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool has_caught_ = false;
  // Of the alternatives that were read last.
  uint64_t need_ = 0;
  std::vector<uint64_t> needs_;
};

std::optional<WordPattern> WordPattern::Parse(std::string_view pattern) {
  Reader reader(pattern);
  std::optional<std::vector<Step>> steps = reader.Read();
  if (!steps) return std::nullopt;
  WordPattern made;
  made.needs_ = reader.TakeNeeds();
  made.steps_ = std::move(*steps);
  return made;
}

// All ways through the steps at once, word by word, the preferred one first: no
// step is in a list twice, so a word costs no more than there are steps.
class WordPattern::Run {
 public:
  Run(const std::vector<Step>& steps, std::span<const TextWord> words)
      : steps_(steps), words_(words), seen_(steps.size(), SIZE_MAX) {}

  std::optional<Found> Go() {
    std::optional<Found> found;
    std::vector<Way> ways;
    std::vector<Way> next;
    Add(ways, {}, 0);
    while (!ways.empty()) {
      next.clear();
      const size_t here = at_++;
      for (const Way& way : ways) {
        const Step& step = steps_[way.step];
        if (step.kind == Step::Kind::kFound) {
          // Those behind it are preferred less.
          found = way.found;
          break;
        }
        if (here == words_.size() || !Takes(step, words_[here].word)) continue;
        const bool stays = step.kind == Step::Kind::kGap ||
                           step.kind == Step::Kind::kRest ||
                           step.kind == Step::Kind::kNumbers;
        Add(next, way.found, stays ? way.step : way.step + 1);
      }
      ways.swap(next);
    }
    return found;
  }

 private:
  struct Way {
    size_t step = 0;
    Found found;
  };

  static bool Takes(const Step& step, std::string_view word) {
    switch (step.kind) {
      case Step::Kind::kWord:
        return step.word == word;
      case Step::Kind::kAnyWord:
      case Step::Kind::kGap:
      case Step::Kind::kRest:
        return true;
      case Step::Kind::kNumber:
      case Step::Kind::kNumbers:
        return IsNumberWord(word);
      case Step::Kind::kFork:
      case Step::Kind::kJump:
      case Step::Kind::kCatch:
      case Step::Kind::kCaught:
      case Step::Kind::kEnd:
      case Step::Kind::kFound:
        return false;
    }
    return false;
  }

  // As deep as there are steps, which are bounded.
  void Add(std::vector<Way>& ways, Found found, size_t at) {
    if (seen_[at] == at_) return;
    seen_[at] = at_;
    const Step& step = steps_[at];
    switch (step.kind) {
      case Step::Kind::kWord:
      case Step::Kind::kAnyWord:
      case Step::Kind::kNumber:
      case Step::Kind::kFound:
        ways.push_back({at, found});
        break;
      case Step::Kind::kGap:
        Add(ways, found, at + 1);
        ways.push_back({at, found});
        break;
      case Step::Kind::kRest:
      case Step::Kind::kNumbers:
        ways.push_back({at, found});
        Add(ways, found, at + 1);
        break;
      case Step::Kind::kFork:
        Add(ways, found, at + 1);
        Add(ways, found, step.to);
        break;
      case Step::Kind::kJump:
        Add(ways, found, step.to);
        break;
      case Step::Kind::kCatch:
        Add(ways, {at_, at_}, at + 1);
        break;
      case Step::Kind::kCaught:
        Add(ways, {found.begin, at_}, at + 1);
        break;
      case Step::Kind::kEnd:
        if (at_ == words_.size()) Add(ways, found, at + 1);
        break;
    }
  }

  const std::vector<Step>& steps_;
  const std::span<const TextWord> words_;
  // The place in the text for which a step was added last.
  std::vector<size_t> seen_;
  size_t at_ = 0;
};

std::optional<WordPattern::Found> WordPattern::Find(
    std::span<const TextWord> words) const {
  uint64_t bits = 0;
  for (const TextWord& word : words) bits |= word.bit;
  for (const uint64_t need : needs_) {
    if ((bits & need) == 0) return std::nullopt;
  }
  return Run(steps_, words).Go();
}

void WordPattern::AppendSentences(std::span<const std::string> fills,
                                  std::vector<std::string>& sentences) const {
  struct Way {
    size_t step = 0;
    std::string sentence;
  };
  const auto add = [](Way& way, std::string_view word) {
    if (!way.sentence.empty()) way.sentence += ' ';
    way.sentence += word;
  };
  const size_t first = sentences.size();
  std::vector<std::string> words_left;
  for (const Step& step : steps_) {
    if (step.kind == Step::Kind::kWord) words_left.push_back(step.word);
  }
  // The last one goes on first: as many are open as there are forks and fills.
  std::vector<Way> open{{0, {}}};
  while (!open.empty() && sentences.size() - first < kMaxSentences) {
    Way way = std::move(open.back());
    open.pop_back();
    while (steps_[way.step].kind != Step::Kind::kFound) {
      const Step& step = steps_[way.step++];
      switch (step.kind) {
        case Step::Kind::kWord:
          add(way, step.word);
          break;
        case Step::Kind::kNumber:
          add(way, "five");
          break;
        case Step::Kind::kAnyWord:
          if (steps_[way.step].kind == Step::Kind::kRest || fills.empty()) {
            break;
          }
          for (size_t i = 1; i < std::min(fills.size(), kMaxSentences); ++i) {
            open.push_back(way);
            add(open.back(), fills[i]);
          }
          add(way, fills[0]);
          break;
        case Step::Kind::kFork:
          open.push_back({step.to, way.sentence});
          break;
        case Step::Kind::kJump:
          way.step = step.to;
          break;
        case Step::Kind::kGap:
        case Step::Kind::kRest:
        case Step::Kind::kNumbers:
        case Step::Kind::kCatch:
        case Step::Kind::kCaught:
        case Step::Kind::kEnd:
        case Step::Kind::kFound:
          break;
      }
    }
    for (const TextWord& word : TextWordsOf(way.sentence, kMaxSteps)) {
      std::erase(words_left, word.word);
    }
    if (!way.sentence.empty()) sentences.push_back(std::move(way.sentence));
  }
  for (std::string& word : words_left) sentences.push_back(std::move(word));
}

}  // namespace trunkline::protocol
