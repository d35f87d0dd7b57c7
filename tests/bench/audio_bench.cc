// Time of each audio stage for one frame of 20 ms.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "audio/denoiser.h"
#include "audio/dtmf_detector.h"
#include "audio/fade.h"
#include "audio/g711.h"
#include "audio/gain_control.h"
#include "audio/level.h"
#include "audio/mixer.h"
#include "audio/resampler.h"
#include "audio/spectrum.h"
#include "audio/speech_detector.h"
#include "audio/tones.h"
#include "base/base64.h"
#include "support/audio_signals.h"

namespace trunkline {
namespace {

constexpr size_t kFrame = 160;
constexpr size_t kFrames = 50;

// Frames of voice and of quiet, one after the other, without an end.
template <typename T>
class Frames {
 public:
  Frames(std::vector<T> all, size_t frame)
      : all_(std::move(all)), frame_(frame) {}
  std::span<const T> Next() {
    if (at_ + frame_ > all_.size()) at_ = 0;
    const auto frame = std::span<const T>(all_).subspan(at_, frame_);
    at_ += frame_;
    return frame;
  }

 private:
  const std::vector<T> all_;
  const size_t frame_;
  size_t at_ = 0;
};

std::vector<int16_t> Line() {
  std::vector<int16_t> line = test::NoiseSignal(2 * kFrames * kFrame, -600, 1);
  test::Mix(line, test::VoiceSignal(kFrames * kFrame, -200, 2));
  return test::ThroughMuLaw(line);
}

std::vector<uint8_t> MuLawLine() {
  const std::vector<int16_t> line = Line();
  std::vector<uint8_t> codes(line.size());
  audio::EncodeMuLaw(line, codes);
  return codes;
}

template <void (*Decoder)(std::span<const uint8_t>, std::span<int16_t>)>
void Decode(benchmark::State& state) {
  Frames<uint8_t> frames(MuLawLine(), kFrame);
  std::array<int16_t, kFrame> out;
  for (auto _ : state) {
    Decoder(frames.Next(), out);
    benchmark::DoNotOptimize(out);
  }
}

template <void (*Encoder)(std::span<const int16_t>, std::span<uint8_t>)>
void Encode(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  std::array<uint8_t, kFrame> out;
  for (auto _ : state) {
    Encoder(frames.Next(), out);
    benchmark::DoNotOptimize(out);
  }
}

void Resample(benchmark::State& state) {
  const auto in_hz = static_cast<int>(state.range(0));
  const auto out_hz = static_cast<int>(state.range(1));
  Frames<int16_t> frames(Line(), static_cast<size_t>(in_hz / 50));
  audio::Resampler resampler(in_hz, out_hz);
  std::array<int16_t, 960> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(resampler.Process(frames.Next(), out));
    benchmark::DoNotOptimize(out);
  }
}

void DetectSpeech(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  audio::SpeechDetector detector(audio::SpeechDetector::Config{});
  for (auto _ : state) {
    benchmark::DoNotOptimize(detector.Process(frames.Next()));
  }
}

void TransformSpectrum(benchmark::State& state) {
  std::array<float, audio::kSpectrumSamples> samples;
  audio::Spectrum spectrum;
  for (auto _ : state) {
    samples.fill(1);
    audio::Transform(samples, spectrum);
    benchmark::DoNotOptimize(spectrum);
  }
}

void Denoise(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  audio::Denoiser denoiser(
      audio::Denoiser::Config{.strength = audio::Denoiser::Strength::kStrong});
  std::array<int16_t, kFrame> frame;
  for (auto _ : state) {
    std::ranges::copy(frames.Next(), frame.begin());
    denoiser.Process(frame);
    benchmark::DoNotOptimize(frame);
  }
}

void ControlGain(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  audio::GainControl control(audio::GainControl::Config{});
  std::array<int16_t, kFrame> frame;
  for (auto _ : state) {
    std::ranges::copy(frames.Next(), frame.begin());
    benchmark::DoNotOptimize(control.Process(frame));
    benchmark::DoNotOptimize(frame);
  }
}

void DetectSpeechOnAQuietLine(benchmark::State& state) {
  Frames<int16_t> frames(
      test::ThroughMuLaw(test::NoiseSignal(kFrames * kFrame, -680, 1)), kFrame);
  audio::SpeechDetector detector(audio::SpeechDetector::Config{});
  for (auto _ : state) {
    benchmark::DoNotOptimize(detector.Process(frames.Next()));
  }
}

void MeasureLevel(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        audio::LevelDbfsTenths(audio::MeanSquare(frames.Next())));
  }
}

void DetectDtmf(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  audio::DtmfDetector detector;
  std::array<audio::DtmfDetector::Event, audio::DtmfDetector::MaxEvents(kFrame)>
      events;
  for (auto _ : state) {
    benchmark::DoNotOptimize(detector.Process(frames.Next(), events));
    benchmark::DoNotOptimize(events);
  }
}

void MixTwo(benchmark::State& state) {
  Frames<int16_t> frames(Line(), kFrame);
  audio::Mixer mixer;
  mixer.SetGain(1, audio::Mixer::kUnity / 4, 0);
  std::array<int16_t, kFrame> out;
  for (auto _ : state) {
    const std::span<const int16_t> inputs[] = {frames.Next(), frames.Next()};
    mixer.Process(inputs, out);
    benchmark::DoNotOptimize(out);
  }
}

void FadeIn(benchmark::State& state) {
  std::vector<int16_t> samples = Line();
  samples.resize(kFrame);
  for (auto _ : state) {
    audio::FadeIn(samples, 0, 2 * kFrame);
    benchmark::DoNotOptimize(samples.data());
  }
}

void MakeTones(benchmark::State& state) {
  std::array<int16_t, kFrame> out;
  audio::FarewellTones tones(8000);
  for (auto _ : state) {
    if (tones.Generate(out) == 0) tones = audio::FarewellTones(8000);
    benchmark::DoNotOptimize(out);
  }
}

void EncodeBase64(benchmark::State& state) {
  Frames<uint8_t> frames(MuLawLine(), kFrame);
  std::array<char, Base64EncodedSize(kFrame)> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Base64Encode(frames.Next(), out.data()));
    benchmark::DoNotOptimize(out);
  }
}

void DecodeBase64(benchmark::State& state) {
  std::string text(Base64EncodedSize(kFrame), '\0');
  Base64Encode(Frames<uint8_t>(MuLawLine(), kFrame).Next(), text.data());
  std::array<uint8_t, Base64DecodedMaxSize(216)> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    benchmark::DoNotOptimize(Base64Decode(text, out));
    benchmark::DoNotOptimize(out);
  }
}

BENCHMARK(Decode<audio::DecodeMuLaw>)->Name("DecodeMuLaw");
BENCHMARK(Encode<audio::EncodeMuLaw>)->Name("EncodeMuLaw");
BENCHMARK(Decode<audio::DecodeALaw>)->Name("DecodeALaw");
BENCHMARK(Encode<audio::EncodeALaw>)->Name("EncodeALaw");
BENCHMARK(Resample)->ArgsProduct({{8000, 16000, 24000, 48000},
                                  {8000, 16000, 24000, 48000}});
BENCHMARK(DetectSpeech);
BENCHMARK(TransformSpectrum);
BENCHMARK(Denoise);
BENCHMARK(ControlGain);
BENCHMARK(DetectSpeechOnAQuietLine);
BENCHMARK(MeasureLevel);
BENCHMARK(DetectDtmf);
BENCHMARK(MixTwo);
BENCHMARK(FadeIn);
BENCHMARK(MakeTones);
BENCHMARK(EncodeBase64);
BENCHMARK(DecodeBase64);

}  // namespace
}  // namespace trunkline
