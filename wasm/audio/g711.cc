#include "audio/g711.h"

#include "base/check.h"

namespace trunkline::audio {
namespace {

// A code is a sign, a segment (an exponent) and a step (four bits of fraction):
// a small floating-point number. The processor's own conversions between
// integer and float therefore do the work, exactly, since the integers here
// have at most 16 bits, and without branches, tables or variable shifts, so
// that compilers make SIMD of every loop below. (libc++ 14 has no
// std::bit_cast.)

// Mu-law adds this to a magnitude, so that all segments have the same form.
constexpr int kBias = 132;
// The largest magnitude that has a code: 15 bits less the bias.
constexpr int kMuLawClip = 32767 - kBias;
// A-law's first two segments have the same step: below this, it is linear.
constexpr int kALawLinear = 256;

// Segment 0 starts at 128, and the steps are the upper four bits of the
// fraction, which follow the exponent.
constexpr uint32_t kExponentOf128 = (127 + 7) << 4;
constexpr int kStepShift = 23 - 4;
// A code stands for the middle of its step.
constexpr uint32_t kHalfStep = 1U << (kStepShift - 1);

// Segment and step of a magnitude in [128, 32767], as segment << 4 | step.
inline uint32_t StepOf(int magnitude) {
  const auto bits = __builtin_bit_cast(uint32_t, static_cast<float>(magnitude));
  return (bits >> kStepShift) - kExponentOf128;
}

// The middle of a step, [132, 32256].
inline int MiddleOf(uint32_t step) {
  const uint32_t bits = ((step + kExponentOf128) << kStepShift) + kHalfStep;
  return static_cast<int>(__builtin_bit_cast(float, bits));
}

}  // namespace

void DecodeMuLaw(std::span<const uint8_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const uint32_t inverted = in[i] ^ 0xFFU;
    const int magnitude = MiddleOf(inverted & 0x7F) - kBias;
    out[i] = static_cast<int16_t>(inverted >= 0x80 ? -magnitude : magnitude);
  }
}

void DecodeALaw(std::span<const uint8_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    // The recommendation inverts the even bits on the line.
    const uint32_t code = in[i] ^ 0x55U;
    const uint32_t step = code & 0x7F;
    const int linear = static_cast<int>(step << 4 | 8);
    const int magnitude = step < 16 ? linear : MiddleOf(step);
    out[i] = static_cast<int16_t>(code >= 0x80 ? magnitude : -magnitude);
  }
}

void EncodeMuLaw(std::span<const int16_t> in, std::span<uint8_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const int sample = in[i];
    const int magnitude = sample < 0 ? -sample : sample;
    const int clipped = magnitude > kMuLawClip ? kMuLawClip : magnitude;
    const uint32_t sign = sample < 0 ? 0x7F : 0xFF;
    out[i] = static_cast<uint8_t>(StepOf(clipped + kBias) ^ sign);
  }
}

void EncodeALaw(std::span<const int16_t> in, std::span<uint8_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    const int sample = in[i];
    const int magnitude = sample < 0 ? ~sample : sample;
    const auto linear = static_cast<uint32_t>(magnitude) >> 4;
    const uint32_t step = magnitude < kALawLinear ? linear : StepOf(magnitude);
    const uint32_t sign = sample < 0 ? 0x55 : 0xD5;
    out[i] = static_cast<uint8_t>(step ^ sign);
  }
}

}  // namespace trunkline::audio
