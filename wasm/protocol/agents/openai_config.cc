#include "protocol/agents/openai_config.h"

#include <utility>

namespace trunkline::protocol {

OpenAiConfig MakeOpenAiConfig(AgentSettings settings) {
  OpenAiConfig config;
  if (settings.model) config.model = *std::move(settings.model);
  if (settings.voice) config.voice = *std::move(settings.voice);
  config.instructions = std::move(settings.instructions);
  config.language = std::move(settings.language);
  if (settings.transcription_model) {
    config.transcription_model = *std::move(settings.transcription_model);
  }
  const AudioFormat leg = settings.leg_format;
  const bool companded = leg == AudioFormat{Encoding::kMuLaw, 8000} ||
                         leg == AudioFormat{Encoding::kALaw, 8000};
  switch (settings.audio) {
    case AgentSettings::Audio::kLinear:
      config.format = {Encoding::kLinear16, 24000};
      break;
    case AgentSettings::Audio::kCompanded:
      config.format = companded ? leg : AudioFormat{Encoding::kMuLaw, 8000};
      break;
  }
  config.end_of_turn =
      settings.end_of_turn.value_or(OpenAiConfig::kDefaultEndOfTurn);
  config.tools = std::move(settings.tools);
  return config;
}

}  // namespace trunkline::protocol
