#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "audio/resampler.h"
#include "protocol/wire.h"

namespace trunkline::media {

// The byte that all silence consists of.
uint8_t SilenceByte(protocol::Encoding encoding);
// Samples of `audio` as S16; `out` has room for all of them. An odd last byte
// of kLinear16 is not read. Returns the number of samples.
size_t DecodeAudio(protocol::Encoding encoding, std::span<const uint8_t> audio,
                   std::span<int16_t> out);
// The reverse; `out` has room for BytesPerSample times the samples.
void EncodeAudio(protocol::Encoding encoding, std::span<const int16_t> samples,
                 std::span<uint8_t> out);

// Converts a stream from one format to another, chunk by chunk, chunk-invariant
// to the byte. Equal formats pass through untouched, and uncopied but for an
// odd byte of 16-bit audio, which is carried to the next chunk.
class Transcoder {
 public:
  Transcoder(protocol::AudioFormat from, protocol::AudioFormat to);

  // The result is valid until the next call (or as long as `audio`, where it
  // passes through). Allocates when a chunk is longer than any before.
  std::span<const uint8_t> Process(std::span<const uint8_t> audio);
  // What the next `bytes` of audio will become.
  size_t OutputBytes(size_t bytes) const;
  // Forgets the stream's past: what follows has no relation to it.
  void Reset();

 private:
  const protocol::AudioFormat from_;
  const protocol::AudioFormat to_;
  audio::Resampler resampler_;
  bool has_odd_byte_ = false;
  uint8_t odd_byte_ = 0;
  std::vector<uint8_t> joined_;
  std::vector<int16_t> decoded_;
  std::vector<int16_t> resampled_;
  std::vector<uint8_t> encoded_;
};

// The whole of a stream at once, piece by piece: it takes the memory of what
// comes out, and little more.
std::vector<uint8_t> Convert(protocol::AudioFormat from,
                             protocol::AudioFormat to,
                             std::span<const uint8_t> audio);

}  // namespace trunkline::media
