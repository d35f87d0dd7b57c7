#include "conformance.h"
#include "protocol/agents/parrot.h"

namespace trunkline::test {

AgentColumn ParrotColumn() {
  AgentColumn column;
  column.name = "parrot";
  column.make =
      [](protocol::Channels& /*channels*/) -> std::unique_ptr<protocol::Agent> {
    return std::make_unique<protocol::Parrot>(
        protocol::AudioFormat{protocol::Encoding::kMuLaw, 8000});
  };
  const std::string no_channel = "It is built in and has no channel.";
  const std::string no_provider = "There is no provider but itself.";
  const std::string at_once = "A reply is complete the moment it is asked for.";
  for (size_t i = 0; i < kAgentRows; ++i) {
    column.cells[static_cast<AgentRow>(i)] = NotApplicable(no_channel);
  }
  for (const AgentRow row :
       {AgentRow::kSpeech, AgentRow::kCommitted, AgentRow::kTranscripts,
        AgentRow::kReplyFailed, AgentRow::kRetryableErrors,
        AgentRow::kFatalErrors, AgentRow::kHarmlessErrors}) {
    column.cells[row] = NotApplicable(no_provider);
  }
  for (const AgentRow row : {AgentRow::kItems, AgentRow::kSecondRequest,
                             AgentRow::kTakenBack, AgentRow::kCancel}) {
    column.cells[row] = NotApplicable(at_once);
  }
  const auto script = [&column](AgentRow row, std::string text) {
    column.cells[row] = {{"> begin\n= ready\n" + std::move(text)}, ""};
  };
  script(AgentRow::kReady, "");
  script(AgentRow::kListen, "> listen 0102\n");
  script(AgentRow::kTurn, R"(
    > listen 01020304
    > turn 0
    > listen 05060708
    > respond 0
    = audio 1 0102030405060708
    = done complete 0/0
    > respond 0
    > turn 0
    > listen 09
    > respond 0
    = audio 2 010203040506070809
    = done complete 0/0
  )");
  script(AgentRow::kItemNames, R"(
    > turn 0
    > listen 01
    > respond 0
    = audio 1 01
    = done complete 0/0
    > name 1
    = name parrot-1
    > name 7
    = name 
  )");
  script(AgentRow::kCancelIdle, "> cancel\n");
  column.cells[AgentRow::kTruncate] =
      NotApplicable("Nothing is upstream that could be truncated.");
  script(AgentRow::kDiscard, R"(
    > turn 0
    > listen 0102
    > discard
    > respond 0
  )");
  column.cells[AgentRow::kSay] = NotApplicable("It has no voice of its own.");
  column.cells[AgentRow::kTool] = NotApplicable("It calls no tools.");
  column.cells[AgentRow::kTools] = NotApplicable("It calls no tools.");
  script(AgentRow::kUnknownTool, "> result call_1 output\n");
  column.cells[AgentRow::kDeadline] = NotApplicable("It waits for nothing.");
  script(AgentRow::kEnd, "> end over\n");
  script(AgentRow::kNewBeginning, R"(
    > end lost
    > begin
    = ready
  )");
  column.cells[AgentRow::kHistory] =
      NotApplicable("It has no session that could forget.");
  return column;
}

}  // namespace trunkline::test
