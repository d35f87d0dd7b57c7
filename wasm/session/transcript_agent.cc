#include <algorithm>
#include <utility>

#include "session/transcript.h"

// What the agent says, from its first sound to the last that is heard of it.

namespace trunkline::session {

LineId Transcript::OnAgentItem(ItemName name, Origin origin) {
  if (finished_) return {};
  Line* known = book_.FindNamed(Kind::kAgent, name);
  if (known != nullptr && known->awaits_sound()) {
    known->origin = origin;
    return known->id;
  }
  Line& line = Add(Kind::kAgent, Phase::kUnsent, now_ms_);
  line.origin = origin;
  book_.SetName(line, name);
  const LineId id = line.id;
  KeepBounds();
  return id;
}

LineId Transcript::OnSay(ItemName name, std::string_view text) {
  const LineId id = OnAgentItem(name, Origin::kSay);
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || !line->said.empty()) return id;
  AddText(*line, line->said, text);
  line->expected = true;
  if (line->text == TextState::kMissing) line->text = TextState::kFinal;
  KeepBounds();
  return id;
}

void Transcript::OnNotAsked(LineId id) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr) return;
  line->origin = Origin::kReply;
  if (line->expected) {
    line->ForgetWords();
    if (line->text == TextState::kFinal) line->text = TextState::kMissing;
  }
  if (line->asked_ms != kNone) asked_ms_ = std::exchange(line->asked_ms, kNone);
}

void Transcript::OnAgentAudio(LineId id, int64_t received_ms) {
  if (Line* line = FindOpen(id, Kind::kAgent)) {
    line->received_ms = std::max(line->received_ms, Bounded(received_ms));
    line->done = false;
  }
}

void Transcript::OnAgentDone(LineId id) {
  if (Line* line = FindOpen(id, Kind::kAgent)) line->done = true;
}

void Transcript::OnAgentDropped(ItemName name, int64_t dropped_ms) {
  Line* line = book_.FindNamed(Kind::kAgent, name);
  if (line == nullptr || !line->is_open() || dropped_ms <= 0) return;
  line->dropped_ms = std::max(line->dropped_ms, Bounded(dropped_ms));
  line->done = false;
  if (line->phase == Phase::kOver) line->cut = true;
}

void Transcript::OnAgentRefused(LineId id, int64_t refused_ms) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || refused_ms <= 0) return;
  line->dropped_ms = Bounded(line->dropped_ms + Bounded(refused_ms));
  line->done = false;
  if (line->phase == Phase::kOver) line->cut = true;
}

void Transcript::OnAgentSent(LineId id, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase == Phase::kSpeaking) return;
  if (line->phase == Phase::kOver) {
    // It goes on after it was taken for heard.
    line->phase = Phase::kSpeaking;
    line->text_due_ms = kNone;
    line->cut = false;
    line->heard_at_ms = SetNow(now);
    return;
  }
  line->phase = Phase::kSpeaking;
  line->sent_ms = SetNow(now);
  line->start_ms = now_ms_;
  line->end_ms = now_ms_;
  line->heard_at_ms = now_ms_;
  if (line->origin != Origin::kReply) return;
  line->asked_ms = asked_ms_;
  asked_ms_ = kNone;
}

void Transcript::OnAgentHeardFrom(LineId id, Instant at) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase != Phase::kSpeaking ||
      line->heard_from_ms != kNone) {
    return;
  }
  line->heard_from_ms = std::max(line->sent_ms, AtMs(at));
  line->start_ms = line->heard_from_ms;
  line->end_ms = line->heard_from_ms;
  if (line->heard_ms == 0) line->heard_at_ms = line->heard_from_ms;
}

void Transcript::OnAgentProgress(LineId id, int64_t heard_ms, Instant at) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase != Phase::kSpeaking) return;
  if (Bounded(heard_ms) <= line->heard_ms) return;
  line->heard_at_ms = AtMs(at);
  line->heard_ms = Bounded(heard_ms);
}

void Transcript::OnAgentHeard(LineId id, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase != Phase::kSpeaking) return;
  line->HeardAll(SetNow(now));
  EndSpeech(*line);
  KeepBounds();
}

bool Transcript::OnAgentCut(LineId id, int64_t heard_ms, int64_t received_ms,
                            std::span<const Pause> pauses, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase == Phase::kOver) return true;
  if (line->phase == Phase::kUnsent) {
    ++counters_.unheard;
    book_.Erase(id);
    return false;
  }
  line->received_ms = Bounded(received_ms);
  const size_t count = std::min(pauses.size(), kMaxHeardMarks);
  for (const auto& [from, to] : pauses.first(count)) {
    line->pauses.push_back({std::max(0, from), std::max(0, to)});
  }
  line->CutAt(Bounded(heard_ms), SetNow(now));
  const bool word = line->said.empty() ? line->heard_ms >= kFirstWord.ms()
                                       : line->HeardSoFar() > 0;
  EndSpeech(*line);
  KeepBounds();
  return word;
}

}  // namespace trunkline::session
