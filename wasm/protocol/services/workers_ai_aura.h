#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/http_voice.h"

namespace trunkline::protocol {

// Deepgram Aura as a model of Workers AI. Source: Cloudflare's page of the
// model.
//
// The model's own default is MP3; an answer that is called so is refused, as
// every other one that is no PCM.
class WorkersAiAura final : public HttpVoice {
 public:
  struct Config {
    std::string upstream = "workers-ai";
    std::string model;
    // "" = the model's own.
    std::string voice;
    // kLinear16 at 8, 16 or 24 kHz.
    AudioFormat format = {Encoding::kLinear16, 24000};
  };

  // As of Deepgram's own.
  static constexpr size_t kMaxTextCharacters = 2000;

  // `channels` is borrowed for the life of the object.
  WorkersAiAura(Config config, Channels& channels);

 private:
  Json Request(std::string_view text) const override;

  const Config config_;
};

}  // namespace trunkline::protocol
