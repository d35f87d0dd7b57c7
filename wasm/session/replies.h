#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/transcript.h"

namespace trunkline::session {

// The agent's replies: which one was asked for, which one it makes, and what
// the caller is still owed. Says nothing of the state of the call: when to ask,
// and what follows when a reply is over, is the conversation's to decide.
//
// Four facts, each with its own life:
// - the greeting: owed, asked for, begun;
// - the reply that was asked for, until it is over or was cancelled, and the
//   reply that the agent makes, until it says that it is done. They are two: a
//   cancelled reply is made until the agent knows of it, and words by command
//   are made without having been asked for as a reply;
// - what nobody has asked for yet although it is due: a reply that another
//   session, or a time without the leg, has left over, and one to the results
//   of tools. Ask() asks for all of it at once;
// - what follows the reply that is heard: the caller's turn, more of it, or
//   what of it was lost.
//
// Owns the timers kReply and kAskAgain.
class Replies {
 public:
  // Replies in a row that only call tools, without a word to the caller. Beyond
  // it the agent has failed.
  static constexpr int kMaxSilent = 8;

  // What follows a reply.
  enum class Next : uint8_t {
    kCallersTurn,
    kMore,  // it goes on after its tools
    kLost,  // the rest was lost with its connection, and is to be asked for
  };

  // All are borrowed for the life of the object. Who has a greeting owes it.
  Replies(CallContext& context, AgentLink& agent);

  // The agent is there: what it cannot say is not owed.
  void OnAgentCreated();
  // What a former session owed. Members that are missing are as 0.
  void Restore(const Json& snapshot);
  // Adds what Restore() reads. `due`: a reply is due for what is not known
  // here.
  enum class Due : uint8_t { kNo, kYes };
  void AddTo(Json& snapshot, Due due) const;

  // Asks the agent for the greeting while that is owed, else for a reply to the
  // caller, whose speech ended `since_speech` ago.
  void Ask(Duration since_speech);
  // Has the agent say a text of ours.
  void Say(std::string_view text);
  // What was asked for is not wanted any more.
  void Cancel();
  // A reply is due from now on, and has the time for one to begin.
  void Await();
  // More of it, or its beginning, has that time from now on.
  void AwaitMore();

  // Audio of a reply was queued.
  void OnAudio();
  void OnToolCall() { making_ = true; }
  // The first audio since was sent to the leg. True if it is the greeting's,
  // which is not owed any more.
  bool OnSent();
  // The reply is done; `next` follows when it was heard.
  void OnDone(protocol::AgentReplyDone::End end, Next next);
  // The reply that is over only called tools. False if these are too many in a
  // row.
  bool OnSilent() { return ++silent_ <= kMaxSilent; }
  // The reply that is due has failed, or has no audio: tells, and says what
  // there is to do. For kAskLater the timers are set: OnAskAgain comes.
  enum class Missing : uint8_t {
    kAskNow,
    kAskLater,
    kNothing,  // the caller's turn: the provider stopped it, twice
    kFailed,   // the agent has failed
  };
  Missing OnMissing(const protocol::AgentReplyDone& done);
  // The agent is gone, and what it made is lost.
  void OnAgentFailed(AgentLink::Outlook outlook);
  // A reply is due as soon as the agent has all results of tools: some were
  // given to it, or the reply that was due died with its connection.
  void OnAnswersGiven() { answers_due_ = true; }
  void OnCallerSpeaks() { silent_ = 0; }
  void OnTurnEnded() { retried_ = false; }
  // The leg is gone while a reply is due.
  void OnLegLost();
  // What follows the reply that is heard.
  void SetNext(Next next) { next_ = next; }
  // The reply was heard to its end; the caller's turn follows the next one.
  Next TakeNext();

  bool owes_greeting() const { return greeting_ != Greeting::kNone; }
  bool owes_reply() const { return left_over_; }
  // One is due to results that were given, and was not asked for yet.
  bool owes_answer() const { return answers_due_; }
  // The agent makes a reply, and has not said that it is done.
  bool making() const { return making_; }
  // A reply comes without being asked for once more.
  bool coming() const;
  // Why the agent says what comes next.
  Transcript::Origin origin() const { return origin_; }
  // From when on a reply has been due.
  Instant awaited_since() const { return awaited_since_; }

 private:
  enum class Greeting : uint8_t {
    kNone,  // there is none, or it has begun to be heard
    kOwed,
    kAsked,  // the next audio that is sent is the greeting's
  };

  Duration patience() const { return context_.config().limits.reply; }

  CallContext& context_;
  AgentLink& agent_;
  Greeting greeting_;
  Transcript::Origin origin_ = Transcript::Origin::kReply;
  // Neither over nor cancelled.
  bool asked_ = false;
  bool making_ = false;
  // Of another session, or of a time without the leg.
  bool left_over_ = false;
  bool answers_due_ = false;
  Next next_ = Next::kCallersTurn;
  // The reply that is due was asked for twice.
  bool retried_ = false;
  // Replies since the caller was last spoken to, or spoke.
  int silent_ = 0;
  Instant awaited_since_;
};

}  // namespace trunkline::session
