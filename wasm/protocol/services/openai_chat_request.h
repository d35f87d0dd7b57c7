#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "protocol/services/llm.h"

namespace trunkline::protocol {

// What a model is asked by, beside the conversation.
struct OpenAiChatConfig {
  // kWorkersAi: the model is named by the path, a bound of tokens has its
  // former name, and no content is null.
  enum class Dialect : uint8_t { kOpenAi, kWorkersAi };
  Dialect dialect = Dialect::kOpenAi;
  std::string upstream = "openai";
  // Also Azure's, and those of servers that speak like it.
  std::string path = "/v1/chat/completions";
  std::string model;
  std::string instructions;
  // Function tools in the Realtime shape, {type, name, description,
  // parameters}, what else they have is left out; null or an array.
  Json tools;
  // [0, 2]; nullopt: the model's own. Reasoning models refuse any.
  std::optional<double> temperature;
  // nullopt: the model's own.
  std::optional<int64_t> max_reply_tokens;
};

// As much of the conversation is sent: text, arguments and results, with
// kLineCostBytes a line for what is around them. A tenth of the smallest
// context of today's models, and all that a call is remembered by. Beyond it
// the oldest lines are left out; the system's message and the last line stay.
inline constexpr size_t kMaxConversationBytes = size_t{64} * 1024;
inline constexpr size_t kLineCostBytes = 64;

// In the place of a result that has not come: each call must have one.
inline constexpr const char* kNoResultYet = "(no result yet)";

// In the place of what the caller has said last, if nobody knows it.
inline constexpr const char* kNotUnderstood = "[not understood]";

// `tools` in the shape of Chat Completions; null if there are none.
Json ChatTools(const Json& tools);

// The body of POST /v1/chat/completions, which asks for a stream. `tools` are
// those of ChatTools().
//
// Lines without text are left out. Adjacent texts of one role become one
// message, and a text that a tool's call follows becomes that message's
// content: many servers want roles to alternate. Each tool's call is a message
// of its own, with its result behind it, so that what was sent once stays the
// beginning of what is sent next, which vendors keep in a cache.
std::string ChatRequest(const OpenAiChatConfig& config, const Json& tools,
                        const LlmRequest& request);

}  // namespace trunkline::protocol
