#include "base/base64.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline {
namespace {

std::vector<uint8_t> RandomBytes(size_t size, test::Random& random) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next() >> 40);
  return bytes;
}

std::string Encoded(std::span<const uint8_t> bytes) {
  // Exactly as large as promised, so that a sanitizer sees any excess.
  std::vector<char> text(Base64EncodedSize(bytes.size()));
  EXPECT_EQ(Base64Encode(bytes, text.data()), text.size());
  return {text.begin(), text.end()};
}

std::optional<std::vector<uint8_t>> Decoded(std::string_view text) {
  const std::vector<char> exact(text.begin(), text.end());
  std::vector<uint8_t> bytes(Base64DecodedMaxSize(text.size()));
  const std::optional<size_t> size =
      Base64Decode({exact.data(), exact.size()}, bytes);
  if (!size) return std::nullopt;
  EXPECT_LE(*size, bytes.size());
  bytes.resize(*size);
  return bytes;
}

std::vector<uint8_t> Bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

TEST(Base64Test, VectorsOfRfc4648) {
  const char* const known[][2] = {{"", ""},
                                  {"f", "Zg=="},
                                  {"fo", "Zm8="},
                                  {"foo", "Zm9v"},
                                  {"foob", "Zm9vYg=="},
                                  {"fooba", "Zm9vYmE="},
                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : known) {
    EXPECT_EQ(Encoded(Bytes(plain)), text);
    EXPECT_EQ(Decoded(text), Bytes(plain));
  }
}

TEST(Base64Test, EveryLengthAgreesWithTheSlowTwin) {
  test::Random random(1);
  for (size_t size = 0; size < 400; ++size) {
    const std::vector<uint8_t> bytes = RandomBytes(size, random);
    const std::string text = Encoded(bytes);
    ASSERT_EQ(text, test::ReferenceBase64Encode(bytes)) << size;
    ASSERT_EQ(Decoded(text), bytes) << size;
    const std::string unpadded = text.substr(0, text.find('='));
    ASSERT_EQ(Decoded(unpadded), bytes) << size;
  }
}

TEST(Base64Test, EveryValueInEveryPlace) {
  for (size_t value = 0; value < 256; ++value) {
    const std::vector<uint8_t> bytes(100, static_cast<uint8_t>(value));
    const std::string text = Encoded(bytes);
    ASSERT_EQ(text, test::ReferenceBase64Encode(bytes));
    ASSERT_EQ(Decoded(text), bytes);
  }
}

TEST(Base64Test, EveryForeignCharacterIsRefusedInEveryPlace) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  test::Random random(2);
  // Long enough for whole steps of SIMD and for what they leave over.
  const std::string text = Encoded(RandomBytes(42, random));
  for (size_t at = 0; at < text.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      const char foreign = static_cast<char>(c);
      std::string changed = text;
      changed[at] = foreign;
      const bool padding = foreign == '=' && at + 1 == text.size();
      if (kAlphabet.find(foreign) != std::string_view::npos || padding) {
        ASSERT_EQ(Decoded(changed), test::ReferenceBase64Decode(changed));
        ASSERT_TRUE(Decoded(changed).has_value());
      } else {
        ASSERT_EQ(Decoded(changed), std::nullopt) << at << " " << c;
      }
    }
  }
}

TEST(Base64Test, ImpossibleLengthsAreRefused) {
  for (size_t size = 1; size < 100; size += 4) {
    EXPECT_EQ(Decoded(std::string(size, 'A')), std::nullopt) << size;
  }
}

TEST(Base64Test, PaddingOnlyCompletesTheLastFour) {
  for (const std::string_view text :
       {"=", "==", "===", "====", "A=", "A==", "A===", "AA=", "AAA==", "AAAA=",
        "AAAA==", "AAAA====", "AA==AAAA", "A=AA", "AA=A", "AAAAA==="}) {
    EXPECT_EQ(Decoded(text), std::nullopt) << text;
  }
  EXPECT_EQ(Decoded("AA=="), Bytes(std::string_view("\0", 1)));
  EXPECT_EQ(Decoded("AAA="), Bytes(std::string_view("\0\0", 2)));
}

TEST(Base64Test, BitsBehindTheLastByteAreIgnored) {
  for (const std::string_view text : {"Zg==", "Zh==", "Zv==", "Zv"}) {
    EXPECT_EQ(Decoded(text), Bytes("f")) << text;
  }
  EXPECT_EQ(Decoded("Zm9="), Bytes("fo"));
}

// Any text at all: the fast path and the twin agree on what is valid.
TEST(Base64Test, RandomTextAgreesWithTheSlowTwin) {
  constexpr std::string_view kMostlyGood = "ABCxyz019+/AAAAAAAAAAAAAAAAA=";
  test::Random random(3);
  int valid = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random.Below(40), 'A');
    for (char& c : text) c = kMostlyGood[random.Below(kMostlyGood.size())];
    const auto expected = test::ReferenceBase64Decode(text);
    valid += expected.has_value() ? 1 : 0;
    ASSERT_EQ(Decoded(text), expected) << text;
  }
  EXPECT_GT(valid, 1000);
}

TEST(Base64Test, SizesAreThoseOfTheWork) {
  EXPECT_EQ(Base64EncodedSize(0), 0U);
  EXPECT_EQ(Base64EncodedSize(1), 4U);
  EXPECT_EQ(Base64EncodedSize(160), 216U);
  EXPECT_EQ(Base64DecodedMaxSize(216), 162U);
  EXPECT_EQ(Base64DecodedMaxSize(2), 3U);
}

TEST(Base64DeathTest, OutputThatIsTooShortIsRefused) {
  std::vector<uint8_t> bytes(2);
  EXPECT_DEATH(Base64Decode("AAAA", bytes), "");
}

}  // namespace
}  // namespace trunkline
