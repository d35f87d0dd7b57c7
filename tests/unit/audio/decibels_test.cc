#include "audio/decibels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace trunkline::audio {
namespace {

TEST(DecibelsTest, LogarithmIsThatOfTheLibrary) {
  for (double x = 1.2e-38; x < 3e38; x *= 1.00173) {
    const auto value = static_cast<float>(x);
    const double exact = std::log2(static_cast<double>(value));
    ASSERT_NEAR(Log2(value), exact, 1e-6 + 1e-7 * std::abs(exact)) << x;
  }
  static_assert(Log2(1.0F) == 0 && Log2(1024.0F) == 10 && Log2(0.25F) == -2);
}

TEST(DecibelsTest, LogarithmOfNothingIsFinite) {
  EXPECT_EQ(Log2(0.0F), -126);
  EXPECT_EQ(Log2(std::numeric_limits<float>::denorm_min()), -126);
  EXPECT_LT(PowerToDb(0.0F), -370);
}

TEST(DecibelsTest, PowerOfTwoIsThatOfTheLibrary) {
  for (float x = -125.9F; x < 126; x += 0.00731F) {
    const double exact = std::exp2(static_cast<double>(x));
    ASSERT_NEAR(Exp2(x) / exact, 1, 3e-7) << x;
  }
  static_assert(Exp2(0.0F) == 1 && Exp2(-3.0F) == 0.125F);
}

TEST(DecibelsTest, PowerOfTwoIsBounded) {
  EXPECT_EQ(Exp2(-1e30F), 0x1p-126F);
  EXPECT_EQ(Exp2(1e30F), 0x1p126F);
}

TEST(DecibelsTest, DecibelsThereAndBack) {
  for (float db = -120; db <= 60; db += 0.37F) {
    EXPECT_NEAR(PowerToDb(DbToPower(db)), db, 1e-4);
    EXPECT_NEAR(2 * PowerToDb(DbToGain(db)), db, 1e-4);
  }
}

}  // namespace
}  // namespace trunkline::audio
