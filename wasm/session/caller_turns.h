#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/spoken_clock.h"
#include "protocol/agents/agent.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/conversation_events.h"
#include "session/transcript.h"
#include "session/turn_detector.h"

namespace trunkline::session {

// The caller's turns, by what is heard of him here and by what the agent's
// provider hears; tells the transcript, the agent and events of them. Which of
// the two decides that a turn is over is the conversation's to say. Owns the
// timer kDeaf.
class CallerTurns {
 public:
  // Speech that a provider which detects turns itself must have noticed, in one
  // turn or in several of which it has taken none: less may have been no turn.
  static constexpr Duration kUnmistakable = Duration::Millis(600);
  // Those before the last one by more than this were coughs.
  static constexpr Duration kTogether = Duration::Millis(13'000);
  // Within this time it takes a turn, once that is over here: it hears as much
  // silence as we do, and the network is between.
  static constexpr Duration kMayTake = Duration::Millis(1'000);
  // Items of turns that are remembered. Overflow: the oldest is forgotten.
  static constexpr size_t kMaxTaken = 8;

  // Silence that ends a turn which its words say to be unfinished: nobody is
  // waited for longer. Groups of digits and halves of sentences are mostly
  // followed sooner, docs/architecture.md.
  static constexpr Duration kUnfinishedEnd = Duration::Millis(1'500);
  // The same of one which they say to be complete: long enough for "yes, but".
  static constexpr Duration kCompleteEnd = Duration::Millis(400);

  // All are borrowed for the life of the object. `spoken` has had each frame
  // before OnFrame(). Precondition: the agent was created.
  CallerTurns(CallContext& context, AgentLink& agent, Transcript& transcript,
              const media::SpokenClock& spoken);
  CallerTurns(const CallerTurns&) = delete;
  CallerTurns& operator=(const CallerTurns&) = delete;

  // One frame of the caller.
  TurnDetector::Event OnFrame(bool speaks);
  // The provider's own hearing.
  void OnAgentSpeech(protocol::AgentSpeech::Edge edge);
  // The provider, which detects turns, has taken one, as this item.
  void OnTaken(std::string_view item);
  // Whether it has taken the item before `when`, as far as that is remembered.
  bool WasTaken(std::string_view item, Instant when) const;
  // It may not have noticed the turn that has ended here. Of those that it must
  // have noticed together it has the time of a reply to take one. Turns that
  // follow give it no more.
  void OnUntaken();
  // The turn has ended while the agent is not there to be told: it is, of the
  // whole, as soon as it is ready.
  void OnUnheard();
  // It was told. True if such a turn is over, and not gone on with since.
  bool TakeUnheard();
  // The time is over. True if the provider hears nothing at all; on a noisy
  // line, of which it has not heard the end, it has the same time again.
  bool IsDeaf();
  // How long ago a turn began that the agent was not told of, and does not find
  // by itself; nullopt if there is none.
  std::optional<Duration> untold_since() const;
  // It was told of that.
  void OnAgentReady();
  void OnAgentFailed();
  // Another agent takes its place, which may have another silence that ends
  // turns.
  void OnAgentSwitched();

  // The turn is over, the `turn`th of the call; `source` is who says so:
  // "local" or "agent". Returns its line, 0 if it had none.
  LineId End(std::string_view source, int64_t turn);
  // The turn was none, or is taken back.
  void Abandon();
  // The call ends: a turn that is not over ends with its speech.
  void OnCallOver() { TellSpoken(); }

  // The turn has begun and is not over.
  bool in_turn() const { return detector_.in_turn(); }
  bool speaking() const { return detector_.speaking(); }
  // Who takes turns would have taken this one by now: true once for each pause,
  // with the frame that makes it as long.
  bool IsLeftOpen() const {
    return line_ != LineId{} && !speaking() &&
           since_speech() == Transcript::kCommitWait;
  }
  // One was noticed that nobody has ended yet, or taken back.
  bool has_open_turn() const { return line_ != LineId{}; }
  // One is over, and the agent is to be told of it when it is ready.
  bool has_unheard() const { return unheard_.has_value(); }
  bool provider_hears() const { return provider_hears_; }
  // A turn of his is to be waited for: he is in it, or the provider hears him,
  // which is believed for the time of a reply.
  bool is_awaited() const;
  // One is over that must have been noticed, and nobody has taken it.
  bool has_asked() const;
  // The provider is yet to take such a one.
  bool is_untaken() const { return context_.deadlines().IsSet(Timer::kDeaf); }
  bool may_be_taken() const { return is_awaited() || is_untaken(); }
  // One is over, of any length, and the provider may yet take it.
  bool is_just_over() const {
    return over_at_ && context_.now() - *over_at_ < kMayTake;
  }
  // As of TurnDetector.
  Duration speech() const { return detector_.speech(); }
  Duration since_start() const { return detector_.since_start(); }
  Duration since_speech() const { return detector_.since_speech(); }
  // Whether he speaks, and began to after `when`. What is heard as speech since
  // before (a noise that came up) is not the caller going on.
  bool SpeaksSince(Instant when) const {
    return speaking() && detector_.since_start() < context_.now() - when;
  }

 private:
  // Silence that ends a turn: as configured, or the agent's own; and that which
  // ends this turn, by what the agent knows of it.
  Duration UsualEnd() const;
  Duration EndOfTurn();
  // The agent's provider says itself where they end.
  bool takes_turns() const;
  // So much more was said of which the provider has taken nothing.
  void CountUntaken(Duration speech);
  // The provider has the time of a reply from now on.
  void AwaitTaking();
  // The agent was told of the turn: its texts are found by its name.
  void BindTurn();
  // When his line's speech began, and ended, as times of the call.
  int64_t StartMs() const {
    return (spoken_.BeginBehind(start_frame_) - context_.call_began()).ms();
  }
  int64_t EndMs() const {
    return (spoken_.EndOf(end_frame_) - context_.call_began()).ms();
  }
  // Tells the transcript when the line was spoken.
  void TellSpoken();

  CallContext& context_;
  ConversationEvents events_;
  AgentLink& agent_;
  Transcript& transcript_;
  const media::SpokenClock& spoken_;
  TurnDetector detector_;
  // The turn that the caller is in; 0 for none.
  LineId line_{};
  // His frames before it, and to the end of its last speech. What frames were
  // held up becomes known when they come; events tell of when they came.
  int64_t start_frame_ = 0;
  int64_t end_frame_ = 0;
  bool provider_hears_ = false;
  Instant heard_since_;
  Instant taken_at_;
  struct Taken {
    std::string item;
    Instant at;
  };
  std::vector<Taken> taken_;
  // When the provider was last expected to take one.
  std::optional<Instant> over_at_;
  // Speech since it took one that it has not taken.
  Duration untaken_;
  Instant untaken_at_;
  // Speech of turns that were over before it was ready.
  std::optional<Duration> unheard_;
};

}  // namespace trunkline::session
