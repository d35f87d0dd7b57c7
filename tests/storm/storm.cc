// Hostile peers against a session, in virtual time: many short calls, each by a
// seed, each judged (judge.h). What was found stays in corpus.txt, which is
// played first.
//
//   storm [--calls N] [--from SEED] [--jobs N]   the calls of N seeds; last
//                                                line `N passed, N failed`
//   storm --seed SEED [--verbose]                one of them

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

namespace trunkline::test {
namespace {

constexpr uint64_t kCalls = 10'000;
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
}

// Plays all seeds of which it is the job's turn, from the `first` of them on.
void Work(const std::vector<uint64_t>& seeds, uint64_t first, uint64_t jobs,
          Shared& shared) {
  for (uint64_t i = first; i < seeds.size(); i += jobs) {
    shared.playing = i + 1;
    const Verdict verdict = PlayCall(seeds[i], Telling::kNothing);
    shared.figures.Add(verdict.figures);
    ++(verdict.complaints.empty() ? shared.passed : shared.failed);
    Show(seeds[i], verdict.complaints, shared);
  }
  shared.playing = 0;
}

// As Work(), and a call that ends the process has failed.
void Guard(const std::vector<uint64_t>& seeds, uint64_t job, uint64_t jobs,
           Shared& shared) {
  for (uint64_t first = job; first < seeds.size();) {
    const pid_t child = fork();
    if (child == 0) {
      Work(seeds, first, jobs, shared);
      std::fflush(stdout);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    const uint64_t playing = shared.playing;
    if (playing == 0) return;
    ++shared.failed;
    ++shared.shown;
    std::printf("seed %llu: the core stops (status %d)\n",
                static_cast<unsigned long long>(seeds[playing - 1]), status);
    std::fflush(stdout);
    first = playing - 1 + jobs;
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
  std::vector<uint64_t> seeds = ReadCorpus();
  for (uint64_t i = 0; i < options.calls; ++i) {
    seeds.push_back(options.from + i);
  }
  const auto began = std::chrono::steady_clock::now();
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
      Guard(seeds, job, options.jobs, shared[job]);
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
  ShowFigures(figures, std::chrono::duration<double>(
                           std::chrono::steady_clock::now() - began)
                           .count());
  // A process that was ended from outside has played less than it should.
  failed = std::max<uint64_t>(failed, seeds.size() - passed);
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
    uint64_t* value = name == "--calls"  ? &options.calls
                      : name == "--from" ? &options.from
                      : name == "--jobs" ? &options.jobs
                      : name == "--seed" ? &options.seed
                                         : nullptr;
    const auto number = i + 1 < argc ? ParseDecimal(argv[i + 1]) : std::nullopt;
    if (value == nullptr || !number) {
      std::fprintf(stderr,
                   "storm: %s: --calls, --from, --jobs and --seed take a "
                   "number, --verbose nothing\n",
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
