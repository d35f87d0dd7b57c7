#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Reads the recordings that the core writes: Ogg pages whose packets end with
// them, two mono streams to a packet (RFC 7845, channel mapping family 1).

namespace trunkline::test {

struct OggPage {
  // Bits of RFC 3533, 6: 2 first page, 4 last page.
  uint8_t flags = 0;
  int64_t granule = 0;
  uint32_t serial = 0;
  uint32_t sequence = 0;
  // Where it ends in the file.
  size_t end = 0;
  std::vector<std::vector<uint8_t>> packets;
};

// The pages of `file`; ends with the last that is whole.
std::vector<OggPage> ReadOggPages(std::span<const uint8_t> file);

// Caller and agent at `sample_rate_hz`, without the pre-skip.
std::array<std::vector<int16_t>, 2> DecodeRecording(
    std::span<const uint8_t> file, int sample_rate_hz);

}  // namespace trunkline::test
