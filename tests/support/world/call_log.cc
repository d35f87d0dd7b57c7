#include "support/world/call_log.h"

#include "base/check.h"

namespace trunkline::test {

std::vector<Json> CallLog::EventsOf(std::string_view type) const {
  std::vector<Json> found;
  for (const Json& event : events_) {
    if (StringMember(event, "type") == type) found.push_back(event);
  }
  return found;
}

std::string CallLog::EndReason() const {
  return ended_.size() == 1 ? std::string(StringMember(ended_[0], "reason"))
                            : std::to_string(ended_.size()) + " summaries";
}

void CallLog::SetDeadline(Instant at) {
  NoteEffect();
  deadline_ = at;
}

void CallLog::CommandResult(const Json& result) {
  NoteEffect();
  command_results_.push_back(result);
}

void CallLog::Event(const Json& event) {
  NoteEffect();
  // INVARIANT: events are numbered in the order in which they come; levels are
  // for the moment.
  if (StringMember(event, "type") != "levels") {
    TL_CHECK(IntegerMember(event, "seq") == next_seq_);
    ++next_seq_;
  }
  events_.push_back(event);
  ++counts_[std::string(StringMember(event, "type"))];
}

void CallLog::Record(int64_t granule, std::span<const uint8_t> pages) {
  NoteEffect();
  TL_CHECK(granule >= recorded_until_ && !pages.empty());
  recorded_until_ = granule;
  recording_.insert(recording_.end(), pages.begin(), pages.end());
}

void CallLog::Snapshot(std::string_view text) {
  NoteEffect();
  snapshot_ = text;
  ++snapshot_counts_.count;
  snapshot_counts_.bytes += text.size();
}

void CallLog::Ended(const Json& summary) {
  NoteEffect();
  ended_.push_back(summary);
}

}  // namespace trunkline::test
