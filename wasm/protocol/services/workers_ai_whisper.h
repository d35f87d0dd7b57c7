#pragma once

#include <span>
#include <string>

#include "protocol/channels.h"
#include "protocol/services/openai_transcription.h"

namespace trunkline::protocol {

// Whisper as a model of Workers AI: OpenAiTranscription, but that the file is
// in a JSON text, base64. Source: Cloudflare's page of the model
// whisper-large-v3-turbo.
class WorkersAiWhisper final : public OpenAiTranscription {
 public:
  // Whisper itself hears 30 s at a time, and a longer file would not fit into a
  // request.
  static constexpr int kMaxTurnMs = 30'000;

  // `config` has the model; its upstream, path and longest turn are set here.
  // `channels` is borrowed for the life of the object.
  WorkersAiWhisper(Config config, Channels& channels);

 private:
  void Fill(FetchRequest& fetch, std::span<const uint8_t> file,
            std::string& body) const override;
};

}  // namespace trunkline::protocol
