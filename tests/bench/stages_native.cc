// Times the stages and the libraries' natively, and prints a JSON array of
// {"name", "library" ("" for ours), "us", "state"}.
//
//   stages_native [NAME...]   default: all; NAME is how a name begins

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "bench/stages.h"

namespace trunkline::bench {
namespace {

constexpr double kWarmUpUs = 100'000;
constexpr double kBatchUs = 4'000;
constexpr size_t kBatches = 25;

// CPU time of `frames` frames, us.
double Timed(void (*run)(size_t), size_t frames) {
  const std::clock_t begin = std::clock();
  run(frames);
  return static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC;
}

// Median over batches of the time of one frame.
double FrameUs(void (*run)(size_t)) {
  size_t frames = 1;
  double warm = 0;
  double us = 0;
  while (warm < kWarmUpUs || us < kBatchUs) {
    us = Timed(run, frames);
    warm += us;
    if (us < kBatchUs) frames *= 2;
  }
  std::array<double, kBatches> batches;
  for (double& batch : batches) {
    batch = Timed(run, frames) / static_cast<double>(frames);
  }
  std::ranges::nth_element(batches, batches.begin() + kBatches / 2);
  return batches[kBatches / 2];
}

bool first = true;

void Print(const char* name, const char* library, double us, size_t state) {
  std::printf(R"(%s{"name":"%s","library":"%s","us":%.4f,"state":%zu})",
              first ? "[" : ",\n", name, library, us, state);
  first = false;
}

}  // namespace
}  // namespace trunkline::bench

int main(int count, char** arguments) {
  using namespace trunkline::bench;
  const std::span<char*> wanted(arguments + 1, static_cast<size_t>(count - 1));
  const auto asked = [&](std::string_view name) {
    return wanted.empty() ||
           std::ranges::any_of(wanted, [&](std::string_view beginning) {
             return name.starts_with(beginning);
           });
  };
  for (const Stage& stage : Stages()) {
    if (!asked(stage.name)) continue;
    Print(stage.name, "", FrameUs(stage.run), stage.state_bytes);
  }
  for (const LibraryStage& stage : LibraryStages()) {
    if (!asked(stage.name)) continue;
    Print(stage.name, stage.library, FrameUs(stage.run), stage.state_bytes);
  }
  std::puts("]");
}
