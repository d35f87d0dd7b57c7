// The stages as a module of their own, which tests/bench/audio-stages.ts times,
// with the vectors that say whether they compute what they compute natively.
// Texts are where they lie in memory, ended by a zero.

#include "bench/stage_parts.h"
#include "bench/stages.h"
#include "support/audio_vectors.h"

#define TL_BENCH_EXPORT(name) __attribute__((export_name(#name)))

extern "C" {

TL_BENCH_EXPORT(bench_count)
size_t bench_count() { return trunkline::bench::Stages().size(); }

TL_BENCH_EXPORT(bench_name)
const char* bench_name(size_t stage) {
  return trunkline::bench::Stages()[stage].name;
}

TL_BENCH_EXPORT(bench_parts)
const char* bench_parts(size_t stage) {
  return trunkline::bench::Stages()[stage].parts;
}

TL_BENCH_EXPORT(bench_state_bytes)
size_t bench_state_bytes(size_t stage) {
  return trunkline::bench::Stages()[stage].state_bytes;
}

TL_BENCH_EXPORT(bench_target_us)
double bench_target_us(size_t stage) {
  return trunkline::bench::Stages()[stage].target_us;
}

TL_BENCH_EXPORT(bench_run)
void bench_run(size_t stage, size_t frames) {
  trunkline::bench::Stages()[stage].run(frames);
}

// What the stages are fed with.
TL_BENCH_EXPORT(bench_line)
const int16_t* bench_line() {
  static const auto line = trunkline::bench::LineSignal();
  return line.data();
}

TL_BENCH_EXPORT(bench_line_samples)
size_t bench_line_samples() { return trunkline::bench::LineSignal().size(); }

TL_BENCH_EXPORT(bench_vector_count)
size_t bench_vector_count() { return trunkline::test::kAudioVectors; }

TL_BENCH_EXPORT(bench_vector_name)
const char* bench_vector_name(size_t vector) {
  return trunkline::test::AudioVectorName(vector).data();
}

// Whether the vector's hash is the golden one.
TL_BENCH_EXPORT(bench_vector_holds)
bool bench_vector_holds(size_t vector) {
  return trunkline::test::AudioVectorHash(vector) ==
         trunkline::test::AudioVectorGolden(vector);
}

}  // extern "C"
