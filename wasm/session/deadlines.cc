#include "session/deadlines.h"

namespace trunkline::session {

const char* ToString(Timer timer) {
  switch (timer) {
    case Timer::kLegStart:
      return "legStart";
    case Timer::kAgentReady:
      return "agentReady";
    case Timer::kAgentRetry:
      return "agentRetry";
    case Timer::kAgent:
      return "agent";
    case Timer::kTool:
      return "tool";
    case Timer::kText:
      return "text";
    case Timer::kWaiting:
      return "waiting";
    case Timer::kReply:
      return "reply";
    case Timer::kAskAgain:
      return "askAgain";
    case Timer::kDeaf:
      return "deaf";
    case Timer::kDeadAir:
      return "deadAir";
    case Timer::kMaxCall:
      return "maxCall";
    case Timer::kFarewell:
      return "farewell";
    case Timer::kLegLost:
      return "legLost";
    case Timer::kPace:
      return "pace";
    case Timer::kDecide:
      return "decide";
    case Timer::kCallerStall:
      return "callerStall";
    case Timer::kDigitEntry:
      return "digitEntry";
    case Timer::kDigits:
      return "digits";
    case Timer::kRecorder:
      return "recorder";
  }
  return "unknown";
}

}  // namespace trunkline::session
