#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/legs/leg.h"
#include "support/codec_log.h"

// The tables of what every codec must do: a row for each behaviour, a column
// for each codec. A cell holds scripts, or the reason why its codec has no such
// behaviour. docs/conformance.md shows the tables.
//
// A script is a list of bytes and events that drives a codec both ways:
//
//   > text {"event":"stop"}      an input or a command
//   = stopped                    what the codec tells of it: LegLog, AgentLog
//   < {"event":"clear"}          what it sends: RecordingWire,
//   RecordingChannels
//
// Each step makes exactly what follows it, and in this order. An expected line
// that ends with "..." says how the line begins. Space before a line is
// ignored.
//
// Every script runs once as it is, and once in each manner in which its peer
// may say the same otherwise: the told and the sent stay the same.
//
//   halved        each piece of audio as two
//   with a tail   each message followed by one that the codec does not know
//   by the byte   each chunk of an HTTP body as its single bytes

namespace trunkline::test {

enum class LegRow : uint8_t {
  kStart,
  kUnsupportedFormat,
  kTimestamps,
  kNoTimestamps,
  kAnyLength,
  kPlay,
  kLengths,
  kBeforeStart,
  kCommandsBeforeStart,
  kMarks,
  kUnknownMark,
  kMarksAfterClear,
  kReports,
  kFlow,
  kDigits,
  kStop,
  kAfterStop,
  kHungUp,
  kBroken,
  kDuplicateStart,
  kForeignStream,
  kWrongFrame,
  kTooLarge,
  kMalformed,
  kMissingField,
  kUnknownEvent,
  kLostMessages,
  kBadAudio,
  kNewSocket,
};
inline constexpr size_t kLegRows = static_cast<size_t>(LegRow::kNewSocket) + 1;

enum class AgentRow : uint8_t {
  kBegin,
  kNoChannel,
  kReady,
  kListen,
  kSpeech,
  kCommitted,
  kTranscripts,
  kTurn,
  kItems,
  kItemNames,
  kSecondRequest,
  kTakenBack,
  kCancel,
  kCancelIdle,
  kTruncate,
  kDiscard,
  kSay,
  kTool,
  kTools,
  kUnknownTool,
  kReplyFailed,
  kRetryableCloses,
  kFatalCloses,
  kRetryableStatuses,
  kFatalStatuses,
  kRetryableErrors,
  kFatalErrors,
  kHarmlessErrors,
  kForeignChannel,
  kNotOpenYet,
  kOversize,
  kWrongFrame,
  kMalformed,
  kUnknownEvent,
  kHttpBody,
  kHttpFailure,
  kDeadline,
  kEnd,
  kEndWhileConnecting,
  kNewBeginning,
  kHistory,
};
inline constexpr size_t kAgentRows =
    static_cast<size_t>(AgentRow::kHistory) + 1;

// What a row demands, as the tables say it.
const char* ToString(LegRow row);
const char* ToString(AgentRow row);

struct Cell {
  std::vector<std::string> scripts;
  // Why there are none.
  std::string not_applicable;
};
inline Cell NotApplicable(std::string reason) {
  return {{}, std::move(reason)};
}

struct LegColumn {
  std::string name;
  // Whether it is for tests only.
  bool built_in = true;
  std::unique_ptr<protocol::Leg> (*make)(protocol::Wire& wire) = nullptr;
  // An input of audio as two, or nothing if it is none or cannot be halved.
  std::vector<std::string> (*halve)(std::string_view input) = nullptr;
  // An input that the codec does not know, and what it tells of it.
  std::string tail;
  std::vector<std::string> tail_told;
  std::map<LegRow, Cell> cells;
};

struct AgentColumn {
  std::string name;
  bool built_in = true;
  std::unique_ptr<protocol::Agent> (*make)(protocol::Channels& channels) =
      nullptr;
  std::vector<std::string> (*halve)(std::string_view input) = nullptr;
  // A text that the codec does not know on any of its sockets, "" if it has
  // none, and what it tells of it.
  std::string tail;
  std::vector<std::string> tail_told;
  std::map<AgentRow, Cell> cells;
};

// The inputs and commands of a leg's script:
//
//   open | text TEXT | binary HEX | close CODE    told: hung up, broken
//   text-of BYTES | binary-of BYTES               so many spaces, zeros
//   play HEX | mark GENERATION:POSITION | clear
//
// Those of an agent's:
//
//   begin | end REASON | full | room              no channels free, and again
//   open N | text N TEXT | binary N HEX | oversize N
//   close N CODE | refused N STATUS
//   headers N STATUS JSON | chunk N JSON-STRING | done N | failed N
//   time MS                                       told: woken, at its deadline
//   listen HEX | turn AGO_MS | respond AGO_MS | say TEXT | discard | cancel
//   truncate ITEM MS                              told: truncated MS
//   name ITEM                                     told: name NAME
//   result ID OUTPUT
//   tell-call ID                                  a tool's call without result
//   respond-then-cancel-at N TEXT                 the text, and a Cancel()
//                                                 before Proceed()
//   respond-then-cancel-done N                    the same at the end of an
//                                                 exchange

LegColumn TwilioColumn();
LegColumn PlainColumn();
AgentColumn ParrotColumn();
AgentColumn OpenAiRealtimeColumn();
AgentColumn CascadeColumn();
AgentColumn ScriptedColumn();

std::vector<LegColumn> LegColumns();
std::vector<AgentColumn> AgentColumns();

// Runs the scripts of a cell in every manner; fails the test where one differs.
void Check(const LegColumn& column, const Cell& cell);
void Check(const AgentColumn& column, const Cell& cell);

// The two tables with their notes, as Markdown.
std::string LegTable();
std::string AgentTable();

std::vector<uint8_t> FromHex(std::string_view hex);

}  // namespace trunkline::test
