#include "session/state.h"

#include <array>
#include <iterator>

#include "base/check.h"

namespace trunkline::session {
namespace {

using S = State;
using R = Reason;
using T = Timer;

constexpr TimerSet kNone{};
// A goodbye waits for nothing but its own end; what plays is still paced.
constexpr TimerSet kAllButPace{T::kAgentReady, T::kAgentRetry, T::kWaiting,
                               T::kReply,      T::kAskAgain,   T::kDeaf,
                               T::kDeadAir,    T::kDecide,     T::kMaxCall};
// The call may take no longer for being without its leg.
constexpr TimerSet kOfTheLeg{T::kWaiting,    T::kDeaf, T::kReply,
                             T::kDeadAir,    T::kPace, T::kDecide,
                             T::kCallerStall};
constexpr TimerSet kReply{T::kReply};
constexpr TimerSet kReplyDue{T::kWaiting, T::kReply, T::kAskAgain};
// A caller who waits for a reply hears something by and by.
constexpr TimerSet kWait{T::kWaiting, T::kReply};
constexpr TimerSet kDeadAir{T::kDeadAir};
constexpr TimerSet kCallersTurn{T::kDeadAir, T::kDeaf};

// The end stops all timers that there are: the session does, last.
constexpr const char* kGoodbye =
    "cuts what plays, says the farewell or plays its tones";
constexpr const char* kLegGone =
    "keeps what was not heard, drops the caller's turn";
constexpr const char* kOver =
    "cuts what plays, concludes the transcript, stops all timers";
constexpr const char* kAsks = "asks for a reply";

struct Row {
  State from;
  Reason reason;
  State to;
  TimerSet stops;
  TimerSet starts;
  const char* does;
};

constexpr Row kRows[] = {
    {S::kSetup,
     R::kAuthorized,
     S::kConnecting,
     kNone,
     {T::kWaiting},
     "starts the agent and the time that a call may take"},
    {S::kSetup, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kConnecting,
     R::kAgentReady,
     S::kListening,
     {T::kWaiting, T::kReply},
     kDeadAir,
     "tells the agent the conversation so far"},
    {S::kConnecting, R::kGreeting, S::kThinking, kNone, kReply,
     "tells the agent the conversation so far, asks for what is owed: the "
     "greeting or a reply"},
    {S::kConnecting,
     R::kGoodbye,
     S::kFarewell,
     kAllButPace,
     {T::kFarewell},
     kGoodbye},
    {S::kConnecting,
     R::kLegGone,
     S::kLegLost,
     kOfTheLeg,
     {T::kLegLost},
     kLegGone},
    {S::kConnecting, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kListening, R::kTurnEnded, S::kThinking, kCallersTurn, kWait, kAsks},
    {S::kListening, R::kToolsAnswered, S::kThinking, kCallersTurn, kWait,
     kAsks},
    {S::kListening, R::kReplyOwed, S::kThinking, kCallersTurn, kWait, kAsks},
    {S::kListening, R::kReplyAudio, S::kSpeaking, kCallersTurn, kNone,
     "sends the audio ahead of its time by the lead"},
    {S::kListening,
     R::kGoodbye,
     S::kFarewell,
     kAllButPace,
     {T::kFarewell},
     kGoodbye},
    {S::kListening,
     R::kLegGone,
     S::kLegLost,
     kOfTheLeg,
     {T::kLegLost},
     kLegGone},
    {S::kListening, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kThinking,
     R::kReplyAudio,
     S::kSpeaking,
     {T::kWaiting, T::kAskAgain},
     kNone,
     "sends the audio ahead of its time by the lead"},
    {S::kThinking, R::kReplyEmpty, S::kListening, kReplyDue, kDeadAir,
     "nothing"},
    {S::kThinking, R::kCallerGoesOn, S::kListening, kReplyDue, kDeadAir,
     "cancels the reply that was asked for"},
    {S::kThinking,
     R::kGoodbye,
     S::kFarewell,
     kAllButPace,
     {T::kFarewell},
     kGoodbye},
    {S::kThinking,
     R::kLegGone,
     S::kLegLost,
     kOfTheLeg,
     {T::kLegLost},
     kLegGone},
    {S::kThinking, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kSpeaking,
     R::kReplyHeard,
     S::kListening,
     {T::kReply, T::kPace},
     kDeadAir,
     "gives the agent the tools' results that came meanwhile"},
    {S::kSpeaking,
     R::kToolsAwaited,
     S::kThinking,
     {T::kPace},
     kWait,
     "asks again for a reply that was lost with the agent's socket"},
    {S::kSpeaking,
     R::kSpeech,
     S::kInterrupted,
     {T::kPace},
     {T::kDecide},
     "clears the leg's buffer, keeps what was not heard"},
    {S::kSpeaking,
     R::kGoodbye,
     S::kFarewell,
     kAllButPace,
     {T::kFarewell},
     kGoodbye},
    {S::kSpeaking,
     R::kLegGone,
     S::kLegLost,
     kOfTheLeg,
     {T::kLegLost},
     kLegGone},
    {S::kSpeaking, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kInterrupted,
     R::kResumed,
     S::kSpeaking,
     {T::kDecide},
     kNone,
     "plays on from what was heard, takes the caller's turn back"},
    {S::kInterrupted,
     R::kBargeIn,
     S::kListening,
     {T::kDecide, T::kReply},
     kDeadAir,
     "cancels the reply, tells the agent what was heard of it"},
    {S::kInterrupted,
     R::kGoodbye,
     S::kFarewell,
     kAllButPace,
     {T::kFarewell},
     kGoodbye},
    {S::kInterrupted,
     R::kLegGone,
     S::kLegLost,
     kOfTheLeg,
     {T::kLegLost},
     kLegGone},
    {S::kInterrupted, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kFarewell, R::kOver, S::kEnded, kNone, kNone, kOver},

    {S::kLegLost,
     R::kLegBack,
     S::kListening,
     {T::kLegLost, T::kReply},
     kDeadAir,
     "plays what was not heard, if there is any"},
    {S::kLegLost,
     R::kReplyOwed,
     S::kThinking,
     {T::kLegLost},
     kWait,
     "asks for the reply, unless it is on its way"},
    {S::kLegLost,
     R::kAuthorized,
     S::kConnecting,
     {T::kLegLost},
     {T::kWaiting},
     "waits for the agent"},
    {S::kLegLost, R::kOver, S::kEnded, kNone, kNone, kOver},
};

// Without the words, which the module has no use for.
constexpr auto kTransitions = [] {
  std::array<Transition, std::size(kRows)> all{};
  for (size_t i = 0; i < all.size(); ++i) {
    const Row& row = kRows[i];
    all[i] = {row.from, row.reason, row.to, row.stops, row.starts};
  }
  return all;
}();

}  // namespace

const char* Does(const Transition& transition) {
  return kRows[&transition - kTransitions.data()].does;
}

std::span<const Transition> Transitions() { return kTransitions; }

const Transition* FindTransition(State from, Reason reason, State to) {
  for (const Transition& t : kTransitions) {
    if (t.from == from && t.reason == reason && t.to == to) return &t;
  }
  return nullptr;
}

Duration LimitOf(Timer timer, const Config::Limits& limits) {
  switch (timer) {
    case Timer::kWaiting:
      return limits.waiting;
    case Timer::kReply:
      return limits.reply;
    case Timer::kDeadAir:
      return limits.dead_air;
    case Timer::kFarewell:
      return limits.farewell;
    case Timer::kLegLost:
      return limits.leg_lost;
    case Timer::kDecide:
      return kDecide;
    case Timer::kLegStart:
    case Timer::kAgentReady:
    case Timer::kAgentRetry:
    case Timer::kAgent:
    case Timer::kTool:
    case Timer::kText:
    case Timer::kAskAgain:
    case Timer::kDeaf:
    case Timer::kMaxCall:
    case Timer::kPace:
    case Timer::kCallerStall:
    case Timer::kDigitEntry:
    case Timer::kDigits:
    case Timer::kRecorder:
      break;
  }
  // INVARIANT: no transition starts any other.
  TL_CHECK(false);
  return {};
}

const char* ToString(State state) {
  switch (state) {
    case State::kSetup:
      return "setup";
    case State::kConnecting:
      return "connecting";
    case State::kListening:
      return "listening";
    case State::kThinking:
      return "thinking";
    case State::kSpeaking:
      return "speaking";
    case State::kInterrupted:
      return "interrupted";
    case State::kFarewell:
      return "farewell";
    case State::kLegLost:
      return "legLost";
    case State::kEnded:
      return "ended";
  }
  return "unknown";
}

const char* ToString(Reason reason) {
  switch (reason) {
    case Reason::kAuthorized:
      return "authorized";
    case Reason::kAgentReady:
      return "agentReady";
    case Reason::kGreeting:
      return "greeting";
    case Reason::kTurnEnded:
      return "turnEnded";
    case Reason::kCallerGoesOn:
      return "callerGoesOn";
    case Reason::kReplyAudio:
      return "replyAudio";
    case Reason::kReplyHeard:
      return "replyHeard";
    case Reason::kReplyEmpty:
      return "replyEmpty";
    case Reason::kToolsAnswered:
      return "toolsAnswered";
    case Reason::kToolsAwaited:
      return "toolsAwaited";
    case Reason::kSpeech:
      return "speech";
    case Reason::kResumed:
      return "resumed";
    case Reason::kBargeIn:
      return "bargeIn";
    case Reason::kGoodbye:
      return "goodbye";
    case Reason::kLegGone:
      return "legGone";
    case Reason::kLegBack:
      return "legBack";
    case Reason::kReplyOwed:
      return "replyOwed";
    case Reason::kOver:
      return "over";
  }
  return "unknown";
}

}  // namespace trunkline::session
