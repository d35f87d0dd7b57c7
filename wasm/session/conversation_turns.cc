#include <string>
#include <string_view>

#include "session/close_codes.h"
#include "session/conversation.h"

// Whose turn it is: what the caller's frames and digits come to, what is heard
// of a reply, and interruptions.

namespace trunkline::session {

void Conversation::OnCallerFrame(bool speaks) {
  const TurnDetector::Event event = caller_->OnFrame(speaks);
  // What a session that is lost from now on leaves of it.
  if (caller_->IsLeftOpen()) snapshot_due_ = true;
  switch (event) {
    case TurnDetector::Event::kSpeechStarted:
      replies_.OnCallerSpeaks();
      if (state_ == State::kSpeaking) {
        OnSpeechWhileSpeaking(Interrupter::kLocal);
      }
      return;
    case TurnDetector::Event::kSpeechStopped:
      if (state_ == State::kInterrupted && !caller_->provider_hears()) {
        ResumeReply();
      }
      return;
    case TurnDetector::Event::kTurnEnded:
      if (agent_.ready()) {
        if (state_ == State::kListening) OnLocalTurnEnd();
      } else if (state_ == State::kListening || state_ == State::kConnecting) {
        caller_->OnUnheard();
      }
      // A session that is lost from now on owes him an answer.
      if (caller_->has_asked()) snapshot_due_ = true;
      return;
    case TurnDetector::Event::kNone:
      break;
  }
  if (!caller_->speaking()) return;
  if (state_ == State::kListening) {
    context_.SetTimer(Timer::kDeadAir, limits().dead_air);
  }
  if (caller_->speech() < limits().barge_in_confirm) return;
  if (state_ == State::kInterrupted) {
    ConfirmBargeIn();
  } else if (state_ == State::kThinking &&
             caller_->SpeaksSince(replies_.awaited_since())) {
    // The reply was asked for too early.
    CancelReply();
    replies_.OweAgain();
    SetState(State::kListening, Reason::kCallerGoesOn);
  }
}

void Conversation::OnLocalTurnEnd() {
  switch (agent_.traits().turn_detection) {
    case protocol::AgentTraits::TurnDetection::kLocal:
      EndTurn("local");
      return;
    case protocol::AgentTraits::TurnDetection::kProvider:
      caller_->OnUntaken();
      return;
  }
}

void Conversation::EndTurn(std::string_view source) {
  asked_line_ = caller_->End(source, ++turns_);
  unanswered_ = true;
  heard_again_ = false;
  snapshot_due_ = true;
  replies_.OnTurnEnded();
  if (state_ == State::kListening) {
    SetState(State::kThinking, Reason::kTurnEnded);
  } else if (replies_.caller_spoke()) {
    replies_.Await();
  } else {
    // Nobody has spoken: the reply that is due has no more time for it.
    replies_.AwaitStill();
  }
  // What he says on is of this turn, or of another.
  if (caller_->speaking()) replies_.OnCallerSpeaks();
  AskForReply();
}

void Conversation::AskForReply() {
  if (replies_.MayAsk()) {
    replies_.Ask(caller_->since_speech());
    return;
  }
  FailAgent({.code = "tooManyRequests"});
}

void Conversation::OnDigit(char digit) {
  // Who repeats what he hears can make nothing of it.
  if (!agent_.created() || !agent_.traits().can_say) return;
  digits_.Add(digit);
  snapshot_due_ = true;
  if (state_ == State::kListening) {
    context_.SetTimer(Timer::kDeadAir, limits().dead_air);
  }
  // A key is no cough.
  if (state_ == State::kSpeaking) OnSpeechWhileSpeaking(Interrupter::kLocal);
  if (state_ == State::kInterrupted) ConfirmBargeIn();
}

bool Conversation::keeps_digits() const {
  return context_.config().profile.record_digits == Config::RecordDigits::kYes;
}

std::string Conversation::KeptWords(std::string_view digits) const {
  std::string words = "[keypad";
  if (keeps_digits()) {
    words += ": ";
    words += digits;
  }
  words += ']';
  return words;
}

void Conversation::TellDigits() {
  const bool listens =
      state_ == State::kListening || state_ == State::kThinking;
  if (!listens || !agent_.ready()) return;
  const std::string digits = digits_.Take();
  snapshot_due_ = true;
  const std::string words = "[keypad: " + digits + "]";
  protocol::ConversationLine line;
  line.kind = protocol::ConversationLine::Kind::kCaller;
  line.text = words;
  if (agent_.traits().remembers) agent_.agent().Tell({&line, 1});
  transcript_.OnDigits(KeptWords(digits), words, context_.now());
  if (state_ == State::kListening && caller_->in_turn()) {
    // The reply to his turn is one to them as well, if it is a turn.
    replies_.OweAgain();
    return;
  }
  if (state_ == State::kThinking) CancelReply();
  // A key counts as a word.
  replies_.OnCallerSpeaks();
  EndTurn("keypad");
}

void Conversation::OnSpeechWhileSpeaking(Interrupter interrupter) {
  // A reply that was heard to its end is answered.
  if (playback_->is_over()) {
    OnReplyHeard();
    // More of it would be over him.
    replies_.CountFrom(context_.now() - caller_->since_start() -
                       Duration::Millis(TurnDetector::kFrameMs));
    return;
  }
  interrupter_ = interrupter;
  interrupted_at_ = context_.now();
  playback_->Interrupt();
  SetState(State::kInterrupted, Reason::kSpeech);
}

void Conversation::ResumeReply() {
  ++resumes_;
  caller_->Abandon();
  if (agent_.ready()) agent_.agent().DiscardTurn();
  playback_->Resume();
  SetState(State::kSpeaking, Reason::kResumed);
}

void Conversation::ConfirmBargeIn() {
  ++barge_ins_;
  const bool owed = IsReplyUnheard() || replies_.coming();
  DropUnheard(OwedTexts::By::kCaller);
  // What has stopped it may be no turn of his, as keys are.
  if (owed && digits_.empty()) replies_.OweAgain();
  SetState(State::kListening, Reason::kBargeIn);
  if (agent_.lost()) SayGoodbye("agentFailed");
}

void Conversation::DropUnheard(OwedTexts::By by) {
  replies_.SetNext(Replies::Next::kCallersTurn);
  replies_.Cancel();
  replies_.OnDropped(playback_->DropUnheard(ReplyPlayback::Tell::kAgent), by);
  TellWhatWasHeard();
  if (by == OwedTexts::By::kCaller) tools_.GoOn();
}

void Conversation::CancelReply() {
  replies_.Cancel();
  tools_.GoOn();
}

// Of a reply that a former agent, or a former socket, has made.
void Conversation::TellWhatWasHeard() {
  if (agent_.ready()) briefing_.GoOn(agent_.agent(), transcript_);
}

void Conversation::OnReplyHeard() {
  ++replies_heard_;
  playback_->OnHeard(turns_);
  TellWhatWasHeard();
  if (!replies_.texts().empty()) snapshot_due_ = true;
  replies_.OnHeard();
  if (tools_.ends_call()) {
    // The agent has said its goodbye.
    leg_.Close(kCloseNormal, "hangUp");
    End("hangUp");
    return;
  }
  if (agent_.lost()) {
    SayGoodbye("agentFailed");
    return;
  }
  switch (replies_.TakeNext()) {
    case Replies::Next::kMore:
      SetState(State::kThinking, Reason::kToolsAwaited);
      return;
    case Replies::Next::kLost:
      SetState(State::kThinking, Reason::kToolsAwaited);
      replies_.OnAnswersGiven();
      // Not before the time that the provider wants.
      if (!replies_.coming()) GiveAnswers();
      return;
    case Replies::Next::kCallersTurn:
      SetState(State::kListening, Reason::kReplyHeard);
      GiveAnswers();
      return;
  }
}

}  // namespace trunkline::session
