#include "protocol/services/deepgram_services.h"

#include <string_view>
#include <utility>

#include "base/check.h"
#include "protocol/agents/registry.h"
#include "protocol/services/options.h"

namespace trunkline::protocol {
namespace {

// The newest documentation's ranges, which are the widest.
constexpr double kMinEager = 0.3;
constexpr double kMaxEager = 0.9;
constexpr double kMinEndOfTurn = 0.5;
constexpr double kMaxEndOfTurn = 1;
constexpr int64_t kMinEndOfTurnMs = 500;
constexpr int64_t kMaxEndOfTurnMs = 60'000;
// All terms together: the vendor takes 500 tokens.
constexpr size_t kMaxTermsBytes = 2048;

bool IsFlux(const Json& options) {
  return StringMember(options, "model").starts_with("flux");
}

}  // namespace

std::optional<DeepgramFlux::Config> ReadFlux(const Json& options,
                                             const AgentSettings& settings) {
  DeepgramFlux::Config config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  reader.Texts("terms", config.terms, kMaxTermsBytes);
  reader.Number("eager", config.eager_threshold, kMinEager, kMaxEager);
  reader.Number("endOfTurn", config.end_of_turn_threshold, kMinEndOfTurn,
                kMaxEndOfTurn);
  std::optional<int64_t> timeout_ms;
  reader.Integer("endOfTurnMs", timeout_ms, kMinEndOfTurnMs, kMaxEndOfTurnMs);
  if (!reader.ok()) return std::nullopt;
  if (timeout_ms) config.end_of_turn_timeout = Duration::Millis(*timeout_ms);
  const bool knows_several = config.model.find("multi") != std::string::npos;
  if (knows_several && !settings.language.empty()) {
    config.languages = {PrimaryLanguage(settings.language)};
  }
  return config;
}

std::optional<DeepgramNova::Config> ReadNova(const Json& options,
                                             const AgentSettings& settings) {
  DeepgramNova::Config config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  reader.Texts("terms", config.terms, kMaxTermsBytes);
  if (!reader.ok()) return std::nullopt;
  config.language = settings.language;
  return config;
}

std::optional<DeepgramAura::Config> ReadDeepgramAura(
    const Json& options, const AgentSettings& settings) {
  DeepgramAura::Config config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  if (!reader.ok()) return std::nullopt;
  // What the line has.
  if (settings.leg_format.sample_rate_hz == 8000) {
    config.format.sample_rate_hz = 8000;
  }
  return config;
}

bool AcceptsDeepgramStt(const Json& options, const AgentSettings& settings) {
  return IsFlux(options) ? ReadFlux(options, settings).has_value()
                         : ReadNova(options, settings).has_value();
}

std::unique_ptr<Stt> MakeDeepgramStt(const Json& options,
                                     const AgentSettings& settings,
                                     Channels& channels) {
  const auto with_leg = [&settings](auto config) {
    // INVARIANT: what is made was accepted.
    TL_CHECK(config.has_value());
    if (settings.leg_format.sample_rate_hz == 8000) {
      config->format.sample_rate_hz = 8000;
    }
    return *std::move(config);
  };
  if (IsFlux(options)) {
    return std::make_unique<DeepgramFlux>(with_leg(ReadFlux(options, settings)),
                                          channels);
  }
  return std::make_unique<DeepgramNova>(with_leg(ReadNova(options, settings)),
                                        channels);
}

}  // namespace trunkline::protocol
