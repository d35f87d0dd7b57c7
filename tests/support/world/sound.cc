#include "support/world/sound.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/check.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::test {
namespace {

using protocol::Encoding;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// One of the laws of G.711, by tables from the slow twins. Samples are looked
// up when they first come: few of them ever do.
class Law {
 public:
  Law(uint8_t (*encode)(int16_t), int16_t (*decode)(uint8_t))
      : encode_(encode), codes_(size_t{1} << 16, kUnknown) {
    for (size_t code = 0; code < samples_.size(); ++code) {
      samples_[code] = decode(static_cast<uint8_t>(code));
    }
  }
  char Encode(int16_t sample) {
    int16_t& code = codes_[static_cast<uint16_t>(sample)];
    if (code == kUnknown) code = encode_(sample);
    return static_cast<char>(code);
  }
  int16_t Decode(char code) const {
    return samples_[static_cast<uint8_t>(code)];
  }

 private:
  static constexpr int16_t kUnknown = -1;

  uint8_t (*const encode_)(int16_t);
  std::array<int16_t, 256> samples_{};
  std::vector<int16_t> codes_;
};

Law& LawOf(Encoding encoding) {
  static Law mu_law(ReferenceEncodeMuLaw, ReferenceDecodeMuLaw);
  static Law a_law(ReferenceEncodeALaw, ReferenceDecodeALaw);
  return encoding == Encoding::kMuLaw ? mu_law : a_law;
}

}  // namespace

std::string EncodeSound(Encoding encoding, std::span<const int16_t> samples) {
  std::string bytes(samples.size() * protocol::BytesPerSample(encoding), '\0');
  if (!protocol::IsLinear(encoding)) {
    Law& law = LawOf(encoding);
    std::transform(samples.begin(), samples.end(), bytes.begin(),
                   [&law](int16_t sample) { return law.Encode(sample); });
    return bytes;
  }
  const size_t low = encoding == Encoding::kLinear16Big ? 1 : 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    bytes[2 * i + low] = static_cast<char>(samples[i] & 0xFF);
    bytes[2 * i + 1 - low] = static_cast<char>(samples[i] >> 8);
  }
  return bytes;
}

std::vector<int16_t> DecodeSound(Encoding encoding, std::string_view bytes) {
  std::vector<int16_t> samples(bytes.size() /
                               protocol::BytesPerSample(encoding));
  if (!protocol::IsLinear(encoding)) {
    const Law& law = LawOf(encoding);
    std::transform(bytes.begin(), bytes.end(), samples.begin(),
                   [&law](char code) { return law.Decode(code); });
    return samples;
  }
  const size_t low = encoding == Encoding::kLinear16Big ? 1 : 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] =
        static_cast<int16_t>(static_cast<uint8_t>(bytes[2 * i + low]) |
                             static_cast<uint8_t>(bytes[2 * i + 1 - low]) << 8);
  }
  return samples;
}

std::string ToBase64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  uint32_t bits = 0;
  int count = 0;
  size_t at = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    count += 8;
    while (count >= 6) {
      count -= 6;
      out[at++] = kAlphabet[bits >> count & 63];
    }
  }
  if (count > 0) out[at] = kAlphabet[bits << (6 - count) & 63];
  return out;
}

std::optional<std::string> FromBase64(std::string_view text) {
  static const std::array<int16_t, 256> values = [] {
    std::array<int16_t, 256> table;
    table.fill(-1);
    for (size_t i = 0; i < kAlphabet.size(); ++i) {
      table[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int16_t>(i);
    }
    return table;
  }();
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = values[static_cast<uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count);
    }
  }
  return out;
}

std::vector<int16_t> Speech(int ms, uint64_t seed) {
  // Made once per voice: a thousand utterances cost more than their tests.
  constexpr size_t kLongest = size_t{4000} * 8;
  constexpr uint64_t kVoices = 8;
  constexpr int kDbfsTenths = -200;
  static std::array<std::vector<int16_t>, kVoices> voices;
  std::vector<int16_t>& voice = voices[seed % kVoices];
  if (voice.empty()) {
    voice = VoiceSignal(kLongest, kDbfsTenths, seed % kVoices);
  }
  const auto count = std::min(static_cast<size_t>(ms) * 8, voice.size());
  return {voice.begin(), voice.begin() + static_cast<ptrdiff_t>(count)};
}

std::vector<int16_t> AtRate(int sample_rate_hz,
                            std::span<const int16_t> samples) {
  TL_CHECK(sample_rate_hz % 8000 == 0);
  const int times = sample_rate_hz / 8000;
  std::vector<int16_t> out;
  out.reserve(samples.size() * static_cast<size_t>(times));
  int last = samples.empty() ? 0 : samples.front();
  for (const int16_t sample : samples) {
    for (int i = 1; i <= times; ++i) {
      out.push_back(static_cast<int16_t>(last + (sample - last) * i / times));
    }
    last = sample;
  }
  return out;
}

std::vector<uint8_t> SpeechBytes(int ms, uint64_t seed) {
  const std::string bytes = EncodeSound(Encoding::kMuLaw, Speech(ms, seed));
  return {bytes.begin(), bytes.end()};
}

std::vector<uint8_t> SilenceBytes(int ms) {
  return std::vector<uint8_t>(static_cast<size_t>(ms) * 8, 0xFF);
}

}  // namespace trunkline::test
