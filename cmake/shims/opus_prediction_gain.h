// The most that SILK's encoder lets a frame's filter predict, 30 dB where the
// library has 40: of steeper filters the smallest error rings on, so that
// decoders that compute in floating point (FFmpeg's own) depart from those that
// compute in integers by up to 4 dB for 20 ms. At 16 kHz, and mostly with
// speech that ends at 4 kHz, one frame in 35,000 was such. Packets are longer
// by 0.1 % for it.
#pragma once

#include "define.h"

#undef MAX_PREDICTION_POWER_GAIN
#define MAX_PREDICTION_POWER_GAIN 1e3f
