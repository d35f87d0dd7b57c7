#include "audio/gap_concealer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "audio/level.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

static_assert(std::is_trivially_copyable_v<GapConcealer>);
static_assert(sizeof(GapConcealer) <= 2560);

using Samples = std::vector<int16_t>;

struct Gap {
  size_t begin = 0;
  size_t end = 0;
};

// `line` with `gap` concealed, in parts of at most `longest` samples.
Samples Through(GapConcealer& concealer, Samples line, Gap gap,
                size_t longest) {
  for (size_t at = 0; at < line.size();) {
    const bool lost = at >= gap.begin && at < gap.end;
    const size_t until = at < gap.begin ? gap.begin
                         : lost         ? gap.end
                                        : line.size();
    const size_t count = std::min({until - at, longest, line.size() - at});
    const auto part = std::span(line).subspan(at, count);
    if (lost) {
      // Nothing of what was there may be made use of.
      std::ranges::fill(part, int16_t{-12345});
      concealer.Lost(part);
    } else {
      concealer.Good(part);
    }
    at += count;
  }
  return line;
}

Samples Through(int rate, const Samples& line, Gap gap) {
  GapConcealer concealer(rate);
  return Through(concealer, line, gap, static_cast<size_t>(rate / 50));
}

std::span<const int16_t> Part(const Samples& samples, size_t begin,
                              size_t count) {
  return std::span(samples).subspan(begin, count);
}

double LevelDb(std::span<const int16_t> samples) {
  return 10 * std::log10((test::PowerOf(samples) + 1e-9) / 0x1p30);
}

TEST(GapConcealerTest, GoodSamplesPassUnchangedButForTheReturn) {
  for (const int rate : {8000, 16000}) {
    const auto ms = static_cast<size_t>(rate / 1000);
    const Samples line = test::RandomSamples(300 * ms, 1);
    const Samples out = Through(rate, line, {100 * ms, 120 * ms});
    EXPECT_TRUE(
        std::ranges::equal(Part(out, 0, 100 * ms), Part(line, 0, 100 * ms)));
    EXPECT_TRUE(std::ranges::equal(Part(out, 125 * ms, 175 * ms),
                                   Part(line, 125 * ms, 175 * ms)));
    EXPECT_FALSE(std::ranges::equal(Part(out, 120 * ms, 5 * ms),
                                    Part(line, 120 * ms, 5 * ms)));
  }
}

// A gap of one frame in what is periodic is hardly there.
TEST(GapConcealerTest, APeriodicLineGoesOn) {
  for (const int rate : {8000, 16000}) {
    const auto ms = static_cast<size_t>(rate / 1000);
    for (const size_t period : {3 * ms, 4 * ms + 1, 7 * ms + 3, 14 * ms + 1}) {
      // A decaying pulse each period, after silence: else it is the noise.
      Samples line(400 * ms);
      for (size_t i = 100 * ms; i < line.size(); ++i) {
        const auto t =
            static_cast<double>(i % period) / static_cast<double>(ms);
        line[i] =
            static_cast<int16_t>(9000 * std::exp(-t) * std::cos(2 * t + 0.5));
      }
      const Gap gap{201 * ms + 3, 221 * ms + 3};
      const Samples out = Through(rate, line, gap);
      double error = 0;
      double power = 0;
      for (size_t i = gap.begin; i < gap.end + 5 * ms; ++i) {
        error += std::pow(out[i] - line[i], 2);
        power += std::pow(line[i], 2);
      }
      EXPECT_LT(error, power * 2e-3) << rate << " " << period;
    }
  }
}

TEST(GapConcealerTest, NeitherEdgeClicks) {
  for (const double hz : {110.0, 333.0, 1234.0}) {
    const Samples line = test::SineSignal(4000, hz, 8000, 8000);
    const Samples out = Through(8000, line, {1600, 1920});
    // The steepest step of the sine, doubled by fading over to another phase.
    const double steepest = 8000 * 2 * 3.1416 * hz / 8000;
    for (size_t i = 1; i < out.size(); ++i) {
      ASSERT_LT(std::abs(out[i] - out[i - 1]), 1.5 * steepest + 1200)
          << hz << " " << i;
    }
    // Where the gap begins there is no step at all.
    EXPECT_LT(std::abs(out[1600] - out[1599]), 1.5 * steepest + 100) << hz;
  }
}

TEST(GapConcealerTest, ALongGapSinksToTheNoiseOfTheLine) {
  Samples line = test::NoiseSignal(24000, -600, 2);
  test::Mix(std::span(line).subspan(16000), test::VoiceSignal(8000, -200, 3));
  const Gap gap{20000, 24000};
  const Samples out = Through(8000, line, gap);
  const double before = LevelDb(Part(out, gap.begin - 320, 320));
  EXPECT_NEAR(LevelDb(Part(out, gap.begin, 160)), before, 6);
  EXPECT_LT(LevelDb(Part(out, gap.begin + 560, 80)), before - 12);
  EXPECT_NEAR(LevelDb(Part(out, gap.begin + 640, 3360)), -60, 1.5);
}

TEST(GapConcealerTest, NoiseGoesOnAtItsLevel) {
  for (const int tenths : {-700, -550, -400}) {
    const Samples line = test::NoiseSignal(32000, tenths, 4);
    const Samples out = Through(8000, line, {16000, 24000});
    EXPECT_NEAR(LevelDb(Part(out, 16000, 160)), tenths / 10.0, 2) << tenths;
    EXPECT_NEAR(LevelDb(Part(out, 16000, 8000)), tenths / 10.0, 1) << tenths;
  }
}

TEST(GapConcealerTest, IsNeverLouderThanWhatWasBefore) {
  test::Random random(5);
  for (uint64_t round = 0; round < 200; ++round) {
    Samples line = test::NoiseSignal(8000, -550, round);
    test::Mix(std::span(line).subspan(random.Below(6000)),
              test::VoiceSignal(1 + random.Below(4000), -150, round));
    const size_t begin = 1000 + random.Below(5000);
    const Samples out = Through(8000, line, {begin, begin + 1000});
    EXPECT_LE(Peak(Part(out, begin, 1000)), Peak(Part(line, begin - 320, 320)))
        << round;
  }
}

TEST(GapConcealerTest, SilenceAndNothingStaySilent) {
  GapConcealer concealer(8000);
  Samples frame(160, 1);
  concealer.Lost(frame);
  EXPECT_EQ(Peak(frame), 0);
  const Samples out = Through(8000, Samples(8000, 0), {4000, 6000});
  EXPECT_EQ(Peak(out), 0);
  concealer.Lost({});
  concealer.Good({});
}

TEST(GapConcealerTest, ExtremesStayInRange) {
  const std::vector<Samples> lines = {
      test::SquareSignal(8000, 1), test::SquareSignal(8000, 50),
      test::RandomSamples(8000, 6), Samples(8000, INT16_MIN),
      Samples(8000, INT16_MAX)};
  for (const int rate : {8000, 16000}) {
    for (const Samples& line : lines) {
      const Samples out = Through(rate, line, {4000, 6001});
      // It ends far below where it began: nothing of it is the line's noise.
      EXPECT_LT(LevelDb(Part(out, 5500, 500)), -25);
      EXPECT_GT(LevelDb(Part(out, 4000, 100)), -8);
    }
  }
  // Full scale goes on without turning over.
  const Samples out = Through(8000, Samples(8000, INT16_MIN), {4000, 4160});
  EXPECT_EQ(*std::ranges::max_element(Part(out, 4000, 160)), INT16_MIN);
}

TEST(GapConcealerTest, AnySplitGivesTheSameSamples) {
  Samples line = test::NoiseSignal(16000, -550, 7);
  test::Mix(std::span(line).subspan(5000), test::VoiceSignal(7000, -200, 8));
  for (const int rate : {8000, 16000}) {
    for (const Gap gap : {Gap{6000, 6160}, Gap{9001, 11003}}) {
      GapConcealer whole(rate);
      const Samples wanted = Through(whole, line, gap, line.size());
      for (const size_t longest :
           {1U, 7U, 40U, 159U, 160U, 161U, 320U, 1000U}) {
        GapConcealer parts(rate);
        EXPECT_EQ(Through(parts, line, gap, longest), wanted) << longest;
      }
    }
  }
}

TEST(GapConcealerTest, ACopyGoesOnAlikeAndResetForgets) {
  Samples line = test::NoiseSignal(8000, -550, 9);
  test::Mix(line, test::VoiceSignal(7000, -200, 10));
  // Copied while good, within a gap and within the return.
  for (const size_t cut : {3000U, 4100U, 4330U}) {
    GapConcealer concealer(8000);
    Samples first(line.begin(), line.begin() + static_cast<ptrdiff_t>(cut));
    Through(concealer, first, {4000, 4320}, 160);
    Samples rest(line.begin() + static_cast<ptrdiff_t>(cut), line.end());
    const Gap gap{cut < 4000 ? 4000 - cut : 0, cut < 4320 ? 4320 - cut : 0};
    GapConcealer copy = concealer;
    EXPECT_EQ(Through(copy, rest, gap, 160),
              Through(concealer, rest, gap, 160));
    // What a gap is filled with hangs on what was before it.
    concealer.Reset();
    GapConcealer fresh(8000);
    EXPECT_EQ(Through(concealer, line, {4000, 4320}, 160),
              Through(fresh, line, {4000, 4320}, 160));
  }
}

}  // namespace
}  // namespace trunkline::audio
