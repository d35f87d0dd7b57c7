#include "session/line_fields.h"

#include <optional>
#include <string_view>

namespace trunkline::session {
namespace {

std::string_view ToString(Transcript::Kind kind) {
  switch (kind) {
    case Transcript::Kind::kCaller:
      return "caller";
    case Transcript::Kind::kAgent:
      return "agent";
    case Transcript::Kind::kTool:
      return "tool";
  }
  return "";
}

std::string_view ToString(Transcript::TextState state) {
  switch (state) {
    case Transcript::TextState::kAwaited:
      return "awaited";
    case Transcript::TextState::kFinal:
      return "final";
    case Transcript::TextState::kPartial:
      return "partial";
    case Transcript::TextState::kFailed:
      return "failed";
    case Transcript::TextState::kMissing:
      return "missing";
  }
  return "";
}

std::string_view ToString(Transcript::ToolState state) {
  switch (state) {
    case Transcript::ToolState::kOpen:
      return "open";
    case Transcript::ToolState::kAnswered:
      return "answered";
    case Transcript::ToolState::kFailed:
      return "failed";
    case Transcript::ToolState::kUnanswered:
      return "unanswered";
  }
  return "";
}

}  // namespace

Json LineFields(const Transcript::FinalLine& line) {
  Json json = Json::object();
  json["line"] = static_cast<uint32_t>(line.line);
  json["role"] = ToString(line.kind);
  json["startMs"] = line.start_ms;
  json["endMs"] = line.end_ms;
  if (line.kind == Transcript::Kind::kTool) {
    json["toolCallId"] = line.call_id;
    json["name"] = line.name;
    json["arguments"] = line.arguments;
    json["result"] = line.result;
    json["state"] = ToString(line.tool);
    const protocol::ToolRequestFacts& facts = line.facts;
    if (facts.latency_ms != protocol::ToolRequestFacts::kNone) {
      json["latencyMs"] = facts.latency_ms;
    }
    if (facts.status != 0) json["status"] = facts.status;
    if (!facts.failure.empty()) json["failure"] = facts.failure;
    return json;
  }
  json["item"] = line.item;
  json["part"] = line.part;
  json["said"] = line.said;
  json["heard"] = line.heard;
  json["cut"] = line.cut;
  json["text"] = ToString(line.text);
  const auto add = [&](const char* key, std::optional<int64_t> ms) {
    if (ms) json[key] = *ms;
  };
  if (line.kind == Transcript::Kind::kCaller) {
    add("overMs", line.over_ms);
    return json;
  }
  json["origin"] = line.origin == Transcript::Origin::kReply ? "reply" : "say";
  add("sentMs", line.sent_ms);
  add("latencySentMs", line.latency_sent_ms);
  add("latencyHeardMs", line.latency_heard_ms);
  return json;
}

}  // namespace trunkline::session
