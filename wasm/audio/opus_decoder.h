#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Opus packets (RFC 6716) of any mode, bandwidth, length and channel count to
// mono samples at the wanted rate.
//
// A packet that is no Opus is counted and concealed like a lost one. Integer
// arithmetic: every build decodes alike. Allocates nothing; a copy goes on with
// the same samples. State: 18 KB, and of the module's stack of 256 KB 10.2 KB,
// as measured over random packets of all modes and losses. Not thread-safe.
class OpusDecoder {
 public:
  // The longest packet lasts 120 ms. In samples at 48 kHz.
  static constexpr size_t kMaxPacketSamples = 5760;

  // Whether it is 8000, 12000, 16000, 24000 or 48000.
  static bool Supports(int sample_rate_hz);

  // Precondition: Supports(sample_rate_hz).
  explicit OpusDecoder(int sample_rate_hz);

  // Decodes `packet` into `out`, which has room for MaxSamples(). Returns the
  // number of samples: the packet's duration, or of a bad packet the duration
  // of the last good one, 20 ms when there is none.
  size_t Process(std::span<const uint8_t> packet, std::span<int16_t> out);
  // Fills in for a packet that did not come, of the last good one's duration.
  // `next` is the packet after it, from whose redundancy it is taken when it
  // has any, or empty; pass that one to Process() afterwards.
  size_t Conceal(std::span<const uint8_t> next, std::span<int16_t> out);
  // As constructed, counts included.
  void Reset();

  size_t MaxSamples() const;
  // Packets that were no Opus.
  uint32_t bad_packets() const { return bad_packets_; }
  // Frames filled in, for bad packets and for lost ones.
  uint32_t concealed() const { return concealed_; }

 private:
  static constexpr size_t kStateBytes = 17856;

  int sample_rate_hz_;
  size_t last_samples_ = 0;
  uint32_t bad_packets_ = 0;
  uint32_t concealed_ = 0;
  alignas(16) std::array<std::byte, kStateBytes> state_;
};

}  // namespace trunkline::audio
