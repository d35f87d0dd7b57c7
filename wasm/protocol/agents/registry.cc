#include "protocol/agents/registry.h"

#include <utility>

#include "protocol/agents/cascade.h"
#include "protocol/agents/house.h"
#include "protocol/agents/openai_realtime.h"
#include "protocol/agents/parrot.h"
#include "protocol/agents/scribe.h"
#include "protocol/services/registry.h"

namespace trunkline::protocol {
namespace {

std::unique_ptr<Agent> MakeCascade(const AgentSettings& settings,
                                   Channels& channels) {
  return std::make_unique<Cascade>(
      Cascade::Parts{.stt = MakeStt(settings, channels),
                     .llm = MakeLlm(settings, channels),
                     .tts = MakeTts(settings, channels),
                     .language = settings.language});
}

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
    {"cascade",
     // NOLINTNEXTLINE(performance-unnecessary-value-param)
     [](AgentSettings settings, Channels& channels) {
       return MakeCascade(settings, channels);
     },
     "", "",
     [](const AgentSettings& settings) {
       return !settings.stt.is_null() && !settings.llm.is_null() &&
              !settings.tts.is_null();
     }},
    {"scribe",
     // NOLINTNEXTLINE(performance-unnecessary-value-param)
     [](AgentSettings settings, Channels& channels) -> std::unique_ptr<Agent> {
       return std::make_unique<Scribe>(MakeStt(settings, channels));
     },
     "", "",
     [](const AgentSettings& settings) { return !settings.stt.is_null(); }},
};

}  // namespace

std::span<const AgentEntry> Agents() { return kAgents; }

}  // namespace trunkline::protocol
