#include "session/session.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "audio/tones.h"
#include "base/check.h"
#include "protocol/agents/openai_realtime.h"
#include "protocol/agents/parrot.h"
#include "protocol/legs/twilio.h"

namespace trunkline::session {
namespace {

using protocol::AudioFormat;
using protocol::ChannelId;
using protocol::Fault;
using protocol::kLegChannel;
using Kind = ChannelTable::Kind;
using Owner = ChannelTable::Owner;

// Close codes of the leg's socket, docs/boundary.md.
constexpr uint16_t kCloseNormal = 1000;
constexpr uint16_t kCloseTooBig = 1009;
constexpr uint16_t kCloseProtocol = 4400;
constexpr uint16_t kCloseNoStart = 4401;
constexpr uint16_t kCloseForeign = 4403;
constexpr uint16_t kCloseUsed = 4409;
constexpr uint16_t kCloseExpired = 4410;

// The pause before the agent's socket is opened again; doubles.
constexpr Duration kAgentRetryPause = Duration::Millis(500);

// The built-in tool by which an agent ends the call.
constexpr std::string_view kEndCallTool = "end_call";

// What the farewell's tones are called in the playout: no agent's item.
constexpr protocol::ItemId kTonesItem{0};

// Rules whose breach does no harm and may come in any number.
bool IsOffence(Fault fault) {
  return fault != Fault::kUnknownEvent && fault != Fault::kUnknownMark &&
         fault != Fault::kLostMessages && fault != Fault::kPeerError;
}

AudioFormat AgentFormat(const Config& config, AudioFormat leg) {
  if (config.profile.agent_audio == Config::AgentAudio::kPcm24) {
    return {protocol::Encoding::kLinear16, 24000};
  }
  // Straight through where the leg's law is one that Realtime knows.
  if (leg.encoding != protocol::Encoding::kLinear16 &&
      leg.sample_rate_hz == 8000) {
    return leg;
  }
  return {protocol::Encoding::kMuLaw, 8000};
}

Json ToolsWithEndCall(const Json& tools) {
  Json all = tools.is_array() ? tools : Json::array();
  all.push_back(
      {{"type", "function"},
       {"name", kEndCallTool},
       {"description",
        "Ends the call, once the caller has heard "
        "what you say with it."},
       {"parameters", {{"type", "object"}, {"properties", Json::object()}}}});
  return all;
}

}  // namespace

const char* ToString(Timer timer) {
  switch (timer) {
    case Timer::kLegStart:
      return "legStart";
    case Timer::kAgentReady:
      return "agentReady";
    case Timer::kAgentRetry:
      return "agentRetry";
    case Timer::kReply:
      return "reply";
    case Timer::kDeadAir:
      return "deadAir";
    case Timer::kMaxCall:
      return "maxCall";
    case Timer::kFarewell:
      return "farewell";
    case Timer::kLegLost:
      return "legLost";
    case Timer::kPace:
      return "pace";
    case Timer::kDecide:
      return "decide";
    case Timer::kCallerStall:
      return "callerStall";
    case Timer::kDigits:
      return "digits";
  }
  return "unknown";
}

Session::Session(Config config, Instant now, EffectSink& sink)
    : config_(std::move(config)),
      sink_(sink),
      channels_(sink),
      leg_wire_(channels_.Of(Owner::kLeg), leg_channel_),
      agent_wire_(channels_.Of(Owner::kAgent), agent_channel_),
      opened_at_(now),
      now_(now),
      next_seq_(config_.first_seq) {
  switch (config_.leg) {
    case Config::LegKind::kTwilio:
      leg_ = std::make_unique<protocol::TwilioLeg>(
          leg_wire_, static_cast<protocol::LegListener&>(*this));
      break;
  }
  Json opened = NewEvent("opened");
  opened["callId"] = config_.call_id;
  opened["epochMs"] = config_.epoch_ms;
  opened["leg"] = ToString(config_.leg);
  opened["agent"] = ToString(config_.agent);
  sink_.Event(opened);
  // A shim that never opens the socket must not keep the call for ever.
  deadlines_.Set(Timer::kLegStart, now_ + config_.limits.start);
  Settle();
}

Session::~Session() = default;

// ---------------------------------------------------------------------------
// Inputs

void Session::OnOpened(ChannelId channel, std::string_view /*subprotocol*/,
                       Instant now) {
  if (ended()) return;
  SetNow(now);
  if (channel == kLegChannel) {
    // A second socket while one is in use: the shim has replaced it.
    if (leg_phase_ != LegPhase::kClosed) LoseLeg();
    if (ended()) return;
    channels_.OpenLeg();
    leg_phase_ = LegPhase::kAwaitingStart;
    leg_->OnSocketOpened();
    deadlines_.Set(Timer::kLegStart, now_ + config_.limits.start);
  } else if (channels_.OwnerOf(channel, Kind::kSocket) == Owner::kAgent &&
             agent_phase_ == AgentPhase::kConnecting) {
    agent_phase_ = AgentPhase::kConfiguring;
    agent_->Begin();
  }
  Settle();
}

void Session::OnText(ChannelId channel, std::string_view text, Instant now) {
  if (ended()) return;
  SetNow(now);
  const auto owner = channels_.OwnerOf(channel, Kind::kSocket);
  if (owner == Owner::kLeg) {
    leg_->OnText(text);
  } else if (owner == Owner::kAgent &&
             agent_phase_ != AgentPhase::kConnecting) {
    agent_->OnText(text);
  }
  Settle();
}

void Session::OnBinary(ChannelId channel, std::span<const uint8_t> bytes,
                       Instant now) {
  if (ended()) return;
  SetNow(now);
  const auto owner = channels_.OwnerOf(channel, Kind::kSocket);
  if (owner == Owner::kLeg) {
    leg_->OnBinary(bytes);
  } else if (owner == Owner::kAgent &&
             agent_phase_ != AgentPhase::kConnecting) {
    agent_->OnBinary(bytes);
  }
  Settle();
}

void Session::OnClosed(ChannelId channel, uint16_t code, uint16_t http_status,
                       std::string_view /*reason*/, Instant now) {
  if (ended()) return;
  SetNow(now);
  const auto owner = channels_.Release(channel, Kind::kSocket);
  if (owner == Owner::kLeg) {
    // 1000, 1001 and 1005 are a peer's own decision; everything else broke.
    if (leg_phase_ == LegPhase::kUp &&
        (code == 1000 || code == 1001 || code == 1005)) {
      leg_phase_ = LegPhase::kClosed;
      End(end_reason_.empty() ? "callerHangUp" : end_reason_);
    } else {
      LoseLeg();
    }
  } else if (owner == Owner::kAgent) {
    agent_channel_.reset();
    agent_phase_ = AgentPhase::kNone;
    agent_->OnSocketClosed(code, http_status);
  }
  Settle();
}

void Session::OnOversize(ChannelId channel, uint64_t /*bytes*/, Instant now) {
  if (ended()) return;
  SetNow(now);
  const auto owner = channels_.OwnerOf(channel, Kind::kSocket);
  if (owner == Owner::kLeg) {
    // No carrier sends a megabyte: whoever does is none.
    CountFault(leg_faults_, "leg", Fault::kTooLarge);
    RejectLeg(kCloseTooBig, "message too big");
  } else if (owner == Owner::kAgent) {
    OnAgentFault(Fault::kTooLarge);
  }
  Settle();
}

// No part has an exchange yet: what comes of one is late.
void Session::OnHttpHeaders(ChannelId /*channel*/, uint16_t /*status*/,
                            const Json& /*headers*/, Instant now) {
  if (ended()) return;
  SetNow(now);
  Settle();
}

void Session::OnHttpChunk(ChannelId /*channel*/,
                          std::span<const uint8_t> /*bytes*/, Instant now) {
  if (ended()) return;
  SetNow(now);
  Settle();
}

void Session::OnHttpDone(ChannelId channel, Instant now) {
  if (ended()) return;
  SetNow(now);
  channels_.Release(channel, Kind::kExchange);
  Settle();
}

void Session::OnHttpFailed(ChannelId channel, protocol::HttpFailure /*failure*/,
                           std::string_view /*reason*/, Instant now) {
  if (ended()) return;
  SetNow(now);
  channels_.Release(channel, Kind::kExchange);
  Settle();
}

// Nor has one asked for a resource.
void Session::OnResource(std::string_view /*name*/,
                         std::optional<std::span<const uint8_t>> /*bytes*/,
                         Instant now) {
  if (ended()) return;
  SetNow(now);
  Settle();
}

void Session::OnTimer(Instant now) {
  if (ended()) return;
  SetNow(now);
  // In the order of how final they are; each may end the call.
  if (deadlines_.TakeDue(Timer::kLegStart, now_)) {
    CloseLeg(kCloseNoStart, "no valid start in time");
    if (state_ == State::kSetup) End("noStart");
  }
  if (!ended() && deadlines_.TakeDue(Timer::kFarewell, now_)) {
    CloseLeg(kCloseNormal, end_reason_);
    End(end_reason_);
  }
  if (!ended() && deadlines_.TakeDue(Timer::kLegLost, now_)) End("legLost");
  if (!ended() && deadlines_.TakeDue(Timer::kMaxCall, now_)) {
    if (state_ == State::kLegLost) {
      End("maxDuration");
    } else {
      SayGoodbye("maxDuration");
    }
  }
  if (!ended() && deadlines_.TakeDue(Timer::kAgentReady, now_)) {
    OnAgentFailed(Loss::kFatal, "notReady");
  }
  if (!ended() && deadlines_.TakeDue(Timer::kAgentRetry, now_)) StartAgent();
  if (!ended() && deadlines_.TakeDue(Timer::kReply, now_)) {
    if (!open_tool_calls_.empty()) {
      for (const std::string& id : std::exchange(open_tool_calls_, {})) {
        agent_->ToolResult(id,
                           R"({"error":"the tool did not answer in time"})");
      }
      deadlines_.Set(Timer::kReply, now_ + config_.limits.reply);
    } else {
      // An open socket that says nothing is as good as a lost one.
      OnAgentFailed(Loss::kRetryable, "noReply");
    }
  }
  if (!ended() && deadlines_.TakeDue(Timer::kDeadAir, now_)) {
    SayGoodbye("deadAir");
  }
  if (!ended() && deadlines_.TakeDue(Timer::kCallerStall, now_) &&
      turn_detector_->in_turn()) {
    caller_audio_->FillSilence(kStallSilence);
  }
  if (!ended() && deadlines_.TakeDue(Timer::kDigits, now_)) {
    SetRecordingPause(Pause::kDigits, false);
  }
  if (!ended() && deadlines_.TakeDue(Timer::kDecide, now_) &&
      state_ == State::kInterrupted) {
    const bool goes_on = interrupter_ == Interrupter::kProvider
                             ? provider_hears_speech_
                             : turn_detector_->speaking();
    if (goes_on) {
      ConfirmBargeIn();
    } else {
      ResumeReply();
    }
  }
  // kPace only leads here.
  if (!ended()) deadlines_.TakeDue(Timer::kPace, now_);
  Settle();
}

void Session::OnAuthorized(Verdict verdict, Instant now) {
  if (ended()) return;
  SetNow(now);
  if (leg_phase_ != LegPhase::kAuthorizing) return;
  deadlines_.Clear(Timer::kLegStart);
  uint16_t code = 0;
  switch (verdict) {
    case Verdict::kGranted:
      break;
    case Verdict::kForeign:
      code = kCloseForeign;
      break;
    case Verdict::kExpired:
      code = kCloseExpired;
      break;
    case Verdict::kUsed:
      code = kCloseUsed;
      break;
    case Verdict::kMissing:
      code = kCloseNoStart;
      break;
  }
  if (code != 0) {
    CloseLeg(code, "not authorized");
    if (state_ == State::kSetup) End("unauthorized");
    Settle();
    return;
  }
  leg_phase_ = LegPhase::kUp;
  if (state_ == State::kSetup) {
    CreateMedia(pending_format_);
    SetState(State::kConnecting, Reason::kAuthorized);
    deadlines_.Set(Timer::kMaxCall, now_ + config_.limits.max_call);
    StartAgent();
  } else {
    // The stream is back: its buffer is empty, its clock a new one.
    deadlines_.Clear(Timer::kLegLost);
    caller_audio_->OnStreamStarted();
    gap_concealer_->Reset();
    if (call_recorder_) call_recorder_->OnStreamStarted(now_);
    if (agent_phase_ == AgentPhase::kReady) {
      AwaitCaller(Reason::kLegBack);
      if (playout_->received() > playout_->sent()) {
        SetState(State::kSpeaking, Reason::kReplyAudio);
        deadlines_.Clear(Timer::kDeadAir);
        if (!playout_->reply_ended()) {
          deadlines_.Set(Timer::kReply, now_ + config_.limits.reply);
        }
      }
    } else {
      SetState(State::kConnecting, Reason::kAuthorized);
    }
  }
  if (!early_audio_.empty() && leg_phase_ == LegPhase::kUp) {
    OnLegAudio(early_timestamp_ms_, std::exchange(early_audio_, {}));
  }
  Settle();
}

void Session::OnCommand(const CommandEnvelope& envelope, Instant now) {
  if (ended()) return;
  SetNow(now);
  const CommandOutcome outcome = Judge(envelope);
  // First: what the command brings may be the end.
  sink_.CommandResult(CommandResult(envelope.id, outcome));
  if (outcome.code == CommandOutcome::Code::kDone) CarryOut(envelope.command);
  Settle();
}

CommandOutcome Session::Judge(const CommandEnvelope& envelope) const {
  using Code = CommandOutcome::Code;
  const Json& command = envelope.command;
  const std::string_view type = StringMember(command, "type");
  if (type == "hangUp") return {};
  // Only tests break a call.
  if (type == "crash" && config_.faults == Config::Faults::kAllowed &&
      envelope.source == CommandEnvelope::Source::kHarness) {
    return {};
  }
  if (type == "say") {
    if (StringMember(command, "text").empty()) {
      return {Code::kInvalid, "text must be a text", "text"};
    }
    if (agent_ && !agent_->can_say()) {
      return {Code::kUnsupported, "the agent cannot say a text of others", ""};
    }
    if (state_ == State::kFarewell) {
      return {Code::kConflict, "the call is ending", ""};
    }
    if (agent_phase_ != AgentPhase::kReady) {
      return {Code::kConflict, "the agent is not ready", ""};
    }
    return {};
  }
  if (type == "toolResult") {
    const std::string_view id = StringMember(command, "toolCallId");
    if (id.empty()) {
      return {Code::kInvalid, "toolCallId must be a text", "toolCallId"};
    }
    // What is no text would reach the agent as something else.
    if (StringMember(command, "output").empty()) {
      return {Code::kInvalid, "output must be a text", "output"};
    }
    if (std::find(open_tool_calls_.begin(), open_tool_calls_.end(), id) ==
        open_tool_calls_.end()) {
      return {Code::kUnknown, "no call of a tool of this id waits",
              "toolCallId"};
    }
    if (agent_phase_ != AgentPhase::kReady) {
      return {Code::kConflict, "the agent is not ready", ""};
    }
    return {};
  }
  if (type == "recordingConsent" || type == "pauseRecording" ||
      type == "resumeRecording") {
    if (!recording_) {
      return {Code::kConflict, "the call is not recorded", ""};
    }
    return {};
  }
  return {Code::kInvalid, "there is no such command", "type"};
}

void Session::CarryOut(const Json& command) {
  const std::string_view type = StringMember(command, "type");
  if (type == "hangUp") {
    if (state_ == State::kSetup || state_ == State::kLegLost) {
      CloseLeg(kCloseNormal, "hang up");
      End("hangUp");
    } else {
      SayGoodbye("hangUp");
    }
  } else if (type == "say") {
    agent_->Say(StringMember(command, "text"));
  } else if (type == "toolResult") {
    const std::string_view id = StringMember(command, "toolCallId");
    std::erase(open_tool_calls_, id);
    agent_->ToolResult(id, StringMember(command, "output"));
  } else if (type == "recordingConsent") {
    SetRecordingPause(Pause::kConsent, false);
  } else if (type == "pauseRecording" || type == "resumeRecording") {
    SetRecordingPause(Pause::kCommand, type == "pauseRecording");
  } else {
    // INVARIANT: what is judged to be done is done here; "crash" is not.
    TL_CHECK(false);
  }
}

// ---------------------------------------------------------------------------
// The leg

void Session::OnLegStarted(const protocol::LegStart& start) {
  if (leg_phase_ != LegPhase::kAwaitingStart) return;
  if (playout_ && leg_format_ != start.format) {
    OnLegFault(Fault::kUnsupportedFormat);
    return;
  }
  pending_format_ = start.format;
  pending_since_ = now_;
  early_audio_.clear();
  Json started = NewEvent("started");
  started["carrierCallId"] = start.carrier_call_id;
  started["streamId"] = start.stream_id;
  started["encoding"] = ToString(start.format.encoding);
  started["sampleRateHz"] = start.format.sample_rate_hz;
  sink_.Event(started);
  leg_phase_ = LegPhase::kAuthorizing;
  sink_.Authorize({{"token", start.token},
                   {"carrierCallId", start.carrier_call_id},
                   {"streamId", start.stream_id}});
}

void Session::CreateMedia(AudioFormat format) {
  // INVARIANT: TwilioLeg starts with no other rate; a leg that does brings a
  // resampler in front of the detector.
  TL_CHECK(format.sample_rate_hz == 8000);
  leg_format_ = format;
  protocol::AgentListener& listener = *this;
  switch (config_.agent) {
    case Config::AgentKind::kParrot:
      agent_ = std::make_unique<protocol::Parrot>(format, listener);
      break;
    case Config::AgentKind::kOpenAiRealtime: {
      protocol::OpenAiRealtime::Config realtime;
      realtime.model = config_.profile.model;
      realtime.voice = config_.profile.voice;
      realtime.instructions = config_.profile.instructions;
      realtime.language = config_.profile.language;
      realtime.transcription_model = config_.profile.transcription_model;
      realtime.format = AgentFormat(config_, format);
      realtime.tools = ToolsWithEndCall(config_.profile.tools);
      if (config_.limits.end_of_turn) {
        realtime.end_of_turn = *config_.limits.end_of_turn;
      }
      agent_ = std::make_unique<protocol::OpenAiRealtime>(
          std::move(realtime), agent_wire_, listener);
      break;
    }
  }
  caller_audio_ = std::make_unique<CallerAudio>(
      format, static_cast<CallerAudio::Listener&>(*this));
  heard_track_ = std::make_unique<HeardTrack>(format);
  reply_pauses_ = std::make_unique<ReplyPauses>(format);
  playout_ = std::make_unique<Playout>(
      Playout::Config{format, config_.limits.lead, config_.limits.mark});
  agent_cleaner_ = std::make_unique<CallerCleaner>(
      config_.profile.denoise_for_agent, config_.profile.level_for_agent);
  // What was cleaned is not companded once more.
  AudioFormat for_agent = format;
  if (agent_cleaner_->active()) {
    for_agent.encoding = protocol::Encoding::kLinear16;
    cleaned_.resize(protocol::BytesOf(for_agent, CallerAudio::kFrameMs));
  }
  to_agent_ = std::make_unique<Transcoder>(for_agent, agent_->input_format());
  to_leg_ = std::make_unique<Transcoder>(agent_->output_format(), format);
  speech_detector_ =
      std::make_unique<audio::SpeechDetector>(audio::SpeechDetector::Config{});
  if (config_.profile.echo_guard == Config::EchoGuard::kOn) {
    echo_guard_ = std::make_unique<audio::EchoGuard>();
  }
  turn_detector_ = std::make_unique<TurnDetector>(
      config_.limits.end_of_turn.value_or(agent_->default_end_of_turn()));
  frame_samples_.resize(protocol::BytesOf(format, CallerAudio::kFrameMs) /
                        protocol::BytesPerSample(format.encoding));
  played_samples_.resize(frame_samples_.size());
  concealed_.resize(protocol::BytesOf(format, CallerAudio::kFrameMs));
  gap_concealer_ = std::make_unique<audio::GapConcealer>(format.sample_rate_hz);
  StartRecording(format);
  // No chunk is longer than the lead.
  faded_.resize(
      protocol::BytesOf(format, static_cast<int>(config_.limits.lead.ms())));
  faded_samples_.resize(faded_.size() /
                        protocol::BytesPerSample(format.encoding));
}

void Session::OnLegAudio(std::optional<int64_t> timestamp_ms,
                         std::span<const uint8_t> audio) {
  if (leg_phase_ == LegPhase::kAuthorizing) {
    // The verdict takes a few milliseconds; the caller may speak in them.
    if (early_audio_.size() + audio.size() >
        protocol::BytesOf(pending_format_, kMaxEarlyMs)) {
      ReportFault("core", "earlyDropped", ++early_dropped_);
      return;
    }
    if (early_audio_.empty()) early_timestamp_ms_ = timestamp_ms;
    early_audio_.insert(early_audio_.end(), audio.begin(), audio.end());
    return;
  }
  if (leg_phase_ != LegPhase::kUp) return;
  deadlines_.Set(Timer::kCallerStall, now_ + kCallerStall);
  caller_audio_->OnAudio(timestamp_ms, audio);
}

void Session::OnCallerFrame(std::span<const uint8_t> frame,
                            CallerAudio::Source source) {
  if (ended()) return;
  DecodeAudio(leg_format_.encoding, frame, frame_samples_);
  frame = ConcealGap(frame, source);
  if (call_recorder_) {
    call_recorder_->OnCallerFrame(frame_samples_, source, now_,
                                  playout_->round_trip());
  }
  const bool speaks = HearsCaller();
  FeedAgent(CleanedForAgent(frame, speaks));
  HandleTurnEvent(turn_detector_->OnFrame(speaks));
}

std::span<const uint8_t> Session::ConcealGap(std::span<const uint8_t> frame,
                                             CallerAudio::Source source) {
  const bool is_gap = source == CallerAudio::Source::kFilled;
  if (is_gap) {
    gap_concealer_->Lost(frame_samples_);
  } else {
    gap_concealer_->Good(frame_samples_);
  }
  // Good samples are changed right after a gap only.
  if (!is_gap && !std::exchange(after_gap_, false)) return frame;
  after_gap_ = is_gap;
  EncodeAudio(leg_format_.encoding, frame_samples_, concealed_);
  return concealed_;
}

bool Session::HearsCaller() {
  const bool speech = speech_detector_->Process(frame_samples_).speech;
  frames_since_caller_ = std::min(frames_since_caller_ + 1, kLongAgoFrames);
  frames_since_echo_ = std::min(frames_since_echo_ + 1, kLongAgoFrames);
  bool explained = false;
  if (echo_guard_) {
    // The frame was spoken in the 20 ms that end now; the way there and back
    // is part of the delay that the guard finds.
    const Instant begin = now_ - Duration::Millis(CallerAudio::kFrameMs);
    heard_track_->Read(heard_track_->PositionAt(begin), played_samples_);
    const bool is_echo =
        echo_guard_->Process(played_samples_, frame_samples_).explained;
    // A voice that stood out enough to interrupt goes on being the caller's:
    // nothing is played any more, and what still comes back of it is shorter
    // than what makes an interruption final.
    explained = is_echo && state_ != State::kInterrupted;
  }
  if (speech) (explained ? frames_since_echo_ : frames_since_caller_) = 0;
  return speech && !explained;
}

bool Session::IsEchoForProvider() const {
  return frames_since_echo_ < kLongAgoFrames &&
         frames_since_caller_ == kLongAgoFrames;
}

std::span<const uint8_t> Session::CleanedForAgent(
    std::span<const uint8_t> frame, bool speaks) {
  if (!agent_cleaner_->active()) return frame;
  EncodeAudio(protocol::Encoding::kLinear16,
              agent_cleaner_->Process(frame_samples_, speaks), cleaned_);
  return cleaned_;
}

void Session::StartRecording(AudioFormat format) {
  if (config_.profile.recording == Config::Recording::kOff) return;
  call_recorder_ = std::make_unique<CallRecorder>(
      format, *heard_track_, static_cast<CallRecorder::Listener&>(*this));
  recording_cleaner_ = std::make_unique<CallerCleaner>(
      config_.profile.denoise_for_recording, Config::Leveling::kOff);
  audio::Recorder::Config recording;
  recording.sample_rate_hz = format.sample_rate_hz;
  recording.serial = static_cast<uint32_t>(config_.seed);
  const auto& so_far = config_.recording_so_far;
  if (so_far) {
    recording.serial = so_far->serial;
    recording.pages_before = so_far->pages;
    recording.granule_before = so_far->granule;
  }
  recording_ = std::make_unique<audio::Recorder>(recording);
  if (so_far) {
    FillRecording(so_far->age + (pending_since_ - opened_at_));
  } else {
    const std::string title = "TITLE=" + config_.call_id;
    const std::string_view comments[] = {title};
    Record(recording_->Start(comments));
  }
  Json event = NewEvent("recordingStarted");
  event["startMs"] = (pending_since_ - opened_at_).ms();
  event["fileMs"] = recording_->frames() * CallerAudio::kFrameMs;
  sink_.Event(event);
  Config::RecordingPauses pauses{};
  pauses[static_cast<size_t>(Pause::kConsent)] =
      config_.profile.recording == Config::Recording::kOnConsent;
  if (so_far) pauses = so_far->pauses;
  for (size_t i = 0; i < pauses.size(); ++i) {
    if (pauses[i]) SetRecordingPause(static_cast<Pause>(i), true);
  }
}

void Session::FillRecording(Duration age) {
  const Duration recorded =
      Duration::Millis(recording_->frames() * CallerAudio::kFrameMs);
  const Duration missing = std::min(age - recorded, CallRecorder::kMaxCatchUp);
  const std::vector<int16_t> silence(frame_samples_.size());
  constexpr int kFrameMs = CallerAudio::kFrameMs;
  for (int64_t i = (missing.ms() + kFrameMs / 2) / kFrameMs; i > 0; --i) {
    Record(recording_->Process(silence, silence));
  }
}

void Session::SetRecordingPause(Pause pause, bool paused) {
  if (!recording_) return;
  if (pause == Pause::kDigits) {
    deadlines_.Set(Timer::kDigits,
                   paused ? now_ + kDigitsPause : Instant::Never());
  }
  bool& cause = recording_pauses_[static_cast<size_t>(pause)];
  if (cause == paused) return;
  cause = paused;
  Json causes = Json::array();
  for (size_t i = 0; i < recording_pauses_.size(); ++i) {
    if (recording_pauses_[i]) causes.push_back(ToString(static_cast<Pause>(i)));
  }
  if (causes.empty()) {
    call_recorder_->Unmute();
  } else {
    call_recorder_->Mute();
  }
  Json event = NewEvent("recording");
  event["state"] = causes.empty() ? "on" : "paused";
  event["pauses"] = std::move(causes);
  sink_.Event(event);
}

void Session::OnRecordedFrame(std::span<const int16_t> caller,
                              std::span<const int16_t> agent) {
  Record(recording_->Process(
      recording_cleaner_->Process(caller, /*speaks=*/true), agent));
}

void Session::Record(std::span<const uint8_t> pages) {
  if (pages.empty()) return;
  constexpr auto kFrame =
      static_cast<int64_t>(audio::Recorder::kGranulesPerFrame);
  sink_.Record(recording_->frames() * kFrame, pages);
}

void Session::FinishRecording() {
  if (!recording_) return;
  call_recorder_->Finish();
  Record(recording_->Finish());
}

void Session::FeedAgent(std::span<const uint8_t> frame) {
  const std::span<const uint8_t> audio = to_agent_->Process(frame);
  if (agent_phase_ == AgentPhase::kReady) {
    if (state_ != State::kFarewell) agent_->Listen(audio);
    return;
  }
  if (agent_phase_ == AgentPhase::kLost) return;
  const size_t room = protocol::BytesOf(agent_->input_format(), kMaxBacklogMs);
  if (backlog_.size() + audio.size() > room) {
    const size_t drop =
        std::min(backlog_.size(), backlog_.size() + audio.size() - room);
    backlog_.erase(backlog_.begin(),
                   backlog_.begin() + static_cast<ptrdiff_t>(drop));
    backlog_dropped_ms_ += CallerAudio::kFrameMs;
    ReportFault("core", "backlogDropped",
                backlog_dropped_ms_ / CallerAudio::kFrameMs);
  }
  backlog_.insert(backlog_.end(), audio.begin(), audio.end());
}

void Session::OnLegDtmf(char digit) {
  if (leg_phase_ != LegPhase::kUp) return;
  if (recording_ &&
      config_.profile.record_digits == Config::RecordDigits::kNo) {
    // The digit's tone came before its message.
    call_recorder_->MuteHeld();
    SetRecordingPause(Pause::kDigits, true);
  }
  Json event = NewEvent("dtmf");
  event["digit"] = std::string(1, digit);
  sink_.Event(event);
}

void Session::OnLegMark(protocol::MarkId mark) {
  // An echo of a cleared generation is not playback; it is expected.
  if (playout_) playout_->OnMark(mark, now_);
}

void Session::OnLegStopped() {
  if (leg_phase_ != LegPhase::kUp) {
    CloseLeg(kCloseNormal, "stopped");
    if (state_ == State::kSetup) End("noStart");
    return;
  }
  CloseLeg(kCloseNormal, "stopped");
  End(end_reason_.empty() ? "callerHangUp" : end_reason_);
}

void Session::OnLegFault(Fault fault) {
  CountFault(leg_faults_, "leg", fault);
  if (!IsOffence(fault)) return;
  ++leg_offences_;
  const uint64_t limit =
      leg_phase_ == LegPhase::kUp ? kMaxFaults : kMaxFaultsBeforeStart;
  // A format that cannot be carried is refused, not guessed.
  if (leg_offences_ < limit && fault != Fault::kUnsupportedFormat) return;
  RejectLeg(kCloseProtocol, ToString(fault));
}

void Session::RejectLeg(uint16_t code, std::string_view reason) {
  CloseLeg(code, reason);
  // A stream that only claimed to be the lost one does not end the call.
  if (state_ != State::kLegLost) End("protocol");
}

void Session::CloseLeg(uint16_t code, std::string_view reason) {
  deadlines_.Clear(Timer::kLegStart);
  if (leg_phase_ == LegPhase::kClosed) return;
  leg_phase_ = LegPhase::kClosed;
  channels_.Of(Owner::kLeg).Close(kLegChannel, code, reason);
}

void Session::LoseLeg() {
  const bool was_up = leg_phase_ == LegPhase::kUp;
  leg_phase_ = LegPhase::kClosed;
  deadlines_.Clear(Timer::kLegStart);
  switch (state_) {
    case State::kSetup:
      End("noStart");
      return;
    case State::kFarewell:
      End(end_reason_);
      return;
    case State::kLegLost:
      // A stream that was not authorised in time changes nothing.
      return;
    case State::kConnecting:
    case State::kListening:
    case State::kThinking:
    case State::kSpeaking:
    case State::kInterrupted:
      break;
    case State::kEnded:
      return;
  }
  TL_CHECK(was_up);
  // The leg's buffer went with it: what was not heard is kept for its return.
  if (state_ == State::kSpeaking) DropLegBuffer();
  turn_detector_->AbandonTurn();
  for (const Timer timer : {Timer::kReply, Timer::kDeadAir, Timer::kPace,
                            Timer::kDecide, Timer::kCallerStall}) {
    deadlines_.Clear(timer);
  }
  SetState(State::kLegLost, Reason::kLegGone);
  deadlines_.Set(Timer::kLegLost, now_ + config_.limits.leg_lost);
}

// ---------------------------------------------------------------------------
// The agent

void Session::CloseAgent(uint16_t code, std::string_view reason) {
  channels_.CloseAll(Owner::kAgent, code, reason);
  agent_channel_.reset();
}

void Session::StartAgent() {
  const std::optional<protocol::Upstream> upstream = agent_->upstream();
  if (!upstream) {
    agent_phase_ = AgentPhase::kConfiguring;
    agent_->Begin();
    return;
  }
  agent_phase_ = AgentPhase::kConnecting;
  deadlines_.Set(Timer::kAgentReady, now_ + config_.limits.agent_ready);
  protocol::ConnectRequest request{
      std::string(upstream->name), upstream->path, {}};
  if (!upstream->protocol.empty()) {
    request.protocols.emplace_back(upstream->protocol);
  }
  agent_channel_ = channels_.Of(Owner::kAgent).Connect(request);
  if (!agent_channel_) OnAgentFailed(Loss::kRetryable, "tooManyChannels");
}

void Session::OnAgentReady() {
  agent_phase_ = AgentPhase::kReady;
  deadlines_.Clear(Timer::kAgentReady);
  sink_.Event(NewEvent("agentReady"));
  if (!backlog_.empty()) agent_->Listen(std::exchange(backlog_, {}));
  switch (state_) {
    case State::kConnecting:
      if (!config_.profile.greeting.empty() && agent_->can_say() &&
          replies_ == 0) {
        SetState(State::kThinking, Reason::kGreeting);
        AwaitReply();
        agent_->Say(config_.profile.greeting);
      } else {
        AwaitCaller(Reason::kAgentReady);
      }
      break;
    case State::kThinking:
      // The reply that was due died with the former socket.
      AwaitReply();
      agent_->Respond(turn_detector_->since_speech());
      break;
    case State::kListening:
    case State::kSpeaking:
    case State::kInterrupted:
    case State::kLegLost:
      // The conversation goes on where it stands.
      break;
    case State::kSetup:
    case State::kFarewell:
    case State::kEnded:
      break;
  }
}

void Session::OnAgentSpeechStarted() {
  provider_hears_speech_ = true;
  if (state_ == State::kSpeaking && !IsEchoForProvider()) {
    OnSpeechWhileSpeaking(Interrupter::kProvider);
  }
}

void Session::OnAgentSpeechStopped() {
  provider_hears_speech_ = false;
  if (state_ == State::kInterrupted && interrupter_ == Interrupter::kProvider &&
      !turn_detector_->speaking()) {
    ResumeReply();
  }
}

void Session::OnAgentTurnCommitted() {
  switch (state_) {
    case State::kListening:
      EndTurn("agent");
      break;
    case State::kThinking:
      // The caller went on after a pause: one reply to both parts.
      agent_->Cancel();
      EndTurn("agent");
      break;
    case State::kSpeaking:
    case State::kInterrupted:
    case State::kFarewell:
      // What was taken for a turn did not interrupt the reply.
      agent_->DiscardTurn();
      break;
    case State::kSetup:
    case State::kConnecting:
    case State::kLegLost:
    case State::kEnded:
      break;
  }
}

void Session::OnAgentTranscript(protocol::Role role, std::string_view item,
                                std::string_view text,
                                protocol::TranscriptState state) {
  Json event = NewEvent("transcript");
  event["role"] = role == protocol::Role::kCaller ? "caller" : "agent";
  event["item"] = item;
  event["text"] = text;
  event["final"] = state == protocol::TranscriptState::kFinal;
  sink_.Event(event);
  // Words prove an interruption before its length does.
  if (role == protocol::Role::kCaller && state_ == State::kInterrupted &&
      state == protocol::TranscriptState::kPart &&
      text.find_first_not_of(" .,?!") != std::string_view::npos) {
    ConfirmBargeIn();
  }
}

void Session::OnAgentAudio(protocol::ItemId item,
                           std::span<const uint8_t> audio) {
  switch (state_) {
    case State::kListening:
    case State::kThinking:
    case State::kSpeaking:
    case State::kInterrupted:
    case State::kLegLost:
      break;
    case State::kFarewell:
      if (!saying_farewell_) return;
      break;
    case State::kSetup:
    case State::kConnecting:
    case State::kEnded:
      return;
  }
  const std::span<const uint8_t> encoded = to_leg_->Process(audio);
  if (!playout_->Append(item, encoded)) {
    reply_refused_bytes_ += encoded.size();
    ReportFault("core", "replyRefused",
                reply_refused_bytes_ / std::max<size_t>(encoded.size(), 1));
    return;
  }
  reply_pauses_->Append(item, encoded);
  // An agent that falls silent in the middle of a reply is noticed too.
  if (state_ != State::kFarewell && state_ != State::kLegLost) {
    deadlines_.Set(Timer::kReply, now_ + config_.limits.reply);
  }
  if (state_ == State::kListening || state_ == State::kThinking) {
    // The caller has begun again in the meantime: not a word over it.
    const bool over_speech = state_ == State::kThinking && CallerGoesOn();
    reply_announced_ = false;
    deadlines_.Clear(Timer::kDeadAir);
    SetState(State::kSpeaking, Reason::kReplyAudio);
    if (over_speech) OnSpeechWhileSpeaking(Interrupter::kLocal);
  }
}

void Session::OnAgentToolCall(std::string_view tool_call_id,
                              std::string_view name,
                              std::string_view arguments) {
  Json event = NewEvent("toolCall");
  event["toolCallId"] = tool_call_id;
  event["name"] = name;
  event["arguments"] = arguments;
  sink_.Event(event);
  if (name == kEndCallTool) {
    // No result: an answer would make the agent speak once more.
    hang_up_after_reply_ = true;
    return;
  }
  const Json& tools = config_.profile.tools;
  const bool declared =
      tools.is_array() &&
      std::any_of(tools.begin(), tools.end(), [name](const Json& tool) {
        return StringMember(tool, "name") == name;
      });
  if (!declared) {
    agent_->ToolResult(tool_call_id, R"({"error":"there is no such tool"})");
    return;
  }
  if (open_tool_calls_.size() == kMaxOpenToolCalls) {
    agent_->ToolResult(tool_call_id, R"({"error":"too many tools at a time"})");
    return;
  }
  open_tool_calls_.emplace_back(tool_call_id);
}

void Session::OnAgentReplyDone(protocol::ReplyEnd end, AfterReply after,
                               const protocol::Usage& usage) {
  if (usage.input_tokens != 0 || usage.output_tokens != 0) {
    Json event = NewEvent("usage");
    event["inputTokens"] = usage.input_tokens;
    event["outputTokens"] = usage.output_tokens;
    sink_.Event(event);
  }
  // One reply at a time: whatever comes next belongs to the next one.
  playout_->EndReply();
  if (end == protocol::ReplyEnd::kCancelled) return;
  if (end == protocol::ReplyEnd::kComplete) {
    agent_retries_ = 0;
    reply_retried_ = false;
  }
  deadlines_.Clear(Timer::kReply);
  if (state_ == State::kFarewell) {
    // Words that cannot be heard: tones instead.
    if (saying_farewell_ && playout_->received() == farewell_from_) {
      saying_farewell_ = false;
      PlayFarewellTones();
    }
    return;
  }
  reply_goes_on_ = after == AfterReply::kAwaitsTools && !hang_up_after_reply_;
  if (state_ != State::kThinking) return;
  // A reply without audio.
  if (hang_up_after_reply_) {
    SayGoodbye("hangUp");
  } else if (reply_goes_on_) {
    AwaitReply();
  } else if (end == protocol::ReplyEnd::kFailed) {
    Json event = NewEvent("agentFailed");
    event["code"] = "replyFailed";
    event["fatal"] = reply_retried_;
    sink_.Event(event);
    if (std::exchange(reply_retried_, true)) {
      SayGoodbye("agentFailed");
    } else {
      AwaitReply();
      agent_->Respond(turn_detector_->since_speech());
    }
  } else {
    AwaitCaller(Reason::kReplyEmpty);
  }
}

void Session::OnAgentFailed(Loss loss, std::string_view code) {
  if (ended()) return;
  const bool retry =
      loss == Loss::kRetryable && agent_retries_ < kMaxAgentRetries;
  Json event = NewEvent("agentFailed");
  event["code"] = code;
  event["fatal"] = !retry;
  sink_.Event(event);
  CloseAgent(kCloseNormal, code);
  deadlines_.Clear(Timer::kAgentReady);
  provider_hears_speech_ = false;
  to_leg_->Reset();
  // What came of the reply is played; no more of it comes.
  playout_->EndReply();
  reply_goes_on_ = false;
  if (retry) {
    agent_phase_ = AgentPhase::kBackoff;
    deadlines_.Clear(Timer::kReply);
    deadlines_.Set(
        Timer::kAgentRetry,
        now_ + Duration::Micros(kAgentRetryPause.us() << agent_retries_));
    ++agent_retries_;
    return;
  }
  agent_phase_ = AgentPhase::kLost;
  backlog_.clear();
  switch (state_) {
    case State::kConnecting:
      SayGoodbye("noAnswer");
      break;
    case State::kListening:
    case State::kThinking:
    case State::kSpeaking:
    case State::kInterrupted:
      SayGoodbye("agentFailed");
      break;
    case State::kFarewell:
      // Its words will not come: tones instead.
      if (std::exchange(saying_farewell_, false)) PlayFarewellTones();
      break;
    case State::kLegLost:
      End("agentFailed");
      break;
    case State::kSetup:
    case State::kEnded:
      break;
  }
}

void Session::OnAgentFault(Fault fault) {
  CountFault(agent_faults_, "agent", fault);
}

// ---------------------------------------------------------------------------
// Turns

void Session::HandleTurnEvent(TurnDetector::Event event) {
  switch (event) {
    case TurnDetector::Event::kSpeechStarted: {
      const Duration ago = turn_detector_->since_start();
      Json started = NewEvent("speechStarted");
      started["startMs"] = AtMs() - ago.ms();
      sink_.Event(started);
      if (agent_phase_ == AgentPhase::kReady) agent_->TurnStarted(ago);
      if (state_ == State::kSpeaking) {
        OnSpeechWhileSpeaking(Interrupter::kLocal);
      }
      return;
    }
    case TurnDetector::Event::kSpeechStopped: {
      Json stopped = NewEvent("speechStopped");
      stopped["endMs"] = AtMs() - turn_detector_->since_speech().ms();
      sink_.Event(stopped);
      if (state_ == State::kInterrupted && !provider_hears_speech_) {
        ResumeReply();
      }
      return;
    }
    case TurnDetector::Event::kTurnEnded:
      if (state_ == State::kListening && agent_phase_ == AgentPhase::kReady &&
          agent_->turn_detection() == protocol::Agent::TurnDetection::kLocal) {
        EndTurn("local");
      }
      return;
    case TurnDetector::Event::kNone:
      break;
  }
  if (!turn_detector_->speaking()) return;
  if (state_ == State::kListening) {
    deadlines_.Set(Timer::kDeadAir, now_ + config_.limits.dead_air);
  }
  if (turn_detector_->speech() < config_.limits.barge_in_confirm) return;
  if (state_ == State::kInterrupted) {
    ConfirmBargeIn();
  } else if (state_ == State::kThinking && CallerGoesOn()) {
    // The reply was asked for too early.
    if (agent_phase_ == AgentPhase::kReady) agent_->Cancel();
    AwaitCaller(Reason::kCallerGoesOn);
  }
}

// Speech that began after the reply was asked for. What the detector holds for
// speech since before (a noise that came up) is not the caller going on.
bool Session::CallerGoesOn() const {
  return turn_detector_->speaking() &&
         turn_detector_->since_start() < now_ - thinking_since_;
}

void Session::AwaitReply() {
  thinking_since_ = now_;
  deadlines_.Set(Timer::kReply, now_ + config_.limits.reply);
}

void Session::EndTurn(std::string_view source) {
  ++turns_;
  Json event = NewEvent("turnEnded");
  event["source"] = source;
  event["turn"] = turns_;
  sink_.Event(event);
  if (state_ == State::kListening) {
    SetState(State::kThinking, Reason::kTurnEnded);
  }
  deadlines_.Clear(Timer::kDeadAir);
  AwaitReply();
  agent_->Respond(turn_detector_->since_speech());
}

void Session::OnSpeechWhileSpeaking(Interrupter interrupter) {
  // A reply that was heard to its end is not interrupted.
  if (playout_->done(now_)) return;
  Interrupt(interrupter);
}

// What the leg holds unplayed is not heard.
void Session::DropLegBuffer() {
  playout_->Interrupt(now_);
  heard_track_->Cut(now_);
}

void Session::Interrupt(Interrupter interrupter) {
  const Playout::Cut heard = playout_->current(now_);
  DropLegBuffer();
  leg_->Clear();
  interrupter_ = interrupter;
  Json event = NewEvent("cleared");
  event["reason"] = "bargeIn";
  event["item"] = ItemName(heard.item);
  event["heardMs"] = heard.heard_ms;
  sink_.Event(event);
  deadlines_.Clear(Timer::kPace);
  deadlines_.Set(Timer::kDecide, now_ + kDecide);
  SetState(State::kInterrupted, Reason::kSpeech);
}

void Session::ResumeReply() {
  ++resumes_;
  deadlines_.Clear(Timer::kDecide);
  turn_detector_->AbandonTurn();
  if (agent_phase_ == AgentPhase::kReady) agent_->DiscardTurn();
  const Playout::Cut heard = playout_->current(now_);
  Json event = NewEvent("resumed");
  event["item"] = ItemName(heard.item);
  event["fromMs"] = heard.heard_ms;
  sink_.Event(event);
  fade_position_ = 0;
  fade_samples_ = frame_samples_.size() * kResumeFadeMs / CallerAudio::kFrameMs;
  SetState(State::kSpeaking, Reason::kResumed);
}

void Session::ConfirmBargeIn() {
  ++barge_ins_;
  deadlines_.Clear(Timer::kDecide);
  TruncateUnheard();
  AwaitCaller(Reason::kBargeIn);
}

void Session::TruncateUnheard() {
  hang_up_after_reply_ = false;
  reply_goes_on_ = false;
  open_tool_calls_.clear();
  if (agent_phase_ == AgentPhase::kReady) agent_->Cancel();
  for (const Playout::Cut& cut : playout_->Discard(now_)) {
    if (cut.item == kTonesItem) continue;
    int64_t audio_end_ms = std::min(cut.heard_ms, cut.received_ms);
    if (agent_phase_ == AgentPhase::kReady) {
      audio_end_ms = agent_->Truncate(cut.item, audio_end_ms);
    }
    ReportCut(cut, audio_end_ms);
  }
  to_leg_->Reset();
}

void Session::ReportCut(const Playout::Cut& cut, int64_t audio_end_ms) {
  Json event = NewEvent("truncated");
  event["item"] = ItemName(cut.item);
  event["audioEndMs"] = audio_end_ms;
  event["receivedMs"] = cut.received_ms;
  Json pauses = Json::array();
  for (const ReplyPauses::Pause& pause : reply_pauses_->Of(cut.item)) {
    pauses.push_back(Json::array({pause.from_ms, pause.to_ms}));
  }
  event["pauses"] = std::move(pauses);
  sink_.Event(event);
}

void Session::ReplyHeard() {
  ++replies_;
  const Playout::Cut heard = playout_->current(now_);
  playout_->Forget();
  Json event = NewEvent("replyDone");
  event["item"] = ItemName(heard.item);
  event["heardMs"] = heard.heard_ms;
  event["turn"] = turns_;
  sink_.Event(event);
  deadlines_.Clear(Timer::kPace);
  if (hang_up_after_reply_) {
    // The agent has said its goodbye.
    CloseLeg(kCloseNormal, "hangUp");
    End("hangUp");
  } else if (std::exchange(reply_goes_on_, false)) {
    SetState(State::kThinking, Reason::kToolsAwaited);
    AwaitReply();
  } else {
    AwaitCaller(Reason::kReplyHeard);
  }
}

void Session::AwaitCaller(Reason reason) {
  SetState(State::kListening, reason);
  deadlines_.Clear(Timer::kReply);
  deadlines_.Set(Timer::kDeadAir, now_ + config_.limits.dead_air);
}

// ---------------------------------------------------------------------------
// The end

void Session::SayGoodbye(std::string_view end_reason) {
  if (state_ == State::kFarewell || ended()) return;
  end_reason_ = end_reason;
  if (playout_->received() > playout_->heard(now_)) {
    DropLegBuffer();
    leg_->Clear();
    TruncateUnheard();
  } else if (agent_phase_ == AgentPhase::kReady) {
    agent_->Cancel();
  }
  for (const Timer timer :
       {Timer::kAgentReady, Timer::kAgentRetry, Timer::kReply, Timer::kDeadAir,
        Timer::kDecide, Timer::kMaxCall}) {
    deadlines_.Clear(timer);
  }
  fade_samples_ = 0;
  farewell_from_ = playout_->received();
  SetState(State::kFarewell, Reason::kGoodbye);
  deadlines_.Set(Timer::kFarewell, now_ + config_.limits.farewell);
  if (agent_phase_ == AgentPhase::kReady && agent_->can_say() &&
      !config_.profile.farewell.empty()) {
    saying_farewell_ = true;
    agent_->Say(config_.profile.farewell);
    return;
  }
  PlayFarewellTones();
}

void Session::PlayFarewellTones() {
  audio::FarewellTones tones(leg_format_.sample_rate_hz);
  int16_t samples[160];
  uint8_t encoded[sizeof samples];
  const size_t sample_bytes = protocol::BytesPerSample(leg_format_.encoding);
  for (;;) {
    const size_t count = tones.Generate(samples);
    if (count == 0) break;
    EncodeAudio(leg_format_.encoding,
                std::span<const int16_t>(samples).first(count), encoded);
    playout_->Append(kTonesItem, std::span<const uint8_t>(encoded).first(
                                     count * sample_bytes));
  }
  playout_->EndReply();
}

void Session::End(std::string_view end_reason) {
  if (ended()) return;
  // What the end of the call cut short. No agent is told: its socket closes.
  if (playout_) {
    for (const Playout::Cut& cut : playout_->Discard(now_)) {
      if (cut.item == kTonesItem) continue;
      ReportCut(cut, std::min(cut.heard_ms, cut.received_ms));
    }
  }
  SetState(State::kEnded, Reason::kOver);
  FinishRecording();
  CloseAgent(kCloseNormal, "call ended");
  if (leg_phase_ != LegPhase::kClosed) {
    CloseLeg(kCloseNormal, end_reason);
  }
  deadlines_ = Deadlines();
  AnnounceDeadline();
  Json counters = Json::object();
  const auto add = [&counters](const std::string& name, uint64_t count) {
    if (count != 0) counters[name] = count;
  };
  for (size_t i = 0; i < protocol::kFaultCount; ++i) {
    const std::string name = ToString(static_cast<Fault>(i));
    add("leg." + name, leg_faults_[i]);
    add("agent." + name, agent_faults_[i]);
  }
  add("backlogDroppedMs", backlog_dropped_ms_);
  add("replyRefusedBytes", reply_refused_bytes_);
  add("earlyDropped", early_dropped_);
  if (caller_audio_) {
    const CallerAudio::Counters& audio = caller_audio_->counters();
    add("filledMs", audio.filled_ms);
    add("lateMs", audio.late_ms);
    add("shortenedGaps", audio.shortened_gaps);
  }
  sink_.Ended({{"callId", config_.call_id},
               {"reason", end_reason},
               {"durationMs", AtMs()},
               {"turns", turns_},
               {"replies", replies_},
               {"bargeIns", barge_ins_},
               {"resumes", resumes_},
               {"counters", std::move(counters)}});
}

// ---------------------------------------------------------------------------
// After every input

void Session::Settle() {
  if (ended()) return;
  if (state_ == State::kSpeaking || state_ == State::kFarewell) {
    Pump();
    if (playout_->done(now_)) {
      if (state_ == State::kSpeaking) {
        ReplyHeard();
      } else if (playout_->received() > farewell_from_) {
        CloseLeg(kCloseNormal, end_reason_);
        End(end_reason_);
      }
      if (ended()) return;
    }
  }
  // INVARIANT: what a state waits for has a deadline.
  TL_CHECK(IsConsistent());
  AnnounceDeadline();
}

void Session::Pump() {
  for (;;) {
    const uint64_t position = playout_->sent();
    std::span<const uint8_t> chunk = playout_->NextChunk(now_);
    if (chunk.empty()) break;
    if (fade_position_ < fade_samples_) chunk = FadeIn(chunk);
    leg_->Play(chunk);
    heard_track_->Play(chunk, playout_->PlaysAt(position));
    if (!reply_announced_ && state_ == State::kSpeaking) {
      reply_announced_ = true;
      Json event = NewEvent("replyStarted");
      event["item"] = ItemName(playout_->current(now_).item);
      event["turn"] = turns_;
      sink_.Event(event);
    }
    if (const auto mark = playout_->TakeMark()) leg_->Mark(*mark);
  }
  if (const auto mark = playout_->TakeMark()) leg_->Mark(*mark);
  deadlines_.Set(Timer::kPace, playout_->NextCheck(now_));
}

// The first samples after an interruption that was none rise from silence.
std::span<const uint8_t> Session::FadeIn(std::span<const uint8_t> chunk) {
  const protocol::Encoding encoding = leg_format_.encoding;
  const auto samples = std::span<int16_t>(faded_samples_)
                           .first(DecodeAudio(encoding, chunk, faded_samples_));
  audio::FadeIn(samples, fade_position_, fade_samples_);
  fade_position_ += samples.size();
  EncodeAudio(encoding, samples, faded_);
  return std::span<const uint8_t>(faded_).first(chunk.size());
}

bool Session::IsConsistent() const {
  const auto waits_for = [this](std::initializer_list<Timer> timers) {
    return std::any_of(timers.begin(), timers.end(),
                       [this](Timer timer) { return deadlines_.IsSet(timer); });
  };
  const bool leg_up = leg_phase_ == LegPhase::kUp && playout_ && agent_;
  const bool agent_returns =
      waits_for({Timer::kAgentReady, Timer::kAgentRetry});
  switch (state_) {
    case State::kSetup:
      return !agent_ && !playout_ && waits_for({Timer::kLegStart});
    case State::kConnecting:
      return leg_up && waits_for({Timer::kMaxCall}) && agent_returns;
    case State::kListening:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             waits_for({Timer::kDeadAir});
    case State::kThinking:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             (waits_for({Timer::kReply}) || agent_returns);
    case State::kSpeaking:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             waits_for({Timer::kPace, Timer::kReply});
    case State::kInterrupted:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             waits_for({Timer::kDecide});
    case State::kFarewell:
      return leg_up && waits_for({Timer::kFarewell});
    case State::kLegLost:
      return leg_phase_ != LegPhase::kUp && waits_for({Timer::kLegLost});
    case State::kEnded:
      return deadlines_.earliest().is_never();
  }
  return false;
}

void Session::AnnounceDeadline() {
  const Instant next = deadlines_.earliest();
  // A deadline that moved later is left as it is: the wake-up comes early,
  // does nothing, and sets the right one. Frames move deadlines fifty times a
  // second; this keeps timers off their path.
  const bool past = announced_deadline_ <= now_;
  if (next < announced_deadline_ || past || next.is_never()) {
    if (next == announced_deadline_) return;
    announced_deadline_ = next;
    sink_.SetDeadline(next);
  }
}

void Session::SetState(State next, Reason reason) {
  // INVARIANT: every transition is in the table that the documentation shows.
  TL_CHECK(IsAllowed(state_, reason, next));
  Json event = NewEvent("state");
  event["from"] = ToString(state_);
  event["to"] = ToString(next);
  event["reason"] = ToString(reason);
  sink_.Event(event);
  state_ = next;
}

Json Session::NewEvent(std::string_view type) {
  return {{"type", type}, {"atMs", AtMs()}, {"seq", next_seq_++}};
}

void Session::CountFault(FaultCounts& counts, const char* source, Fault fault) {
  ReportFault(source, ToString(fault), ++counts[static_cast<size_t>(fault)]);
}

void Session::ReportFault(const char* source, const char* code,
                          uint64_t count) {
  if (!std::has_single_bit(count)) return;
  Json event = NewEvent("fault");
  event["source"] = source;
  event["code"] = code;
  event["count"] = count;
  sink_.Event(event);
}

std::string Session::ItemName(protocol::ItemId item) const {
  if (item == kTonesItem) return "tones";
  return std::string(agent_->item_name(item));
}

}  // namespace trunkline::session
