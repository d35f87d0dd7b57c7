#include "audio/tones.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

std::vector<int16_t> AllOf(int sample_rate_hz) {
  FarewellTones tones(sample_rate_hz);
  std::vector<int16_t> samples(tones.total_samples());
  EXPECT_EQ(tones.Generate(samples), samples.size());
  int16_t more = 0;
  EXPECT_EQ(tones.Generate({&more, 1}), 0U);
  return samples;
}

class FarewellTonesTest : public ::testing::TestWithParam<int> {};

TEST_P(FarewellTonesTest, LastsThreeNotes) {
  EXPECT_EQ(AllOf(GetParam()).size(),
            static_cast<size_t>(GetParam()) * 720 / 1000);
}

TEST_P(FarewellTonesTest, PeaksAtMinus18DbOfAFullScaleSine) {
  const std::vector<int16_t> samples = AllOf(GetParam());
  const auto [low, high] = std::ranges::minmax(samples);
  for (const int peak : {int{high}, -int{low}}) {
    EXPECT_NEAR(20 * std::log10(peak / 32767.0), -18, 0.2);
  }
}

TEST_P(FarewellTonesTest, NotesFall) {
  const std::vector<int16_t> samples = AllOf(GetParam());
  const size_t note = samples.size() / FarewellTones::kNotes;
  const double notes_hz[] = {392.0, 329.6, 261.6};
  for (size_t i = 0; i < FarewellTones::kNotes; ++i) {
    // The steady 80 ms of the note.
    const auto steady = std::span(samples).subspan(
        i * note + note / 6, static_cast<size_t>(GetParam()) * 80 / 1000);
    const double own = test::AmplitudeAt(steady, notes_hz[i], GetParam());
    EXPECT_NEAR(own, 4125, 150);
    for (size_t other = 0; other < FarewellTones::kNotes; ++other) {
      if (other == i) continue;
      EXPECT_GT(own,
                2 * test::AmplitudeAt(steady, notes_hz[other], GetParam()));
    }
  }
}

// No step is larger than the steepest note can make, also between two notes.
TEST_P(FarewellTonesTest, NothingClicks) {
  std::vector<int16_t> samples = AllOf(GetParam());
  samples.insert(samples.begin(), 0);
  samples.push_back(0);
  const double steepest = 4125 * 2 * 3.1416 * 392.0 / GetParam();
  for (size_t i = 1; i < samples.size(); ++i) {
    ASSERT_LE(std::abs(samples[i] - samples[i - 1]), steepest + 8) << i;
  }
  const size_t note = (samples.size() - 2) / FarewellTones::kNotes;
  for (size_t i = 0; i <= FarewellTones::kNotes; ++i) {
    EXPECT_LE(std::abs(int{samples[i * note]}), 2);
  }
}

TEST_P(FarewellTonesTest, NotesRiseFastAndDieAwaySlowly) {
  const std::vector<int16_t> samples = AllOf(GetParam());
  const size_t note = samples.size() / FarewellTones::kNotes;
  const auto ms = static_cast<size_t>(GetParam()) / 1000;
  const auto level = [&](size_t at) {
    return std::sqrt(test::PowerOf(std::span(samples).subspan(at, 10 * ms)));
  };
  for (size_t i = 0; i < FarewellTones::kNotes; ++i) {
    const double steady = level(i * note + 70 * ms);
    EXPECT_LT(level(i * note), 0.5 * steady);
    EXPECT_GT(level(i * note + 30 * ms), 0.9 * steady);
    EXPECT_LT(level((i + 1) * note - 60 * ms), 0.8 * steady);
    EXPECT_LT(level((i + 1) * note - 10 * ms), 0.15 * steady);
  }
}

TEST_P(FarewellTonesTest, ChunksMakeNoDifference) {
  const std::vector<int16_t> whole = AllOf(GetParam());
  test::Random random(7);
  FarewellTones tones(GetParam());
  std::vector<int16_t> parts;
  std::vector<int16_t> chunk(700);
  for (;;) {
    const size_t count =
        tones.Generate(std::span(chunk).first(1 + random.Below(chunk.size())));
    if (count == 0) break;
    parts.insert(parts.end(), chunk.begin(),
                 chunk.begin() + static_cast<ptrdiff_t>(count));
  }
  EXPECT_EQ(parts, whole);
}

INSTANTIATE_TEST_SUITE_P(Rates, FarewellTonesTest,
                         ::testing::Values(8000, 16000, 24000, 48000));

class WaitingToneTest : public ::testing::TestWithParam<int> {
 protected:
  // 10 s of it.
  static std::vector<int16_t> Samples() {
    WaitingTone tone(GetParam());
    std::vector<int16_t> samples(static_cast<size_t>(GetParam()) * 10);
    tone.Generate(samples);
    return samples;
  }
};

TEST_P(WaitingToneTest, IsASoftNoteEveryTwoSeconds) {
  const std::vector<int16_t> samples = Samples();
  const size_t ms = static_cast<size_t>(GetParam()) / 1000;
  for (size_t period = 0; period < 5; ++period) {
    const auto at = std::span(samples).subspan(period * 2000 * ms, 2000 * ms);
    const auto note = at.first(300 * ms);
    const auto [low, high] = std::ranges::minmax(note);
    for (const int peak : {int{high}, -int{low}}) {
      EXPECT_NEAR(20 * std::log10(peak / 32767.0), -28, 0.3);
    }
    const double own = test::AmplitudeAt(note, 440, GetParam());
    EXPECT_GT(own, 20 * test::AmplitudeAt(note, 880, GetParam()));
    for (const int16_t sample : at.subspan(300 * ms)) EXPECT_EQ(sample, 0);
  }
}

TEST_P(WaitingToneTest, NothingClicks) {
  const std::vector<int16_t> samples = Samples();
  const double steepest = 1304 * 2 * M_PI * 440 / GetParam() + 2;
  for (size_t i = 1; i < samples.size(); ++i) {
    ASSERT_LE(std::abs(samples[i] - samples[i - 1]), steepest) << i;
  }
}

TEST_P(WaitingToneTest, ChunksMakeNoDifference) {
  const std::vector<int16_t> whole = Samples();
  test::Random random(8);
  WaitingTone tone(GetParam());
  std::vector<int16_t> parts;
  std::vector<int16_t> chunk(700);
  while (parts.size() < whole.size()) {
    const size_t count =
        std::min(1 + random.Below(chunk.size()), whole.size() - parts.size());
    tone.Generate(std::span(chunk).first(count));
    parts.insert(parts.end(), chunk.begin(),
                 chunk.begin() + static_cast<ptrdiff_t>(count));
  }
  EXPECT_EQ(parts, whole);
}

INSTANTIATE_TEST_SUITE_P(Rates, WaitingToneTest,
                         ::testing::Values(8000, 16000, 24000, 48000));

}  // namespace
}  // namespace trunkline::audio
