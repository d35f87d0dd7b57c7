#include "session/transcript.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/utf8.h"

namespace trunkline::session {
namespace {

using protocol::Role;
using protocol::TranscriptState;

constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";

int64_t Bounded(int64_t ms) {
  return std::clamp<int64_t>(ms, 0, Transcript::kLongestMs);
}

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string AsKept(std::string_view name) {
  std::string kept;
  AppendWellFormed(kept, name, Transcript::kMaxNameBytes);
  return kept;
}

// Whether a name is kept as `kept`; allocates only for strange ones.
bool IsKeptAs(std::string_view name, const std::string& kept) {
  if (name == kept) return true;
  // U+FFFD stands for what was malformed.
  const bool strange = name.size() > Transcript::kMaxNameBytes ||
                       kept.find("\xEF\xBF\xBD") != std::string::npos;
  return strange && AsKept(name) == kept;
}

Transcript::Kind KindOf(Role role) {
  return role == Role::kCaller ? Transcript::Kind::kCaller
                               : Transcript::Kind::kAgent;
}

}  // namespace

int64_t Transcript::AtMs(Instant now) const {
  return Bounded((now - call_began_).ms());
}

int64_t Transcript::SetNow(Instant now) {
  now_ms_ = std::max(now_ms_, AtMs(now));
  return now_ms_;
}

Transcript::Line* Transcript::Find(LineId id) {
  const auto it = std::lower_bound(
      lines_.begin(), lines_.end(), id,
      [](const Line& line, LineId wanted) { return line.id < wanted; });
  return it != lines_.end() && it->id == id ? &*it : nullptr;
}

const Transcript::Line* Transcript::Find(LineId id) const {
  return const_cast<Transcript*>(this)->Find(id);
}

Transcript::Line* Transcript::FindOpen(LineId id, Kind kind) {
  if (finished_) return nullptr;
  Line* line = Find(id);
  return line != nullptr && line->kind == kind && IsOpen(*line) ? line
                                                                : nullptr;
}

Transcript::Line* Transcript::FindNamed(Kind kind, ItemName name) {
  if (name.item.empty()) return nullptr;
  const auto it =
      std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& line) {
        return line.kind == kind && line.connection == connection_ &&
               line.part == std::max(0, name.part) &&
               IsKeptAs(name.item, line.item);
      });
  return it == lines_.rend() ? nullptr : &*it;
}

const Transcript::Line* Transcript::FindNamed(Kind kind, ItemName name) const {
  return const_cast<Transcript*>(this)->FindNamed(kind, name);
}

Transcript::Line* Transcript::FindOpenTool(std::string_view call_id) {
  const auto it =
      std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& line) {
        return line.kind == Kind::kTool && IsOpen(line) &&
               IsKeptAs(call_id, line.item);
      });
  return it == lines_.rend() ? nullptr : &*it;
}

Transcript::Line& Transcript::Add(Kind kind, Phase phase, int64_t start_ms) {
  Line& line = lines_.emplace_back();
  line.id = LineId{++last_line_};
  line.kind = kind;
  line.phase = phase;
  line.connection = connection_;
  line.start_ms = start_ms;
  line.end_ms = start_ms;
  const Texts texts = kind == Kind::kCaller ? of_caller_ : of_agent_;
  line.text = texts == Texts::kSent ? TextState::kAwaited : TextState::kMissing;
  return line;
}

// It is over when it is heard of.
Transcript::Line& Transcript::AddUnnoticedTurn(ItemName name, TextState text) {
  Line& line = Add(Kind::kCaller, Phase::kSpeaking, now_ms_);
  line.text = text;
  SetName(line, name);
  line.over_ms = now_ms_;
  EndSpeech(line);
  return line;
}

void Transcript::SetName(Line& line, ItemName name) const {
  line.item = AsKept(name.item);
  line.part = std::max(0, name.part);
  line.connection = connection_;
}

void Transcript::AddText(Line& line, std::string& to, std::string_view text) {
  if (line.shortened ||
      AppendWellFormed(to, text, kMaxLineBytes) == Appended::kAll) {
    return;
  }
  line.shortened = true;
  ++counters_.shortened;
}

void Transcript::EndSpeech(Line& line) {
  line.phase = Phase::kOver;
  if (line.text == TextState::kAwaited) {
    line.text_due_ms = Bounded(now_ms_ + kTextWait.ms());
  } else {
    MakeFinal(line);
  }
}

void Transcript::GiveUpText(Line& line) {
  if (line.text == TextState::kAwaited) {
    line.text = line.said.empty() ? TextState::kMissing : TextState::kPartial;
    ++counters_.missed_texts;
  }
  if (line.phase == Phase::kOver) MakeFinal(line);
}

void Transcript::MakeFinal(Line& line) {
  line.heard_bytes = HeardBytesOf(line);
  line.phase = Phase::kFinal;
  line.text_due_ms = kNone;
  line.pauses = {};
  untaken_.push_back(line.id);
}

// What was heard of it; so far, of an agent's that is heard.
size_t Transcript::HeardBytesOf(const Line& line) {
  const bool whole =
      line.kind == Kind::kCaller || (line.phase == Phase::kOver && !line.cut);
  if (whole) return line.said.size();
  if (line.heard_ms <= 0) return 0;
  return HeardText(line.said, line.heard_ms, line.received_ms, line.pauses)
      .size();
}

size_t Transcript::BytesOf(const Line& line) {
  return line.item.size() + line.said.size() + line.name.size() +
         line.arguments.size() + line.result.size();
}

void Transcript::CutAt(Line& line, int64_t heard_ms, int64_t now_ms) {
  line.cut = heard_ms < line.received_ms || !line.done || heard_ms <= 0;
  // From where playback is known to have stood.
  line.end_ms = std::clamp(line.heard_at_ms + (heard_ms - line.heard_ms),
                           line.start_ms, std::max(line.start_ms, now_ms));
  line.heard_ms = heard_ms;
}

void Transcript::Conclude(LineId id, int64_t now_ms) {
  Line* line = Find(id);
  if (line == nullptr) return;
  switch (line->phase) {
    case Phase::kUnsent:
      ++counters_.unheard;
      Erase(id);
      return;
    case Phase::kSpeaking:
      break;
    case Phase::kOver:
      GiveUpText(*line);
      return;
    case Phase::kFinal:
    case Phase::kTaken:
      return;
  }
  switch (line->kind) {
    case Kind::kCaller:
      line->over_ms = std::max(line->start_ms, now_ms);
      line->end_ms = line->over_ms;
      break;
    case Kind::kAgent:
      CutAt(*line, line->heard_ms, now_ms);
      break;
    case Kind::kTool:
      line->tool = ToolState::kUnanswered;
      line->end_ms = std::max(line->start_ms, now_ms);
      break;
  }
  line->phase = Phase::kOver;
  GiveUpText(*line);
}

void Transcript::Erase(LineId id) {
  const auto line =
      std::find_if(lines_.begin(), lines_.end(),
                   [id](const Line& one) { return one.id == id; });
  if (line == lines_.end()) return;
  if (!line->item.empty() && line->kind != Kind::kTool &&
      line->connection == connection_) {
    if (gone_.size() == kMaxGone) gone_.erase(gone_.begin());
    gone_.push_back({line->kind, line->part, std::move(line->item)});
  }
  lines_.erase(line);
}

bool Transcript::IsGone(Kind kind, ItemName name) const {
  return std::any_of(gone_.begin(), gone_.end(), [&](const Gone& gone) {
    return gone.kind == kind && gone.part == std::max(0, name.part) &&
           IsKeptAs(name.item, gone.item);
  });
}

std::vector<LineId> Transcript::OpenLines() const {
  std::vector<LineId> open;
  for (const Line& line : lines_) {
    if (IsOpen(line)) open.push_back(line.id);
  }
  return open;
}

// Drops the oldest lines that were taken while a bound is exceeded.
void Transcript::DropTaken() {
  size_t count = 0;
  size_t bytes = 0;
  for (const Line& line : lines_) {
    if (line.phase == Phase::kFinal) continue;
    ++count;
    bytes += BytesOf(line);
  }
  while (count > kMaxLines || bytes > kMaxTextBytes) {
    const auto oldest = std::find_if(
        lines_.begin(), lines_.end(),
        [](const Line& line) { return line.phase == Phase::kTaken; });
    if (oldest == lines_.end()) return;
    --count;
    bytes -= BytesOf(*oldest);
    lines_.erase(oldest);
    ++counters_.dropped;
  }
}

void Transcript::KeepBounds() {
  DropTaken();
  size_t count = 0;
  size_t bytes = 0;
  size_t untaken_bytes = 0;
  for (const Line& line : lines_) {
    if (line.phase == Phase::kFinal) {
      untaken_bytes += BytesOf(line);
    } else {
      ++count;
      bytes += BytesOf(line);
    }
  }
  // All that is left is open.
  while (count > kMaxLines || bytes > kMaxTextBytes) {
    const auto oldest = std::find_if(lines_.begin(), lines_.end(), IsOpen);
    const size_t size = BytesOf(*oldest);
    --count;
    bytes -= size;
    if (oldest->phase != Phase::kUnsent) untaken_bytes += size;
    ++counters_.dropped;
    Conclude(oldest->id, now_ms_);
  }
  while (untaken_.size() > kMaxUntaken || untaken_bytes > kMaxTextBytes) {
    untaken_bytes -= BytesOf(*Find(untaken_.front()));
    Erase(untaken_.front());
    untaken_.erase(untaken_.begin());
    ++counters_.untaken;
  }
}

void Transcript::OnAgentConnected(Texts of_caller, Texts of_agent,
                                  Instant now) {
  if (finished_) return;
  SetNow(now);
  ++connection_;
  gone_.clear();
  of_caller_ = of_caller;
  of_agent_ = of_agent;
  for (Line& line : lines_) {
    if (!IsOpen(line)) continue;
    switch (line.kind) {
      case Kind::kCaller:
        if (line.phase == Phase::kOver &&
            (!line.item.empty() || of_caller == Texts::kNone)) {
          GiveUpText(line);
          break;
        }
        if (line.text == TextState::kFinal || line.text == TextState::kFailed) {
          break;
        }
        // What was written of the turn so far the new agent writes again.
        line.item.clear();
        line.part = 0;
        line.said.clear();
        line.connection = connection_;
        line.shortened = false;
        line.text = of_caller == Texts::kSent ? TextState::kAwaited
                                              : TextState::kMissing;
        break;
      case Kind::kAgent:
        GiveUpText(line);
        break;
      case Kind::kTool:
        break;
    }
  }
  KeepBounds();
}

LineId Transcript::OnCallerTurnBegan(int64_t start_ms) {
  if (finished_) return {};
  for (const Line& line : lines_) {
    if (line.kind == Kind::kCaller && line.phase == Phase::kSpeaking) {
      return line.id;
    }
  }
  const LineId id = Add(Kind::kCaller, Phase::kSpeaking, Bounded(start_ms)).id;
  KeepBounds();
  return id;
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
  Erase(id);
}

LineId Transcript::OnCallerItem(ItemName name, Instant now) {
  if (finished_) return {};
  SetNow(now);
  if (const Line* known = FindNamed(Kind::kCaller, name)) return known->id;
  Line* ended = nullptr;
  Line* speaking = nullptr;
  for (Line& line : lines_) {
    if (line.kind != Kind::kCaller || !line.item.empty()) continue;
    if (line.phase == Phase::kSpeaking) speaking = &line;
    if (line.phase == Phase::kOver &&
        now_ms_ - line.over_ms <= kCommitWait.ms()) {
      ended = &line;
    }
  }
  Line* line = ended != nullptr ? ended : speaking;
  if (line != nullptr) {
    SetName(*line, name);
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
  SetName(*line, name);
  KeepBounds();
}

Transcript::Line* Transcript::FindForText(Role role, ItemName name,
                                          TranscriptState state) {
  if (Line* known = FindNamed(KindOf(role), name)) return known;
  if (IsGone(KindOf(role), name)) return nullptr;
  // Lines without a name: the caller's only one, or the newest of an agent that
  // gives no names.
  Line* unnamed = nullptr;
  size_t count = 0;
  for (Line& line : lines_) {
    if (line.kind != KindOf(role) || !IsOpen(line) || !line.item.empty() ||
        line.connection != connection_) {
      continue;
    }
    unnamed = &line;
    ++count;
  }
  switch (role) {
    case Role::kCaller:
      if (count == 1) {
        SetName(*unnamed, name);
        return unnamed;
      }
      if (name.item.empty() && state == TranscriptState::kPart) return nullptr;
      return &AddUnnoticedTurn(name, TextState::kAwaited);
    case Role::kAgent:
      if (name.item.empty()) return unnamed;
      return Find(OnAgentItem(name, Origin::kReply));
  }
  return nullptr;
}

LineId Transcript::OnText(Role role, ItemName name, std::string_view text,
                          TranscriptState state, Instant now) {
  if (finished_) return {};
  SetNow(now);
  Line* line = FindForText(role, name, state);
  if (line == nullptr) return {};
  const LineId id = line->id;
  switch (state) {
    case TranscriptState::kPart:
      if (!IsOpen(*line) || line->text == TextState::kFinal ||
          line->text == TextState::kFailed) {
        break;
      }
      line->text = TextState::kAwaited;
      AddText(*line, line->said, text);
      break;
    case TranscriptState::kFinal:
      if (!IsOpen(*line)) {
        ++counters_.late_texts;
        break;
      }
      line->said.clear();
      line->shortened = false;
      AddText(*line, line->said, role == Role::kCaller ? Trimmed(text) : text);
      line->text = TextState::kFinal;
      if (line->phase == Phase::kOver) MakeFinal(*line);
      break;
  }
  KeepBounds();
  return id;
}

void Transcript::OnTextFailed(Role role, ItemName name, Instant now) {
  if (finished_) return;
  SetNow(now);
  Line* line = FindForText(role, name, TranscriptState::kFinal);
  if (line == nullptr || !IsOpen(*line)) return;
  line->text = TextState::kFailed;
  if (line->phase == Phase::kOver) MakeFinal(*line);
  KeepBounds();
}

LineId Transcript::OnAgentItem(ItemName name, Origin origin) {
  if (finished_) return {};
  if (const Line* known = FindNamed(Kind::kAgent, name)) return known->id;
  if (IsGone(Kind::kAgent, name)) return {};
  Line& line = Add(Kind::kAgent, Phase::kUnsent, now_ms_);
  line.origin = origin;
  SetName(line, name);
  const LineId id = line.id;
  KeepBounds();
  return id;
}

LineId Transcript::OnSay(ItemName name, std::string_view text) {
  const LineId id = OnAgentItem(name, Origin::kSay);
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->text == TextState::kFinal) return id;
  line->said.clear();
  AddText(*line, line->said, text);
  line->text = TextState::kFinal;
  if (line->phase == Phase::kOver) MakeFinal(*line);
  KeepBounds();
  return id;
}

void Transcript::OnAgentAudio(LineId id, int64_t received_ms) {
  if (Line* line = FindOpen(id, Kind::kAgent)) {
    line->received_ms = std::max(line->received_ms, Bounded(received_ms));
  }
}

void Transcript::OnAgentDone(LineId id) {
  if (Line* line = FindOpen(id, Kind::kAgent)) line->done = true;
}

void Transcript::OnAgentSent(LineId id, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase != Phase::kUnsent) return;
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

void Transcript::OnAgentProgress(LineId id, int64_t heard_ms, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase != Phase::kSpeaking) return;
  line->heard_at_ms = SetNow(now);
  line->heard_ms = std::max(line->heard_ms, Bounded(heard_ms));
}

void Transcript::OnAgentHeard(LineId id, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase != Phase::kSpeaking) return;
  line->end_ms = std::max(line->start_ms, SetNow(now));
  line->heard_ms = std::max(line->heard_ms, line->received_ms);
  EndSpeech(*line);
  KeepBounds();
}

void Transcript::OnAgentCut(LineId id, int64_t heard_ms, int64_t received_ms,
                            std::span<const Pause> pauses, Instant now) {
  Line* line = FindOpen(id, Kind::kAgent);
  if (line == nullptr || line->phase == Phase::kOver) return;
  if (line->phase == Phase::kUnsent) {
    ++counters_.unheard;
    Erase(id);
    return;
  }
  line->received_ms = Bounded(received_ms);
  const size_t count = std::min(pauses.size(), kMaxHeardMarks);
  for (const auto& [from, to] : pauses.first(count)) {
    line->pauses.push_back({std::max(0, from), std::max(0, to)});
  }
  CutAt(*line, Bounded(heard_ms), SetNow(now));
  EndSpeech(*line);
  KeepBounds();
}

LineId Transcript::OnToolCall(std::string_view call_id, std::string_view name,
                              std::string_view arguments, Instant now) {
  if (finished_) return {};
  SetNow(now);
  if (const Line* known = FindOpenTool(call_id)) return known->id;
  Line& line = Add(Kind::kTool, Phase::kSpeaking, now_ms_);
  line.text = TextState::kFinal;
  line.item = AsKept(call_id);
  line.name = AsKept(name);
  AddText(line, line.arguments, arguments);
  const LineId id = line.id;
  KeepBounds();
  return id;
}

bool Transcript::OnToolResult(std::string_view call_id, std::string_view result,
                              ToolState state, Instant now) {
  if (finished_) return false;
  Line* line = FindOpenTool(call_id);
  if (line == nullptr) return false;
  line->end_ms = SetNow(now);
  line->tool =
      state == ToolState::kFailed ? ToolState::kFailed : ToolState::kAnswered;
  line->shortened = false;
  AddText(*line, line->result, result);
  line->phase = Phase::kOver;
  MakeFinal(*line);
  KeepBounds();
  return true;
}

void Transcript::OnLateToolResult(std::string_view call_id,
                                  std::string_view result) {
  if (finished_) return;
  const auto line =
      std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& one) {
        return one.kind == Kind::kTool && !IsOpen(one) &&
               IsKeptAs(call_id, one.item);
      });
  if (line == lines_.rend()) return;
  line->tool = ToolState::kAnswered;
  line->shortened = false;
  line->result.clear();
  AddText(*line, line->result, result);
  KeepBounds();
}

void Transcript::OnSessionLost(int64_t alive_until_ms, Instant now) {
  if (finished_) return;
  SetNow(now);
  ++connection_;
  gone_.clear();
  asked_ms_ = kNone;
  const int64_t alive_ms = std::min(Bounded(alive_until_ms), now_ms_);
  for (const LineId id : OpenLines()) {
    Line& line = *Find(id);
    if (line.kind == Kind::kTool) continue;
    if (line.kind == Kind::kAgent && line.phase == Phase::kSpeaking) {
      const int64_t played_ms =
          line.heard_ms + std::max<int64_t>(0, alive_ms - line.heard_at_ms);
      const int64_t heard_ms =
          std::max(line.heard_ms, std::min(played_ms, line.received_ms));
      line.heard_at_ms += heard_ms - line.heard_ms;
      line.heard_ms = heard_ms;
    }
    Conclude(id, alive_ms);
  }
  KeepBounds();
}

void Transcript::Finish(Instant now) {
  if (finished_) return;
  SetNow(now);
  for (const LineId id : OpenLines()) Conclude(id, now_ms_);
  KeepBounds();
  finished_ = true;
}

Instant Transcript::deadline() const {
  int64_t due_ms = kNone;
  for (const Line& line : lines_) {
    if (line.text_due_ms == kNone) continue;
    if (due_ms == kNone || line.text_due_ms < due_ms) due_ms = line.text_due_ms;
  }
  return due_ms == kNone ? Instant::Never()
                         : call_began_ + Duration::Millis(due_ms);
}

void Transcript::OnDeadline(Instant now) {
  if (finished_) return;
  SetNow(now);
  for (Line& line : lines_) {
    if (line.text_due_ms != kNone && line.text_due_ms <= now_ms_) {
      GiveUpText(line);
    }
  }
  KeepBounds();
}

std::optional<Transcript::FinalLine> Transcript::TakeFinal() {
  if (untaken_.empty()) return std::nullopt;
  Line& line = *Find(untaken_.front());
  untaken_.erase(untaken_.begin());
  line.phase = Phase::kTaken;

  FinalLine final;
  final.line = line.id;
  final.kind = line.kind;
  final.origin = line.origin;
  final.text = line.text;
  final.start_ms = line.start_ms;
  final.end_ms = line.end_ms;
  const auto known = [](int64_t ms) {
    return ms == kNone ? std::nullopt : std::optional(ms);
  };
  switch (line.kind) {
    case Kind::kCaller:
      final.over_ms = known(line.over_ms);
      break;
    case Kind::kAgent:
      final.sent_ms = known(line.sent_ms);
      if (line.asked_ms == kNone) break;
      final.latency_sent_ms = line.sent_ms - line.asked_ms;
      if (line.heard_from_ms == kNone) break;
      final.latency_heard_ms = line.heard_from_ms - line.asked_ms;
      break;
    case Kind::kTool:
      final.call_id = line.item;
      final.name = line.name;
      final.arguments = line.arguments;
      final.result = line.result;
      final.tool = line.tool;
      break;
  }
  if (line.kind != Kind::kTool) {
    final.item = line.item;
    final.part = line.part;
    final.said = line.said;
    final.heard = line.said.substr(0, line.heard_bytes);
    final.cut = line.cut;
  }
  DropTaken();
  return final;
}

std::vector<Transcript::Told> Transcript::Conversation() const {
  std::vector<const Line*> order;
  for (const Line& line : lines_) {
    if (line.phase != Phase::kUnsent) order.push_back(&line);
  }
  std::sort(order.begin(), order.end(), [](const Line* one, const Line* other) {
    return std::pair(one->start_ms, one->id) <
           std::pair(other->start_ms, other->id);
  });
  std::vector<Told> all;
  for (const Line* line : order) {
    Told told;
    told.line = line->id;
    told.kind = line->kind;
    if (line->kind == Kind::kTool) {
      told.call_id = line->item;
      told.name = line->name;
      told.arguments = line->arguments;
      told.result = line->result;
      told.tool = line->tool;
    } else {
      const size_t heard =
          IsOpen(*line) ? HeardBytesOf(*line) : line->heard_bytes;
      if (heard == 0) continue;
      told.text = std::string_view(line->said).substr(0, heard);
      told.cut = line->cut;
    }
    all.push_back(told);
  }
  return all;
}

LineId Transcript::line_of(Role role, ItemName name) const {
  const Line* line = FindNamed(KindOf(role), name);
  return line == nullptr ? LineId{} : line->id;
}

ItemName Transcript::name_of(LineId id) const {
  const Line* line = Find(id);
  if (line == nullptr || line->kind == Kind::kTool ||
      line->connection != connection_) {
    return {};
  }
  return {line->item, line->part};
}

bool Transcript::IsLineConsistent(const Line& line) {
  if (line.heard_bytes > line.said.size()) return false;
  if (line.end_ms < line.start_ms || line.part < 0) return false;
  if (line.said.size() > kMaxLineBytes || line.item.size() > kMaxNameBytes ||
      line.arguments.size() > kMaxLineBytes ||
      line.result.size() > kMaxLineBytes || line.name.size() > kMaxNameBytes ||
      line.pauses.size() > kMaxHeardMarks) {
    return false;
  }
  const bool awaits =
      line.phase == Phase::kOver && line.text == TextState::kAwaited;
  if (awaits != (line.text_due_ms != kNone)) return false;
  switch (line.phase) {
    case Phase::kUnsent:
      return line.kind == Kind::kAgent && line.sent_ms == kNone;
    case Phase::kSpeaking:
      if (line.kind == Kind::kAgent && line.sent_ms == kNone) return false;
      return line.kind != Kind::kTool || line.tool == ToolState::kOpen;
    case Phase::kOver:
      return line.kind != Kind::kTool && awaits;
    case Phase::kFinal:
    case Phase::kTaken:
      if (line.text == TextState::kAwaited || !line.pauses.empty())
        return false;
      return line.kind != Kind::kTool || line.tool != ToolState::kOpen;
  }
  return false;
}

bool Transcript::IsConsistent() const {
  LineId before{};
  size_t untaken = 0;
  size_t bytes = 0;
  size_t untaken_bytes = 0;
  for (const Line& line : lines_) {
    if (!IsLineConsistent(line) || line.id <= before) return false;
    if (finished_ && IsOpen(line)) return false;
    before = line.id;
    if (line.phase != Phase::kFinal) {
      bytes += BytesOf(line);
      continue;
    }
    untaken_bytes += BytesOf(line);
    ++untaken;
    if (std::count(untaken_.begin(), untaken_.end(), line.id) != 1) {
      return false;
    }
  }
  return untaken == untaken_.size() && before <= LineId{last_line_} &&
         untaken <= kMaxUntaken && lines_.size() - untaken <= kMaxLines &&
         bytes <= kMaxTextBytes && untaken_bytes <= kMaxTextBytes;
}

}  // namespace trunkline::session
