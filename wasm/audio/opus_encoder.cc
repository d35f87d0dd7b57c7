#include "audio/opus_encoder.h"

// SILK's headers, of which not all know C++.
extern "C" {
#include <API.h>
#include <entenc.h>
}

#include "base/check.h"

namespace trunkline::audio {
OpusEncoder::OpusEncoder(const Config& config)
    : config_(config),
      frame_samples_(static_cast<size_t>(config.sample_rate_hz / 50)) {
  TL_CHECK(config.sample_rate_hz == 8000 || config.sample_rate_hz == 16000);
  TL_CHECK(config.bitrate_bps >= 6000 && config.bitrate_bps <= 40000);
  Reset();
}

void OpusEncoder::Reset() {
  opus_int size = 0;
  TL_CHECK(silk_Get_Encoder_Size(&size) == 0);
  TL_CHECK(size > 0 && static_cast<size_t>(size) <= state_.size());
  state_.fill(std::byte{0});
  silk_EncControlStruct ignored{};
  TL_CHECK(silk_InitEncoder(state_.data(), /*arch=*/0, &ignored) == 0);
}

uint8_t OpusEncoder::missing_packet() const {
  return config_.sample_rate_hz == 8000 ? kNarrowbandToc : kWidebandToc;
}

size_t OpusEncoder::Process(std::span<const int16_t> frame, Activity activity,
                            std::span<uint8_t> packet) {
  TL_CHECK(frame.size() == frame_samples_ && packet.size() >= kMaxPacketBytes);
  silk_EncControlStruct control{};
  control.nChannelsAPI = 1;
  control.nChannelsInternal = 1;
  control.API_sampleRate = config_.sample_rate_hz;
  control.maxInternalSampleRate = config_.sample_rate_hz;
  control.minInternalSampleRate = config_.sample_rate_hz;
  control.desiredInternalSampleRate = config_.sample_rate_hz;
  control.payloadSize_ms = 20;
  control.bitRate = config_.bitrate_bps;
  control.complexity = 0;
  control.maxBits = 8 * (kMaxPacketBytes - 1);

  ec_enc range_coder;
  ec_enc_init(&range_coder, packet.data() + 1, kMaxPacketBytes - 1);
  opus_int32 payload_bytes = kMaxPacketBytes - 1;
  const int error =
      silk_Encode(state_.data(), &control, frame.data(),
                  static_cast<int>(frame.size()), &range_coder, &payload_bytes,
                  /*prefillFlag=*/0, activity == Activity::kNoise ? 0 : -1);
  TL_CHECK(error == 0);
  auto size = static_cast<size_t>((ec_tell(&range_coder) + 7) >> 3);
  ec_enc_done(&range_coder);
  // More than there is room for, which SILK does not write within kMaxBits: the
  // decoder conceals the frame.
  packet[0] = missing_packet();
  if (range_coder.error != 0 || size >= kMaxPacketBytes) return 1;
  // The range decoder supplies zeros after the end, so that none need be sent;
  // a packet without a payload would be a missing one.
  while (size > 2 && packet[size] == 0) --size;
  return 1 + size;
}

}  // namespace trunkline::audio
