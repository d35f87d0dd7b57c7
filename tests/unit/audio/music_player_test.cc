#include "audio/music_player.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "audio/g711.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"
#include "support/corpus.h"

namespace trunkline::audio {
namespace {

constexpr size_t kSeam = 4000;  // 500 ms at 8 kHz

std::vector<uint8_t> MuLawOf(std::span<const int16_t> samples) {
  std::vector<uint8_t> codes(samples.size());
  EncodeMuLaw(samples, codes);
  return codes;
}

std::vector<int16_t> Linear(std::span<const uint8_t> codes) {
  std::vector<int16_t> samples(codes.size());
  DecodeMuLaw(codes, samples);
  return samples;
}

std::vector<int16_t> Play(MusicPlayer& player, size_t count) {
  std::vector<int16_t> out(count);
  player.Process(out);
  return out;
}

double DbOf(std::span<const int16_t> samples) {
  return 10 * std::log10(test::PowerOf(samples));
}

double LargestBend(std::span<const int16_t> samples) {
  double largest = 0;
  for (size_t i = 2; i < samples.size(); ++i) {
    largest =
        std::max(largest, std::abs(double{1} * samples[i] -
                                   2.0 * samples[i - 1] + samples[i - 2]));
  }
  return largest;
}

TEST(MusicPlayerTest, PlaysWhatItWasGivenOverAndOver) {
  const std::vector<uint8_t> music = MuLawOf(test::RandomSamples(30000, 1));
  const std::vector<int16_t> linear = Linear(music);
  MusicPlayer player({.mu_law = music});
  EXPECT_FALSE(player.playing());
  player.Play(0);
  const size_t round = music.size() - kSeam;
  const std::vector<int16_t> heard = Play(player, 3 * round);
  EXPECT_TRUE(std::equal(heard.begin(),
                         heard.begin() + static_cast<ptrdiff_t>(round),
                         linear.begin()));
  for (size_t from = round; from < heard.size(); from += round) {
    for (size_t i = kSeam; i < round; ++i) {
      ASSERT_EQ(heard[from + i], linear[i]) << from << " " << i;
    }
  }
}

TEST(MusicPlayerTest, TheSeamKeepsTheLevelOfWhatIsUnlike) {
  const std::vector<uint8_t> music = MuLawOf(test::NoiseSignal(40000, -200, 2));
  MusicPlayer player({.mu_law = music});
  player.Play(0);
  const std::vector<int16_t> heard = Play(player, 44000);
  const double level = DbOf(std::span(heard).first(36000));
  for (size_t at = 36000; at + 500 <= 40000; at += 500) {
    EXPECT_NEAR(DbOf(std::span(heard).subspan(at, 500)), level, 0.7) << at;
  }
}

// Real music, cut wherever: at the seam nothing bends more sharply than it does
// in what meets there, and the level is that of what meets, as far as the two
// are unlike.
TEST(MusicPlayerTest, SeamsOfMusicNeitherClickNorDip) {
  for (const auto& file : test::MusicFiles()) {
    const std::vector<int16_t> whole = test::ReadWavFile(file);
    for (size_t take = 1; take <= 6; ++take) {
      const auto samples =
          std::span(whole).subspan(take * whole.size() / 8, 64000);
      const std::vector<uint8_t> music = MuLawOf(samples);
      const std::vector<int16_t> linear = Linear(music);
      MusicPlayer player({.mu_law = music});
      player.Play(0);
      Play(player, 60000 - 2);
      const std::vector<int16_t> seam = Play(player, kSeam + 4);
      const auto tail = std::span(linear).subspan(60000, kSeam);
      const auto head = std::span(linear).first(kSeam);
      EXPECT_LE(LargestBend(seam),
                1.5 * std::max(LargestBend(tail), LargestBend(head)))
          << file << " " << take;
      // What equal power gives, from the two powers alone.
      double wanted = 0;
      double product = 0;
      for (size_t i = 0; i < kSeam; ++i) {
        const double at = 1.5707963 * static_cast<double>(i) / kSeam;
        const double from = std::cos(at) * tail[i];
        const double to = std::sin(at) * head[i];
        wanted += from * from + to * to;
        product += 2 * from * to;
      }
      const double db = DbOf(std::span(seam).subspan(2, kSeam)) -
                        10 * std::log10(wanted / kSeam);
      // What the music is alike by is its own, here as in any mix.
      EXPECT_NEAR(db, 10 * std::log10(1 + product / wanted), 0.1);
      EXPECT_GT(db, -1) << file << " " << take;
    }
  }
}

TEST(MusicPlayerTest, PauseKeepsThePosition) {
  const std::vector<uint8_t> music =
      MuLawOf(test::SineSignal(30000, 440, 8000, 8000));
  const std::vector<int16_t> linear = Linear(music);
  MusicPlayer player({.mu_law = music});
  player.Play(0);
  Play(player, 5000);
  player.Pause(100);
  const std::vector<int16_t> out = Play(player, 2000);
  EXPECT_FALSE(player.playing());
  EXPECT_EQ(player.position(), 5800U);
  EXPECT_NE(out[705], 0);
  for (size_t i = 800; i < out.size(); ++i) ASSERT_EQ(out[i], 0);
  player.Play(100);
  const std::vector<int16_t> in = Play(player, 2000);
  EXPECT_EQ(player.position(), 7800U);
  EXPECT_EQ(in[0], 0);
  for (size_t i = 800; i < in.size(); ++i) ASSERT_EQ(in[i], linear[5800 + i]);
  // Equal power, in and out.
  for (size_t i = 0; i < 800; i += 100) {
    const double angle = 1.5707963 * static_cast<double>(i) / 800;
    EXPECT_NEAR(in[i], linear[5800 + i] * std::sin(angle), 20);
    EXPECT_NEAR(out[i], linear[5000 + i] * std::cos(angle), 20);
  }
}

TEST(MusicPlayerTest, FadesDuckingAndTheirInterruptionsDoNotClick) {
  const std::vector<uint8_t> music =
      MuLawOf(test::SineSignal(30000, 300, 8000, 16000));
  const double steady = LargestBend(Linear(music));
  test::Random random(8);
  MusicPlayer player({.mu_law = music});
  std::vector<int16_t> heard;
  for (int i = 0; i < 300; ++i) {
    const int ms = 20 + static_cast<int>(random.Below(400));
    switch (random.Below(4)) {
      case 0:
        player.Pause(ms);
        break;
      case 1:
        player.Duck(static_cast<float>(random.Below(30)), ms);
        break;
      default:
        player.Play(ms);
    }
    const std::vector<int16_t> some = Play(player, 1 + random.Below(3000));
    heard.insert(heard.end(), some.begin(), some.end());
  }
  // The seam of a sine that does not fit adds some; a cut would add as much as
  // the sine's slope, 3770.
  EXPECT_LT(LargestBend(heard), 1.5 * steady + 16);
}

TEST(MusicPlayerTest, DuckingGoesDownByTheDecibelsAndComesBack) {
  const std::vector<uint8_t> music =
      MuLawOf(test::SineSignal(80000, 400, 8000, 16000));
  const std::vector<int16_t> linear = Linear(music);
  MusicPlayer player({.mu_law = music});
  player.Play(0);
  const double level = DbOf(Play(player, 4000));
  for (const float db : {6.0F, 20.0F, 12.5F, 0.0F}) {
    player.Duck(db, 50);
    Play(player, 400);
    EXPECT_NEAR(DbOf(Play(player, 4000)), level - double{db}, 0.05) << db;
  }
  const size_t at = player.position();
  const std::vector<int16_t> after = Play(player, 1000);
  EXPECT_TRUE(std::ranges::equal(after, std::span(linear).subspan(at, 1000)));
  // A pause lets the ramp go on.
  player.Pause(0);
  player.Duck(20, 1000);
  Play(player, 8000);
  player.Play(0);
  EXPECT_NEAR(DbOf(Play(player, 4000)), level - 20, 0.05);
}

TEST(MusicPlayerTest, ChunksMakeNoDifferenceAndACopyGoesOn) {
  const std::vector<uint8_t> music = MuLawOf(test::RandomSamples(9000, 3));
  const auto run = [&](size_t longest) {
    test::Random random(9);
    MusicPlayer player({.mu_law = music});
    std::vector<int16_t> heard;
    for (int step = 0; step < 60; ++step) {
      const int ms = static_cast<int>(random.Below(300));
      switch (random.Below(4)) {
        case 0:
          player.Pause(ms);
          break;
        case 1:
          player.Duck(static_cast<float>(random.Below(60)), ms);
          break;
        default:
          player.Play(ms);
      }
      std::vector<int16_t> out(1 + random.Below(5000));
      test::Random splits(random.Next());
      size_t at = 0;
      for (const size_t part : test::RandomSplit(
               out.size(), std::min(longest, out.size()), splits)) {
        MusicPlayer copy = player;
        copy.Process(std::span(out).subspan(at, part));
        player = copy;
        at += part;
      }
      heard.insert(heard.end(), out.begin(), out.end());
    }
    return heard;
  };
  const std::vector<int16_t> whole = run(100000);
  EXPECT_EQ(run(333), whole);
  EXPECT_EQ(run(3), whole);
}

TEST(MusicPlayerTest, ExtremesStayInRangeAndResetBeginsAnew) {
  // The lowest code: the seam would be 3 dB beyond full scale.
  const std::vector<uint8_t> music(9000, 0x00);
  MusicPlayer player({.mu_law = music});
  player.Play(10);
  const std::vector<int16_t> first = Play(player, 20000);
  for (size_t i = 80; i < first.size(); ++i) ASSERT_LT(first[i], -28000) << i;
  player.Duck(60, 10);
  Play(player, 777);
  player.Reset();
  EXPECT_FALSE(player.playing());
  EXPECT_EQ(Play(player, 3), std::vector<int16_t>(3));
  player.Play(10);
  EXPECT_EQ(Play(player, 20000), first);
}

TEST(MusicPlayerTest, WhatItCanPlayIsLongerThanTwoSeams) {
  const std::vector<uint8_t> music(8002, 0xFF);
  EXPECT_TRUE(MusicPlayer::CanPlay({.mu_law = music}));
  EXPECT_FALSE(MusicPlayer::CanPlay({.mu_law = std::span(music).first(8000)}));
  EXPECT_FALSE(MusicPlayer::CanPlay({}));
  EXPECT_FALSE(
      MusicPlayer::CanPlay({.mu_law = music, .sample_rate_hz = 11025}));
  EXPECT_FALSE(MusicPlayer::CanPlay({.mu_law = music, .seam_ms = 0}));
  EXPECT_FALSE(MusicPlayer::CanPlay({.mu_law = music, .seam_ms = 10001}));
}

}  // namespace
}  // namespace trunkline::audio
