#include "audio/g711.h"

#include "base/check.h"
#include "base/v128_table.h"

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

// Tables of 16 entries are asked for their first 8 only, where the others are
// 0.
template <Law kLaw>
struct Tables {
  static constexpr bool kIsMu = kLaw == Law::kMu;
  // On the line, codes are inverted so.
  static constexpr V128Table kInversion = SplatTable(kIsMu ? 0xFF : 0x55);
  // A magnitude is 8 times its step plus a base, times a power of two, less the
  // bias; base and power by segment. A-law has no base of 128 in segment 0,
  // whose steps are those of segment 1.
  static constexpr V128Table kBases = {
      {kIsMu ? 132 : 4, 132, 132, 132, 132, 132, 132, 132}};
  static constexpr V128Table kPowers = {
      {kIsMu ? 1 : 2, 2, 4, 8, 16, 32, 64, 128}};
  static constexpr V128Table kOffset = SplatTable16(kIsMu ? kBias : 0);

  // By the lower and upper half of a magnitude's bits 8 to 14: 16 times the
  // segment, of which the greater holds, and the power of two that moves the
  // magnitude's first one to bit 14, of which the smaller holds. A-law's
  // segment 0 is moved as segment 1 is.
  static constexpr V128Table kLowSegments = {
      {0, 16, 32, 32, 48, 48, 48, 48, 64, 64, 64, 64, 64, 64, 64, 64}};
  static constexpr V128Table kHighSegments = {
      {0, 80, 96, 96, 112, 112, 112, 112}};
  static constexpr V128Table kLowPowers = {
      {kIsMu ? 128 : 64, 64, 32, 32, 16, 16, 16, 16, 8, 8, 8, 8, 8, 8, 8, 8}};
  static constexpr V128Table kHighPowers = {{128, 4, 2, 2, 1, 1, 1, 1}};
  // Of a code whose sign bit is not inverted yet.
  static constexpr V128Table kOutInversion = SplatTable(kIsMu ? 0xFF : 0xD5);
};
constexpr V128Table kSegmentMask = SplatTable(0x07);
constexpr V128Table kStep8Mask = SplatTable(0x78);
constexpr V128Table kHalfMask = SplatTable(0x0F);
constexpr V128Table kSignMask = SplatTable(0x80);
constexpr V128Table kClip = SplatTable16(kMuLawClip);
constexpr V128Table kBiases = SplatTable16(kBias);

// Decodes whole steps; returns how many codes they were.
template <Law kLaw>
size_t DecodeFast(std::span<const uint8_t> in, std::span<int16_t> out) {
  using Of = Tables<kLaw>;
  size_t done = 0;
  if (in.size() < kStep) return done;
  const v128_t inversion = Loaded(Of::kInversion);
  const v128_t bases = Loaded(Of::kBases);
  const v128_t powers = Loaded(Of::kPowers);
  const v128_t offset = Loaded(Of::kOffset);
  const v128_t segment_mask = Loaded(kSegmentMask);
  const v128_t step8_mask = Loaded(kStep8Mask);
  // Both laws send a sign bit of 1 from zero up: -1 - ~m is m, 0 - m is -m.
  const auto signed_by = [](v128_t magnitude, v128_t wide) {
    const v128_t sign = wasm_i16x8_shr(wide, 15);
    return wasm_i16x8_sub(sign, wasm_v128_xor(magnitude, sign));
  };
  for (; in.size() - done >= kStep; done += kStep) {
    const v128_t line = wasm_v128_load(in.data() + done);
    const v128_t code = wasm_v128_xor(line, inversion);
    // Shifts of bytes are slow where those of pairs are not.
    const v128_t segment = wasm_v128_and(wasm_u16x8_shr(code, 4), segment_mask);
    const v128_t step8 = wasm_v128_and(wasm_i16x8_shl(code, 3), step8_mask);
    const v128_t fraction =
        wasm_i8x16_add(step8, wasm_i8x16_swizzle(bases, segment));
    const v128_t power = wasm_i8x16_swizzle(powers, segment);
    const v128_t low = wasm_u16x8_extmul_low_u8x16(fraction, power);
    const v128_t high = wasm_u16x8_extmul_high_u8x16(fraction, power);
    wasm_v128_store(out.data() + done,
                    signed_by(wasm_i16x8_sub(low, offset),
                              wasm_i16x8_extend_low_i8x16(line)));
    wasm_v128_store(out.data() + done + 8,
                    signed_by(wasm_i16x8_sub(high, offset),
                              wasm_i16x8_extend_high_i8x16(line)));
  }
  return done;
}

// Encodes whole steps; returns how many samples they were.
template <Law kLaw>
size_t EncodeFast(std::span<const int16_t> in, std::span<uint8_t> out) {
  using Of = Tables<kLaw>;
  size_t done = 0;
  if (in.size() < kStep) return done;
  const v128_t clip = Loaded(kClip);
  const v128_t bias = Loaded(kBiases);
  // Mu-law's with its bias, [0, 32767].
  const auto magnitude = [&](v128_t samples) {
    if constexpr (kLaw == Law::kMu) {
      return wasm_i16x8_add(wasm_u16x8_min(wasm_i16x8_abs(samples), clip),
                            bias);
    }
    return wasm_v128_xor(samples, wasm_i16x8_shr(samples, 15));
  };
  const v128_t low_segments = Loaded(Of::kLowSegments);
  const v128_t high_segments = Loaded(Of::kHighSegments);
  const v128_t low_powers = Loaded(Of::kLowPowers);
  const v128_t high_powers = Loaded(Of::kHighPowers);
  const v128_t inversion = Loaded(Of::kOutInversion);
  const v128_t half = Loaded(kHalfMask);
  const v128_t sign_mask = Loaded(kSignMask);
  for (; in.size() - done >= kStep; done += kStep) {
    const v128_t a = wasm_v128_load(in.data() + done);
    const v128_t b = wasm_v128_load(in.data() + done + 8);
    const v128_t magnitude_a = magnitude(a);
    const v128_t magnitude_b = magnitude(b);
    const v128_t upper = wasm_u8x16_narrow_i16x8(
        wasm_u16x8_shr(magnitude_a, 8), wasm_u16x8_shr(magnitude_b, 8));
    const v128_t low = wasm_v128_and(upper, half);
    const v128_t high = wasm_v128_and(wasm_u16x8_shr(upper, 4), half);
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
                      half);
    // Saturation keeps the sign.
    const v128_t sign = wasm_v128_and(wasm_i8x16_narrow_i16x8(a, b), sign_mask);
    wasm_v128_store(out.data() + done,
                    wasm_v128_xor(wasm_v128_or(segment, step),
                                  wasm_v128_xor(sign, inversion)));
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
