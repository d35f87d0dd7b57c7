#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "media/line_out.h"
#include "protocol/agents/agent.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/command.h"
#include "session/conversation_events.h"
#include "session/leg_link.h"
#include "session/spoken_items.h"
#include "session/state.h"
#include "session/tool_exchange.h"
#include "session/transcript.h"
#include "session/turn_detector.h"

namespace trunkline::session {

// Who speaks, and when the call is over: the only part that changes the state.
// Learns facts from the session and commands the other parts; none of them
// calls it. Owns the timers kReply, kAskAgain, kDeaf, kDeadAir, kDecide,
// kFarewell, kMaxCall, kPace, and those of the transcript and the tool desk,
// kText and kTool.
class Conversation {
 public:
  // An interruption that neither ends nor proves real by then is decided by
  // what is known. The provider hears a cough as 150 ms and its own 500 ms of
  // silence.
  static constexpr Duration kDecide = Duration::Millis(800);
  // Replies in a row that only call tools, without a word to the caller. Beyond
  // it the agent has failed.
  static constexpr int kMaxSilentReplies = 8;
  // Speech of a turn that a provider which detects turns itself must have
  // noticed: shorter may have been none.
  static constexpr Duration kUnmistakable = Duration::Millis(600);

  // All are borrowed for the life of the object.
  Conversation(CallContext& context, LegLink& leg, AgentLink& agent);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  State state() const { return state_; }
  bool ended() const { return state_ == State::kEnded; }

  // Goes on with the conversation of a session that was lost. False if
  // `snapshot` is none: nothing has changed. `alive_ms` is until when, of the
  // call, that session is known to have lived by other means.
  bool Restore(const Json& snapshot, int64_t alive_ms);
  // What a session that follows this one needs, if that has changed since the
  // last time.
  std::optional<Json> TakeSnapshot();

  // The leg is authorised for the first time: the call begins. `line` is
  // borrowed from now on.
  void Begin(media::LineOut& line);
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
  void OnDeadAir();
  void OnDecide();
  void OnToolDeadline();
  void OnTextDeadline();

  // Whether a command can be carried out now.
  CommandOutcome JudgeSay() const;
  CommandOutcome JudgeToolResult(std::string_view tool_call_id) const;
  void HangUp();
  void Say(std::string_view text);
  void ToolResult(std::string_view tool_call_id, std::string_view output);

  // Ends an input: sends what is due and notices what is over.
  void Settle();

  // Whether the caller's turn has begun and is not over.
  bool in_turn() const { return turns_detector_ && turns_detector_->in_turn(); }
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
  Duration LimitOf(Timer timer) const;
  const Config::Limits& limits() const { return context_.config().limits; }

  // The agent's events.
  void OnAgentReady();
  void OnAgentSpeech(protocol::AgentSpeech::Edge edge, Echo echo);
  void OnTurnCommitted(std::string_view item);
  void OnTranscript(const protocol::AgentTranscript& transcript);
  void OnTextFailed(const protocol::AgentTextFailed& failed);
  void OnAgentAudio(const protocol::AgentAudio& audio);
  void OnToolCall(const protocol::AgentToolCall& call);
  void OnReplyDone(const protocol::AgentReplyDone& done);
  // The reply that is due has failed, or has no audio.
  void OnReplyMissing(const protocol::AgentReplyDone& done);

  // Turns.
  void OnTurnEvent(TurnDetector::Event event);
  void OnSpeechWhileSpeaking(Interrupter interrupter);
  void EndTurn(std::string_view source);
  void Interrupt(Interrupter interrupter);
  void ResumeReply();
  void ConfirmBargeIn();
  // Tells the agent what was heard of what it said, and drops the rest.
  void TruncateUnheard();
  void TellConversation();
  // Asks for what is owed to the caller: the greeting, or a reply.
  void AskForReply();
  void CancelReply();
  // Gives the agent the results that are there, and asks it to go on when it
  // has all of them.
  void GiveAnswers();
  void DropCallerTurn();
  void EmitFinalLines();
  void ReportCut(const media::Playout::Cut& cut, int64_t audio_end_ms);
  void OnReplyHeard();
  void AwaitReply();
  bool CallerGoesOn() const;
  void Pump();

  // The end.
  void SayGoodbye(std::string_view end_reason);
  void End(std::string_view end_reason);

  std::string ItemName(protocol::ItemId item) const;

  CallContext& context_;
  ConversationEvents events_;
  LegLink& leg_;
  AgentLink& agent_;
  Transcript transcript_;
  ToolExchange tools_;
  // From Begin() on.
  media::LineOut* line_ = nullptr;
  std::unique_ptr<TurnDetector> turns_detector_;
  std::unique_ptr<SpokenItems> spoken_;
  // The turn that the caller is in; 0 for none.
  LineId caller_line_{};

  State state_ = State::kSetup;
  Interrupter interrupter_ = Interrupter::kLocal;
  bool provider_hears_speech_ = false;
  bool reply_announced_ = false;
  bool reply_goes_on_ = false;  // after its tools, or on a new socket
  // The agent makes a reply, and has not said that it is done.
  bool reply_open_ = false;
  // A reply was asked for, and neither came to its end nor was cancelled.
  bool reply_asked_ = false;
  // A reply was lost with the agent's socket.
  bool asks_again_ = false;
  // Results were given that no reply was asked for yet.
  bool answers_given_ = false;
  // Replies since the caller was last spoken to, or spoke.
  int silent_replies_ = 0;
  // What comes next was asked for by Say().
  bool says_next_ = false;
  // The greeting was not begun to be heard.
  bool owes_greeting_ = false;
  bool greets_ = false;
  // A former session, or one without its leg, has left a reply due.
  bool owes_reply_ = false;
  bool snapshot_due_ = false;
  bool saying_farewell_ = false;
  uint64_t farewell_from_ = 0;  // playout position
  Instant thinking_since_;
  // When a provider that detects turns last took one.
  Instant agent_took_turn_at_;
  bool reply_retried_ = false;
  // Why the call ends, from the goodbye on.
  std::string end_reason_;

  int64_t turns_ = 0;
  int64_t replies_ = 0;
  int64_t barge_ins_ = 0;
  int64_t resumes_ = 0;
  uint64_t reply_refused_bytes_ = 0;
};

}  // namespace trunkline::session
