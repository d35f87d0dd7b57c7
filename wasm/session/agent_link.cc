#include "session/agent_link.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "media/caller_audio.h"
#include "media/transcoder.h"
#include "session/secrets.h"
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
    : context_(context),
      registry_(registry),
      channels_(channels),
      list_(context.config()) {}

std::unique_ptr<protocol::Agent> AgentLink::Make(size_t index) const {
  const Config& config = context_.config();
  protocol::AgentSettings settings = list_.Settings(index);
  settings.tools = ToolDesk::WithBuiltIns(settings.tools);
  settings.end_of_turn = config.limits.end_of_turn;
  settings.leg_format = leg_format_;
  settings.epoch_ms = config.epoch_ms - (context_.opened_at() - Instant()).ms();
  settings.call_began = context_.call_began();
  const protocol::AgentEntry* entry = registry_.FindAgent(list_.name(index));
  // INVARIANT: a configuration names agents of the registry.
  TL_CHECK(entry != nullptr);
  return entry->make(std::move(settings), channels_);
}

void AgentLink::Create(protocol::AudioFormat leg_format) {
  leg_format_ = leg_format;
  agent_ = Make(list_.current());
  if (list_.size() > 1) missed_.emplace(leg_format, traits().input);
}

std::vector<protocol::AudioFormat> AgentLink::OtherOutputs() const {
  std::vector<protocol::AudioFormat> outputs;
  for (size_t i = 0; i < list_.size(); ++i) {
    if (i != list_.current()) outputs.push_back(Make(i)->traits().output);
  }
  return outputs;
}

Duration AgentLink::ReadyWithin() const {
  const Duration limit = context_.config().limits.agent_ready;
  return has_next() ? std::min(limit, kReadyWithin) : limit;
}

void AgentLink::Start() {
  phase_ = Phase::kStarting;
  if (!ready_by_) ready_by_ = context_.now() + ReadyWithin();
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
  retired_.reset();
  if (!agent_) return std::nullopt;
  std::optional<protocol::AgentEvent> event = agent_->NextEvent();
  if (!event) {
    agent_->Proceed();
    event = agent_->NextEvent();
  }
  if (event && phase_ != Phase::kReady && !IsOfItsState(*event)) {
    return protocol::AgentFaulted{protocol::Fault::kOutOfOrder};
  }
  if (event) {
    if (auto* audio = std::get_if<protocol::AgentAudio>(&*event)) {
      const uint32_t number =
          static_cast<uint32_t>(audio->item) + items_before_;
      audio->item = protocol::ItemId{number};
      last_item_ = std::max(last_item_, number);
    }
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
  if (std::exchange(replays_, false) && missed_) {
    if (traits().turn_detection ==
        protocol::AgentTraits::TurnDetection::kLocal) {
      agent_->TurnStarted(Duration());
    }
    missed_->Play(traits().input, [this](std::span<const uint8_t> piece) {
      agent_->Listen(piece);
    });
  } else if (turn_began) {
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
                                   const protocol::Failure& why,
                                   Successor successor) {
  const std::optional<size_t> next =
      successor == Successor::kAllowed ? list_.Next() : std::nullopt;
  const Duration pause =
      std::max(Duration::Micros(kRetryPause.us() << retries_),
               why.retry_after.value_or(Duration()));
  // Nobody waits for one that takes longer than it may take to be ready.
  if (!ready_by_) {
    ready_by_ =
        context_.now() + kRetryPause + context_.config().limits.agent_ready;
  }
  if (next) ready_by_ = std::min(*ready_by_, context_.now() + kTryAgainWithin);
  const Duration left = *ready_by_ - context_.now();
  const int most = next ? 1 : kMaxRetries;
  const bool retry = loss == protocol::AgentFailed::Loss::kRetryable &&
                     retries_ < most && pause <= left;
  context_.ReportAgentFailed(why, !retry && !next);
  // What it says goes with it.
  const std::string reason(why.code);
  agent_->End(why.code);
  context_.ClearTimer(Timer::kAgentReady);
  if (retry) {
    phase_ = Phase::kBackoff;
    context_.SetTimer(Timer::kAgentRetry, pause);
    ++retries_;
    KeepMissed();
    return Outlook::kReturns;
  }
  if (next) {
    list_.GiveUp();
    Replace(*next, WithoutSecrets(reason));
    return Outlook::kNext;
  }
  phase_ = Phase::kLost;
  backlog_.clear();
  return Outlook::kLost;
}

void AgentLink::GoToNext(std::string_view reason) {
  const std::optional<size_t> next = list_.Next();
  // INVARIANT: it is asked for where there is one.
  TL_CHECK(next.has_value());
  const std::string why(reason);
  agent_->End(why);
  list_.GiveUp();
  Replace(*next, WithoutSecrets(why));
}

void AgentLink::SwitchTo(size_t index, std::string_view reason) {
  TL_CHECK(index != list_.current());
  agent_->End("switched");
  Replace(index, reason);
}

// The one that is replaced has ended.
void AgentLink::Replace(size_t index, std::string_view reason) {
  Json event = context_.NewEvent("agentSwitched");
  event["from"] = list_.name(list_.current());
  event["fromIndex"] = static_cast<int64_t>(list_.current());
  event["to"] = list_.name(index);
  event["toIndex"] = static_cast<int64_t>(index);
  event["reason"] = reason;
  context_.Emit(event);
  RememberItems();
  const protocol::AudioFormat heard = traits().input;
  retired_ = std::move(agent_);
  list_.Select(index);
  agent_ = Make(index);
  const protocol::AudioFormat hears = traits().input;
  if (missed_) missed_->SetSource(hears);
  backlog_ = media::Convert(heard, hears, backlog_);
  KeepMissed();
  context_.ClearTimer(Timer::kAgentRetry);
  retries_ = 0;
  ready_by_.reset();
  Start();
}

void AgentLink::KeepMissed() {
  if (!missed_ || !missed_->holds() || replays_) return;
  backlog_.clear();
  replays_ = true;
  left_out_ = missed_->left_out();
  left_out_at_ = context_.now();
}

void AgentLink::ForgetSpeech() {
  if (missed_) missed_->Forget();
  replays_ = false;
}

Duration AgentLink::AgoOf(Duration since_speech) const {
  const bool spoke_since = since_speech < context_.now() - left_out_at_;
  return spoke_since ? since_speech
                     : std::max(since_speech - left_out_, Duration());
}

void AgentLink::Restore(const Json& snapshot) {
  const size_t first = list_.current();
  list_.Restore(snapshot);
  if (list_.current() == first) return;
  Json event = context_.NewEvent("agentSwitched");
  event["from"] = list_.name(first);
  event["fromIndex"] = static_cast<int64_t>(first);
  event["to"] = list_.name(list_.current());
  event["toIndex"] = static_cast<int64_t>(list_.current());
  event["reason"] = "restored";
  context_.Emit(event);
}

// Those that may be on their way still.
void AgentLink::RememberItems() {
  for (uint32_t number = items_before_ + 1; number <= last_item_; ++number) {
    if (last_item_ - number >= kMaxFormerItems) continue;
    const protocol::ItemId item{number};
    former_items_.push_back(
        {item, std::string(item_name(item)), item_part(item)});
  }
  if (former_items_.size() > kMaxFormerItems) {
    former_items_.erase(
        former_items_.begin(),
        former_items_.end() - static_cast<ptrdiff_t>(kMaxFormerItems));
  }
  items_before_ = last_item_;
}

const AgentLink::FormerItem* AgentLink::FindFormer(
    protocol::ItemId item) const {
  const auto found = std::find_if(
      former_items_.begin(), former_items_.end(),
      [item](const FormerItem& former) { return former.item == item; });
  return found == former_items_.end() ? nullptr : &*found;
}

std::string_view AgentLink::item_name(protocol::ItemId item) const {
  if (!IsFormer(item)) return agent_->item_name(Theirs(item));
  const FormerItem* former = FindFormer(item);
  return former == nullptr ? std::string_view() : former->name;
}

int32_t AgentLink::item_part(protocol::ItemId item) const {
  if (!IsFormer(item)) return agent_->item_part(Theirs(item));
  const FormerItem* former = FindFormer(item);
  return former == nullptr ? 0 : former->part;
}

int64_t AgentLink::Truncate(protocol::ItemId item, int64_t heard_ms) {
  return IsFormer(item) ? heard_ms : agent().Truncate(Theirs(item), heard_ms);
}

void AgentLink::SetOwnTimer() {
  if (agent_) context_.deadlines().Set(Timer::kAgent, agent_->deadline());
}

void AgentLink::End() {
  if (agent_) agent_->End("call ended");
}

void AgentLink::Feed(std::span<const uint8_t> audio, Hearing hearing,
                     MissedSpeech::Turn turn) {
  // All that comes to one that is to hear what it has missed is part of that.
  if (missed_) missed_->Add(audio, replays_ ? MissedSpeech::Turn::kIn : turn);
  if (phase_ == Phase::kReady) {
    if (hearing == Hearing::kOn) agent_->Listen(audio);
    return;
  }
  if (phase_ == Phase::kLost || replays_) return;
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
