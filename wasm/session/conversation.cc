#include "session/conversation.h"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <variant>

#include "base/check.h"
#include "session/close_codes.h"

namespace trunkline::session {

using media::LineOut;
using media::Playout;
using protocol::AgentReplyDone;

Conversation::Conversation(CallContext& context, LegLink& leg, AgentLink& agent)
    : context_(context),
      events_(context),
      leg_(leg),
      agent_(agent),
      transcript_(context.call_began()),
      tools_(context, agent, transcript_),
      owes_greeting_(!context.config().profile.greeting.empty()) {
  transcript_.SkipLines(context.config().last_line);
}

void Conversation::SetState(State next, Reason reason) {
  // INVARIANT: every transition is in the table that the documentation shows.
  const Transition* transition = FindTransition(state_, reason, next);
  TL_CHECK(transition != nullptr);
  events_.StateChanged(state_, next, reason);
  state_ = next;
  snapshot_due_ = true;
  for (const Timer timer : transition->stops) context_.ClearTimer(timer);
  for (const Timer timer : transition->starts) {
    context_.SetTimer(timer, LimitOf(timer));
  }
  if (next == State::kThinking) thinking_since_ = context_.now();
}

Duration Conversation::LimitOf(Timer timer) const {
  switch (timer) {
    case Timer::kReply:
      return limits().reply;
    case Timer::kDeadAir:
      return limits().dead_air;
    case Timer::kFarewell:
      return limits().farewell;
    case Timer::kLegLost:
      return limits().leg_lost;
    case Timer::kDecide:
      return kDecide;
    case Timer::kLegStart:
    case Timer::kAgentReady:
    case Timer::kAgentRetry:
    case Timer::kAgent:
    case Timer::kTool:
    case Timer::kText:
    case Timer::kAskAgain:
    case Timer::kDeaf:
    case Timer::kMaxCall:
    case Timer::kPace:
    case Timer::kCallerStall:
    case Timer::kDigits:
      break;
  }
  // INVARIANT: no transition starts any other.
  TL_CHECK(false);
  return {};
}

// ---------------------------------------------------------------------------
// The leg

void Conversation::Begin(LineOut& line) {
  line_ = &line;
  turns_detector_ = std::make_unique<TurnDetector>(
      limits().end_of_turn.value_or(agent_.traits().default_end_of_turn));
  spoken_ = std::make_unique<SpokenItems>(transcript_, agent_.traits().output);
  owes_greeting_ = owes_greeting_ && agent_.traits().can_say;
  // One that is not told the conversation has nothing to go on with.
  owes_reply_ = owes_reply_ && agent_.traits().can_say;
  SetState(State::kConnecting, Reason::kAuthorized);
  // A call that has lost its object has not more time for it.
  context_.deadlines().Set(Timer::kMaxCall,
                           context_.call_began() + limits().max_call);
  agent_.Start();
}

void Conversation::OnLegBack() {
  // The stream is back: its buffer is empty, its clock a new one.
  if (!agent_.ready()) {
    SetState(State::kConnecting, Reason::kAuthorized);
    return;
  }
  const bool unsent = line_->has_unsent();
  if (!unsent && (owes_reply_ || answers_given_)) {
    SetState(State::kThinking, Reason::kReplyOwed);
    const bool waits = reply_asked_ || tools_.waiting() ||
                       context_.deadlines().IsSet(Timer::kAskAgain);
    if (!waits) AskForReply();
    GiveAnswers();
    return;
  }
  SetState(State::kListening, Reason::kLegBack);
  if (!unsent) {
    GiveAnswers();
    return;
  }
  SetState(State::kSpeaking, Reason::kReplyAudio);
  if (!line_->reply_ended()) context_.SetTimer(Timer::kReply, limits().reply);
}

void Conversation::OnLegRefused() {
  if (state_ == State::kSetup) End("unauthorized");
}

void Conversation::OnLegOver(LegOver::How how) {
  switch (how) {
    case LegOver::How::kHungUp:
      End(end_reason_.empty() ? "callerHangUp" : std::string(end_reason_));
      return;
    case LegOver::How::kNoStart:
      if (state_ == State::kSetup) End("noStart");
      return;
    case LegOver::How::kRejected:
      // A stream that only claimed to be the lost one does not end the call.
      if (state_ != State::kLegLost) End("protocol");
      return;
  }
}

void Conversation::OnLegLost() {
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
  // The leg's buffer went with it: what was not heard is kept for its return.
  if (state_ == State::kSpeaking) line_->Interrupt(context_.now());
  if (state_ == State::kThinking) owes_reply_ = agent_.traits().can_say;
  turns_detector_->AbandonTurn();
  DropCallerTurn();
  SetState(State::kLegLost, Reason::kLegGone);
}

// ---------------------------------------------------------------------------
// The agent

void Conversation::OnAgentEvent(const protocol::AgentEvent& event, Echo echo) {
  if (ended()) return;
  struct Visitor {
    Conversation& self;
    Echo echo;
    void operator()(const protocol::AgentReady&) { self.OnAgentReady(); }
    void operator()(const protocol::AgentSpeech& speech) {
      self.OnAgentSpeech(speech.edge, echo);
    }
    void operator()(const protocol::AgentTurnCommitted& turn) {
      self.OnTurnCommitted(turn.item);
    }
    void operator()(const protocol::AgentTranscript& transcript) {
      self.OnTranscript(transcript);
    }
    void operator()(const protocol::AgentTextFailed& failed) {
      self.OnTextFailed(failed);
    }
    void operator()(const protocol::AgentAudio& audio) {
      self.OnAgentAudio(audio);
    }
    void operator()(const protocol::AgentToolCall& call) {
      self.OnToolCall(call);
    }
    void operator()(const AgentReplyDone& done) { self.OnReplyDone(done); }
    void operator()(const protocol::AgentFailed& failed) {
      self.OnAgentFailed(failed.loss, failed.why);
    }
    void operator()(const protocol::AgentFaulted& faulted) {
      self.agent_.CountFault(faulted.fault);
    }
  };
  std::visit(Visitor{*this, echo}, event);
}

void Conversation::OnAgentReady() {
  using Texts = Transcript::Texts;
  transcript_.OnAgentConnected(
      agent_.traits().has_caller_texts ? Texts::kSent : Texts::kNone,
      agent_.traits().has_agent_texts ? Texts::kSent : Texts::kNone,
      context_.now());
  TellConversation();
  agent_.BeReady();
  switch (state_) {
    case State::kConnecting:
      if (owes_greeting_ || owes_reply_) {
        SetState(State::kThinking, Reason::kGreeting);
        // One reply to the results of tools as well, once they are here.
        answers_given_ = !owes_greeting_;
        if (owes_greeting_) AskForReply();
      } else {
        SetState(State::kListening, Reason::kAgentReady);
      }
      break;
    case State::kThinking:
      // The reply that was due died with the former socket.
      asks_again_ = false;
      AwaitReply();
      if (!tools_.waiting()) AskForReply();
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
  // Those that came while nobody was there to take them.
  GiveAnswers();
}

void Conversation::OnAgentSpeech(protocol::AgentSpeech::Edge edge, Echo echo) {
  switch (edge) {
    case protocol::AgentSpeech::Edge::kStarted:
      provider_hears_speech_ = true;
      // The provider may hear the agent's own voice that came back.
      if (state_ == State::kSpeaking && echo == Echo::kNo) {
        OnSpeechWhileSpeaking(Interrupter::kProvider);
      }
      return;
    case protocol::AgentSpeech::Edge::kStopped:
      provider_hears_speech_ = false;
      if (state_ == State::kInterrupted &&
          interrupter_ == Interrupter::kProvider &&
          !turns_detector_->speaking()) {
        ResumeReply();
      }
      return;
  }
}

// What the agent is told of the conversation that it was not in.
void Conversation::TellConversation() {
  const std::vector<Transcript::Told> told = transcript_.Conversation();
  if (told.empty()) return;
  std::vector<protocol::ConversationLine> lines;
  lines.reserve(told.size());
  for (const Transcript::Told& line : told) {
    using Kind = protocol::ConversationLine::Kind;
    switch (line.kind) {
      case Transcript::Kind::kCaller:
      case Transcript::Kind::kAgent:
        lines.push_back({line.kind == Transcript::Kind::kCaller ? Kind::kCaller
                                                                : Kind::kAgent,
                         line.text,
                         {},
                         {},
                         {},
                         {}});
        break;
      case Transcript::Kind::kTool: {
        const bool open = line.tool == Transcript::ToolState::kOpen;
        lines.push_back({Kind::kTool,
                         {},
                         line.call_id,
                         line.name,
                         line.arguments,
                         open ? std::nullopt : std::optional(line.result)});
        break;
      }
    }
  }
  agent_.agent().Tell(lines);
}

void Conversation::OnTurnCommitted(std::string_view item) {
  agent_took_turn_at_ = context_.now();
  context_.ClearTimer(Timer::kDeaf);
  switch (state_) {
    case State::kListening:
      EndTurn("agent");
      transcript_.OnCallerItem({item}, context_.now());
      break;
    case State::kThinking:
      // The caller went on after a pause: one reply to both parts.
      CancelReply();
      EndTurn("agent");
      transcript_.OnCallerItem({item}, context_.now());
      break;
    case State::kSpeaking:
    case State::kInterrupted:
    case State::kFarewell:
      // What was taken for a turn did not interrupt the reply.
      agent_.agent().DiscardTurn();
      break;
    case State::kSetup:
    case State::kConnecting:
    case State::kLegLost:
    case State::kEnded:
      break;
  }
}

void Conversation::OnTranscript(const protocol::AgentTranscript& transcript) {
  events_.Text(transcript);
  transcript_.OnText(transcript.role, {transcript.item, transcript.part},
                     transcript.text, transcript.state, context_.now());
  // The agent's words are complete with the reply.
  if (transcript.role == protocol::Role::kCaller &&
      transcript.state == protocol::TranscriptState::kFinal) {
    snapshot_due_ = true;
  }
  // Words prove an interruption before its length does.
  if (transcript.role == protocol::Role::kCaller &&
      state_ == State::kInterrupted &&
      transcript.state == protocol::TranscriptState::kPart &&
      transcript.text.find_first_not_of(" .,?!") != std::string_view::npos) {
    ConfirmBargeIn();
  }
}

void Conversation::OnTextFailed(const protocol::AgentTextFailed& failed) {
  transcript_.OnTextFailed(failed.role, {failed.item, failed.part},
                           context_.now());
}

void Conversation::OnAgentAudio(const protocol::AgentAudio& audio) {
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
  const LineOut::Appended appended = line_->Append(audio.item, audio.audio);
  if (!appended.queued) {
    reply_refused_bytes_ += appended.bytes;
    context_.ReportFault(
        "core", "replyRefused",
        reply_refused_bytes_ / std::max<size_t>(appended.bytes, 1));
    return;
  }
  reply_open_ = true;
  owes_reply_ = false;
  silent_replies_ = 0;
  spoken_->OnAudio(
      audio.item, {agent_.item_name(audio.item), agent_.item_part(audio.item)},
      says_next_ ? Transcript::Origin::kSay : Transcript::Origin::kReply,
      audio.audio.size(), context_.now());
  // An agent that falls silent in the middle of a reply is noticed too.
  if (state_ != State::kFarewell && state_ != State::kLegLost) {
    context_.SetTimer(Timer::kReply, limits().reply);
  }
  if (state_ == State::kListening || state_ == State::kThinking) {
    // The caller has begun again in the meantime: not a word over it.
    const bool over_speech = state_ == State::kThinking && CallerGoesOn();
    reply_announced_ = false;
    SetState(State::kSpeaking, Reason::kReplyAudio);
    if (over_speech) OnSpeechWhileSpeaking(Interrupter::kLocal);
  }
}

void Conversation::OnToolCall(const protocol::AgentToolCall& call) {
  events_.ToolCall(call);
  reply_open_ = true;
  snapshot_due_ = true;
  if (tools_.OnCall(call) == ToolExchange::Called::kOpened) GiveAnswers();
}

void Conversation::GiveAnswers() {
  if (tools_.Give()) {
    answers_given_ = true;
    snapshot_due_ = true;
  }
  if (!agent_.ready()) return;
  // One reply to all results, and only when the one that asked for them is
  // done.
  if (!answers_given_ || tools_.waiting() || reply_open_) return;
  switch (state_) {
    case State::kThinking:
    case State::kSpeaking:
      reply_goes_on_ = state_ == State::kSpeaking;
      AwaitReply();
      AskForReply();
      return;
    case State::kListening:
      // A caller who speaks gets the answer with the reply to his turn.
      if (turns_detector_->in_turn()) return;
      SetState(State::kThinking, Reason::kToolsAnswered);
      AskForReply();
      return;
    case State::kInterrupted:
    case State::kConnecting:
    case State::kLegLost:
      // When that is decided, or over.
      return;
    case State::kSetup:
    case State::kFarewell:
    case State::kEnded:
      return;
  }
}

void Conversation::AskForReply() {
  context_.ClearTimer(Timer::kAskAgain);
  answers_given_ = false;
  owes_reply_ = false;
  reply_asked_ = true;
  if (owes_greeting_) {
    greets_ = true;
    says_next_ = true;
    agent_.agent().Say(context_.config().profile.greeting);
    return;
  }
  says_next_ = false;
  agent_.agent().Respond(turns_detector_->since_speech());
}

void Conversation::CancelReply() {
  reply_asked_ = false;
  if (agent_.ready()) agent_.agent().Cancel();
}

void Conversation::OnReplyDone(const AgentReplyDone& done) {
  if (done.usage.input_tokens != 0 || done.usage.output_tokens != 0) {
    events_.Used(done.usage);
  }
  // One reply at a time: whatever comes next belongs to the next one.
  line_->EndReply();
  reply_open_ = false;
  // All that is to be heard of it, and its words, are here.
  snapshot_due_ = true;
  if (done.end == AgentReplyDone::End::kComplete) spoken_->OnReplyDone();
  if (done.end == AgentReplyDone::End::kCancelled) {
    GiveAnswers();
    return;
  }
  reply_asked_ = false;
  if (done.end == AgentReplyDone::End::kComplete) {
    agent_.ForgetRetries();
    reply_retried_ = false;
  }
  context_.ClearTimer(Timer::kReply);
  if (state_ == State::kFarewell) {
    // Words that cannot be heard: tones instead.
    if (saying_farewell_ && line_->received() == farewell_from_) {
      saying_farewell_ = false;
      line_->AppendFarewellTones();
    }
    return;
  }
  reply_goes_on_ =
      done.after == AgentReplyDone::After::kAwaitsTools && !tools_.ends_call();
  const bool whole = done.end == AgentReplyDone::End::kComplete;
  if (state_ != State::kThinking) {
    // What came of it is heard.
    if (!whole) context_.ReportAgentFailed(done.why, false);
    GiveAnswers();
    return;
  }
  // A reply without audio.
  if (tools_.ends_call()) {
    SayGoodbye("hangUp");
  } else if (reply_goes_on_ && done.end != AgentReplyDone::End::kRefused) {
    if (!whole) context_.ReportAgentFailed(done.why, false);
    if (++silent_replies_ > kMaxSilentReplies) {
      context_.ReportAgentFailed({.code = "onlyTools"}, true);
      SayGoodbye("agentFailed");
      return;
    }
    AwaitReply();
    GiveAnswers();
  } else if (!whole) {
    OnReplyMissing(done);
  } else {
    SetState(State::kListening, Reason::kReplyEmpty);
  }
}

void Conversation::OnReplyMissing(const AgentReplyDone& done) {
  using End = AgentReplyDone::End;
  protocol::Failure why = done.why;
  if (why.code.empty()) why.code = "replyFailed";
  // Once more, and not sooner than the provider wants; a caller who would wait
  // too long for that is told goodbye.
  const bool again = done.end != End::kRefused && !reply_retried_ &&
                     why.retry_after.value_or(Duration()) <= limits().reply;
  const bool fatal = !again && done.end != End::kIncomplete;
  context_.ReportAgentFailed(why, fatal);
  if (again) {
    reply_retried_ = true;
    AwaitReply();
    if (why.retry_after) {
      context_.SetTimer(Timer::kAskAgain, *why.retry_after);
      context_.SetTimer(Timer::kReply, *why.retry_after + limits().reply);
    } else {
      AskForReply();
    }
  } else if (fatal) {
    SayGoodbye("agentFailed");
  } else {
    SetState(State::kListening, Reason::kReplyEmpty);
  }
}

void Conversation::OnAgentFailed(protocol::AgentFailed::Loss loss,
                                 const protocol::Failure& why) {
  if (ended()) return;
  const AgentLink::Outlook outlook = agent_.Fail(loss, why);
  provider_hears_speech_ = false;
  // What came of the reply is played; no more of it comes.
  line_->ResetInput();
  line_->EndReply();
  // What was not said of a reply is asked for again.
  asks_again_ = outlook == AgentLink::Outlook::kReturns && reply_open_;
  reply_goes_on_ = outlook == AgentLink::Outlook::kReturns &&
                   (reply_goes_on_ || reply_open_);
  reply_open_ = false;
  reply_asked_ = false;
  context_.ClearTimer(Timer::kDeaf);
  if (outlook == AgentLink::Outlook::kReturns) {
    context_.ClearTimer(Timer::kReply);
    return;
  }
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
      if (std::exchange(saying_farewell_, false)) line_->AppendFarewellTones();
      break;
    case State::kLegLost:
      End("agentFailed");
      break;
    case State::kSetup:
    case State::kEnded:
      break;
  }
}

// ---------------------------------------------------------------------------
// Turns

void Conversation::OnCallerFrame(bool speaks) {
  OnTurnEvent(turns_detector_->OnFrame(speaks));
}

void Conversation::OnTurnEvent(TurnDetector::Event event) {
  switch (event) {
    case TurnDetector::Event::kSpeechStarted: {
      const Duration ago = turns_detector_->since_start();
      events_.SpeechStarted(ago);
      caller_line_ = transcript_.OnCallerTurnBegan(
          (context_.now() - context_.call_began()).ms() - ago.ms());
      silent_replies_ = 0;
      if (agent_.ready()) agent_.agent().TurnStarted(ago);
      if (state_ == State::kSpeaking) {
        OnSpeechWhileSpeaking(Interrupter::kLocal);
      }
      return;
    }
    case TurnDetector::Event::kSpeechStopped: {
      events_.SpeechStopped(turns_detector_->since_speech());
      if (state_ == State::kInterrupted && !provider_hears_speech_) {
        ResumeReply();
      }
      return;
    }
    case TurnDetector::Event::kTurnEnded:
      if (state_ != State::kListening || !agent_.ready()) return;
      switch (agent_.traits().turn_detection) {
        case protocol::AgentTraits::TurnDetection::kLocal:
          EndTurn("local");
          return;
        case protocol::AgentTraits::TurnDetection::kProvider:
          // It has not taken a turn that nobody could miss. Those that follow
          // give it no more time.
          if (turns_detector_->turn_speech() >= kUnmistakable &&
              agent_took_turn_at_ <
                  context_.now() - turns_detector_->since_turn() &&
              !context_.deadlines().IsSet(Timer::kDeaf)) {
            context_.SetTimer(Timer::kDeaf, limits().reply);
          }
          return;
      }
      return;
    case TurnDetector::Event::kNone:
      break;
  }
  if (!turns_detector_->speaking()) return;
  if (state_ == State::kListening) {
    context_.SetTimer(Timer::kDeadAir, limits().dead_air);
  }
  if (turns_detector_->speech() < limits().barge_in_confirm) return;
  if (state_ == State::kInterrupted) {
    ConfirmBargeIn();
  } else if (state_ == State::kThinking && CallerGoesOn()) {
    // The reply was asked for too early.
    CancelReply();
    SetState(State::kListening, Reason::kCallerGoesOn);
  }
}

// Speech that began after the reply was asked for. What the detector holds for
// speech since before (a noise that came up) is not the caller going on.
bool Conversation::CallerGoesOn() const {
  return turns_detector_->speaking() &&
         turns_detector_->since_start() < context_.now() - thinking_since_;
}

void Conversation::AwaitReply() {
  thinking_since_ = context_.now();
  context_.SetTimer(Timer::kReply, limits().reply);
}

void Conversation::EndTurn(std::string_view source) {
  ++turns_;
  events_.TurnEnded(source, turns_);
  reply_retried_ = false;
  if (state_ == State::kListening) {
    SetState(State::kThinking, Reason::kTurnEnded);
  }
  if (caller_line_ != LineId{}) {
    transcript_.OnCallerTurnEnded(
        std::exchange(caller_line_, {}),
        (context_.now() - context_.call_began()).ms() -
            turns_detector_->since_speech().ms(),
        context_.now());
  }
  AwaitReply();
  AskForReply();
}

void Conversation::DropCallerTurn() {
  if (caller_line_ == LineId{}) return;
  transcript_.OnCallerTurnDropped(std::exchange(caller_line_, {}));
}

void Conversation::OnSpeechWhileSpeaking(Interrupter interrupter) {
  // A reply that was heard to its end is not interrupted.
  if (line_->done(context_.now())) return;
  Interrupt(interrupter);
}

void Conversation::Interrupt(Interrupter interrupter) {
  const Playout::Cut heard = line_->current(context_.now());
  spoken_->OnProgress(heard, context_.now());
  line_->Interrupt(context_.now());
  leg_.Clear();
  interrupter_ = interrupter;
  events_.Cleared(ItemName(heard.item), heard.heard_ms);
  SetState(State::kInterrupted, Reason::kSpeech);
}

void Conversation::ResumeReply() {
  ++resumes_;
  turns_detector_->AbandonTurn();
  DropCallerTurn();
  if (agent_.ready()) agent_.agent().DiscardTurn();
  const Playout::Cut heard = line_->current(context_.now());
  events_.Resumed(ItemName(heard.item), heard.heard_ms);
  spoken_->OnProgress(heard, context_.now());
  line_->Resume();
  SetState(State::kSpeaking, Reason::kResumed);
}

void Conversation::ConfirmBargeIn() {
  ++barge_ins_;
  TruncateUnheard();
  SetState(State::kListening, Reason::kBargeIn);
}

void Conversation::TruncateUnheard() {
  reply_goes_on_ = false;
  CancelReply();
  tools_.GoOn();
  for (const Playout::Cut& cut : line_->Discard(context_.now())) {
    if (cut.item == LineOut::kTonesItem) continue;
    int64_t audio_end_ms = std::min(cut.heard_ms, cut.received_ms);
    if (agent_.ready()) {
      audio_end_ms = agent_.agent().Truncate(cut.item, audio_end_ms);
    }
    ReportCut(cut, audio_end_ms);
  }
  spoken_->OnAllHeard(context_.now());
  line_->ResetInput();
}

void Conversation::ReportCut(const Playout::Cut& cut, int64_t audio_end_ms) {
  events_.Truncated(ItemName(cut.item), audio_end_ms, cut.received_ms,
                    line_->pauses(cut.item));
  spoken_->OnCut(cut, line_->pauses(cut.item), context_.now());
}

void Conversation::OnReplyHeard() {
  ++replies_;
  const Playout::Cut heard = line_->current(context_.now());
  spoken_->OnProgress(heard, context_.now());
  spoken_->OnAllHeard(context_.now());
  line_->Forget();
  events_.ReplyDone(ItemName(heard.item), heard.heard_ms, turns_);
  if (tools_.ends_call()) {
    // The agent has said its goodbye.
    leg_.Close(kCloseNormal, "hangUp");
    End("hangUp");
  } else if (std::exchange(reply_goes_on_, false)) {
    SetState(State::kThinking, Reason::kToolsAwaited);
    // A reply that its agent's socket did not live to end.
    if (agent_.ready() && !reply_open_ && !tools_.waiting() && asks_again_) {
      asks_again_ = false;
      AskForReply();
    }
  } else {
    SetState(State::kListening, Reason::kReplyHeard);
    GiveAnswers();
  }
}

// ---------------------------------------------------------------------------
// Timers and commands

void Conversation::OnLegStartTimeout() {
  leg_.Close(kCloseNoStart, "no valid start in time");
  if (state_ == State::kSetup) End("noStart");
}

void Conversation::OnFarewellTimeout() {
  leg_.Close(kCloseNormal, end_reason_);
  End(end_reason_);
}

void Conversation::OnLegLostTimeout() { End("legLost"); }

void Conversation::OnMaxCall() {
  if (state_ == State::kLegLost) {
    End("maxDuration");
  } else {
    SayGoodbye("maxDuration");
  }
}

void Conversation::OnReplyTimeout() {
  // A tool has a deadline of its own.
  if (tools_.waiting()) {
    context_.SetTimer(Timer::kReply, limits().reply);
    return;
  }
  // An open socket that says nothing is as good as a lost one.
  OnAgentFailed(protocol::AgentFailed::Loss::kRetryable, {.code = "noReply"});
}

void Conversation::OnAskAgain() {
  if (state_ != State::kThinking || !agent_.ready()) return;
  AwaitReply();
  AskForReply();
}

void Conversation::OnDeaf() {
  if (state_ != State::kListening || !agent_.ready()) return;
  if (provider_hears_speech_) {
    // A noisy line, of which it has not heard the end.
    context_.SetTimer(Timer::kDeaf, limits().reply);
    return;
  }
  OnAgentFailed(protocol::AgentFailed::Loss::kRetryable, {.code = "deaf"});
}

void Conversation::OnToolDeadline() {
  tools_.OnDeadline(context_.now());
  GiveAnswers();
}

void Conversation::OnTextDeadline() { transcript_.OnDeadline(context_.now()); }

void Conversation::OnDeadAir() { SayGoodbye("deadAir"); }

void Conversation::OnDecide() {
  if (state_ != State::kInterrupted) return;
  const bool goes_on = interrupter_ == Interrupter::kProvider
                           ? provider_hears_speech_
                           : turns_detector_->speaking();
  if (goes_on) {
    ConfirmBargeIn();
  } else {
    ResumeReply();
  }
}

void Conversation::HangUp() {
  if (state_ == State::kSetup || state_ == State::kLegLost) {
    leg_.Close(kCloseNormal, "hang up");
    End("hangUp");
  } else {
    SayGoodbye("hangUp");
  }
}

CommandOutcome Conversation::JudgeSay() const {
  using Code = CommandOutcome::Code;
  if (agent_.created() && !agent_.traits().can_say) {
    return {Code::kUnsupported, "the agent cannot say a text of others", ""};
  }
  if (state_ == State::kFarewell) {
    return {Code::kConflict, "the call is ending", ""};
  }
  if (!agent_.ready()) return {Code::kConflict, "the agent is not ready", ""};
  return {};
}

void Conversation::Say(std::string_view text) {
  says_next_ = true;
  agent_.agent().Say(text);
}

CommandOutcome Conversation::JudgeToolResult(
    std::string_view tool_call_id) const {
  using Code = CommandOutcome::Code;
  if (!tools_.Knows(tool_call_id)) {
    return {Code::kUnknown, "no call of a tool of this id waits", "toolCallId"};
  }
  return {};
}

void Conversation::ToolResult(std::string_view tool_call_id,
                              std::string_view output) {
  tools_.Take(tool_call_id, output);
  // Who brought it is told that it is done, given or not.
  snapshot_due_ = true;
  GiveAnswers();
}

// ---------------------------------------------------------------------------
// The end

void Conversation::SayGoodbye(std::string_view end_reason) {
  if (state_ == State::kFarewell || ended()) return;
  end_reason_ = end_reason;
  if (line_->has_unheard(context_.now())) {
    line_->Interrupt(context_.now());
    leg_.Clear();
    TruncateUnheard();
  } else {
    CancelReply();
  }
  line_->StopFade();
  farewell_from_ = line_->received();
  SetState(State::kFarewell, Reason::kGoodbye);
  const std::string& farewell = context_.config().profile.farewell;
  if (agent_.ready() && agent_.traits().can_say && !farewell.empty()) {
    saying_farewell_ = true;
    says_next_ = true;
    agent_.agent().Say(farewell);
    return;
  }
  line_->AppendFarewellTones();
}

void Conversation::End(std::string_view end_reason) {
  if (ended()) return;
  end_reason_ = end_reason;
  // What the end of the call cut short. No agent is told: its socket closes.
  if (line_ != nullptr) {
    for (const Playout::Cut& cut : line_->Discard(context_.now())) {
      if (cut.item == LineOut::kTonesItem) continue;
      ReportCut(cut, std::min(cut.heard_ms, cut.received_ms));
    }
    spoken_->OnAllHeard(context_.now());
  }
  transcript_.Finish(context_.now());
  EmitFinalLines();
  SetState(State::kEnded, Reason::kOver);
}

Conversation::Outcome Conversation::outcome() const {
  return {end_reason_, turns_,   replies_,
          barge_ins_,  resumes_, reply_refused_bytes_};
}

// ---------------------------------------------------------------------------
// After every input

void Conversation::Settle() {
  if (state_ == State::kSpeaking || state_ == State::kFarewell) {
    Pump();
    if (line_->done(context_.now())) {
      if (state_ == State::kSpeaking) {
        OnReplyHeard();
      } else if (line_->received() > farewell_from_) {
        leg_.Close(kCloseNormal, end_reason_);
        End(end_reason_);
      }
    }
  }
  if (ended()) return;
  EmitFinalLines();
  context_.deadlines().Set(Timer::kText, transcript_.deadline());
  context_.deadlines().Set(Timer::kTool, tools_.deadline());
}

void Conversation::EmitFinalLines() {
  while (const auto line = transcript_.TakeFinal()) {
    events_.Line(*line);
    snapshot_due_ = true;
  }
}

void Conversation::Pump() {
  while (const auto piece = line_->Next(context_.now())) {
    if (!piece->audio.empty()) {
      leg_.Play(piece->audio);
      spoken_->OnSent(piece->item, context_.now(), piece->plays_at);
      if (std::exchange(greets_, false)) {
        owes_greeting_ = false;
        snapshot_due_ = true;
      }
      if (!reply_announced_ && state_ == State::kSpeaking) {
        reply_announced_ = true;
        events_.ReplyStarted(ItemName(line_->current(context_.now()).item),
                             turns_);
      }
    }
    if (piece->mark) leg_.Mark(*piece->mark);
  }
  context_.deadlines().Set(Timer::kPace, line_->NextCheck(context_.now()));
}

bool Conversation::Restore(const Json& snapshot, int64_t alive_ms) {
  const Json* transcript = FindMember(snapshot, "transcript");
  const Json* tools = FindMember(snapshot, "tools");
  const auto alive = IntegerMember(snapshot, "aliveMs");
  if (transcript == nullptr || tools == nullptr || !alive) return false;
  auto restored = Transcript::FromJson(*transcript, context_.call_began());
  if (!restored || !tools_.FromJson(*tools, context_.now())) return false;
  const auto count = [&snapshot](const char* key) {
    return std::max<int64_t>(IntegerMember(snapshot, key).value_or(0), 0);
  };
  transcript_ = *std::move(restored);
  transcript_.SkipLines(context_.config().last_line);
  // What did not play then was not heard any further.
  transcript_.OnSessionLost(
      count("stopped") != 0 ? *alive : std::max(*alive, alive_ms),
      context_.now());
  // The goodbye that the former session did not get to say.
  tools_.GoOn();
  turns_ = count("turns");
  replies_ = count("replies");
  barge_ins_ = count("bargeIns");
  resumes_ = count("resumes");
  owes_greeting_ = owes_greeting_ && count("owesGreeting") != 0;
  owes_reply_ = count("owesReply") != 0;
  return true;
}

std::optional<Json> Conversation::TakeSnapshot() {
  if (!std::exchange(snapshot_due_, false)) return std::nullopt;
  const bool unheard = line_ != nullptr && line_->has_unheard(context_.now());
  if (spoken_ && unheard) {
    spoken_->OnProgress(line_->current(context_.now()), context_.now());
  }
  const bool plays = state_ == State::kSpeaking || state_ == State::kFarewell;
  const bool owes_reply =
      owes_reply_ || answers_given_ || state_ == State::kThinking ||
      ((state_ == State::kSpeaking || state_ == State::kInterrupted ||
        state_ == State::kLegLost) &&
       (unheard || reply_open_));
  return Json{{"aliveMs", (context_.now() - context_.call_began()).ms()},
              {"stopped", plays ? 0 : 1},
              {"transcript", transcript_.ToJson()},
              {"tools", tools_.ToJson(context_.now())},
              {"turns", turns_},
              {"replies", replies_},
              {"bargeIns", barge_ins_},
              {"resumes", resumes_},
              {"owesGreeting", owes_greeting_ ? 1 : 0},
              {"owesReply", owes_reply ? 1 : 0}};
}

bool Conversation::IsConsistent() const {
  const auto waits_for = [this](std::initializer_list<Timer> timers) {
    return std::any_of(timers.begin(), timers.end(), [this](Timer timer) {
      return context_.deadlines().IsSet(timer);
    });
  };
  const bool leg_up = leg_.up() && line_ != nullptr && agent_.created();
  switch (state_) {
    case State::kSetup:
      return !agent_.created() && line_ == nullptr &&
             waits_for({Timer::kLegStart});
    case State::kConnecting:
      return leg_up && waits_for({Timer::kMaxCall}) && agent_.returning();
    case State::kListening:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             waits_for({Timer::kDeadAir});
    case State::kThinking:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             (waits_for({Timer::kReply}) || agent_.returning());
    case State::kSpeaking:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             waits_for({Timer::kPace, Timer::kReply});
    case State::kInterrupted:
      return leg_up && waits_for({Timer::kMaxCall}) &&
             waits_for({Timer::kDecide});
    case State::kFarewell:
      return leg_up && waits_for({Timer::kFarewell});
    case State::kLegLost:
      return !leg_.up() && waits_for({Timer::kLegLost});
    case State::kEnded:
      return context_.deadlines().earliest().is_never();
  }
  return false;
}

std::string Conversation::ItemName(protocol::ItemId item) const {
  if (item == LineOut::kTonesItem) return "tones";
  return std::string(agent_.item_name(item));
}

}  // namespace trunkline::session
