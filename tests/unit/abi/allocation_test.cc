// The steady path allocates nothing: counted, for every agent and direction.

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "support/steady_call.h"
#include "unit/abi/heap.h"

namespace trunkline::test {
Heap heap;
}  // namespace trunkline::test

using trunkline::test::heap;

// Replaces the global operator of this test binary.
void* operator new(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  ++heap.allocations;
  heap.bytes += malloc_usable_size(memory);
  heap.most_bytes = std::max(heap.most_bytes, heap.bytes);
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) heap.bytes -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, size_t /*size*/) noexcept {
  operator delete(memory);
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete[](void* memory, size_t /*size*/) noexcept {
  operator delete(memory);
}

namespace trunkline::test {
namespace {

TEST(AllocationTest, TheCounterCounts) {
  const size_t before = heap.allocations;
  delete new int;
  EXPECT_EQ(heap.allocations, before + 1);
}

class SteadyPathTest
    : public testing::TestWithParam<std::pair<const char*, SteadyCall::Kind>> {
};

TEST_P(SteadyPathTest, AllocatesNothingPerFrame) {
  const auto [agent, kind] = GetParam();
  SteadyCall call(agent, kind);
  size_t effects = 0;
  const size_t before = heap.allocations;
  // Within one round of the frames and one reply.
  for (int i = 0; i < 290; ++i) effects += call.Frame();
  EXPECT_EQ(heap.allocations, before);
  if (kind == SteadyCall::Kind::kSpeaking) {
    // A reply did go out: a media message of some 280 bytes a frame.
    EXPECT_GT(effects, 290U * 280);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Paths, SteadyPathTest,
    testing::Values(std::pair{"parrot", SteadyCall::Kind::kListening},
                    std::pair{"openai-realtime", SteadyCall::Kind::kListening},
                    std::pair{"openai-realtime", SteadyCall::Kind::kSpeaking}));

}  // namespace
}  // namespace trunkline::test
