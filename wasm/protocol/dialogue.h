#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

// What agents, and the services that an agent may be made of, have in common:
// whose words, what they cost, why they failed.

namespace trunkline::protocol {

enum class Role : uint8_t { kCaller, kAgent };
enum class TranscriptState : uint8_t { kPart, kFinal };

// Whether the caller's turn is over, by what he has said so far; silence
// decides where that is not known.
enum class TurnHint : uint8_t {
  kNone,
  kUnfinished,  // he means to go on, or his words are about to be known
  kComplete,    // he has answered, and nothing is missing
};

// A word of the text: the text up to `text_end`, in bytes, is said by the first
// `end_ms` of its audio.
struct SpokenWord {
  uint32_t text_end = 0;
  int64_t end_ms = 0;
};

// Tokens that a reply cost; 0 where the provider does not say.
struct Usage {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  // Answers that were asked for in vain since the last reply, and their tokens
  // of both kinds: estimated of those that were cut short.
  int64_t dropped_answers = 0;
  int64_t dropped_tokens = 0;
  // Texts of what the caller had said before a pause, made in vain since then.
  int64_t dropped_texts = 0;

  bool operator==(const Usage&) const = default;
};

// Why an agent, a reply or a service failed, in the provider's words.
struct Failure {
  // "" if it has none.
  std::string_view code = {};
  // Which field was refused; mostly "".
  std::string_view param = {};
  // For people; may be long, and may quote anything.
  std::string_view message = {};
  // Asking again sooner is in vain.
  std::optional<Duration> retry_after = {};
};
// Whether it may help to begin anew.
enum class Loss : uint8_t { kRetryable, kFatal };

// Of the id of a tool's call. A longer one could not be answered on another
// connection, which is told of the call by what was kept of it: who tells of
// calls tells of none that has one.
inline constexpr size_t kMaxCallIdBytes = 128;

// A line of the conversation so far, as an agent is told of it that was not
// there: what the caller said, what was heard of an agent, or a tool's call.
struct ConversationLine {
  enum class Kind : uint8_t { kCaller, kAgent, kTool };

  Kind kind = Kind::kCaller;
  std::string_view text;
  // Of a tool's call. An open one has no result yet: ToolResult() brings it.
  std::string_view call_id;
  std::string_view name;
  std::string_view arguments;
  std::optional<std::string_view> result;
};

// How an exchange that a tool was called by went.
struct ToolRequestFacts {
  static constexpr int64_t kNone = -1;
  // From the call to its result; kNone: no exchange was made.
  int64_t latency_ms = kNone;
  // 0: no answer came.
  uint16_t status = 0;
  // Empty: the result is the tool's own. Otherwise why there is none:
  // "refused" (the arguments), "busy", "upstream", "network", "timeout",
  // "tooLarge", "status", "type" (neither JSON nor text), "json" (none, though
  // it says so), "empty".
  std::string failure;
  bool operator==(const ToolRequestFacts&) const = default;
};

}  // namespace trunkline::protocol
