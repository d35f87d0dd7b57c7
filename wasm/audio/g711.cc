#include "audio/g711.h"

#include <array>

#include "base/check.h"

namespace trunkline::audio {
namespace {

// Mu-law adds this to a magnitude, so that all segments have the same form.
constexpr int kBias = 132;
// The largest magnitude that has a code: 14 bits of the recommendation less
// the bias.
constexpr int kMuLawClip = 32635;

constexpr int16_t MuLawValue(uint8_t code) {
  const int inverted = ~code & 0xFF;
  const int segment = inverted >> 4 & 7;
  const int magnitude = (((inverted & 15) << 3) + kBias) << segment;
  return static_cast<int16_t>((inverted & 0x80) != 0 ? kBias - magnitude
                                                     : magnitude - kBias);
}

constexpr int16_t ALawValue(uint8_t code) {
  const int even = code ^ 0x55;
  const int segment = even >> 4 & 7;
  int magnitude = (even & 15) << 4;
  magnitude =
      segment == 0 ? magnitude + 8 : (magnitude + 0x108) << (segment - 1);
  return static_cast<int16_t>((even & 0x80) != 0 ? magnitude : -magnitude);
}

template <int16_t (*kValue)(uint8_t)>
constexpr std::array<int16_t, 256> MakeTable() {
  std::array<int16_t, 256> table{};
  for (int code = 0; code < 256; ++code) {
    table[static_cast<size_t>(code)] = kValue(static_cast<uint8_t>(code));
  }
  return table;
}
constexpr std::array<int16_t, 256> kMuLaw = MakeTable<MuLawValue>();
constexpr std::array<int16_t, 256> kALaw = MakeTable<ALawValue>();

// Segment and step of a magnitude in [128, 32767], as segment << 4 | step: the
// exponent and the upper four bits of the fraction, which a float has side by
// side. Exact, since such integers are exact in a float, and free of branches
// and variable shifts, so that compilers make SIMD of the loops below. (libc++
// 14 has no std::bit_cast.)
uint32_t SegmentAndStep(int magnitude) {
  constexpr uint32_t kExponentOf128 = (127 + 7) << 4;
  return (__builtin_bit_cast(uint32_t, static_cast<float>(magnitude)) >> 19) -
         kExponentOf128;
}

void Decode(const std::array<int16_t, 256>& table, std::span<const uint8_t> in,
            std::span<int16_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) out[i] = table[in[i]];
}

}  // namespace

void DecodeMuLaw(std::span<const uint8_t> in, std::span<int16_t> out) {
  Decode(kMuLaw, in, out);
}

void DecodeALaw(std::span<const uint8_t> in, std::span<int16_t> out) {
  Decode(kALaw, in, out);
}

void EncodeMuLaw(std::span<const int16_t> in, std::span<uint8_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const int sample = in[i];
    int magnitude = sample < 0 ? -sample : sample;
    magnitude = (magnitude > kMuLawClip ? kMuLawClip : magnitude) + kBias;
    const uint32_t sign = sample < 0 ? 0x7F : 0xFF;
    out[i] = static_cast<uint8_t>(SegmentAndStep(magnitude) ^ sign);
  }
}

void EncodeALaw(std::span<const int16_t> in, std::span<uint8_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const int sample = in[i];
    const int magnitude = sample < 0 ? -sample - 1 : sample;
    // The first two segments have the same step; below 256 it is linear.
    const uint32_t linear = static_cast<uint32_t>(magnitude) >> 4;
    const uint32_t code = magnitude < 256 ? linear : SegmentAndStep(magnitude);
    const uint32_t sign = sample < 0 ? 0x55 : 0xD5;
    out[i] = static_cast<uint8_t>(code ^ sign);
  }
}

}  // namespace trunkline::audio
