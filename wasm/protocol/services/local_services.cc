#include "protocol/services/local_services.h"

#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "protocol/agents/registry.h"
#include "protocol/services/house_dialogue.h"
#include "protocol/services/local_stt.h"
#include "protocol/services/options.h"

namespace trunkline::protocol {
namespace {

constexpr double kSlowestPace = 0.5;
constexpr double kFastestPace = 2;

bool IsEnglish(const AgentSettings& settings) {
  const std::string language = PrimaryLanguage(settings.language);
  return language.empty() || language == "en";
}

bool HasHouse(const AgentSettings& settings) {
  return StringMember(settings.llm, "service") == "house";
}

HouseDialogue BuiltIn() {
  const std::optional<Json> json = ParseJson(BuiltInHouseDialogue());
  TL_CHECK(json.has_value());
  auto dialogue = ParseHouseDialogue(*json);
  // INVARIANT: what is built in has no fault.
  TL_CHECK(std::holds_alternative<HouseDialogue>(dialogue));
  return std::get<HouseDialogue>(std::move(dialogue));
}

}  // namespace

bool AcceptsLocalStt(const Json& options, const AgentSettings& settings) {
  std::vector<std::string> sentences;
  ServiceOptions reader(options);
  reader.Texts("sentences", sentences, kMaxSentencesBytes);
  return reader.ok() && IsEnglish(settings) &&
         (!sentences.empty() || HasHouse(settings));
}

std::unique_ptr<Stt> MakeLocalStt(const Json& options,
                                  const AgentSettings& settings,
                                  Channels& channels) {
  std::vector<std::string> sentences;
  ServiceOptions(options).Texts("sentences", sentences, kMaxSentencesBytes);
  if (HasHouse(settings)) {
    std::vector<std::string> expected =
        BuiltInHouseRules(settings)->Sentences();
    sentences.insert(sentences.end(), std::make_move_iterator(expected.begin()),
                     std::make_move_iterator(expected.end()));
  }
  return std::make_unique<LocalStt>(std::move(sentences), channels);
}

bool AcceptsHouseRules(const Json& /*options*/, const AgentSettings& settings) {
  return IsEnglish(settings);
}

std::unique_ptr<Llm> MakeHouseRules(const Json& /*options*/,
                                    const AgentSettings& settings,
                                    Channels& /*channels*/) {
  return BuiltInHouseRules(settings);
}

std::unique_ptr<HouseRules> BuiltInHouseRules(const AgentSettings& settings) {
  return std::make_unique<HouseRules>(
      BuiltIn(), HouseRules::Config{.epoch_ms = settings.epoch_ms,
                                    .began = settings.call_began});
}

std::optional<LocalTts::Config> ReadLocalTts(const Json& options,
                                             const AgentSettings& settings) {
  std::optional<double> speed;
  ServiceOptions reader(options);
  reader.Number("speed", speed, kSlowestPace, kFastestPace);
  if (!reader.ok() || !IsEnglish(settings)) return std::nullopt;
  LocalTts::Config config;
  if (speed) config.pace = static_cast<int>(std::lround(*speed * 100));
  return config;
}

}  // namespace trunkline::protocol
