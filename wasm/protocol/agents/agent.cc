#include "protocol/agents/agent.h"

namespace trunkline::protocol {

// What an agent without such channels never gets.
void Agent::OnSocketOpened(ChannelId /*channel*/) {}
void Agent::OnText(ChannelId /*channel*/, std::string_view /*text*/) {}
void Agent::OnBinary(ChannelId /*channel*/,
                     std::span<const uint8_t> /*bytes*/) {}
void Agent::OnSocketClosed(ChannelId /*channel*/, uint16_t /*code*/,
                           uint16_t /*http_status*/,
                           std::string_view /*reason*/) {}
void Agent::OnOversize(ChannelId /*channel*/) {}
void Agent::OnHttpHeaders(ChannelId /*channel*/, uint16_t /*status*/,
                          const Json& /*headers*/) {}
void Agent::OnHttpChunk(ChannelId /*channel*/,
                        std::span<const uint8_t> /*bytes*/) {}
void Agent::OnHttpDone(ChannelId /*channel*/) {}
void Agent::OnHttpFailed(ChannelId /*channel*/, HttpFailure /*failure*/,
                         std::string_view /*reason*/) {}
void Agent::OnDeadline() {}

}  // namespace trunkline::protocol
