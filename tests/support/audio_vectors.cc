#include "support/audio_vectors.h"

#include <array>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "audio/call_progress.h"
#include "audio/cross_fade.h"
#include "audio/denoiser.h"
#include "audio/dtmf_detector.h"
#include "audio/dtmf_generator.h"
#include "audio/echo_guard.h"
#include "audio/fade.h"
#include "audio/g711.h"
#include "audio/gain_control.h"
#include "audio/gap_concealer.h"
#include "audio/level.h"
#include "audio/loudness.h"
#include "audio/melody.h"
#include "audio/mixer.h"
#include "audio/music_player.h"
#include "audio/opus_decoder.h"
#include "audio/recorder.h"
#include "audio/resampler.h"
#include "audio/speech_detector.h"
#include "audio/tones.h"
#include "base/base64.h"
#include "support/audio_signals.h"

namespace trunkline::test {
namespace {

class Fnv1a {
 public:
  void AddByte(uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001B3ULL; }
  void AddBytes(std::span<const uint8_t> bytes) {
    for (const uint8_t byte : bytes) AddByte(byte);
  }
  void AddSamples(std::span<const int16_t> samples) {
    for (const int16_t sample : samples) {
      const auto bits = static_cast<uint16_t>(sample);
      AddByte(static_cast<uint8_t>(bits & 0xFF));
      AddByte(static_cast<uint8_t>(bits >> 8));
    }
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0xCBF29CE484222325ULL;
};

// An odd count, so that what a SIMD loop leaves over is run as well.
constexpr size_t kCount = 9601;

template <void (*Decode)(std::span<const uint8_t>, std::span<int16_t>)>
uint64_t HashDecode() {
  std::vector<uint8_t> codes(256 + 13);
  std::iota(codes.begin(), codes.end(), uint8_t{0});
  std::vector<int16_t> samples(codes.size());
  Decode(codes, samples);
  Fnv1a fnv;
  fnv.AddSamples(samples);
  return fnv.hash();
}

template <void (*Encode)(std::span<const int16_t>, std::span<uint8_t>)>
uint64_t HashEncode() {
  std::vector<int16_t> samples(65536 + 13);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(static_cast<uint16_t>(i));
  }
  std::vector<uint8_t> codes(samples.size());
  Encode(samples, codes);
  Fnv1a fnv;
  fnv.AddBytes(codes);
  return fnv.hash();
}

template <int kInHz, int kOutHz>
uint64_t HashResampler() {
  Fnv1a fnv;
  const std::vector<int16_t> inputs[] = {
      RandomSamples(kCount, 1), SquareSignal(kCount, 7),
      SineSignal(kCount, 1234.5, kInHz, 20000)};
  audio::Resampler resampler(kInHz, kOutHz);
  for (const std::vector<int16_t>& in : inputs) {
    std::vector<int16_t> out(resampler.MaxOutputSamples(in.size()));
    out.resize(resampler.Process(in, out));
    fnv.AddSamples(out);
  }
  return fnv.hash();
}

// Voice and pauses over noise, at all sorts of levels.
uint64_t HashSpeechDetector() {
  Fnv1a fnv;
  audio::SpeechDetector detector(audio::SpeechDetector::Config{});
  for (uint64_t part = 0; part < 16; ++part) {
    std::vector<int16_t> line =
        NoiseSignal(16000, -650 + 150 * static_cast<int>(part % 4), part);
    Mix(line, VoiceSignal(8000, -450 + 100 * static_cast<int>(part / 4), part));
    line = ThroughMuLaw(line);
    for (size_t at = 0; at < line.size(); at += 160) {
      const auto result =
          detector.Process(std::span<const int16_t>(line).subspan(at, 160));
      fnv.AddByte(static_cast<uint8_t>((result.speech ? 2 : 0) |
                                       (result.voiced ? 1 : 0)));
      const int16_t values[] = {result.probability_per_mille,
                                result.level_dbfs_tenths,
                                result.noise_floor_dbfs_tenths};
      fnv.AddSamples(values);
    }
  }
  return fnv.hash();
}

// Words over noise, 8 s of each of three levels.
std::vector<int16_t> WordsInNoise() {
  std::vector<int16_t> line;
  for (const int tenths : {-200, -350, -60}) {
    std::vector<int16_t> part = NoiseSignal(64000, tenths - 200, 6);
    std::vector<int16_t> words = VoiceSignal(part.size(), tenths, 7);
    for (size_t i = 0; i < words.size(); ++i) {
      if (i % 8000 >= 5000) words[i] = 0;
    }
    Mix(part, words);
    line.insert(line.end(), part.begin(), part.end());
  }
  return ThroughMuLaw(line);
}

template <audio::Denoiser::Strength kStrength>
uint64_t HashDenoiser() {
  Fnv1a fnv;
  audio::Denoiser denoiser(audio::Denoiser::Config{.strength = kStrength});
  std::vector<int16_t> line = WordsInNoise();
  for (size_t at = 0; at < line.size(); at += 160) {
    denoiser.Process(std::span<int16_t>(line).subspan(at, 160));
  }
  fnv.AddSamples(line);
  return fnv.hash();
}

template <int kHz>
uint64_t HashGainControl() {
  Fnv1a fnv;
  audio::GainControl control(audio::GainControl::Config{.sample_rate_hz = kHz});
  audio::LoudnessMeter meter(kHz);
  std::vector<int16_t> line = WordsInNoise();
  const size_t frame = control.frame_samples();
  for (size_t at = 0; at + frame <= line.size(); at += frame) {
    control.Process(std::span<int16_t>(line).subspan(at, frame));
  }
  fnv.AddSamples(line);
  meter.Process(line);
  const int16_t values[] = {
      static_cast<int16_t>(100 * meter.integrated_lufs()),
      static_cast<int16_t>(100 * meter.short_term_lufs())};
  fnv.AddSamples(values);
  return fnv.hash();
}

uint64_t HashEchoGuard() {
  Fnv1a fnv;
  audio::EchoGuard guard;
  const std::vector<int16_t> played = WordsInNoise();
  std::vector<int16_t> caller = NoiseSignal(played.size(), -600, 8);
  for (size_t i = 1500; i < caller.size(); ++i) {
    caller[i] = static_cast<int16_t>(caller[i] + played[i - 1500] / 5);
  }
  const std::vector<int16_t> voice = VoiceSignal(32000, -250, 9);
  Mix(std::span<int16_t>(caller).subspan(48000), voice);
  caller = ThroughMuLaw(caller);
  for (size_t at = 0; at < played.size(); at += 160) {
    const auto result =
        guard.Process(std::span<const int16_t>(played).subspan(at, 160),
                      std::span<const int16_t>(caller).subspan(at, 160));
    const int16_t values[] = {static_cast<int16_t>(result.explained ? 1 : 0),
                              static_cast<int16_t>(result.delay_ms),
                              static_cast<int16_t>(256 * result.excess_db),
                              static_cast<int16_t>(256 * result.loss_db)};
    fnv.AddSamples(values);
  }
  return fnv.hash();
}

uint64_t HashLevel() {
  Fnv1a fnv;
  for (size_t n = 0; n < 60; ++n) {
    const std::vector<int16_t> samples =
        NoiseSignal(100 + n, -15 * static_cast<int>(n), n);
    const uint32_t mean_square = audio::MeanSquare(samples);
    const int16_t values[] = {
        static_cast<int16_t>(audio::LevelDbfsTenths(mean_square)),
        static_cast<int16_t>(audio::Peak(samples) - 32768),
        static_cast<int16_t>(static_cast<uint16_t>(mean_square)),
        static_cast<int16_t>(mean_square >> 16)};
    fnv.AddSamples(values);
  }
  return fnv.hash();
}

uint64_t HashFade() {
  Fnv1a fnv;
  std::vector<int16_t> samples = RandomSamples(kCount, 2);
  audio::FadeIn(samples, 17, 5000);
  fnv.AddSamples(samples);
  samples = RandomSamples(kCount, 3);
  audio::FadeOut(samples, 3, 777);
  fnv.AddSamples(samples);
  return fnv.hash();
}

template <int Hz>
uint64_t HashTones() {
  audio::FarewellTones tones(Hz);
  std::vector<int16_t> samples(tones.total_samples());
  samples.resize(tones.Generate(samples));
  Fnv1a fnv;
  fnv.AddSamples(samples);
  return fnv.hash();
}

uint64_t HashBase64() {
  Fnv1a fnv;
  Random random(4);
  for (size_t size = 0; size < 200; ++size) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes)
      byte = static_cast<uint8_t>(random.Next() >> 40);
    std::string text(Base64EncodedSize(size), '\0');
    Base64Encode(bytes, text.data());
    for (const char c : text) fnv.AddByte(static_cast<uint8_t>(c));
    // One character in three texts is replaced by any byte.
    if (!text.empty() && random.Below(3) == 0) {
      text[random.Below(text.size())] = static_cast<char>(random.Below(256));
    }
    std::vector<uint8_t> decoded(Base64DecodedMaxSize(text.size()));
    const auto count = Base64Decode(text, decoded);
    fnv.AddByte(count.has_value() ? 1 : 0);
    fnv.AddBytes(std::span<const uint8_t>(decoded).first(count.value_or(0)));
  }
  return fnv.hash();
}

// Voice, noise and extremes on either side.
template <int kHz>
uint64_t HashRecorder() {
  constexpr size_t kFrame = kHz / 50;
  std::vector<int16_t> caller = NoiseSignal(150 * kFrame, -600, 1);
  Mix(std::span(caller).subspan(20 * kFrame), VoiceSignal(6400, -200, 2));
  std::vector<int16_t> agent = RandomSamples(20 * kFrame, 3);
  agent.resize(100 * kFrame);
  const std::vector<int16_t> square = SquareSignal(50 * kFrame, 7);
  agent.insert(agent.end(), square.begin(), square.end());
  audio::Recorder recorder({.sample_rate_hz = kHz, .serial = 1});
  Fnv1a fnv;
  fnv.AddBytes(recorder.Start({}));
  for (size_t at = 0; at < caller.size(); at += kFrame) {
    fnv.AddBytes(recorder.Process(std::span(caller).subspan(at, kFrame),
                                  std::span(agent).subspan(at, kFrame)));
  }
  fnv.AddBytes(recorder.Finish());
  return fnv.hash();
}

// Packets of every mode, of any bytes: what they sound like is defined as well.
template <int kHz>
uint64_t HashOpusDecoder() {
  Fnv1a fnv;
  Random random(5);
  audio::OpusDecoder decoder(kHz);
  std::vector<int16_t> out(decoder.MaxSamples());
  for (size_t i = 0; i < 256; ++i) {
    std::vector<uint8_t> packet(2 + random.Below(90));
    for (uint8_t& byte : packet) {
      byte = static_cast<uint8_t>(random.Next() >> 40);
    }
    packet[0] = static_cast<uint8_t>(i & 0xFC);
    const size_t count = decoder.Process(packet, out);
    fnv.AddSamples(std::span(out).first(count));
  }
  return fnv.hash();
}

uint64_t HashDtmfGenerator() {
  Fnv1a fnv;
  for (const int hz : {8000, 48000}) {
    audio::DtmfGenerator generator({.sample_rate_hz = hz}, "0123456789*#ABCD");
    std::vector<int16_t> samples(generator.total_samples());
    samples.resize(generator.Generate(samples));
    fnv.AddSamples(samples);
  }
  return fnv.hash();
}

// Digits in ever more noise, then a voice and a square wave.
uint64_t HashDtmfDetector() {
  Fnv1a fnv;
  audio::DtmfDetector detector;
  const auto add = [&](std::span<const int16_t> line) {
    std::vector<audio::DtmfDetector::Event> events(
        audio::DtmfDetector::MaxEvents(line.size()));
    events.resize(detector.Process(line, events));
    for (const audio::DtmfDetector::Event& event : events) {
      fnv.AddByte(static_cast<uint8_t>(event.kind));
      fnv.AddByte(static_cast<uint8_t>(event.digit));
      for (int shift = 0; shift < 64; shift += 8) {
        fnv.AddByte(static_cast<uint8_t>(event.at_sample >> shift));
      }
    }
  };
  for (int step = 0; step < 12; ++step) {
    audio::DtmfGenerator generator({.tone_ms = 45, .pause_ms = 45},
                                   "0123456789*#ABCD");
    std::vector<int16_t> line(generator.total_samples());
    generator.Generate(line);
    Mix(line, NoiseSignal(line.size(), -400 + 25 * step,
                          static_cast<uint64_t>(step)));
    add(ThroughMuLaw(line));
  }
  add(VoiceSignal(40000, -200, 5));
  add(SquareSignal(8000, 5));
  return fnv.hash();
}

uint64_t HashMixer() {
  Fnv1a fnv;
  const std::vector<int16_t> a = RandomSamples(kCount, 6);
  const std::vector<int16_t> b = SquareSignal(kCount, 3);
  const std::span<const int16_t> inputs[] = {a, b};
  std::vector<int16_t> out(kCount);
  audio::Mixer mixer;
  mixer.SetGain(0, 12345, 777);
  mixer.SetGain(1, 2 * audio::Mixer::kUnity, 3001);
  mixer.Process(inputs, out);
  fnv.AddSamples(out);
  audio::CrossFade(a, b, out, 7, 5000);
  fnv.AddSamples(out);
  return fnv.hash();
}

// Voice, noise, extremes and silence with gaps of all sorts.
template <int kHz>
uint64_t HashGapConcealer() {
  constexpr size_t kFrame = kHz / 50;
  std::vector<int16_t> line = NoiseSignal(200 * kFrame, -550, 1);
  Mix(std::span(line).subspan(40 * kFrame), VoiceSignal(80 * kFrame, -200, 2));
  const std::vector<int16_t> square = SquareSignal(20 * kFrame, 1);
  line.insert(line.end(), square.begin(), square.end());
  line.resize(line.size() + 30 * kFrame);
  audio::GapConcealer concealer(kHz);
  Random random(3);
  bool lost = false;
  size_t at = 0;
  for (const size_t count : RandomSplit(line.size(), kFrame, random)) {
    lost = lost ? random.Below(2) == 0 : random.Below(8) == 0;
    const std::span<int16_t> frame = std::span(line).subspan(at, count);
    at += count;
    if (lost) {
      concealer.Lost(frame);
    } else {
      concealer.Good(frame);
    }
  }
  Fnv1a fnv;
  fnv.AddSamples(line);
  return fnv.hash();
}

// Every signal of every plan, stopped in the end.
uint64_t HashCallProgress() {
  Fnv1a fnv;
  std::vector<int16_t> samples(kCount);
  for (int signal = 0; signal <= static_cast<int>(audio::CallSignal::kBeep);
       ++signal) {
    for (const audio::TonePlan plan :
         {audio::TonePlan::kUs, audio::TonePlan::kUk,
          audio::TonePlan::kEurope}) {
      for (const int hz : {8000, 24000}) {
        audio::CallProgressTone tone(
            {.signal = static_cast<audio::CallSignal>(signal),
             .plan = plan,
             .sample_rate_hz = hz});
        tone.Generate(samples);
        fnv.AddSamples(samples);
        tone.Stop();
        fnv.AddSamples(std::span(samples).first(tone.Generate(samples)));
      }
    }
  }
  return fnv.hash();
}

uint64_t HashMelody() {
  Fnv1a fnv;
  std::vector<int16_t> samples(kCount);
  for (const int hz : {8000, 16000, 24000, 48000}) {
    audio::Melody melody(hz);
    for (int i = 0; i < 10; ++i) {
      melody.Generate(samples);
      fnv.AddSamples(samples);
    }
  }
  return fnv.hash();
}

// Seams, fades, a pause and ducking, over one another.
uint64_t HashMusicPlayer() {
  Fnv1a fnv;
  std::vector<uint8_t> music(kCount);
  audio::EncodeMuLaw(RandomSamples(kCount, 7), music);
  audio::MusicPlayer player({.mu_law = music, .seam_ms = 333});
  std::vector<int16_t> out(kCount);
  player.Play(777);
  for (int step = 0; step < 12; ++step) {
    if (step % 3 == 1) player.Duck(1.5F * static_cast<float>(step), 1000);
    if (step == 4) player.Pause(250);
    if (step == 6) player.Play(10);
    player.Process(out);
    fnv.AddSamples(out);
  }
  return fnv.hash();
}

struct Vector {
  std::string_view name;
  uint64_t golden;
  uint64_t (*run)();
};

constexpr std::array<Vector, kAudioVectors> kVectors = {{
    {"mu-law decoder", 0xAB4CDF0C90400EE2, HashDecode<audio::DecodeMuLaw>},
    {"mu-law encoder", 0x24C32D131AF3DB51, HashEncode<audio::EncodeMuLaw>},
    {"A-law decoder", 0x43DBBF51D8557A7B, HashDecode<audio::DecodeALaw>},
    {"A-law encoder", 0x4A4261FF3AE6C004, HashEncode<audio::EncodeALaw>},
    {"resampler 8 to 16 kHz", 0x55DB8BC6D24A3751, HashResampler<8000, 16000>},
    {"resampler 8 to 24 kHz", 0x51D9B7E838C37E24, HashResampler<8000, 24000>},
    {"resampler 8 to 48 kHz", 0x27DD84EC259D8035, HashResampler<8000, 48000>},
    {"resampler 16 to 8 kHz", 0x1B21578883EF76C8, HashResampler<16000, 8000>},
    {"resampler 16 to 24 kHz", 0xF01245D02A2C46FA, HashResampler<16000, 24000>},
    {"resampler 16 to 48 kHz", 0x5A1600414E45C774, HashResampler<16000, 48000>},
    {"resampler 24 to 8 kHz", 0x25C4941130EDD72E, HashResampler<24000, 8000>},
    {"resampler 24 to 16 kHz", 0x14A4CD9979EA7972, HashResampler<24000, 16000>},
    {"resampler 24 to 48 kHz", 0xF7F32881F3D5AD14, HashResampler<24000, 48000>},
    {"resampler 48 to 8 kHz", 0xE31ECAB67D9383DD, HashResampler<48000, 8000>},
    {"resampler 48 to 16 kHz", 0x72215DC1543798AF, HashResampler<48000, 16000>},
    {"resampler 48 to 24 kHz", 0x522BB58EE24E926B, HashResampler<48000, 24000>},
    {"resampler 24 to 24 kHz", 0x70AB9D038933AF88, HashResampler<24000, 24000>},
    {"speech detector", 0x5C0C509EDA58035F, HashSpeechDetector},
    {"level", 0x9E7288B5FC271D26, HashLevel},
    {"fade", 0xFA72F1818654E5AF, HashFade},
    {"tones at 8 kHz", 0x34355787A1C985F1, HashTones<8000>},
    {"tones at 16 kHz", 0x3B2900BFE7029C76, HashTones<16000>},
    {"tones at 24 kHz", 0x3F4D42480E713769, HashTones<24000>},
    {"tones at 48 kHz", 0xA27A71D7A1264721, HashTones<48000>},
    {"recorder at 8 kHz", 0xEA4C54E4CD7F7839, HashRecorder<8000>},
    {"recorder at 16 kHz", 0x64460BC9D7CB689D, HashRecorder<16000>},
    {"Opus decoder at 8 kHz", 0x61C07D2C3013A718, HashOpusDecoder<8000>},
    {"Opus decoder at 48 kHz", 0xC734AAAEE1D170FB, HashOpusDecoder<48000>},
    {"denoiser, light", 0x37805AF8D2005055,
     HashDenoiser<audio::Denoiser::Strength::kLight>},
    {"denoiser, strong", 0xB9C162D46BE102C5,
     HashDenoiser<audio::Denoiser::Strength::kStrong>},
    {"gain control at 8 kHz", 0xD85521852D538EC1, HashGainControl<8000>},
    {"gain control at 24 kHz", 0x3E038B7F44158081, HashGainControl<24000>},
    {"echo guard", 0xF33AD6D42E86647F, HashEchoGuard},
    {"base64", 0xCECDD9D5BA3E3EB5, HashBase64},
    {"DTMF generator", 0x2C8EFC2A575CB99E, HashDtmfGenerator},
    {"DTMF detector", 0xA41D5CB215A4D8B0, HashDtmfDetector},
    {"mixer and cross-fade", 0x272BB9DBC289124B, HashMixer},
    {"gap concealer at 8 kHz", 0xFAFBCDE46783B02C, HashGapConcealer<8000>},
    {"gap concealer at 16 kHz", 0xD51A5A42B7F4F6A5, HashGapConcealer<16000>},
    {"call progress", 0x68ED792B33531852, HashCallProgress},
    {"melody", 0xC5D7ECEDAEECF246, HashMelody},
    {"music player", 0x3C61C3C78EFD6E8F, HashMusicPlayer},
}};

}  // namespace

std::string_view AudioVectorName(size_t which) { return kVectors[which].name; }

uint64_t AudioVectorHash(size_t which) { return kVectors[which].run(); }

uint64_t AudioVectorGolden(size_t which) { return kVectors[which].golden; }

}  // namespace trunkline::test
