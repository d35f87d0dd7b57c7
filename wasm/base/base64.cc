#include "base/base64.h"

#include <array>

namespace trunkline {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Above any six bits: three good characters and a bad one stay recognisable
// when all four are combined.
constexpr uint32_t kBad = 0x8000'0000;

constexpr std::array<uint32_t, 256> MakeValues() {
  std::array<uint32_t, 256> values{};
  values.fill(kBad);
  for (uint32_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = i;
  }
  return values;
}
constexpr std::array<uint32_t, 256> kValues = MakeValues();

uint32_t ValueOf(char c) { return kValues[static_cast<unsigned char>(c)]; }

}  // namespace

size_t Base64Encode(std::span<const uint8_t> in, char* out) {
  const char* const begin = out;
  size_t i = 0;
  for (; i + 3 <= in.size(); i += 3, out += 4) {
    const uint32_t group = static_cast<uint32_t>(in[i]) << 16 |
                           static_cast<uint32_t>(in[i + 1]) << 8 | in[i + 2];
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    out[2] = kAlphabet[group >> 6 & 63];
    out[3] = kAlphabet[group & 63];
  }
  const size_t rest = in.size() - i;
  if (rest > 0) {
    const uint32_t group =
        static_cast<uint32_t>(in[i]) << 16 |
        (rest == 2 ? static_cast<uint32_t>(in[i + 1]) << 8 : 0);
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    out[2] = rest == 2 ? kAlphabet[group >> 6 & 63] : '=';
    out[3] = '=';
    out += 4;
  }
  return static_cast<size_t>(out - begin);
}

std::optional<size_t> Base64Decode(std::string_view in,
                                   std::span<uint8_t> out) {
  // Padding only completes the last group.
  if (in.size() % 4 == 0) {
    for (int i = 0; i < 2 && !in.empty() && in.back() == '='; ++i) {
      in.remove_suffix(1);
    }
  }
  if (in.size() % 4 == 1) return std::nullopt;
  uint8_t* to = out.data();
  uint32_t all = 0;
  size_t i = 0;
  for (; i + 4 <= in.size(); i += 4, to += 3) {
    const uint32_t a = ValueOf(in[i]);
    const uint32_t b = ValueOf(in[i + 1]);
    const uint32_t c = ValueOf(in[i + 2]);
    const uint32_t d = ValueOf(in[i + 3]);
    all |= a | b | c | d;
    const uint32_t group = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<uint8_t>(group >> 16);
    to[1] = static_cast<uint8_t>(group >> 8);
    to[2] = static_cast<uint8_t>(group);
  }
  const size_t rest = in.size() - i;
  if (rest >= 2) {
    const uint32_t a = ValueOf(in[i]);
    const uint32_t b = ValueOf(in[i + 1]);
    const uint32_t c = rest == 3 ? ValueOf(in[i + 2]) : 0;
    all |= a | b | c;
    const uint32_t group = a << 18 | b << 12 | c << 6;
    *to++ = static_cast<uint8_t>(group >> 16);
    if (rest == 3) *to++ = static_cast<uint8_t>(group >> 8);
  }
  if ((all & kBad) != 0) return std::nullopt;
  return static_cast<size_t>(to - out.data());
}

}  // namespace trunkline
