#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace trunkline::session {

// The tools that an agent may call: those of the profile, which an operator
// answers, and the gateway's own.
class ToolDesk {
 public:
  // The built-in tool by which an agent ends the call.
  static constexpr std::string_view kEndCall = "end_call";

  // Calls that wait for their results at a time. Overflow: the newest is
  // refused.
  static constexpr size_t kMaxOpen = 16;

  // `tools` is borrowed for the life of the object: null or an array.
  explicit ToolDesk(const Json& tools) : tools_(tools) {}

  // The profile's tools and the gateway's own.
  static Json WithBuiltIns(const Json& tools);

  // Whether the profile has a tool of this name.
  bool IsDeclared(std::string_view name) const;

  // The calls that wait for their results.
  bool empty() const { return open_.empty(); }
  bool IsOpen(std::string_view tool_call_id) const;
  // False if too many wait: nothing has changed.
  bool Open(std::string_view tool_call_id);
  void Close(std::string_view tool_call_id) { std::erase(open_, tool_call_id); }
  // Forgets them, and returns which there were.
  std::vector<std::string> TakeOpen() { return std::exchange(open_, {}); }

 private:
  const Json& tools_;
  std::vector<std::string> open_;
};

}  // namespace trunkline::session
