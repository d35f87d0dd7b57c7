#include "session/call_context.h"

#include <bit>

#include "session/secrets.h"

namespace trunkline::session {

Json CallContext::NewEvent(std::string_view type) {
  return {{"type", type}, {"atMs", at_ms()}, {"seq", next_seq_++}};
}

void CallContext::CountFault(FaultCounts& counts, const char* source,
                             protocol::Fault fault) {
  ReportFault(source, ToString(fault), ++counts[static_cast<size_t>(fault)]);
}

void CallContext::ReportFault(const char* source, const char* code,
                              uint64_t count) {
  if (!std::has_single_bit(count)) return;
  Json event = NewEvent("fault");
  event["source"] = source;
  event["code"] = code;
  event["count"] = count;
  Emit(event);
}

void CallContext::ReportPeerError(const char* code, uint64_t count,
                                  const protocol::Failure& why,
                                  std::string_view tool_call_id) {
  if (!std::has_single_bit(count) && tool_call_id.empty()) return;
  Json event = NewEvent("fault");
  event["source"] = "agent";
  event["code"] = code;
  event["count"] = count;
  if (!why.code.empty()) event["error"] = WithoutSecrets(why.code);
  if (!why.param.empty()) event["param"] = WithoutSecrets(why.param);
  if (!why.message.empty()) event["message"] = WithoutSecrets(why.message);
  if (!tool_call_id.empty()) event["toolCallId"] = tool_call_id;
  Emit(event);
}

void CallContext::ReportAgentFailed(const protocol::Failure& why, bool fatal) {
  Json event = NewEvent("agentFailed");
  event["code"] = why.code.empty() ? "replyFailed" : WithoutSecrets(why.code);
  if (!why.param.empty()) event["param"] = WithoutSecrets(why.param);
  if (!why.message.empty()) event["message"] = WithoutSecrets(why.message);
  if (why.retry_after) event["retryAfterMs"] = why.retry_after->ms();
  event["fatal"] = fatal;
  Emit(event);
}

}  // namespace trunkline::session
