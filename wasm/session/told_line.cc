#include "session/told_line.h"

namespace trunkline::session {

FinalLine ToFinalLine(const TranscriptLine& line) {
  using Kind = TranscriptLine::Kind;
  FinalLine final;
  final.line = line.id;
  final.kind = line.kind;
  final.origin = line.origin;
  final.text = line.text;
  final.start_ms = line.start_ms;
  final.end_ms = line.end_ms;
  const auto known = [](int64_t ms) {
    return ms == TranscriptLine::kNone ? std::nullopt : std::optional(ms);
  };
  switch (line.kind) {
    case Kind::kCaller:
      final.over_ms = known(line.over_ms);
      break;
    case Kind::kAgent:
      final.sent_ms = known(line.sent_ms);
      if (line.asked_ms == TranscriptLine::kNone) break;
      final.latency_sent_ms = line.sent_ms - line.asked_ms;
      if (line.heard_from_ms == TranscriptLine::kNone) break;
      final.latency_heard_ms = line.heard_from_ms - line.asked_ms;
      break;
    case Kind::kTool:
      final.call_id = line.item;
      final.name = line.name;
      final.arguments = line.arguments;
      final.result = line.result;
      final.tool = line.tool;
      final.facts = line.facts;
      break;
  }
  if (line.kind != TranscriptLine::Kind::kTool) {
    final.item = line.item;
    final.part = line.part;
    final.said = line.said;
    final.heard = line.said.substr(0, line.heard_bytes);
    final.cut = line.cut;
  }
  return final;
}

std::optional<ToldLine> ToToldLine(const TranscriptLine& line) {
  if (line.phase == TranscriptLine::Phase::kUnsent) return std::nullopt;
  ToldLine told;
  told.line = line.id;
  told.kind = line.kind;
  if (line.kind == TranscriptLine::Kind::kTool) {
    told.call_id = line.item;
    told.name = line.name;
    told.arguments = line.arguments;
    told.result = line.result;
    told.tool = line.tool;
    return told;
  }
  const size_t heard = line.is_open() ? line.HeardSoFar() : line.heard_bytes;
  if (heard == 0) return std::nullopt;
  told.text = std::string_view(line.said).substr(0, heard);
  if (!line.told.empty()) told.text = line.told;
  told.cut = line.cut;
  return told;
}

}  // namespace trunkline::session
