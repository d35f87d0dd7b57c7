#include "base/base64.h"

#include <array>

#include "base/check.h"
#include "base/v128_table.h"

namespace trunkline {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The value of a character that is none: above any six bits, wherever a group
// of four shifts it to.
constexpr uint32_t kBad = 0x8000'0000;

constexpr auto kValues = [] {
  std::array<uint32_t, 256> values{};
  values.fill(kBad);
  for (uint32_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = i;
  }
  return values;
}();

uint32_t ValueOf(char c) { return kValues[static_cast<unsigned char>(c)]; }

// Parts of the whole that are done, 3 bytes for 4 characters: where the rest
// begins. Not `good` if one of the characters is bad.
struct Done {
  size_t bytes = 0;
  size_t characters = 0;
  bool good = true;
};

#if defined(__wasm_simd128__)

// Twelve bytes against sixteen characters a step, by the method of W. Mula and
// D. Lemire, "Faster Base64 Encoding and Decoding using AVX2 Instructions"
// (2018). A step touches sixteen bytes on either side.
constexpr size_t kStep = 16;

// What turns a value into its character, by class: 0 for a-z, 1-10 for the
// digits, 11 for '+', 12 for '/', 13 for A-Z. Modulo 256, as all offsets here.
constexpr V128Table kEncodeOffsets = {
    {'a' - 26, 256 + '0' - 52, 256 + '0' - 52, 256 + '0' - 52, 256 + '0' - 52,
     256 + '0' - 52, 256 + '0' - 52, 256 + '0' - 52, 256 + '0' - 52,
     256 + '0' - 52, 256 + '0' - 52, 256 + '+' - 62, 256 + '/' - 63, 'A', 0,
     0}};
// Three bytes in each 32-bit lane, the first one uppermost; and back.
constexpr V128Table kSpread = {
    {2, 1, 0, 255, 5, 4, 3, 255, 8, 7, 6, 255, 11, 10, 9, 255}};
constexpr V128Table kGather = {
    {2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 255, 255, 255, 255}};
// Masks of the second and third value of a lane, the first being lowest.
constexpr V128Table kSecond = {
    {0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0}};
constexpr V128Table kThird = {
    {0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0}};
constexpr V128Table kFourth = {
    {0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F, 0, 0, 0, 0x3F}};
constexpr V128Table k26 = SplatTable(26);
constexpr V128Table k13 = SplatTable(13);
constexpr V128Table k51 = SplatTable(51);

Done EncodeFast(std::span<const uint8_t> in, char* out) {
  Done done;
  if (in.size() < kStep) return done;
  const v128_t offsets = Loaded(kEncodeOffsets);
  const v128_t spread = Loaded(kSpread);
  const v128_t second = Loaded(kSecond);
  const v128_t third = Loaded(kThird);
  const v128_t fourth = Loaded(kFourth);
  const v128_t letters = Loaded(k26);
  const v128_t upper = Loaded(k13);
  const v128_t below_digits = Loaded(k51);
  for (; in.size() - done.bytes >= kStep; done.bytes += 12) {
    const v128_t lanes =
        wasm_i8x16_swizzle(wasm_v128_load(in.data() + done.bytes), spread);
    const v128_t values = wasm_v128_or(
        wasm_v128_or(wasm_u32x4_shr(lanes, 18),
                     wasm_v128_and(wasm_u32x4_shr(lanes, 4), second)),
        wasm_v128_or(wasm_v128_and(wasm_i32x4_shl(lanes, 10), third),
                     wasm_v128_and(wasm_i32x4_shl(lanes, 24), fourth)));
    const v128_t classes =
        wasm_v128_or(wasm_u8x16_sub_sat(values, below_digits),
                     wasm_v128_and(wasm_i8x16_lt(values, letters), upper));
    wasm_v128_store(
        out + done.characters,
        wasm_i8x16_add(values, wasm_i8x16_swizzle(offsets, classes)));
    done.characters += 16;
  }
  return done;
}

// A character is bad if these two, looked up by its halves, share a bit.
constexpr V128Table kBadByHigh = {{0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04,
                                   0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
                                   0x10, 0x10}};
constexpr V128Table kBadByLow = {{0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                  0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B,
                                  0x1B, 0x1A}};
// What turns a character into its value, by its upper half; '/', which shares
// its half with '+', by one less.
constexpr V128Table kDecodeOffsets = {{0, 63 - '/', 62 - '+', 52 - '0',
                                       256 - 'A', 256 - 'A', 256 + 26 - 'a',
                                       256 + 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0}};
constexpr V128Table kLowHalf = SplatTable(0x0F);
constexpr V128Table kSlash = SplatTable('/');
constexpr V128Table kFirstOfPair = SplatTable16(0x3F << 6);
// 1 << 12 and 1.
constexpr V128Table kPairWeights = {
    {0, 16, 1, 0, 0, 16, 1, 0, 0, 16, 1, 0, 0, 16, 1, 0}};

Done DecodeFast(std::string_view in, std::span<uint8_t> out) {
  Done done;
  if (in.size() < kStep) return done;
  const v128_t by_high = Loaded(kBadByHigh);
  const v128_t by_low = Loaded(kBadByLow);
  const v128_t offsets = Loaded(kDecodeOffsets);
  const v128_t low_half = Loaded(kLowHalf);
  const v128_t slashes = Loaded(kSlash);
  const v128_t first_of_pair = Loaded(kFirstOfPair);
  const v128_t weights = Loaded(kPairWeights);
  const v128_t gather = Loaded(kGather);
  v128_t bad = wasm_i8x16_const_splat(0);
  for (;
       in.size() - done.characters >= kStep && out.size() - done.bytes >= kStep;
       done.characters += 16) {
    const v128_t chars = wasm_v128_load(in.data() + done.characters);
    const v128_t high = wasm_v128_and(wasm_u16x8_shr(chars, 4), low_half);
    const v128_t low = wasm_v128_and(chars, low_half);
    bad = wasm_v128_or(bad, wasm_v128_and(wasm_i8x16_swizzle(by_high, high),
                                          wasm_i8x16_swizzle(by_low, low)));
    const v128_t values = wasm_i8x16_add(
        chars,
        wasm_i8x16_swizzle(
            offsets, wasm_i8x16_add(high, wasm_i8x16_eq(chars, slashes))));
    // Two values of six bits in each lane of 16, four in each of 32; the first
    // one uppermost.
    const v128_t pairs =
        wasm_v128_or(wasm_v128_and(wasm_i16x8_shl(values, 6), first_of_pair),
                     wasm_u16x8_shr(values, 8));
    wasm_v128_store(
        out.data() + done.bytes,
        wasm_i8x16_swizzle(wasm_i32x4_dot_i16x8(pairs, weights), gather));
    done.bytes += 12;
  }
  done.good = !wasm_v128_any_true(bad);
  return done;
}

#else

Done EncodeFast(std::span<const uint8_t> /*in*/, char* /*out*/) { return {}; }

Done DecodeFast(std::string_view /*in*/, std::span<uint8_t> /*out*/) {
  return {};
}

#endif

}  // namespace

size_t Base64Encode(std::span<const uint8_t> in, char* out) {
  const char* const begin = out;
  const Done done = EncodeFast(in, out);
  out += done.characters;
  size_t i = done.bytes;
  for (; in.size() - i >= 3; i += 3, out += 4) {
    const uint32_t group = static_cast<uint32_t>(in[i]) << 16 |
                           static_cast<uint32_t>(in[i + 1]) << 8 | in[i + 2];
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    out[2] = kAlphabet[group >> 6 & 63];
    out[3] = kAlphabet[group & 63];
  }
  const size_t rest = in.size() - i;
  if (rest > 0) {
    const uint32_t second = rest == 2 ? in[i + 1] : 0;
    const uint32_t group = static_cast<uint32_t>(in[i]) << 16 | second << 8;
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    out[2] = rest == 2 ? kAlphabet[group >> 6 & 63] : '=';
    out[3] = '=';
    out += 4;
  }
  return static_cast<size_t>(out - begin);
}

std::optional<size_t> Base64Decode(std::string_view in,
                                   std::span<uint8_t> out) {
  TL_CHECK(out.size() >= Base64DecodedMaxSize(in.size()));
  // Padding only completes the last group.
  if (in.size() % 4 == 0) {
    for (int i = 0; i < 2 && !in.empty() && in.back() == '='; ++i) {
      in.remove_suffix(1);
    }
  }
  if (in.size() % 4 == 1) return std::nullopt;
  const Done done = DecodeFast(in, out);
  if (!done.good) return std::nullopt;
  uint8_t* to = out.data() + done.bytes;
  uint32_t all = 0;
  size_t i = done.characters;
  for (; in.size() - i >= 4; i += 4, to += 3) {
    const uint32_t a = ValueOf(in[i]);
    const uint32_t b = ValueOf(in[i + 1]);
    const uint32_t c = ValueOf(in[i + 2]);
    const uint32_t d = ValueOf(in[i + 3]);
    all |= a | b | c | d;
    const uint32_t group = a << 18 | b << 12 | c << 6 | d;
    to[0] = static_cast<uint8_t>(group >> 16);
    to[1] = static_cast<uint8_t>(group >> 8);
    to[2] = static_cast<uint8_t>(group);
  }
  const size_t rest = in.size() - i;
  if (rest >= 2) {
    const uint32_t a = ValueOf(in[i]);
    const uint32_t b = ValueOf(in[i + 1]);
    const uint32_t c = rest == 3 ? ValueOf(in[i + 2]) : 0;
    all |= a | b | c;
    const uint32_t group = a << 18 | b << 12 | c << 6;
    *to++ = static_cast<uint8_t>(group >> 16);
    if (rest == 3) *to++ = static_cast<uint8_t>(group >> 8);
  }
  if ((all & kBad) != 0) return std::nullopt;
  return static_cast<size_t>(to - out.data());
}

}  // namespace trunkline
