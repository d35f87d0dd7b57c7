#include "session/agent_link.h"

#include <algorithm>
#include <utility>

#include "media/caller_audio.h"
#include "protocol/agents/registry.h"
#include "session/close_codes.h"
#include "session/tool_desk.h"

namespace trunkline::session {
namespace {

// The pause before the agent is started again; doubles.
constexpr Duration kRetryPause = Duration::Millis(500);

}  // namespace

std::optional<protocol::ChannelId> AgentLink::AgentChannels::Connect(
    const protocol::ConnectRequest& request) {
  Json json = {{"upstream", request.upstream}, {"path", request.path}};
  json["protocols"] = Json::array();
  if (!request.protocol.empty()) json["protocols"].push_back(request.protocol);
  sink_.Connect(Port::kAgent, json);
  return protocol::ChannelId{++opened_};
}

std::optional<protocol::ChannelId> AgentLink::AgentChannels::Fetch(
    const protocol::FetchRequest& /*request*/) {
  return std::nullopt;
}

void AgentLink::AgentChannels::SendText(protocol::ChannelId /*channel*/,
                                        std::string_view text) {
  sink_.SendText(Port::kAgent, text);
}

void AgentLink::AgentChannels::SendBinary(protocol::ChannelId /*channel*/,
                                          std::span<const uint8_t> bytes) {
  sink_.SendBinary(Port::kAgent, bytes);
}

void AgentLink::AgentChannels::Close(protocol::ChannelId /*channel*/,
                                     uint16_t code, std::string_view reason) {
  sink_.Close(Port::kAgent, code, reason);
}

void AgentLink::AgentChannels::Abort(protocol::ChannelId /*channel*/) {}
void AgentLink::AgentChannels::Credit(protocol::ChannelId /*channel*/,
                                      uint32_t /*bytes*/) {}

AgentLink::AgentLink(CallContext& context)
    : context_(context), channels_(context.sink()) {}

void AgentLink::Create(protocol::AudioFormat leg_format) {
  const Config& config = context_.config();
  protocol::AgentSettings settings = config.profile.agent;
  settings.tools = ToolDesk::WithBuiltIns(settings.tools);
  settings.end_of_turn = config.limits.end_of_turn;
  settings.leg_format = leg_format;
  for (const protocol::AgentEntry& entry : protocol::Agents()) {
    if (entry.name == config.agent) {
      agent_ = entry.make(std::move(settings), channels_);
      return;
    }
  }
}

void AgentLink::Start() {
  const uint16_t opened = channels_.opened();
  agent_->Begin();
  if (channels_.opened() == opened) {
    phase_ = Phase::kConfiguring;
    return;
  }
  phase_ = Phase::kConnecting;
  context_.SetTimer(Timer::kAgentReady, context_.config().limits.agent_ready);
}

bool AgentLink::returning() const {
  return context_.deadlines().IsSet(Timer::kAgentReady) ||
         context_.deadlines().IsSet(Timer::kAgentRetry);
}

void AgentLink::OnSocketOpened() {
  if (phase_ != Phase::kConnecting) return;
  phase_ = Phase::kConfiguring;
  agent_->OnSocketOpened(channels_.current());
}

void AgentLink::OnText(std::string_view text) {
  if (phase_ != Phase::kConfiguring && phase_ != Phase::kReady) return;
  agent_->OnText(channels_.current(), text);
}

void AgentLink::OnBinary(std::span<const uint8_t> bytes) {
  if (phase_ != Phase::kConfiguring && phase_ != Phase::kReady) return;
  agent_->OnBinary(channels_.current(), bytes);
}

void AgentLink::OnSocketClosed(uint16_t code, uint16_t http_status) {
  if (agent_) {
    agent_->OnSocketClosed(channels_.current(), code, http_status,
                           /*reason=*/"");
  }
}

void AgentLink::OnOversize() { CountFault(protocol::Fault::kTooLarge); }

std::optional<protocol::AgentEvent> AgentLink::NextEvent() {
  if (!agent_) return std::nullopt;
  if (auto event = agent_->NextEvent()) return event;
  agent_->Proceed();
  return agent_->NextEvent();
}

void AgentLink::BeReady() {
  phase_ = Phase::kReady;
  context_.ClearTimer(Timer::kAgentReady);
  context_.Emit(context_.NewEvent("agentReady"));
  if (!backlog_.empty()) agent_->Listen(std::exchange(backlog_, {}));
}

AgentLink::Outlook AgentLink::Fail(protocol::AgentFailed::Loss loss,
                                   std::string_view code) {
  const bool retry =
      loss == protocol::AgentFailed::Loss::kRetryable && retries_ < kMaxRetries;
  Json event = context_.NewEvent("agentFailed");
  event["code"] = code;
  event["fatal"] = !retry;
  context_.Emit(event);
  agent_->End(code);
  context_.ClearTimer(Timer::kAgentReady);
  if (!retry) {
    phase_ = Phase::kLost;
    backlog_.clear();
    return Outlook::kLost;
  }
  phase_ = Phase::kBackoff;
  context_.SetTimer(Timer::kAgentRetry,
                    Duration::Micros(kRetryPause.us() << retries_));
  ++retries_;
  return Outlook::kReturns;
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

void AgentLink::CountFault(protocol::Fault fault) {
  context_.CountFault(faults_, "agent", fault);
}

}  // namespace trunkline::session
