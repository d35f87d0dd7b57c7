#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "protocol/services/service.h"

namespace trunkline::protocol {

// Views and references that are valid during the call only.
struct LlmRequest {
  // What was said and heard, the caller's last turn included.
  std::span<const ConversationLine> conversation;
  // For this reply alone, in the place of those of the profile; "" = none.
  std::string_view instructions;
  // The caller's last turn was understood; its text is missing where it was
  // not.
  bool understood = true;
};

// The next words of the reply.
struct LlmText {
  std::string_view text;
};
// A whole call of a tool.
struct LlmToolCall {
  std::string_view tool_call_id;
  std::string_view name;
  std::string_view arguments;  // JSON
};
// The reply is over.
struct LlmDone {
  enum class End : uint8_t {
    kComplete,
    kTooLong,  // a bound of tokens ended it
    kRefused,  // a filter of the vendor did
  };
  End end = End::kComplete;
  Usage usage = {};
};

using LlmEvent =
    std::variant<ServiceFaulted, LlmText, LlmToolCall, LlmDone, ServiceFailed>;

// A language model, or what stands for one: the next reply to a conversation.
// It remembers nothing.
class Llm : public Service {
 public:
  // One reply at a time: the former is over, or was aborted. LlmDone or
  // ServiceFailed ends it, at once for one that needs no channel.
  virtual void Ask(const LlmRequest& request) = 0;
  // Nothing more comes of it, and the vendor is told.
  virtual void Abort() = 0;

  virtual std::optional<LlmEvent> NextEvent() = 0;
};

}  // namespace trunkline::protocol
