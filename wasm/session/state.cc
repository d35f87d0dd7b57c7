#include "session/state.h"

#include <algorithm>

namespace trunkline::session {
namespace {

using S = State;
using R = Reason;

constexpr Transition kTransitions[] = {
    {S::kSetup, R::kAuthorized, S::kConnecting},
    {S::kSetup, R::kOver, S::kEnded},

    {S::kConnecting, R::kAgentReady, S::kListening},
    {S::kConnecting, R::kGreeting, S::kThinking},
    {S::kConnecting, R::kGoodbye, S::kFarewell},
    {S::kConnecting, R::kLegGone, S::kLegLost},
    {S::kConnecting, R::kOver, S::kEnded},

    {S::kListening, R::kTurnEnded, S::kThinking},
    {S::kListening, R::kToolsAnswered, S::kThinking},
    {S::kListening, R::kReplyAudio, S::kSpeaking},
    {S::kListening, R::kGoodbye, S::kFarewell},
    {S::kListening, R::kLegGone, S::kLegLost},
    {S::kListening, R::kOver, S::kEnded},

    {S::kThinking, R::kReplyAudio, S::kSpeaking},
    {S::kThinking, R::kReplyEmpty, S::kListening},
    {S::kThinking, R::kCallerGoesOn, S::kListening},
    {S::kThinking, R::kGoodbye, S::kFarewell},
    {S::kThinking, R::kLegGone, S::kLegLost},
    {S::kThinking, R::kOver, S::kEnded},

    {S::kSpeaking, R::kReplyHeard, S::kListening},
    {S::kSpeaking, R::kToolsAwaited, S::kThinking},
    {S::kSpeaking, R::kSpeech, S::kInterrupted},
    {S::kSpeaking, R::kGoodbye, S::kFarewell},
    {S::kSpeaking, R::kLegGone, S::kLegLost},
    {S::kSpeaking, R::kOver, S::kEnded},

    {S::kInterrupted, R::kResumed, S::kSpeaking},
    {S::kInterrupted, R::kBargeIn, S::kListening},
    {S::kInterrupted, R::kGoodbye, S::kFarewell},
    {S::kInterrupted, R::kLegGone, S::kLegLost},
    {S::kInterrupted, R::kOver, S::kEnded},

    {S::kFarewell, R::kOver, S::kEnded},

    {S::kLegLost, R::kLegBack, S::kListening},
    {S::kLegLost, R::kAuthorized, S::kConnecting},
    {S::kLegLost, R::kOver, S::kEnded},
};

}  // namespace

std::span<const Transition> Transitions() { return kTransitions; }

bool IsAllowed(State from, Reason reason, State to) {
  return std::any_of(std::begin(kTransitions), std::end(kTransitions),
                     [&](const Transition& t) {
                       return t.from == from && t.reason == reason &&
                              t.to == to;
                     });
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
    case Reason::kOver:
      return "over";
  }
  return "unknown";
}

}  // namespace trunkline::session
