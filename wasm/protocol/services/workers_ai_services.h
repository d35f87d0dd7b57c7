#pragma once

#include <memory>
#include <optional>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/stt.h"
#include "protocol/services/workers_ai_aura.h"
#include "protocol/services/workers_ai_chat.h"

namespace trunkline::protocol {

struct AgentSettings;

// What a profile says of models of Workers AI, which must be named.
//
//   stt  {"service":"workers-ai", "model"} and, by what it is,
//        what Deepgram's has, or of a Whisper "prompt"?
//   llm  {"service":"workers-ai", "model", "temperature"?, "maxTokens"?}
//   tts  {"service":"workers-ai", "model", "voice"?}
//
// A model that has "flux" in its name is a Flux, one that has "nova" a Nova,
// every other one hears a turn at a time, as Whisper does.
bool AcceptsWorkersAiStt(const Json& options, const AgentSettings& settings);
std::unique_ptr<Stt> MakeWorkersAiStt(const Json& options,
                                      const AgentSettings& settings,
                                      Channels& channels);
std::optional<WorkersAiAura::Config> ReadWorkersAiAura(
    const Json& options, const AgentSettings& settings);

}  // namespace trunkline::protocol
