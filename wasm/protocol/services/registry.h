#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/llm.h"
#include "protocol/services/stt.h"
#include "protocol/services/tts.h"

namespace trunkline::protocol {

struct AgentSettings;

// One vendor's way to hear, to answer or to speak, by the name that profiles
// have for it: {"service":"openai",...}. docs/boundary.md has what else stands
// there; worker-shim/services.ts checks the same before there is a call.
template <class Kind>
struct ServiceEntry {
  std::string_view name;
  // Whether it can work with `options`, the object of the profile, and with
  // what else of `settings` it reads: those of the other services included.
  // Keys that it does not know are not looked at.
  bool (*accepts)(const Json& options, const AgentSettings& settings);
  // `channels` is borrowed for the life of the service. Precondition:
  // accepts().
  std::unique_ptr<Kind> (*make)(const Json& options,
                                const AgentSettings& settings,
                                Channels& channels);
};

// Every service of this build: a row for each vendor and kind.
std::span<const ServiceEntry<Stt>> SttServices();
std::span<const ServiceEntry<Llm>> LlmServices();
std::span<const ServiceEntry<Tts>> TtsServices();

// Whether each service that `settings` name is one, and accepts them.
bool AcceptsServices(const AgentSettings& settings);

// Those that `settings` name. Precondition: AcceptsServices(), and the one that
// is made is named.
std::unique_ptr<Stt> MakeStt(const AgentSettings& settings, Channels& channels);
std::unique_ptr<Llm> MakeLlm(const AgentSettings& settings, Channels& channels);
std::unique_ptr<Tts> MakeTts(const AgentSettings& settings, Channels& channels);

}  // namespace trunkline::protocol
