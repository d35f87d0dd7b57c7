#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// The file system of the recogniser's library: a few files that lie in memory,
// for reading. Anything else does not exist.

namespace trunkline::speech {

inline constexpr size_t kMaxMemoryFiles = 12;
inline constexpr size_t kMaxMemoryFileName = 32;

// Makes `bytes` a file, in the place of the one that has the name. The bytes
// are borrowed until the file is another or removed. Preconditions: not empty;
// at most kMaxMemoryFiles files, of names up to kMaxMemoryFileName bytes.
void PutMemoryFile(std::string_view name, std::span<const uint8_t> bytes);
void RemoveMemoryFile(std::string_view name);

}  // namespace trunkline::speech
