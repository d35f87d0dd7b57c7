// The caller's audio from legs of every width and encoding.

#include "media/caller_path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "audio/resampler.h"
#include "support/audio_signals.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

std::string NameOf(AudioFormat format) {
  return std::string(ToString(format.encoding)) + "_" +
         std::to_string(format.sample_rate_hz / 1000);
}

// Samples of 8 kHz in a format.
std::vector<uint8_t> In(AudioFormat format,
                        const std::vector<int16_t>& narrow) {
  audio::Resampler resampler(8000, format.sample_rate_hz);
  std::vector<int16_t> wide(resampler.MaxOutputSamples(narrow.size()));
  wide.resize(resampler.Process(narrow, wide));
  std::vector<uint8_t> bytes(wide.size() *
                             protocol::BytesPerSample(format.encoding));
  EncodeAudio(format.encoding, wide, bytes);
  return bytes;
}

// A second of a room, two of a voice, a second of the room.
std::vector<int16_t> RoomAndVoice() {
  std::vector<int16_t> line = test::NoiseSignal(32'000, -600, 3);
  const std::vector<int16_t> voice = test::VoiceSignal(16'000, -220, 5);
  test::Mix(std::span(line).subspan(8000), voice);
  return line;
}

struct Heard {
  std::vector<uint8_t> for_agent;
  std::vector<int16_t> samples;
  std::vector<bool> speaks;
};

// All of `audio` in chunks of `cut` bytes, each at its time.
Heard Listen(const CallerPath::Config& config, std::span<const uint8_t> audio,
             size_t cut) {
  const HeardTrack nothing(config.leg);
  CallerPath path(config, nothing);
  Heard heard;
  for (size_t at = 0; at < audio.size(); at += cut) {
    const auto now =
        At(static_cast<int64_t>((at + cut) / protocol::BytesOf(config.leg, 1)));
    path.OnAudio(std::nullopt,
                 audio.subspan(at, std::min(cut, audio.size() - at)), now);
    while (const auto frame = path.Next(now, EchoGuarding::kOn)) {
      heard.for_agent.insert(heard.for_agent.end(), frame->for_agent.begin(),
                             frame->for_agent.end());
      heard.samples.insert(heard.samples.end(), frame->samples.begin(),
                           frame->samples.end());
      heard.speaks.push_back(frame->speaks);
    }
  }
  return heard;
}

constexpr AudioFormat kLegs[] = {
    {Encoding::kMuLaw, 8000},        {Encoding::kALaw, 8000},
    {Encoding::kMuLaw, 16000},       {Encoding::kALaw, 16000},
    {Encoding::kMuLaw, 24000},       {Encoding::kALaw, 48000},
    {Encoding::kLinear16, 8000},     {Encoding::kLinear16, 16000},
    {Encoding::kLinear16, 24000},    {Encoding::kLinear16, 48000},
    {Encoding::kLinear16Big, 8000},  {Encoding::kLinear16Big, 16000},
    {Encoding::kLinear16Big, 24000}, {Encoding::kLinear16Big, 48000}};

class CallerPathTest : public testing::TestWithParam<AudioFormat> {};

// Speech begins and ends where it does on a narrow line, within a frame.
TEST_P(CallerPathTest, SpeechIsFoundAsOnANarrowLine) {
  const AudioFormat narrow{Encoding::kLinear16, 8000};
  const std::vector<int16_t> line = RoomAndVoice();
  const auto edges = [](const std::vector<bool>& speaks) {
    const auto first = std::find(speaks.begin(), speaks.end(), true);
    const auto last = std::find(speaks.rbegin(), speaks.rend(), true);
    return std::pair(first - speaks.begin(), speaks.rend() - last);
  };
  const Heard expected = Listen({narrow, narrow}, In(narrow, line), 320);
  const AudioFormat leg = GetParam();
  const Heard heard =
      Listen({leg, leg}, In(leg, line), protocol::BytesOf(leg, 20));
  ASSERT_EQ(heard.speaks.size(), 200U);
  const auto [from, to] = edges(expected.speaks);
  EXPECT_GT(from, 45);
  EXPECT_LT(to, 160);
  EXPECT_NEAR(static_cast<double>(edges(heard.speaks).first),
              static_cast<double>(from), 2);
  EXPECT_NEAR(static_cast<double>(edges(heard.speaks).second),
              static_cast<double>(to), 2);
}

// Chunks of any length give the same frames; an agent of the leg's format gets
// the leg's bytes, others what a converter makes of them.
TEST_P(CallerPathTest, TheAgentHearsTheLegsOwnWidthHoweverItComes) {
  const AudioFormat leg = GetParam();
  const std::vector<uint8_t> audio = In(leg, RoomAndVoice());
  const size_t sample = protocol::BytesPerSample(leg.encoding);
  for (const AudioFormat agent : {leg, AudioFormat{Encoding::kLinear16, 24000},
                                  AudioFormat{Encoding::kMuLaw, 8000}}) {
    Transcoder all(leg, agent);
    const auto expected = all.Process(audio);
    for (const size_t cut :
         {sample, protocol::BytesOf(leg, 20), protocol::BytesOf(leg, 333)}) {
      // Sample by sample takes long: a second of it is enough.
      const size_t bytes =
          cut == sample ? protocol::BytesOf(leg, 1000) : audio.size();
      const Heard heard = Listen(
          {leg, agent}, std::span<const uint8_t>(audio).first(bytes), cut);
      ASSERT_EQ(heard.for_agent.size(), bytes / protocol::BytesOf(leg, 1) *
                                            protocol::BytesOf(agent, 1));
      EXPECT_TRUE(std::equal(heard.for_agent.begin(), heard.for_agent.end(),
                             expected.begin()))
          << NameOf(agent) << " by " << cut;
    }
  }
}

// A frame of a tone is lost: what stands in is a tone of the same period, in
// the same place, at nearly the same level, and the rest is as it was.
TEST_P(CallerPathTest, ALostFrameIsConcealed) {
  const AudioFormat leg = GetParam();
  const auto per_ms = static_cast<size_t>(leg.sample_rate_hz / 1000);
  std::vector<int16_t> line(600 * per_ms);
  for (size_t i = 0; i < line.size(); ++i) {
    // Five periods in a frame, with an overtone.
    const double phase = 2 * 3.14159265358979 * 250 * static_cast<double>(i) /
                         leg.sample_rate_hz;
    line[i] = static_cast<int16_t>(6000 * std::sin(phase) +
                                   2000 * std::sin(3 * phase + 1));
  }
  std::vector<uint8_t> audio(line.size() *
                             protocol::BytesPerSample(leg.encoding));
  EncodeAudio(leg.encoding, line, audio);
  const HeardTrack nothing(leg);
  CallerPath path({leg, {Encoding::kMuLaw, 8000}}, nothing);
  std::vector<int16_t> out;
  const size_t frame_bytes = protocol::BytesOf(leg, 20);
  for (int64_t ms = 0; ms < 600; ms += 20) {
    if (ms == 300) continue;
    path.OnAudio(ms,
                 std::span<const uint8_t>(audio).subspan(
                     static_cast<size_t>(ms / 20) * frame_bytes, frame_bytes),
                 At(ms + 20));
    while (const auto frame = path.Next(At(ms + 20), EchoGuarding::kOn)) {
      out.insert(out.end(), frame->samples.begin(), frame->samples.end());
    }
  }
  ASSERT_EQ(out.size(), line.size());
  EXPECT_EQ(path.counters().filled_ms, 20U);
  double error = 0;
  double power = 0;
  for (size_t i = 300 * per_ms; i < 325 * per_ms; ++i) {
    const double d = out[i] - line[i];
    error += d * d;
    power += static_cast<double>(line[i]) * line[i];
  }
  EXPECT_GT(10 * std::log10(power / error), 15) << NameOf(leg);
  // Companding alone changes the others.
  const int tolerance = IsLinear(leg.encoding) ? 0 : 400;
  for (size_t i = 0; i < line.size(); ++i) {
    if (i >= 300 * per_ms && i < 325 * per_ms) continue;
    ASSERT_LE(std::abs(out[i] - line[i]), tolerance) << i;
  }
}

// The agent's voice comes back 200 ms later, 22 dB weaker: no speech, once the
// guard knows the way.
TEST_P(CallerPathTest, AnEchoIsNotTheCaller) {
  const AudioFormat leg = GetParam();
  const std::vector<int16_t> voice = test::VoiceSignal(80'000, -200, 9);
  std::vector<int16_t> echo = test::NoiseSignal(80'000, -650, 4);
  for (size_t i = 1600; i < echo.size(); ++i) {
    echo[i] = static_cast<int16_t>(echo[i] + voice[i - 1600] / 13);
  }
  // What is played has another format than what is heard.
  const AudioFormat spoken{Encoding::kLinear16, 16000};
  const std::vector<uint8_t> played = In(spoken, voice);
  const std::vector<uint8_t> caller = In(leg, echo);
  HeardTrack heard(spoken);
  CallerPath path({leg, leg}, heard);
  const size_t frame_bytes = protocol::BytesOf(leg, 20);
  int late_speech = 0;
  for (int64_t ms = 0; ms < 10'000; ms += 20) {
    const auto index = static_cast<size_t>(ms / 20);
    heard.Play(std::span<const uint8_t>(played).subspan(index * 640, 640),
               At(1000 + ms));
    path.OnAudio(std::nullopt,
                 std::span<const uint8_t>(caller).subspan(index * frame_bytes,
                                                          frame_bytes),
                 At(1000 + ms + 20));
    const auto frame = path.Next(At(1000 + ms + 20), EchoGuarding::kOn);
    ASSERT_TRUE(frame);
    if (ms >= 4000 && frame->speaks) ++late_speech;
  }
  EXPECT_LE(late_speech, 3) << NameOf(leg);
  EXPECT_TRUE(path.only_echo_lately());
}

// Less noise costs a wide caller its width, and nothing else: what the agent
// hears has nothing above 4 kHz, and is as long as the caller's. An even level
// alone costs it above 12 kHz only.
TEST_P(CallerPathTest, ACleanedCallerIsAsWideAsTheCleaningIs) {
  const AudioFormat leg = GetParam();
  const std::vector<uint8_t> audio = In(leg, RoomAndVoice());
  const AudioFormat agent{Encoding::kLinear16, 24000};
  for (const auto& [denoise, level] :
       {std::pair(Denoising::kLight, Leveling::kOff),
        std::pair(Denoising::kOff, Leveling::kOn),
        std::pair(Denoising::kStrong, Leveling::kOn)}) {
    const Heard heard =
        Listen({leg, agent, denoise, level}, audio, protocol::BytesOf(leg, 20));
    EXPECT_EQ(heard.for_agent.size(), protocol::BytesOf(agent, 4000));
    // The recording's side is as it came.
    EXPECT_EQ(heard.samples.size(),
              static_cast<size_t>(leg.sample_rate_hz) * 4);
    std::vector<int16_t> samples(heard.for_agent.size() / 2);
    DecodeAudio(agent.encoding, heard.for_agent, samples);
    const auto voiced = std::span(samples).subspan(36'000, 24'000);
    double power = 0;
    for (const int16_t sample : voiced)
      power += sample * static_cast<double>(sample);
    EXPECT_GT(power / static_cast<double>(voiced.size()), 300.0 * 300);
  }
  EXPECT_EQ(CallerCleaner::RateFor(Denoising::kLight, Leveling::kOn,
                                   leg.sample_rate_hz),
            8000);
  EXPECT_EQ(CallerCleaner::RateFor(Denoising::kOff, Leveling::kOn,
                                   leg.sample_rate_hz),
            std::min(leg.sample_rate_hz, 24'000));
}

INSTANTIATE_TEST_SUITE_P(Legs, CallerPathTest, testing::ValuesIn(kLegs),
                         [](const auto& test) { return NameOf(test.param); });

}  // namespace
}  // namespace trunkline::media
