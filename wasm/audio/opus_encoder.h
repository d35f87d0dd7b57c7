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
// Every packet holds a whole frame, to its last byte. What RFC 6716 leaves to
// the decoder is not made use of, since decoders differ in it: an empty frame
// (2.1.9, 3.2.1) is concealed by libopus, while FFmpeg's own decoder reads the
// packet of the next stream in its place; the zeros that may be left out at a
// frame's end (4.1) it reads from there as well. Nor is a frame longer than it
// must be: 17 bits behind its end are a second one (4.5.1.1).
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

  struct Config {
    // 8000 or 16000.
    int sample_rate_hz = 8000;
    // While there is speech, [6000, 40000].
    int bitrate_bps = 12000;
  };

  // What the caller knows of a frame beyond its samples.
  enum class Activity : uint8_t {
    kUnknown,  // SILK's own detector decides
    kQuiet,    // no louder than the line's noise: a low rate is enough
    kNoise,    // the line's noise, which Noise() is to be like
  };

  // Precondition: `config` is in range.
  explicit OpusEncoder(const Config& config);

  // Encodes 20 ms, sample_rate_hz / 50 samples, into `packet`, which has room
  // for kMaxPacketBytes. Returns the packet's size.
  size_t Process(std::span<const int16_t> frame, Activity activity,
                 std::span<uint8_t> packet);
  // As constructed.
  void Reset();

  // Writes a frame of noise as loud and of the spectrum of the last one that
  // was processed, and returns the packet's size: 5 bytes when that was silent
  // (7 at 16 kHz), about 8 otherwise. Takes a tenth of Process()'s time.
  // Precondition: the last one was of Activity::kNoise. Behind Silence() it is
  // silent as well.
  size_t Noise(std::span<uint8_t> packet);
  // Writes a frame of silence, below -80 dBFS, in no time, and returns the
  // packet's size, 5 bytes (7 at 16 kHz). A decoder that has played something
  // loud falls by 22 dB with each.
  size_t Silence(std::span<uint8_t> packet);
  size_t frame_samples() const { return frame_samples_; }

 private:
  static constexpr size_t kStateBytes = 17408;

  // Makes the side information of the last frame that of its noise.
  void LearnNoise();
  // The noise has the last frame's spectrum, and the gain of this index, 0 to
  // 63; that of 0 nobody hears.
  void SetNoise(int8_t gain_index);

  Config config_;
  size_t frame_samples_;
  uint8_t toc_;
  // Of the last frame, and of the noise made since.
  enum class Last : uint8_t { kOther, kNoise, kMade };
  Last last_ = Last::kOther;
  uint32_t noise_seed_ = 0;
  alignas(16) std::array<std::byte, kStateBytes> state_;
};

}  // namespace trunkline::audio
