#include "support/world/work_bounds.h"

#include <gtest/gtest.h>

#include "support/world/world.h"

namespace trunkline::test {
namespace {

constexpr Instant At(int64_t ms) { return Instant() + Duration::Millis(ms); }

TEST(WorkBoundsTest, EffectsOfAStepAreBounded) {
  WorkBounds bounds;
  for (int step = 1; step <= 3; ++step) {
    EXPECT_EQ(bounds.OnStep(At(step)), nullptr);
    for (int64_t i = 0; i < WorkBounds::kMostEffects; ++i) {
      ASSERT_EQ(bounds.OnEffect(), nullptr);
    }
  }
  EXPECT_STREQ(bounds.OnEffect(), "hangs: effects of one step");
}

TEST(WorkBoundsTest, StepsWithoutTimeAreBounded) {
  WorkBounds bounds;
  for (int ms = 1; ms <= 3; ++ms) {
    for (int64_t i = 0; i < WorkBounds::kMostStepsAtOnce; ++i) {
      ASSERT_EQ(bounds.OnStep(At(ms)), nullptr);
    }
  }
  EXPECT_STREQ(bounds.OnStep(At(3)), "hangs: steps without time");
}

TEST(WorkBoundsTest, StepsOfACallAreBounded) {
  WorkBounds bounds;
  for (int64_t i = 0; i < WorkBounds::kMostSteps; ++i) {
    ASSERT_EQ(bounds.OnStep(At(i)), nullptr);
  }
  EXPECT_STREQ(bounds.OnStep(At(0)), "hangs: steps");
}

// Who bounds a world's session sees each of its effects.
TEST(WorkBoundsTest, AWorldTellsOfEachEffect) {
  VirtualWorld world{VirtualWorld::Options()};
  size_t effects = 0;
  world.on_effect = [&] { ++effects; };
  world.line.Call();
  world.Advance(Duration::Millis(500));
  EXPECT_GT(world.events().size(), 3U);
  EXPECT_GT(effects, world.events().size());
}

}  // namespace
}  // namespace trunkline::test
