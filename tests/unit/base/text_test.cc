#include "base/text.h"

#include <gtest/gtest.h>

#include <string>

namespace trunkline {
namespace {

TEST(Equal, AgreesWithTheLibraryForEachLengthAndPlaceOfADifference) {
  const std::string text = "the quick brown fox jumps over a lazy dog";
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string same = text.substr(0, size);
    EXPECT_TRUE(Equal(text.substr(0, size), same));
    EXPECT_FALSE(Equal(text.substr(0, size), same + "!"));
    EXPECT_FALSE(Equal(same + "!", text.substr(0, size)));
    for (size_t at = 0; at < size; ++at) {
      std::string other = same;
      other[at] ^= 1;
      EXPECT_FALSE(Equal(same, other)) << size << " bytes, " << at;
    }
  }
}

TEST(Equal, TakesEmptyViews) {
  EXPECT_TRUE(Equal({}, ""));
  EXPECT_FALSE(Equal({}, "a"));
  EXPECT_FALSE(Equal("a", {}));
}

}  // namespace
}  // namespace trunkline
