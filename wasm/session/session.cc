#include "session/session.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "session/close_codes.h"

namespace trunkline::session {

using protocol::ChannelId;
using protocol::kLegChannel;
using Owner = ChannelTable::Owner;
using Agents = media::CallerPath::Config::Agents;

Session::Session(Config config, Instant now, EffectSink& sink,
                 const protocol::Registry& registry)
    : config_(std::move(config)),
      context_(config_, now, sink),
      channels_(sink),
      leg_(context_, registry, channels_.Of(Owner::kLeg)),
      agent_(context_, registry, channels_.Of(Owner::kAgent)),
      conversation_(context_, leg_, agent_, channels_.Of(Owner::kTools)),
      recording_(context_),
      levels_(context_),
      commands_(config_.faults, conversation_, recording_, levels_),
      call_epoch_ms_(config_.call_epoch_ms) {
  Json opened = context_.NewEvent("opened");
  opened["callId"] = config_.call_id;
  opened["epochMs"] = config_.epoch_ms;
  opened["leg"] = config_.leg;
  opened["agent"] = agent_.list().current_name();
  context_.Emit(opened);
  if (config_.snapshot) Restore(*config_.snapshot);
  Settle();
}

void Session::Restore(std::string_view text) {
  const std::optional<Json> snapshot = ParseJson(text);
  const auto version =
      snapshot ? IntegerMember(*snapshot, "version") : std::nullopt;
  const auto epoch_ms =
      snapshot ? IntegerMember(*snapshot, "epochMs") : std::nullopt;
  const Json* conversation =
      snapshot ? FindMember(*snapshot, "conversation") : nullptr;
  if (version == kSnapshotVersion && epoch_ms && conversation != nullptr) {
    const Instant began = context_.call_began();
    call_epoch_ms_ = *epoch_ms;
    context_.SetCallBegan(
        context_.opened_at() -
        Duration::Millis(std::max<int64_t>(config_.epoch_ms - *epoch_ms, 0)));
    if (conversation_.Restore(*conversation, config_.alive_ms)) return;
    call_epoch_ms_ = config_.call_epoch_ms;
    context_.SetCallBegan(began);
  }
  // Another version's, or damaged: the call goes on without it.
  context_.ReportFault("core", "snapshotRefused", 1);
}

// ---------------------------------------------------------------------------
// Inputs

void Session::OnOpened(ChannelId channel, std::string_view subprotocol,
                       Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  if (channel == kLegChannel) {
    // A second socket while one is in use: the shim has replaced it.
    if (!leg_.closed()) {
      leg_.Lose();
      conversation_.OnLegLost();
    }
    if (!conversation_.ended()) {
      channels_.OpenLeg();
      leg_.OnSocketOpened(subprotocol);
    }
  } else if (channels_.OwnerOf(channel, ChannelTable::Kind::kSocket) ==
             Owner::kAgent) {
    agent_.agent().OnSocketOpened(channel);
  }
  Settle();
}

void Session::OnText(ChannelId channel, std::string_view text, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.OwnerOf(channel, ChannelTable::Kind::kSocket);
  if (owner == Owner::kLeg) {
    leg_.OnText(text);
  } else if (owner == Owner::kAgent) {
    agent_.agent().OnText(channel, text);
  }
  Settle();
}

void Session::OnBinary(ChannelId channel, std::span<const uint8_t> bytes,
                       Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.OwnerOf(channel, ChannelTable::Kind::kSocket);
  if (owner == Owner::kLeg) {
    leg_.OnBinary(bytes);
  } else if (owner == Owner::kAgent) {
    agent_.agent().OnBinary(channel, bytes);
  }
  Settle();
}

void Session::OnClosed(ChannelId channel, uint16_t code, uint16_t http_status,
                       std::string_view reason, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.Release(channel, ChannelTable::Kind::kSocket);
  if (owner == Owner::kLeg) {
    switch (leg_.OnSocketClosed(code)) {
      case protocol::LegClose::kHungUp:
        conversation_.OnLegOver(LegOver::How::kHungUp);
        break;
      case protocol::LegClose::kBroken:
        conversation_.OnLegLost();
        break;
    }
  } else if (owner == Owner::kAgent) {
    agent_.agent().OnSocketClosed(channel, code, http_status, reason);
  }
  Settle();
}

void Session::OnOversize(ChannelId channel, uint64_t /*bytes*/, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.OwnerOf(channel, ChannelTable::Kind::kSocket);
  if (owner == Owner::kLeg) {
    leg_.OnOversize();
    conversation_.OnLegOver(LegOver::How::kRejected);
  } else if (owner == Owner::kAgent) {
    agent_.agent().OnOversize(channel);
  }
  Settle();
}

void Session::OnHttpHeaders(ChannelId channel, uint16_t status,
                            const Json& headers, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.OwnerOf(channel, ChannelTable::Kind::kExchange);
  if (protocol::ChannelInputs* part = InputsOf(owner)) {
    part->OnHttpHeaders(channel, status, headers);
  }
  SettleExchange(owner);
}

void Session::OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes,
                          Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.OwnerOf(channel, ChannelTable::Kind::kExchange);
  if (protocol::ChannelInputs* part = InputsOf(owner)) {
    part->OnHttpChunk(channel, bytes);
  }
  SettleExchange(owner);
}

void Session::OnHttpDone(ChannelId channel, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.Release(channel, ChannelTable::Kind::kExchange);
  if (protocol::ChannelInputs* part = InputsOf(owner)) {
    part->OnHttpDone(channel);
  }
  SettleExchange(owner);
}

void Session::OnHttpFailed(ChannelId channel, protocol::HttpFailure failure,
                           std::string_view reason, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto owner = channels_.Release(channel, ChannelTable::Kind::kExchange);
  if (protocol::ChannelInputs* part = InputsOf(owner)) {
    part->OnHttpFailed(channel, failure, reason);
  }
  SettleExchange(owner);
}

protocol::ChannelInputs* Session::InputsOf(std::optional<Owner> owner) {
  // The leg has no exchanges.
  if (!owner || *owner == Owner::kLeg) return nullptr;
  if (*owner == Owner::kTools) return &conversation_.tool_inputs();
  return &agent_.agent();
}

void Session::SettleExchange(std::optional<Owner> owner) {
  if (owner == Owner::kTools) conversation_.OnToolInput();
  Settle();
}

// No part has asked for a resource yet.
void Session::OnResource(std::string_view /*name*/,
                         std::optional<std::span<const uint8_t>> /*bytes*/,
                         Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  Settle();
}

void Session::OnTimer(Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const auto due = [this](Timer timer) {
    return !conversation_.ended() && context_.TakeDue(timer);
  };
  // In the order of how final they are; each may end the call.
  if (due(Timer::kLegStart)) conversation_.OnLegStartTimeout();
  if (due(Timer::kFarewell)) conversation_.OnFarewellTimeout();
  if (due(Timer::kLegLost)) conversation_.OnLegLostTimeout();
  if (due(Timer::kMaxCall)) conversation_.OnMaxCall();
  if (due(Timer::kAgentReady)) {
    conversation_.OnAgentFailed(protocol::AgentFailed::Loss::kFatal,
                                {.code = "notReady"});
  }
  if (due(Timer::kAgentRetry)) {
    agent_.Start();
    TakeAgentEvents();
  }
  if (due(Timer::kAgent)) {
    agent_.agent().OnDeadline();
    TakeAgentEvents();
  }
  if (due(Timer::kTool)) conversation_.OnToolDeadline();
  if (due(Timer::kText)) conversation_.OnTextDeadline();
  if (due(Timer::kReply)) conversation_.OnReplyTimeout();
  if (due(Timer::kAskAgain)) conversation_.OnAskAgain();
  if (due(Timer::kDeaf)) conversation_.OnDeaf();
  if (due(Timer::kWaiting)) conversation_.OnWaiting();
  if (due(Timer::kDeadAir)) conversation_.OnDeadAir();
  if (due(Timer::kCallerStall) && conversation_.in_turn()) {
    caller_path_->FillSilence(kStallSilence);
    TakeCallerFrames();
  }
  if (due(Timer::kDigitEntry)) conversation_.OnDigitTimeout();
  if (due(Timer::kRecorder)) recording_.OnTime();
  if (due(Timer::kDigits)) recording_.OnDigitsTimeout();
  if (due(Timer::kDecide)) conversation_.OnDecide();
  // kPace leads here, and what is due is sent at the end of every input.
  due(Timer::kPace);
  Settle();
}

void Session::OnAuthorized(Verdict verdict, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  switch (leg_.OnAuthorized(verdict)) {
    case LegLink::Admission::kStale:
      return;
    case LegLink::Admission::kRefused:
      conversation_.OnLegRefused();
      break;
    case LegLink::Admission::kGranted:
      OnGranted();
      break;
  }
  Settle();
}

void Session::OnCommand(const CommandEnvelope& envelope, Instant now) {
  if (ended()) return;
  context_.SetNow(now);
  const CommandOutcome outcome = commands_.Judge(envelope);
  // First: what the command brings may be the end.
  context_.sink().CommandResult(CommandResult(envelope.id, outcome));
  TellAudit(context_, envelope, outcome);
  if (outcome.code == CommandOutcome::Code::kDone) {
    commands_.CarryOut(envelope);
  }
  Settle();
}

// ---------------------------------------------------------------------------
// From the parts to the conversation

void Session::OnGranted() {
  if (!line_out_) {
    CreateMedia();
    conversation_.Begin(*line_out_, caller_path_->spoken_clock());
  } else {
    caller_path_->OnStreamStarted(context_.now());
    line_out_->OnStreamStarted();
    recording_.OnStreamStarted();
    conversation_.OnLegBack();
  }
  TakeAgentEvents();
  if (const auto early = leg_.TakeEarlyAudio()) OnCallerAudio(*early);
}

void Session::CreateMedia() {
  const protocol::LegTraits& leg = leg_.traits();
  agent_.Create(leg.heard);
  line_out_ = std::make_unique<media::LineOut>(
      media::LineOut::Config{.agent = agent_.traits().output,
                             .leg = leg,
                             .lead = config_.limits.lead,
                             .mark_interval = config_.limits.mark,
                             .max_pause = config_.limits.reply,
                             .waiting = config_.profile.waiting_sound,
                             .other_agents = agent_.OtherOutputs()});
  const Config::Profile& profile = config_.profile;
  caller_path_ = std::make_unique<media::CallerPath>(
      media::CallerPath::Config{
          leg.heard, agent_.traits().input, profile.denoise_for_agent,
          profile.level_for_agent, profile.echo_guard,
          agent_.list().size() == 1 ? Agents::kOne : Agents::kSeveral},
      line_out_->heard_track());
  caller_path_->OnStreamStarted(leg_.stream_began());
  recording_.Begin(leg.heard, *line_out_, leg_.stream_began());
}

void Session::TakeLegFacts() {
  while (const auto fact = leg_.NextFact()) {
    if (conversation_.ended()) return;
    if (const auto* media = std::get_if<protocol::LegAudio>(&*fact)) {
      OnCallerAudio(*media);
    } else if (const auto* mark =
                   std::get_if<protocol::LegMarkEchoed>(&*fact)) {
      if (line_out_) line_out_->OnMark(mark->mark, context_.now());
    } else if (const auto* played = std::get_if<protocol::LegPlayed>(&*fact)) {
      if (line_out_) line_out_->OnPlayed(played->samples, context_.now());
    } else if (const auto* flow = std::get_if<protocol::LegFlow>(&*fact)) {
      if (line_out_) line_out_->OnFlow(flow->state, context_.now());
    } else if (const auto* digit = std::get_if<protocol::LegDigit>(&*fact)) {
      recording_.OnDigit();
      Json event = context_.NewEvent("dtmf");
      event["digit"] = std::string(1, digit->digit);
      context_.Emit(event);
      conversation_.OnDigit(digit->digit);
    } else if (const auto* over = std::get_if<LegOver>(&*fact)) {
      conversation_.OnLegOver(over->how);
    }
  }
}

void Session::OnCallerAudio(const protocol::LegAudio& media) {
  context_.SetTimer(Timer::kCallerStall, kCallerStall);
  caller_path_->OnAudio(media.timestamp_ms, media.audio, context_.now());
  TakeCallerFrames();
}

void Session::TakeCallerFrames() {
  while (!conversation_.ended()) {
    // A voice that stood out enough to interrupt goes on being the caller's:
    // nothing is played any more, and what still comes back of it is shorter
    // than what makes an interruption final.
    const auto guarding = conversation_.state() == State::kInterrupted
                              ? media::EchoGuarding::kOff
                              : media::EchoGuarding::kOn;
    caller_path_->SetAgentFormat(agent_.traits().input);
    const auto frame = caller_path_->Next(context_.now(), guarding);
    if (!frame) return;
    recording_.OnCallerFrame(*frame);
    levels_.OnCallerFrame(frame->samples);
    if (frame->source == media::CallerAudio::Source::kPassed) continue;
    agent_.Feed(frame->for_agent, conversation_.hearing(),
                conversation_.in_turn() ? MissedSpeech::Turn::kIn
                                        : MissedSpeech::Turn::kOut);
    conversation_.OnCallerFrame(frame->speaks);
    TakeAgentEvents();
  }
}

void Session::TakeAgentEvents() {
  while (!conversation_.ended()) {
    const auto event = agent_.NextEvent();
    if (!event) return;
    const auto echo = caller_path_->only_echo_lately()
                          ? Conversation::Echo::kOnly
                          : Conversation::Echo::kNo;
    conversation_.OnAgentEvent(*event, echo);
  }
}

// ---------------------------------------------------------------------------
// After every input

void Session::Settle() {
  if (!conversation_.ended()) TakeLegFacts();
  if (!conversation_.ended()) TakeAgentEvents();
  if (!conversation_.ended()) conversation_.Settle();
  if (conversation_.ended()) {
    Finish();
    return;
  }
  if (line_out_) levels_.Tell(line_out_->heard_track());
  if (conversation_.snapshot_due()) TakeSnapshot();
  agent_.SetOwnTimer();
  // INVARIANT: what a state waits for has a deadline.
  TL_CHECK(IsConsistent());
  AnnounceDeadline();
}

namespace {

// Of a text that is owed and of a call, beside what they are made of.
constexpr size_t kTextJson = 64;
constexpr size_t kCallJson = 192;
// All that a snapshot has, at its bounds, of texts that JSON writes as they
// are. One that is too long for the signs that it writes as two bytes or six is
// counted.
constexpr size_t kMostSnapshotBytes =
    LineBook::kMaxTextBytes +
    LineBook::kMaxLines * LineBook::Line::kMostJsonBytes +
    LineBook::kMaxGone * (LineBook::Line::kMaxNameBytes + kTextJson) +
    OwedTexts::kMaxTexts * (OwedTexts::kMaxBytes + kTextJson) +
    ToolDesk::kMaxWaitingBytes + ToolDesk::kMaxOutputBytes +
    (ToolDesk::kMaxCalls + ToolDesk::kMaxLate) *
        (protocol::kMaxCallIdBytes + ToolDesk::kMaxNameBytes + kCallJson) +
    2048;
static_assert(kMostSnapshotBytes <= Config::kMaxSnapshotBytes);
// What a call is known by is kept whole.
static_assert(protocol::kMaxCallIdBytes <= TranscriptLine::kMaxNameBytes);

}  // namespace

void Session::TakeSnapshot() {
  const std::string text =
      PrintJson({{"version", kSnapshotVersion},
                 {"epochMs", call_epoch_ms_},
                 {"conversation", conversation_.TakeSnapshot()}});
  // A longer one would keep the next session from beginning.
  if (text.size() <= Config::kMaxSnapshotBytes) {
    context_.sink().Snapshot(text);
  } else {
    context_.ReportFault("core", "snapshotTooLarge", ++snapshots_refused_);
  }
}

void Session::AnnounceDeadline() {
  const Instant next = context_.deadlines().earliest();
  // A deadline that moved later is left as it is: the wake-up comes early,
  // does nothing, and sets the right one. Frames move deadlines fifty times a
  // second; this keeps timers off their path.
  const bool past = announced_deadline_ <= context_.now();
  if (next < announced_deadline_ || past || next.is_never()) {
    // One that is past has been: the same is announced anew.
    if (next == announced_deadline_ && !past) return;
    announced_deadline_ = next;
    context_.sink().SetDeadline(next);
  }
}

void Session::Finish() {
  finished_ = true;
  const Conversation::Outcome outcome = conversation_.outcome();
  recording_.Finish();
  agent_.End();
  leg_.Close(kCloseNormal, outcome.reason);
  context_.deadlines() = Deadlines();
  AnnounceDeadline();
  Json counters = Json::object();
  const auto add = [&counters](const std::string& name, uint64_t count) {
    if (count != 0) counters[name] = count;
  };
  for (size_t i = 0; i < protocol::kFaultCount; ++i) {
    const std::string name = ToString(static_cast<protocol::Fault>(i));
    add("leg." + name, leg_.faults()[i]);
    add("agent." + name, agent_.faults()[i]);
  }
  add("backlogDroppedMs", agent_.backlog_dropped_ms());
  add("missedDroppedMs", agent_.missed_dropped_ms());
  add("replyRefusedBytes", outcome.reply_refused_bytes);
  add("earlyDropped", leg_.early_dropped());
  if (caller_path_) {
    const media::CallerAudio::Counters& audio = caller_path_->counters();
    add("filledMs", audio.filled_ms);
    add("lateMs", audio.late_ms);
    add("shortenedGaps", audio.shortened_gaps);
    add("excessMs", audio.excess_ms);
    add("unrealMs", audio.unreal_ms);
    add("deadClocks", audio.dead_clocks);
  }
  add("recordedLateMs",
      recording_.late_frames() * media::CallerAudio::kFrameMs);
  if (line_out_) {
    const media::Playout::Counters& line = line_out_->counters();
    add("lostMarks", line.lost_marks);
    add("overlongPauses", line.overlong_pauses);
  }
  Json summary = {
      {"callId", config_.call_id},      {"reason", outcome.reason},
      {"durationMs", context_.at_ms()}, {"turns", outcome.turns},
      {"replies", outcome.replies},     {"bargeIns", outcome.barge_ins},
      {"resumes", outcome.resumes},     {"counters", std::move(counters)}};
  if (const AgentList& agents = agent_.list(); agents.size() > 1) {
    summary["agent"] = agents.current_name();
    summary["agentSwitches"] = agents.switches();
  }
  context_.sink().Ended(summary);
}

}  // namespace trunkline::session
