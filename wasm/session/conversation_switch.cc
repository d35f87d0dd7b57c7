#include <string_view>

#include "session/conversation.h"

// An agent is there, or is not any more.

namespace trunkline::session {

void Conversation::OnAgentReady() {
  using Texts = Transcript::Texts;
  const bool takes_turns = agent_.traits().turn_detection ==
                           protocol::AgentTraits::TurnDetection::kProvider;
  // It hears a turn that is over once more.
  const bool again = agent_.replays() && !caller_->has_open_turn();
  transcript_.OnAgentConnected(
      agent_.traits().has_caller_texts ? Texts::kSent : Texts::kNone,
      agent_.traits().has_agent_texts ? Texts::kSent : Texts::kNone,
      context_.now(), again ? asked_line_ : LineId{});
  briefing_.Begin(agent_.agent(), transcript_);
  agent_.BeReady(caller_->untold_since());
  caller_->OnAgentReady();
  if (again && !takes_turns) {
    transcript_.BindCallerItem(asked_line_, {agent_.agent().turn_name()});
  }
  heard_again_ = again && takes_turns && state_ == State::kThinking &&
                 !replies_.owes_greeting();
  const bool ends_turn = caller_->TakeUnheard() && !takes_turns;
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
      // To what is heard again when the provider has taken it.
      if (!heard_again_) replies_.OnAnswersGiven();
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

bool Conversation::IsSpeechMissed() const {
  if (caller_->has_open_turn()) return true;
  return unanswered_ && !transcript_.HasWholeText(asked_line_);
}

void Conversation::OnAgentFailed(protocol::AgentFailed::Loss loss,
                                 const protocol::Failure& why) {
  if (ended()) return;
  // Before the leg is authorised there is no agent that could fail.
  if (!IsSpeechMissed()) agent_.ForgetSpeech();
  using Successor = AgentLink::Successor;
  OnAgentGone(agent_.Fail(
      loss, why,
      state_ == State::kFarewell ? Successor::kNone : Successor::kAllowed));
}

void Conversation::LeaveAgent(std::string_view reason) {
  if (!agent_.has_next()) {
    SayGoodbye("agentFailed");
    return;
  }
  if (!IsSpeechMissed()) agent_.ForgetSpeech();
  agent_.GoToNext(reason);
  OnAgentGone(AgentLink::Outlook::kNext);
}

void Conversation::FailAgent(const protocol::Failure& why) {
  context_.ReportAgentFailed(why, !agent_.has_next());
  LeaveAgent(why.code);
}

CommandOutcome Conversation::JudgeSwitch(const Json& agent) const {
  using Code = CommandOutcome::Code;
  using What = AgentList::Found::What;
  const AgentList::Found found = agent_.list().Find(agent);
  switch (found.what) {
    case What::kNone:
      return {Code::kUnknown, "the call has no such agent", "agent"};
    case What::kSeveral:
      return {Code::kInvalid,
              "several agents of the call have this name: name an index",
              "agent"};
    case What::kOne:
      break;
  }
  switch (state_) {
    case State::kSetup:
      return {Code::kConflict, "the call has not begun", ""};
    case State::kFarewell:
    case State::kEnded:
      return {Code::kConflict, "the call is ending", ""};
    case State::kConnecting:
    case State::kListening:
    case State::kThinking:
    case State::kSpeaking:
    case State::kInterrupted:
    case State::kLegLost:
      break;
  }
  if (found.index == agent_.list().current()) {
    return {Code::kConflict, "this agent has the call already", "agent"};
  }
  return {};
}

void Conversation::Switch(const Json& agent) {
  if (!IsSpeechMissed()) agent_.ForgetSpeech();
  agent_.SwitchTo(agent_.list().Find(agent).index, "command");
  OnAgentGone(AgentLink::Outlook::kNext);
}

// What follows of another one's format, of its way to end turns, and of what
// was tried in vain with the former.
void Conversation::OnAgentSwitched() {
  playback_->OnAgentSwitched();
  caller_->OnAgentSwitched();
  replies_.OnAgentSwitched();
  if (!agent_.traits().can_say) {
    while (const auto text = replies_.texts().TakeAny()) {
      NotSaid(*text, "failed");
    }
    replies_.OnAgentCreated();
  }
  heard_again_ = false;
  snapshot_due_ = true;
  // The silence of a caller who waits is not held against it.
  if (state_ == State::kListening) {
    context_.SetTimer(Timer::kDeadAir, limits().dead_air);
  }
}

void Conversation::OnAgentGone(AgentLink::Outlook outlook) {
  using Outlook = AgentLink::Outlook;
  // What the caller has said to it is lost with it, unless the next one hears
  // it.
  const bool untaken = caller_->is_untaken() ||
                       (!caller_->in_turn() &&
                        (caller_->provider_hears() || caller_->is_just_over()));
  if (untaken && agent_.replays() && caller_->has_open_turn()) {
    if (!caller_->in_turn() && !caller_->has_unheard()) caller_->OnUnheard();
  } else if (untaken) {
    replies_.OweAgain();
  }
  caller_->OnAgentFailed();
  // What came of the reply is played; no more of it comes.
  playback_->OnAgentFailed();
  const bool breaks_off = outlook != Outlook::kLost && replies_.making_reply();
  replies_.OnAgentFailed(outlook);
  // Nor is anything heard of what it was about to say.
  if (state_ == State::kThinking || breaks_off) tools_.GoOn();
  if (outlook == Outlook::kNext) OnAgentSwitched();
  if (outlook != Outlook::kLost) return;
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
