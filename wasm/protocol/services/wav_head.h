#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/wire.h"

// The heads of RIFF WAVE files of linear 16 mono, as services send and take
// them: to write one, and to see what one says.

namespace trunkline::protocol {

inline constexpr size_t kWavHeadBytes = 44;

// The head of a file with `bytes` bytes of samples, at most 2^32 - 37.
std::array<uint8_t, kWavHeadBytes> WavHead(int sample_rate_hz, size_t bytes);

struct WavHeadReading {
  enum class Verdict : uint8_t {
    kMore,    // `file` ends before it is clear
    kOk,      // samples in the format follow
    kForeign  // no such file, or in another format
  };
  Verdict verdict = Verdict::kMore;
  // Where the samples begin.
  size_t begin = 0;
  // Bytes of samples; nullopt if it is not known, as of what is written while
  // it is made.
  std::optional<size_t> bytes;
};
// Reads the beginning of a file that is to be linear 16 mono at this rate. The
// longest head is `max_bytes`.
WavHeadReading ReadWavHead(std::span<const uint8_t> file, int sample_rate_hz,
                           size_t max_bytes);

}  // namespace trunkline::protocol
