#include "media/transcoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/world/sound.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

constexpr AudioFormat kMuLaw{Encoding::kMuLaw, 8000};

std::vector<uint8_t> Bytes(size_t count, uint8_t value) {
  return std::vector<uint8_t>(count, value);
}

// Trap 15: 16-bit samples cut anywhere, also in the middle, are the same.
TEST(TranscoderTest, PcmCutAtEveryByteIsTheSame) {
  const AudioFormat pcm{Encoding::kLinear16, 24000};
  std::vector<uint8_t> in;
  for (int i = 0; i < 4801; ++i) {
    in.push_back(static_cast<uint8_t>((i * 7919) >> 3));
  }
  Transcoder whole(pcm, kMuLaw);
  const auto result = whole.Process(in);
  const std::vector<uint8_t> expected(result.begin(), result.end());
  for (const size_t cut : {1U, 2U, 3U, 5U, 479U, 481U}) {
    Transcoder split(pcm, kMuLaw);
    std::vector<uint8_t> out;
    for (size_t at = 0; at < in.size(); at += cut) {
      const auto part = split.Process(std::span<const uint8_t>(in).subspan(
          at, std::min(cut, in.size() - at)));
      out.insert(out.end(), part.begin(), part.end());
    }
    EXPECT_EQ(out, expected) << cut;
  }
}

TEST(TranscoderTest, EqualFormatsPassThroughUncopied) {
  Transcoder transcoder(kMuLaw, kMuLaw);
  const std::vector<uint8_t> in = Bytes(160, 3);
  EXPECT_EQ(transcoder.Process(in).data(), in.data());
}

}  // namespace
}  // namespace trunkline::media
