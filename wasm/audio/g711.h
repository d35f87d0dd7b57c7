#pragma once

#include <cstdint>
#include <span>

// ITU-T G.711: one byte a sample against 16-bit linear PCM, whose upper 14 bits
// (mu-law) or 13 bits (A-law) are the recommendation's. Exact for all 256 codes
// and all 65,536 values. A value that lies on one of the recommendation's
// decision values takes the code of the interval above it; an A-law value below
// zero, the code of the interval nearer to zero. spandsp does the same.
//
// Every function wants out.size() >= in.size(), writes in.size() elements and
// touches no more of `out`.

namespace trunkline::audio {

// Codes of linear zero. A-law has none: 0xD5 is +8 of 32,768.
inline constexpr uint8_t kMuLawSilence = 0xFF;
inline constexpr uint8_t kALawSilence = 0xD5;

void DecodeMuLaw(std::span<const uint8_t> in, std::span<int16_t> out);
void EncodeMuLaw(std::span<const int16_t> in, std::span<uint8_t> out);
void DecodeALaw(std::span<const uint8_t> in, std::span<int16_t> out);
void EncodeALaw(std::span<const int16_t> in, std::span<uint8_t> out);

}  // namespace trunkline::audio
