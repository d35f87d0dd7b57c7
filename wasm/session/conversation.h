#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "media/line_out.h"
#include "media/spoken_clock.h"
#include "protocol/agents/agent.h"
#include "session/agent_link.h"
#include "session/briefing.h"
#include "session/call_context.h"
#include "session/caller_turns.h"
#include "session/command.h"
#include "session/conversation_events.h"
#include "session/digit_entry.h"
#include "session/farewell.h"
#include "session/leg_link.h"
#include "session/replies.h"
#include "session/reply_playback.h"
#include "session/state.h"
#include "session/tool_exchange.h"
#include "session/transcript.h"

namespace trunkline::session {

// Who speaks, and when the call is over: the only part that changes the state.
// Learns facts from the session and commands the other parts; none of them
// calls it. What is known of the caller's turns, of the agent's replies and of
// their way to the caller is in parts of its own, which know no state. Owns the
// timers kDeadAir, kDecide, kFarewell, kMaxCall, and those of the transcript
// and the tool desk, kText and kTool.
class Conversation {
 public:
  // All are borrowed for the life of the object.
  Conversation(CallContext& context, LegLink& leg, AgentLink& agent,
               protocol::Channels& tools);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  State state() const { return state_; }
  bool ended() const { return state_ == State::kEnded; }

  // Goes on with the conversation of a session that was lost. False if
  // `snapshot` is none: nothing has changed. `alive_ms` is until when, of the
  // call, that session is known to have lived by other means.
  bool Restore(const Json& snapshot, int64_t alive_ms);
  // What a session that follows this one needs, and whether that has changed
  // since the last time.
  Json TakeSnapshot();
  bool snapshot_due() const { return snapshot_due_; }

  // The leg is authorised for the first time: the call begins. `line`, and
  // `spoken` of the caller's frames, are borrowed from now on.
  void Begin(media::LineOut& line, const media::SpokenClock& spoken);
  // The leg is back after a loss, or in place of a former one.
  void OnLegBack();
  void OnLegRefused();
  void OnLegOver(LegOver::How how);
  // The leg's socket broke.
  void OnLegLost();

  // One frame of the caller.
  void OnCallerFrame(bool speaks);
  // `echo_only`: what the agent hears lately is itself.
  enum class Echo : uint8_t { kNo, kOnly };
  void OnAgentEvent(const protocol::AgentEvent& event, Echo echo);
  // For what comes on the channels of the tools; then OnToolInput().
  protocol::ChannelInputs& tool_inputs() { return tools_.requests(); }
  void OnToolInput();
  // The agent cannot go on.
  void OnAgentFailed(protocol::AgentFailed::Loss loss,
                     const protocol::Failure& why);

  // Timers, each when it is due.
  void OnLegStartTimeout();
  void OnFarewellTimeout();
  void OnLegLostTimeout();
  void OnMaxCall();
  void OnReplyTimeout();
  void OnAskAgain();
  void OnDeaf();
  void OnWaiting();
  void OnDigitTimeout() { digits_.OnTimeout(); }
  void OnDeadAir();
  void OnDecide();
  void OnToolDeadline();
  void OnTextDeadline();

  // The caller has pressed a key.
  void OnDigit(char digit);

  // Whether a command can be carried out now.
  CommandOutcome JudgeSay(std::string_view text) const;
  CommandOutcome JudgeToolResult(std::string_view tool_call_id,
                                 std::string_view output) const;
  CommandOutcome JudgeDigits(std::string_view digits) const;
  CommandOutcome JudgeSwitch(const Json& agent) const;
  void HangUp(std::string_view end_reason);
  void Digits(std::string_view digits) {
    digits_.Add(digits);
    snapshot_due_ = true;
  }
  void Say(std::string_view text);
  void ToolResult(std::string_view tool_call_id, std::string_view output);
  // Precondition: JudgeSwitch() has nothing against it.
  void Switch(const Json& agent);

  // Ends an input: sends what is due and notices what is over.
  void Settle();

  // Whether the caller's turn has begun and is not over.
  bool in_turn() const { return caller_ && caller_->in_turn(); }
  // What the agent hears is of use.
  AgentLink::Hearing hearing() const {
    return state_ == State::kFarewell ? AgentLink::Hearing::kOff
                                      : AgentLink::Hearing::kOn;
  }
  // Per state: which timers run and which parts exist. Holds between inputs.
  bool IsConsistent() const;

  // How the call ended, once it has.
  struct Outcome {
    std::string_view reason;
    int64_t turns = 0;
    int64_t replies = 0;
    int64_t barge_ins = 0;
    int64_t resumes = 0;
    uint64_t reply_refused_bytes = 0;
  };
  Outcome outcome() const;

 private:
  enum class Interrupter : uint8_t { kLocal, kProvider };

  // What the table of transitions says, with its timers.
  void SetState(State next, Reason reason);
  const Config::Limits& limits() const { return context_.config().limits; }

  // The agent's events.
  void OnAgentReady();
  void OnAgentSpeech(protocol::AgentSpeech::Edge edge, Echo echo);
  void OnTurnCommitted(std::string_view item);
  void OnTranscript(const protocol::AgentTranscript& transcript);
  void OnAgentAudio(const protocol::AgentAudio& audio);
  void OnToolCall(const protocol::AgentToolCall& call);
  void OnReplyDone(const protocol::AgentReplyDone& done);
  void OnPutOff();
  // The reply that is due has failed, or has no audio.
  void OnReplyMissing(const protocol::AgentReplyDone& done);

  // What it comes to that the agent has failed, or that another one has its
  // place.
  void OnAgentGone(AgentLink::Outlook outlook);
  void OnAgentSwitched();
  // The agent has failed in a way that its socket knows nothing of: the next
  // one takes its place, or the call ends. Tells of it; LeaveAgent() does not.
  void FailAgent(const protocol::Failure& why);
  void LeaveAgent(std::string_view reason);
  // Nobody has an answer, or a text, for what the agent has heard of the
  // caller.
  bool IsSpeechMissed() const;

  // Turns.
  void OnLocalTurnEnd();
  void EndTurn(std::string_view source);
  // What the caller has entered is a turn of his, or a part of the one that he
  // speaks.
  void TellDigits();
  void OnSpeechWhileSpeaking(Interrupter interrupter);
  void ResumeReply();
  void ConfirmBargeIn();
  void DropUnheard(OwedTexts::By by);
  // The reply that is due, or made, is not wanted any more, by the caller's
  // doing: nor is a hang-up that is part of it.
  void CancelReply();
  void TellWhatWasHeard();
  // Some of what is here was not heard, and that is more than a text by
  // command; or more of such a reply is to come.
  bool IsReplyUnheard() const;
  // Asks for a reply, unless too many were asked for already: then the call
  // ends.
  void AskForReply();
  // One is due, from now on.
  void AwaitReply();
  // What is to be said by command, when its time has come.
  void SayWhatIsOwed();
  void NotSaid(std::string_view text, std::string_view reason);
  // The call ends: what is owed until then will not be said, nor told.
  void GiveUpAll();
  // Digits that a lost session had, and did not keep.
  void GiveUpLostDigits();
  bool keeps_digits() const;
  // An entry, as far as it is kept.
  std::string KeptWords(std::string_view digits) const;
  // Gives the agent the results that are there, and asks it to go on when it
  // has all of them.
  void GiveAnswers();
  void OnReplyHeard();

  // The end.
  void SayGoodbye(std::string_view end_reason);
  void End(std::string_view end_reason);

  // A turn of the caller's is over and no reply plays, or what is to come of
  // one is missing: he is not to sit in silence.
  bool CallerWaits() const;
  void LookAtWaiting();

  // After every input.
  void Pump();
  void EmitFinalLines();

  CallContext& context_;
  ConversationEvents events_;
  LegLink& leg_;
  AgentLink& agent_;
  Transcript transcript_;
  Briefing briefing_;
  ToolExchange tools_;
  Replies replies_;
  DigitEntry digits_;
  bool digits_lost_ = false;
  // From Begin() on.
  media::LineOut* line_ = nullptr;
  std::unique_ptr<CallerTurns> caller_;
  std::unique_ptr<ReplyPlayback> playback_;
  // From the goodbye on.
  std::unique_ptr<Farewell> farewell_;

  State state_ = State::kSetup;
  Interrupter interrupter_ = Interrupter::kLocal;
  Instant interrupted_at_;
  bool snapshot_due_ = false;
  // The caller's last turn is over, and nothing was heard of the agent since.
  bool unanswered_ = false;
  // The line of that turn; 0 if it has none.
  LineId asked_line_{};
  // The agent hears it once more, as its provider is yet to notice.
  bool heard_again_ = false;
  // It goes on from a former session.
  bool restored_ = false;
  // Why the call ends, from the goodbye on.
  std::string end_reason_;

  int64_t turns_ = 0;
  int64_t replies_heard_ = 0;
  int64_t barge_ins_ = 0;
  int64_t resumes_ = 0;
};

}  // namespace trunkline::session
