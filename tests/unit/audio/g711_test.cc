#include "audio/g711.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace trunkline::audio {
namespace {

// The slow twins: the decision values of ITU-T G.711, tables 1 and 2, scaled to
// 16 bits and walked step by step. Interval k of a magnitude begins at value k
// and ends before value k + 1; the last one never ends.

// Mu-law: 0, 4, then 15 steps of 8, then 16 steps each of 16, 32, ... 1024.
std::vector<int> MuLawDecisions() {
  std::vector<int> decisions = {0, 4};
  for (int i = 0; i < 15; ++i) decisions.push_back(decisions.back() + 8);
  for (int step = 16; step <= 1024; step *= 2) {
    for (int i = 0; i < 16; ++i) decisions.push_back(decisions.back() + step);
  }
  return decisions;
}

// A-law: 32 steps of 16, then 16 steps each of 32, 64, ... 1024.
std::vector<int> ALawDecisions() {
  std::vector<int> decisions = {0};
  for (int i = 0; i < 32; ++i) decisions.push_back(decisions.back() + 16);
  for (int step = 32; step <= 1024; step *= 2) {
    for (int i = 0; i < 16; ++i) decisions.push_back(decisions.back() + step);
  }
  return decisions;
}

// A code's value lies midway between the decision values of its interval; the
// two codes of mu-law's first interval are zero.
int16_t ReferenceMuLaw(uint8_t code) {
  const std::vector<int> decisions = MuLawDecisions();
  const auto interval = static_cast<size_t>(0x7F - (code & 0x7F));
  const int magnitude =
      interval == 0 ? 0 : (decisions[interval] + decisions[interval + 1]) / 2;
  return static_cast<int16_t>((code & 0x80) != 0 ? magnitude : -magnitude);
}

int16_t ReferenceALaw(uint8_t code) {
  const std::vector<int> decisions = ALawDecisions();
  const int even = code ^ 0x55;
  const auto interval = static_cast<size_t>(even & 0x7F);
  const int magnitude = (decisions[interval] + decisions[interval + 1]) / 2;
  return static_cast<int16_t>((even & 0x80) != 0 ? magnitude : -magnitude);
}

int16_t DecodeOne(void (*decode)(std::span<const uint8_t>, std::span<int16_t>),
                  uint8_t code) {
  int16_t value = 0;
  decode({&code, 1}, {&value, 1});
  return value;
}

TEST(G711Test, DecodesEveryCodeAsTheTablesSay) {
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<uint8_t>(code);
    EXPECT_EQ(DecodeOne(DecodeMuLaw, byte), ReferenceMuLaw(byte)) << code;
    EXPECT_EQ(DecodeOne(DecodeALaw, byte), ReferenceALaw(byte)) << code;
  }
}

// Every one of the 65,536 values gets the code of its interval. A value on a
// decision value belongs to the larger magnitude; in A-law, whose negative side
// is the one's complement of the positive, -1 - m mirrors m.
TEST(G711Test, EncodesEveryValueIntoItsInterval) {
  std::vector<int16_t> values(65536);
  for (int i = 0; i < 65536; ++i) {
    values[static_cast<size_t>(i)] = static_cast<int16_t>(i - 32768);
  }
  std::vector<uint8_t> mu(values.size());
  std::vector<uint8_t> a(values.size());
  EncodeMuLaw(values, mu);
  EncodeALaw(values, a);
  const std::vector<int> mu_decisions = MuLawDecisions();
  const std::vector<int> a_decisions = ALawDecisions();
  int mu_interval = 0;
  int a_interval = 0;
  for (int magnitude = 0; magnitude <= 32767; ++magnitude) {
    while (mu_interval < 127 &&
           magnitude >= mu_decisions[static_cast<size_t>(mu_interval) + 1]) {
      ++mu_interval;
    }
    while (a_interval < 127 &&
           magnitude >= a_decisions[static_cast<size_t>(a_interval) + 1]) {
      ++a_interval;
    }
    ASSERT_EQ(mu[static_cast<size_t>(32768 + magnitude)], 0xFF - mu_interval)
        << magnitude;
    if (magnitude > 0) {
      ASSERT_EQ(mu[static_cast<size_t>(32768 - magnitude)], 0x7F - mu_interval)
          << -magnitude;
    }
    ASSERT_EQ(a[static_cast<size_t>(32768 + magnitude)],
              (0x80 | a_interval) ^ 0x55)
        << magnitude;
    ASSERT_EQ(a[static_cast<size_t>(32767 - magnitude)], a_interval ^ 0x55)
        << -1 - magnitude;
  }
  EXPECT_EQ(mu[0], 0x00);
}

TEST(G711Test, KnownValues) {
  const std::pair<int16_t, uint8_t> vectors[] = {
      {0, 0xFF}, {1000, 0xCE}, {-1000, 0x4E}, {32767, 0x80}, {-32768, 0x00}};
  for (const auto& [value, code] : vectors) {
    uint8_t encoded = 0;
    EncodeMuLaw({&value, 1}, {&encoded, 1});
    EXPECT_EQ(encoded, code) << value;
  }
  const int16_t zero = 0;
  uint8_t encoded = 0;
  EncodeALaw({&zero, 1}, {&encoded, 1});
  EXPECT_EQ(encoded, kALawSilence);
}

// Code to value to code is the identity, but for mu-law's second zero.
TEST(G711Test, EveryCodeSurvivesARoundTrip) {
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<uint8_t>(code);
    const int16_t mu = DecodeOne(DecodeMuLaw, byte);
    const int16_t a = DecodeOne(DecodeALaw, byte);
    uint8_t again = 0;
    EncodeMuLaw({&mu, 1}, {&again, 1});
    EXPECT_EQ(again, byte == 0x7F ? 0xFF : byte);
    EncodeALaw({&a, 1}, {&again, 1});
    EXPECT_EQ(again, byte);
  }
}

}  // namespace
}  // namespace trunkline::audio
