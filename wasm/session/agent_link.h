#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/agents/agent.h"
#include "protocol/channels.h"
#include "protocol/registry.h"
#include "protocol/wire.h"
#include "session/agent_list.h"
#include "session/call_context.h"
#include "session/missed_speech.h"

namespace trunkline::session {

// The agent's side: opening its channels, opening them again when they are
// lost, replacing an agent by the next of the list, and keeping what the caller
// says meanwhile. Owns the timers kAgentReady, kAgentRetry and kAgent.
//
// Items have numbers of the call's here, whichever agent they are of: those of
// a former agent are remembered by name, and no other agent is told of them.
class AgentLink {
 public:
  // The caller's audio that is kept for an agent that is not ready, ms.
  // Overflow: the oldest is dropped and counted.
  static constexpr int kMaxBacklogMs = 5'000;
  // Times that the agent is started again without a reply in between.
  static constexpr int kMaxRetries = 2;
  // Where there is a next agent: the time in which the one that was lost may be
  // there again, once, instead of kMaxRetries times; and that in which one has
  // to be ready at first. A provider takes a second at most to be ready.
  static constexpr Duration kTryAgainWithin = Duration::Millis(1'500);
  static constexpr Duration kReadyWithin = Duration::Millis(4'000);
  // Items of former agents of which the names are remembered. Overflow: the
  // oldest has none any more.
  static constexpr size_t kMaxFormerItems = 64;

  // All are borrowed for the life of the object.
  AgentLink(CallContext& context, const protocol::Registry& registry,
            protocol::Channels& channels);
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  // Makes the agent that has the call, for a leg of this format.
  void Create(protocol::AudioFormat leg_format);
  // The formats that agents of the list speak which may take its place.
  std::vector<protocol::AudioFormat> OtherOutputs() const;
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
  // a turn of his that began so long ago it is told where that begins; one that
  // replays() begins with what is heard.
  void BeReady(std::optional<Duration> turn_began = std::nullopt);
  // What it hears when it is ready begins with what a former agent, or a former
  // socket, has heard and not answered.
  bool replays() const { return replays_; }
  // The agent cannot go on: ends it, and starts it again later where that may
  // help, or the next one at once. Returns which.
  enum class Outlook : uint8_t { kReturns, kNext, kLost };
  enum class Successor : uint8_t { kAllowed, kNone };
  Outlook Fail(protocol::AgentFailed::Loss loss, const protocol::Failure& why,
               Successor successor = Successor::kAllowed);
  // The agent is not wanted any more, for this reason: the next one is started.
  // Precondition: list().has_next().
  void GoToNext(std::string_view reason);
  // This one is started in its place. Precondition: it is another one.
  void SwitchTo(size_t index, std::string_view reason);
  const AgentList& list() const { return list_; }
  bool has_next() const { return list_.has_next(); }
  // What a lost session says of which agent has the call. Before Create().
  void Restore(const Json& snapshot);
  // A reply was complete: the agent may fail anew.
  void ForgetRetries() { retries_ = 0; }
  // The agent's own deadline, after all of its inputs and commands.
  void SetOwnTimer();
  // The call is over.
  void End();

  // A frame of the caller, in the agent's format: heard, kept or dropped.
  enum class Hearing : uint8_t { kOn, kOff };
  void Feed(std::span<const uint8_t> audio, Hearing hearing,
            MissedSpeech::Turn turn = MissedSpeech::Turn::kOut);
  // What he has said was answered, or is known as a text.
  void ForgetSpeech();
  // How long ago a speech ended, of what the agent was given to hear: silence
  // of before it had the call is left out.
  Duration AgoOf(Duration since_speech) const;

  // Counts it, and tells of it: what the provider says with it, and always if
  // it refuses a tool's result.
  void OnFault(const protocol::AgentFaulted& faulted);

  // The provider's name of an item; "" if it is not remembered.
  std::string_view item_name(protocol::ItemId item) const;
  int32_t item_part(protocol::ItemId item) const;
  // As of Agent::Truncate(), unless it is a former agent's.
  int64_t Truncate(protocol::ItemId item, int64_t heard_ms);
  const protocol::AgentTraits& traits() const { return agent_->traits(); }

  const FaultCounts& faults() const { return faults_; }
  uint64_t backlog_dropped_ms() const { return backlog_dropped_ms_; }
  uint64_t missed_dropped_ms() const {
    return missed_ ? missed_->dropped_ms() : 0;
  }

 private:
  enum class Phase : uint8_t {
    kNone,      // not wanted yet
    kStarting,  // its channels open, it is configured
    kReady,
    kBackoff,  // lost; will be started again
    kLost,     // lost for good
  };
  struct FormerItem {
    protocol::ItemId item{};
    std::string name;
    int32_t part = 0;
  };

  std::unique_ptr<protocol::Agent> Make(size_t index) const;
  void Replace(size_t index, std::string_view reason);
  void RememberItems();
  // What was missed is heard when the agent is ready, and what comes until
  // then.
  void KeepMissed();
  bool IsFormer(protocol::ItemId item) const {
    return static_cast<uint32_t>(item) <= items_before_;
  }
  const FormerItem* FindFormer(protocol::ItemId item) const;
  // As the agent numbers it.
  protocol::ItemId Theirs(protocol::ItemId item) const {
    return protocol::ItemId{static_cast<uint32_t>(item) - items_before_};
  }
  Duration ReadyWithin() const;

  CallContext& context_;
  const protocol::Registry registry_;
  protocol::Channels& channels_;
  AgentList list_;
  protocol::AudioFormat leg_format_;
  std::unique_ptr<protocol::Agent> agent_;
  // The one before, as long as what it said may be looked at.
  std::unique_ptr<protocol::Agent> retired_;
  Phase phase_ = Phase::kNone;
  int retries_ = 0;
  // When the attempts since it was ready last have taken too long; nullopt
  // before the first.
  std::optional<Instant> ready_by_;
  // In the agent's input format.
  std::vector<uint8_t> backlog_;
  // Where there is more than one agent.
  std::optional<MissedSpeech> missed_;
  bool replays_ = false;
  // Silence that is not in what it hears, before this time.
  Duration left_out_;
  Instant left_out_at_;
  // Numbers of items up to this one are former agents'; the highest in use.
  uint32_t items_before_ = 0;
  uint32_t last_item_ = 0;
  std::vector<FormerItem> former_items_;
  FaultCounts faults_{};
  uint64_t backlog_dropped_ms_ = 0;
};

}  // namespace trunkline::session
