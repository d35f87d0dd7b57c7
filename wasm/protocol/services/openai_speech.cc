#include "protocol/services/openai_speech.h"

#include <utility>

namespace trunkline::protocol {

OpenAiSpeech::OpenAiSpeech(Config config, Channels& channels)
    : HttpVoice({.upstream = config.upstream,
                 .path = config.path,
                 .format = kFormat,
                 .max_characters = kMaxTextCharacters},
                channels),
      config_(std::move(config)) {}

Json OpenAiSpeech::Request(std::string_view text) const {
  Json request = {
      {"model", config_.model}, {"input", text}, {"response_format", "pcm"}};
  if (config_.voice.starts_with("voice_")) {
    request["voice"]["id"] = config_.voice;
  } else {
    request["voice"] = config_.voice;
  }
  if (!config_.instructions.empty()) {
    request["instructions"] = config_.instructions;
  }
  if (config_.speed) request["speed"] = *config_.speed;
  return request;
}

}  // namespace trunkline::protocol
