#include "protocol/services/deepgram_aura.h"

#include <string>

#include "protocol/query.h"

namespace trunkline::protocol {
namespace {

std::string PathOf(const DeepgramAura::Config& config) {
  Query query(config.path);
  query.Add("model", config.model);
  query.Add("encoding", "linear16");
  query.Add("sample_rate", std::to_string(config.format.sample_rate_hz));
  // By default there is a WAV head, which claims a length.
  query.Add("container", "none");
  return query.path();
}

}  // namespace

DeepgramAura::DeepgramAura(const Config& config, Channels& channels)
    : HttpVoice({.upstream = config.upstream,
                 .path = PathOf(config),
                 .format = config.format,
                 .max_characters = kMaxTextCharacters},
                channels) {}

Json DeepgramAura::Request(std::string_view text) const {
  return {{"text", text}};
}

}  // namespace trunkline::protocol
