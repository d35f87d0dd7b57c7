#include "session/transcript.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/utf8.h"

namespace trunkline::session {
namespace {

using protocol::Role;
using protocol::TranscriptState;

// Longer than any call.
constexpr int64_t kLongestMs = int64_t{1} << 50;
constexpr std::string_view kWhiteSpace = " \t\n\r\v\f";

int64_t Bounded(int64_t ms) { return std::clamp<int64_t>(ms, 0, kLongestMs); }

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

std::string_view ToString(Transcript::Kind kind) {
  switch (kind) {
    case Transcript::Kind::kCaller:
      return "caller";
    case Transcript::Kind::kAgent:
      return "agent";
    case Transcript::Kind::kTool:
      return "tool";
  }
  return "";
}

std::string_view ToString(Transcript::TextState state) {
  switch (state) {
    case Transcript::TextState::kAwaited:
      return "awaited";
    case Transcript::TextState::kFinal:
      return "final";
    case Transcript::TextState::kPartial:
      return "partial";
    case Transcript::TextState::kFailed:
      return "failed";
    case Transcript::TextState::kMissing:
      return "missing";
  }
  return "";
}

std::string_view ToString(Transcript::ToolState state) {
  switch (state) {
    case Transcript::ToolState::kOpen:
      return "open";
    case Transcript::ToolState::kAnswered:
      return "answered";
    case Transcript::ToolState::kFailed:
      return "failed";
    case Transcript::ToolState::kUnanswered:
      return "unanswered";
  }
  return "";
}

Transcript::Kind KindOf(Role role) {
  return role == Role::kCaller ? Transcript::Kind::kCaller
                               : Transcript::Kind::kAgent;
}

// Reads members that are left out where they have their usual value, and
// remembers whether any is not what is written.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}
  bool ok() const { return ok_ && object_.is_object(); }

  // [min, max]
  int64_t Integer(const char* key, int64_t usual, int64_t min, int64_t max) {
    if (FindMember(object_, key) == nullptr) return usual;
    const std::optional<int64_t> value = IntegerMember(object_, key);
    if (!value || *value < min || *value > max) {
      ok_ = false;
      return usual;
    }
    return *value;
  }
  int64_t Ms(const char* key, int64_t usual) {
    return Integer(key, usual, 0, kLongestMs);
  }
  bool Flag(const char* key) { return Integer(key, 0, 1, 1) == 1; }
  template <typename Enum>
  Enum Choice(const char* key, Enum last) {
    return static_cast<Enum>(Integer(key, 0, 0, static_cast<int64_t>(last)));
  }
  std::string Text(const char* key, size_t max_bytes) {
    const Json* member = FindMember(object_, key);
    if (member == nullptr) return {};
    std::string text;
    if (!member->is_string() ||
        AppendWellFormed(text, StringMember(object_, key), max_bytes) !=
            Appended::kAll) {
      ok_ = false;
    }
    return text;
  }
  // An array of at most `max`, or what is taken for an empty one.
  const Json* Array(const char* key, size_t max) {
    const Json* member = FindMember(object_, key);
    if (member == nullptr) return nullptr;
    if (!member->is_array() || member->size() > max) {
      ok_ = false;
      return nullptr;
    }
    return member;
  }

 private:
  const Json& object_;
  bool ok_ = true;
};

// A number in [0, max]; nullopt if it is anything else.
std::optional<int64_t> ReadNumber(const Json& value, int64_t max) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<int64_t>();
  if (number < 0 || number > max) return std::nullopt;
  return number;
}

// "from-to " of each; nullopt if there is anything else, or too much.
std::optional<std::vector<Pause>> ReadPauses(std::string_view text) {
  std::vector<Pause> pauses;
  while (!text.empty()) {
    const size_t dash = text.find('-');
    const size_t end = text.find(' ');
    if (dash >= end || end == std::string_view::npos ||
        pauses.size() == kMaxHeardMarks) {
      return std::nullopt;
    }
    const std::optional<int64_t> from = ParseDecimal(text.substr(0, dash));
    const std::optional<int64_t> to =
        ParseDecimal(text.substr(dash + 1, end - dash - 1));
    if (!from || !to || *from > INT32_MAX || *to > INT32_MAX) {
      return std::nullopt;
    }
    pauses.push_back({static_cast<int32_t>(*from), static_cast<int32_t>(*to)});
    text.remove_prefix(end + 1);
  }
  return pauses;
}

void Write(Json& json, const char* key, int64_t value, int64_t usual = 0) {
  if (value != usual) json[key] = value;
}

template <typename Enum>
void WriteEnum(Json& json, const char* key, Enum value) {
  Write(json, key, static_cast<int64_t>(value));
}

void Write(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
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

Json Transcript::JsonOf(const Line& line) {
  Json json = Json::object();
  json["id"] = static_cast<uint32_t>(line.id);
  WriteEnum(json, "kind", line.kind);
  WriteEnum(json, "phase", line.phase);
  WriteEnum(json, "origin", line.origin);
  WriteEnum(json, "text", line.text);
  WriteEnum(json, "tool", line.tool);
  Write(json, "shortened", line.shortened ? 1 : 0);
  Write(json, "done", line.done ? 1 : 0);
  Write(json, "cut", line.cut ? 1 : 0);
  Write(json, "connection", line.connection);
  Write(json, "part", line.part);
  Write(json, "item", line.item);
  Write(json, "said", line.said);
  Write(json, "heardBytes", static_cast<int64_t>(line.heard_bytes));
  Write(json, "name", line.name);
  Write(json, "arguments", line.arguments);
  Write(json, "result", line.result);
  Write(json, "startMs", line.start_ms);
  Write(json, "endMs", line.end_ms);
  Write(json, "overMs", line.over_ms, kNone);
  Write(json, "sentMs", line.sent_ms, kNone);
  Write(json, "heardFromMs", line.heard_from_ms, kNone);
  Write(json, "askedMs", line.asked_ms, kNone);
  Write(json, "textDueMs", line.text_due_ms, kNone);
  Write(json, "heardMs", line.heard_ms);
  Write(json, "heardAtMs", line.heard_at_ms);
  Write(json, "receivedMs", line.received_ms);
  // As one text: a snapshot that is all pauses has not too many values.
  std::string pauses;
  for (const auto& [from, to] : line.pauses) {
    pauses += std::to_string(from) + '-' + std::to_string(to) + ' ';
  }
  Write(json, "pauses", pauses);
  return json;
}

std::optional<Transcript::Line> Transcript::ReadLine(const Json& json) {
  Reader reader(json);
  Line line;
  line.id =
      LineId{static_cast<uint32_t>(reader.Integer("id", 0, 1, UINT32_MAX))};
  line.kind = reader.Choice("kind", Kind::kTool);
  line.phase = reader.Choice("phase", Phase::kTaken);
  line.origin = reader.Choice("origin", Origin::kSay);
  line.text = reader.Choice("text", TextState::kMissing);
  line.tool = reader.Choice("tool", ToolState::kUnanswered);
  line.shortened = reader.Flag("shortened");
  line.done = reader.Flag("done");
  line.cut = reader.Flag("cut");
  line.connection =
      static_cast<uint32_t>(reader.Integer("connection", 0, 0, UINT32_MAX));
  line.part = static_cast<int32_t>(reader.Integer("part", 0, 0, INT32_MAX));
  line.item = reader.Text("item", kMaxNameBytes);
  line.said = reader.Text("said", kMaxLineBytes);
  line.heard_bytes =
      static_cast<size_t>(reader.Integer("heardBytes", 0, 0, kMaxLineBytes));
  line.name = reader.Text("name", kMaxNameBytes);
  line.arguments = reader.Text("arguments", kMaxLineBytes);
  line.result = reader.Text("result", kMaxLineBytes);
  line.start_ms = reader.Ms("startMs", 0);
  line.end_ms = reader.Ms("endMs", 0);
  line.over_ms = reader.Ms("overMs", kNone);
  line.sent_ms = reader.Ms("sentMs", kNone);
  line.heard_from_ms = reader.Ms("heardFromMs", kNone);
  line.asked_ms = reader.Ms("askedMs", kNone);
  line.text_due_ms = reader.Ms("textDueMs", kNone);
  line.heard_ms = reader.Ms("heardMs", 0);
  line.heard_at_ms = reader.Ms("heardAtMs", 0);
  line.received_ms = reader.Ms("receivedMs", 0);
  std::optional<std::vector<Pause>> pauses =
      ReadPauses(StringMember(json, "pauses"));
  if (!pauses) return std::nullopt;
  line.pauses = *std::move(pauses);
  if (!reader.ok() || !IsLineConsistent(line)) return std::nullopt;
  return line;
}

Json Transcript::ToJson() const {
  Json json = Json::object();
  Write(json, "nowMs", now_ms_);
  Write(json, "finished", finished_ ? 1 : 0);
  Write(json, "lastLine", last_line_);
  Write(json, "connection", connection_);
  WriteEnum(json, "ofCaller", of_caller_);
  WriteEnum(json, "ofAgent", of_agent_);
  Write(json, "askedMs", asked_ms_, kNone);
  json["lines"] = Json::array();
  for (const Line& line : lines_) json["lines"].push_back(JsonOf(line));
  for (const LineId id : untaken_) {
    json["untaken"].push_back(static_cast<uint32_t>(id));
  }
  for (const auto& [kind, part, item] : gone_) {
    Json gone = Json::object();
    WriteEnum(gone, "kind", kind);
    Write(gone, "part", part);
    Write(gone, "item", item);
    json["gone"].push_back(std::move(gone));
  }
  for (const uint64_t count :
       {counters_.dropped, counters_.untaken, counters_.unheard,
        counters_.shortened, counters_.late_texts, counters_.missed_texts}) {
    json["counters"].push_back(count);
  }
  return json;
}

std::optional<Transcript> Transcript::FromJson(const Json& json,
                                               Instant call_began) {
  Reader reader(json);
  Transcript transcript(call_began);
  transcript.now_ms_ = reader.Ms("nowMs", 0);
  transcript.finished_ = reader.Flag("finished");
  transcript.last_line_ =
      static_cast<uint32_t>(reader.Integer("lastLine", 0, 0, UINT32_MAX));
  transcript.connection_ =
      static_cast<uint32_t>(reader.Integer("connection", 0, 0, UINT32_MAX));
  transcript.of_caller_ = reader.Choice("ofCaller", Texts::kSent);
  transcript.of_agent_ = reader.Choice("ofAgent", Texts::kSent);
  transcript.asked_ms_ = reader.Ms("askedMs", kNone);
  if (const Json* lines = reader.Array("lines", kMaxLines + kMaxUntaken)) {
    for (const Json& one : *lines) {
      std::optional<Line> line = ReadLine(one);
      if (!line) return std::nullopt;
      transcript.lines_.push_back(*std::move(line));
    }
  }
  if (const Json* untaken = reader.Array("untaken", kMaxUntaken)) {
    for (const Json& one : *untaken) {
      const std::optional<int64_t> id = ReadNumber(one, UINT32_MAX);
      if (!id) return std::nullopt;
      transcript.untaken_.push_back(LineId{static_cast<uint32_t>(*id)});
    }
  }
  if (const Json* all_gone = reader.Array("gone", kMaxGone)) {
    for (const Json& one : *all_gone) {
      Reader gone(one);
      transcript.gone_.push_back(
          {gone.Choice("kind", Kind::kAgent),
           static_cast<int32_t>(gone.Integer("part", 0, 0, INT32_MAX)),
           gone.Text("item", kMaxNameBytes)});
      if (!gone.ok()) return std::nullopt;
    }
  }
  const Json* counts = reader.Array("counters", 6);
  Counters& counters = transcript.counters_;
  size_t next = 0;
  for (uint64_t* counter :
       {&counters.dropped, &counters.untaken, &counters.unheard,
        &counters.shortened, &counters.late_texts, &counters.missed_texts}) {
    if (counts == nullptr || next == counts->size()) return std::nullopt;
    const std::optional<int64_t> count =
        ReadNumber((*counts)[next++], kLongestMs);
    if (!count) return std::nullopt;
    *counter = static_cast<uint64_t>(*count);
  }
  if (!reader.ok() || !transcript.IsConsistent()) return std::nullopt;
  return transcript;
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

Json LineFields(const Transcript::FinalLine& line) {
  Json json = Json::object();
  json["line"] = static_cast<uint32_t>(line.line);
  json["role"] = ToString(line.kind);
  json["startMs"] = line.start_ms;
  json["endMs"] = line.end_ms;
  if (line.kind == Transcript::Kind::kTool) {
    json["toolCallId"] = line.call_id;
    json["name"] = line.name;
    json["arguments"] = line.arguments;
    json["result"] = line.result;
    json["state"] = ToString(line.tool);
    return json;
  }
  json["item"] = line.item;
  json["part"] = line.part;
  json["said"] = line.said;
  json["heard"] = line.heard;
  json["cut"] = line.cut;
  json["text"] = ToString(line.text);
  const auto add = [&](const char* key, std::optional<int64_t> ms) {
    if (ms) json[key] = *ms;
  };
  if (line.kind == Transcript::Kind::kCaller) {
    add("overMs", line.over_ms);
    return json;
  }
  json["origin"] = line.origin == Transcript::Origin::kReply ? "reply" : "say";
  add("sentMs", line.sent_ms);
  add("latencySentMs", line.latency_sent_ms);
  add("latencyHeardMs", line.latency_heard_ms);
  return json;
}

}  // namespace trunkline::session
