#include "support/audio_vectors.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace trunkline {
namespace {

// A change here means that the stage's output has changed; the module's builds
// are held to the same hashes.
TEST(AudioVectorsTest, EveryStageGivesItsGoldenBytes) {
  for (size_t which = 0; which < test::kAudioVectors; ++which) {
    EXPECT_EQ(test::AudioVectorHash(which), test::AudioVectorGolden(which))
        << test::AudioVectorName(which) << ": 0x" << std::hex
        << test::AudioVectorHash(which);
  }
}

}  // namespace
}  // namespace trunkline
