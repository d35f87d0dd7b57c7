#include "session/transcript_line.h"

#include <algorithm>

#include "base/utf8.h"

namespace trunkline::session {

size_t TranscriptLine::bytes() const {
  return item.size() + said.size() + told.size() + name.size() +
         arguments.size() + result.size() +
         words.size() * sizeof(protocol::SpokenWord);
}

size_t TranscriptLine::HeardSoFar() const {
  const bool whole = kind == Kind::kCaller || (phase == Phase::kOver && !cut);
  if (whole) return said.size();
  if (heard_ms <= 0) return 0;
  // The words that have ended; of what lies before the next one that is known,
  // as much as its letters take.
  const auto next =
      std::upper_bound(words.begin(), words.end(), heard_ms,
                       [](int64_t ms, const protocol::SpokenWord& word) {
                         return ms < word.end_ms;
                       });
  const bool is_last = next == words.end();
  protocol::SpokenWord from;
  if (next != words.begin()) from = *(next - 1);
  const size_t begin = CutText(said, from.text_end).size();
  const size_t end =
      is_last ? said.size() : CutText(said, next->text_end).size();
  const int64_t to_ms = is_last ? SaidByMs(from) : next->end_ms;
  const std::string_view stretch =
      std::string_view(said).substr(begin, end - begin);
  const std::span<const Pause> within =
      words.empty() ? std::span<const Pause>(pauses) : std::span<const Pause>();
  return begin +
         HeardText(stretch, heard_ms - from.end_ms, to_ms - from.end_ms, within)
             .size();
}

int64_t TranscriptLine::SaidByMs(const protocol::SpokenWord& from) const {
  const int64_t come_ms = std::min(kLongestMs, received_ms + dropped_ms);
  if (done) return come_ms;
  const std::string_view before = CutText(said, from.text_end);
  const std::string_view behind = std::string_view(said).substr(before.size());
  int64_t ms_per_letter = expected ? kUsualMsPerLetter : kLeastMsPerLetter;
  if (!before.empty()) {
    // As the voice spoke so far.
    ms_per_letter = std::clamp(from.end_ms / LettersOf(before),
                               kLeastMsPerLetter, kMostMsPerLetter);
  }
  return std::max(come_ms, from.end_ms + LettersOf(behind) * ms_per_letter);
}

void TranscriptLine::AddWords(std::span<const protocol::SpokenWord> more) {
  for (const protocol::SpokenWord& word : more) {
    const protocol::SpokenWord last =
        words.empty() ? protocol::SpokenWord() : words.back();
    if (word.text_end > last.text_end && word.text_end <= kMaxTextBytes &&
        word.end_ms >= last.end_ms && word.end_ms <= kLongestMs) {
      words.push_back(word);
    }
  }
}

bool TranscriptLine::Append(std::string& to, std::string_view text_to_add) {
  if (shortened ||
      AppendWellFormed(to, text_to_add, kMaxTextBytes) == Appended::kAll) {
    return true;
  }
  shortened = true;
  return false;
}

void TranscriptLine::ForgetWords() {
  said.clear();
  words.clear();
  shortened = expected = false;
}

void TranscriptLine::HeardUntil(int64_t ms, int64_t now_ms) {
  // From where playback is known to have stood.
  end_ms = std::clamp(heard_at_ms + (ms - heard_ms), start_ms,
                      std::max(start_ms, now_ms));
  heard_ms = ms;
}

void TranscriptLine::HeardAll(int64_t now_ms) {
  cut = !done || dropped_ms > 0;
  HeardUntil(std::max(heard_ms, received_ms), now_ms);
}

void TranscriptLine::CutAt(int64_t ms, int64_t now_ms) {
  cut = ms < received_ms || !done || dropped_ms > 0 || ms <= 0;
  HeardUntil(ms, now_ms);
}

bool TranscriptLine::IsConsistent() const {
  if (heard_bytes > said.size()) return false;
  if (end_ms < start_ms || part < 0) return false;
  if (said.size() > kMaxTextBytes || item.size() > kMaxNameBytes ||
      arguments.size() > kMaxTextBytes || result.size() > kMaxTextBytes ||
      name.size() > kMaxNameBytes || pauses.size() > kMaxHeardMarks) {
    return false;
  }
  const bool awaits = phase == Phase::kOver && text == TextState::kAwaited;
  if (awaits != (text_due_ms != kNone)) return false;
  switch (phase) {
    case Phase::kUnsent:
      return kind == Kind::kAgent && sent_ms == kNone;
    case Phase::kSpeaking:
      if (kind == Kind::kAgent && sent_ms == kNone) return false;
      return kind != Kind::kTool || tool == ToolState::kOpen;
    case Phase::kOver:
      return kind != Kind::kTool && awaits;
    case Phase::kFinal:
    case Phase::kTaken:
      if (text == TextState::kAwaited || !pauses.empty() || !words.empty()) {
        return false;
      }
      return kind != Kind::kTool || tool != ToolState::kOpen;
  }
  return false;
}

}  // namespace trunkline::session
