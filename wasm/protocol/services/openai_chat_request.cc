#include "protocol/services/openai_chat_request.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

using Kind = ConversationLine::Kind;

// Everything of a line that has a length of its own.
size_t CostOf(const ConversationLine& line) {
  return kLineCostBytes + line.text.size() + line.call_id.size() +
         line.name.size() + line.arguments.size() +
         line.result.value_or("").size();
}

// The newest lines within the bound, and the last one in any case.
std::span<const ConversationLine> Newest(
    std::span<const ConversationLine> lines) {
  size_t bytes = 0;
  size_t count = 0;
  while (count < lines.size()) {
    bytes += CostOf(lines[lines.size() - 1 - count]);
    if (bytes > kMaxConversationBytes && count > 0) break;
    ++count;
  }
  return lines.last(count);
}

// Only the last line can be longer.
std::string Bounded(std::string_view text) {
  return std::string(CutText(text, kMaxConversationBytes));
}

void AddText(Json& messages, const char* role, std::string_view text) {
  if (text.empty()) return;
  if (!messages.empty()) {
    Json& last = messages.back();
    if (StringMember(last, "role") == role && !last.contains("tool_calls")) {
      std::string& content = last["content"].get_ref<std::string&>();
      (content += '\n') += Bounded(text);
      return;
    }
  }
  messages.push_back({{"role", role}, {"content", Bounded(text)}});
}

// Some servers read the arguments of former calls, and refuse the conversation
// for those that are no object.
std::string ArgumentsOf(const ConversationLine& line) {
  const auto json = line.arguments.size() <= kMaxConversationBytes
                        ? ParseJson(line.arguments)
                        : std::nullopt;
  return json && json->is_object() ? std::string(line.arguments) : "{}";
}

void AddToolCall(Json& messages, const ConversationLine& line,
                 OpenAiChatConfig::Dialect dialect) {
  const bool continues = !messages.empty() &&
                         StringMember(messages.back(), "role") == "assistant" &&
                         !messages.back().contains("tool_calls");
  if (!continues) {
    messages.push_back({{"role", "assistant"}, {"content", nullptr}});
    if (dialect == OpenAiChatConfig::Dialect::kWorkersAi) {
      messages.back()["content"] = "";
    }
  }
  const Json call = {
      {"id", line.call_id},
      {"type", "function"},
      {"function", {{"name", line.name}, {"arguments", ArgumentsOf(line)}}}};
  messages.back()["tool_calls"] = Json::array({call});
  messages.push_back(
      {{"role", "tool"},
       {"tool_call_id", line.call_id},
       {"content", Bounded(line.result.value_or(kNoResultYet))}});
}

}  // namespace

Json ChatTools(const Json& tools) {
  Json nested;
  if (!tools.is_array()) return nested;
  for (const Json& tool : tools) {
    if (StringMember(tool, "name").empty()) continue;
    Json function = Json::object();
    for (const char* key : {"name", "description", "parameters", "strict"}) {
      const Json* member = FindMember(tool, key);
      if (member != nullptr && !member->is_null()) function[key] = *member;
    }
    nested.push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  return nested;
}

std::string ChatRequest(const OpenAiChatConfig& config, const Json& tools,
                        const LlmRequest& request) {
  Json messages = Json::array();
  const std::string_view instructions =
      request.instructions.empty() ? config.instructions : request.instructions;
  if (!instructions.empty()) {
    messages.push_back({{"role", "system"}, {"content", instructions}});
  }
  for (const ConversationLine& line : Newest(request.conversation)) {
    switch (line.kind) {
      case Kind::kCaller:
        AddText(messages, "user", line.text);
        break;
      case Kind::kAgent:
        AddText(messages, "assistant", line.text);
        break;
      case Kind::kTool:
        AddToolCall(messages, line, config.dialect);
        break;
    }
  }
  if (!request.understood) AddText(messages, "user", kNotUnderstood);
  // A request without messages is refused.
  if (messages.empty()) {
    messages.push_back({{"role", "system"}, {"content", ""}});
  }
  Json body = {{"stream", true}};
  const bool is_openai = config.dialect == OpenAiChatConfig::Dialect::kOpenAi;
  if (is_openai) {
    body["model"] = config.model;
    body["stream_options"]["include_usage"] = true;
  }
  body["messages"] = std::move(messages);
  if (!tools.is_null()) body["tools"] = tools;
  if (config.temperature) body["temperature"] = *config.temperature;
  // `max_tokens`, its former name, is refused by reasoning models.
  if (config.max_reply_tokens) {
    body[is_openai ? "max_completion_tokens" : "max_tokens"] =
        *config.max_reply_tokens;
  }
  return PrintJson(body);
}

}  // namespace trunkline::protocol
