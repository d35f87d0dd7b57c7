// What libraries of C and C++ take for the same work, compiled as their
// distribution does.

#include <soxr.h>
#include <spandsp.h>
#include <speex/speex_preprocess.h>
#include <speex/speex_resampler.h>
#include <webrtc_vad.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "base/base64.h"
#include "base/json.h"
#include "bench/stage_parts.h"
#include "bench/stages.h"
#include "support/native_opus.h"

namespace trunkline::bench {
namespace {

constexpr size_t kFrame = 160;

template <int16_t (*kDecode)(uint8_t)>
struct Decode {
  Frames<uint8_t> line{LineMuLaw(), kFrame};
  std::array<int16_t, kFrame> out;
  void Frame() {
    std::ranges::transform(line.Next(), out.begin(), kDecode);
    Keep(out.data());
  }
};

template <uint8_t (*kEncode)(int)>
struct Encode {
  Frames<int16_t> line{LineSignal(), kFrame};
  std::array<uint8_t, kFrame> out;
  void Frame() {
    std::ranges::transform(line.Next(), out.begin(), kEncode);
    Keep(out.data());
  }
};

template <int kInHz, int kOutHz>
struct SpeexResample {
  Frames<int16_t> line{LineSignal(), kInHz / 50};
  SpeexResamplerState* state =
      speex_resampler_init(1, kInHz, kOutHz, 5, nullptr);
  std::array<int16_t, 960> out;
  void Frame() {
    const auto in = line.Next();
    auto in_count = static_cast<uint32_t>(in.size());
    auto out_count = static_cast<uint32_t>(out.size());
    speex_resampler_process_int(state, 0, in.data(), &in_count, out.data(),
                                &out_count);
    Keep(out.data());
  }
};

template <int kInHz, int kOutHz>
struct SoxrResample {
  Frames<int16_t> line{LineSignal(), kInHz / 50};
  soxr_t state = [] {
    const soxr_io_spec_t io = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I);
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    return soxr_create(kInHz, kOutHz, 1, nullptr, &io, &quality, nullptr);
  }();
  std::array<int16_t, 960> out;
  void Frame() {
    const auto in = line.Next();
    size_t in_count = 0;
    size_t out_count = 0;
    soxr_process(state, in.data(), in.size(), &in_count, out.data(), out.size(),
                 &out_count);
    Keep(out.data());
  }
};

struct WebRtcVad {
  Frames<int16_t> line{LineSignal(), kFrame};
  VadInst* vad = [] {
    VadInst* const created = WebRtcVad_Create();
    WebRtcVad_Init(created);
    WebRtcVad_set_mode(created, 2);
    return created;
  }();
  void Frame() {
    const int voiced = WebRtcVad_Process(vad, 8000, line.Next().data(), kFrame);
    Keep(&voiced);
  }
};

struct SpeexDenoise {
  Frames<int16_t> line{LineSignal(), kFrame};
  SpeexPreprocessState* state = speex_preprocess_state_init(kFrame, 8000);
  std::array<int16_t, kFrame> samples;
  void Frame() {
    std::ranges::copy(line.Next(), samples.begin());
    speex_preprocess_run(state, samples.data());
    Keep(samples.data());
  }
};

// As the distribution builds it, by complexity, at 16 kbit/s.
template <int kChannels, int kComplexity>
struct OpusEncode {
  Frames<int16_t> line{LineSignal(), kFrame * kChannels};
  std::array<uint8_t, 1500> out;
  test::NativeOpus opus = test::NativeOpus::Load();
  OpusEncoder* encoder = [this] {
    int error = 0;
    OpusEncoder* const created =
        opus.encoder_create(8000, kChannels, OPUS_APPLICATION_VOIP, &error);
    opus.encoder_ctl(created, OPUS_SET_COMPLEXITY(kComplexity));
    opus.encoder_ctl(created, OPUS_SET_BITRATE(kChannels == 1 ? 16000 : 24000));
    return created;
  }();
  void Frame() {
    const int bytes =
        opus.encode(encoder, line.Next().data(), kFrame, out.data(),
                    static_cast<opus_int32>(out.size()));
    Keep(&bytes);
  }
};

struct ParseMedia {
  std::string message;
  ParseMedia() {
    std::string payload(Base64EncodedSize(kFrame), '\0');
    Frames<uint8_t> line(LineMuLaw(), kFrame);
    Base64Encode(line.Next(), payload.data());
    message =
        R"({"event":"media","sequenceNumber":"2","media":{"track":"inbound",)"
        R"("chunk":"2","timestamp":"20","payload":")" +
        payload + R"("},"streamSid":"MZ)" + std::string(32, '0') + R"("})";
  }
  void Frame() {
    const auto json = Json::parse(message, nullptr, false);
    Keep(&json);
  }
};

// Of the structures that the libraries hide, as measured by their allocations.
constexpr size_t kUnknown = 0;

constexpr LibraryStage kStages[] = {
    {"mu-law decode", "spandsp", 0, Run<Decode<ulaw_to_linear>>},
    {"mu-law encode", "spandsp", 0, Run<Encode<linear_to_ulaw>>},
    {"A-law decode", "spandsp", 0, Run<Decode<alaw_to_linear>>},
    {"A-law encode", "spandsp", 0, Run<Encode<linear_to_alaw>>},
    {"resample 8 to 16 kHz", "speexdsp q5", 1704,
     Run<SpeexResample<8000, 16000>>},
    {"resample 8 to 24 kHz", "speexdsp q5", 2024,
     Run<SpeexResample<8000, 24000>>},
    {"resample 8 to 24 kHz", "soxr HQ", kUnknown,
     Run<SoxrResample<8000, 24000>>},
    {"resample 8 to 48 kHz", "speexdsp q5", 2984,
     Run<SpeexResample<8000, 48000>>},
    {"resample 16 to 8 kHz", "speexdsp q5", 2024,
     Run<SpeexResample<16000, 8000>>},
    {"resample 24 to 8 kHz", "speexdsp q5", 2664,
     Run<SpeexResample<24000, 8000>>},
    {"resample 24 to 8 kHz", "soxr HQ", kUnknown,
     Run<SoxrResample<24000, 8000>>},
    {"resample 48 to 8 kHz", "speexdsp q5", 4584,
     Run<SpeexResample<48000, 8000>>},
    {"resample 24 to 16 kHz", "speexdsp q5", 2184,
     Run<SpeexResample<24000, 16000>>},
    {"media message", "nlohmann/json, parse only", kUnknown, Run<ParseMedia>},
    {"speech detection", "WebRTC alone", 736, Run<WebRtcVad>},
    {"noise suppression", "speexdsp", 24028, Run<SpeexDenoise>},
    {"Opus encode, mono", "libopus 1.3.1 c0", 43520, Run<OpusEncode<1, 0>>},
    {"Opus encode, mono", "libopus 1.3.1 c5", 43520, Run<OpusEncode<1, 5>>},
    {"Opus encode, stereo", "libopus 1.3.1 c0", 48432, Run<OpusEncode<2, 0>>},
};

}  // namespace

std::span<const LibraryStage> LibraryStages() { return kStages; }

}  // namespace trunkline::bench
