#include "audio/wav.h"

#include <algorithm>
#include <cstring>

#include "audio/g711.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

constexpr size_t kChunkBytes = 8;
constexpr size_t kFormatBytes = 16;
constexpr size_t kExtensibleBytes = 40;
constexpr uint32_t kExtensible = 0xFFFE;
constexpr uint32_t kUnknownLength = 0xFFFFFFFF;

// What of a GUID follows the encoding's tag in an extensible format.
constexpr std::array<uint8_t, 14> kGuidEnd = {0x00, 0x00, 0x00, 0x00, 0x10,
                                              0x00, 0x80, 0x00, 0x00, 0xAA,
                                              0x00, 0x38, 0x9B, 0x71};

uint32_t Get(const uint8_t* at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value |= static_cast<uint32_t>(at[i]) << (8 * i);
  }
  return value;
}

void Put(std::span<uint8_t> out, size_t& at, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    out[at++] = static_cast<uint8_t>(value >> (8 * i));
  }
}

void Put(std::span<uint8_t> out, size_t& at, std::string_view name) {
  for (const char c : name) out[at++] = static_cast<uint8_t>(c);
}

bool Is(const uint8_t* at, std::string_view name) {
  return std::memcmp(at, name.data(), name.size()) == 0;
}

}  // namespace

std::string_view ToString(WavError error) {
  switch (error) {
    case WavError::kNone:
      return "none";
    case WavError::kNotWav:
      return "not a WAV file";
    case WavError::kBadFormat:
      return "a bad format chunk";
    case WavError::kUnsupported:
      return "neither 16-bit PCM nor G.711";
    case WavError::kNoFormat:
      return "data before its format";
  }
  return "";
}

std::optional<WavFormat> WavReader::format() const {
  if (!has_format_ || part_ == Part::kFailed) return std::nullopt;
  return format_;
}

void WavReader::Expect(Part part, size_t bytes) {
  part_ = part;
  wanted_ = bytes;
  held_ = 0;
}

void WavReader::Fail(WavError error) {
  part_ = Part::kFailed;
  error_ = error;
}

void WavReader::OnHeader() {
  if (part_ == Part::kRiff) {
    if (!Is(hold_.data(), "RIFF") || !Is(hold_.data() + 8, "WAVE")) {
      return Fail(WavError::kNotWav);
    }
    return Expect(Part::kChunk, kChunkBytes);
  }
  const uint32_t size = Get(hold_.data() + 4, 4);
  left_ = uint64_t{size} + size % 2;
  if (Is(hold_.data(), "fmt ")) {
    if (size < kFormatBytes) return Fail(WavError::kBadFormat);
    const size_t bytes = std::min<size_t>(size, kExtensibleBytes);
    left_ -= bytes;
    return Expect(Part::kFormat, bytes);
  }
  if (Is(hold_.data(), "data")) {
    if (!has_format_) return Fail(WavError::kNoFormat);
    left_ = size;
    endless_ = size == 0 || size == kUnknownLength;
    return Expect(Part::kData, format_.bytes_per_sample());
  }
  part_ = Part::kSkip;
}

void WavReader::OnFormat() {
  uint32_t tag = Get(hold_.data(), 2);
  const uint32_t channels = Get(hold_.data() + 2, 2);
  const uint32_t rate = Get(hold_.data() + 4, 4);
  const uint32_t block = Get(hold_.data() + 12, 2);
  const uint32_t bits = Get(hold_.data() + 14, 2);
  if (tag == kExtensible) {
    if (wanted_ < kExtensibleBytes) return Fail(WavError::kBadFormat);
    if (!std::equal(kGuidEnd.begin(), kGuidEnd.end(), hold_.begin() + 26)) {
      return Fail(WavError::kUnsupported);
    }
    tag = Get(hold_.data() + 24, 2);
  }
  switch (tag) {
    case 1:
      format_.encoding = WavFormat::Encoding::kPcm16;
      break;
    case 6:
      format_.encoding = WavFormat::Encoding::kALaw;
      break;
    case 7:
      format_.encoding = WavFormat::Encoding::kMuLaw;
      break;
    default:
      return Fail(WavError::kUnsupported);
  }
  const size_t bytes = format_.bytes_per_sample();
  if (bits != 8 * bytes) return Fail(WavError::kUnsupported);
  if (channels < 1 || channels > 8 || rate < 1000 || rate > 192000 ||
      block != channels * bytes) {
    return Fail(WavError::kBadFormat);
  }
  format_.channels = static_cast<int>(channels);
  format_.sample_rate_hz = static_cast<int>(rate);
  has_format_ = true;
  part_ = Part::kSkip;
}

size_t WavReader::Process(std::span<const uint8_t>& in,
                          std::span<int16_t> out) {
  size_t written = 0;
  for (;;) {
    switch (part_) {
      case Part::kDone:
      case Part::kFailed:
        in = {};
        return written;
      case Part::kSkip: {
        const auto skipped =
            static_cast<size_t>(std::min<uint64_t>(left_, in.size()));
        in = in.subspan(skipped);
        left_ -= skipped;
        if (left_ > 0) return written;
        Expect(Part::kChunk, kChunkBytes);
        break;
      }
      case Part::kRiff:
      case Part::kChunk:
      case Part::kFormat: {
        const size_t taken = std::min(wanted_ - held_, in.size());
        std::copy_n(in.begin(), taken,
                    hold_.begin() + static_cast<ptrdiff_t>(held_));
        in = in.subspan(taken);
        held_ += taken;
        if (held_ < wanted_) return written;
        if (part_ == Part::kFormat) {
          OnFormat();
        } else {
          OnHeader();
        }
        break;
      }
      case Part::kData: {
        if (!endless_ && held_ + left_ < wanted_) {
          // Half a sample at the end is none.
          part_ = Part::kDone;
          break;
        }
        if (in.empty() || written == out.size()) return written;
        if (wanted_ == 2) {
          hold_[held_++] = in.front();
          in = in.subspan(1);
          if (!endless_) --left_;
          if (held_ < 2) break;
          held_ = 0;
          out[written++] =
              static_cast<int16_t>(static_cast<uint16_t>(Get(hold_.data(), 2)));
          break;
        }
        size_t count = std::min(in.size(), out.size() - written);
        if (!endless_) {
          count = static_cast<size_t>(std::min<uint64_t>(count, left_));
          left_ -= count;
        }
        const auto decode = format_.encoding == WavFormat::Encoding::kMuLaw
                                ? DecodeMuLaw
                                : DecodeALaw;
        decode(in.first(count), out.subspan(written));
        in = in.subspan(count);
        written += count;
        break;
      }
    }
  }
}

size_t WriteWavHeader(const WavFormat& format,
                      std::optional<uint64_t> data_bytes,
                      std::span<uint8_t> out) {
  TL_CHECK(out.size() >= kMaxWavHeaderBytes);
  TL_CHECK(format.channels >= 1 && format.channels <= 8);
  TL_CHECK(format.sample_rate_hz >= 1000 && format.sample_rate_hz <= 192000);
  const bool pcm = format.encoding == WavFormat::Encoding::kPcm16;
  const size_t header_bytes = pcm ? 44 : 58;
  uint32_t data = kUnknownLength;
  uint32_t riff = kUnknownLength;
  // RIFF counts everything after its own 8 bytes, padding included.
  if (data_bytes &&
      *data_bytes + *data_bytes % 2 + header_bytes - 8 < kUnknownLength) {
    data = static_cast<uint32_t>(*data_bytes);
    riff = static_cast<uint32_t>(data + data % 2 + header_bytes - 8);
  }
  const auto channels = static_cast<uint32_t>(format.channels);
  const auto rate = static_cast<uint32_t>(format.sample_rate_hz);
  const auto block =
      channels * static_cast<uint32_t>(format.bytes_per_sample());
  size_t at = 0;
  Put(out, at, "RIFF");
  Put(out, at, riff, 4);
  Put(out, at, "WAVEfmt ");
  Put(out, at, pcm ? 16 : 18, 4);
  Put(out, at, static_cast<uint32_t>(format.encoding), 2);
  Put(out, at, channels, 2);
  Put(out, at, rate, 4);
  Put(out, at, rate * block, 4);
  Put(out, at, block, 2);
  Put(out, at, pcm ? 16 : 8, 2);
  if (!pcm) {
    // What is not PCM has the size of an extension, which G.711 lacks, and a
    // chunk that says how many samples a channel has.
    Put(out, at, 0, 2);
    Put(out, at, "fact");
    Put(out, at, 4, 4);
    Put(out, at, data == kUnknownLength ? data : data / channels, 4);
  }
  Put(out, at, "data");
  Put(out, at, data, 4);
  return at;
}

size_t WriteWavSamples(const WavFormat& format,
                       std::span<const int16_t> samples,
                       std::span<uint8_t> out) {
  const size_t bytes = samples.size() * format.bytes_per_sample();
  TL_CHECK(out.size() >= bytes);
  size_t at = 0;
  switch (format.encoding) {
    case WavFormat::Encoding::kPcm16:
      for (const int16_t sample : samples) {
        Put(out, at, static_cast<uint16_t>(sample), 2);
      }
      break;
    case WavFormat::Encoding::kMuLaw:
      EncodeMuLaw(samples, out);
      break;
    case WavFormat::Encoding::kALaw:
      EncodeALaw(samples, out);
      break;
  }
  return bytes;
}

}  // namespace trunkline::audio
