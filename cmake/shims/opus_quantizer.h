// Included before SILK's quantisation of a frame's excitation, in the place of
// its two hottest loops: the prediction of a sample from those before it, and
// the filter that shapes the noise. Sums of 32 bits that may wrap come out the
// same in any order, and so to the bit as libopus computes them.
#pragma once
#ifdef __wasm_simd128__

#include <wasm_simd128.h>

#include "NSQ.h"

// The order of the filter that shapes the noise at complexity 0.
#define TL_SHAPING_ORDER 12

// In each lane (a * b) >> 16, for any `a`, and `b` of 16 bits.
static inline v128_t TlMulWB(v128_t a, v128_t b) {
  const v128_t high = wasm_i32x4_dot_i16x8(a, wasm_i32x4_shl(b, 16));
  const v128_t low =
      wasm_i32x4_mul(wasm_v128_and(a, wasm_i32x4_const_splat(0xFFFF)), b);
  return wasm_i32x4_add(high, wasm_i32x4_shr(low, 16));
}

static inline opus_int32 TlSum(v128_t a) {
  a = wasm_i32x4_add(a, wasm_i32x4_shuffle(a, a, 2, 3, 0, 1));
  a = wasm_i32x4_add(a, wasm_i32x4_shuffle(a, a, 1, 0, 3, 2));
  return wasm_i32x4_extract_lane(a, 0);
}

// The coefficients in the order in which samples lie in memory.
static inline void TlReverse(opus_int32* reversed, const opus_int16* coefs,
                             opus_int order) {
  for (int i = 0; i < order; ++i) reversed[i] = coefs[order - 1 - i];
}

// The prediction behind `newest`, of order 10 or 16. The newest two or four
// samples are taken one by one: they were stored so just now, and a vector of
// them would have to wait for that.
static inline opus_int32 TlPredict(const opus_int32* newest,
                                   const opus_int16* coefs,
                                   const opus_int32* reversed, opus_int order) {
  const opus_int32* oldest = newest + 1 - order;
  v128_t sums = wasm_i32x4_add(
      TlMulWB(wasm_v128_load(oldest), wasm_v128_load(reversed)),
      TlMulWB(wasm_v128_load(oldest + 4), wasm_v128_load(reversed + 4)));
  opus_int32 sum = silk_SMLAWB(order >> 1, newest[0], coefs[0]);
  sum = silk_SMLAWB(sum, newest[-1], coefs[1]);
  if (order == 16) {
    sums = wasm_i32x4_add(sums, TlMulWB(wasm_v128_load(oldest + 8),
                                        wasm_v128_load(reversed + 8)));
    sum = silk_SMLAWB(sum, newest[-2], coefs[2]);
    sum = silk_SMLAWB(sum, newest[-3], coefs[3]);
  }
  return sum + TlSum(sums);
}

// The noise's filter over `newest` and what is before it in `past`, which takes
// `newest` in.
static inline opus_int32 TlShape(const opus_int32* newest, opus_int32* past,
                                 const opus_int16* coefs, opus_int order) {
  if (order != TL_SHAPING_ORDER) {
    return silk_NSQ_noise_shape_feedback_loop_c(newest, past, coefs, order);
  }
  const v128_t a = wasm_v128_load(past);
  const v128_t b = wasm_v128_load(past + 4);
  const v128_t c = wasm_v128_load(past + 8);
  // The oldest is dropped, and has no coefficient.
  const v128_t last =
      wasm_i32x4_replace_lane(wasm_i32x4_load16x4(coefs + 9), 3, 0);
  const v128_t sums =
      wasm_i32x4_add(TlMulWB(a, wasm_i32x4_load16x4(coefs + 1)),
                     wasm_i32x4_add(TlMulWB(b, wasm_i32x4_load16x4(coefs + 5)),
                                    TlMulWB(c, last)));
  wasm_v128_store(past,
                  wasm_i32x4_shuffle(wasm_i32x4_splat(*newest), a, 0, 4, 5, 6));
  wasm_v128_store(past + 4, wasm_i32x4_shuffle(a, b, 3, 4, 5, 6));
  wasm_v128_store(past + 8, wasm_i32x4_shuffle(b, c, 3, 4, 5, 6));
  const opus_int32 sum = silk_SMLAWB(order >> 1, *newest, coefs[0]);
  return silk_LSHIFT32(sum + TlSum(sums), 1);
}

#define silk_short_prediction_create_arch_coef(reversed, coefs, order) \
  TlReverse(reversed, coefs, order)
#undef silk_noise_shape_quantizer_short_prediction
#define silk_noise_shape_quantizer_short_prediction(newest, coefs, reversed, \
                                                    order, arch)             \
  ((void)(arch), TlPredict(newest, coefs, reversed, order))
#undef silk_NSQ_noise_shape_feedback_loop
#define silk_NSQ_noise_shape_feedback_loop(newest, past, coefs, order, arch) \
  ((void)(arch), TlShape(newest, past, coefs, order))

#endif
