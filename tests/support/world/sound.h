#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/wire.h"

// Sound as the peers of a simulated world write it. Shares no code with the
// core: a judge that does repeats its mistakes.

namespace trunkline::test {

std::string EncodeSound(protocol::Encoding encoding,
                        std::span<const int16_t> samples);
std::vector<int16_t> DecodeSound(protocol::Encoding encoding,
                                 std::string_view bytes);

std::string ToBase64(std::string_view bytes);
std::optional<std::string> FromBase64(std::string_view text);

// Speech-like sound at 8 kHz, up to 4 s; the same for the same seed.
std::vector<int16_t> Speech(int ms, uint64_t seed = 1);
// Samples at 8 kHz as they are at a whole multiple of that rate.
std::vector<int16_t> AtRate(int sample_rate_hz,
                            std::span<const int16_t> samples);

// Mu-law bytes of the same, and of silence.
std::vector<uint8_t> SpeechBytes(int ms, uint64_t seed = 1);
std::vector<uint8_t> SilenceBytes(int ms);

}  // namespace trunkline::test
