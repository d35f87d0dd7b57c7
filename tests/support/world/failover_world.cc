#include "support/world/failover_world.h"

#include <algorithm>
#include <utility>

namespace trunkline::test {
namespace {

using session::State;

VirtualWorld::Options OptionsOf(const Json& agents, const Json& members) {
  VirtualWorld::Options options;
  options.agent = StringMember(agents.front(), "agent");
  options.epoch_ms = 1'000'000;
  options.leg_delay = Duration::Millis(20);
  options.profile = {{"agents", agents},
                     {"tools", Json::array({Json{{"type", "function"},
                                                 {"name", "lookup"},
                                                 {"timeoutMs", 30'000}}})}};
  options.profile.update(members);
  return options;
}

}  // namespace

FailoverWorld::FailoverWorld(const Json& agents, const Json& members)
    : world(OptionsOf(agents, members)) {
  world.agent.reply_ms = 1'000;
}

bool FailoverWorld::Listen() {
  Call();
  return Run([&] { return world.state() == State::kListening; });
}

// In steps of a frame: silence is told to within that.
bool FailoverWorld::Run(const std::function<bool()>& done, int64_t most_ms) {
  constexpr int64_t kStepMs = 20;
  for (int64_t ms = 0; ms < most_ms; ms += kStepMs) {
    if (done()) return true;
    world.Advance(Duration::Millis(kStepMs));
    Look(kStepMs);
    if (!world.ended().empty()) return done();
  }
  return done();
}

void FailoverWorld::Look(int64_t ms) {
  const int64_t heard = world.line.heard_ms();
  const bool plays = heard > std::exchange(heard_ms_, heard);
  const State state = world.state();
  const bool waits = session::Waits(state) || state == State::kSpeaking;
  silence_ms_ = plays || !waits ? 0 : silence_ms_ + ms;
  longest_ms_ = std::max(longest_ms_, silence_ms_);
}

bool FailoverWorld::Ask() {
  const size_t replies = world.Count("replyDone");
  Speak();
  return Run([&] { return world.Count("replyDone") > replies; });
}

std::string FailoverWorld::Told() const {
  std::string told;
  for (const Json& message : world.realtime.received()) {
    if (StringMember(message, "type") == "conversation.item.create") {
      told += PrintJson(message) + "\n";
    }
  }
  for (const std::string& text : world.agent.told()) told += text + "\n";
  return told;
}

}  // namespace trunkline::test
