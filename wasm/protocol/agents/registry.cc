#include "protocol/agents/registry.h"

#include <utility>

#include "protocol/agents/house.h"
#include "protocol/agents/openai_realtime.h"
#include "protocol/agents/parrot.h"

namespace trunkline::protocol {
namespace {

constexpr AgentEntry kAgents[] = {
    {"parrot",
     // An entry takes its settings by value: others keep them.
     // NOLINTNEXTLINE(performance-unnecessary-value-param)
     [](AgentSettings settings,
        Channels& /*channels*/) -> std::unique_ptr<Agent> {
       return std::make_unique<Parrot>(settings.leg_format);
     }},
    {"openai-realtime",
     [](AgentSettings settings, Channels& channels) -> std::unique_ptr<Agent> {
       return std::make_unique<OpenAiRealtime>(
           MakeOpenAiConfig(std::move(settings)), channels);
     }},
    {"house",
     // NOLINTNEXTLINE(performance-unnecessary-value-param)
     [](AgentSettings settings, Channels& channels) {
       return MakeHouse(settings, channels);
     },
     kHouseGreeting, kHouseFarewell},
};

}  // namespace

std::span<const AgentEntry> Agents() { return kAgents; }

}  // namespace trunkline::protocol
