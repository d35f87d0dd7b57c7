#include "support/session_parts.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "support/plain_leg.h"

namespace trunkline::test {
namespace {

using protocol::AgentTraits;

constexpr protocol::AudioFormat kMuLaw{protocol::Encoding::kMuLaw, 8000};

protocol::Registry PartsRegistry() {
  static const protocol::LegEntry legs[] = {
      {"plain", [](protocol::Wire& wire) -> std::unique_ptr<protocol::Leg> {
         protocol::LegTraits traits;
         traits.heard = kMuLaw;
         traits.spoken = kMuLaw;
         traits.playback = protocol::LegTraits::Playback::kClock;
         return std::make_unique<PlainLeg>(wire, traits);
       }}};
  static const protocol::AgentEntry agents[] = {
      {"puppet",
       [](protocol::AgentSettings settings,
          protocol::Channels&) -> std::unique_ptr<protocol::Agent> {
         return std::make_unique<PuppetAgent>(
             std::move(settings.model).value_or(""));
       }}};
  return {legs, agents};
}

}  // namespace

PuppetAgent::PuppetAgent(const std::string& abilities) {
  const auto has = [&abilities](std::string_view word) {
    return abilities.find(word) != std::string::npos;
  };
  traits_.input = kMuLaw;
  traits_.output = kMuLaw;
  traits_.can_say = !has("cannot-say");
  if (has("provider-turns")) {
    traits_.turn_detection = AgentTraits::TurnDetection::kProvider;
  }
}

void PuppetAgent::Tell(std::span<const protocol::ConversationLine> lines) {
  using Kind = protocol::ConversationLine::Kind;
  std::string told = "tell";
  for (const protocol::ConversationLine& line : lines) {
    switch (line.kind) {
      case Kind::kCaller:
        told += " caller:";
        break;
      case Kind::kAgent:
        told += " agent:";
        break;
      case Kind::kTool:
        told += " tool:";
        break;
    }
    told += line.text;
    if (line.kind != Kind::kTool) continue;
    told += std::string(line.call_id) + "/" + std::string(line.name) +
            std::string(line.arguments);
    if (line.result) told += "=" + std::string(*line.result);
  }
  commands.push_back(told);
}

void PuppetAgent::TurnStarted(Duration ago) {
  commands.push_back("turn " + std::to_string(ago.ms()));
}

void PuppetAgent::Respond(Duration ago) {
  commands.push_back("respond " + std::to_string(ago.ms()));
}

void PuppetAgent::Say(std::string_view text) {
  commands.push_back("say " + std::string(text));
}

int64_t PuppetAgent::Truncate(protocol::ItemId item, int64_t heard_ms) {
  commands.push_back("truncate " + std::to_string(static_cast<uint32_t>(item)) +
                     " " + std::to_string(heard_ms));
  return heard_ms;
}

void PuppetAgent::ToolResult(std::string_view call_id,
                             std::string_view output) {
  commands.push_back("result " + std::string(call_id) + " " +
                     std::string(output));
}

std::string_view PuppetAgent::item_name(protocol::ItemId item) const {
  name_ = "i" + std::to_string(static_cast<uint32_t>(item));
  return name_;
}

std::vector<std::string> PartsLog::Types() const {
  std::vector<std::string> types;
  for (const Json& event : events()) {
    types.emplace_back(StringMember(event, "type"));
  }
  return types;
}

session::Config SessionParts::MakeConfig() {
  session::Config config;
  config.call_id = "call";
  config.leg = "plain";
  config.agent = "puppet";
  return config;
}

SessionParts::SessionParts(session::Config a_config)
    : config(std::move(a_config)),
      context(config, Instant::Micros(1'000'000), log),
      leg(context, PartsRegistry(), channels),
      agent(context, PartsRegistry(), channels),
      transcript(context.call_began()) {}

void SessionParts::MakeAgentReady() {
  agent.Create(kMuLaw);
  agent.Start();
  agent.BeReady();
}

std::vector<std::string> SessionParts::TakeCommands() {
  return std::exchange(puppet().commands, {});
}

void SessionParts::BringLegUp() {
  leg.OnSocketOpened("");
  leg.OnText(R"({"type":"start","callId":"c","streamId":"s","token":"t"})");
  // INVARIANT: a start that is well-formed is no fact, only a question.
  TL_CHECK(!leg.NextFact());
  leg.OnAuthorized(session::Verdict::kGranted);
  TL_CHECK(leg.up());
  channels.lines.clear();
}

bool SessionParts::IsSet(session::Timer timer) const {
  return context.deadlines().IsSet(timer);
}

int64_t SessionParts::DueInMs(session::Timer timer) const {
  if (!IsSet(timer)) return -1;
  session::Deadlines deadlines = context.deadlines();
  int64_t ms = 0;
  while (!deadlines.TakeDue(timer, context.now() + Duration::Millis(ms))) ++ms;
  return ms;
}

}  // namespace trunkline::test
