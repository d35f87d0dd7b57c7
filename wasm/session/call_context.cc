#include "session/call_context.h"

#include <bit>

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

}  // namespace trunkline::session
