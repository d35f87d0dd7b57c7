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

}  // namespace trunkline::session
