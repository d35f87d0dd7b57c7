#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "support/labelled_speech.h"

// Speech, noises and figures for measurements of what enhances a line. In
// doubles and with the standard library: for quality, not for golden vectors.

namespace trunkline::test {

// Prompts of `language` one behind the other with pauses of 0.6 s, at least
// `seconds` of them, whose active speech has a level of -26 dBov.
std::vector<int16_t> PromptLine(std::string_view language, int seconds);

// Mean square of the 20 ms frames that lie within 40 dB of the loudest one.
double ActivePower(std::span<const int16_t> speech);

// `clean` with noise `snr_db` below its active power.
std::vector<int16_t> WithNoise(std::span<const int16_t> clean, Noise noise,
                               double snr_db, uint64_t seed);

// `out` is compared with `clean`, which it lags by `delay` samples.

// Scale-invariant signal-to-distortion ratio, dB (Le Roux 2019).
double SiSdrDb(std::span<const int16_t> clean, std::span<const int16_t> out,
               size_t delay);
// Mean over the active 20 ms frames of their SNR within [-10, 35] dB.
double SegmentalSnrDb(std::span<const int16_t> clean,
                      std::span<const int16_t> out, size_t delay);
// Level in the pauses, dBov.
double PauseLevelDb(std::span<const int16_t> clean,
                    std::span<const int16_t> out, size_t delay);

}  // namespace trunkline::test
