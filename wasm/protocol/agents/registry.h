#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "protocol/channels.h"

namespace trunkline::protocol {

// What a profile says of an agent, and what the call adds to it. Each agent
// reads what it knows.
struct AgentSettings {
  std::string instructions;
  // nullopt: the agent's own default.
  std::optional<std::string> model;
  std::optional<std::string> voice;
  std::optional<std::string> transcription_model;
  std::string language;  // ISO 639-1; "" = detected
  // Function tools, those of the gateway included; null or an array.
  Json tools;
  // nullopt: the agent's own default.
  std::optional<Duration> end_of_turn;
  // The wall clock at Instant 0, ms since 1970, and when the call began.
  int64_t epoch_ms = 0;
  Instant call_began;
  // The format that the leg has, for an agent that can have the same.
  AudioFormat leg_format;
  // What a cascade is made of: {"service":NAME,...} each, services/registry.h;
  // null where the profile does not say.
  Json stt;
  Json llm;
  Json tts;
  // Whether audio is to be companded where the agent has the choice.
  enum class Audio : uint8_t { kCompanded, kLinear };
  Audio audio = Audio::kCompanded;
};

// A provider's protocol by the name that configurations and events have for it.
struct AgentEntry {
  std::string_view name;
  // `channels` is borrowed for the life of the agent.
  std::unique_ptr<Agent> (*make)(AgentSettings settings, Channels& channels);
  // What it says first, and last, where a profile does not say; "" = nothing of
  // the kind.
  std::string_view greeting = {};
  std::string_view farewell = {};
  // Whether it can be made of these settings; nullptr = of any. The services
  // that they name were accepted.
  bool (*accepts)(const AgentSettings& settings) = nullptr;
};

// Every agent of this build. The first is the default.
std::span<const AgentEntry> Agents();

}  // namespace trunkline::protocol
