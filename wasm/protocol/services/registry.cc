#include "protocol/services/registry.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "protocol/agents/registry.h"
#include "protocol/services/deepgram_services.h"
#include "protocol/services/local_services.h"
#include "protocol/services/openai_chat.h"
#include "protocol/services/openai_services.h"
#include "protocol/services/openai_speech.h"
#include "protocol/services/openai_transcription.h"
#include "protocol/services/workers_ai_services.h"

namespace trunkline::protocol {
namespace {

// A service that is made of its configuration alone, which `kRead` reads:
// nullopt if it cannot be read.
template <class Kind, class Service, auto kRead>
constexpr ServiceEntry<Kind> ServiceRow(std::string_view name) {
  return {name,
          [](const Json& options, const AgentSettings& settings) {
            return kRead(options, settings).has_value();
          },
          [](const Json& options, const AgentSettings& settings,
             Channels& channels) -> std::unique_ptr<Kind> {
            auto config = kRead(options, settings);
            // INVARIANT: what is made was accepted.
            TL_CHECK(config.has_value());
            return std::make_unique<Service>(*std::move(config), channels);
          }};
}

constexpr ServiceEntry<Stt> kSttServices[] = {
    ServiceRow<Stt, OpenAiTranscription, ReadOpenAiTranscription>("openai"),
    {"deepgram", AcceptsDeepgramStt, MakeDeepgramStt},
    {"workers-ai", AcceptsWorkersAiStt, MakeWorkersAiStt},
    {"local", AcceptsLocalStt, MakeLocalStt},
};

constexpr ServiceEntry<Llm> kLlmServices[] = {
    ServiceRow<Llm, OpenAiChat, ReadOpenAiChat>("openai"),
    ServiceRow<Llm, WorkersAiChat, ReadOpenAiChat>("workers-ai"),
    {"house", AcceptsHouseRules, MakeHouseRules},
};

constexpr ServiceEntry<Tts> kTtsServices[] = {
    ServiceRow<Tts, OpenAiSpeech, ReadOpenAiSpeech>("openai"),
    ServiceRow<Tts, DeepgramAura, ReadDeepgramAura>("deepgram"),
    ServiceRow<Tts, WorkersAiAura, ReadWorkersAiAura>("workers-ai"),
    ServiceRow<Tts, LocalTts, ReadLocalTts>("local"),
};

// nullptr if there is none of that name.
template <class Kind>
const ServiceEntry<Kind>* FindService(
    std::span<const ServiceEntry<Kind>> entries, const Json& options) {
  const std::string_view name = StringMember(options, "service");
  const auto found =
      std::find_if(entries.begin(), entries.end(),
                   [name](const auto& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

template <class Kind>
bool AcceptsNamed(std::span<const ServiceEntry<Kind>> entries,
                  const Json& options, const AgentSettings& settings) {
  if (options.is_null()) return true;
  const ServiceEntry<Kind>* entry = FindService(entries, options);
  return entry != nullptr && entry->accepts(options, settings);
}

template <class Kind>
std::unique_ptr<Kind> MakeNamed(std::span<const ServiceEntry<Kind>> entries,
                                const Json& options,
                                const AgentSettings& settings,
                                Channels& channels) {
  const ServiceEntry<Kind>* entry = FindService(entries, options);
  // INVARIANT: what is made was accepted.
  TL_CHECK(entry != nullptr);
  return entry->make(options, settings, channels);
}

}  // namespace

std::span<const ServiceEntry<Stt>> SttServices() { return kSttServices; }
std::span<const ServiceEntry<Llm>> LlmServices() { return kLlmServices; }
std::span<const ServiceEntry<Tts>> TtsServices() { return kTtsServices; }

bool AcceptsServices(const AgentSettings& settings) {
  return AcceptsNamed(SttServices(), settings.stt, settings) &&
         AcceptsNamed(LlmServices(), settings.llm, settings) &&
         AcceptsNamed(TtsServices(), settings.tts, settings);
}

std::unique_ptr<Stt> MakeStt(const AgentSettings& settings,
                             Channels& channels) {
  return MakeNamed(SttServices(), settings.stt, settings, channels);
}

std::unique_ptr<Llm> MakeLlm(const AgentSettings& settings,
                             Channels& channels) {
  return MakeNamed(LlmServices(), settings.llm, settings, channels);
}

std::unique_ptr<Tts> MakeTts(const AgentSettings& settings,
                             Channels& channels) {
  return MakeNamed(TtsServices(), settings.tts, settings, channels);
}

}  // namespace trunkline::protocol
