#include "protocol/services/openai_services.h"

#include "protocol/agents/registry.h"
#include "protocol/services/options.h"

namespace trunkline::protocol {
namespace {

constexpr double kMaxTemperature = 2;
constexpr int64_t kMaxReplyTokens = 100'000;
constexpr double kSlowest = 0.25;
constexpr double kFastest = 4;
// How something is to be said.
constexpr size_t kMaxInstructionsBytes = 4096;

}  // namespace

std::optional<OpenAiTranscription::Config> ReadOpenAiTranscription(
    const Json& options, const AgentSettings& settings) {
  OpenAiTranscription::Config config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  reader.Text("prompt", config.prompt, OpenAiTranscription::kMaxPromptBytes);
  if (!reader.ok()) return std::nullopt;
  config.language = PrimaryLanguage(settings.language);
  // What the line has: more samples of it would be a longer upload alone.
  if (settings.leg_format.sample_rate_hz == 8000) {
    config.format.sample_rate_hz = 8000;
  }
  return config;
}

std::optional<OpenAiChatConfig> ReadOpenAiChat(const Json& options,
                                               const AgentSettings& settings) {
  OpenAiChatConfig config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  reader.Number("temperature", config.temperature, 0, kMaxTemperature);
  reader.Integer("maxTokens", config.max_reply_tokens, 1, kMaxReplyTokens);
  if (!reader.ok()) return std::nullopt;
  config.instructions = settings.instructions;
  config.tools = settings.tools;
  return config;
}

std::optional<OpenAiSpeech::Config> ReadOpenAiSpeech(
    const Json& options, const AgentSettings& /*settings*/) {
  OpenAiSpeech::Config config;
  ServiceOptions reader(options);
  reader.Name("model", config.model);
  reader.Name("voice", config.voice);
  reader.Number("speed", config.speed, kSlowest, kFastest);
  reader.Text("instructions", config.instructions, kMaxInstructionsBytes);
  if (!reader.ok()) return std::nullopt;
  return config;
}

}  // namespace trunkline::protocol
