#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "session/effect_sink.h"

namespace trunkline::test {

// The effects of a session that are no network: kept, and checked against what
// holds for each of them.
class CallLog : public session::EffectSink {
 public:
  const std::vector<Json>& events() const { return events_; }
  std::vector<Json> EventsOf(std::string_view type) const;
  size_t Count(std::string_view type) const {
    const auto it = counts_.find(type);
    return it == counts_.end() ? 0 : it->second;
  }
  const std::vector<Json>& ended() const { return ended_; }
  // Why the call is over; how many summaries there are if not one.
  std::string EndReason() const;
  // The recording's pages, one behind the other.
  const std::vector<uint8_t>& recording() const { return recording_; }
  // The last that the session wrote.
  const std::string& snapshot() const { return snapshot_; }
  struct SnapshotCounts {
    uint64_t count = 0;
    uint64_t bytes = 0;
  };
  const SnapshotCounts& snapshot_counts() const { return snapshot_counts_; }
  // Effects after ENDED; must stay 0.
  int effects_after_end() const { return effects_after_end_; }
  Instant deadline() const { return deadline_; }
  // Before each effect of the session.
  std::function<void()> on_effect;

 protected:
  explicit CallLog(int64_t first_seq) : next_seq_(first_seq) {}
  ~CallLog() = default;

  // Before each effect.
  void NoteEffect() {
    if (on_effect) on_effect();
    if (!ended_.empty()) ++effects_after_end_;
  }
  void ClearDeadline() { deadline_ = Instant::Never(); }
  const std::vector<Json>& command_results() const { return command_results_; }

 private:
  void SetDeadline(Instant at) final;
  void CommandResult(const Json& result) final;
  void Event(const Json& event) final;
  void Record(int64_t granule, std::span<const uint8_t> pages) final;
  void Snapshot(std::string_view text) final;
  void Ended(const Json& summary) final;

  int64_t next_seq_;
  std::vector<Json> events_;
  std::map<std::string, size_t, std::less<>> counts_;
  std::vector<Json> ended_;
  std::vector<uint8_t> recording_;
  int64_t recorded_until_ = 0;
  std::string snapshot_;
  SnapshotCounts snapshot_counts_;
  int effects_after_end_ = 0;
  Instant deadline_ = Instant::Never();
  std::vector<Json> command_results_;
};

}  // namespace trunkline::test
