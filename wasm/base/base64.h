#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

// Base64, RFC 4648 section 4: standard alphabet, no line breaks.

namespace trunkline {

// Characters that `bytes` bytes become, padding included.
constexpr size_t Base64EncodedSize(size_t bytes) { return (bytes + 2) / 3 * 4; }

// Bytes that `characters` characters can become at most.
constexpr size_t Base64DecodedMaxSize(size_t characters) {
  return (characters + 3) / 4 * 3;
}

// Writes Base64EncodedSize(in.size()) characters, padding included and no
// terminator, to `out`, which has room for them; returns how many.
size_t Base64Encode(std::span<const uint8_t> in, char* out);

// Writes the bytes of `in` to `out`, which has room for
// Base64DecodedMaxSize(in.size()) and does not overlap `in`; returns how many.
// Padding may be absent; the bits of the last character that are no part of a
// byte are ignored. nullopt for any other character, a padding that does not
// complete the last four characters, or an impossible length. `out` is then
// written to as well, and holds nothing of use behind the result.
std::optional<size_t> Base64Decode(std::string_view in, std::span<uint8_t> out);

}  // namespace trunkline
