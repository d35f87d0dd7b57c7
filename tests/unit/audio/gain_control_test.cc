#include "audio/gain_control.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/loudness.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

constexpr size_t kFrame = 160;

// Words of 600 ms with gaps of 250 ms, in sentences of four, over quiet noise.
// The level is that of the words.
std::vector<int16_t> Talker(size_t sentences, int dbfs_tenths, uint64_t seed) {
  constexpr size_t kWord = 4800;
  constexpr size_t kSentence = 4 * (kWord + 2000) + 8000;
  auto line = test::NoiseSignal(sentences * kSentence, dbfs_tenths - 350, seed);
  const auto voice = test::VoiceSignal(line.size(), dbfs_tenths, seed);
  for (size_t i = 0; i < line.size(); ++i) {
    const size_t within = i % kSentence;
    if (within < 4 * (kWord + 2000) && within % (kWord + 2000) < kWord) {
      line[i] = voice[i];
    }
  }
  return line;
}

struct Pass {
  std::vector<int16_t> out;
  std::vector<GainControl::Result> results;
};

Pass Through(GainControl& control, std::span<const int16_t> in,
             GainControl::Voice voice = GainControl::Voice::kUnknown) {
  Pass run;
  const size_t frame = control.frame_samples();
  for (size_t at = 0; at + frame <= in.size(); at += frame) {
    std::vector<int16_t> samples(
        in.begin() + static_cast<ptrdiff_t>(at),
        in.begin() + static_cast<ptrdiff_t>(at + frame));
    run.results.push_back(control.Process(samples, voice));
    run.out.insert(run.out.end(), samples.begin(), samples.end());
  }
  return run;
}

float Integrated(std::span<const int16_t> samples) {
  LoudnessMeter meter(8000);
  meter.Process(samples);
  return meter.integrated_lufs();
}

TEST(GainControlTest, TalkersOfAnyLoudnessComeOutAtTheTarget) {
  // 600 ms words with gaps: -380 is about -41 LUFS, -80 about -11 LUFS.
  for (const int tenths : {-380, -300, -220, -150, -80}) {
    GainControl control(GainControl::Config{});
    const Pass run = Through(control, Talker(8, tenths, 1));
    const auto late = std::span<const int16_t>(run.out).last(4 * 35200);
    EXPECT_NEAR(Integrated(late), -23, 2) << tenths;
    EXPECT_FALSE(run.results.back().acquiring);
  }
}

TEST(GainControlTest, TheGainStandsStillInPauses) {
  GainControl control(GainControl::Config{});
  const Pass before = Through(control, Talker(4, -350, 2));
  // Eight seconds of the line's noise.
  const Pass pause = Through(control, test::NoiseSignal(64000, -700, 3));
  // The block in which the last word ended may still count.
  EXPECT_LE(pause.results.front().gain_db - before.results.back().gain_db, 0.2);
  for (size_t i = 25; i < pause.results.size(); ++i) {
    ASSERT_EQ(pause.results[i].gain_db, pause.results[25].gain_db) << i;
  }
}

TEST(GainControlTest, NoiseIsNotRaised) {
  for (const int tenths : {-600, -450, -300, -200}) {
    GainControl control(GainControl::Config{});
    // Noise that sets in after silence, and steps.
    auto line = std::vector<int16_t>(16000, 0);
    for (const int step : {0, 60, -60}) {
      const auto noise = test::NoiseSignal(80000, tenths + step, 4);
      line.insert(line.end(), noise.begin(), noise.end());
    }
    for (const auto& result : Through(control, line).results) {
      ASSERT_LE(result.gain_db, 0) << tenths;
      ASSERT_GE(result.gain_db, -6) << tenths;
    }
  }
}

TEST(GainControlTest, WhatIsSaidToBeNoVoiceIsNotLearnt) {
  GainControl control(GainControl::Config{});
  const Pass run =
      Through(control, Talker(4, -350, 5), GainControl::Voice::kAbsent);
  EXPECT_EQ(run.results.back().gain_db, 0);
  EXPECT_EQ(run.results.back().talker_lufs, LoudnessMeter::kNone);
}

TEST(GainControlTest, ASettledGainMovesLittleWithinASentence) {
  GainControl control(GainControl::Config{});
  Through(control, Talker(3, -330, 6));
  // Words that differ by 6 dB.
  auto line = Talker(6, -330, 7);
  for (size_t i = 0; i < line.size(); ++i) {
    if (i / 6800 % 2 == 1) line[i] = static_cast<int16_t>(line[i] / 2);
  }
  const Pass run = Through(control, line);
  constexpr size_t kSentenceFrames = 220;
  for (size_t at = 0; at + kSentenceFrames <= run.results.size();
       at += kSentenceFrames) {
    const auto [least, most] = std::minmax_element(
        run.results.begin() + static_cast<ptrdiff_t>(at),
        run.results.begin() + static_cast<ptrdiff_t>(at + kSentenceFrames),
        [](const auto& a, const auto& b) { return a.gain_db < b.gain_db; });
    EXPECT_LE(most->gain_db - least->gain_db, 1.5F);
  }
}

TEST(GainControlTest, AnotherTalkerIsFollowed) {
  for (const auto& [first, second] :
       {std::pair(-120, -350), std::pair(-350, -120)}) {
    GainControl control(GainControl::Config{});
    Through(control, Talker(4, first, 8));
    const Pass run = Through(control, Talker(6, second, 9));
    const auto late = std::span<const int16_t>(run.out).last(3 * 35200);
    EXPECT_NEAR(Integrated(late), -23, 2.5) << first;
  }
}

TEST(GainControlTest, TheGainStaysWithinItsLimitsAndSlope) {
  GainControl control(
      GainControl::Config{.most_boost_db = 6, .most_cut_db = 3});
  float last = 0;
  for (const int tenths : {-400, -60, -400}) {
    for (const auto& result : Through(control, Talker(4, tenths, 10)).results) {
      ASSERT_LE(result.gain_db, 6.001F);
      ASSERT_GE(result.gain_db, -3.001F);
      ASSERT_LE(std::abs(result.gain_db - last), 0.1601F);
      last = result.gain_db;
    }
  }
  EXPECT_NEAR(last, 6, 0.01);
}

TEST(GainControlTest, NothingClipsAfterABoost) {
  GainControl control(GainControl::Config{});
  Through(control, Talker(5, -400, 11));
  auto line = test::SquareSignal(16000, 1);
  const auto low = test::SquareSignal(16000, 40);
  line.insert(line.end(), low.begin(), low.end());
  for (const int16_t sample : Through(control, line).out) {
    ASSERT_LE(std::abs(int{sample}), 29204);
  }
}

TEST(GainControlTest, SilenceAndDirectCurrentPassAtZeroDb) {
  for (const int16_t value : {int16_t{0}, int16_t{20000}, int16_t{-20000}}) {
    GainControl control(GainControl::Config{});
    const Pass run = Through(control, std::vector<int16_t>(48000, value));
    EXPECT_EQ(run.results.back().gain_db, 0);
    EXPECT_EQ(run.out.back(), value);
  }
}

TEST(GainControlTest, WorksAtEachRate) {
  for (const int hz : {8000, 16000, 24000}) {
    GainControl control(GainControl::Config{.sample_rate_hz = hz});
    const auto up = static_cast<size_t>(hz / 8000);
    EXPECT_EQ(control.frame_samples(), up * kFrame);
    const auto narrow = Talker(8, -300, 12);
    std::vector<int16_t> line;
    for (size_t i = 0; i + 1 < narrow.size(); ++i) {
      for (size_t k = 0; k < up; ++k) {
        line.push_back(static_cast<int16_t>(
            narrow[i] + (narrow[i + 1] - narrow[i]) * static_cast<int>(k) /
                            static_cast<int>(up)));
      }
    }
    const Pass run = Through(control, line);
    LoudnessMeter meter(hz);
    meter.Process(std::span<const int16_t>(run.out).last(run.out.size() / 2));
    EXPECT_NEAR(meter.integrated_lufs(), -23, 2) << hz;
  }
}

TEST(GainControlTest, ACopyGoesOnAlikeAndResetForgets) {
  const auto line = Talker(3, -330, 13);
  GainControl control(GainControl::Config{});
  const Pass first = Through(control, line);
  GainControl copy = control;
  const Pass second = Through(control, line);
  EXPECT_EQ(Through(copy, line).out, second.out);
  EXPECT_NE(second.out, first.out);
  copy.Reset();
  EXPECT_EQ(Through(copy, line).out, first.out);
}

}  // namespace
}  // namespace trunkline::audio
