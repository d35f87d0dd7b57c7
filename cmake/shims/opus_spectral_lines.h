// Included before SILK's quantisation of a frame's spectrum, and put between it
// and its codebook. Two spectral lines (NLSFs, RFC 6716, 4.2.7.5) that the
// codebook's steps cross are put next to one another: a resonance of half a
// hertz, which rings on for half a second. What a decoder rounds rings with it,
// and is as loud as the rest when the speech ends: decoders that compute in
// floating point (FFmpeg's own) depart from those that compute in integers by
// up to 13 dB for 20 ms. Such lines are wanted further apart, until the
// codebook has them so. One frame in 40 of speech is such, and most of a steady
// tone, whose level in the recording is off by 0.6 dB more for it, 2.4 dB in
// the mean at 8 kHz and 1.4 at 16.
#pragma once

#include "main.h"

// The least distance, 1/32768 of the band: 1 Hz at 8 kHz. What the codebook
// makes of crossed lines is mostly 3. With 20 tones lose another 0.8 dB.
#define TL_LEAST_SPACING 8
// Half of the distance that is wanted at first; doubled once. That leaves one
// frame of 1300 as it is. With half of it tones keep 0.2 dB more, and twice as
// many frames are quantised a third time; with twice of it some tones burst
// out.
#define TL_FIRST_HALF 128
#define TL_MOST_ATTEMPTS 2
// Vectors of the codebook that are tried; the encoder's own few are those that
// crossed the lines. With 4 tones lose another 0.9 dB.
#define TL_SURVIVORS 16

// The upper one of the first two lines that are too near; 0 when none are.
static int TlNarrowLine(const opus_int16* lines, int count) {
  for (int i = 1; i < count; ++i) {
    if (lines[i] - lines[i - 1] < TL_LEAST_SPACING) return i;
  }
  return 0;
}

static opus_int32 TlEncodeLines(opus_int8* indices, opus_int16* lines,
                                const silk_NLSF_CB_struct* codebook,
                                const opus_int16* weights, opus_int mu,
                                opus_int survivors, opus_int signal_type) {
  opus_int16 wanted[MAX_LPC_ORDER];
  const size_t size = sizeof(wanted[0]) * codebook->order;
  silk_memcpy(wanted, lines, size);
  opus_int32 cost = silk_NLSF_encode(indices, lines, codebook, weights, mu,
                                     survivors, signal_type);
  int half = TL_FIRST_HALF;
  for (int attempt = 0; attempt < TL_MOST_ATTEMPTS; ++attempt, half *= 2) {
    const int upper = TlNarrowLine(lines, codebook->order);
    if (upper == 0) break;
    const int middle = (wanted[upper - 1] + wanted[upper]) / 2;
    // Whatever this makes of the order of the others, the encoder mends first.
    wanted[upper - 1] = silk_max(middle - half, 1);
    wanted[upper] = silk_min(middle + half, 32767);
    silk_memcpy(lines, wanted, size);
    cost = silk_NLSF_encode(indices, lines, codebook, weights, mu, TL_SURVIVORS,
                            signal_type);
  }
  return cost;
}

#define silk_NLSF_encode TlEncodeLines
