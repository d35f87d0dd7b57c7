#include "audio/g711.h"

#include "base/check.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

namespace trunkline::audio {
namespace {

// A code is a sign, a segment (an exponent) and a step (four bits of fraction):
// a small floating-point number. The processor's own conversions between
// integer and float therefore do the work, exactly, since the integers here
// have at most 16 bits, and without branches, tables or variable shifts, so
// that compilers make SIMD of every loop below. (libc++ 14 has no
// std::bit_cast.) For wasm there are loops of its own before them, which shift
// by multiplying with a power of two out of a table in a register.

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

enum class Law { kMu, kA };

#if defined(__wasm_simd128__)

// Codes and samples of a step.
constexpr size_t kStep = 16;

// Decodes whole steps; returns how many codes they were.
template <Law kLaw>
size_t DecodeFast(std::span<const uint8_t> in, std::span<int16_t> out) {
  constexpr bool kIsMu = kLaw == Law::kMu;
  // By segment, a fraction's base and the power of two that it is times. A-law
  // has no implied one in segment 0, whose steps are those of segment 1.
  const v128_t bases = wasm_u8x16_const(kIsMu ? 132 : 4, 132, 132, 132, 132,
                                        132, 132, 132, 0, 0, 0, 0, 0, 0, 0, 0);
  const v128_t powers = wasm_u8x16_const(kIsMu ? 1 : 2, 2, 4, 8, 16, 32, 64,
                                         128, 0, 0, 0, 0, 0, 0, 0, 0);
  const v128_t offset = wasm_i16x8_const_splat(kIsMu ? kBias : 0);
  size_t done = 0;
  for (; in.size() - done >= kStep; done += kStep) {
    const v128_t code =
        wasm_v128_xor(wasm_v128_load(in.data() + done),
                      wasm_u8x16_const_splat(kIsMu ? 0xFF : 0x55));
    // Shifts of bytes are slow where those of pairs are not.
    const v128_t segment =
        wasm_v128_and(wasm_u16x8_shr(code, 4), wasm_u8x16_const_splat(0x07));
    const v128_t step8 =
        wasm_v128_and(wasm_i16x8_shl(code, 3), wasm_u8x16_const_splat(0x78));
    const v128_t fraction =
        wasm_i8x16_add(step8, wasm_i8x16_swizzle(bases, segment));
    const v128_t power = wasm_i8x16_swizzle(powers, segment);
    const v128_t zero = wasm_i8x16_const_splat(0);
    const v128_t negative =
        kIsMu ? wasm_i8x16_lt(code, zero) : wasm_i8x16_ge(code, zero);
    const v128_t low_sign = wasm_i16x8_extend_low_i8x16(negative);
    const v128_t high_sign = wasm_i16x8_extend_high_i8x16(negative);
    const v128_t low =
        wasm_i16x8_sub(wasm_u16x8_extmul_low_u8x16(fraction, power), offset);
    const v128_t high =
        wasm_i16x8_sub(wasm_u16x8_extmul_high_u8x16(fraction, power), offset);
    wasm_v128_store(out.data() + done,
                    wasm_i16x8_sub(wasm_v128_xor(low, low_sign), low_sign));
    wasm_v128_store(out.data() + done + 8,
                    wasm_i16x8_sub(wasm_v128_xor(high, high_sign), high_sign));
  }
  return done;
}

// A magnitude, mu-law's with its bias, [0, 32767].
template <Law kLaw>
v128_t Magnitude(v128_t samples) {
  if constexpr (kLaw == Law::kMu) {
    return wasm_i16x8_add(wasm_u16x8_min(wasm_i16x8_abs(samples),
                                         wasm_i16x8_const_splat(kMuLawClip)),
                          wasm_i16x8_const_splat(kBias));
  } else {
    return wasm_v128_xor(samples, wasm_i16x8_shr(samples, 15));
  }
}

// Encodes whole steps; returns how many samples they were.
template <Law kLaw>
size_t EncodeFast(std::span<const int16_t> in, std::span<uint8_t> out) {
  constexpr bool kIsMu = kLaw == Law::kMu;
  // By the lower and upper half of a magnitude's bits 8 to 14: 16 times the
  // segment, of which the greater holds, and the power of two that moves the
  // magnitude's first one to bit 14, of which the smaller holds. A-law's
  // segment 0 is moved as segment 1 is.
  const v128_t low_segments = wasm_u8x16_const(0, 16, 32, 32, 48, 48, 48, 48,
                                               64, 64, 64, 64, 64, 64, 64, 64);
  const v128_t high_segments = wasm_u8x16_const(0, 80, 96, 96, 112, 112, 112,
                                                112, 0, 0, 0, 0, 0, 0, 0, 0);
  const v128_t low_powers = wasm_u8x16_const(
      kIsMu ? 128 : 64, 64, 32, 32, 16, 16, 16, 16, 8, 8, 8, 8, 8, 8, 8, 8);
  const v128_t high_powers =
      wasm_u8x16_const(128, 4, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  const v128_t nibble = wasm_u8x16_const_splat(0x0F);
  size_t done = 0;
  for (; in.size() - done >= kStep; done += kStep) {
    const v128_t a = wasm_v128_load(in.data() + done);
    const v128_t b = wasm_v128_load(in.data() + done + 8);
    const v128_t magnitude_a = Magnitude<kLaw>(a);
    const v128_t magnitude_b = Magnitude<kLaw>(b);
    const v128_t upper = wasm_u8x16_narrow_i16x8(
        wasm_u16x8_shr(magnitude_a, 8), wasm_u16x8_shr(magnitude_b, 8));
    const v128_t low = wasm_v128_and(upper, nibble);
    const v128_t high = wasm_v128_and(wasm_u16x8_shr(upper, 4), nibble);
    const v128_t segment =
        wasm_u8x16_max(wasm_i8x16_swizzle(low_segments, low),
                       wasm_i8x16_swizzle(high_segments, high));
    const v128_t power = wasm_u8x16_min(wasm_i8x16_swizzle(low_powers, low),
                                        wasm_i8x16_swizzle(high_powers, high));
    const v128_t aligned_a =
        wasm_i16x8_mul(magnitude_a, wasm_u16x8_extend_low_u8x16(power));
    const v128_t aligned_b =
        wasm_i16x8_mul(magnitude_b, wasm_u16x8_extend_high_u8x16(power));
    const v128_t step =
        wasm_v128_and(wasm_u8x16_narrow_i16x8(wasm_u16x8_shr(aligned_a, 10),
                                              wasm_u16x8_shr(aligned_b, 10)),
                      nibble);
    // Saturation keeps the sign.
    const v128_t sign = wasm_v128_and(wasm_i8x16_narrow_i16x8(a, b),
                                      wasm_u8x16_const_splat(0x80));
    const v128_t inverted = wasm_u8x16_const_splat(kIsMu ? 0xFF : 0xD5);
    wasm_v128_store(out.data() + done,
                    wasm_v128_xor(wasm_v128_or(segment, step),
                                  wasm_v128_xor(sign, inverted)));
  }
  return done;
}

#else

template <Law kLaw>
size_t DecodeFast(std::span<const uint8_t> /*in*/, std::span<int16_t> /*out*/) {
  return 0;
}

template <Law kLaw>
size_t EncodeFast(std::span<const int16_t> /*in*/, std::span<uint8_t> /*out*/) {
  return 0;
}

#endif

}  // namespace

void DecodeMuLaw(std::span<const uint8_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = DecodeFast<Law::kMu>(in, out); i < in.size(); ++i) {
    const uint32_t inverted = in[i] ^ 0xFFU;
    const int magnitude = MiddleOf(inverted & 0x7F) - kBias;
    out[i] = static_cast<int16_t>(inverted >= 0x80 ? -magnitude : magnitude);
  }
}

void DecodeALaw(std::span<const uint8_t> in, std::span<int16_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = DecodeFast<Law::kA>(in, out); i < in.size(); ++i) {
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
  for (size_t i = EncodeFast<Law::kMu>(in, out); i < in.size(); ++i) {
    const int sample = in[i];
    const int magnitude = sample < 0 ? -sample : sample;
    const int clipped = magnitude > kMuLawClip ? kMuLawClip : magnitude;
    const uint32_t sign = sample < 0 ? 0x7F : 0xFF;
    out[i] = static_cast<uint8_t>(StepOf(clipped + kBias) ^ sign);
  }
}

void EncodeALaw(std::span<const int16_t> in, std::span<uint8_t> out) {
  TL_CHECK(out.size() >= in.size());
  for (size_t i = EncodeFast<Law::kA>(in, out); i < in.size(); ++i) {
    const int sample = in[i];
    const int magnitude = sample < 0 ? ~sample : sample;
    const auto linear = static_cast<uint32_t>(magnitude) >> 4;
    const uint32_t step = magnitude < kALawLinear ? linear : StepOf(magnitude);
    const uint32_t sign = sample < 0 ? 0x55 : 0xD5;
    out[i] = static_cast<uint8_t>(step ^ sign);
  }
}

}  // namespace trunkline::audio
