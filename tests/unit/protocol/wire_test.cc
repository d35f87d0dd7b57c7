#include "protocol/wire.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace trunkline::protocol {
namespace {

TEST(WireTest, AMillisecondIsAsLongAsItsFormatMakesIt) {
  EXPECT_EQ(BytesOf({Encoding::kMuLaw, 8000}, 20), 160U);
  EXPECT_EQ(BytesOf({Encoding::kALaw, 16000}, 20), 320U);
  EXPECT_EQ(BytesOf({Encoding::kLinear16, 24000}, 20), 960U);
  EXPECT_EQ(BytesOf({Encoding::kLinear16Big, 48000}, 1), 96U);
}

TEST(WireTest, EncodingsHaveNamesOfTheirOwn) {
  const std::set<std::string> names = {
      ToString(Encoding::kMuLaw), ToString(Encoding::kALaw),
      ToString(Encoding::kLinear16), ToString(Encoding::kLinear16Big)};
  EXPECT_EQ(names,
            (std::set<std::string>{"mulaw", "alaw", "pcm16", "pcm16be"}));
}

TEST(WireTest, FaultsHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (size_t i = 0; i < kFaultCount; ++i) {
    names.insert(ToString(static_cast<Fault>(i)));
  }
  EXPECT_EQ(names.size(), kFaultCount);
  EXPECT_EQ(names.count("unknown"), 0U);
}

}  // namespace
}  // namespace trunkline::protocol
