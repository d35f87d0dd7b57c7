#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace trunkline::session {

// The tools that an agent may call: those of the profile, which an operator
// answers, and the gateway's own.
class ToolDesk {
 public:
  // The built-in tool by which an agent ends the call.
  static constexpr std::string_view kEndCall = "end_call";

  // `tools` is borrowed for the life of the object: null or an array.
  explicit ToolDesk(const Json& tools) : tools_(tools) {}

  // The profile's tools and the gateway's own.
  static Json WithBuiltIns(const Json& tools);

  // Whether the profile has a tool of this name.
  bool IsDeclared(std::string_view name) const;

  // The call that is waited for; "" for none.
  const std::string& open_call() const { return open_call_; }
  void Open(std::string_view tool_call_id) { open_call_ = tool_call_id; }
  void Close() { open_call_.clear(); }

 private:
  const Json& tools_;
  std::string open_call_;
};

}  // namespace trunkline::session
