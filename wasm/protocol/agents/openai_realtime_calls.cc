// Calls of tools in what the server says, and their results.

#include <algorithm>
#include <utility>

#include "protocol/agents/openai_messages.h"
#include "protocol/agents/openai_realtime.h"

namespace trunkline::protocol {
namespace {

bool IsCall(const Json& item) {
  return StringMember(item, "type") == "function_call";
}

}  // namespace

void OpenAiRealtime::OnOutputItemAdded(const Json& message) {
  const Json* item = FindMember(message, "item");
  if (item == nullptr || !IsCall(*item)) return;
  TakePiece({std::string(StringMember(message, "response_id")),
             std::string(StringMember(*item, "id")),
             std::string(StringMember(*item, "call_id")),
             std::string(StringMember(*item, "name")),
             {}});
}

void OpenAiRealtime::OnArgumentsDone(const Json& message) {
  TakePiece({std::string(StringMember(message, "response_id")),
             std::string(StringMember(message, "item_id")),
             std::string(StringMember(message, "call_id")),
             std::string(StringMember(message, "name")),
             std::string(StringMember(message, "arguments"))});
}

void OpenAiRealtime::TakePiece(const OpenAiCalls::Call& piece) {
  if (IsFinished(piece.response)) return;
  responses_.OnPiece();
  if (!calls_.TakePiece(piece)) Report(Fault::kTooLarge);
}

void OpenAiRealtime::OnOutputItemDone(const Json& message) {
  const Json* item = FindMember(message, "item");
  if (item == nullptr || !IsCall(*item)) return;
  const std::string_view response = StringMember(message, "response_id");
  if (responses_.IsDiscarded(response)) return;
  std::optional<Fault> fault;
  const OpenAiCalls::Call* call = calls_.TakeItem(response, *item, fault);
  if (call != nullptr && responses_.IsOver(response)) {
    Report(Fault::kOutOfOrder);
    return;
  }
  if (fault) Report(*fault);
  if (call == nullptr) return;
  responses_.OnToolCall();
  TellCall(*call);
}

void OpenAiRealtime::TellCall(const OpenAiCalls::Call& call) {
  open_tool_calls_.push_back(call.call_id);
  events_.Push(AgentToolCall{call.call_id, call.name, call.arguments});
}

bool OpenAiRealtime::MakeLateCalls(const Json& response) {
  const std::string_view id = StringMember(response, "id");
  size_t made = 0;
  std::optional<Fault> wrong;
  const auto tell = [&](const OpenAiCalls::Call* call,
                        std::optional<Fault> fault) {
    if (!wrong) wrong = fault;
    if (call == nullptr) return;
    if (made == kMaxLateCalls) {
      wrong = Fault::kTooLarge;
      return;
    }
    ++made;
    TellCall(*call);
  };
  std::optional<Fault> fault;
  const Json* output = FindMember(response, "output");
  if (output != nullptr && output->is_array()) {
    for (const Json& item : *output) {
      if (!IsCall(item)) continue;
      const OpenAiCalls::Call* call = calls_.TakeItem(id, item, fault);
      tell(call, fault);
    }
  }
  // Of one that was stopped, the last arguments may be a beginning.
  const std::string_view status = StringMember(response, "status");
  if (status != "incomplete" && status != "failed" && status != "cancelled") {
    while (const OpenAiCalls::Call* call = calls_.TakePending(id, fault)) {
      tell(call, fault);
    }
    tell(nullptr, fault);
  }
  if (wrong) Report(*wrong);
  return made > 0;
}

void OpenAiRealtime::ToolResult(std::string_view tool_call_id,
                                std::string_view output) {
  SendToolResult(tool_call_id, output);
}

void OpenAiRealtime::SendToolResult(std::string_view tool_call_id,
                                    std::string_view output) {
  // A call of a former socket that this one was not told of.
  const auto call =
      std::find(open_tool_calls_.begin(), open_tool_calls_.end(), tool_call_id);
  if (call == open_tool_calls_.end()) return;
  open_tool_calls_.erase(call);
  if (results_.size() == kMaxResults) results_.erase(results_.begin());
  std::string event_id = Send(FunctionOutputItem(tool_call_id, output));
  results_.push_back({std::move(event_id), std::string(tool_call_id)});
}

}  // namespace trunkline::protocol
