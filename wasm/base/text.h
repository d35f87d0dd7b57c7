#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace trunkline {

// As a == b, for what is compared fifty times a second: the C library of a wasm
// module compares byte by byte, and a call to it costs more than a key is long.
// A literal's length is known when it is compiled, and no loop is left.
inline bool Equal(std::string_view a, std::string_view b) {
  const size_t size = b.size();
  if (a.size() != size) return false;
  const auto differ = [&]<typename Word>(size_t at, Word) {
    Word left;
    Word right;
    std::memcpy(&left, a.data() + at, sizeof(left));
    std::memcpy(&right, b.data() + at, sizeof(right));
    return left != right;
  };
  // The last word overlaps the one before it.
  if (size >= 8) {
    for (size_t at = 0; at < size - 8; at += 8) {
      if (differ(at, uint64_t{})) return false;
    }
    return !differ(size - 8, uint64_t{});
  }
  if (size >= 4) return !differ(0, uint32_t{}) && !differ(size - 4, uint32_t{});
  for (size_t at = 0; at < size; ++at) {
    if (a[at] != b[at]) return false;
  }
  return true;
}

}  // namespace trunkline
