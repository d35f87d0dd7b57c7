#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "base/time.h"

namespace trunkline::session {

// What a session waits for.
enum class Timer : uint8_t {
  kLegStart,     // an authorised `start` on the leg's socket
  kAgentReady,   // the agent's socket to open and the agent to be ready
  kAgentRetry,   // the pause before the agent's socket is opened again
  kAgent,        // what the agent itself waits for
  kTool,         // a tool's result
  kText,         // the text of what was said
  kWaiting,      // a sound for the caller who waits
  kReply,        // the first audio of a reply, or a tool's result
  kAskAgain,     // the time from which a failed reply may be asked for again
  kDeaf,         // the agent to notice what the caller said
  kDeadAir,      // anybody to speak
  kMaxCall,      // the end of the longest call
  kFarewell,     // the farewell to be heard
  kLegLost,      // the carrier to bring the stream back
  kPace,         // the leg's buffer to need audio
  kDecide,       // an interruption to prove real or not
  kCallerStall,  // the next frame of the caller
  kDigitEntry,   // another digit of what the caller enters
  kDigits,       // another digit, while the recording is paused for them
  kRecorder,     // the recording to go on without frames of the caller
};
inline constexpr size_t kTimerCount = static_cast<size_t>(Timer::kRecorder) + 1;

// Some timers; iterates in the order of Timer.
class TimerSet {
 public:
  constexpr TimerSet(std::initializer_list<Timer> timers) {
    for (const Timer timer : timers) bits_ |= Bit(timer);
  }
  constexpr bool has(Timer timer) const { return (bits_ & Bit(timer)) != 0; }

  class Iterator {
   public:
    constexpr explicit Iterator(uint32_t bits) : bits_(bits) {}
    constexpr Timer operator*() const {
      return static_cast<Timer>(std::countr_zero(bits_));
    }
    constexpr Iterator& operator++() {
      bits_ &= bits_ - 1;
      return *this;
    }
    constexpr bool operator!=(Iterator other) const {
      return bits_ != other.bits_;
    }

   private:
    uint32_t bits_;
  };
  constexpr Iterator begin() const { return Iterator(bits_); }
  constexpr Iterator end() const { return Iterator(0); }

 private:
  static constexpr uint32_t Bit(Timer timer) {
    return uint32_t{1} << static_cast<uint32_t>(timer);
  }
  uint32_t bits_ = 0;
};

// As in docs/architecture.md.
const char* ToString(Timer timer);

// The deadlines of all timers; the shim keeps one for the earliest.
class Deadlines {
 public:
  Deadlines() { at_.fill(Instant::Never()); }

  void Set(Timer timer, Instant at) { at_[Index(timer)] = at; }
  void Clear(Timer timer) { at_[Index(timer)] = Instant::Never(); }
  bool IsSet(Timer timer) const { return !at_[Index(timer)].is_never(); }
  Instant earliest() const { return *std::min_element(at_.begin(), at_.end()); }

  // Clears `timer` and returns true if it is due.
  bool TakeDue(Timer timer, Instant now) {
    if (at_[Index(timer)] > now) return false;
    Clear(timer);
    return true;
  }

 private:
  static constexpr size_t Index(Timer timer) {
    return static_cast<size_t>(timer);
  }
  std::array<Instant, kTimerCount> at_;
};

}  // namespace trunkline::session
