#include "support/watchdog.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <functional>
#include <string>

namespace trunkline::test {
namespace {

constexpr Duration kShort = Duration::Millis(20);

// Until so much processor time has passed in the process.
void Work(Duration time) {
  const auto spent = [] {
    return static_cast<int64_t>(clock()) * 1'000'000 / CLOCKS_PER_SEC;
  };
  const int64_t until = spent() + time.us();
  while (spent() < until) {
  }
}

struct Ended {
  int code = -1;
  std::string output;
};

// What a process of its own comes to that does `deed`, and ends with 0.
Ended EndOf(const std::function<void()>& deed) {
  int pipes[2];
  if (pipe(pipes) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipes[1], STDOUT_FILENO);
    deed();
    _exit(0);
  }
  close(pipes[1]);
  Ended ended;
  char bytes[256];
  for (ssize_t size; (size = read(pipes[0], bytes, sizeof(bytes))) > 0;) {
    ended.output.append(bytes, static_cast<size_t>(size));
  }
  close(pipes[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

TEST(WatchdogTest, EndsACallThatWorksWithoutEndByItsSeed) {
  const Ended ended = EndOf([] {
    const Watchdog watchdog(59179, kShort);
    Work(Duration::Millis(20'000));
  });
  EXPECT_EQ(ended.code, Watchdog::kExit);
  EXPECT_EQ(ended.output, "seed 59179: hangs: too much processor time\n");
}

TEST(WatchdogTest, TheTimeOfACallThatIsOverIsNotThatOfTheNext) {
  const Ended ended = EndOf([] {
    {
      const Watchdog watchdog(1, kShort);
    }
    Work(kShort + kShort + kShort);
    const Watchdog watchdog(2);
    Work(kShort + kShort + kShort);
  });
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.output, "");
}

TEST(WatchdogTest, WhoKnowsOfAHangSaysWhy) {
  const Ended ended = EndOf([] {
    const Watchdog watchdog(7);
    Watchdog::GiveUp("hangs: effects of one step");
  });
  EXPECT_EQ(ended.code, Watchdog::kExit);
  EXPECT_EQ(ended.output, "seed 7: hangs: effects of one step\n");
}

}  // namespace
}  // namespace trunkline::test
