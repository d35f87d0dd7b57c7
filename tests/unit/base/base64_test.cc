#include "base/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline {
namespace {

std::string Encode(const std::vector<uint8_t>& bytes) {
  std::string text(Base64EncodedSize(bytes.size()), '?');
  EXPECT_EQ(Base64Encode(bytes, text.data()), text.size());
  return text;
}

std::optional<std::vector<uint8_t>> Decode(std::string_view text) {
  std::vector<uint8_t> bytes(Base64DecodedMaxSize(text.size()));
  const std::optional<size_t> size = Base64Decode(text, bytes);
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

// RFC 4648 section 10.
TEST(Base64Test, KnowsTheVectorsOfTheRfc) {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    const std::vector<uint8_t> bytes(plain.begin(), plain.end());
    EXPECT_EQ(Encode(bytes), encoded);
    EXPECT_EQ(Decode(encoded), bytes);
  }
}

TEST(Base64Test, RoundTripsEveryLengthWithAndWithoutPadding) {
  uint32_t random = 1;
  for (size_t length = 0; length < 400; ++length) {
    std::vector<uint8_t> bytes(length);
    for (uint8_t& byte : bytes) {
      random = random * 1664525 + 1013904223;
      byte = static_cast<uint8_t>(random >> 24);
    }
    std::string text = Encode(bytes);
    EXPECT_EQ(Decode(text), bytes);
    while (!text.empty() && text.back() == '=') text.pop_back();
    EXPECT_EQ(Decode(text), bytes);
  }
}

TEST(Base64Test, RejectsEveryOtherCharacterAtEveryPlace) {
  const std::string good = "QUJDREVGR0hJSktM";
  for (int c = 0; c < 256; ++c) {
    const char bad = static_cast<char>(c);
    const bool in_alphabet = std::isalnum(c) != 0 || c == '+' || c == '/';
    for (size_t i = 0; i < good.size(); ++i) {
      std::string text = good;
      text[i] = bad;
      // '=' in the last place is padding.
      if (bad == '=' && i == good.size() - 1) continue;
      EXPECT_EQ(Decode(text).has_value(), in_alphabet) << c << " at " << i;
    }
  }
}

TEST(Base64Test, RejectsImpossibleLengths) {
  for (const char* text : {"A", "AAAAA", "A===", "====", "AA=A", "AAA=="}) {
    EXPECT_FALSE(Decode(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace trunkline
