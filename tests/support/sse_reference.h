#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trunkline::test {

// An event stream, read the obvious way: all of it is decoded, then cut into
// lines, then interpreted, as the standard's text says.
struct SseReading {
  struct Event {
    std::string type;
    std::string data;

    bool operator==(const Event&) const = default;
  };
  std::vector<Event> events;
  // There is something of an event behind the last one.
  bool cut_off = false;
};
SseReading ReadEventStream(std::string_view stream);

}  // namespace trunkline::test
