#include "session/agent_link.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "media/caller_audio.h"
#include "session/close_codes.h"
#include "session/tool_desk.h"

namespace trunkline::session {
namespace {

// The pause before the agent is started again; doubles.
constexpr Duration kRetryPause = Duration::Millis(500);

// Whether the event tells of the agent itself, not of the conversation.
bool IsOfItsState(const protocol::AgentEvent& event) {
  return std::holds_alternative<protocol::AgentFaulted>(event) ||
         std::holds_alternative<protocol::AgentReady>(event) ||
         std::holds_alternative<protocol::AgentFailed>(event);
}

}  // namespace

AgentLink::AgentLink(CallContext& context, const protocol::Registry& registry,
                     protocol::Channels& channels)
    : context_(context), registry_(registry), channels_(channels) {}

void AgentLink::Create(protocol::AudioFormat leg_format) {
  const Config& config = context_.config();
  protocol::AgentSettings settings = config.profile.agent;
  settings.tools = ToolDesk::WithBuiltIns(settings.tools);
  settings.end_of_turn = config.limits.end_of_turn;
  settings.leg_format = leg_format;
  settings.epoch_ms = config.epoch_ms - (context_.opened_at() - Instant()).ms();
  settings.call_began = context_.call_began();
  const protocol::AgentEntry* entry = registry_.FindAgent(config.agent);
  // INVARIANT: a configuration names an agent of the registry.
  TL_CHECK(entry != nullptr);
  agent_ = entry->make(std::move(settings), channels_);
}

void AgentLink::Start() {
  phase_ = Phase::kStarting;
  if (!ready_by_) {
    ready_by_ = context_.now() + context_.config().limits.agent_ready;
  }
  context_.deadlines().Set(Timer::kAgentReady, *ready_by_);
  agent().Begin();
}

protocol::Agent& AgentLink::agent() {
  agent_->SetNow(context_.now());
  return *agent_;
}

bool AgentLink::returning() const {
  return context_.deadlines().IsSet(Timer::kAgentReady) ||
         context_.deadlines().IsSet(Timer::kAgentRetry);
}

std::optional<protocol::AgentEvent> AgentLink::NextEvent() {
  if (!agent_) return std::nullopt;
  std::optional<protocol::AgentEvent> event = agent_->NextEvent();
  if (!event) {
    agent_->Proceed();
    event = agent_->NextEvent();
  }
  if (event && phase_ != Phase::kReady && !IsOfItsState(*event)) {
    return protocol::AgentFaulted{protocol::Fault::kOutOfOrder};
  }
  return event;
}

void AgentLink::BeReady(std::optional<Duration> turn_began) {
  phase_ = Phase::kReady;
  ready_by_.reset();
  context_.ClearTimer(Timer::kAgentReady);
  context_.Emit(context_.NewEvent("agentReady"));
  const std::vector<uint8_t> kept = std::exchange(backlog_, {});
  std::span<const uint8_t> audio = kept;
  if (turn_began) {
    // Who hears turn by turn keeps little of what was before one.
    const auto turn_ms = std::min<int64_t>(turn_began->ms(), kMaxBacklogMs);
    const size_t turn =
        std::min(audio.size(),
                 protocol::BytesOf(traits().input, static_cast<int>(turn_ms)));
    const auto before = audio.first(audio.size() - turn);
    if (!before.empty()) agent_->Listen(before);
    audio = audio.last(turn);
    agent_->TurnStarted(Duration());
  }
  if (!audio.empty()) agent_->Listen(audio);
}

AgentLink::Outlook AgentLink::Fail(protocol::AgentFailed::Loss loss,
                                   const protocol::Failure& why) {
  const Duration pause =
      std::max(Duration::Micros(kRetryPause.us() << retries_),
               why.retry_after.value_or(Duration()));
  // Nobody waits for one that takes longer than it may take to be ready.
  if (!ready_by_) {
    ready_by_ =
        context_.now() + kRetryPause + context_.config().limits.agent_ready;
  }
  const Duration left = *ready_by_ - context_.now();
  const bool retry = loss == protocol::AgentFailed::Loss::kRetryable &&
                     retries_ < kMaxRetries && pause <= left;
  context_.ReportAgentFailed(why, !retry);
  agent_->End(why.code);
  context_.ClearTimer(Timer::kAgentReady);
  if (!retry) {
    phase_ = Phase::kLost;
    backlog_.clear();
    return Outlook::kLost;
  }
  phase_ = Phase::kBackoff;
  context_.SetTimer(Timer::kAgentRetry, pause);
  ++retries_;
  return Outlook::kReturns;
}

void AgentLink::SetOwnTimer() {
  if (agent_) context_.deadlines().Set(Timer::kAgent, agent_->deadline());
}

void AgentLink::End() {
  if (agent_) agent_->End("call ended");
}

void AgentLink::Feed(std::span<const uint8_t> audio, Hearing hearing) {
  if (phase_ == Phase::kReady) {
    if (hearing == Hearing::kOn) agent_->Listen(audio);
    return;
  }
  if (phase_ == Phase::kLost) return;
  const size_t room = protocol::BytesOf(traits().input, kMaxBacklogMs);
  if (backlog_.size() + audio.size() > room) {
    const size_t drop =
        std::min(backlog_.size(), backlog_.size() + audio.size() - room);
    backlog_.erase(backlog_.begin(),
                   backlog_.begin() + static_cast<ptrdiff_t>(drop));
    constexpr int kFrameMs = media::CallerAudio::kFrameMs;
    backlog_dropped_ms_ += kFrameMs;
    context_.ReportFault("core", "backlogDropped",
                         backlog_dropped_ms_ / kFrameMs);
  }
  backlog_.insert(backlog_.end(), audio.begin(), audio.end());
}

void AgentLink::OnFault(const protocol::AgentFaulted& faulted) {
  const auto index = static_cast<size_t>(faulted.fault);
  context_.ReportPeerError(protocol::ToString(faulted.fault), ++faults_[index],
                           faulted.why, faulted.tool_call_id);
}

}  // namespace trunkline::session
