#include "audio/call_progress.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr CallSignal kSignals[] = {
    CallSignal::kDial,    CallSignal::kRingback,
    CallSignal::kBusy,    CallSignal::kCongestion,
    CallSignal::kComfort, CallSignal::kSpecialInformation,
    CallSignal::kBeep,
};
constexpr TonePlan kPlans[] = {TonePlan::kUs, TonePlan::kUk, TonePlan::kEurope};
constexpr int kRates[] = {8000, 16000, 24000, 48000};

std::vector<int16_t> Heard(CallProgressTone tone, size_t count) {
  std::vector<int16_t> samples(count);
  samples.resize(tone.Generate(samples));
  return samples;
}

// The stretches of sound, in ms: begin and end. Silence of 2 ms ends one.
std::vector<std::pair<size_t, size_t>> Stretches(
    const std::vector<int16_t>& samples, size_t per_ms) {
  std::vector<std::pair<size_t, size_t>> stretches;
  for (size_t ms = 0; ms * per_ms < samples.size(); ++ms) {
    bool sounds = false;
    for (size_t i = ms * per_ms;
         i < std::min((ms + 1) * per_ms, samples.size()); ++i) {
      sounds = sounds || samples[i] != 0;
    }
    if (!sounds) continue;
    if (stretches.empty() || stretches.back().second + 2 < ms) {
      stretches.emplace_back(ms, ms + 1);
    } else {
      stretches.back().second = ms + 1;
    }
  }
  return stretches;
}

struct Case {
  CallSignal signal;
  TonePlan plan;
  // Begins and ends of sound in the first 6500 ms.
  std::vector<std::pair<size_t, size_t>> stretches;
  std::vector<double> hz;
  double dbm0;  // of each sine
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> kCases = {
      {CallSignal::kDial, TonePlan::kUs, {{0, 6500}}, {350, 440}, -13},
      {CallSignal::kDial, TonePlan::kUk, {{0, 6500}}, {350, 440}, -16},
      {CallSignal::kDial, TonePlan::kEurope, {{0, 6500}}, {425}, -13},
      {CallSignal::kRingback,
       TonePlan::kUs,
       {{0, 2000}, {6000, 6500}},
       {440, 480},
       -19},
      {CallSignal::kRingback,
       TonePlan::kUk,
       {{0, 400}, {600, 1000}, {3000, 3400}, {3600, 4000}, {6000, 6400}},
       {400, 450},
       -16},
      {CallSignal::kRingback,
       TonePlan::kEurope,
       {{0, 1000}, {5000, 6000}},
       {425},
       -13},
      {CallSignal::kBusy,
       TonePlan::kUs,
       {{0, 500},
        {1000, 1500},
        {2000, 2500},
        {3000, 3500},
        {4000, 4500},
        {5000, 5500},
        {6000, 6500}},
       {480, 620},
       -24},
      {CallSignal::kBeep, TonePlan::kUs, {{0, 300}}, {1000}, -13},
  };
  return kCases;
}

TEST(CallProgressTest, CadencesPitchesAndLevelsAreThePlans) {
  for (const Case& c : Cases()) {
    for (const int rate : kRates) {
      const auto per_ms = static_cast<size_t>(rate) / 1000;
      const std::vector<int16_t> samples = Heard(
          CallProgressTone(
              {.signal = c.signal, .plan = c.plan, .sample_rate_hz = rate}),
          6500 * per_ms);
      ASSERT_EQ(samples.size(), 6500 * per_ms);
      const auto stretches = Stretches(samples, per_ms);
      ASSERT_EQ(stretches.size(), c.stretches.size());
      for (size_t i = 0; i < stretches.size(); ++i) {
        EXPECT_EQ(stretches[i].first, c.stretches[i].first) << i;
        // The last sample of a fall is 0 when the sine is there.
        EXPECT_NEAR(static_cast<double>(stretches[i].second),
                    static_cast<double>(c.stretches[i].second), 1)
            << i;
      }
      const auto steady = std::span(samples).subspan(50 * per_ms, 200 * per_ms);
      double power = 0;
      for (const double hz : c.hz) {
        const double amplitude = test::AmplitudeAt(steady, hz, rate);
        EXPECT_NEAR(20 * std::log10(amplitude / 32767) + 3.14, c.dbm0, 0.1);
        power += amplitude * amplitude / 2;
      }
      EXPECT_NEAR(test::PowerOf(steady) / power, 1, 0.01);
    }
  }
}

TEST(CallProgressTest, CongestionIsQuickerThanBusy) {
  const auto count = [](CallSignal signal, TonePlan plan) {
    return Stretches(
               Heard(CallProgressTone({.signal = signal, .plan = plan}), 48000),
               8)
        .size();
  };
  EXPECT_EQ(count(CallSignal::kCongestion, TonePlan::kUs), 12U);
  EXPECT_EQ(count(CallSignal::kCongestion, TonePlan::kUk), 8U);
  EXPECT_EQ(count(CallSignal::kCongestion, TonePlan::kEurope), 15U);
  EXPECT_EQ(count(CallSignal::kBusy, TonePlan::kUs), 6U);
  EXPECT_EQ(count(CallSignal::kBusy, TonePlan::kUk), 8U);
}

TEST(CallProgressTest, SpecialInformationIsThreeTonesThatRise) {
  const std::vector<int16_t> once =
      Heard(CallProgressTone({.signal = CallSignal::kSpecialInformation,
                              .cadence = Cadence::kOnce}),
            100000);
  EXPECT_EQ(once.size(), 990U * 8);
  const double hz[] = {950, 1400, 1800};
  for (size_t i = 0; i < 3; ++i) {
    const auto tone = std::span(once).subspan(i * 2640 + 320, 1600);
    for (size_t k = 0; k < 3; ++k) {
      const double amplitude = test::AmplitudeAt(tone, hz[k], 8000);
      if (i == k) {
        EXPECT_NEAR(amplitude, 5110, 30);
      } else {
        EXPECT_LT(amplitude, 50);
      }
    }
  }
}

TEST(CallProgressTest, OnceEndsBeforeItsLastPause) {
  const auto length_ms = [](CallSignal signal, TonePlan plan) {
    return Heard(
               CallProgressTone(
                   {.signal = signal, .plan = plan, .cadence = Cadence::kOnce}),
               200000)
               .size() /
           8;
  };
  EXPECT_EQ(length_ms(CallSignal::kDial, TonePlan::kUs), 3000U);
  EXPECT_EQ(length_ms(CallSignal::kRingback, TonePlan::kUs), 2000U);
  EXPECT_EQ(length_ms(CallSignal::kRingback, TonePlan::kUk), 1000U);
  EXPECT_EQ(length_ms(CallSignal::kCongestion, TonePlan::kUk), 975U);
  EXPECT_EQ(length_ms(CallSignal::kComfort, TonePlan::kEurope), 360U);
  EXPECT_EQ(length_ms(CallSignal::kBeep, TonePlan::kEurope), 300U);
}

// A sine's second difference is at most amplitude * w^2, an edge adds little; a
// cut tone's would be amplitude * w.
TEST(CallProgressTest, NothingClicksAlsoWhenStopped) {
  test::Random random(3);
  for (const CallSignal signal : kSignals) {
    for (const TonePlan plan : kPlans) {
      CallProgressTone tone(
          {.signal = signal, .plan = plan, .sample_rate_hz = 48000});
      std::vector<int16_t> samples(48000 + random.Below(96000));
      ASSERT_EQ(tone.Generate(samples), samples.size());
      tone.Stop();
      std::vector<int16_t> rest(1000);
      ASSERT_EQ(tone.Generate(rest), 240U);
      EXPECT_EQ(rest[239], 0);
      samples.insert(samples.end(), rest.begin(), rest.end());
      samples.insert(samples.begin(), 2, int16_t{0});
      double largest = 0;
      for (size_t i = 2; i < samples.size(); ++i) {
        largest =
            std::max(largest, std::abs(double{1} * samples[i] -
                                       2.0 * samples[i - 1] + samples[i - 2]));
      }
      // The steepest tone, 1.8 kHz: 5110 * (2 pi 1800 / 48000)^2 = 284.
      EXPECT_LT(largest, 330);
    }
  }
}

TEST(CallProgressTest, ADialToneOfTenMinutesKeepsItsPitch) {
  CallProgressTone tone(
      {.signal = CallSignal::kDial, .plan = TonePlan::kEurope});
  std::vector<int16_t> second(8000);
  for (int i = 0; i < 600; ++i) ASSERT_EQ(tone.Generate(second), 8000U);
  const std::vector<int16_t> ideal = test::SineSignal(8000, 425, 8000, 5110);
  for (size_t i = 0; i < second.size(); ++i) {
    // 4.8 million samples lose at most 2^-32 of a turn each: 36 at this peak.
    ASSERT_NEAR(second[i], ideal[i], 36 + 5) << i;
  }
}

TEST(CallProgressTest, ChunksMakeNoDifferenceAndACopyGoesOn) {
  test::Random random(5);
  for (const CallSignal signal : kSignals) {
    for (const int rate : kRates) {
      const CallProgressTone fresh(
          {.signal = signal, .plan = TonePlan::kUk, .sample_rate_hz = rate});
      const auto stop = static_cast<size_t>(rate) * 3;
      const auto run = [&](size_t longest) {
        CallProgressTone tone = fresh;
        std::vector<int16_t> samples(stop + 2000);
        size_t at = 0;
        for (const size_t part : test::RandomSplit(stop, longest, random)) {
          CallProgressTone copy = tone;
          EXPECT_EQ(copy.Generate(std::span(samples).subspan(at, part)), part);
          tone = copy;
          at += part;
        }
        tone.Stop();
        while (const size_t count = tone.Generate(std::span(samples).subspan(
                   at, std::min(longest, samples.size() - at)))) {
          at += count;
        }
        samples.resize(at);
        return samples;
      };
      const std::vector<int16_t> whole = run(stop);
      ASSERT_EQ(run(700), whole);
      ASSERT_EQ(run(3), whole);
    }
  }
}

TEST(CallProgressTest, ResetBeginsAnew) {
  CallProgressTone tone({});
  const std::vector<int16_t> first = Heard(tone, 5000);
  std::vector<int16_t> some(3333);
  tone.Generate(some);
  tone.Stop();
  tone.Generate(some);
  tone.Reset();
  EXPECT_EQ(Heard(tone, 5000), first);
}

}  // namespace
}  // namespace trunkline::audio
