#include "media/transcoder.h"

#include <algorithm>

#include "audio/g711.h"

namespace trunkline::media {
namespace {

// Makes room without ever giving any back: the longest chunk decides.
template <typename T>
std::span<T> Room(std::vector<T>& buffer, size_t count) {
  if (buffer.size() < count) buffer.resize(count);
  return std::span<T>(buffer).first(count);
}

}  // namespace

uint8_t SilenceByte(protocol::Encoding encoding) {
  switch (encoding) {
    case protocol::Encoding::kMuLaw:
      return audio::kMuLawSilence;
    case protocol::Encoding::kALaw:
      return audio::kALawSilence;
    case protocol::Encoding::kLinear16:
    case protocol::Encoding::kLinear16Big:
      return 0;
  }
  return 0;
}

size_t DecodeAudio(protocol::Encoding encoding, std::span<const uint8_t> audio,
                   std::span<int16_t> out) {
  switch (encoding) {
    case protocol::Encoding::kMuLaw:
      audio::DecodeMuLaw(audio, out);
      return audio.size();
    case protocol::Encoding::kALaw:
      audio::DecodeALaw(audio, out);
      return audio.size();
    case protocol::Encoding::kLinear16:
      for (size_t i = 0; i < audio.size() / 2; ++i) {
        out[i] = static_cast<int16_t>(
            static_cast<uint16_t>(audio[2 * i] | audio[2 * i + 1] << 8));
      }
      return audio.size() / 2;
    case protocol::Encoding::kLinear16Big:
      for (size_t i = 0; i < audio.size() / 2; ++i) {
        out[i] = static_cast<int16_t>(
            static_cast<uint16_t>(audio[2 * i] << 8 | audio[2 * i + 1]));
      }
      return audio.size() / 2;
  }
  return 0;
}

void EncodeAudio(protocol::Encoding encoding, std::span<const int16_t> samples,
                 std::span<uint8_t> out) {
  switch (encoding) {
    case protocol::Encoding::kMuLaw:
      audio::EncodeMuLaw(samples, out);
      return;
    case protocol::Encoding::kALaw:
      audio::EncodeALaw(samples, out);
      return;
    case protocol::Encoding::kLinear16:
      for (size_t i = 0; i < samples.size(); ++i) {
        const auto bits = static_cast<uint16_t>(samples[i]);
        out[2 * i] = static_cast<uint8_t>(bits & 0xFF);
        out[2 * i + 1] = static_cast<uint8_t>(bits >> 8);
      }
      return;
    case protocol::Encoding::kLinear16Big:
      for (size_t i = 0; i < samples.size(); ++i) {
        const auto bits = static_cast<uint16_t>(samples[i]);
        out[2 * i + 1] = static_cast<uint8_t>(bits & 0xFF);
        out[2 * i] = static_cast<uint8_t>(bits >> 8);
      }
      return;
  }
}

Transcoder::Transcoder(protocol::AudioFormat from, protocol::AudioFormat to)
    : from_(from),
      to_(to),
      resampler_(from.sample_rate_hz, to.sample_rate_hz) {}

void Transcoder::Reset() {
  resampler_.Reset();
  has_odd_byte_ = false;
}

size_t Transcoder::OutputBytes(size_t bytes) const {
  const size_t samples = (bytes + (has_odd_byte_ ? 1 : 0)) /
                         protocol::BytesPerSample(from_.encoding);
  return resampler_.OutputSamples(samples) *
         protocol::BytesPerSample(to_.encoding);
}

std::span<const uint8_t> Transcoder::Process(std::span<const uint8_t> audio) {
  if (protocol::BytesPerSample(from_.encoding) == 2 &&
      (has_odd_byte_ || audio.size() % 2 != 0)) {
    joined_.clear();
    if (has_odd_byte_) joined_.push_back(odd_byte_);
    joined_.insert(joined_.end(), audio.begin(), audio.end());
    has_odd_byte_ = joined_.size() % 2 != 0;
    if (has_odd_byte_) {
      odd_byte_ = joined_.back();
      joined_.pop_back();
    }
    audio = joined_;
  }
  if (from_ == to_) return audio;
  std::span<int16_t> samples = Room(decoded_, audio.size());
  samples = samples.first(DecodeAudio(from_.encoding, audio, samples));
  if (from_.sample_rate_hz != to_.sample_rate_hz) {
    const std::span<int16_t> out =
        Room(resampled_, resampler_.MaxOutputSamples(samples.size()));
    samples = out.first(resampler_.Process(samples, out));
  }
  const std::span<uint8_t> out =
      Room(encoded_, samples.size() * protocol::BytesPerSample(to_.encoding));
  EncodeAudio(to_.encoding, samples, out);
  return out;
}

std::vector<uint8_t> Convert(protocol::AudioFormat from,
                             protocol::AudioFormat to,
                             std::span<const uint8_t> audio) {
  constexpr size_t kPieceBytes = 4096;
  Transcoder transcoder(from, to);
  std::vector<uint8_t> converted;
  converted.reserve(transcoder.OutputBytes(audio.size()));
  while (!audio.empty()) {
    const size_t count = std::min(audio.size(), kPieceBytes);
    const std::span<const uint8_t> piece =
        transcoder.Process(audio.first(count));
    converted.insert(converted.end(), piece.begin(), piece.end());
    audio = audio.subspan(count);
  }
  return converted;
}

}  // namespace trunkline::media
