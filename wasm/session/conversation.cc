#include "session/conversation.h"

#include <algorithm>
#include <initializer_list>

#include "base/check.h"
#include "session/close_codes.h"

namespace trunkline::session {

Conversation::Conversation(CallContext& context, LegLink& leg, AgentLink& agent,
                           protocol::Channels& tools)
    : context_(context),
      events_(context),
      leg_(leg),
      agent_(agent),
      transcript_(context.call_began()),
      tools_(context, agent, transcript_, tools),
      replies_(context, agent),
      digits_(context) {
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
    context_.SetTimer(timer, LimitOf(timer, limits()));
  }
  // Of the other two the end of the input knows, LookAtWaiting().
  if (playback_ && !Waits(next) && next != State::kListening &&
      next != State::kSpeaking) {
    playback_->EndWaiting();
  }
  if (next == State::kThinking) AwaitReply();
}

void Conversation::AwaitReply() {
  replies_.Await();
  if (tools_.waiting()) replies_.OnToolsWait();
}

// ---------------------------------------------------------------------------
// The leg

void Conversation::Begin(media::LineOut& line,
                         const media::SpokenClock& spoken) {
  line_ = &line;
  caller_ =
      std::make_unique<CallerTurns>(context_, agent_, transcript_, spoken);
  playback_ = std::make_unique<ReplyPlayback>(context_, leg_, agent_,
                                              transcript_, line);
  if (!agent_.traits().can_say) {
    // Of a session whose agent could.
    while (const auto text = replies_.texts().TakeAny()) {
      NotSaid(*text, "failed");
    }
  }
  replies_.OnAgentCreated();
  SetState(State::kConnecting, Reason::kAuthorized);
  if (!end_reason_.empty()) {
    // The session that was lost was about to end the call, and somebody was
    // told so: nobody is greeted, and no goodbye begins anew.
    leg_.Close(kCloseNormal, end_reason_);
    End(std::string(end_reason_));
    return;
  }
  // The goodbye that a former session did not get to say.
  tools_.GoOn();
  tools_.Begin();
  GiveUpLostDigits();
  // A call that has lost its object has not more time for it.
  context_.deadlines().Set(Timer::kMaxCall,
                           context_.call_began() + limits().max_call);
  agent_.Start();
}

void Conversation::OnLegBack() {
  // The stream is back: its buffer is empty, its clock a new one.
  const bool unsent = playback_->has_unsent();
  if (!unsent) replies_.OnHeard();
  const Replies::Next next =
      unsent ? Replies::Next::kCallersTurn : replies_.TakeNext();
  // The rest of a reply that was heard as far as it came.
  if (next == Replies::Next::kLost) replies_.OnAnswersGiven();
  // What is here of a reply is played meanwhile.
  if (!agent_.ready() && !unsent) {
    SetState(State::kConnecting, Reason::kAuthorized);
    return;
  }
  const bool comes = replies_.coming() || replies_.making_reply() ||
                     (next == Replies::Next::kMore && tools_.waiting());
  if (!unsent && (comes || replies_.owes_greeting() || replies_.owes_reply() ||
                  replies_.owes_answer())) {
    SetState(State::kThinking, Reason::kReplyOwed);
    if (!comes && !tools_.waiting()) {
      // What was to end the call was said, or asked, before.
      tools_.GoOn();
      AskForReply();
    }
    GiveAnswers();
    return;
  }
  SetState(State::kListening, Reason::kLegBack);
  if (!unsent) {
    GiveAnswers();
    return;
  }
  SetState(State::kSpeaking, Reason::kReplyAudio);
  if (!playback_->reply_ended()) replies_.OnLegBack();
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
  if (agent_.lost()) {
    // What was here of it was all that there was to come back to.
    End("agentFailed");
    return;
  }
  // The leg's buffer went with it: what was not heard is kept for its return.
  if (state_ == State::kSpeaking) playback_->OnLegLost();
  if (state_ == State::kThinking) replies_.OnLegLost();
  if (caller_->has_asked()) replies_.OweAgain();
  caller_->Abandon();
  SetState(State::kLegLost, Reason::kLegGone);
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
  // Its socket is well, and it has had the time of a reply.
  if (state_ == State::kThinking && replies_.only_called_tools()) {
    FailAgent({.code = "onlyTools"});
    return;
  }
  // An open socket that says nothing is as good as a lost one. The caller has
  // waited long enough for it where another one is there.
  OnAgentFailed(agent_.has_next() ? protocol::AgentFailed::Loss::kFatal
                                  : protocol::AgentFailed::Loss::kRetryable,
                {.code = "noReply"});
}

void Conversation::OnAskAgain() {
  if (state_ != State::kThinking || !agent_.ready()) return;
  if (caller_->speaking() || tools_.waiting()) {
    // Behind what he says, or the results.
    replies_.OnAnswersGiven();
    return;
  }
  replies_.AwaitStill();
  AskForReply();
}

void Conversation::OnDeaf() {
  if (state_ != State::kListening || !agent_.ready()) return;
  if (!caller_->IsDeaf()) return;
  if (agent_.has_next()) {
    // Which hears it.
    if (caller_->has_open_turn()) {
      caller_->OnUnheard();
    } else {
      replies_.OweAgain();
    }
    OnAgentFailed(protocol::AgentFailed::Loss::kFatal, {.code = "deaf"});
    return;
  }
  replies_.OnDeaf();
  OnAgentFailed(protocol::AgentFailed::Loss::kRetryable, {.code = "deaf"});
}

void Conversation::OnToolDeadline() {
  tools_.OnDeadline(context_.now());
  GiveAnswers();
}

void Conversation::OnToolInput() {
  if (!tools_.TakeResults()) return;
  snapshot_due_ = true;
  GiveAnswers();
}

void Conversation::OnTextDeadline() { transcript_.OnDeadline(context_.now()); }

void Conversation::OnDeadAir() {
  // Who has asked has waited for us, and not the other way round.
  if (unanswered_ || caller_->has_asked() || replies_.owes_answer()) {
    if (agent_.has_next()) replies_.OweAgain();
    FailAgent({.code = "unanswered"});
    return;
  }
  SayGoodbye("deadAir");
}

void Conversation::OnDecide() {
  if (state_ != State::kInterrupted) return;
  const bool goes_on = interrupter_ == Interrupter::kProvider
                           ? caller_->provider_hears()
                           : caller_->speaking();
  if (goes_on) {
    ConfirmBargeIn();
  } else {
    ResumeReply();
  }
}

void Conversation::HangUp(std::string_view end_reason) {
  if (state_ == State::kSetup || state_ == State::kLegLost) {
    leg_.Close(kCloseNormal, "hang up");
    End(end_reason);
  } else {
    SayGoodbye(end_reason);
  }
}

// ---------------------------------------------------------------------------
// The end

void Conversation::SayGoodbye(std::string_view end_reason) {
  if (state_ == State::kFarewell || ended()) return;
  end_reason_ = end_reason;
  snapshot_due_ = true;
  playback_->EndWaiting();
  if (playback_->has_unheard()) {
    playback_->Stop();
    DropUnheard(OwedTexts::By::kEnd);
  } else {
    replies_.Cancel();
  }
  GiveUpAll();
  playback_->BeginFarewell();
  SetState(State::kFarewell, Reason::kGoodbye);
  farewell_ = std::make_unique<Farewell>(context_, agent_, replies_, *line_);
}

void Conversation::End(std::string_view end_reason) {
  if (ended()) return;
  end_reason_ = end_reason;
  // What the end of the call cut short.
  if (playback_) {
    playback_->EndWaiting();
    replies_.OnDropped(playback_->DropUnheard(ReplyPlayback::Tell::kNobody),
                       OwedTexts::By::kEnd);
    // A call that was lost and never came back was ended by nobody's tool.
    tools_.OnEnd();
  }
  tools_.Stop();
  GiveUpAll();
  if (caller_) caller_->OnCallOver();
  transcript_.Finish(context_.now());
  EmitFinalLines();
  SetState(State::kEnded, Reason::kOver);
}

Conversation::Outcome Conversation::outcome() const {
  return {end_reason_, turns_,   replies_heard_,
          barge_ins_,  resumes_, playback_ ? playback_->refused_bytes() : 0};
}

// ---------------------------------------------------------------------------
// After every input

void Conversation::Settle() {
  if (state_ == State::kSpeaking) {
    Pump();
    if (playback_->done()) OnReplyHeard();
  }
  if (digits_.whole()) TellDigits();
  if (playback_ && playback_->waiting()) Pump();
  if (state_ == State::kFarewell) {
    Pump();
    if (farewell_->done(context_.now())) {
      leg_.Close(kCloseNormal, end_reason_);
      End(end_reason_);
    }
  }
  if (ended()) return;
  if (caller_ && !unanswered_ && !caller_->has_open_turn()) {
    agent_.ForgetSpeech();
  }
  if (replies_.owes_answer() &&
      (state_ == State::kListening ||
       ((state_ == State::kThinking || state_ == State::kSpeaking) &&
        !replies_.coming()))) {
    GiveAnswers();
  }
  SayWhatIsOwed();
  LookAtWaiting();
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
  // What was owed is not owed any more.
  if (playback_->Pump(turns_) && replies_.OnSent()) snapshot_due_ = true;
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

}  // namespace trunkline::session
