#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/owed_texts.h"
#include "session/transcript.h"

namespace trunkline::session {

// The agent's replies: which one was asked for, which one it makes, and what
// the caller is still owed. Says nothing of the state of the call: when to ask,
// and what follows when a reply is over, is the conversation's to decide.
//
// Four facts, each with its own life:
// - the greeting: owed, asked for, begun; one that breaks off, with its
// provider
//   or its object, is owed again in whole, and so is one of which the caller
//   has heard no word when he interrupts it;
// - the reply that was asked for, until it is over or was cancelled, and the
//   reply that the agent makes, until it says that it is done. They are two: a
//   cancelled reply is made until the agent knows of it, and words by command
//   are made without having been asked for as a reply;
// - what nobody has asked for yet although it is due: a reply that another
//   session, or a time without the leg, has left over, one to the results of
//   tools, and one that the caller's speech has stopped, or to a turn that the
//   agent was not told of. Ask() asks for all of it at once;
// - what follows the reply that is heard: the caller's turn, more of it, or
//   what of it was lost.
// And the texts that are to be said by command, OwedTexts.
//
// Owns the timers kReply and kAskAgain.
class Replies {
 public:
  // Replies in a row that only call tools, without a word to the caller. Beyond
  // it the agent has failed.
  static constexpr int kMaxSilent = 8;
  // Requests since the caller was last spoken to, or spoke, whatever has come
  // of them: those of kMaxSilent and a few that failed. And requests for one
  // turn of his, of an agent that says a little each time. Beyond either the
  // agent has failed.
  static constexpr int kMaxUnheard = 12;
  // Audio since then of which something was heard.
  static constexpr Duration kHeard = Duration::Millis(200);
  static constexpr int kMaxRequests = 64;
  // Times that the reply that is due is asked for again when the provider has
  // said, the time before, how long to wait. One that says less than it needs
  // is seen through by then.
  static constexpr int kMaxWaits = 3;
  // Times that more is asked for of a reply to one turn that the provider broke
  // off in the middle.
  static constexpr int kMaxRests = 2;
  // Speech is dated back by its detector: what began so little before a reply
  // was due is heard as begun behind it.
  static constexpr Duration kDatedBack = Duration::Millis(100);
  // A caller who speaks on is waited for, and the next reply has its own time;
  // but so many times that of one, all waits together in which nothing was
  // heard of the agent, are the most that an agent has that works.
  static constexpr int kMaxPatience = 2;
  // Times that the greeting is asked for before it is given up.
  static constexpr int kMaxGreetingTries = OwedTexts::kMaxTries;

  // What follows a reply.
  enum class Next : uint8_t {
    kCallersTurn,
    kMore,  // it goes on after its tools
    kLost,  // the rest of it was lost, and is to be asked for
  };

  // All are borrowed for the life of the object. Who has a greeting owes it.
  Replies(CallContext& context, AgentLink& agent);

  // The agent is there: what it cannot say is not owed.
  void OnAgentCreated();
  // What a former session owed. Members that are missing are as 0.
  // `heard_whole` says of a line whether the caller has heard all of it.
  void Restore(const Json& snapshot,
               const std::function<bool(int64_t)>& heard_whole);
  // Adds what Restore() reads. `due`: a reply is due for what is not known
  // here. `line_of` gives the line of an item that is not heard.
  enum class Due : uint8_t { kNo, kYes };
  void AddTo(Json& snapshot, Due due,
             const std::function<int64_t(protocol::ItemId)>& line_of) const;

  // Asks the agent for the greeting while that is owed, else for a reply to the
  // caller, whose speech ended `since_speech` ago.
  void Ask(Duration since_speech);
  // Has the agent say a text of ours, now and once.
  void Say(std::string_view text);
  // The texts that are to be said by command.
  OwedTexts& texts() { return texts_; }
  const OwedTexts& texts() const { return texts_; }
  // Whether one more request is within the bounds.
  bool MayAsk() const {
    return unheard_ < kMaxUnheard && requests_ < kMaxRequests;
  }

  // Nothing else is asked for, made or due: the next text's turn has come, or
  // that of a greeting that was asked for in vain.
  bool MaySay() const;
  bool MayGreet() const;
  // Asks for the text, and gives it the time for a reply to begin.
  void AskForSay();
  // The text whose first audio, of this item, comes at a wrong time: it is
  // asked for again when its turn comes. Precondition: texts().awaited().
  void TakeBackText(protocol::ItemId item);
  // What was asked for beside the caller's turns has failed: nothing of that is
  // asked for again before this time is over, or that of a reply.
  void PutOff(std::optional<Duration> time);
  // Gives the greeting up: one that was asked for too often, or any that is
  // owed. True if it was.
  enum class GiveUp : uint8_t { kHopeless, kAll };
  bool GiveUpGreeting(GiveUp which);
  // What was asked for is not wanted any more.
  void Cancel();
  // A reply is due from now on, and has the time for one to begin.
  void Await();
  // The same reply is asked for once more, or the results of tools were given:
  // it has what is left of that time.
  void AwaitStill();
  // The caller speaks, and began to behind what is heard: what was due when
  // that ended has not been waited for longer than he speaks.
  void CountFrom(Instant began) {
    awaited_since_ = std::min(awaited_since_, began);
  }
  // More of it, or its beginning, has that time from now on, and all that is
  // missing between what came of it has that time together: an agent that says
  // a syllable now and then says nothing.
  void AwaitMore();
  // Tools have been called that have times of their own: meanwhile that of the
  // reply stands still.
  void OnToolsWait();
  void OnToolsAnswered();

  // So much audio of an item was queued. One that was not asked for is no text
  // that is owed.
  void OnAudio(Duration length, protocol::ItemId item = {}, bool asked = true);
  // What has come since that was asked for is not it: that comes later.
  void OnPutOff();
  // All that is here was heard.
  void OnHeard();
  // As OwedTexts::OnDropped(), and a greeting of which no word was heard is
  // owed again.
  void OnDropped(std::span<const protocol::ItemId> unheard, OwedTexts::By by);
  void OnToolCall() { making_ = true; }
  // The first audio since that was asked for was sent to the leg. True if it is
  // the greeting's, which is not owed any more.
  bool OnSent();
  // What is to be done about the rest of a reply that is over, and of which
  // something came. Asked before OnDone().
  enum class Rest : uint8_t {
    kNone,      // there is none, or the provider has stopped it
    kAskFor,    // the provider broke it off, or has said nothing of it
    kHopeless,  // the same, and asking again does not help
    kEmpty,     // it was asked for, is complete, and nothing came of it
  };
  Rest RestOf(const protocol::AgentReplyDone& done) const;
  // The reply is done; `next` follows when it was heard.
  void OnDone(const protocol::AgentReplyDone& done, Next next);
  // The reply that is over only called tools. False if these are too many in a
  // row.
  bool OnSilent() { return ++silent_ <= kMaxSilent; }
  // The reply that is due has failed, or has no audio: tells, and says what
  // there is to do. For kAskLater the timers are set: OnAskAgain comes.
  // Precondition: Await().
  enum class Missing : uint8_t {
    kAskNow,
    kAskLater,
    kNothing,  // the caller's turn: the provider stopped it, twice
    kFailed,   // the agent has failed
  };
  Missing OnMissing(const protocol::AgentReplyDone& done);
  // The agent is gone, and what it made is lost.
  void OnAgentFailed(AgentLink::Outlook outlook);
  // Another agent takes its place, which has all attempts before it.
  void OnAgentSwitched();
  // A reply is due as soon as the agent has all results of tools: some were
  // given to it, or the reply that was due died with its connection.
  void OnAnswersGiven() { answers_due_ = true; }
  // One is due that was asked for before, or that nobody could ask for: the
  // caller has spoken over it, which may prove to be no turn, or it is to a
  // turn of his that the agent was never told of.
  void OweAgain() { answers_due_ = owed_again_ = true; }
  // The same, since the provider has not noticed a turn: what it says without
  // having heard him does not show that it works.
  void OnDeaf() {
    OweAgain();
    deaf_ = true;
  }
  void OnCallerSpeaks() {
    caller_spoke_ = true;
    silent_ = unheard_ = requests_ = 0;
  }
  void OnTurnEnded() {
    retried_ = deaf_ = false;
    requests_ = waits_ = rests_ = 0;
  }
  // The leg is gone while a reply is due.
  void OnLegLost();
  // It is back while a reply is made, of which more may come.
  void OnLegBack();
  // What follows the reply that is heard.
  void SetNext(Next next) { next_ = next; }
  // The reply was heard to its end; the caller's turn follows the next one.
  Next TakeNext();

  bool owes_greeting() const {
    return greeting_ == Greeting::kOwed || greeting_ == Greeting::kAsked;
  }
  bool owes_reply() const { return left_over_; }
  // One is due to results that were given, and was not asked for yet.
  bool owes_answer() const { return answers_due_; }
  // The same, by OweAgain().
  bool owes_again() const { return owed_again_; }
  // The agent makes a reply, and has not said that it is done; and that is more
  // than a text by command.
  bool making() const { return making_; }
  bool making_reply() const { return making_ && !texts_.is_made(); }
  // The next that is done is not the one that was asked for.
  bool behind() const { return asked_ && behind_; }
  // A reply comes without being asked for once more.
  bool coming() const;
  // The caller has spoken since a reply is due.
  bool caller_spoke() const { return caller_spoke_; }
  // All that the agent has done since the caller was last spoken to, or spoke,
  // is to call tools.
  bool only_called_tools() const { return silent_ > 0; }
  // Why the agent says what comes next, and the words it was asked for, "" if
  // it chooses them or some of it has come.
  Transcript::Origin origin() const;
  std::string_view expected() const;
  // From when on a reply has been due, to within kDatedBack.
  Instant awaited_since() const { return awaited_since_; }

 private:
  enum class Greeting : uint8_t {
    kNone,  // there is none, or it is owed no more
    kOwed,
    kAsked,   // the next audio that is sent is the greeting's
    kBegun,   // some of it was sent, and it is made still
    kBroken,  // some of it was sent, and no more comes: when that was heard, it
              // is owed again
  };

  bool IsIdle() const;
  // The wait for what was asked for is over, or stands still; or nothing was
  // waited for in vain.
  void CountWait();
  void ForgetWaits();
  Duration patience() const { return context_.config().limits.reply; }

  CallContext& context_;
  AgentLink& agent_;
  OwedTexts texts_;
  Greeting greeting_;
  Transcript::Origin origin_ = Transcript::Origin::kReply;
  // Of the greeting, until that was heard.
  std::vector<protocol::ItemId> greeting_items_;
  // What Say() had said last, and whether nothing of it has come.
  std::string words_;
  bool expects_ = false;
  // Neither over nor cancelled; behind another one that is over first.
  bool asked_ = false;
  bool behind_ = false;
  bool making_ = false;
  // Of another session, or of a time without the leg.
  bool left_over_ = false;
  bool answers_due_ = false;
  bool owed_again_ = false;
  bool deaf_ = false;
  Next next_ = Next::kCallersTurn;
  // The reply that is due was asked for once more, for no time that was said;
  // and so often behind such a time.
  bool retried_ = false;
  int waits_ = 0;
  // And for its rest.
  int rests_ = 0;
  // The reply that is made has audio, and would be over by then if it were all.
  bool audible_ = false;
  Instant plays_until_;
  // What came of what was asked for.
  Duration made_;
  // Replies since the caller was last spoken to, or spoke; requests since then,
  // and for his turn.
  int silent_ = 0;
  int unheard_ = 0;
  Duration since_unheard_;
  int requests_ = 0;
  // What was waited in vain since something was heard of the agent, and since
  // when more of it is.
  Duration waited_;
  std::optional<Instant> waits_since_;
  bool caller_spoke_ = false;
  Instant awaited_since_;
  // When the time of the reply that is due is over; what was left of it when
  // tools had to be waited for.
  Instant due_by_;
  std::optional<Duration> left_;
  int greeting_tries_ = 0;
};

}  // namespace trunkline::session
