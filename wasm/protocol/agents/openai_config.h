#pragma once

#include <string>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/registry.h"
#include "protocol/wire.h"

namespace trunkline::protocol {

// What a Realtime session is to be.
struct OpenAiConfig {
  static constexpr Duration kDefaultEndOfTurn = Duration::Millis(500);

  std::string model = "gpt-realtime-2.1";
  std::string voice = "marin";
  std::string instructions;
  std::string language;  // ISO 639-1; "" = detected
  // "" = the caller is not transcribed.
  std::string transcription_model = "gpt-live-transcribe";
  // kMuLaw or kALaw at 8 kHz, or kLinear16 at 24 kHz: the formats Realtime
  // knows.
  AudioFormat format;
  Duration end_of_turn = kDefaultEndOfTurn;
  // Function tools in the Realtime shape; null or an array.
  Json tools;
};

// What is not said takes the defaults above. The leg's companded audio goes
// straight through where Realtime knows its law.
OpenAiConfig MakeOpenAiConfig(AgentSettings settings);

}  // namespace trunkline::protocol
