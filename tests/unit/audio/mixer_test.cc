// The mixer, its soft limiting, and cross-fades.

#include "audio/mixer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "audio/cross_fade.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using Input = std::span<const int16_t>;

TEST(SoftLimitTest, IsTransparentBelowTheKneeMonotoneOddAndNeverHard) {
  int16_t last = 0;
  for (int32_t value = 0; value < 300000; ++value) {
    const int16_t limited = SoftLimit(value);
    if (value <= kSoftLimitKnee) {
      ASSERT_EQ(limited, value);
    }
    ASSERT_GE(limited, last);
    ASSERT_LE(limited - last, 1);
    ASSERT_EQ(SoftLimit(-value), -limited);
    last = limited;
  }
  // Twice full scale is not yet at the end of the range.
  EXPECT_LT(SoftLimit(65536), 32767);
  EXPECT_LE(SoftLimit((1 << 30) - 1), 32767);
  EXPECT_GE(SoftLimit(-(1 << 30) + 1), -32767);
}

TEST(MixerTest, OneInputOfUnityPassesToTheBit) {
  std::vector<int16_t> in = test::RandomSamples(5000, 1);
  for (int16_t& sample : in) sample = static_cast<int16_t>(sample * 3 / 4);
  std::vector<int16_t> out(in.size());
  const Input inputs[] = {in, {}, {}};
  Mixer().Process(inputs, out);
  EXPECT_EQ(out, in);
}

TEST(MixerTest, FourFullScaleInputsOfTheLargestGainStayInRange) {
  Mixer mixer;
  const std::vector<int16_t> in = test::SquareSignal(1000, 1);
  std::vector<int16_t> out(in.size());
  for (size_t i = 0; i < Mixer::kInputs; ++i) {
    mixer.SetGain(i, 4 * Mixer::kUnity, 0);
  }
  const Input inputs[] = {in, in, in, in};
  mixer.Process(inputs, out);
  for (size_t i = 0; i < in.size(); ++i) {
    ASSERT_EQ(out[i] > 0, in[i] > 0);
    ASSERT_GT(std::abs(int{out[i]}), 32000);
  }
}

TEST(MixerTest, ARampIsAStraightLineAlsoFromTheMiddleOfAnother) {
  Mixer mixer;
  const std::vector<int16_t> in(300, 20000);
  std::vector<int16_t> out(300);
  const Input inputs[] = {in};
  mixer.SetGain(0, 0, 200);
  mixer.Process(std::span(inputs), out);
  for (size_t i = 0; i < out.size(); ++i) {
    const double gain = i < 200 ? 1 - static_cast<double>(i) / 200 : 0;
    ASSERT_NEAR(out[i], 20000 * gain, 2) << i;
  }
  const Input half[] = {Input(in).first(100)};
  Mixer turned;
  turned.SetGain(0, 0, 200);
  turned.Process(half, std::span(out).first(100));
  turned.SetGain(0, Mixer::kUnity, 100);
  turned.Process(half, std::span(out).subspan(100, 100));
  for (size_t i = 1; i < 200; ++i) {
    ASSERT_LE(std::abs(out[i] - out[i - 1]), 102) << i;
  }
  EXPECT_NEAR(out[199], 19900, 5);
}

TEST(MixerTest, ChunksMakeNoDifferenceAndACopyGoesOn) {
  const std::vector<int16_t> a = test::RandomSamples(4000, 2);
  const std::vector<int16_t> b = test::RandomSamples(4000, 3);
  Mixer fresh;
  fresh.SetGain(0, 12345, 777);
  fresh.SetGain(1, 2 * Mixer::kUnity, 3001);
  std::vector<int16_t> whole(a.size());
  const Input inputs[] = {a, b};
  Mixer mixer = fresh;
  mixer.Process(inputs, whole);
  test::Random random(4);
  for (int round = 0; round < 20; ++round) {
    mixer = fresh;
    std::vector<int16_t> parts(a.size());
    size_t at = 0;
    for (const size_t part : test::RandomSplit(a.size(), 400, random)) {
      Mixer copy = mixer;
      const Input some[] = {Input(a).subspan(at, part),
                            Input(b).subspan(at, part)};
      copy.Process(some, std::span(parts).subspan(at, part));
      mixer = copy;
      at += part;
    }
    ASSERT_EQ(parts, whole);
  }
}

TEST(CrossFadeTest, KeepsThePowerOfWhatIsUnlike) {
  // From and to are sines of 90 degrees: their sum has the power of either.
  const std::vector<int16_t> from = test::SineSignal(4000, 1000, 8000, 10000);
  std::vector<int16_t> to(from.begin() + 2, from.end());
  to.resize(from.size());
  std::vector<int16_t> out(from.size());
  CrossFade(from, to, out, 0, 3000);
  for (size_t at = 0; at + 8 <= 3000; at += 8) {
    double power = 0;
    for (size_t i = at; i < at + 8; ++i) power += double{1} * out[i] * out[i];
    ASSERT_NEAR(power / 8, 5e7, 1e6) << at;
  }
  EXPECT_EQ(out[0], from[0]);
  for (size_t i = 3000; i < out.size(); ++i) ASSERT_EQ(out[i], to[i]);
}

TEST(CrossFadeTest, ChunksMakeNoDifferenceAndExtremesStayInRange) {
  const std::vector<int16_t> low(900, INT16_MIN);
  std::vector<int16_t> whole(900);
  CrossFade(low, low, whole, 0, 700);
  for (const int16_t sample : whole) ASSERT_LT(sample, -26000);
  std::vector<int16_t> parts(900);
  for (size_t at = 0; at < parts.size(); at += 9) {
    const Input some = Input(low).subspan(at, 9);
    CrossFade(some, some, std::span(parts).subspan(at, 9), at, 700);
  }
  EXPECT_EQ(parts, whole);
}

}  // namespace
}  // namespace trunkline::audio
