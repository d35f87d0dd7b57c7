// Included before libopus's correlations, in its place for its hottest loop:
// the sums of products at four lags. Sums of 32 bits that may wrap come out the
// same in any order, and so to the bit as libopus computes them.
#pragma once
#ifdef __wasm_simd128__

#include <stdint.h>
#include <wasm_simd128.h>

// Adds to sum[k] the products of x[0, len) and y[k, k + len).
static inline void TlCorrelateAtFourLags(const int16_t* x, const int16_t* y,
                                         int32_t sum[4], int len) {
  v128_t sums[4];
  for (int k = 0; k < 4; ++k) sums[k] = wasm_i32x4_const(0, 0, 0, 0);
  int i = 0;
  for (; i + 8 <= len; i += 8) {
    const v128_t at = wasm_v128_load(x + i);
    for (int k = 0; k < 4; ++k) {
      sums[k] = wasm_i32x4_add(
          sums[k], wasm_i32x4_dot_i16x8(at, wasm_v128_load(y + i + k)));
    }
  }
  // Columns of the four sums added up, as a transposition.
  const v128_t low01 = wasm_i32x4_shuffle(sums[0], sums[1], 0, 4, 1, 5);
  const v128_t high01 = wasm_i32x4_shuffle(sums[0], sums[1], 2, 6, 3, 7);
  const v128_t low23 = wasm_i32x4_shuffle(sums[2], sums[3], 0, 4, 1, 5);
  const v128_t high23 = wasm_i32x4_shuffle(sums[2], sums[3], 2, 6, 3, 7);
  const v128_t both01 = wasm_i32x4_add(low01, high01);
  const v128_t both23 = wasm_i32x4_add(low23, high23);
  v128_t all =
      wasm_i32x4_add(wasm_i32x4_add(wasm_i64x2_shuffle(both01, both23, 0, 2),
                                    wasm_i64x2_shuffle(both01, both23, 1, 3)),
                     wasm_v128_load(sum));
  for (; i < len; ++i) {
    // y[i, i + 4), which is all that may be read.
    all = wasm_i32x4_add(all, wasm_i32x4_mul(wasm_i32x4_splat(x[i]),
                                             wasm_i32x4_load16x4(y + i)));
  }
  wasm_v128_store(sum, all);
}

#define OVERRIDE_XCORR_KERNEL
#define xcorr_kernel(x, y, sum, len, arch) \
  ((void)(arch), TlCorrelateAtFourLags(x, y, sum, len))

#endif
