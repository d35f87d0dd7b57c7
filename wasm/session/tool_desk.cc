#include "session/tool_desk.h"

#include <algorithm>

namespace trunkline::session {

Json ToolDesk::WithBuiltIns(const Json& tools) {
  Json all = tools.is_array() ? tools : Json::array();
  all.push_back(
      {{"type", "function"},
       {"name", kEndCall},
       {"description",
        "Ends the call, once the caller has heard "
        "what you say with it."},
       {"parameters", {{"type", "object"}, {"properties", Json::object()}}}});
  return all;
}

bool ToolDesk::IsDeclared(std::string_view name) const {
  return tools_.is_array() &&
         std::any_of(tools_.begin(), tools_.end(), [name](const Json& tool) {
           return StringMember(tool, "name") == name;
         });
}

bool ToolDesk::IsOpen(std::string_view tool_call_id) const {
  return std::find(open_.begin(), open_.end(), tool_call_id) != open_.end();
}

bool ToolDesk::Open(std::string_view tool_call_id) {
  if (open_.size() == kMaxOpen) return false;
  open_.emplace_back(tool_call_id);
  return true;
}

}  // namespace trunkline::session
