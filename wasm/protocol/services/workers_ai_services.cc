#include "protocol/services/workers_ai_services.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "protocol/agents/registry.h"
#include "protocol/services/deepgram_services.h"
#include "protocol/services/openai_services.h"
#include "protocol/services/options.h"
#include "protocol/services/workers_ai_whisper.h"

namespace trunkline::protocol {
namespace {

enum class Hearing : uint8_t { kFlux, kNova, kWhisper };

Hearing HearingOf(const Json& options) {
  const std::string_view model = StringMember(options, "model");
  if (model.find("flux") != std::string_view::npos) return Hearing::kFlux;
  if (model.find("nova") != std::string_view::npos) return Hearing::kNova;
  return Hearing::kWhisper;
}

// The same model, where Workers AI has it: the path names it. It is documented
// for 16 kHz.
template <class Config>
Config AtWorkersAi(std::optional<Config> config) {
  // INVARIANT: what is made was accepted.
  TL_CHECK(config.has_value());
  config->upstream = "workers-ai";
  config->path = "/run/" + std::exchange(config->model, {});
  return *std::move(config);
}

}  // namespace

bool AcceptsWorkersAiStt(const Json& options, const AgentSettings& settings) {
  switch (HearingOf(options)) {
    case Hearing::kFlux:
      return ReadFlux(options, settings).has_value();
    case Hearing::kNova:
      return ReadNova(options, settings).has_value();
    case Hearing::kWhisper:
      return ReadOpenAiTranscription(options, settings).has_value();
  }
  return false;
}

std::unique_ptr<Stt> MakeWorkersAiStt(const Json& options,
                                      const AgentSettings& settings,
                                      Channels& channels) {
  switch (HearingOf(options)) {
    case Hearing::kFlux:
      return std::make_unique<DeepgramFlux>(
          AtWorkersAi(ReadFlux(options, settings)), channels);
    case Hearing::kNova:
      return std::make_unique<DeepgramNova>(
          AtWorkersAi(ReadNova(options, settings)), channels);
    case Hearing::kWhisper:
      break;
  }
  auto config = ReadOpenAiTranscription(options, settings);
  TL_CHECK(config.has_value());
  return std::make_unique<WorkersAiWhisper>(*std::move(config), channels);
}

std::optional<WorkersAiAura::Config> ReadWorkersAiAura(
    const Json& options, const AgentSettings& settings) {
  constexpr size_t kMaxNameBytes = ServiceOptions::kMaxNameBytes;
  WorkersAiAura::Config config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  reader.Text("voice", config.voice, kMaxNameBytes);
  if (!reader.ok()) return std::nullopt;
  // What the line has.
  if (settings.leg_format.sample_rate_hz == 8000) {
    config.format.sample_rate_hz = 8000;
  }
  return config;
}

}  // namespace trunkline::protocol
