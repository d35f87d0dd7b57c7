#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace trunkline::audio {

struct WavFormat {
  // The tags of RFC 2361 that a `fmt ` chunk names them by.
  enum class Encoding : uint16_t { kPcm16 = 1, kALaw = 6, kMuLaw = 7 };

  Encoding encoding = Encoding::kPcm16;
  // [1, 8].
  int channels = 1;
  // [1000, 192000].
  int sample_rate_hz = 8000;

  // One channel's.
  size_t bytes_per_sample() const {
    return encoding == Encoding::kPcm16 ? 2 : 1;
  }
};

// Why a file is refused.
enum class WavError : uint8_t {
  kNone,
  // It does not begin with RIFF and WAVE.
  kNotWav,
  // The `fmt ` chunk is shorter than 16 bytes, or its fields contradict each
  // other or are out of range.
  kBadFormat,
  // Neither 16-bit PCM nor G.711.
  kUnsupported,
  // `data` comes before `fmt `.
  kNoFormat,
};

std::string_view ToString(WavError error);

// Reads a RIFF WAVE file as it comes, in pieces of any size, which never change
// what is read. Chunks other than `fmt ` and `data` are skipped; a data chunk
// of unknown length (0 or 0xFFFFFFFF) lasts as long as there is input.
// WAVE_FORMAT_EXTENSIBLE is read by the encoding it carries.
//
// Allocates nothing. State: about 80 bytes.
class WavReader {
 public:
  // Takes bytes off the front of `in` and writes samples to `out`, channels
  // interleaved, until one of them is used up. Returns the number of samples.
  // After the end, or an error, everything is taken and nothing written.
  size_t Process(std::span<const uint8_t>& in, std::span<int16_t> out);

  // Known before the first sample is written.
  std::optional<WavFormat> format() const;
  WavError error() const { return error_; }
  // Whether the data chunk has been read whole.
  bool done() const { return part_ == Part::kDone; }

 private:
  enum class Part : uint8_t {
    kRiff,
    kChunk,
    kFormat,
    kSkip,
    kData,
    kDone,
    kFailed,
  };

  void Expect(Part part, size_t bytes);
  void OnHeader();
  void OnFormat();
  void Fail(WavError error);

  Part part_ = Part::kRiff;
  WavError error_ = WavError::kNone;
  bool has_format_ = false;
  bool endless_ = false;
  // Of a chunk: what is left of it, with the byte that makes it even.
  uint64_t left_ = 0;
  WavFormat format_;
  // What must be together before it can be looked at: 12 bytes of RIFF header,
  // 8 of a chunk's, up to 40 of a format, or one sample of 2.
  size_t wanted_ = 12;
  size_t held_ = 0;
  std::array<uint8_t, 40> hold_{};
};

// The longest header there is.
inline constexpr size_t kMaxWavHeaderBytes = 58;

// Writes the header of a file whose data chunk is `data_bytes` long, or of
// unknown length, into `out`, which has room for kMaxWavHeaderBytes. Returns
// its size: 44 bytes for PCM, 58 for G.711. Lengths beyond what 32 bits hold
// count as unknown. The samples follow, little-endian or in G.711, and a byte 0
// when `data_bytes` is odd.
size_t WriteWavHeader(const WavFormat& format,
                      std::optional<uint64_t> data_bytes,
                      std::span<uint8_t> out);
// The bytes of samples, in `out`, which has room for
// samples.size() * bytes_per_sample(). Returns their number.
size_t WriteWavSamples(const WavFormat& format,
                       std::span<const int16_t> samples,
                       std::span<uint8_t> out);

}  // namespace trunkline::audio
