#include "protocol/services/wav_head.h"

#include <algorithm>
#include <string_view>

namespace trunkline::protocol {
namespace {

// Tags of RFC 2361. The second one says that the format is further behind.
constexpr uint32_t kPcm = 1;
constexpr uint32_t kExtensible = 0xFFFE;

constexpr size_t kChunkHeadBytes = 8;
// RIFF, its size, WAVE.
constexpr size_t kRiffBytes = 12;
constexpr size_t kFormatBytes = 16;
// Up to the tag of an extensible format.
constexpr size_t kExtensibleBytes = 26;

bool Is(std::span<const uint8_t> bytes, std::string_view name) {
  return std::equal(
      bytes.begin(), bytes.begin() + 4, name.begin(), name.end(),
      [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); });
}

uint32_t Number(std::span<const uint8_t> bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; --i) value = value << 8 | bytes[at + i - 1];
  return value;
}

bool IsLinear16Mono(std::span<const uint8_t> format, int sample_rate_hz) {
  uint32_t tag = Number(format, 0, 2);
  if (tag == kExtensible && format.size() >= kExtensibleBytes) {
    tag = Number(format, 24, 2);
  }
  return tag == kPcm && Number(format, 2, 2) == 1 &&
         Number(format, 4, 4) == static_cast<uint32_t>(sample_rate_hz) &&
         Number(format, 14, 2) == 16;
}

}  // namespace

std::array<uint8_t, kWavHeadBytes> WavHead(int sample_rate_hz, size_t bytes) {
  std::array<uint8_t, kWavHeadBytes> head{};
  size_t at = 0;
  const auto name = [&](std::string_view text) {
    for (const char c : text) head[at++] = static_cast<uint8_t>(c);
  };
  const auto number = [&](size_t value, int size) {
    for (; size > 0; --size, value >>= 8) {
      head[at++] = static_cast<uint8_t>(value);
    }
  };
  const auto rate = static_cast<size_t>(sample_rate_hz);
  name("RIFF");
  number(kWavHeadBytes - kChunkHeadBytes + bytes, 4);
  name("WAVEfmt ");
  number(kFormatBytes, 4);
  number(kPcm, 2);
  number(1, 2);         // channels
  number(rate, 4);      // samples a second
  number(rate * 2, 4);  // bytes a second
  number(2, 2);         // bytes a sample
  number(16, 2);        // bits a sample
  name("data");
  number(bytes, 4);
  return head;
}

WavHeadReading ReadWavHead(std::span<const uint8_t> file, int sample_rate_hz,
                           size_t max_bytes) {
  using Verdict = WavHeadReading::Verdict;
  const auto more = [&] {
    return WavHeadReading{
        file.size() < max_bytes ? Verdict::kMore : Verdict::kForeign, 0, {}};
  };
  constexpr WavHeadReading kForeign = {Verdict::kForeign, 0, {}};
  if (file.size() < kRiffBytes) return more();
  if (!Is(file, "RIFF") || !Is(file.subspan(8), "WAVE")) return kForeign;
  bool has_format = false;
  size_t at = kRiffBytes;
  while (at <= max_bytes && file.size() >= at + kChunkHeadBytes) {
    const auto chunk = file.subspan(at);
    const size_t size = Number(chunk, 4, 4);
    at += kChunkHeadBytes;
    if (Is(chunk, "data")) {
      if (!has_format) return kForeign;
      // Who writes as it comes cannot know, and writes nothing, or much.
      constexpr size_t kMuch = 0x7FFFFFFF;
      if (size == 0 || size >= kMuch) return {Verdict::kOk, at, {}};
      return {Verdict::kOk, at, size};
    }
    if (Is(chunk, "fmt ")) {
      if (size < kFormatBytes || size > max_bytes) return kForeign;
      if (file.size() < at + size) return more();
      if (!IsLinear16Mono(file.subspan(at, size), sample_rate_hz)) {
        return kForeign;
      }
      has_format = true;
    }
    // With the byte that makes it even.
    if (size > max_bytes) return kForeign;
    at += size + size % 2;
  }
  return at > max_bytes ? kForeign : more();
}

}  // namespace trunkline::protocol
