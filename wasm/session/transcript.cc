#include "session/transcript.h"

#include <algorithm>
#include <utility>

namespace trunkline::session {
namespace {

using protocol::Role;
using protocol::TranscriptState;

constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

Transcript::Kind KindOf(Role role) {
  return role == Role::kCaller ? Transcript::Kind::kCaller
                               : Transcript::Kind::kAgent;
}

}  // namespace

int64_t Transcript::Bounded(int64_t ms) {
  return std::clamp<int64_t>(ms, 0, kLongestMs);
}

int64_t Transcript::AtMs(Instant now) const {
  return Bounded((now - call_began_).ms());
}

int64_t Transcript::SetNow(Instant now) {
  now_ms_ = std::max(now_ms_, AtMs(now));
  return now_ms_;
}

Transcript::Line* Transcript::FindOpen(LineId id, Kind kind) {
  if (finished_) return nullptr;
  Line* line = book_.Find(id);
  return line != nullptr && line->kind == kind && line->is_open() ? line
                                                                  : nullptr;
}

Transcript::Line& Transcript::Add(Kind kind, Phase phase, int64_t start_ms) {
  Line& line = book_.Add(kind, phase, start_ms);
  const Texts texts = kind == Kind::kCaller ? of_caller_ : of_agent_;
  line.text = texts == Texts::kSent ? TextState::kAwaited : TextState::kMissing;
  return line;
}

void Transcript::AddText(Line& line, std::string& to, std::string_view text) {
  if (!line.Append(to, text)) ++counters_.shortened;
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
  line.heard_bytes = line.HeardSoFar();
  line.text_due_ms = kNone;
  line.pauses = {};
  line.words = {};
  book_.MakeFinal(line);
}

void Transcript::Conclude(LineId id, int64_t now_ms) {
  Line* line = book_.Find(id);
  if (line == nullptr) return;
  switch (line->phase) {
    case Phase::kUnsent:
      ++counters_.unheard;
      book_.Erase(id);
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
      // He has stopped, or speaks.
      if (line->end_ms == line->start_ms) line->end_ms = line->over_ms;
      line->end_ms = std::min(line->end_ms, line->over_ms);
      break;
    case Kind::kAgent:
      line->CutAt(line->heard_ms, now_ms);
      break;
    case Kind::kTool:
      line->tool = ToolState::kUnanswered;
      line->end_ms = std::max(line->start_ms, now_ms);
      break;
  }
  line->phase = Phase::kOver;
  GiveUpText(*line);
}

std::vector<LineId> Transcript::OpenLines() const {
  std::vector<LineId> open;
  for (const Line& line : book_.lines()) {
    if (line.is_open()) open.push_back(line.id);
  }
  return open;
}

void Transcript::KeepBounds() {
  counters_.dropped += book_.DropTaken();
  // All that is left is open.
  while (const Line* oldest = book_.OldestBeyondBounds()) {
    ++counters_.dropped;
    Conclude(oldest->id, now_ms_);
  }
  counters_.untaken += book_.DropUntaken();
}

void Transcript::OnAgentConnected(Texts of_caller, Texts of_agent, Instant now,
                                  LineId again) {
  if (finished_) return;
  SetNow(now);
  book_.Connect();
  of_caller_ = of_caller;
  of_agent_ = of_agent;
  for (Line& line : book_.lines()) {
    if (!line.is_open()) continue;
    switch (line.kind) {
      case Kind::kCaller:
        if (line.phase == Phase::kOver &&
            ((!line.item.empty() && line.id != again) ||
             of_caller == Texts::kNone)) {
          GiveUpText(line);
          break;
        }
        if (line.text == TextState::kFinal || line.text == TextState::kFailed) {
          break;
        }
        // What was written of the turn so far the new agent writes again.
        line.item.clear();
        line.part = 0;
        line.ForgetWords();
        line.connection = book_.connection();
        line.text = of_caller == Texts::kSent ? TextState::kAwaited
                                              : TextState::kMissing;
        if (line.id == again && line.phase == Phase::kOver) {
          line.text_due_ms = Bounded(now_ms_ + kTextWait.ms());
        }
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

Transcript::Line* Transcript::FindForText(Role role, ItemName name,
                                          TranscriptState state) {
  if (Line* known = book_.FindNamed(KindOf(role), name)) return known;
  if (book_.IsGone(KindOf(role), name)) return nullptr;
  // Lines without a name: the caller's only one, or the newest of an agent that
  // gives no names.
  Line* unnamed = nullptr;
  size_t count = 0;
  for (Line& line : book_.lines()) {
    if (line.kind != KindOf(role) || !line.is_open() || !line.item.empty() ||
        line.connection != book_.connection()) {
      continue;
    }
    unnamed = &line;
    ++count;
  }
  switch (role) {
    case Role::kCaller:
      if (count == 1) {
        book_.SetName(*unnamed, name);
        return unnamed;
      }
      if (name.item.empty() && state == TranscriptState::kPart) return nullptr;
      return &AddUnnoticedTurn(name, TextState::kAwaited);
    case Role::kAgent:
      if (name.item.empty()) return unnamed;
      return book_.Find(OnAgentItem(name, Origin::kReply));
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
      if (!line->is_open() || line->text == TextState::kFinal ||
          line->text == TextState::kFailed) {
        break;
      }
      line->text = TextState::kAwaited;
      if (line->expected) line->ForgetWords();
      AddText(*line, line->said, text);
      break;
    case TranscriptState::kFinal:
      if (!line->is_open()) {
        ++counters_.late_texts;
        break;
      }
      // Of the same text its words stay known.
      if (line->said != text) {
        line->ForgetWords();
        AddText(*line, line->said,
                role == Role::kCaller ? Trimmed(text) : text);
      }
      line->text = TextState::kFinal;
      if (line->phase == Phase::kOver) MakeFinal(*line);
      break;
  }
  KeepBounds();
  return id;
}

void Transcript::OnAgentWords(ItemName name,
                              std::span<const protocol::SpokenWord> words) {
  if (finished_) return;
  Line* line = book_.FindNamed(Kind::kAgent, name);
  if (line == nullptr || !line->is_open()) return;
  line->AddWords(words);
  KeepBounds();
}

void Transcript::OnTextFailed(Role role, ItemName name, Instant now) {
  if (finished_) return;
  SetNow(now);
  Line* line = FindForText(role, name, TranscriptState::kFinal);
  if (line == nullptr || !line->is_open()) return;
  line->text = line->expected ? TextState::kPartial : TextState::kFailed;
  if (line->phase == Phase::kOver) MakeFinal(*line);
  KeepBounds();
}

LineId Transcript::OnToolCall(std::string_view call_id, std::string_view name,
                              std::string_view arguments, Instant now) {
  if (finished_) return {};
  SetNow(now);
  if (const Line* known = book_.FindTool(call_id, LineBook::Call::kOpen)) {
    return known->id;
  }
  Line& line = Add(Kind::kTool, Phase::kSpeaking, now_ms_);
  line.text = TextState::kFinal;
  line.item = LineBook::AsKept(call_id);
  line.name = LineBook::AsKept(name);
  AddText(line, line.arguments, arguments);
  const LineId id = line.id;
  KeepBounds();
  return id;
}

std::optional<Transcript::OpenTool> Transcript::open_tool(
    std::string_view call_id) const {
  const Line* line = book_.FindTool(call_id, LineBook::Call::kOpen);
  if (line == nullptr) return std::nullopt;
  return OpenTool{line->arguments, line->shortened, line->start_ms};
}

bool Transcript::OnToolResult(std::string_view call_id, std::string_view result,
                              ToolState state, Instant now,
                              const protocol::ToolRequestFacts& facts) {
  if (finished_) return false;
  Line* line = book_.FindTool(call_id, LineBook::Call::kOpen);
  if (line == nullptr) return false;
  line->end_ms = SetNow(now);
  line->tool =
      state == ToolState::kFailed ? ToolState::kFailed : ToolState::kAnswered;
  line->shortened = false;
  AddText(*line, line->result, result);
  line->facts = facts;
  line->phase = Phase::kOver;
  MakeFinal(*line);
  KeepBounds();
  return true;
}

void Transcript::OnLateToolResult(std::string_view call_id,
                                  std::string_view result) {
  if (finished_) return;
  Line* line = book_.FindTool(call_id, LineBook::Call::kOver);
  if (line == nullptr) return;
  line->tool = ToolState::kAnswered;
  line->shortened = false;
  line->result.clear();
  AddText(*line, line->result, result);
  KeepBounds();
}

void Transcript::OnSessionLost(int64_t alive_until_ms, Instant now) {
  if (finished_) return;
  SetNow(now);
  book_.Connect();
  asked_ms_ = kNone;
  const int64_t alive_ms = std::min(Bounded(alive_until_ms), now_ms_);
  for (const LineId id : OpenLines()) {
    Line& line = *book_.Find(id);
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
  for (const Line& line : book_.lines()) {
    if (line.text_due_ms == kNone) continue;
    if (due_ms == kNone || line.text_due_ms < due_ms) due_ms = line.text_due_ms;
  }
  return due_ms == kNone ? Instant::Never()
                         : call_began_ + Duration::Millis(due_ms);
}

void Transcript::OnDeadline(Instant now) {
  if (finished_) return;
  SetNow(now);
  for (Line& line : book_.lines()) {
    if (line.text_due_ms != kNone && line.text_due_ms <= now_ms_) {
      GiveUpText(line);
    }
  }
  KeepBounds();
}

std::optional<Transcript::FinalLine> Transcript::TakeFinal() {
  const Line* line = book_.TakeFinal();
  if (line == nullptr) return std::nullopt;
  FinalLine final = ToFinalLine(*line);
  counters_.dropped += book_.DropTaken();
  return final;
}

std::vector<Transcript::Told> Transcript::Conversation() const {
  std::vector<const Line*> order;
  for (const Line& line : book_.lines()) {
    order.push_back(&line);
  }
  std::sort(order.begin(), order.end(), [](const Line* one, const Line* other) {
    return std::pair(one->start_ms, one->id) <
           std::pair(other->start_ms, other->id);
  });
  std::vector<Told> all;
  for (const Line* line : order) {
    if (const auto told = ToToldLine(*line)) all.push_back(*told);
  }
  return all;
}

std::optional<Transcript::Told> Transcript::ToldOf(LineId id) const {
  const Line* line = book_.Find(id);
  return line == nullptr ? std::nullopt : ToToldLine(*line);
}

std::vector<LineId> Transcript::BeingHeard() const {
  std::vector<LineId> ids;
  for (const Line& line : book_.lines()) {
    if (line.kind == Kind::kAgent && line.phase < Phase::kOver &&
        !line.awaits_sound()) {
      ids.push_back(line.id);
    }
  }
  return ids;
}

bool Transcript::HasWholeText(LineId id) const {
  const Line* line = book_.Find(id);
  return line != nullptr && line->text == TextState::kFinal;
}

bool Transcript::IsOpen(LineId id) const {
  const Line* line = book_.Find(id);
  return line != nullptr && line->is_open();
}

bool Transcript::WasHeardWhole(LineId id) const {
  const Line* line = book_.Find(id);
  return line != nullptr && line->phase >= Phase::kOver && !line->cut;
}

LineId Transcript::line_of(Role role, ItemName name) const {
  const Line* line = book_.FindNamed(KindOf(role), name);
  return line == nullptr ? LineId{} : line->id;
}

ItemName Transcript::name_of(LineId id) const {
  const Line* line = book_.Find(id);
  if (line == nullptr || line->kind == Kind::kTool ||
      line->connection != book_.connection()) {
    return {};
  }
  return {line->item, line->part};
}

bool Transcript::IsConsistent() const {
  return book_.IsConsistent() && !(finished_ && !OpenLines().empty());
}

}  // namespace trunkline::session
