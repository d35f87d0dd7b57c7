#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "session/transcript_line.h"

namespace trunkline::session {

// A line that is final. Members that its kind has no use for are empty.
struct FinalLine {
  LineId line{};
  TranscriptLine::Kind kind = TranscriptLine::Kind::kCaller;
  TranscriptLine::Origin origin = TranscriptLine::Origin::kReply;
  std::string item;
  int32_t part = 0;
  // All that was said, and what was heard of it: a beginning of it, or all.
  std::string said;
  std::string heard;
  // The agent was not heard to its end.
  bool cut = false;
  TranscriptLine::TextState text = TranscriptLine::TextState::kAwaited;
  // The caller's speech; from the agent's first audio heard (or sent, if that
  // is not known) to its last; from a tool's call to its result. Call time.
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  // The caller's turn was over: later than its speech by the silence that
  // ends a turn.
  std::optional<int64_t> over_ms;
  // The agent's first audio was sent to the leg.
  std::optional<int64_t> sent_ms;
  // Of the first line after a caller's turn: from when that was over to the
  // agent's first audio sent, and heard.
  std::optional<int64_t> latency_sent_ms;
  std::optional<int64_t> latency_heard_ms;
  std::string call_id;
  std::string name;
  std::string arguments;
  std::string result;
  TranscriptLine::ToolState tool = TranscriptLine::ToolState::kOpen;
  protocol::ToolRequestFacts facts;
};

// Of a line that is final.
FinalLine ToFinalLine(const TranscriptLine& line);

// What a fresh connection or the next agent is told of a line. Views are
// valid until the next input.
struct ToldLine {
  LineId line{};
  TranscriptLine::Kind kind = TranscriptLine::Kind::kCaller;
  // What the caller said, or what was heard of the agent; not empty.
  std::string_view text;
  bool cut = false;
  // Of a tool call; open ones have no result.
  std::string_view call_id;
  std::string_view name;
  std::string_view arguments;
  std::string_view result;
  TranscriptLine::ToolState tool = TranscriptLine::ToolState::kOpen;
};

// nullopt of what nobody has heard.
std::optional<ToldLine> ToToldLine(const TranscriptLine& line);

}  // namespace trunkline::session
