#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The golden vectors of the audio stages: each runs one stage over a fixed
// input and hashes every byte that comes out (FNV-1a, 64 bits). All builds of
// the core, native and wasm, with SIMD and without, have the same hashes.

namespace trunkline::test {

inline constexpr size_t kAudioVectors = 42;

// `which` is below kAudioVectors.
std::string_view AudioVectorName(size_t which);
uint64_t AudioVectorHash(size_t which);
// What the hash is known to be.
uint64_t AudioVectorGolden(size_t which);

}  // namespace trunkline::test
