#include "abi/effect_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "abi/trunkline.h"

namespace trunkline::abi {
namespace {

TEST(EffectEncoderTest, PagesOfTheRecordingKeepTheirGranuleAndBytes) {
  EffectEncoder encoder;
  const std::vector<uint8_t> pages = {'O', 'g', 'g', 'S', 0, 2, 255};
  constexpr int64_t kGranule = int64_t{48'000} * 3600 * 24 + 312;
  encoder.Record(kGranule, pages);
  const std::vector<uint8_t> bytes(encoder.pending().begin(),
                                   encoder.pending().end());
  ASSERT_EQ(bytes.size(), 24U);
  EXPECT_EQ(bytes[0], TL_EFFECT_RECORD);
  EXPECT_EQ(bytes[4], pages.size());
  uint64_t granule = 0;
  for (size_t i = 0; i < 8; ++i) {
    granule |= uint64_t{bytes[8 + i]} << (8 * i);
  }
  EXPECT_EQ(granule, static_cast<uint64_t>(kGranule));
  EXPECT_TRUE(std::equal(pages.begin(), pages.end(), bytes.begin() + 16));
  EXPECT_EQ(bytes[23], 0) << "padding";
  encoder.Consume(bytes.size());
  EXPECT_TRUE(encoder.pending().empty());
}

}  // namespace
}  // namespace trunkline::abi
