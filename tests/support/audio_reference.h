#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Slow and obvious twins of what wasm/audio and wasm/base do cleverly.

namespace trunkline::test {

// G.711 from the decision values of the recommendation's tables 1a and 2a, by
// search.
uint8_t ReferenceEncodeMuLaw(int16_t sample);
int16_t ReferenceDecodeMuLaw(uint8_t code);
uint8_t ReferenceEncodeALaw(int16_t sample);
int16_t ReferenceDecodeALaw(uint8_t code);

// Resamples as audio/resampler.h describes: zeros between the samples, one long
// Kaiser-windowed sinc, every `down`-th of the result; all in double, without
// rounding or saturation.
std::vector<double> ReferenceResample(std::span<const int16_t> in, int in_hz,
                                      int out_hz);

// Base64 bit by bit.
std::string ReferenceBase64Encode(std::span<const uint8_t> in);
std::optional<std::vector<uint8_t>> ReferenceBase64Decode(std::string_view in);

// Amplitude of the part of `samples` that has `frequency_hz`. Exact when they
// hold a whole number of its periods.
double AmplitudeAt(std::span<const int16_t> samples, double frequency_hz,
                   int sample_rate_hz);
// Mean square, and that of what is left without the part of `frequency_hz`.
double PowerOf(std::span<const int16_t> samples);
double PowerBeside(std::span<const int16_t> samples, double frequency_hz,
                   int sample_rate_hz);

}  // namespace trunkline::test
