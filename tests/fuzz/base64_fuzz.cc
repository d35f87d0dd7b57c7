// Base64 against a decoder that is written out plainly: the same bytes, and the
// same refusals.

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/check.h"

namespace {

std::optional<std::vector<uint8_t>> Plain(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 == 0 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    if (text.back() == '=') text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  std::vector<uint8_t> bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = c == '\0' ? kAlphabet.npos : kAlphabet.find(c);
    if (value == kAlphabet.npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<uint8_t>(bits >> count));
    }
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  std::vector<uint8_t> out(trunkline::Base64DecodedMaxSize(size));
  const auto count = trunkline::Base64Decode(text, out);
  const auto expected = Plain(text);
  TL_CHECK(count.has_value() == expected.has_value());
  if (count) {
    out.resize(*count);
    TL_CHECK(out == *expected);
  }
  std::string encoded(trunkline::Base64EncodedSize(size), '\0');
  TL_CHECK(trunkline::Base64Encode({bytes, size}, encoded.data()) ==
           encoded.size());
  TL_CHECK(Plain(encoded) == std::vector<uint8_t>(bytes, bytes + size));
  return 0;
}
