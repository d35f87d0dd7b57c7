#include "audio/g711.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "support/audio_reference.h"

namespace trunkline::audio {
namespace {

std::vector<uint8_t> AllCodes() {
  std::vector<uint8_t> codes(256);
  std::iota(codes.begin(), codes.end(), uint8_t{0});
  return codes;
}

std::vector<int16_t> AllSamples() {
  std::vector<int16_t> samples(65536);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(static_cast<int>(i) - 32768);
  }
  return samples;
}

TEST(MuLawTest, EveryCodeDecodesAsTheTablesSay) {
  const std::vector<uint8_t> codes = AllCodes();
  std::vector<int16_t> samples(codes.size());
  DecodeMuLaw(codes, samples);
  for (size_t i = 0; i < codes.size(); ++i) {
    ASSERT_EQ(samples[i], test::ReferenceDecodeMuLaw(codes[i])) << i;
  }
}

TEST(MuLawTest, EverySampleEncodesAsTheTablesSay) {
  const std::vector<int16_t> samples = AllSamples();
  std::vector<uint8_t> codes(samples.size());
  EncodeMuLaw(samples, codes);
  for (size_t i = 0; i < samples.size(); ++i) {
    ASSERT_EQ(codes[i], test::ReferenceEncodeMuLaw(samples[i])) << samples[i];
  }
}

TEST(MuLawTest, KnownValues) {
  const std::vector<std::pair<int16_t, uint8_t>> known = {
      {0, kMuLawSilence}, {1000, 0xCE},   {-1000, 0x4E},
      {32767, 0x80},      {-32768, 0x00}, {-1, 0x7F}};
  for (const auto& [sample, code] : known) {
    uint8_t encoded = 0;
    EncodeMuLaw({&sample, 1}, {&encoded, 1});
    EXPECT_EQ(encoded, code) << sample;
  }
  const std::vector<std::pair<uint8_t, int16_t>> decoded = {
      {0xFF, 0}, {0x7F, 0}, {0x80, 32124}, {0x00, -32124}, {0xCE, 988}};
  for (const auto& [code, sample] : decoded) {
    int16_t out = 1;
    DecodeMuLaw({&code, 1}, {&out, 1});
    EXPECT_EQ(out, sample) << int{code};
  }
}

TEST(MuLawTest, CodesSurviveThereAndBackExceptNegativeZero) {
  const std::vector<uint8_t> codes = AllCodes();
  std::vector<int16_t> samples(codes.size());
  std::vector<uint8_t> again(codes.size());
  DecodeMuLaw(codes, samples);
  EncodeMuLaw(samples, again);
  for (size_t i = 0; i < codes.size(); ++i) {
    EXPECT_EQ(again[i], codes[i] == 0x7F ? kMuLawSilence : codes[i]);
  }
}

TEST(ALawTest, EveryCodeDecodesAsTheTablesSay) {
  const std::vector<uint8_t> codes = AllCodes();
  std::vector<int16_t> samples(codes.size());
  DecodeALaw(codes, samples);
  for (size_t i = 0; i < codes.size(); ++i) {
    ASSERT_EQ(samples[i], test::ReferenceDecodeALaw(codes[i])) << i;
  }
}

TEST(ALawTest, EverySampleEncodesAsTheTablesSay) {
  const std::vector<int16_t> samples = AllSamples();
  std::vector<uint8_t> codes(samples.size());
  EncodeALaw(samples, codes);
  for (size_t i = 0; i < samples.size(); ++i) {
    ASSERT_EQ(codes[i], test::ReferenceEncodeALaw(samples[i])) << samples[i];
  }
}

TEST(ALawTest, KnownValues) {
  const std::vector<std::pair<int16_t, uint8_t>> known = {
      {0, kALawSilence}, {-1, 0x55},    {1000, 0xFA},
      {-1000, 0x7A},     {32767, 0xAA}, {-32768, 0x2A}};
  for (const auto& [sample, code] : known) {
    uint8_t encoded = 0;
    EncodeALaw({&sample, 1}, {&encoded, 1});
    EXPECT_EQ(encoded, code) << sample;
  }
  const std::vector<std::pair<uint8_t, int16_t>> decoded = {
      {kALawSilence, 8}, {0x55, -8}, {0xAA, 32256}, {0x2A, -32256}};
  for (const auto& [code, sample] : decoded) {
    int16_t out = 1;
    DecodeALaw({&code, 1}, {&out, 1});
    EXPECT_EQ(out, sample) << int{code};
  }
}

TEST(ALawTest, EveryCodeSurvivesThereAndBack) {
  const std::vector<uint8_t> codes = AllCodes();
  std::vector<int16_t> samples(codes.size());
  std::vector<uint8_t> again(codes.size());
  DecodeALaw(codes, samples);
  EncodeALaw(samples, again);
  EXPECT_EQ(again, codes);
}

// Loops that work on several samples at once have a part that does not.
TEST(G711Test, AnyLengthIsTreatedAlikeAndNothingBehindItIsWritten) {
  constexpr uint8_t kUntouchedCode = 0xA5;
  constexpr int16_t kUntouchedSample = 12345;
  for (size_t size = 0; size < 70; ++size) {
    std::vector<uint8_t> codes(size);
    for (size_t i = 0; i < size; ++i) codes[i] = static_cast<uint8_t>(i * 37);
    std::vector<int16_t> mu_law(size + 8, kUntouchedSample);
    std::vector<int16_t> a_law(size + 8, kUntouchedSample);
    DecodeMuLaw(codes, mu_law);
    DecodeALaw(codes, a_law);
    std::vector<uint8_t> mu_law_codes(size + 16, kUntouchedCode);
    std::vector<uint8_t> a_law_codes(size + 16, kUntouchedCode);
    EncodeMuLaw(std::span(mu_law).first(size), mu_law_codes);
    EncodeALaw(std::span(a_law).first(size), a_law_codes);
    for (size_t i = 0; i < size; ++i) {
      ASSERT_EQ(mu_law[i], test::ReferenceDecodeMuLaw(codes[i]));
      ASSERT_EQ(a_law[i], test::ReferenceDecodeALaw(codes[i]));
      ASSERT_EQ(mu_law_codes[i], test::ReferenceEncodeMuLaw(mu_law[i]));
      ASSERT_EQ(a_law_codes[i], codes[i]);
    }
    for (size_t i = size; i < size + 8; ++i) {
      ASSERT_EQ(mu_law[i], kUntouchedSample);
      ASSERT_EQ(a_law[i], kUntouchedSample);
      ASSERT_EQ(mu_law_codes[i], kUntouchedCode);
      ASSERT_EQ(a_law_codes[i], kUntouchedCode);
    }
  }
}

TEST(G711DeathTest, OutputThatIsTooShortIsRefused) {
  const std::vector<uint8_t> codes(3);
  std::vector<int16_t> samples(2);
  EXPECT_DEATH(DecodeMuLaw(codes, samples), "");
  EXPECT_DEATH(DecodeALaw(codes, samples), "");
}

}  // namespace
}  // namespace trunkline::audio
