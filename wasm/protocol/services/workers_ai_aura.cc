#include "protocol/services/workers_ai_aura.h"

#include <utility>

namespace trunkline::protocol {

WorkersAiAura::WorkersAiAura(Config config, Channels& channels)
    : HttpVoice({.upstream = config.upstream,
                 .path = "/run/" + config.model,
                 .format = config.format,
                 .max_characters = kMaxTextCharacters},
                channels),
      config_(std::move(config)) {}

Json WorkersAiAura::Request(std::string_view text) const {
  Json request = {{"text", text},
                  {"encoding", "linear16"},
                  {"container", "none"},
                  {"sample_rate", config_.format.sample_rate_hz}};
  if (!config_.voice.empty()) request["speaker"] = config_.voice;
  return request;
}

}  // namespace trunkline::protocol
