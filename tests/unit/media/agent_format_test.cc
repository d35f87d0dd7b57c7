// Another agent with another format takes the place of one in the middle of a
// call: no frame of the caller is lost, and neither side hears a click.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "media/caller_path.h"
#include "media/line_out.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::ItemId;
using protocol::LegTraits;

constexpr AudioFormat kMuLaw{Encoding::kMuLaw, 8000};
constexpr AudioFormat kFormats[] = {kMuLaw,
                                    {Encoding::kALaw, 8000},
                                    {Encoding::kLinear16, 16000},
                                    {Encoding::kLinear16, 24000}};
constexpr int kAmplitude = 8'000;
constexpr double kToneHz = 300;

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

// `ms` of a tone that begins `from_ms` behind its phase 0.
std::vector<uint8_t> Tone(AudioFormat format, int from_ms, int ms) {
  const int rate = format.sample_rate_hz;
  std::vector<int16_t> samples(static_cast<size_t>(rate / 1000 * ms));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double at = from_ms / 1000.0 + static_cast<double>(i) / rate;
    samples[i] = static_cast<int16_t>(std::lround(
        kAmplitude * std::sin(2 * 3.14159265358979 * kToneHz * at)));
  }
  std::vector<uint8_t> bytes(samples.size() *
                             protocol::BytesPerSample(format.encoding));
  EncodeAudio(format.encoding, samples, bytes);
  return bytes;
}

// What the agent hears of a tone of a second; its format changes to `after`
// behind the half of it.
std::vector<uint8_t> HeardOf(AudioFormat before, AudioFormat after,
                             size_t* from) {
  const HeardTrack nothing(kMuLaw);
  CallerPath path({.leg = kMuLaw,
                   .agent = before,
                   .agents = CallerPath::Config::Agents::kSeveral},
                  nothing);
  std::vector<uint8_t> heard;
  for (int ms = 0; ms < 1'000; ms += 20) {
    if (ms == 500) {
      *from = heard.size();
      path.SetAgentFormat(after);
    }
    const std::vector<uint8_t> said = Tone(kMuLaw, ms, 20);
    path.OnAudio(std::nullopt, said, At(ms));
    while (const auto frame = path.Next(At(ms), EchoGuarding::kOff)) {
      heard.insert(heard.end(), frame->for_agent.begin(),
                   frame->for_agent.end());
    }
  }
  return heard;
}

TEST(AgentFormatTest, TheCallerIsHeardAsIfItHadAlwaysBeenSo) {
  for (const AudioFormat before : kFormats) {
    for (const AudioFormat after : kFormats) {
      SCOPED_TRACE(std::string(ToString(before.encoding)) + " to " +
                   ToString(after.encoding));
      size_t from = 0;
      size_t always_from = 0;
      const std::vector<uint8_t> heard = HeardOf(before, after, &from);
      const std::vector<uint8_t> always = HeardOf(after, after, &always_from);
      ASSERT_EQ(heard.size() - from, always.size() - always_from);
      const auto [one, other] = std::mismatch(
          heard.begin() + static_cast<ptrdiff_t>(from), heard.end(),
          always.begin() + static_cast<ptrdiff_t>(always_from));
      EXPECT_EQ(one, heard.end())
          << "byte " << one - heard.begin() - static_cast<ptrdiff_t>(from)
          << " is " << int{*one} << ", not " << int{*other};
    }
  }
}

LineOut Line(AudioFormat agent, AudioFormat other, AudioFormat leg) {
  LegTraits traits;
  traits.heard = traits.spoken = leg;
  traits.playback = LegTraits::Playback::kClock;
  return LineOut({.agent = agent,
                  .leg = traits,
                  .lead = Duration::Millis(200),
                  .mark_interval = Duration::Millis(160),
                  .other_agents = {other}});
}

// What the leg is sent of a tone of 400 ms, half of it in another format.
std::vector<int16_t> SentOf(AudioFormat before, AudioFormat after,
                            AudioFormat leg) {
  LineOut line = Line(before, after, leg);
  line.Append(ItemId{1}, Tone(before, 0, 200));
  line.SetAgentFormat(after);
  line.Append(ItemId{2}, Tone(after, 200, 200));
  line.EndReply();
  std::vector<uint8_t> sent;
  for (int ms = 0; ms < 600; ms += 20) {
    while (const auto piece = line.Next(At(ms))) {
      sent.insert(sent.end(), piece->audio.begin(), piece->audio.end());
    }
  }
  std::vector<int16_t> samples(sent.size() /
                               protocol::BytesPerSample(leg.encoding));
  DecodeAudio(leg.encoding, sent, samples);
  return samples;
}

TEST(AgentFormatTest, WhatTheLegIsSentHasNoStepThatTheToneHasNot) {
  constexpr AudioFormat kLegs[] = {kMuLaw, {Encoding::kLinear16, 16000}};
  for (const AudioFormat leg : kLegs) {
    for (const AudioFormat before : kFormats) {
      for (const AudioFormat after : kFormats) {
        SCOPED_TRACE(std::string(ToString(before.encoding)) + " to " +
                     ToString(after.encoding) + " for " +
                     ToString(leg.encoding));
        const std::vector<int16_t> sent = SentOf(before, after, leg);
        // But for what the filters hold back, 3 ms at most of each half.
        const auto length =
            static_cast<double>(sent.size()) / (leg.sample_rate_hz / 1000.0);
        EXPECT_NEAR(length, 400, 6);
        // The two halves are two agents': each may rise from silence, which is
        // no more than the tone's own height.
        for (size_t i = 1; i < sent.size(); ++i) {
          EXPECT_LE(std::abs(sent[i] - sent[i - 1]), kAmplitude) << i;
        }
      }
    }
  }
}

// What waits is as wide as the widest of a call's agents needs it, from the
// beginning: nothing that waits has to be converted.
TEST(AgentFormatTest, WhatWaitsIsWideEnoughForEachAgent) {
  constexpr AudioFormat kLeg{Encoding::kLinear16, 24000};
  constexpr AudioFormat kWide{Encoding::kLinear16, 24000};
  LineOut narrow = Line(kMuLaw, kMuLaw, kLeg);
  LineOut wide = Line(kMuLaw, kWide, kLeg);
  // Of 20 ms: in the agent's own format, and in the leg's.
  EXPECT_EQ(narrow.QueueBytes(160), 160U);
  EXPECT_EQ(wide.QueueBytes(160), 960U);
}

}  // namespace
}  // namespace trunkline::media
