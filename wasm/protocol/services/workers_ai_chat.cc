#include "protocol/services/workers_ai_chat.h"

#include <utility>

namespace trunkline::protocol {
namespace {

OpenAiChatConfig InItsDialect(OpenAiChatConfig config) {
  config.upstream = "workers-ai";
  config.path = "/run/" + config.model;
  config.dialect = OpenAiChatConfig::Dialect::kWorkersAi;
  return config;
}

}  // namespace

WorkersAiChat::WorkersAiChat(Config config, Channels& channels)
    : OpenAiChat(InItsDialect(std::move(config)), channels) {}

}  // namespace trunkline::protocol
