#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/channels.h"
#include "protocol/registry.h"
#include "protocol/wire.h"
#include "session/call_context.h"

namespace trunkline::session {

// The agent's side: opening its channels, opening them again when they are
// lost, and keeping what the caller says meanwhile. Owns the timers
// kAgentReady, kAgentRetry and kAgent.
class AgentLink {
 public:
  // The caller's audio that is kept for an agent that is not ready, ms.
  // Overflow: the oldest is dropped and counted.
  static constexpr int kMaxBacklogMs = 5'000;
  // Times that the agent is started again without a reply in between.
  static constexpr int kMaxRetries = 2;

  // All are borrowed for the life of the object.
  AgentLink(CallContext& context, const protocol::Registry& registry,
            protocol::Channels& channels);
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  // Makes the agent that the configuration names, for a leg of this format.
  void Create(protocol::AudioFormat leg_format);
  bool created() const { return agent_ != nullptr; }
  // Starts it, or starts it again. AgentReady comes when it may be spoken to,
  // all attempts together within `agentReadyMs`, after a loss with the first
  // pause besides.
  void Start();
  bool ready() const { return phase_ == Phase::kReady; }
  // For good.
  bool lost() const { return phase_ == Phase::kLost; }
  // It will be ready, or lost, without anybody's doing.
  bool returning() const;

  // The agent, at the time of the input. Precondition: created(). After each of
  // its inputs and commands, as after Start(), NextEvent() is called until it
  // has none. An agent that is not ready takes no part in the conversation:
  // what it says of that, in whatever format, is out of order.
  protocol::Agent& agent();
  std::optional<protocol::AgentEvent> NextEvent();

  // What AgentReady makes true: it hears what the caller has said meanwhile. Of
  // a turn of his that began so long ago it is told where that begins.
  void BeReady(std::optional<Duration> turn_began = std::nullopt);
  // The agent cannot go on: ends it, and starts it again later where that may
  // help. Returns whether it will.
  enum class Outlook : uint8_t { kReturns, kLost };
  Outlook Fail(protocol::AgentFailed::Loss loss, const protocol::Failure& why);
  // A reply was complete: the agent may fail anew.
  void ForgetRetries() { retries_ = 0; }
  // The agent's own deadline, after all of its inputs and commands.
  void SetOwnTimer();
  // The call is over.
  void End();

  // A frame of the caller, in the agent's format: heard, kept or dropped.
  enum class Hearing : uint8_t { kOn, kOff };
  void Feed(std::span<const uint8_t> audio, Hearing hearing);

  // Counts it, and tells of it: what the provider says with it, and always if
  // it refuses a tool's result.
  void OnFault(const protocol::AgentFaulted& faulted);

  // The provider's name of an item; "" if it is not remembered.
  std::string_view item_name(protocol::ItemId item) const {
    return agent_->item_name(item);
  }
  int32_t item_part(protocol::ItemId item) const {
    return agent_->item_part(item);
  }
  const protocol::AgentTraits& traits() const { return agent_->traits(); }

  const FaultCounts& faults() const { return faults_; }
  uint64_t backlog_dropped_ms() const { return backlog_dropped_ms_; }

 private:
  enum class Phase : uint8_t {
    kNone,      // not wanted yet
    kStarting,  // its channels open, it is configured
    kReady,
    kBackoff,  // lost; will be started again
    kLost,     // lost for good
  };

  CallContext& context_;
  const protocol::Registry registry_;
  protocol::Channels& channels_;
  std::unique_ptr<protocol::Agent> agent_;
  Phase phase_ = Phase::kNone;
  int retries_ = 0;
  // When the attempts since it was ready last have taken too long; nullopt
  // before the first.
  std::optional<Instant> ready_by_;
  // In the agent's input format.
  std::vector<uint8_t> backlog_;
  FaultCounts faults_{};
  uint64_t backlog_dropped_ms_ = 0;
};

}  // namespace trunkline::session
