#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Mono speech as Opus packets of 20 ms (RFC 6716) in its SILK mode, narrowband
// at 8 kHz and wideband at 16 kHz.
//
// Drives the SILK encoder of libopus by itself: a telephone line needs nothing
// of the rest, which is half of the encoder's code and a third of its state.
// Integer arithmetic: every build writes the same packets. Variable rate at the
// lowest complexity, which takes half of the time of the next useful one.
//
// Allocates nothing. State: 17.5 KB, and of the module's stack of 256 KB 15 KB
// at 8 kHz and 20.3 KB at 16 kHz, as measured over extreme signals; a copy goes
// on with the same packets. Not thread-safe. Delay with a decoder at the same
// rate: kDelay48kHz.
class OpusEncoder {
 public:
  // Samples at 48 kHz by which a decoder's output lags behind the input, 6.5
  // ms: what an Ogg Opus stream calls its pre-skip.
  static constexpr int kDelay48kHz = 312;
  // The longest packet: 49.6 kbit/s.
  static constexpr size_t kMaxPacketBytes = 124;

  // The packet of a frame that is missing, by rate: TOC bytes of RFC 6716, 3.1,
  // for SILK of 20 ms, mono, one frame.
  static constexpr uint8_t kNarrowbandToc = 1 << 3;
  static constexpr uint8_t kWidebandToc = 9 << 3;

  struct Config {
    // 8000 or 16000.
    int sample_rate_hz = 8000;
    // While there is speech, [6000, 40000].
    int bitrate_bps = 12000;
  };

  // What the caller knows of a frame beyond its samples.
  enum class Activity : uint8_t {
    kUnknown,  // SILK's own detector decides
    // A decoder learns its comfort noise from such frames.
    kNoise,
  };

  // Precondition: `config` is in range.
  explicit OpusEncoder(const Config& config);

  // Encodes 20 ms, sample_rate_hz / 50 samples, into `packet`, which has room
  // for kMaxPacketBytes. Returns the packet's size, at least 1.
  size_t Process(std::span<const int16_t> frame, Activity activity,
                 std::span<uint8_t> packet);
  // As constructed.
  void Reset();

  // The packet that stands for a frame that Process() was not given: a decoder
  // fills in the comfort noise it has learned.
  uint8_t missing_packet() const;
  size_t frame_samples() const { return frame_samples_; }

 private:
  static constexpr size_t kStateBytes = 17408;

  Config config_;
  size_t frame_samples_;
  alignas(16) std::array<std::byte, kStateBytes> state_;
};

}  // namespace trunkline::audio
