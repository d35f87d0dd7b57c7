#include "audio/activations.h"

#include <gtest/gtest.h>

#include <cmath>

namespace trunkline::audio {
namespace {

TEST(ActivationsTest, AreWhatTheLibraryComputes) {
  for (double x = -100; x <= 100; x += 0.01) {
    const auto argument = static_cast<float>(x);
    ASSERT_NEAR(Sigmoid(argument), 1 / (1 + std::exp(-double{argument})), 3e-7)
        << x;
    ASSERT_NEAR(Tanh(argument), std::tanh(double{argument}), 6e-7) << x;
  }
}

TEST(ActivationsTest, StayWithinTheirRange) {
  for (const float x : {-1e30F, -200.0F, -20.0F, 0.0F, 20.0F, 200.0F, 1e30F}) {
    EXPECT_GE(Sigmoid(x), 0);
    EXPECT_LE(Sigmoid(x), 1);
    EXPECT_GE(Tanh(x), -1);
    EXPECT_LE(Tanh(x), 1);
  }
  EXPECT_EQ(Sigmoid(0), 0.5F);
  EXPECT_EQ(Tanh(0), 0);
}

}  // namespace
}  // namespace trunkline::audio
