#include "protocol/agents/house.h"

#include <utility>

#include "protocol/agents/cascade.h"
#include "protocol/services/house_rules.h"
#include "protocol/services/local_services.h"
#include "protocol/services/local_stt.h"
#include "protocol/services/local_tts.h"

namespace trunkline::protocol {

std::unique_ptr<Agent> MakeHouse(const AgentSettings& settings,
                                 Channels& channels) {
  auto rules = BuiltInHouseRules(settings);
  auto stt = std::make_unique<LocalStt>(rules->Sentences(), channels);
  return std::make_unique<Cascade>(Cascade::Parts{
      .stt = std::move(stt),
      .llm = std::move(rules),
      .tts = std::make_unique<LocalTts>(LocalTts::Config(), channels)});
}

}  // namespace trunkline::protocol
