#pragma once

#include <cstdint>

#include "base/time.h"

namespace trunkline::test {

// Ends the process, by the name of the call that it plays, when that does not
// come to an end by itself: within a step nothing else can. One at a time.
class Watchdog {
 public:
  // Processor time of a call. The longest need a tenth of a second, and some
  // thirty times as much with sanitizers.
  static constexpr Duration kMost = Duration::Millis(30'000);
  // How the process ends; its last line of output says why.
  static constexpr int kExit = 3;

  explicit Watchdog(uint64_t seed, Duration most = kMost);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Prints `seed N: why`.
  [[noreturn]] static void GiveUp(const char* why);
};

}  // namespace trunkline::test
