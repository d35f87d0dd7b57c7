#include "media/heard_track.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

constexpr int kFrame = 160;

std::vector<int16_t> Read(const HeardTrack& track, int64_t position) {
  // What is not written would be seen.
  std::vector<int16_t> out(kFrame, int16_t{77});
  track.Read(position, out);
  return out;
}

bool IsSilent(const std::vector<int16_t>& samples) {
  return std::all_of(samples.begin(), samples.end(),
                     [](int16_t sample) { return sample == 0; });
}

// A session that begins with its stream gets audio whose begin lies before the
// clock's zero: what lay in front of the track's memory was read.
TEST(HeardTrackTest, BeforeTheClocksZeroIsSilence) {
  for (const Encoding encoding : {Encoding::kMuLaw, Encoding::kLinear16}) {
    HeardTrack track(AudioFormat{encoding, 8000});
    for (const int64_t position : {-1, -40, -kFrame, -17'600, -1'000'000}) {
      EXPECT_TRUE(IsSilent(Read(track, position))) << position;
    }
    EXPECT_EQ(-40, track.PositionAt(Instant() - Duration::Millis(5)));
  }
}

TEST(HeardTrackTest, WhatIsPlayedFromZeroOnIsHeardWhereItIs) {
  HeardTrack track(AudioFormat{Encoding::kMuLaw, 8000});
  track.Play(std::vector<uint8_t>(kFrame, 0x80), Instant());
  const std::vector<int16_t> heard = Read(track, -40);
  EXPECT_TRUE(IsSilent({heard.begin(), heard.begin() + 40}));
  EXPECT_TRUE(std::all_of(heard.begin() + 40, heard.end(),
                          [](int16_t sample) { return sample > 30'000; }));
}

}  // namespace
}  // namespace trunkline::media
