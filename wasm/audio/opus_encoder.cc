#include "audio/opus_encoder.h"

// SILK's headers, of which not all know C++.
extern "C" {
#include <API.h>
#include <entenc.h>
#include <main_FIX.h>
}

#include <algorithm>

#include "base/check.h"

namespace trunkline::audio {
namespace {

// TOC bytes of RFC 6716, 3.1, for SILK of 20 ms, mono, one frame.
constexpr uint8_t kNarrowbandToc = 1 << 3;
constexpr uint8_t kWidebandToc = 9 << 3;

// An excitation without pulses is this, with signs that its seed draws: the
// larger quantisation offset of 4.2.7.8.6, 1024ths of a quantisation step.
constexpr int64_t kOffset = 240;
// What takes a pulse's absolute value towards zero there.
constexpr int64_t kTowardsZero = 80;
// Of a negative pulse of 1: 9 dB above the others, as noise is now and then.
constexpr int64_t kPulse = 1024 - kTowardsZero - kOffset;

silk_encoder_state_FIX& SilkState(std::span<std::byte> state) {
  return reinterpret_cast<silk_encoder*>(state.data())->state_Fxx[0];
}

// What quiet frames are encoded at: a third of the bytes of 12000. Noise is 2
// dB quieter than the line's then at 8 kHz and as loud at 16 kHz; at 12000 it
// is 4 and 2 dB quieter, but frame by frame the same, and so noise is learned
// there.
constexpr int kNarrowbandQuietBitrate = 6000;
constexpr int kWidebandQuietBitrate = 8000;

// The loudest noise that is made, -46 dBFS before the spectrum's own gain, and
// its gain: its square times the energy of 20 ms stays below 2^63.
constexpr opus_int8 kLoudestIndex = 40;
constexpr int64_t kLoudestGainQ6 = 1 << 16;

int64_t GainQ6(opus_int32 gain_q16) {
  return std::min<int64_t>(gain_q16 >> 10, kLoudestGainQ6);
}

int64_t GainQ6OfIndex(opus_int8 index) {
  opus_int8 previous = 0;
  opus_int32 gain_q16 = 0;
  silk_gains_dequant(&gain_q16, &index, &previous, /*conditional=*/0, 1);
  return GainQ6(gain_q16);
}

// Of the lowest gains, up to which an excitation is at most one step of 16
// bits, the index with the shortest code.
constexpr opus_int8 kSilentIndex = 8;

// Packets of silence: the gain of kSilentIndex, no pulses, and of all else what
// has the shortest code. That is 30 bits of information at 8 kHz and 40.4 at 16
// kHz; a frame that holds all of its code is not shorter than this.
constexpr std::array<uint8_t, 5> kNarrowbandSilence = {kNarrowbandToc, 0x0E,
                                                       0xE2, 0x3A, 0x7E};
constexpr std::array<uint8_t, 7> kWidebandSilence = {
    kWidebandToc, 0x0E, 0xDF, 0x03, 0x66, 0x78, 0x00};

// The energy of a subframe's excitation.
int64_t ExcitationEnergy(std::span<const opus_int8> pulses, int64_t offset) {
  int64_t energy = 0;
  for (const opus_int8 pulse : pulses) {
    const int64_t steps = int64_t{pulse} * 1024;
    const int64_t value = pulse > 0   ? steps - kTowardsZero + offset
                          : pulse < 0 ? steps + kTowardsZero + offset
                                      : offset;
    energy += value * value;
  }
  return energy;
}

// What silk_encode_pulses() writes for an excitation without any, and need not
// search for: the rate level with the shortest code, and none for each block.
void EncodeNoPulses(ec_enc& range_coder, size_t samples) {
  ec_enc_icdf(&range_coder, 0, silk_rate_levels_iCDF[0], 8);
  for (size_t i = 0; i < samples / SHELL_CODEC_FRAME_LENGTH; ++i) {
    ec_enc_icdf(&range_coder, 0, silk_pulses_per_block_iCDF[0], 8);
  }
}

// Ends a frame; its size, or 0 when it does not fit.
size_t EndFrame(ec_enc& range_coder) {
  const auto size = static_cast<size_t>((ec_tell(&range_coder) + 7) >> 3);
  ec_enc_done(&range_coder);
  return range_coder.error != 0 ? 0 : size;
}

}  // namespace

OpusEncoder::OpusEncoder(const Config& config)
    : config_(config),
      frame_samples_(static_cast<size_t>(config.sample_rate_hz / 50)),
      toc_(config.sample_rate_hz == 8000 ? kNarrowbandToc : kWidebandToc) {
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
  last_ = Last::kOther;
  noise_seed_ = 0;
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
  if (activity == Activity::kQuiet) {
    control.bitRate = std::min(config_.bitrate_bps,
                               toc_ == kNarrowbandToc ? kNarrowbandQuietBitrate
                                                      : kWidebandQuietBitrate);
  }
  control.complexity = 0;
  control.maxBits = 8 * (kMaxPacketBytes - 1);

  ec_enc range_coder;
  ec_enc_init(&range_coder, packet.data() + 1, kMaxPacketBytes - 1);
  opus_int32 payload_bytes = kMaxPacketBytes - 1;
  const int error =
      silk_Encode(state_.data(), &control, frame.data(),
                  static_cast<int>(frame.size()), &range_coder, &payload_bytes,
                  /*prefillFlag=*/0, activity == Activity::kUnknown ? -1 : 0);
  TL_CHECK(error == 0);
  last_ = activity == Activity::kNoise ? Last::kNoise : Last::kOther;
  packet[0] = toc_;
  const size_t size = EndFrame(range_coder);
  if (size > 0 && size < kMaxPacketBytes) return 1 + size;
  // More than there is room for, which SILK does not write within maxBits.
  return Silence(packet);
}

size_t OpusEncoder::Silence(std::span<uint8_t> packet) {
  SetNoise(0);
  return Noise(packet);
}

void OpusEncoder::LearnNoise() {
  silk_encoder_state& state = SilkState(state_).sCmn;
  const SideInfoIndices& indices = state.indices;
  const size_t subframe = frame_samples_ / MAX_NB_SUBFR;
  const int64_t offset = silk_Quantization_Offsets_Q10[indices.signalType >> 1]
                                                      [indices.quantOffsetType];
  std::array<opus_int32, MAX_NB_SUBFR> gains_q16{};
  opus_int8 previous = 0;
  silk_gains_dequant(gains_q16.data(), indices.GainsIndices, &previous,
                     /*conditional=*/0, MAX_NB_SUBFR);
  int64_t energy = 0;
  for (size_t i = 0; i < MAX_NB_SUBFR; ++i) {
    const int64_t gain = GainQ6(gains_q16[i]);
    energy +=
        gain * gain *
        ExcitationEnergy(
            std::span(state.pulses).subspan(i * subframe, subframe), offset);
  }
  // One gain for all of the frame, to the nearest of steps of 1.4 dB.
  const int64_t made = kPulse * kPulse / 2 +
                       static_cast<int64_t>(frame_samples_) * kOffset * kOffset;
  opus_int8 index = 0;
  while (index < kLoudestIndex &&
         GainQ6OfIndex(index) * GainQ6OfIndex(index) * made / 6 * 7 < energy) {
    ++index;
  }
  SetNoise(index);
}

void OpusEncoder::SetNoise(int8_t gain_index) {
  SideInfoIndices& indices = SilkState(state_).sCmn.indices;
  indices.signalType = TYPE_NO_VOICE_ACTIVITY;
  indices.quantOffsetType = 1;
  std::fill(std::begin(indices.GainsIndices), std::end(indices.GainsIndices),
            opus_int8{-MIN_DELTA_GAIN_QUANT});
  gain_index = std::max(gain_index, kSilentIndex);
  indices.GainsIndices[0] = gain_index;
  indices.NLSFInterpCoef_Q2 = 4;
  // A decoder takes a gain as at least the last one less 16 steps.
  opus_int8& last_gain_index = SilkState(state_).sShape.LastGainIndex;
  last_gain_index =
      std::max(gain_index, static_cast<opus_int8>(last_gain_index - 16));
  last_ = Last::kMade;
}

size_t OpusEncoder::Noise(std::span<uint8_t> packet) {
  TL_CHECK(last_ != Last::kOther && packet.size() >= kMaxPacketBytes);
  if (last_ == Last::kNoise) LearnNoise();
  silk_encoder_state& state = SilkState(state_).sCmn;
  if (state.indices.GainsIndices[0] == kSilentIndex) {
    const std::span<const uint8_t> silence =
        toc_ == kNarrowbandToc ? std::span<const uint8_t>(kNarrowbandSilence)
                               : kWidebandSilence;
    std::copy(silence.begin(), silence.end(), packet.begin());
    return silence.size();
  }
  noise_seed_ = noise_seed_ * 1664525 + 1013904223;
  state.indices.Seed = static_cast<opus_int8>(noise_seed_ >> 30);
  ec_enc range_coder;
  ec_enc_init(&range_coder, packet.data() + 1, kMaxPacketBytes - 1);
  // Neither voice nor a copy of the former frame.
  ec_enc_bit_logp(&range_coder, 0, 1);
  ec_enc_bit_logp(&range_coder, 0, 1);
  silk_encode_indices(&state, &range_coder, /*FrameIndex=*/0,
                      /*encode_LBRR=*/0, CODE_INDEPENDENTLY);
  // Four seeds are four noises, which would be heard as a hum of 50 Hz. Every
  // other frame has a pulse in its first half, which changes the signs behind.
  if ((noise_seed_ >> 29 & 1) == 0) {
    EncodeNoPulses(range_coder, frame_samples_);
  } else {
    std::array<opus_int8, MAX_FRAME_LENGTH> pulses{};
    pulses[(noise_seed_ >> 16 & 0x1FFF) * (frame_samples_ / 2) >> 13] = -1;
    silk_encode_pulses(&range_coder, state.indices.signalType,
                       state.indices.quantOffsetType, pulses.data(),
                       static_cast<opus_int>(frame_samples_));
  }
  packet[0] = toc_;
  return 1 + EndFrame(range_coder);
}

}  // namespace trunkline::audio
