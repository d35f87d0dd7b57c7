#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "protocol/agents/agent.h"
#include "protocol/agents/openai_config.h"

namespace trunkline::protocol {

// What is said to a Realtime server, GA shapes, without the `event_id`. Source:
// the openai npm package 7.55.0, resources/realtime/*.d.ts.

// The path and the query of the WebSocket.
std::string RealtimePath(std::string_view model);

// All of the configuration that the gateway wants. Turns are detected by the
// server, which neither answers nor interrupts by itself.
Json SessionUpdate(const OpenAiConfig& config);

// What was said, by the caller or by an agent: words, since audio of the
// assistant cannot be injected.
Json MessageItem(Role role, std::string_view text);
Json FunctionCallItem(const ConversationLine& line);
Json FunctionOutputItem(std::string_view call_id, std::string_view output);

Json TruncateItem(std::string_view item, int64_t content_index,
                  int64_t audio_end_ms);
Json DeleteItem(std::string_view item);

// `instructions` for this response alone; "" for the session's.
Json CreateResponse(std::string_view instructions);
Json CancelResponse();

}  // namespace trunkline::protocol
