#include "audio/echo_guard.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr size_t kFrame = EchoGuard::kFrameSamples;
constexpr size_t kSecond = 8000;

// Words of 500 ms with gaps of 220 ms, each of another loudness. A second
// talker has another rhythm, `period` in samples: with the same, one would be
// the other's echo.
std::vector<int16_t> Words(size_t seconds, int dbfs_tenths, uint64_t seed,
                           size_t period = 5760) {
  auto words = test::VoiceSignal(seconds * kSecond, dbfs_tenths, seed);
  test::Random random(seed);
  double gain = 1;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i % period == 0)
      gain = test::GainOfTenths(-static_cast<int>(random.Below(120)));
    words[i] = static_cast<int16_t>(i % period < 4000 ? words[i] * gain : 0);
  }
  return words;
}

std::vector<int16_t> EchoOf(std::span<const int16_t> played, int delay_ms,
                            int loss_db) {
  std::vector<int16_t> echo(played.size(), 0);
  const double gain = test::GainOfTenths(-10 * loss_db);
  const auto delay = 8 * static_cast<size_t>(delay_ms);
  for (size_t i = delay; i < echo.size(); ++i) {
    echo[i] = static_cast<int16_t>(gain * played[i - delay]);
  }
  return echo;
}

std::vector<EchoGuard::Result> Through(EchoGuard& guard,
                                       std::span<const int16_t> played,
                                       std::span<const int16_t> caller) {
  std::vector<EchoGuard::Result> results;
  for (size_t at = 0; at + kFrame <= caller.size(); at += kFrame) {
    results.push_back(
        guard.Process(played.subspan(at, kFrame), caller.subspan(at, kFrame)));
  }
  return results;
}

std::vector<EchoGuard::Result> Through(EchoGuard& guard,
                                       std::span<const int16_t> played,
                                       std::vector<int16_t> caller,
                                       uint64_t noise_seed) {
  test::Mix(caller, test::NoiseSignal(caller.size(), -650, noise_seed));
  return Through(guard, played, test::ThroughMuLaw(caller));
}

TEST(EchoGuardTest, FindsDelayAndLossOfAnEchoAndExplainsIt) {
  const auto played = Words(8, -200, 1);
  for (const int delay_ms : {0, 70, 140, 290, 430, 600}) {
    for (const int loss_db : {6, 15, 25}) {
      EchoGuard guard;
      const auto results =
          Through(guard, played, EchoOf(played, delay_ms, loss_db), 2);
      EXPECT_NEAR(results.back().delay_ms, delay_ms, 20) << loss_db;
      EXPECT_NEAR(results.back().loss_db, loss_db, 7) << delay_ms;
      int unexplained = 0;
      for (size_t f = 32; f < results.size(); ++f) {
        unexplained += results[f].explained ? 0 : 1;
      }
      // A louder echo than lines have is one only once it is found.
      EXPECT_LE(unexplained, loss_db < 18 ? 30 : 6)
          << delay_ms << " ms, " << loss_db << " dB";
    }
  }
}

TEST(EchoGuardTest, AVoiceOverTheEchoIsNotExplained) {
  const auto played = Words(12, -200, 3);
  auto caller = EchoOf(played, 140, 12);
  // As loud as the echo on average; some words are quieter by 12 dB.
  auto voice = Words(4, -320, 4, 7700);
  test::Mix(std::span<int16_t>(caller).subspan(8 * kSecond), voice);
  EchoGuard guard;
  const auto results = Through(guard, played, caller, 5);
  int voiced = 0;
  int unexplained = 0;
  for (size_t f = 0; f < 200; ++f) {
    if (f * kFrame % 7700 >= 4000) continue;
    ++voiced;
    unexplained += results[400 + f].explained ? 0 : 1;
  }
  EXPECT_GE(unexplained * 5, voiced * 2);
}

TEST(EchoGuardTest, NothingIsExplainedWhenNothingWasPlayed) {
  const std::vector<int16_t> silence(6 * kSecond, 0);
  EchoGuard guard;
  for (const auto& result : Through(guard, silence, Words(6, -200, 6), 7)) {
    ASSERT_FALSE(result.explained);
    ASSERT_EQ(result.delay_ms, EchoGuard::kUnknownDelay);
  }
}

TEST(EchoGuardTest, ExplainsNothingOnceTheLastEchoMustBeOver) {
  auto played = Words(4, -200, 8);
  played.resize(8 * kSecond, 0);
  EchoGuard guard;
  const auto results = Through(guard, played, EchoOf(played, 100, 10), 9);
  // The last word ends before 4 s, its echo at most 640 ms later.
  for (size_t f = 200 + 34; f < results.size(); ++f) {
    ASSERT_FALSE(results[f].explained) << f;
  }
}

TEST(EchoGuardTest, WithoutAnEchoACallerIsSoonHeardOverTheAgent) {
  const auto played = Words(8, -200, 10);
  std::vector<int16_t> caller(played.size(), 0);
  // Ten dB below what the agent is played at, after three seconds of stillness.
  test::Mix(std::span<int16_t>(caller).subspan(3 * kSecond),
            Words(5, -300, 11, 7700));
  EchoGuard guard;
  const auto results = Through(guard, played, caller, 12);
  for (size_t f = 152; f < 166; ++f) EXPECT_FALSE(results[f].explained) << f;
  for (size_t f = 60; f < 149; ++f) EXPECT_TRUE(results[f].explained) << f;
}

TEST(EchoGuardTest, FollowsAnEchoThatMoves) {
  const auto played = Words(24, -200, 13);
  auto caller = EchoOf(played, 100, 10);
  const auto later = EchoOf(played, 300, 10);
  std::copy(later.begin() + 12 * kSecond, later.end(),
            caller.begin() + 12 * kSecond);
  EchoGuard guard;
  const auto results = Through(guard, played, caller, 14);
  EXPECT_NEAR(results[590].delay_ms, 100, 20);
  EXPECT_NEAR(results.back().delay_ms, 300, 20);
}

TEST(EchoGuardTest, FollowsAnEchoThatGrows) {
  const auto played = Words(24, -200, 15);
  auto caller = EchoOf(played, 100, 25);
  const auto later = EchoOf(played, 100, 8);
  std::copy(later.begin() + 8 * kSecond, later.end(),
            caller.begin() + 8 * kSecond);
  EchoGuard guard;
  const auto results = Through(guard, played, caller, 16);
  int unexplained = 0;
  for (size_t f = 700; f < results.size(); ++f) {
    unexplained += results[f].explained ? 0 : 1;
  }
  EXPECT_LE(unexplained, 10);
}

TEST(EchoGuardTest, SurvivesExtremes) {
  EchoGuard guard;
  const auto alternating = test::SquareSignal(2 * kSecond, 1);
  const std::vector<int16_t> constant(2 * kSecond, INT16_MIN);
  const auto random = test::RandomSamples(2 * kSecond, 17);
  const std::vector<int16_t> silence(2 * kSecond, 0);
  const std::span<const int16_t> lines[] = {alternating, constant, random,
                                            silence};
  for (const auto played : lines) {
    for (const auto caller : lines) {
      for (const auto& result : Through(guard, played, caller)) {
        ASSERT_GE(result.excess_db, 0);
        ASSERT_LE(result.excess_db, 120);
        ASSERT_GE(result.loss_db, -40);
        ASSERT_LE(result.loss_db, 70);
      }
    }
  }
}

TEST(EchoGuardTest, ACopyGoesOnAlikeAndResetForgets) {
  const auto played = Words(5, -200, 18);
  auto caller = EchoOf(played, 200, 10);
  test::Mix(caller, Words(5, -300, 19, 7700));
  const auto excesses = [&](EchoGuard& guard) {
    std::vector<float> values;
    for (const auto& result : Through(guard, played, caller)) {
      values.push_back(result.excess_db);
      values.push_back(static_cast<float>(result.delay_ms));
    }
    return values;
  };
  EchoGuard guard;
  const auto first = excesses(guard);
  EchoGuard copy = guard;
  const auto second = excesses(guard);
  EXPECT_EQ(excesses(copy), second);
  EXPECT_NE(second, first);
  copy.Reset();
  EXPECT_EQ(excesses(copy), first);
}

}  // namespace
}  // namespace trunkline::audio
