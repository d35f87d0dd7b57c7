#include <string_view>
#include <utility>
#include <variant>

#include "session/conversation.h"

// What the agent's events come to.

namespace trunkline::session {

using protocol::AgentReplyDone;

void Conversation::OnAgentEvent(const protocol::AgentEvent& event, Echo echo) {
  // Each has its branch below.
  static_assert(std::variant_size_v<protocol::AgentEvent> == 13);
  if (ended()) return;
  if (const auto* audio = std::get_if<protocol::AgentAudio>(&event)) {
    OnAgentAudio(*audio);
  } else if (std::holds_alternative<protocol::AgentReady>(event)) {
    OnAgentReady();
  } else if (const auto* speech = std::get_if<protocol::AgentSpeech>(&event)) {
    OnAgentSpeech(speech->edge, echo);
  } else if (const auto* turn =
                 std::get_if<protocol::AgentTurnCommitted>(&event)) {
    OnTurnCommitted(turn->item);
  } else if (const auto* transcript =
                 std::get_if<protocol::AgentTranscript>(&event)) {
    OnTranscript(*transcript);
  } else if (const auto* text =
                 std::get_if<protocol::AgentTextFailed>(&event)) {
    transcript_.OnTextFailed(text->role, {text->item, text->part},
                             context_.now());
  } else if (const auto* call = std::get_if<protocol::AgentToolCall>(&event)) {
    OnToolCall(*call);
  } else if (const auto* done = std::get_if<AgentReplyDone>(&event)) {
    OnReplyDone(*done);
  } else if (std::holds_alternative<protocol::AgentPutOff>(event)) {
    OnPutOff();
  } else if (const auto* failed = std::get_if<protocol::AgentFailed>(&event)) {
    OnAgentFailed(failed->loss, failed->why);
  } else if (const auto* fault = std::get_if<protocol::AgentFaulted>(&event)) {
    agent_.OnFault(*fault);
  } else if (const auto* words = std::get_if<protocol::AgentWords>(&event)) {
    transcript_.OnAgentWords({words->item}, words->words);
  } else if (std::holds_alternative<protocol::AgentNeedsConversation>(event)) {
    if (playback_ && playback_->has_unheard()) playback_->Report();
    Briefing::TellAll(agent_.agent(), transcript_);
  }
}

void Conversation::OnAgentSpeech(protocol::AgentSpeech::Edge edge, Echo echo) {
  caller_->OnAgentSpeech(edge);
  switch (edge) {
    case protocol::AgentSpeech::Edge::kStarted:
      // The provider may hear the agent's own voice that came back.
      if (state_ == State::kSpeaking && echo == Echo::kNo) {
        OnSpeechWhileSpeaking(Interrupter::kProvider);
      }
      return;
    case protocol::AgentSpeech::Edge::kStopped:
      if (state_ == State::kInterrupted &&
          interrupter_ == Interrupter::kProvider && !caller_->speaking()) {
        ResumeReply();
      }
      return;
  }
}

void Conversation::OnTurnCommitted(std::string_view item) {
  caller_->OnTaken(item);
  if (state_ == State::kSpeaking && playback_->is_over()) OnReplyHeard();
  switch (state_) {
    case State::kListening:
      EndTurn("agent");
      asked_line_ = transcript_.OnCallerItem({item}, context_.now());
      break;
    case State::kThinking:
      if (std::exchange(heard_again_, false)) {
        // The turn that a former agent has heard, and has not answered.
        if (transcript_.IsOpen(asked_line_)) {
          transcript_.BindCallerItem(asked_line_, {item});
        } else {
          asked_line_ = transcript_.OnCallerItem({item}, context_.now());
        }
        // Behind the results of tools that it has called for.
        replies_.OnAnswersGiven();
        GiveAnswers();
        break;
      }
      // The caller went on after a pause: one reply to both parts.
      CancelReply();
      EndTurn("agent");
      asked_line_ = transcript_.OnCallerItem({item}, context_.now());
      break;
    case State::kSpeaking:
    case State::kInterrupted:
    case State::kFarewell:
      // What was taken for a turn did not interrupt the reply.
      agent_.agent().DiscardTurn();
      transcript_.OnCallerItemGone({item});
      if (!caller_->in_turn()) caller_->Abandon();
      break;
    case State::kLegLost:
      // Answered when his stream is back.
      replies_.OweAgain();
      snapshot_due_ = true;
      break;
    case State::kSetup:
    case State::kConnecting:
    case State::kEnded:
      break;
  }
}

void Conversation::OnTranscript(const protocol::AgentTranscript& transcript) {
  events_.Text(transcript);
  if (transcript.dropped > Duration()) {
    transcript_.OnAgentDropped({transcript.item, transcript.part},
                               transcript.dropped.ms());
  }
  transcript_.OnText(transcript.role, {transcript.item, transcript.part},
                     transcript.text, transcript.state, context_.now());
  // The agent's words are complete with the reply.
  if (transcript.role == protocol::Role::kCaller &&
      transcript.state == protocol::TranscriptState::kFinal) {
    snapshot_due_ = true;
  }
  // Words prove an interruption before its length does, if they are of it:
  // those of an earlier turn may come late.
  if (transcript.role == protocol::Role::kCaller &&
      state_ == State::kInterrupted &&
      transcript.state == protocol::TranscriptState::kPart &&
      !caller_->WasTaken(transcript.item, interrupted_at_) &&
      transcript.text.find_first_not_of(" .,?!") != std::string_view::npos) {
    ConfirmBargeIn();
  }
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
      if (!farewell_->wants_audio() || !audio.asked) return;
      break;
    case State::kSetup:
    case State::kConnecting:
    case State::kEnded:
      return;
  }
  if (audio.asked && state_ == State::kListening &&
      replies_.texts().awaited() && caller_->may_be_taken()) {
    // He has begun a turn since it was asked for: it comes behind the reply.
    replies_.TakeBackText(audio.item);
    tools_.GoOn();
    return;
  }
  const auto origin =
      audio.asked ? replies_.origin() : Transcript::Origin::kReply;
  const std::string_view words =
      audio.asked ? replies_.expected() : std::string_view();
  if (!playback_->OnAudio(audio, origin, words)) return;
  if (audio.asked) unanswered_ = false;
  const size_t bytes_per_ms = protocol::BytesOf(agent_.traits().output, 1);
  replies_.OnAudio(Duration::Micros(static_cast<int64_t>(audio.audio.size() *
                                                         1'000 / bytes_per_ms)),
                   audio.item, audio.asked);
  // An agent that falls silent in the middle of a reply is noticed too.
  if (state_ != State::kFarewell && state_ != State::kLegLost) {
    replies_.AwaitMore();
  }
  if (state_ == State::kListening || state_ == State::kThinking) {
    // The caller has begun, or begun again, in the meantime: not a word over
    // it.
    const bool over_speech =
        state_ == State::kThinking
            ? caller_->SpeaksSince(replies_.awaited_since())
            : caller_->speaking();
    playback_->Begin();
    unanswered_ = false;
    SetState(State::kSpeaking, Reason::kReplyAudio);
    if (over_speech) OnSpeechWhileSpeaking(Interrupter::kLocal);
  }
}

void Conversation::OnToolCall(const protocol::AgentToolCall& call) {
  events_.ToolCall(call);
  replies_.OnToolCall();
  snapshot_due_ = true;
  if (tools_.OnCall(call) != ToolExchange::Called::kOpened) return;
  if (state_ == State::kThinking && tools_.waiting()) replies_.OnToolsWait();
  GiveAnswers();
}

void Conversation::GiveAnswers() {
  if (tools_.Give()) {
    replies_.OnAnswersGiven();
    snapshot_due_ = true;
  }
  if (state_ == State::kThinking && !tools_.waiting()) {
    replies_.OnToolsAnswered();
  }
  if (!agent_.ready()) return;
  // One reply to all results, and only when the one that asked for them is
  // done.
  if (!replies_.owes_answer() || tools_.waiting()) return;
  if (replies_.making()) {
    // One that was cancelled has the time of a reply to be over.
    if (state_ == State::kListening &&
        !context_.deadlines().IsSet(Timer::kReply)) {
      replies_.AwaitMore();
    }
    return;
  }
  switch (state_) {
    case State::kThinking:
    case State::kSpeaking:
      // Not a word over him: when he has ended, or with the reply to that.
      if (state_ == State::kThinking && caller_->speaking()) return;
      replies_.SetNext(state_ == State::kSpeaking
                           ? Replies::Next::kMore
                           : Replies::Next::kCallersTurn);
      if (state_ == State::kSpeaking) {
        replies_.Await();
      } else {
        replies_.AwaitStill();
      }
      AskForReply();
      return;
    case State::kListening:
      // A caller who speaks gets the answer with the reply to his turn.
      if (caller_->is_awaited()) return;
      if (replies_.owes_again()) {
        // So does one whose turn may be taken still, or who enters digits.
        if (caller_->is_just_over()) return;
        if (!digits_.empty()) return;
        SetState(State::kThinking, Reason::kReplyOwed);
      } else {
        SetState(State::kThinking, Reason::kToolsAnswered);
      }
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

void Conversation::OnReplyDone(const AgentReplyDone& done) {
  if (done.usage != protocol::Usage()) events_.Used(done.usage);
  using End = AgentReplyDone::End;
  const bool whole = done.end == End::kComplete;
  const bool awaits_tools =
      done.after == AgentReplyDone::After::kAwaitsTools && !tools_.ends_call();
  const bool before_what_is_due =
      state_ == State::kThinking && replies_.behind();
  const bool plays = state_ == State::kSpeaking ||
                     state_ == State::kInterrupted || state_ == State::kLegLost;
  const Replies::Rest rest =
      plays && !awaits_tools ? replies_.RestOf(done) : Replies::Rest::kNone;
  // More of it is asked for: it is no goodbye.
  if (rest == Replies::Rest::kAskFor) tools_.GoOn();
  // One reply at a time: whatever comes next belongs to the next one.
  playback_->EndReply(whole || done.is_whole ? ReplyPlayback::Extent::kWhole
                                             : ReplyPlayback::Extent::kPart);
  replies_.OnDone(done, awaits_tools ? Replies::Next::kMore
                        : rest == Replies::Rest::kAskFor
                            ? Replies::Next::kLost
                            : Replies::Next::kCallersTurn);
  // All that is to be heard of it, and its words, are here.
  snapshot_due_ = true;
  if (done.end == End::kCancelled) {
    // Nothing else comes that was waited for beside it.
    if (state_ == State::kListening && !replies_.coming() &&
        !replies_.texts().awaited()) {
      context_.ClearTimer(Timer::kReply);
    }
    GiveAnswers();
    return;
  }
  if (state_ == State::kFarewell) {
    farewell_->OnReplyDone();
    return;
  }
  if (rest == Replies::Rest::kHopeless && state_ != State::kLegLost) {
    // Another one says it.
    if (agent_.has_next()) replies_.SetNext(Replies::Next::kLost);
    FailAgent(done.why);
    return;
  }
  if (state_ != State::kThinking) {
    // What came of it is heard.
    if (rest == Replies::Rest::kEmpty && agent_.traits().replies) {
      context_.ReportAgentFailed({.code = "emptyReply"}, false);
    }
    if (!whole) {
      context_.ReportAgentFailed(done.why, false);
      if (rest == Replies::Rest::kAskFor && agent_.has_next() &&
          done.why.retry_after > AgentLink::kTryAgainWithin) {
        // Another one says the rest sooner.
        LeaveAgent(done.why.code);
        return;
      }
      replies_.PutOff(done.why.retry_after);
    }
    GiveAnswers();
    return;
  }
  if (before_what_is_due) {
    if (!whole) context_.ReportAgentFailed(done.why, false);
    replies_.AwaitStill();
    GiveAnswers();
    return;
  }
  // A reply without audio.
  if (tools_.ends_call()) {
    SayGoodbye("hangUp");
  } else if (awaits_tools && done.end != End::kRefused) {
    if (!whole) context_.ReportAgentFailed(done.why, false);
    if (!replies_.OnSilent()) {
      FailAgent({.code = "onlyTools"});
      return;
    }
    replies_.AwaitStill();
    GiveAnswers();
  } else if (!whole) {
    OnReplyMissing(done);
  } else {
    // The agent has nothing to say to that.
    if (agent_.traits().replies) {
      context_.ReportAgentFailed({.code = "emptyReply"}, false);
    }
    SetState(State::kListening, Reason::kReplyEmpty);
  }
}

void Conversation::OnPutOff() {
  replies_.OnPutOff();
  playback_->OnPutOff();
  snapshot_due_ = true;
}

void Conversation::OnReplyMissing(const AgentReplyDone& done) {
  switch (replies_.OnMissing(done)) {
    case Replies::Missing::kAskNow:
      AskForReply();
      return;
    case Replies::Missing::kAskLater:
      return;
    case Replies::Missing::kNothing:
      SetState(State::kListening, Reason::kReplyEmpty);
      return;
    case Replies::Missing::kFailed:
      LeaveAgent(done.why.code.empty() ? "replyFailed" : done.why.code);
      return;
  }
}

}  // namespace trunkline::session
