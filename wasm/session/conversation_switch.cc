#include "session/conversation.h"

// An agent is there, or is not any more.

namespace trunkline::session {

void Conversation::OnAgentReady() {
  using Texts = Transcript::Texts;
  transcript_.OnAgentConnected(
      agent_.traits().has_caller_texts ? Texts::kSent : Texts::kNone,
      agent_.traits().has_agent_texts ? Texts::kSent : Texts::kNone,
      context_.now());
  briefing_.Begin(agent_.agent(), transcript_);
  agent_.BeReady(caller_->untold_since());
  caller_->OnAgentReady();
  const bool ends_turn = caller_->TakeUnheard() &&
                         agent_.traits().turn_detection ==
                             protocol::AgentTraits::TurnDetection::kLocal;
  switch (state_) {
    case State::kConnecting:
      if (ends_turn) {
        SetState(State::kListening, Reason::kAgentReady);
      } else if (replies_.owes_greeting()) {
        SetState(State::kThinking, Reason::kGreeting);
        AskForReply();
      } else if (replies_.owes_reply()) {
        SetState(State::kThinking, Reason::kGreeting);
        // One reply to the results of tools as well, once they are here.
        replies_.OnAnswersGiven();
      } else {
        SetState(State::kListening, Reason::kAgentReady);
      }
      break;
    case State::kThinking:
      // The reply that was due died with the former socket. One is asked for,
      // behind the results that came meanwhile.
      AwaitReply();
      replies_.OnAnswersGiven();
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
  if (ends_turn && state_ == State::kListening) EndTurn("local");
  // Those that came while nobody was there to take them.
  GiveAnswers();
}

void Conversation::OnAgentFailed(protocol::AgentFailed::Loss loss,
                                 const protocol::Failure& why) {
  if (ended()) return;
  const AgentLink::Outlook outlook = agent_.Fail(loss, why);
  // Before the leg is authorised there is no agent that could fail. What the
  // caller has said to it is lost with it.
  if (caller_->is_untaken() ||
      (!caller_->in_turn() &&
       (caller_->provider_hears() || caller_->is_just_over()))) {
    replies_.OweAgain();
  }
  caller_->OnAgentFailed();
  // What came of the reply is played; no more of it comes.
  playback_->OnAgentFailed();
  const bool breaks_off =
      outlook == AgentLink::Outlook::kReturns && replies_.making_reply();
  replies_.OnAgentFailed(outlook);
  // Nor is anything heard of what it was about to say.
  if (state_ == State::kThinking || breaks_off) tools_.GoOn();
  if (outlook == AgentLink::Outlook::kReturns) return;
  switch (state_) {
    case State::kConnecting:
      SayGoodbye("noAnswer");
      break;
    case State::kSpeaking:
    case State::kInterrupted:
      if (playback_->has_unheard()) {
        // What is here is heard first, or interrupted.
        context_.ClearTimer(Timer::kReply);
        break;
      }
      [[fallthrough]];
    case State::kListening:
    case State::kThinking:
      SayGoodbye("agentFailed");
      break;
    case State::kFarewell:
      // Its words will not come: tones instead.
      farewell_->OnAgentFailed();
      break;
    case State::kLegLost:
      End("agentFailed");
      break;
    case State::kSetup:
    case State::kEnded:
      break;
  }
}

}  // namespace trunkline::session
