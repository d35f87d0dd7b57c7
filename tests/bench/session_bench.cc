// Cost of one 20 ms frame through the C boundary, native: scan, base64, mu-law,
// detection, turn policy, and what goes out for it; beside a bare copy of the
// same bytes. tests/bench/module.bench.ts runs the same on the modules.

#include <benchmark/benchmark.h>

#include <cstring>

#include "support/steady_call.h"

namespace {

using trunkline::test::SteadyCall;

void RunFrames(benchmark::State& state, const char* agent,
               SteadyCall::Kind kind) {
  SteadyCall call(agent, kind);
  for (auto _ : state) benchmark::DoNotOptimize(call.Frame());
}

void Inbound(benchmark::State& state) {
  RunFrames(state, "parrot", SteadyCall::Kind::kListening);
}
void InboundToRealtime(benchmark::State& state) {
  RunFrames(state, "openai-realtime", SteadyCall::Kind::kListening);
}
void BothWaysWithRealtime(benchmark::State& state) {
  RunFrames(state, "openai-realtime", SteadyCall::Kind::kSpeaking);
}
void BareCopy(benchmark::State& state) {
  const SteadyCall call("parrot", SteadyCall::Kind::kListening);
  const std::string frame = call.next_frame();
  for (auto _ : state) {
    std::memcpy(tl_inbox(static_cast<uint32_t>(frame.size())), frame.data(),
                frame.size());
    benchmark::ClobberMemory();
  }
}

BENCHMARK(BareCopy);
BENCHMARK(Inbound);
BENCHMARK(InboundToRealtime);
BENCHMARK(BothWaysWithRealtime);

}  // namespace
