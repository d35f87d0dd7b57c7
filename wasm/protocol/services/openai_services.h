#pragma once

#include <optional>

#include "base/json.h"
#include "protocol/services/openai_chat_request.h"
#include "protocol/services/openai_speech.h"
#include "protocol/services/openai_transcription.h"

namespace trunkline::protocol {

struct AgentSettings;

// What a profile says of OpenAI's services, and of those that speak like them.
// Models and voices must be named: there is none that every server has.
//
//   stt  {"service":"openai", "model", "prompt"?}
//   llm  {"service":"openai", "model", "temperature"? 0 to 2,
//         "maxTokens"? 1 to 100,000}
//   tts  {"service":"openai", "model", "voice", "speed"? 0.25 to 4,
//         "instructions"?}
//
// Of the settings, the language goes to the first, and the instructions and the
// tools to the second. nullopt if anything is missing or wrong.
std::optional<OpenAiTranscription::Config> ReadOpenAiTranscription(
    const Json& options, const AgentSettings& settings);
std::optional<OpenAiChatConfig> ReadOpenAiChat(const Json& options,
                                               const AgentSettings& settings);
std::optional<OpenAiSpeech::Config> ReadOpenAiSpeech(
    const Json& options, const AgentSettings& settings);

}  // namespace trunkline::protocol
