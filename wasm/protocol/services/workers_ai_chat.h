#pragma once

#include "protocol/channels.h"
#include "protocol/services/openai_chat.h"

namespace trunkline::protocol {

// A language model of Workers AI: OpenAiChat, asked in its dialect. `config`
// has the model; its upstream, path and dialect are set here. Source:
// Cloudflare's pages of the models.
class WorkersAiChat final : public OpenAiChat {
 public:
  // `channels` is borrowed for the life of the object.
  WorkersAiChat(Config config, Channels& channels);
};

}  // namespace trunkline::protocol
