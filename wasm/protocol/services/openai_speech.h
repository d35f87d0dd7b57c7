#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/http_voice.h"

namespace trunkline::protocol {

// OpenAI's speech endpoint, and the servers that speak like it. Source: the
// openai npm package 7.55.0, resources/audio/speech.d.ts, and the guide to text
// to speech, which says what "pcm" is: linear 16 at 24 kHz, mono, no header.
class OpenAiSpeech final : public HttpVoice {
 public:
  struct Config {
    std::string upstream = "openai";
    std::string path = "/v1/audio/speech";
    std::string model;
    // A name, or the id of a custom voice: "voice_...".
    std::string voice;
    // How it is to be said; "" = not said. The models tts-1* refuse any.
    std::string instructions;
    // [0.25, 4]; nullopt: the vendor's own.
    std::optional<double> speed;
  };

  static constexpr AudioFormat kFormat = {Encoding::kLinear16, 24000};
  // What the vendor takes, in characters.
  static constexpr size_t kMaxTextCharacters = 4096;

  // `channels` is borrowed for the life of the object.
  OpenAiSpeech(Config config, Channels& channels);

 private:
  Json Request(std::string_view text) const override;

  const Config config_;
};

}  // namespace trunkline::protocol
