#pragma once

#include <memory>
#include <optional>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/house_rules.h"
#include "protocol/services/local_tts.h"
#include "protocol/services/stt.h"

namespace trunkline::protocol {

struct AgentSettings;

// What needs no account: the ears and the voice of the speech Worker, and the
// rules of the house between them. All of them know English alone; a profile
// with another language is refused.
//
//   stt  {"service":"local", "sentences"?: [...]}
//   llm  {"service":"house"}
//   tts  {"service":"local", "speed"? 0.5 to 2}
//
// The ears understand the words of the sentences that they were told: those of
// the profile, and those that the house expects where it answers. Without
// either they would hear nothing, which is refused.

// All sentences together, bytes; with those of the house, as JSON, within what
// the Worker takes.
inline constexpr size_t kMaxSentencesBytes = size_t{64} * 1024;

bool AcceptsLocalStt(const Json& options, const AgentSettings& settings);
// Precondition: AcceptsLocalStt().
std::unique_ptr<Stt> MakeLocalStt(const Json& options,
                                  const AgentSettings& settings,
                                  Channels& channels);

bool AcceptsHouseRules(const Json& options, const AgentSettings& settings);
std::unique_ptr<Llm> MakeHouseRules(const Json& options,
                                    const AgentSettings& settings,
                                    Channels& channels);
// With the dialogue that is built in, and the clock of the call.
std::unique_ptr<HouseRules> BuiltInHouseRules(const AgentSettings& settings);

// nullopt if anything is wrong.
std::optional<LocalTts::Config> ReadLocalTts(const Json& options,
                                             const AgentSettings& settings);

}  // namespace trunkline::protocol
