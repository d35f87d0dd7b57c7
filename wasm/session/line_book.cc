#include "session/line_book.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace trunkline::session {
namespace {

// Whether a name is kept as `kept`; allocates only for strange ones.
bool IsKeptAs(std::string_view name, const std::string& kept) {
  if (name == kept) return true;
  // U+FFFD stands for what was malformed.
  const bool strange = name.size() > TranscriptLine::kMaxNameBytes ||
                       kept.find("\xEF\xBF\xBD") != std::string::npos;
  return strange && LineBook::AsKept(name) == kept;
}

}  // namespace

std::string LineBook::AsKept(std::string_view name) {
  std::string kept;
  AppendWellFormed(kept, name, Line::kMaxNameBytes);
  return kept;
}

LineBook::Line& LineBook::Add(Kind kind, Phase phase, int64_t start_ms) {
  Line& line = lines_.emplace_back();
  line.id = LineId{++last_line_};
  line.kind = kind;
  line.phase = phase;
  line.connection = connection_;
  line.start_ms = start_ms;
  line.end_ms = start_ms;
  return line;
}

void LineBook::SetName(Line& line, ItemName name) const {
  line.item = AsKept(name.item);
  line.part = std::max(0, name.part);
  line.connection = connection_;
}

void LineBook::Erase(LineId id) {
  Line* line = Find(id);
  if (line == nullptr) return;
  if (!line->item.empty() && line->kind != Kind::kTool &&
      line->connection == connection_) {
    SetGone(line->kind, {line->item, line->part});
  }
  lines_.erase(lines_.begin() + (line - lines_.data()));
}

void LineBook::SetGone(Kind kind, ItemName name) {
  if (gone_.size() == kMaxGone) gone_.erase(gone_.begin());
  gone_.push_back({kind, std::max(0, name.part), AsKept(name.item)});
}

void LineBook::MakeFinal(Line& line) {
  line.phase = Phase::kFinal;
  untaken_.push_back(line.id);
}

LineBook::Line* LineBook::TakeFinal() {
  if (untaken_.empty()) return nullptr;
  Line* line = Find(untaken_.front());
  untaken_.erase(untaken_.begin());
  line->phase = Phase::kTaken;
  return line;
}

void LineBook::Connect() {
  ++connection_;
  gone_.clear();
}

LineBook::Load LineBook::load() const {
  Load load;
  for (const Line& line : lines_) {
    if (line.phase == Phase::kFinal) continue;
    ++load.count;
    load.bytes += line.bytes();
  }
  return load;
}

size_t LineBook::DropTaken() {
  size_t dropped = 0;
  while (load().is_beyond()) {
    const auto oldest = std::find_if(
        lines_.begin(), lines_.end(),
        [](const Line& line) { return line.phase == Phase::kTaken; });
    if (oldest == lines_.end()) break;
    lines_.erase(oldest);
    ++dropped;
  }
  return dropped;
}

LineBook::Line* LineBook::OldestBeyondBounds() {
  if (!load().is_beyond()) return nullptr;
  const auto oldest =
      std::find_if(lines_.begin(), lines_.end(),
                   [](const Line& line) { return line.is_open(); });
  return oldest == lines_.end() ? nullptr : &*oldest;
}

size_t LineBook::DropUntaken() {
  size_t bytes = 0;
  for (const LineId id : untaken_) bytes += Find(id)->bytes();
  size_t dropped = 0;
  while (untaken_.size() > kMaxUntaken || bytes > kMaxTextBytes) {
    bytes -= Find(untaken_.front())->bytes();
    Erase(untaken_.front());
    untaken_.erase(untaken_.begin());
    ++dropped;
  }
  return dropped;
}

LineBook::Line* LineBook::Find(LineId id) {
  const auto it = std::lower_bound(
      lines_.begin(), lines_.end(), id,
      [](const Line& line, LineId wanted) { return line.id < wanted; });
  return it != lines_.end() && it->id == id ? &*it : nullptr;
}

const LineBook::Line* LineBook::Find(LineId id) const {
  return const_cast<LineBook*>(this)->Find(id);
}

LineBook::Line* LineBook::FindNamed(Kind kind, ItemName name) {
  if (name.item.empty()) return nullptr;
  const auto it =
      std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& line) {
        return line.kind == kind && line.connection == connection_ &&
               line.part == std::max(0, name.part) &&
               IsKeptAs(name.item, line.item);
      });
  return it == lines_.rend() ? nullptr : &*it;
}

const LineBook::Line* LineBook::FindNamed(Kind kind, ItemName name) const {
  return const_cast<LineBook*>(this)->FindNamed(kind, name);
}

LineBook::Line* LineBook::FindTool(std::string_view call_id, Call call) {
  const auto it =
      std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& line) {
        return line.kind == Kind::kTool &&
               line.is_open() == (call == Call::kOpen) &&
               IsKeptAs(call_id, line.item);
      });
  return it == lines_.rend() ? nullptr : &*it;
}

const LineBook::Line* LineBook::FindTool(std::string_view call_id,
                                         Call call) const {
  return const_cast<LineBook*>(this)->FindTool(call_id, call);
}

bool LineBook::IsGone(Kind kind, ItemName name) const {
  return std::any_of(gone_.begin(), gone_.end(), [&](const Gone& gone) {
    return gone.kind == kind && gone.part == std::max(0, name.part) &&
           IsKeptAs(name.item, gone.item);
  });
}

bool LineBook::IsConsistent() const {
  LineId before{};
  size_t untaken = 0;
  size_t untaken_bytes = 0;
  for (const Line& line : lines_) {
    if (!line.IsConsistent() || line.id <= before) return false;
    before = line.id;
    if (line.phase != Phase::kFinal) continue;
    untaken_bytes += line.bytes();
    ++untaken;
    if (std::count(untaken_.begin(), untaken_.end(), line.id) != 1) {
      return false;
    }
  }
  return untaken == untaken_.size() && before <= LineId{last_line_} &&
         untaken <= kMaxUntaken && untaken_bytes <= kMaxTextBytes &&
         !load().is_beyond();
}

}  // namespace trunkline::session
