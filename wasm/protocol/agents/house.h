#pragma once

#include <memory>

#include "protocol/agents/agent.h"
#include "protocol/agents/registry.h"
#include "protocol/channels.h"

namespace trunkline::protocol {

// A cascade that needs no account and no key: the voice and the ears of the
// gateway's own speech Worker, and between them a dialogue by rules. English.
inline constexpr const char* kHouseGreeting =
    "Hello, this is the front desk of the garden restaurant. How can I help "
    "you?";
inline constexpr const char* kHouseFarewell =
    "I am sorry, I have to end this call now. Goodbye.";

// `channels` is borrowed for the life of the agent.
std::unique_ptr<Agent> MakeHouse(const AgentSettings& settings,
                                 Channels& channels);

}  // namespace trunkline::protocol
