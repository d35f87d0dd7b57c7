#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "session/config.h"
#include "session/deadlines.h"

namespace trunkline::session {

// Where a call is. The leg's socket and the agent's socket are machines of
// their own (leg_link.h, agent_link.h): losing one does not by itself
// change where the conversation stands.
enum class State : uint8_t {
  kSetup,        // no authorised stream yet; no upstream is opened
  kConnecting,   // the agent is not ready yet; the caller's audio is kept
  kListening,    // nothing of the agent is to be heard
  kThinking,     // a reply is due
  kSpeaking,     // a reply waits, plays, or was not yet heard to its end
  kInterrupted,  // the caller spoke over it; what was not heard is kept
  kFarewell,     // the last words or tones; then the leg is closed
  kLegLost,      // the stream broke; the carrier may bring it back
  kEnded,        // terminal
};
inline constexpr int kStateCount = static_cast<int>(State::kEnded) + 1;

// Whether the caller waits for the agent as long as the state lasts; in others
// he may.
constexpr bool Waits(State state) {
  return state == State::kConnecting || state == State::kThinking;
}

// Why the state changes.
enum class Reason : uint8_t {
  kAuthorized,     // the stream's token is good
  kAgentReady,     // the agent is configured
  kGreeting,       // the agent was told to greet
  kTurnEnded,      // the caller's turn is over
  kCallerGoesOn,   // the caller's turn was not over
  kReplyAudio,     // audio of a reply came
  kReplyHeard,     // the reply was heard to its end
  kReplyEmpty,     // the reply has no audio
  kToolsAnswered,  // results came that no reply waited for
  kToolsAwaited,   // the reply goes on when its tools have answered
  kSpeech,         // speech over the reply
  kResumed,        // it was none
  kBargeIn,        // it was
  kGoodbye,        // the call is to end
  kLegGone,        // the leg's socket broke
  kLegBack,        // a new stream of the same call is authorised
  kReplyOwed,      // a reply is due that was asked for before, or not at all
  kOver,           // the call has ended
};
inline constexpr int kReasonCount = static_cast<int>(Reason::kOver) + 1;

struct Transition {
  State from;
  Reason reason;
  State to;
  // Of what is not awaited any more.
  TimerSet stops;
  // Of what is awaited now, each for its limit.
  TimerSet starts;
};

// Every transition there is, in the order of the states. docs/architecture.md
// shows it as a diagram and as a table; a test compares.
std::span<const Transition> Transitions();

// What the conversation does in one of them besides, for people.
const char* Does(const Transition& transition);

// An interruption that neither ends nor proves real by then is decided by what
// is known. The provider hears a cough as 150 ms and its own 500 ms of silence.
inline constexpr Duration kDecide = Duration::Millis(800);

// How long a timer runs that a transition starts. Precondition: one does.
Duration LimitOf(Timer timer, const Config::Limits& limits);

// The one of `Transitions()`, or nullptr.
const Transition* FindTransition(State from, Reason reason, State to);

const char* ToString(State state);
const char* ToString(Reason reason);

}  // namespace trunkline::session
