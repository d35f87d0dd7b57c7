#include "session/farewell.h"

#include <string>
#include <utility>

namespace trunkline::session {

Farewell::Farewell(const CallContext& context, AgentLink& agent,
                   Replies& replies, media::LineOut& line)
    : line_(line), from_(line.received()) {
  const std::string& words = context.config().profile.farewell;
  line_.StopFade();
  if (agent.ready() && agent.traits().can_say && !words.empty()) {
    says_ = true;
    replies.Say(words);
  } else {
    line_.AppendFarewellTones();
  }
}

void Farewell::OnReplyDone() {
  if (line_.received() == from_) OnAgentFailed();
}

void Farewell::OnAgentFailed() {
  if (std::exchange(says_, false)) line_.AppendFarewellTones();
}

}  // namespace trunkline::session
