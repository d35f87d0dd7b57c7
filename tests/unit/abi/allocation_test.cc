// The steady path allocates nothing: counted, for every agent and direction.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "support/steady_call.h"

namespace {
size_t g_allocations = 0;
}  // namespace

// Replaces the global operator of this test binary.
void* operator new(size_t size) {
  ++g_allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}

namespace trunkline::test {
namespace {

TEST(AllocationTest, TheCounterCounts) {
  const size_t before = g_allocations;
  delete new int;
  EXPECT_EQ(g_allocations, before + 1);
}

class SteadyPathTest
    : public testing::TestWithParam<std::pair<const char*, SteadyCall::Kind>> {
};

TEST_P(SteadyPathTest, AllocatesNothingPerFrame) {
  const auto [agent, kind] = GetParam();
  SteadyCall call(agent, kind);
  size_t effects = 0;
  const size_t before = g_allocations;
  // Within one round of the frames and one reply.
  for (int i = 0; i < 290; ++i) effects += call.Frame();
  EXPECT_EQ(g_allocations, before);
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
