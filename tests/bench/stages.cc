#include "bench/stages.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "audio/call_progress.h"
#include "audio/fade.h"
#include "audio/g711.h"
#include "audio/gap_concealer.h"
#include "audio/level.h"
#include "audio/melody.h"
#include "audio/music_player.h"
#include "audio/opus_decoder.h"
#include "audio/opus_encoder.h"
#include "audio/recorder.h"
#include "audio/resampler.h"
#include "audio/speech_detector.h"
#include "base/base64.h"
#include "base/json_scanner.h"
#include "base/text.h"
#include "bench/stage_parts.h"
#include "media/caller_audio.h"
#include "protocol/legs/twilio.h"
#include "support/audio_signals.h"

namespace trunkline::bench {

std::vector<int16_t> LineSignal() {
  std::vector<int16_t> line = test::NoiseSignal(16000, -600, 1);
  test::Mix(line, test::VoiceSignal(8000, -200, 2));
  return test::ThroughMuLaw(line);
}

std::vector<uint8_t> LineMuLaw() {
  const std::vector<int16_t> line = LineSignal();
  std::vector<uint8_t> codes(line.size());
  audio::EncodeMuLaw(line, codes);
  return codes;
}

namespace {

constexpr size_t kFrame = 160;

template <void (*kDecode)(std::span<const uint8_t>, std::span<int16_t>)>
struct Decode {
  Frames<uint8_t> line{LineMuLaw(), kFrame};
  std::array<int16_t, kFrame> out;
  void Frame() {
    kDecode(line.Next(), out);
    Keep(out.data());
  }
};

template <void (*kEncode)(std::span<const int16_t>, std::span<uint8_t>)>
struct Encode {
  Frames<int16_t> line{LineSignal(), kFrame};
  std::array<uint8_t, kFrame> out;
  void Frame() {
    kEncode(line.Next(), out);
    Keep(out.data());
  }
};

template <int kInHz, int kOutHz>
struct Resample {
  Frames<int16_t> line{LineSignal(), kInHz / 50};
  audio::Resampler resampler{kInHz, kOutHz};
  std::array<int16_t, 960> out;
  void Frame() {
    resampler.Process(line.Next(), out);
    Keep(out.data());
  }
};

struct EncodeBase64 {
  Frames<uint8_t> line{LineMuLaw(), kFrame};
  std::array<char, Base64EncodedSize(kFrame)> out;
  void Frame() {
    Base64Encode(line.Next(), out.data());
    Keep(out.data());
  }
};

struct DecodeBase64 {
  std::string text = std::string(Base64EncodedSize(kFrame), '\0');
  std::array<uint8_t, Base64DecodedMaxSize(Base64EncodedSize(kFrame))> out;
  DecodeBase64() {
    Base64Encode(Frames<uint8_t>(LineMuLaw(), kFrame).Next(), text.data());
  }
  void Frame() {
    Keep(text.data());
    Base64Decode(text, out);
    Keep(out.data());
  }
};

const std::string& StreamSid() {
  static const auto* const stream_sid =
      new std::string("MZ" + std::string(32, '0'));
  return *stream_sid;
}

// A hundred messages with audio, as long as a carrier's.
std::vector<std::string> MediaMessages() {
  std::vector<std::string> messages;
  Frames<uint8_t> line(LineMuLaw(), kFrame);
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i + 2);
    std::string payload(Base64EncodedSize(kFrame), '\0');
    Base64Encode(line.Next(), payload.data());
    messages.push_back(R"({"event":"media","sequenceNumber":")" + number +
                       R"(","media":{"track":"inbound","chunk":")" + number +
                       R"(","timestamp":")" + std::to_string(i * 20) +
                       R"(","payload":")" + payload + R"("},"streamSid":")" +
                       StreamSid() + R"("})");
  }
  return messages;
}

// Finds the payload of a message, and proves the rest of it sound.
struct ScanMedia {
  std::vector<std::string> messages = MediaMessages();
  size_t next = 0;

  void Frame() {
    JsonScanner message(messages[next]);
    next = next + 1 < messages.size() ? next + 1 : 0;
    std::string_view payload;
    while (message.Next()) {
      if (!Equal(message.key(), "media")) continue;
      message.Enter();
      while (message.Next()) {
        if (Equal(message.key(), "payload")) payload = message.value();
      }
    }
    const bool ok = message.ok();
    Keep(&ok);
    Keep(&payload);
  }
};

// A carrier's message to audio: scan, checks and base64.
struct ReceiveMedia final : protocol::Wire {
  protocol::TwilioLeg leg{*this};
  std::vector<std::string> messages = MediaMessages();
  size_t next = 0;

  ReceiveMedia() {
    leg.OnSocketOpened("");
    leg.OnText(
        R"({"event":"start","sequenceNumber":"1","start":{"streamSid":")" +
        StreamSid() +
        R"(","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,)"
        R"("channels":1}}})");
    Take();
  }
  void Frame() {
    leg.OnText(messages[next]);
    next = next + 1 < messages.size() ? next + 1 : 0;
    Take();
  }
  void Take() {
    while (const auto event = leg.NextEvent()) {
      const auto* media = std::get_if<protocol::LegAudio>(&*event);
      if (media != nullptr) Keep(media->audio.data());
    }
  }

  void SendText(std::string_view /*text*/) override {}
  void SendBinary(std::span<const uint8_t> /*bytes*/) override {}
};

struct MeasureLevel {
  Frames<int16_t> line{LineSignal(), kFrame};
  void Frame() {
    const int level = audio::LevelDbfsTenths(audio::MeanSquare(line.Next()));
    Keep(&level);
  }
};

struct FadeIn {
  std::vector<int16_t> samples = LineSignal();
  void Frame() {
    audio::FadeIn(std::span(samples).first(kFrame), 0, 2 * kFrame);
    Keep(samples.data());
  }
};

struct CallProgress {
  audio::CallProgressTone tone{{.signal = audio::CallSignal::kDial}};
  std::array<int16_t, kFrame> out;
  void Frame() {
    tone.Generate(out);
    Keep(out.data());
  }
};

struct PlayMelody {
  audio::Melody melody{8000};
  std::array<int16_t, kFrame> out;
  void Frame() {
    melody.Generate(out);
    Keep(out.data());
  }
};

// Ducked, with a tenth of the time in the seam.
struct PlayMusic {
  std::vector<uint8_t> music = LineMuLaw();
  audio::MusicPlayer player{{.mu_law = music, .seam_ms = 200}};
  std::array<int16_t, kFrame> out;
  PlayMusic() {
    player.Play(0);
    player.Duck(12, 0);
  }
  void Frame() {
    player.Process(out);
    Keep(out.data());
  }
};

struct DetectSpeech {
  Frames<int16_t> line{LineSignal(), kFrame};
  audio::SpeechDetector detector{audio::SpeechDetector::Config{}};
  void Frame() {
    const auto result = detector.Process(line.Next());
    Keep(&result);
  }
};

// Every other frame is lost: a search for the period each, and a return.
struct ConcealGaps {
  Frames<int16_t> line{LineSignal(), kFrame};
  audio::GapConcealer concealer{8000};
  std::array<int16_t, kFrame> frame;
  bool lost = false;
  void Frame() {
    const std::span<const int16_t> next = line.Next();
    std::copy(next.begin(), next.end(), frame.begin());
    if (lost) {
      concealer.Lost(frame);
    } else {
      concealer.Good(frame);
    }
    lost = !lost;
    Keep(frame.data());
  }
};

// What the sides of a recording say, in two seconds and a half: turns are
// shorter than people's, and so the pauses after them weigh more.
enum class Talk : uint8_t { kBoth, kInTurns, kNobody };

// As many frames as batches are multiples of, each of which then holds whole
// turns.
constexpr size_t kTalkFrames = 128;
// 40 %.
constexpr size_t kTurnFrames = 51;

std::vector<int16_t> Side(Talk talk, size_t side) {
  std::vector<int16_t> line =
      test::NoiseSignal(kTalkFrames * kFrame, -650, 1 + side);
  if (talk != Talk::kNobody) {
    const bool all = talk == Talk::kBoth;
    const size_t from = all ? 0 : side * kTalkFrames / 2;
    test::Mix(std::span(line).subspan(from * kFrame),
              test::VoiceSignal((all ? kTalkFrames : kTurnFrames) * kFrame,
                                -200, 3 + side));
  }
  return test::ThroughMuLaw(line);
}

template <Talk kTalk>
struct Record {
  Frames<int16_t> caller{Side(kTalk, 0), kFrame};
  Frames<int16_t> agent{Side(kTalk, 1), kFrame};
  audio::Recorder recorder{audio::Recorder::Config{}};
  Record() { recorder.Start({}); }
  void Frame() {
    const auto pages = recorder.Process(caller.Next(), agent.Next());
    Keep(pages.data());
  }
};

struct EncodeOpus {
  Frames<int16_t> line{LineSignal(), kFrame};
  // The libraries' rate.
  audio::OpusEncoder encoder{{.bitrate_bps = 16000}};
  std::array<uint8_t, audio::OpusEncoder::kMaxPacketBytes> packet;
  void Frame() {
    encoder.Process(line.Next(), audio::OpusEncoder::Activity::kUnknown,
                    packet);
    Keep(packet.data());
  }
};

struct DecodeOpus {
  std::vector<std::vector<uint8_t>> packets;
  size_t next = 0;
  audio::OpusDecoder decoder{8000};
  std::array<int16_t, audio::OpusDecoder::kMaxPacketSamples> out;

  DecodeOpus() {
    Frames<int16_t> line(Side(Talk::kBoth, 0), kFrame);
    audio::OpusEncoder encoder{audio::OpusEncoder::Config{}};
    for (size_t i = 0; i < kTalkFrames; ++i) {
      std::vector<uint8_t> packet(audio::OpusEncoder::kMaxPacketBytes);
      packet.resize(encoder.Process(
          line.Next(), audio::OpusEncoder::Activity::kUnknown, packet));
      packets.push_back(packet);
    }
  }
  void Frame() {
    decoder.Process(packets[next], out);
    next = next + 1 < packets.size() ? next + 1 : 0;
    Keep(out.data());
  }
};

// All that both directions of a call do with a frame of audio, without noise
// suppression and recording: mu-law in, gaps filled, decoded, speech detected,
// 24 kHz out; 24 kHz in, mu-law out.
struct CallPath {
  Frames<uint8_t> caller{LineMuLaw(), kFrame};
  Frames<int16_t> agent{LineSignal(), 3 * kFrame};
  media::CallerAudio caller_audio{protocol::AudioFormat{}};
  audio::GapConcealer concealer{8000};
  audio::SpeechDetector detector{audio::SpeechDetector::Config{}};
  audio::Resampler to_agent{8000, 24000};
  audio::Resampler to_caller{24000, 8000};
  int64_t now_ms = 0;
  std::array<int16_t, kFrame> narrow;
  std::array<int16_t, 3 * kFrame> wide;
  std::array<uint8_t, kFrame> codes;

  void Frame() {
    caller_audio.OnAudio(now_ms, caller.Next(),
                         Instant::Micros(static_cast<uint64_t>(now_ms) * 1000));
    now_ms += 20;
    while (const auto frame = caller_audio.Next()) {
      audio::DecodeMuLaw(frame->audio, narrow);
      concealer.Good(narrow);
      const auto result = detector.Process(narrow);
      Keep(&result);
      to_agent.Process(narrow, wide);
      Keep(wide.data());
    }
    to_caller.Process(agent.Next(), narrow);
    audio::EncodeMuLaw(narrow, codes);
    Keep(codes.data());
  }
};

constexpr Stage kStages[] = {
    {"mu-law decode", 0, "audio/g711", 0.05, Run<Decode<audio::DecodeMuLaw>>},
    {"mu-law encode", 0, "audio/g711", 0.05, Run<Encode<audio::EncodeMuLaw>>},
    {"A-law decode", 0, "audio/g711", 0.05, Run<Decode<audio::DecodeALaw>>},
    {"A-law encode", 0, "audio/g711", 0.05, Run<Encode<audio::EncodeALaw>>},
    {"resample 8 to 16 kHz", sizeof(audio::Resampler), "audio/resampler", 1,
     Run<Resample<8000, 16000>>},
    {"resample 8 to 24 kHz", sizeof(audio::Resampler), "audio/resampler", 1,
     Run<Resample<8000, 24000>>},
    {"resample 8 to 48 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<8000, 48000>>},
    {"resample 16 to 8 kHz", sizeof(audio::Resampler), "audio/resampler", 1,
     Run<Resample<16000, 8000>>},
    {"resample 24 to 8 kHz", sizeof(audio::Resampler), "audio/resampler", 1,
     Run<Resample<24000, 8000>>},
    {"resample 48 to 8 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<48000, 8000>>},
    {"resample 16 to 24 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<16000, 24000>>},
    {"resample 24 to 16 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<24000, 16000>>},
    {"resample 16 to 48 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<16000, 48000>>},
    {"resample 48 to 16 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<48000, 16000>>},
    {"resample 24 to 48 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<24000, 48000>>},
    {"resample 48 to 24 kHz", sizeof(audio::Resampler), "audio/resampler", 2,
     Run<Resample<48000, 24000>>},
    {"base64 encode", 0, "base/base64", 0.05, Run<EncodeBase64>},
    {"base64 decode", 0, "base/base64", 0.05, Run<DecodeBase64>},
    {"scan of a media message", sizeof(JsonScanner), "base/json_scanner", 0.15,
     Run<ScanMedia>},
    {"media message", sizeof(protocol::TwilioLeg),
     "protocol/legs/twilio base/json_scanner", 0.2, Run<ReceiveMedia>},
    {"level", 0, "audio/level", 0.1, Run<MeasureLevel>},
    {"fade", 0, "audio/fade", 0.3, Run<FadeIn>},
    {"speech detection", sizeof(audio::SpeechDetector),
     "audio/speech_detector audio/speech_features audio/speech_net "
     "audio/spectrum",
     2, Run<DetectSpeech>},
    {"gap concealment", sizeof(audio::GapConcealer),
     "audio/gap_concealer audio/comfort_noise", 2, Run<ConcealGaps>},
    {"call progress", sizeof(audio::CallProgressTone), "audio/call_progress", 1,
     Run<CallProgress>},
    {"melody", sizeof(audio::Melody), "audio/melody", 1, Run<PlayMelody>},
    {"music player", sizeof(audio::MusicPlayer), "audio/music_player", 1,
     Run<PlayMusic>},
    {"Opus encode, mono", sizeof(audio::OpusEncoder), "", 30, Run<EncodeOpus>},
    {"Opus decode, mono", sizeof(audio::OpusDecoder), "", 10, Run<DecodeOpus>},
    {"recorder, both speak", sizeof(audio::Recorder),
     "audio/recorder audio/ogg_writer audio/opus_encoder opus", 60,
     Run<Record<Talk::kBoth>>},
    {"recorder, conversation", sizeof(audio::Recorder), "", 35,
     Run<Record<Talk::kInTurns>>},
    {"recorder, silence", sizeof(audio::Recorder), "", 5,
     Run<Record<Talk::kNobody>>},
    {"call path",
     sizeof(media::CallerAudio) + kFrame + sizeof(audio::GapConcealer) +
         sizeof(audio::SpeechDetector) + 2 * sizeof(audio::Resampler),
     "", 3, Run<CallPath>},
};

}  // namespace

std::span<const Stage> Stages() { return kStages; }

}  // namespace trunkline::bench
