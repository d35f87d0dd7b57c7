#pragma once

#include <memory>
#include <optional>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/deepgram_aura.h"
#include "protocol/services/deepgram_flux.h"
#include "protocol/services/deepgram_nova.h"
#include "protocol/services/stt.h"

namespace trunkline::protocol {

struct AgentSettings;

// What a profile says of Deepgram's services, and of their models wherever they
// run. Models must be named; that of a voice has the voice in its name.
//
//   stt  {"service":"deepgram", "model", "terms"?}
//        and of a Flux "eager"? 0.3 to 0.9, "endOfTurn"? 0.5 to 1,
//        "endOfTurnMs"? 500 to 60,000
//   tts  {"service":"deepgram", "model"}
//
// A model that is called flux-... is a Flux, which detects turns, every other
// one a Nova. Of the settings, the language goes to both: a Flux takes it for a
// hint where it is one of several languages. nullopt if anything is missing or
// wrong.
std::optional<DeepgramFlux::Config> ReadFlux(const Json& options,
                                             const AgentSettings& settings);
std::optional<DeepgramNova::Config> ReadNova(const Json& options,
                                             const AgentSettings& settings);
std::optional<DeepgramAura::Config> ReadDeepgramAura(
    const Json& options, const AgentSettings& settings);

bool AcceptsDeepgramStt(const Json& options, const AgentSettings& settings);
std::unique_ptr<Stt> MakeDeepgramStt(const Json& options,
                                     const AgentSettings& settings,
                                     Channels& channels);

}  // namespace trunkline::protocol
