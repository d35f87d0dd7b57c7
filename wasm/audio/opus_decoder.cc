#include "audio/opus_decoder.h"

#include <opus.h>

#include <algorithm>

#include "base/check.h"

namespace trunkline::audio {
namespace {

// Longer ones exist in no transport; the sum of a packet's frames is bounded by
// RFC 6716 to 48 frames of 1275 bytes.
constexpr size_t kMaxPacketBytes = size_t{48} * 1276;

}  // namespace

bool OpusDecoder::Supports(int sample_rate_hz) {
  return sample_rate_hz == 8000 || sample_rate_hz == 12000 ||
         sample_rate_hz == 16000 || sample_rate_hz == 24000 ||
         sample_rate_hz == 48000;
}

OpusDecoder::OpusDecoder(int sample_rate_hz) : sample_rate_hz_(sample_rate_hz) {
  TL_CHECK(Supports(sample_rate_hz));
  Reset();
}

void OpusDecoder::Reset() {
  const int size = opus_decoder_get_size(1);
  TL_CHECK(size > 0 && static_cast<size_t>(size) <= state_.size());
  state_.fill(std::byte{0});
  TL_CHECK(opus_decoder_init(reinterpret_cast<::OpusDecoder*>(state_.data()),
                             sample_rate_hz_, /*channels=*/1) == OPUS_OK);
  last_samples_ = static_cast<size_t>(sample_rate_hz_ / 50);
  bad_packets_ = 0;
  concealed_ = 0;
}

size_t OpusDecoder::MaxSamples() const {
  return kMaxPacketSamples * static_cast<size_t>(sample_rate_hz_) / 48000;
}

size_t OpusDecoder::Process(std::span<const uint8_t> packet,
                            std::span<int16_t> out) {
  TL_CHECK(out.size() >= MaxSamples());
  int samples = OPUS_INVALID_PACKET;
  if (!packet.empty() && packet.size() <= kMaxPacketBytes) {
    samples = opus_decode(reinterpret_cast<::OpusDecoder*>(state_.data()),
                          packet.data(), static_cast<opus_int32>(packet.size()),
                          out.data(), static_cast<int>(MaxSamples()),
                          /*decode_fec=*/0);
  }
  if (samples <= 0) {
    ++bad_packets_;
    return Conceal({}, out);
  }
  last_samples_ = static_cast<size_t>(samples);
  return last_samples_;
}

size_t OpusDecoder::Conceal(std::span<const uint8_t> next,
                            std::span<int16_t> out) {
  TL_CHECK(out.size() >= MaxSamples());
  auto* const decoder = reinterpret_cast<::OpusDecoder*>(state_.data());
  const auto wanted = static_cast<int>(last_samples_);
  ++concealed_;
  int samples = OPUS_INVALID_PACKET;
  if (!next.empty() && next.size() <= kMaxPacketBytes) {
    samples =
        opus_decode(decoder, next.data(), static_cast<opus_int32>(next.size()),
                    out.data(), wanted, /*decode_fec=*/1);
  }
  if (samples <= 0) {
    samples = opus_decode(decoder, nullptr, 0, out.data(), wanted,
                          /*decode_fec=*/0);
  }
  // INVARIANT: without a packet nothing can be wrong with it.
  TL_CHECK(samples == wanted);
  return last_samples_;
}

}  // namespace trunkline::audio
