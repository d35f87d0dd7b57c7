// A long call's recording against what the simulators said and played.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/level.h"
#include "support/ogg_opus.h"
#include "support/world/world.h"
#include "unit/session/connect.h"
#include "unit/session/recorded_track.h"

namespace trunkline::test {
namespace {

using session::State;

constexpr int kHz = 8000;

// Levels of a track, 5 ms each, tenths of dBFS.
std::vector<int> Envelope(std::span<const int16_t> track) {
  constexpr size_t kBlock = 40;
  std::vector<int> levels;
  for (size_t at = 0; at + kBlock <= track.size(); at += kBlock) {
    levels.push_back(
        audio::LevelDbfsTenths(audio::MeanSquare(track.subspan(at, kBlock))));
  }
  return levels;
}

// By how many ms `track` lags behind `truth`, within 100 ms either way: where
// their samples are most alike.
int64_t LagMs(std::span<const int16_t> track, std::span<const int16_t> truth) {
  constexpr int64_t kMost = 100 * 8;
  double best = 0;
  int64_t best_lag = kMost;
  for (int64_t lag = -kMost; lag <= kMost; lag += 4) {
    double product = 0;
    for (size_t i = kMost; i + kMost < truth.size(); i += 3) {
      product += static_cast<double>(truth[i]) *
                 track[static_cast<size_t>(static_cast<int64_t>(i) + lag)];
    }
    if (product > best) {
      best = product;
      best_lag = lag;
    }
  }
  return best_lag / 8;
}

// Ten minutes, sixty interruptions, one frame in fifty lost.
TEST(RecordedCallTest, StaysTheSimulatorsTruthForTenMinutes) {
  VirtualWorld::Options options = RecordedOptions();
  options.limits = {{"maxCallMs", 3'600'000}};
  VirtualWorld world(options);
  world.line.keeps_timeline = true;
  world.line.loss_per_mille = 20;
  world.line.echo_jitter = Duration::Millis(30);
  Connect(world);
  constexpr size_t kInterruptions = 60;
  for (size_t i = 1; i <= kInterruptions; ++i) {
    world.line.Say(Speech(3000, i));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kSpeaking; }));
    world.Advance(Duration::Millis(500 + 37 * static_cast<int64_t>(i % 40)));
    world.line.Say(Speech(900, i + 3));
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") >= i; }));
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") >= i; }));
    world.Advance(Duration::Millis(2600));
  }
  EXPECT_GT((world.now() - world.line.media_began()).ms(), 590'000);
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

  const auto tracks = DecodeRecording(world.recording(), kHz);
  const auto zero = static_cast<size_t>(world.line.media_began().us() / 125);
  const std::span<const int16_t> truths[] = {
      std::span(world.line.said()).subspan(zero),
      std::span(world.line.played()).subspan(zero)};
  constexpr size_t kPart = size_t{20} * kHz;
  for (size_t side = 0; side < 2; ++side) {
    const std::span<const int16_t> track = tracks[side];
    const std::span<const int16_t> truth = truths[side];
    const size_t length = std::min(track.size(), truth.size());
    EXPECT_GT(length, kPart * 27);
    std::vector<int64_t> lags;
    for (size_t at = 0; at + kPart <= length; at += kPart) {
      lags.push_back(LagMs(track.subspan(at, kPart), truth.subspan(at, kPart)));
    }
    EXPECT_THAT(
        lags, testing::Each(testing::AllOf(testing::Ge(-20), testing::Le(20))));
    // No drift: the last three minutes lie as the first three do.
    constexpr size_t kParts = 9;
    const auto mean = [](std::span<const int64_t> some) {
      int64_t sum = 0;
      for (const int64_t lag : some) sum += lag;
      return static_cast<double>(sum) / static_cast<double>(some.size());
    };
    EXPECT_NEAR(mean(std::span(lags).first(kParts)),
                mean(std::span(lags).last(kParts)), 3)
        << testing::PrintToString(lags);

    // What is loud in one and silent in the other, but for 20 ms around.
    const std::vector<int> recorded = Envelope(track.first(length));
    const std::vector<int> true_levels = Envelope(truth.first(length));
    size_t loud = 0;
    size_t missing = 0;
    size_t invented = 0;
    constexpr size_t kAround = 4;
    const auto most = [&](const std::vector<int>& levels, size_t at) {
      return *std::max_element(
          levels.begin() + static_cast<ptrdiff_t>(at - kAround),
          levels.begin() + static_cast<ptrdiff_t>(at + kAround + 1));
    };
    for (size_t i = kAround; i + kAround < recorded.size(); ++i) {
      loud += true_levels[i] > -350 ? 1 : 0;
      if (true_levels[i] > -350 && most(recorded, i) < -500) ++missing;
      if (recorded[i] > -350 && most(true_levels, i) < -500) ++invented;
    }
    EXPECT_GT(loud, size_t{5000});
    // Of the caller, what the network lost.
    EXPECT_LT(missing, side == 0 ? loud / 40 : loud / 200);
    EXPECT_LT(invented, loud / 200);
  }
}

}  // namespace
}  // namespace trunkline::test
