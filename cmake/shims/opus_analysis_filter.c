// SILK's filter that leaves what a prediction does not tell, in the place of
// the library's: eight samples at a time. Sums of 32 bits that may wrap come
// out the same in any order, and so to the bit as libopus computes them.
#include <wasm_simd128.h>

#include "SigProc_FIX.h"

// What is left of in[0] to in[7]. `taps` has for each two coefficients the
// older sample's and the newer's, in each lane.
static inline v128_t TlLeftOver(const opus_int16* in, const v128_t* taps,
                                opus_int32 order) {
  const v128_t now = wasm_v128_load(in);
  v128_t low = wasm_i32x4_shl(wasm_i32x4_extend_low_i16x8(now), 12);
  v128_t high = wasm_i32x4_shl(wasm_i32x4_extend_high_i16x8(now), 12);
  for (int j = 0; j < order; j += 2) {
    const v128_t newer = wasm_v128_load(in - 1 - j);
    const v128_t older = wasm_v128_load(in - 2 - j);
    const v128_t tap = taps[j / 2];
    low = wasm_i32x4_sub(
        low,
        wasm_i32x4_dot_i16x8(
            wasm_i16x8_shuffle(older, newer, 0, 8, 1, 9, 2, 10, 3, 11), tap));
    high = wasm_i32x4_sub(
        high,
        wasm_i32x4_dot_i16x8(
            wasm_i16x8_shuffle(older, newer, 4, 12, 5, 13, 6, 14, 7, 15), tap));
  }
  const v128_t one = wasm_i32x4_const_splat(1);
  low = wasm_i32x4_shr(wasm_i32x4_add(wasm_i32x4_shr(low, 11), one), 1);
  high = wasm_i32x4_shr(wasm_i32x4_add(wasm_i32x4_shr(high, 11), one), 1);
  return wasm_i16x8_narrow_i32x4(low, high);
}

void silk_LPC_analysis_filter(opus_int16* out, const opus_int16* in,
                              const opus_int16* coefs, const opus_int32 len,
                              const opus_int32 order, int arch) {
  (void)arch;
  v128_t taps[SILK_MAX_ORDER_LPC / 2];
  for (int j = 0; j < order; j += 2) {
    taps[j / 2] = wasm_i32x4_splat(
        (opus_int32)((opus_uint32)coefs[j] << 16 | (opus_uint16)coefs[j + 1]));
  }
  silk_memset(out, 0, order * sizeof(opus_int16));
  opus_int32 i = order;
  for (; i + 8 <= len; i += 8) {
    wasm_v128_store(out + i, TlLeftOver(in + i, taps, order));
  }
  if (i == len) return;
  // The last few, which may be all, from a copy that ends in zeros.
  opus_int16 rest[SILK_MAX_ORDER_LPC + 8] = {0};
  silk_memcpy(rest, in + i - order, (order + len - i) * sizeof(opus_int16));
  opus_int16 last[8];
  wasm_v128_store(last, TlLeftOver(rest + order, taps, order));
  silk_memcpy(out + i, last, (len - i) * sizeof(opus_int16));
}
