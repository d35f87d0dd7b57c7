#include "protocol/agents/house.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/json.h"
#include "protocol/agents/cascade.h"
#include "protocol/services/house_dialogue.h"
#include "protocol/services/house_rules.h"
#include "protocol/services/local_stt.h"
#include "protocol/services/local_tts.h"

namespace trunkline::protocol {
namespace {

HouseDialogue BuiltIn() {
  const std::optional<Json> json = ParseJson(BuiltInHouseDialogue());
  TL_CHECK(json.has_value());
  auto dialogue = ParseHouseDialogue(*json);
  // INVARIANT: what is built in has no fault.
  TL_CHECK(std::holds_alternative<HouseDialogue>(dialogue));
  return std::get<HouseDialogue>(std::move(dialogue));
}

}  // namespace

std::unique_ptr<Agent> MakeHouse(const AgentSettings& settings,
                                 Channels& channels) {
  auto rules = std::make_unique<HouseRules>(
      BuiltIn(), HouseRules::Config{.epoch_ms = settings.epoch_ms,
                                    .began = settings.call_began});
  auto stt = std::make_unique<LocalStt>(rules->Sentences(), channels);
  return std::make_unique<Cascade>(Cascade::Parts{
      .stt = std::move(stt),
      .llm = std::move(rules),
      .tts = std::make_unique<LocalTts>(LocalTts::Config(), channels)});
}

}  // namespace trunkline::protocol
