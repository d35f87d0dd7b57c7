// Hostile peers against a session, in virtual time: many short calls, each by a
// seed, each judged (judge.h). What was found stays in corpus.txt, which is
// played first.
//
//   storm [--calls N] [--from SEED] [--jobs N]   the calls of N seeds; last
//                                                line `N passed, N failed`
//   storm --seed SEED [--verbose]                one of them
//
// Seeds from 4294967296 on are of calls with several agents.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "storm/storm_call.h"
#include "support/watchdog.h"

namespace trunkline::test {
namespace {

constexpr uint64_t kCalls = 10'000;
using Clock = std::chrono::steady_clock;
// Complaints that are shown.
constexpr int kShown = 200;
constexpr const char* kCorpus = TRUNKLINE_SOURCE_DIR "/tests/storm/corpus.txt";

// What a process of its own tells: a call that kills it kills no other.
struct Shared {
  volatile uint64_t playing = 0;  // its index among the seeds, and one
  Figures figures;
  uint64_t passed = 0;
  uint64_t failed = 0;
  int shown = 0;
};

struct Options {
  uint64_t calls = kCalls;
  uint64_t from = 1;
  // No call begins after so much wall time, 0 for no such bound; and how many
  // there have to be by then, besides those of the corpus.
  uint64_t seconds = 0;
  uint64_t at_least = 0;
  uint64_t jobs = 1;
  uint64_t seed = 0;
  bool one = false;
  bool verbose = false;
};

// Seeds at the beginning of a line; the rest of it says what they are of.
std::vector<uint64_t> ReadCorpus() {
  std::vector<uint64_t> seeds;
  std::ifstream file(kCorpus);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    seeds.push_back(std::strtoull(line.c_str(), nullptr, 10));
  }
  return seeds;
}

void Show(uint64_t seed, const std::vector<std::string>& complaints,
          Shared& shared) {
  if (complaints.empty() || ++shared.shown > kShown) return;
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
              complaints.front().c_str());
  // The next call may end the process.
  std::fflush(stdout);
}

// What all jobs play, each every so many of them, the first ones in any case.
struct Seeds {
  std::vector<uint64_t> all;
  uint64_t corpus = 0;
  uint64_t jobs = 1;
  Clock::time_point until = Clock::time_point::max();
};

// Plays those of a job from the `first` of them on.
void Work(const Seeds& of, uint64_t first, Shared& shared) {
  const std::vector<uint64_t>& seeds = of.all;
  for (uint64_t i = first; i < seeds.size(); i += of.jobs) {
    if (i >= of.corpus && Clock::now() >= of.until) break;
    shared.playing = i + 1;
    const Verdict verdict = PlayCall(seeds[i], Telling::kNothing);
    shared.figures.Add(verdict.figures);
    ++(verdict.complaints.empty() ? shared.passed : shared.failed);
    Show(seeds[i], verdict.complaints, shared);
  }
  shared.playing = 0;
}

// As Work(), and a call that ends the process has failed.
void Guard(const Seeds& seeds, uint64_t job, Shared& shared) {
  for (uint64_t first = job; first < seeds.all.size();) {
    const pid_t child = fork();
    if (child == 0) {
      Work(seeds, first, shared);
      std::fflush(stdout);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const uint64_t playing = shared.playing;
    if (playing == 0) return;
    ++shared.failed;
    ++shared.shown;
    ++shared.figures.unexplained;
    const bool told =
        WIFEXITED(status) && WEXITSTATUS(status) == Watchdog::kExit;
    if (!told) {
      std::printf("seed %llu: the core stops (status %d)\n",
                  static_cast<unsigned long long>(seeds.all[playing - 1]),
                  status);
    }
    std::fflush(stdout);
    first = playing - 1 + seeds.jobs;
    shared.playing = 0;
  }
}

void ShowMost(const char* what, const Most& most, const char* unit) {
  std::printf("  %-34s %8lld %s (seed %llu)\n", what,
              static_cast<long long>(most.value), unit,
              static_cast<unsigned long long>(most.seed));
}

void ShowFigures(const Figures& figures, double seconds) {
  std::printf(
      "%llu calls, %llu sessions, %.0f h of calls, %llu events, "
      "%llu requests in %.0f s: %.0f calls/s\n",
      static_cast<unsigned long long>(figures.calls),
      static_cast<unsigned long long>(figures.lives),
      static_cast<double>(figures.virtual_ms) / 3.6e6,
      static_cast<unsigned long long>(figures.events),
      static_cast<unsigned long long>(figures.requests), seconds,
      static_cast<double>(figures.calls) / std::max(seconds, 0.001));
  for (size_t i = 0; i < Figures::kReasons; ++i) {
    if (figures.ends[i] == 0) continue;
    std::printf("  ended by %-25s %8llu\n", ReasonOfEnd(i),
                static_cast<unsigned long long>(figures.ends[i]));
  }
  for (int i = 0; i < session::kStateCount; ++i) {
    const std::string what = std::string("longest ") +
                             session::ToString(static_cast<session::State>(i));
    ShowMost(what.c_str(), figures.longest_ms[static_cast<size_t>(i)], "ms");
  }
  ShowMost("longest silence", figures.silence_ms, "ms");
  ShowMost("longest wait for a reply", figures.thinking_ms, "ms");
  ShowMost("longest without an agent", figures.outage_ms, "ms");
  ShowMost("most requests, nothing heard", figures.requests_unheard, "");
  ShowMost("most requests for a turn", figures.requests_per_turn, "");
  ShowMost("heard, log beside ear", figures.heard_error_ms, "ms");
  ShowMost("caller's audio made of nothing", figures.made_of_nothing_ms, "ms");
  ShowMost("most memory, peers included", figures.memory_bytes, "bytes");
}

int RunStorm(const Options& options) {
  Seeds seeds;
  seeds.all = ReadCorpus();
  seeds.corpus = seeds.all.size();
  for (uint64_t i = 0; i < options.calls; ++i) {
    seeds.all.push_back(options.from + i);
  }
  seeds.jobs = options.jobs;
  const auto began = Clock::now();
  if (options.seconds != 0) {
    seeds.until = began + std::chrono::seconds(options.seconds);
  }
  void* memory =
      mmap(nullptr, sizeof(Shared) * options.jobs, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  auto* shared = static_cast<Shared*>(memory);
  std::vector<pid_t> guards;
  for (uint64_t job = 0; job < options.jobs; ++job) {
    new (&shared[job]) Shared();
    const pid_t guard = fork();
    if (guard == 0) {
      Guard(seeds, job, shared[job]);
      _exit(0);
    }
    guards.push_back(guard);
  }
  for (const pid_t guard : guards) waitpid(guard, nullptr, 0);
  Figures figures;
  uint64_t passed = 0;
  uint64_t failed = 0;
  for (uint64_t job = 0; job < options.jobs; ++job) {
    figures.Add(shared[job].figures);
    passed += shared[job].passed;
    failed += shared[job].failed;
  }
  ShowFigures(figures,
              std::chrono::duration<double>(Clock::now() - began).count());
  const uint64_t calls = passed + failed;
  std::printf(
      "measured: %llu calls, longest silence %lld ms, longest wait for a reply "
      "%lld ms, most requests in a turn %lld, unexplained ends %llu\n",
      static_cast<unsigned long long>(calls),
      static_cast<long long>(figures.silence_ms.value),
      static_cast<long long>(figures.thinking_ms.value),
      static_cast<long long>(figures.requests_per_turn.value),
      static_cast<unsigned long long>(figures.unexplained));
  // Who has not played all, for want of time or because he was ended from
  // outside, has to have played enough.
  const uint64_t least =
      options.seconds == 0
          ? seeds.all.size()
          : seeds.corpus + std::min(options.at_least, options.calls);
  if (passed + failed < least) {
    std::printf("%llu calls are not played\n",
                static_cast<unsigned long long>(least - passed - failed));
    failed += least - passed - failed;
  }
  std::printf("%llu passed, %llu failed\n",
              static_cast<unsigned long long>(passed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}

int RunOne(const Options& options) {
  const Verdict verdict = PlayCall(
      options.seed, options.verbose ? Telling::kAll : Telling::kNothing);
  for (const std::string& complaint : verdict.complaints) {
    std::printf("%s\n", complaint.c_str());
  }
  std::printf("%d passed, %d failed\n", verdict.complaints.empty() ? 1 : 0,
              verdict.complaints.empty() ? 0 : 1);
  return verdict.complaints.empty() ? 0 : 1;
}

int Main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--verbose") {
      options.verbose = true;
      continue;
    }
    uint64_t* value = name == "--calls"      ? &options.calls
                      : name == "--from"     ? &options.from
                      : name == "--jobs"     ? &options.jobs
                      : name == "--seed"     ? &options.seed
                      : name == "--seconds"  ? &options.seconds
                      : name == "--at-least" ? &options.at_least
                                             : nullptr;
    const auto number = i + 1 < argc ? ParseDecimal(argv[i + 1]) : std::nullopt;
    if (value == nullptr || !number) {
      std::fprintf(stderr,
                   "storm: %s: --calls, --from, --jobs, --seed, --seconds and "
                   "--at-least take a number, --verbose nothing\n",
                   argv[i]);
      return 2;
    }
    *value = static_cast<uint64_t>(*number);
    options.one = options.one || name == "--seed";
    ++i;
  }
  options.jobs = std::clamp<uint64_t>(options.jobs, 1, 64);
  return options.one ? RunOne(options) : RunStorm(options);
}

}  // namespace
}  // namespace trunkline::test

int main(int argc, char** argv) { return trunkline::test::Main(argc, argv); }
