// What the caller's turns do to a line.

#include <algorithm>

#include "session/transcript.h"

namespace trunkline::session {

LineId Transcript::OnCallerTurnBegan(int64_t start_ms) {
  if (finished_) return {};
  for (const Line& line : book_.lines()) {
    if (line.kind == Kind::kCaller && line.phase == Phase::kSpeaking) {
      return line.id;
    }
  }
  const LineId id = Add(Kind::kCaller, Phase::kSpeaking, Bounded(start_ms)).id;
  KeepBounds();
  return id;
}

void Transcript::OnCallerSpoke(LineId id, int64_t start_ms, int64_t end_ms) {
  Line* line = FindOpen(id, Kind::kCaller);
  if (line == nullptr || line->phase != Phase::kSpeaking) return;
  line->start_ms = Bounded(start_ms);
  line->end_ms = std::max(line->start_ms, Bounded(end_ms));
}

void Transcript::OnCallerTurnEnded(LineId id, int64_t end_ms, Instant now) {
  Line* line = FindOpen(id, Kind::kCaller);
  if (line == nullptr || line->phase != Phase::kSpeaking) return;
  line->over_ms = SetNow(now);
  line->end_ms = std::max(line->start_ms, Bounded(end_ms));
  asked_ms_ = now_ms_;
  EndSpeech(*line);
  KeepBounds();
}

void Transcript::OnCallerTurnDropped(LineId id) {
  const Line* line = FindOpen(id, Kind::kCaller);
  if (line == nullptr) return;
  if (line->over_ms == asked_ms_) asked_ms_ = kNone;
  book_.Erase(id);
}

LineId Transcript::OnCallerItem(ItemName name, Instant now) {
  if (finished_) return {};
  SetNow(now);
  if (const Line* known = book_.FindNamed(Kind::kCaller, name)) {
    return known->id;
  }
  Line* ended = nullptr;
  Line* speaking = nullptr;
  for (Line& line : book_.lines()) {
    if (line.kind != Kind::kCaller || !line.item.empty()) continue;
    if (line.phase == Phase::kSpeaking) speaking = &line;
    if (line.phase == Phase::kOver &&
        now_ms_ - line.over_ms <= kCommitWait.ms()) {
      ended = &line;
    }
  }
  Line* line = ended != nullptr ? ended : speaking;
  if (line != nullptr) {
    book_.SetName(*line, name);
  } else {
    asked_ms_ = now_ms_;
    line = &AddUnnoticedTurn(name, of_caller_ == Texts::kSent
                                       ? TextState::kAwaited
                                       : TextState::kMissing);
  }
  const LineId id = line->id;
  KeepBounds();
  return id;
}

void Transcript::BindCallerItem(LineId id, ItemName name) {
  Line* line = FindOpen(id, Kind::kCaller);
  if (line == nullptr) return;
  book_.SetName(*line, name);
  KeepBounds();
}

void Transcript::OnCallerItemGone(ItemName name) {
  if (finished_) return;
  Line* line = book_.FindNamed(Kind::kCaller, name);
  if (line != nullptr) {
    if (line->phase != Phase::kSpeaking) return;
    line->item.clear();
    line->part = 0;
    line->ForgetWords();
    line->text =
        of_caller_ == Texts::kSent ? TextState::kAwaited : TextState::kMissing;
  }
  book_.SetGone(Kind::kCaller, name);
}

void Transcript::OnDigits(std::string_view text, std::string_view told,
                          Instant now) {
  if (finished_) return;
  asked_ms_ = SetNow(now);
  Line& line = AddUnnoticedTurn({}, TextState::kAwaited);
  line.text = TextState::kFinal;
  AddText(line, line.said, text);
  if (told != text) line.told = told;
  MakeFinal(line);
  KeepBounds();
}

// It is over when it is heard of.
Transcript::Line& Transcript::AddUnnoticedTurn(ItemName name, TextState text) {
  Line& line = Add(Kind::kCaller, Phase::kSpeaking, now_ms_);
  line.text = text;
  book_.SetName(line, name);
  line.over_ms = now_ms_;
  EndSpeech(line);
  return line;
}

}  // namespace trunkline::session
