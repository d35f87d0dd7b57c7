#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/channels.h"
#include "protocol/wire.h"
#include "session/call_context.h"

namespace trunkline::session {

// The agent's side: opening its channels, opening them again when they are
// lost, and keeping what the caller says meanwhile. Owns the timers kAgentReady
// and kAgentRetry.
class AgentLink {
 public:
  // The caller's audio that is kept for an agent that is not ready, ms.
  // Overflow: the oldest is dropped and counted.
  static constexpr int kMaxBacklogMs = 5'000;
  // Times that the agent is started again without a reply in between.
  static constexpr int kMaxRetries = 2;

  explicit AgentLink(CallContext& context);
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  // Makes the agent that the configuration names, for a leg of this format.
  void Create(protocol::AudioFormat leg_format);
  bool created() const { return agent_ != nullptr; }
  // Starts it, or starts it again. AgentReady comes when it may be spoken to.
  void Start();
  bool ready() const { return phase_ == Phase::kReady; }
  // It will be ready, or lost, without anybody's doing.
  bool returning() const;

  // Inputs. After each, as after Start() and every command, NextEvent() is
  // called until it has none.
  void OnSocketOpened();
  void OnText(std::string_view text);
  void OnBinary(std::span<const uint8_t> bytes);
  void OnSocketClosed(uint16_t code, uint16_t http_status);
  void OnOversize();
  std::optional<protocol::AgentEvent> NextEvent();

  // What AgentReady makes true.
  void BeReady();
  // The agent cannot go on: ends it, and starts it again later where that may
  // help. Returns whether it will.
  enum class Outlook : uint8_t { kReturns, kLost };
  Outlook Fail(protocol::AgentFailed::Loss loss, std::string_view code);
  // A reply was complete: the agent may fail anew.
  void ForgetRetries() { retries_ = 0; }
  // The call is over.
  void End();

  // A frame of the caller, in the agent's format: heard, kept or dropped.
  enum class Hearing : uint8_t { kOn, kOff };
  void Feed(std::span<const uint8_t> audio, Hearing hearing);

  void CountFault(protocol::Fault fault);

  // The agent. Precondition: created().
  protocol::Agent& agent() { return *agent_; }
  const protocol::Agent& agent() const { return *agent_; }
  const protocol::AgentTraits& traits() const { return agent_->traits(); }

  const FaultCounts& faults() const { return faults_; }
  uint64_t backlog_dropped_ms() const { return backlog_dropped_ms_; }

 private:
  enum class Phase : uint8_t {
    kNone,         // not wanted yet
    kConnecting,   // the shim opens the socket
    kConfiguring,  // the socket is open, the agent not ready
    kReady,
    kBackoff,  // lost; will be started again
    kLost,     // lost for good
  };

  // The agent's socket at the sink.
  class AgentChannels final : public protocol::Channels {
   public:
    explicit AgentChannels(EffectSink& sink) : sink_(sink) {}
    std::optional<protocol::ChannelId> Connect(
        const protocol::ConnectRequest& request) override;
    std::optional<protocol::ChannelId> Fetch(
        const protocol::FetchRequest& request) override;
    void SendText(protocol::ChannelId channel, std::string_view text) override;
    void SendBinary(protocol::ChannelId channel,
                    std::span<const uint8_t> bytes) override;
    void Close(protocol::ChannelId channel, uint16_t code,
               std::string_view reason) override;
    void Abort(protocol::ChannelId channel) override;
    void Credit(protocol::ChannelId channel, uint32_t bytes) override;
    // The one that was opened last.
    protocol::ChannelId current() const { return protocol::ChannelId{opened_}; }
    uint16_t opened() const { return opened_; }

   private:
    EffectSink& sink_;
    uint16_t opened_ = 0;
  };

  CallContext& context_;
  AgentChannels channels_;
  std::unique_ptr<protocol::Agent> agent_;
  Phase phase_ = Phase::kNone;
  int retries_ = 0;
  // In the agent's input format.
  std::vector<uint8_t> backlog_;
  FaultCounts faults_{};
  uint64_t backlog_dropped_ms_ = 0;
};

}  // namespace trunkline::session
