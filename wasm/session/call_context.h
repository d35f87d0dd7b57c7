#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "protocol/wire.h"
#include "session/config.h"
#include "session/deadlines.h"
#include "session/effect_sink.h"

namespace trunkline::session {

// How often a peer broke each rule.
using FaultCounts = std::array<uint64_t, protocol::kFaultCount>;

// What the parts of a session share: the configuration, the time, the deadlines
// and the way out. Each part sets and takes only the timers that Timer gives
// it.
class CallContext {
 public:
  // `config` and `sink` are borrowed for the life of the object.
  CallContext(const Config& config, Instant now, EffectSink& sink)
      : config_(config),
        sink_(sink),
        opened_at_(now),
        call_began_(now - Duration::Millis(std::max<int64_t>(
                              config.epoch_ms - config.call_epoch_ms, 0))),
        now_(now),
        next_seq_(config.first_seq) {}
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  const Config& config() const { return config_; }
  EffectSink& sink() { return sink_; }
  Deadlines& deadlines() { return deadlines_; }

  // Time never goes back.
  void SetNow(Instant now) { now_ = std::max(now_, now); }
  Instant now() const { return now_; }
  Instant opened_at() const { return opened_at_; }
  int64_t at_ms() const { return (now_ - opened_at_).ms(); }
  // When the call began, in this session or in a former one: what a call may
  // take, and what was said in it, counts from there.
  Instant call_began() const { return call_began_; }
  void SetCallBegan(Instant began) { call_began_ = began; }

  void SetTimer(Timer timer, Duration after) {
    deadlines_.Set(timer, now_ + after);
  }
  void ClearTimer(Timer timer) { deadlines_.Clear(timer); }
  bool TakeDue(Timer timer) { return deadlines_.TakeDue(timer, now_); }

  // An event to be filled and then emitted, before another one is begun: each
  // has the next number.
  Json NewEvent(std::string_view type);
  void Emit(const Json& event) { sink_.Event(event); }
  void CountFault(FaultCounts& counts, const char* source,
                  protocol::Fault fault);
  // The `count`th of its kind is worth an event: the first, and every power of
  // two.
  void ReportFault(const char* source, const char* code, uint64_t count);
  // The same of the agent's, with what the provider says, if it does, of which
  // so much is told as below; always if it refuses the result of a tool's call.
  void ReportPeerError(const char* code, uint64_t count,
                       const protocol::Failure& why,
                       std::string_view tool_call_id);
  // The agent, or a reply of it, failed; `fatal`: the call ends for it. Of the
  // provider's message, which may quote anything, so much is told as
  // WithoutSecrets() leaves.
  void ReportAgentFailed(const protocol::Failure& why, bool fatal);

 private:
  const Config& config_;
  EffectSink& sink_;
  const Instant opened_at_;
  Instant call_began_;
  Instant now_;
  Deadlines deadlines_;
  int64_t next_seq_;
};

}  // namespace trunkline::session
