#include "session/tool_exchange.h"

#include <utility>

namespace trunkline::session {

ToolExchange::ToolExchange(CallContext& context, AgentLink& agent,
                           Transcript& transcript, protocol::Channels& channels)
    : context_(context),
      agent_(agent),
      transcript_(transcript),
      desk_(context.config().profile.agent.tools,
            context.config().limits.reply),
      requests_(context.config().call_id, channels) {}

ToolExchange::Called ToolExchange::OnCall(const protocol::AgentToolCall& call) {
  transcript_.OnToolCall(call.tool_call_id, call.name, call.arguments,
                         context_.now());
  if (call.name == ToolDesk::kEndCall) {
    if (!end_call_id_) {
      end_call_id_ = call.tool_call_id;
    } else if (*end_call_id_ != call.tool_call_id) {
      constexpr std::string_view kAlready =
          R"({"error":"the call is being ended already"})";
      agent_.agent().ToolResult(call.tool_call_id, kAlready);
      transcript_.OnToolResult(call.tool_call_id, kAlready,
                               Transcript::ToolState::kFailed, context_.now());
    }
    return Called::kEndsCall;
  }
  if (desk_.Open(call.tool_call_id, call.name, context_.now())) {
    Run();
    return Called::kOpened;
  }
  // Out of turn: those before it wait for their tools.
  constexpr std::string_view kTooMany =
      R"({"error":"too many tools at a time"})";
  agent_.agent().ToolResult(call.tool_call_id, kTooMany);
  transcript_.OnToolResult(call.tool_call_id, kTooMany,
                           Transcript::ToolState::kFailed, context_.now());
  gave_besides_ = true;
  return Called::kOpened;
}

void ToolExchange::GoOn() {
  if (!end_call_id_) return;
  const std::string call_id = std::exchange(end_call_id_, {}).value_or("");
  constexpr std::string_view kUnheard =
      R"({"error":"the goodbye was not heard to its end; the call goes on"})";
  if (agent_.ready()) agent_.agent().ToolResult(call_id, kUnheard);
  transcript_.OnToolResult(call_id, kUnheard, Transcript::ToolState::kFailed,
                           context_.now());
}

void ToolExchange::Begin() { Run(); }

void ToolExchange::Run() {
  using To = protocol::ToolRequests::To;
  requests_.SetNow(context_.now());
  for (const ToolDesk::Errand& errand : desk_.Errands()) {
    if (requests_.IsOpen(errand.call_id)) continue;
    const auto open = transcript_.open_tool(errand.call_id);
    // As the model made them, or none: what is not whole is not sent.
    const bool is_whole = open && !open->shortened;
    requests_.Begin({.id = errand.call_id,
                     .name = errand.name,
                     .arguments = is_whole ? open->arguments : "",
                     .at_ms = open ? open->start_ms : 0,
                     .due = errand.due},
                    errand.bringer == ToolDesk::Bringer::kWeather
                        ? To::kWeather
                        : To::kWebhook);
  }
  TakeResults();
}

protocol::ToolRequests& ToolExchange::requests() {
  requests_.SetNow(context_.now());
  return requests_;
}

bool ToolExchange::TakeResults() {
  bool any = false;
  while (const auto result = requests_.NextResult()) {
    desk_.Bring(result->call_id, result->output, result->facts);
    any = true;
  }
  return any;
}

void ToolExchange::OnDeadline(Instant now) {
  requests().OnDeadline();
  TakeResults();
  desk_.OnDeadline(now);
}

void ToolExchange::OnEnd() {
  if (!end_call_id_) return;
  transcript_.OnToolResult(std::exchange(end_call_id_, {}).value_or(""),
                           R"({"result":"the call has ended"})",
                           Transcript::ToolState::kAnswered, context_.now());
}

void ToolExchange::Take(std::string_view call_id, std::string_view output) {
  std::string name;
  switch (desk_.Take(call_id, output, &name)) {
    case ToolDesk::Taken::kLate:
      TakeLate(call_id, name, output);
      return;
    case ToolDesk::Taken::kAnswer:
    case ToolDesk::Taken::kUnknown:
      return;
  }
}

// The call was answered for: the result reaches the model as a line of its own,
// or, if there is no connection, with the conversation that the next one is
// told.
void ToolExchange::TakeLate(std::string_view call_id, std::string_view name,
                            std::string_view output) {
  transcript_.OnLateToolResult(call_id, output);
  gave_besides_ = true;
  if (!agent_.ready()) return;
  std::string text = "The tool ";
  text += name;
  text += " has answered after all: ";
  text += output;
  protocol::ConversationLine line;
  line.text = text;
  agent_.agent().Tell({&line, 1});
}

Json ToolExchange::ToJson(Instant now) const {
  Json json = desk_.ToJson(now);
  if (end_call_id_) json["endCall"] = *end_call_id_;
  return json;
}

bool ToolExchange::FromJson(const Json& json, Instant now) {
  if (!desk_.FromJson(json, now)) return false;
  const std::string_view end_call = StringMember(json, "endCall");
  if (!end_call.empty()) end_call_id_ = end_call;
  return true;
}

bool ToolExchange::Give() {
  bool gave = std::exchange(gave_besides_, false);
  if (!agent_.ready()) return gave;
  while (const auto answer = desk_.NextAnswer()) {
    agent_.agent().ToolResult(answer->call_id, answer->output);
    transcript_.OnToolResult(answer->call_id, answer->output,
                             answer->answered ? Transcript::ToolState::kAnswered
                                              : Transcript::ToolState::kFailed,
                             context_.now(), answer->facts);
    gave = true;
  }
  return gave;
}

}  // namespace trunkline::session
