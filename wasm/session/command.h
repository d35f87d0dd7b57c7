#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace trunkline::session {

// What somebody wants of a call, and who. docs/boundary.md has the commands.
struct CommandEnvelope {
  enum class Source : uint8_t {
    kOperator,  // the API
    kObserver,  // a page that watches; `role` says as what
    kClient,    // the leg's own client
    kHarness,   // tests and their tools
  };

  // Names the command in its result; the shim's to choose.
  int64_t id = 0;
  Source source = Source::kOperator;
  std::string role;
  std::string name;
  // An object.
  Json command;
};

// What somebody may be called, and his role; bytes.
inline constexpr size_t kMaxSourceNameBytes = 64;

// Reads {"id","source":{"kind","role"?,"name"?},"command":{...}}. nullopt if it
// is not that; what is in `command` is not looked at.
std::optional<CommandEnvelope> ParseCommand(std::string_view text);

// What became of a command: done means that it is as the command wants, or
// under way.
struct CommandOutcome {
  enum class Code : uint8_t {
    kDone,
    kUnknown,      // it names something that there is not
    kInvalid,      // no command, or a field that is missing or wrong
    kConflict,     // not in this state of the call
    kUnsupported,  // never in this call: its agent or its leg cannot
  };

  Code code = Code::kDone;
  // For people; a constant text.
  const char* why = "";
  // The field of the command that is at fault, "" for none.
  const char* field = "";
};

const char* ToString(CommandOutcome::Code code);

// The body of COMMAND_RESULT.
Json CommandResult(int64_t id, const CommandOutcome& outcome);

}  // namespace trunkline::session
