#include "session/briefing.h"

#include <vector>

namespace trunkline::session {

void Brief(protocol::Agent& agent, const Transcript& transcript) {
  using Kind = protocol::ConversationLine::Kind;
  const std::vector<Transcript::Told> told = transcript.Conversation();
  if (told.empty()) return;
  std::vector<protocol::ConversationLine> lines;
  lines.reserve(told.size());
  for (const Transcript::Told& from : told) {
    protocol::ConversationLine& line = lines.emplace_back();
    switch (from.kind) {
      case Transcript::Kind::kCaller:
      case Transcript::Kind::kAgent:
        line.kind = from.kind == Transcript::Kind::kCaller ? Kind::kCaller
                                                           : Kind::kAgent;
        line.text = from.text;
        break;
      case Transcript::Kind::kTool:
        line.kind = Kind::kTool;
        line.call_id = from.call_id;
        line.name = from.name;
        line.arguments = from.arguments;
        if (from.tool != Transcript::ToolState::kOpen) {
          line.result = from.result;
        }
        break;
    }
  }
  agent.Tell(lines);
}

}  // namespace trunkline::session
