#include "session/heard_words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/utf8.h"

namespace trunkline::session {
namespace {

#include "session/heard_words_characters.inc"

// Properties of a character, as scripts/generate-characters.mjs writes them.
// The letters that it takes as long as: [1, 5].
constexpr uint32_t kLetters = 7;
// Of a script that is written without spaces.
constexpr uint32_t kUnspaced = 8;
constexpr uint32_t kSpace = 16;
// Never apart from the character before it, or behind it.
constexpr uint32_t kJoinsBefore = 32;
constexpr uint32_t kJoinsBehind = 64;
constexpr uint32_t kPunctuation = 128;
// Punctuation that belongs to what follows.
constexpr uint32_t kOpening = 256;

// What a mark without a pause, or a pause without a mark, weighs against
// misplacing one by so much.
constexpr double kUnmatchedMs = 500;
// Longer than any call; sums of times do not overflow.
constexpr int64_t kLongestMs = int64_t{1} << 40;

uint32_t PropertiesOf(uint32_t code_point) {
  const auto next = std::upper_bound(
      kChanges.begin(), kChanges.end(), code_point,
      [](uint32_t value, uint32_t change) { return value < change >> 9; });
  return *(next - 1) & 0x1FF;
}

// A place in the text, in letters that it takes to say it so far, and in the
// audio, in milliseconds without its pauses.
struct Anchor {
  double letters = 0;
  double spoken_ms = 0;
};

// The text's two ends and the marks, or the audio's two ends and the pauses.
constexpr size_t kMaxPlaces = kMaxHeardMarks + 2;

class Places {
 public:
  void Add(double place) { places_[count_++] = place; }
  size_t size() const { return count_; }
  bool full() const { return count_ == kMaxPlaces - 1; }
  double operator[](size_t i) const { return places_[i]; }

 private:
  size_t count_ = 0;
  std::array<double, kMaxPlaces> places_{};
};

// Reads the text character by character.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { Look(); }

  bool done() const { return at_ == text_.size(); }
  size_t at() const { return at_; }
  uint32_t character() const { return next_.value; }
  uint32_t properties() const { return properties_; }
  void Next() {
    at_ += next_.bytes;
    Look();
  }

 private:
  void Look() {
    if (done()) return;
    next_ = CodePointAt(text_, at_);
    properties_ = PropertiesOf(next_.value);
  }

  const std::string_view text_;
  size_t at_ = 0;
  CodePoint next_;
  uint32_t properties_ = 0;
};

// A mark at which a speaker may pause if a space follows.
bool IsMark(uint32_t character) {
  switch (character) {
    case ',':
    case '.':
    case ';':
    case ':':
    case '?':
    case '!':
    case 0x2026:  // ellipsis
      return true;
    default:
      return false;
  }
}

bool ClosesMark(uint32_t character) {
  return character == '"' || character == '\'' || character == ')' ||
         character == ']';
}

// A mark of Chinese or Japanese at which a speaker may pause.
bool IsWideMark(uint32_t character) {
  switch (character) {
    case 0x3001:  // comma
    case 0x3002:  // full stop
    case 0xFF0C:  // full-width , ; : ? !
    case 0xFF1B:
    case 0xFF1A:
    case 0xFF1F:
    case 0xFF01:
      return true;
    default:
      return false;
  }
}

bool ClosesWideMark(uint32_t character) {
  return character == '"' || character == '\'' || character == 0x300D ||
         character == 0x300F || character == 0xFF09;
}

// The text's beginning, the marks where a speaker may pause, with the quotes
// and brackets that close there, and the text's end; in letters.
Places MarksOf(std::string_view text) {
  enum class Within : uint8_t { kNone, kMark, kWideMark };
  Within within = Within::kNone;
  Places places;
  places.Add(0);
  double letters = 0;
  const auto add = [&] {
    if (!places.full()) places.Add(letters);
  };
  for (Reader reader(text); !reader.done(); reader.Next()) {
    const uint32_t character = reader.character();
    switch (within) {
      case Within::kNone:
        break;
      case Within::kMark:
        if (ClosesMark(character)) break;
        if ((reader.properties() & kSpace) != 0) add();
        within = Within::kNone;
        break;
      case Within::kWideMark:
        if (ClosesWideMark(character)) break;
        add();
        within = Within::kNone;
        break;
    }
    if (within == Within::kNone) {
      if (IsMark(character)) within = Within::kMark;
      if (IsWideMark(character)) within = Within::kWideMark;
    }
    letters += reader.properties() & kLetters;
  }
  if (within == Within::kWideMark) add();
  places.Add(letters);
  return places;
}

// `ms` without the pauses before it.
int64_t SpokenMs(int64_t ms, std::span<const Pause> pauses) {
  int64_t spoken = ms;
  for (const auto& [from, to] : pauses) {
    spoken -= std::max<int64_t>(
        0, std::min<int64_t>(ms, to) - std::min<int64_t>(ms, from));
  }
  return spoken;
}

// The audio's beginning, where the pauses within it begin, and its end; in
// milliseconds without pauses.
Places PausesOf(std::span<const Pause> pauses, int64_t received_ms) {
  Places places;
  places.Add(0);
  for (const auto& [from, to] : pauses) {
    if (places.full()) break;
    if (from <= 0 || to >= received_ms) continue;
    places.Add(static_cast<double>(SpokenMs(from, pauses)));
  }
  places.Add(static_cast<double>(SpokenMs(received_ms, pauses)));
  return places;
}

// Lays pauses on marks, the cheapest way in order. The sums are formed in one
// order wherever they are formed, so that equal ways are told apart alike.
class Alignment {
 public:
  Alignment(const Places& marks, const Places& pauses)
      : marks_(marks),
        pauses_(pauses),
        ms_per_letter_(pauses[pauses.size() - 1] /
                       std::max(1.0, marks[marks.size() - 1])) {
    for (size_t i = 1; i < marks_.size(); ++i) {
      const bool last = i == marks_.size() - 1;
      // The ends belong together.
      const size_t end = pauses_.size() - 1;
      for (size_t k = last ? end : 1; k < (last ? end + 1 : end); ++k) {
        cost_[i][k] = Least(i, k);
      }
    }
  }

  // Fills `anchors` with the beginning, what was laid on each other, and the
  // end; returns how many.
  size_t Trace(std::array<Anchor, kMaxPlaces + 1>& anchors) const {
    size_t count = 0;
    size_t i = marks_.size() - 1;
    size_t k = pauses_.size() - 1;
    while (i > 0 || k > 0) {
      anchors[count++] = {marks_[i], pauses_[k]};
      const auto [before, past] = Origin(i, k);
      i = before;
      k = past;
    }
    anchors[count++] = {};
    std::reverse(anchors.begin(),
                 anchors.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

 private:
  struct Cell {
    size_t mark = 0;
    size_t pause = 0;
  };

  // The cost of laying mark `i` on pause `k` when `before` is on `past`.
  double Cost(size_t i, size_t k, size_t before, size_t past) const {
    const double expected_ms = (marks_[i] - marks_[before]) * ms_per_letter_;
    // Of 32 bits, which vectors convert.
    const auto unmatched = static_cast<double>(
        static_cast<int32_t>(i - before - 1 + (k - past - 1)));
    return cost_[before][past] +
           std::abs(pauses_[k] - pauses_[past] - expected_ms) +
           kUnmatchedMs * unmatched;
  }

  double Least(size_t i, size_t k) const {
    // Nothing is laid on the beginning but the beginning.
    double least = Cost(i, k, 0, 0);
    // From the nearest on: what leaves over so many that they alone weigh more
    // than the least cost so far is not less.
    for (size_t before = i - 1; before > 0; --before) {
      const size_t over = i - before - 1;
      const double affordable = least / kUnmatchedMs;
      if (static_cast<double>(over) > affordable) break;
      const double left = affordable - static_cast<double>(over);
      const size_t first = left < static_cast<double>(k - 1)
                               ? k - 1 - static_cast<size_t>(left)
                               : 1;
      // Several minima side by side, for none to wait for the other.
      std::array<double, 4> lanes;
      lanes.fill(least);
      size_t past = std::max<size_t>(first, 1);
      for (; past + lanes.size() <= k; past += lanes.size()) {
        for (size_t lane = 0; lane < lanes.size(); ++lane) {
          lanes[lane] = std::min(lanes[lane], Cost(i, k, before, past + lane));
        }
      }
      for (; past < k; ++past) {
        lanes[0] = std::min(lanes[0], Cost(i, k, before, past));
      }
      least = *std::min_element(lanes.begin(), lanes.end());
    }
    return least;
  }

  // The first, in order, of what makes the cost of `i` and `k` what it is.
  Cell Origin(size_t i, size_t k) const {
    const double cost = cost_[i][k];
    if (Cost(i, k, 0, 0) == cost) return {};
    for (size_t before = 1; before < i; ++before) {
      for (size_t past = 1; past < k; ++past) {
        if (Cost(i, k, before, past) == cost) return {before, past};
      }
    }
    return {};
  }

  const Places& marks_;
  const Places& pauses_;
  const double ms_per_letter_;
  // Of all before, when mark `i` is on pause `k`.
  std::array<std::array<double, kMaxPlaces>, kMaxPlaces> cost_{};
};

// When what takes so many letters is spoken.
double TimeOf(double letters, std::span<const Anchor> anchors) {
  const auto found = std::find_if(
      anchors.begin(), anchors.end(),
      [&](const Anchor& anchor) { return anchor.letters >= letters; });
  const auto next = std::max<std::ptrdiff_t>(
      1, found == anchors.end() ? 0 : found - anchors.begin());
  const Anchor& from = anchors[static_cast<size_t>(next - 1)];
  const Anchor& to = anchors[static_cast<size_t>(next)];
  const double span = to.letters - from.letters;
  const double share = (letters - from.letters) / (span == 0 ? 1 : span);
  return from.spoken_ms + share * (to.spoken_ms - from.spoken_ms);
}

// Says, between two characters, whether a word with its marks ends there.
class WordEnds {
 public:
  // Whether one ends before a character of these properties. `kSpace` stands
  // for the end of the text.
  bool EndsBefore(uint32_t next) const {
    if (first_ || (before_ & kSpace) != 0) return false;
    if ((next & kSpace) != 0) return true;
    if ((next & kPunctuation) != 0 && (next & kOpening) == 0) return false;
    if ((next & kJoinsBefore) != 0) return false;
    if ((before_ & (kJoinsBehind | kOpening)) != 0) return false;
    return unspaced_ || (next & kUnspaced) != 0;
  }

  void Take(uint32_t properties) {
    // What joins the word, and the marks behind it, are of its kind.
    const bool of_word =
        (properties & kJoinsBefore) != 0 ||
        ((properties & kPunctuation) != 0 && (properties & kOpening) == 0);
    if (first_ || !of_word || (properties & kUnspaced) != 0) {
      unspaced_ = (properties & kUnspaced) != 0;
    }
    first_ = false;
    before_ = properties;
  }

 private:
  bool first_ = true;
  // The word is of a script without spaces.
  bool unspaced_ = false;
  uint32_t before_ = 0;
};

}  // namespace

std::string_view HeardText(std::string_view text, int64_t heard_ms,
                           int64_t received_ms, std::span<const Pause> pauses) {
  if (heard_ms >= received_ms) return text;
  const int64_t received = std::clamp(received_ms, -kLongestMs, kLongestMs);
  const Places marks = MarksOf(text);
  const Places breaks = PausesOf(pauses, received);
  std::array<Anchor, kMaxPlaces + 1> storage;
  const size_t count = Alignment(marks, breaks).Trace(storage);
  const std::span<const Anchor> anchors = std::span(storage).first(count);
  const auto at = static_cast<double>(
      SpokenMs(std::clamp<int64_t>(heard_ms, 0, kLongestMs), pauses));

  WordEnds ends;
  size_t end = 0;
  double letters = 0;
  for (Reader reader(text);; reader.Next()) {
    const uint32_t next = reader.done() ? kSpace : reader.properties();
    if (ends.EndsBefore(next)) {
      if (TimeOf(letters, anchors) > at) break;
      end = reader.at();
    }
    if (reader.done()) break;
    ends.Take(next);
    letters += next & kLetters;
  }
  return text.substr(0, end);
}

int64_t LettersOf(std::string_view text) {
  int64_t letters = 0;
  for (Reader reader(text); !reader.done(); reader.Next()) {
    letters += reader.properties() & kLetters;
  }
  return letters;
}

}  // namespace trunkline::session
