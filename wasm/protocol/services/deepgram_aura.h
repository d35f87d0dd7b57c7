#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/http_voice.h"

namespace trunkline::protocol {

// Deepgram Aura: a text a request. Source: the @deepgram/sdk npm package
// 5.13.0, speak/v1, and Deepgram's pages of it.
//
// There is a WebSocket as well, which is not taken. Its audio comes as fast as
// it is made, whatever has been played; a Clear is answered behind audio that
// is under way; and it takes 20 texts a minute ("Flush"), which short sentences
// exceed. Here audio comes by credit, an abort closes the exchange, and the
// first audio waits no longer: the connection to the vendor is kept by the
// platform.
class DeepgramAura final : public HttpVoice {
 public:
  struct Config {
    std::string upstream = "deepgram";
    std::string path = "/v1/speak";
    // The voice is a part of its name.
    std::string model;
    // kLinear16 at 8, 16 or 24 kHz.
    AudioFormat format = {Encoding::kLinear16, 24000};
  };

  // What the vendor takes.
  static constexpr size_t kMaxTextCharacters = 2000;

  // `channels` is borrowed for the life of the object.
  DeepgramAura(const Config& config, Channels& channels);

 private:
  Json Request(std::string_view text) const override;
};

}  // namespace trunkline::protocol
