#include "support/sse_reference.h"

#include <cstdint>

#include "base/utf8.h"

namespace trunkline::test {

SseReading ReadEventStream(std::string_view stream) {
  std::string text;
  AppendWellFormed(text, stream, SIZE_MAX);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);

  std::vector<std::string> lines;
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      line += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    lines.push_back(line);
    line.clear();
  }

  SseReading reading;
  std::string type;
  std::string data;
  for (const std::string& each : lines) {
    if (each.empty()) {
      if (!data.empty()) {
        data.pop_back();
        reading.events.push_back({type.empty() ? "message" : type, data});
      }
      type.clear();
      data.clear();
      continue;
    }
    const size_t colon = each.find(':');
    const std::string name = each.substr(0, colon);
    std::string value =
        colon == std::string::npos ? "" : each.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (name == "data") data += value + '\n';
    if (name == "event") type = value;
  }
  reading.cut_off = !data.empty() || (!line.empty() && line[0] != ':');
  return reading;
}

}  // namespace trunkline::test
