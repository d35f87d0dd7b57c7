#include "media/level_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "media/heard_track.h"
#include "protocol/wire.h"

namespace trunkline::media {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr size_t kFrameSamples = 160;
const protocol::AudioFormat kLinear{protocol::Encoding::kLinear16, 8000};

std::vector<int16_t> Frame(int16_t peak) {
  std::vector<int16_t> frame(kFrameSamples, 0);
  frame[80] = peak;
  return frame;
}

Instant At(int64_t ms) { return Instant() + Duration::Millis(ms); }

TEST(LevelMeterTest, AStepIsFourTenthsOfADecibelBelowFullScale) {
  LevelMeter meter;
  const HeardTrack heard(kLinear);
  // Full scale either way, half of it, a tenth, a hundredth, the least, none.
  for (const int peak : {-32768, 32767, 16384, 3277, 328, 1, 0, 0, 0, 0}) {
    EXPECT_FALSE(meter.Take(heard, At(1'000)));
    meter.OnCallerFrame(Frame(static_cast<int16_t>(peak)));
  }
  const auto reading = meter.Take(heard, At(1'000));
  ASSERT_TRUE(reading);
  EXPECT_THAT(reading->caller,
              ElementsAre(255, 255, 240, 205, 155, 30, 0, 0, 0, 0));
  EXPECT_THAT(reading->agent, Each(0));
  EXPECT_FALSE(meter.Take(heard, At(1'000)));
}

TEST(LevelMeterTest, OfMoreThatCameAtOnceTheLastAreTold) {
  LevelMeter meter;
  const HeardTrack heard(kLinear);
  for (int i = 0; i < 500; ++i) {
    meter.OnCallerFrame(Frame(i < 497 ? int16_t{0} : int16_t{-32768}));
  }
  const auto reading = meter.Take(heard, At(0));
  ASSERT_TRUE(reading);
  EXPECT_THAT(reading->caller, ElementsAre(0, 0, 0, 0, 0, 0, 0, 255, 255, 255));
  meter.OnCallerFrame(Frame(1));
  meter.Reset();
  for (int i = 0; i < 9; ++i) meter.OnCallerFrame(Frame(0));
  EXPECT_FALSE(meter.Take(heard, At(0)));
}

TEST(LevelMeterTest, TheAgentIsAsHeardInTheTimeBefore) {
  LevelMeter meter;
  HeardTrack heard(kLinear);
  // Full scale from 900 ms to 960 ms: the frames from 900 on, three of them.
  std::vector<uint8_t> loud(60 * 8 * 2);
  for (size_t i = 1; i < loud.size(); i += 2) loud[i] = 0x7f;
  heard.Play(loud, At(900));
  for (size_t i = 0; i < LevelMeter::kFrames; ++i) {
    meter.OnCallerFrame(Frame(0));
  }
  const auto reading = meter.Take(heard, At(1'000));
  ASSERT_TRUE(reading);
  EXPECT_THAT(reading->agent, ElementsAre(0, 0, 0, 0, 0, 255, 255, 255, 0, 0));
}

}  // namespace
}  // namespace trunkline::media
