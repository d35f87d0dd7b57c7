// What a snapshot costs in a call that has gone on for some minutes: time, and
// the bytes and the number that a minute makes of them.

#include <benchmark/benchmark.h>

#include <string>

#include "session/transcript.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

// A question each ten seconds, answered in some fifteen words.
void Talk(VirtualWorld& world, int64_t minutes) {
  world.line.Call();
  for (int64_t turn = 0; turn < 6 * minutes; ++turn) {
    world.line.Say(Speech(2'000));
    world.Advance(Duration::Millis(10'000));
  }
}

VirtualWorld::Options Options() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.limits = {{"maxCallMs", 3'600'000}};
  return options;
}

// Nearly all of a snapshot is the transcript.
void BM_Snapshot(benchmark::State& state) {
  VirtualWorld world(Options());
  Talk(world, state.range(0));
  const Json snapshot = ParseJson(world.snapshot()).value_or(Json());
  const auto transcript = session::Transcript::FromJson(
      snapshot["conversation"]["transcript"], Instant());
  if (!transcript) {
    state.SkipWithError("no transcript");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(PrintJson(transcript->ToJson()));
  }
  const auto minutes = static_cast<double>(state.range(0));
  const VirtualWorld::SnapshotCounts& counts = world.snapshot_counts();
  state.counters["bytes"] = static_cast<double>(world.snapshot().size());
  state.counters["perMinute"] = static_cast<double>(counts.count) / minutes;
  state.counters["bytesPerMinute"] =
      static_cast<double>(counts.bytes) / minutes;
}
BENCHMARK(BM_Snapshot)->Arg(1)->Arg(5)->Arg(30)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace trunkline::test
