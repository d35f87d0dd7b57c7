#include "support/watchdog.h"

#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

namespace trunkline::test {
namespace {

// Prepared, for a handler of a signal may hardly do more than write.
char playing[32] = "no seed";

void Write(const char* text) {
  // There is nobody to tell that nobody can be told.
  if (write(STDOUT_FILENO, text, std::strlen(text)) < 0) return;
}

void OnTimeIsOver(int /*signal*/) {
  Watchdog::GiveUp("hangs: too much processor time");
}

void SetTimer(Duration time) {
  itimerval timer{};
  timer.it_value.tv_sec = time.us() / 1'000'000;
  timer.it_value.tv_usec = time.us() % 1'000'000;
  setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

}  // namespace

Watchdog::Watchdog(uint64_t seed, Duration most) {
  std::snprintf(playing, sizeof(playing), "seed %llu",
                static_cast<unsigned long long>(seed));
  std::signal(SIGVTALRM, OnTimeIsOver);
  SetTimer(most);
}

Watchdog::~Watchdog() { SetTimer(Duration()); }

void Watchdog::GiveUp(const char* why) {
  Write(playing);
  Write(": ");
  Write(why);
  Write("\n");
  _exit(kExit);
}

}  // namespace trunkline::test
