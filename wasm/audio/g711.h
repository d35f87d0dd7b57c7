#pragma once

#include <cstdint>
#include <span>

// ITU-T G.711 at 8 kHz: one byte a sample against 16-bit linear PCM, where the
// 14 bits (mu-law) and 13 bits (A-law) of the recommendation are the upper
// ones. Exact for all 256 codes and all 65,536 values; ties round as the
// recommendation's decision values say, and as spandsp does.
//
// Every function wants out.size() >= in.size() and touches no more of `out`.

namespace trunkline::audio {

// Codes of linear zero.
inline constexpr uint8_t kMuLawSilence = 0xFF;
inline constexpr uint8_t kALawSilence = 0xD5;

void DecodeMuLaw(std::span<const uint8_t> in, std::span<int16_t> out);
void EncodeMuLaw(std::span<const int16_t> in, std::span<uint8_t> out);
void DecodeALaw(std::span<const uint8_t> in, std::span<int16_t> out);
void EncodeALaw(std::span<const int16_t> in, std::span<uint8_t> out);

}  // namespace trunkline::audio
