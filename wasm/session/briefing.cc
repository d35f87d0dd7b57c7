#include "session/briefing.h"

#include <algorithm>
#include <optional>

namespace trunkline::session {
namespace {

// Borrows from `told`.
protocol::ConversationLine LineOf(const Transcript::Told& told) {
  using Kind = protocol::ConversationLine::Kind;
  protocol::ConversationLine line;
  switch (told.kind) {
    case Transcript::Kind::kCaller:
    case Transcript::Kind::kAgent:
      line.kind =
          told.kind == Transcript::Kind::kCaller ? Kind::kCaller : Kind::kAgent;
      line.text = told.text;
      break;
    case Transcript::Kind::kTool:
      line.kind = Kind::kTool;
      line.call_id = told.call_id;
      line.name = told.name;
      line.arguments = told.arguments;
      if (told.tool != Transcript::ToolState::kOpen) line.result = told.result;
      break;
  }
  return line;
}

}  // namespace

void Briefing::TellAll(protocol::Agent& agent, const Transcript& transcript) {
  const std::vector<Transcript::Told> told = transcript.Conversation();
  std::vector<protocol::ConversationLine> lines;
  lines.reserve(told.size());
  for (const Transcript::Told& one : told) lines.push_back(LineOf(one));
  agent.Tell(lines);
}

void Briefing::Begin(protocol::Agent& agent, const Transcript& transcript) {
  being_heard_.clear();
  if (!agent.traits().remembers) return;
  being_heard_ = transcript.BeingHeard();
  const std::vector<Transcript::Told> told = transcript.Conversation();
  std::vector<protocol::ConversationLine> lines;
  lines.reserve(told.size());
  for (const Transcript::Told& one : told) {
    if (std::find(being_heard_.begin(), being_heard_.end(), one.line) ==
        being_heard_.end()) {
      lines.push_back(LineOf(one));
    }
  }
  if (!lines.empty()) agent.Tell(lines);
}

void Briefing::GoOn(protocol::Agent& agent, const Transcript& transcript) {
  if (being_heard_.empty()) return;
  const std::vector<LineId> still = transcript.BeingHeard();
  std::erase_if(being_heard_, [&](LineId id) {
    if (std::find(still.begin(), still.end(), id) != still.end()) return false;
    if (const auto told = transcript.ToldOf(id)) {
      const protocol::ConversationLine line = LineOf(*told);
      agent.Tell({&line, 1});
    }
    return true;
  });
}

}  // namespace trunkline::session
