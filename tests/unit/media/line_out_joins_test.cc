// Where what the leg is sent is not one stretch of the agent's audio: the next
// reply, what goes on after an interruption, and sounds of our own. In virtual
// time, to the byte.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "audio/fade.h"
#include "audio/tones.h"
#include "media/line_out.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::ItemId;
using protocol::LegTraits;
using Bytes = std::vector<uint8_t>;

constexpr Duration kLead = Duration::Millis(200);
constexpr Duration kMark = Duration::Millis(160);

constexpr AudioFormat kFormats[] = {
    {Encoding::kMuLaw, 8000},     {Encoding::kALaw, 8000},
    {Encoding::kMuLaw, 16000},    {Encoding::kLinear16, 16000},
    {Encoding::kLinear16, 24000}, {Encoding::kLinear16Big, 48000}};

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

std::string NameOf(AudioFormat format) {
  return std::string(ToString(format.encoding)) + "_" +
         std::to_string(format.sample_rate_hz / 1000);
}

// A leg that plays what it gets by the clock alone.
LegTraits ByTheClock(AudioFormat format) {
  LegTraits traits;
  traits.heard = traits.spoken = format;
  traits.playback = LegTraits::Playback::kClock;
  return traits;
}

LineOut::Config ConfigOf(AudioFormat agent, AudioFormat leg,
                         Waiting waiting = Waiting::kSilence) {
  return {.agent = agent,
          .leg = ByTheClock(leg),
          .lead = kLead,
          .mark_interval = kMark,
          .waiting = waiting};
}

Bytes Encoded(AudioFormat format, std::span<const int16_t> samples) {
  Bytes bytes(samples.size() * protocol::BytesPerSample(format.encoding));
  EncodeAudio(format.encoding, samples, bytes);
  return bytes;
}

std::vector<int16_t> Decoded(AudioFormat format, std::span<const uint8_t> all) {
  std::vector<int16_t> samples(all.size() /
                               protocol::BytesPerSample(format.encoding));
  DecodeAudio(format.encoding, all, samples);
  return samples;
}

Bytes Tone(AudioFormat format, int ms, double hz = 440) {
  std::vector<int16_t> samples(
      static_cast<size_t>(format.sample_rate_hz / 1000 * ms));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(
        12'000 * std::cos(2 * 3.14159265358979 * hz * static_cast<double>(i) /
                          format.sample_rate_hz));
  }
  return Encoded(format, samples);
}

// What a converter that knows of nothing else makes of `audio`.
Bytes Converted(AudioFormat agent, AudioFormat leg,
                std::span<const uint8_t> audio) {
  Transcoder transcoder(agent, leg);
  const auto made = transcoder.Process(audio);
  return {made.begin(), made.end()};
}

// What is sent in [from_ms, to_ms).
Bytes Sent(LineOut& line, int64_t from_ms, int64_t to_ms) {
  Bytes sent;
  for (int64_t ms = from_ms; ms < to_ms; ++ms) {
    while (const auto piece = line.Next(At(ms))) {
      sent.insert(sent.end(), piece->audio.begin(), piece->audio.end());
    }
  }
  return sent;
}

Bytes Joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// `audio` in the leg's format as it rises from silence.
Bytes Risen(AudioFormat leg, std::span<const uint8_t> audio) {
  const size_t fade = protocol::BytesOf(leg, LineOut::kResumeFadeMs);
  std::vector<int16_t> rising = Decoded(leg, audio.first(fade));
  audio::FadeIn(rising, 0, rising.size());
  const auto rest = audio.subspan(fade);
  return Joined(Encoded(leg, rising), Bytes(rest.begin(), rest.end()));
}

class JoinTest : public testing::TestWithParam<AudioFormat> {};

INSTANTIATE_TEST_SUITE_P(Legs, JoinTest, testing::ValuesIn(kFormats),
                         [](const auto& test) { return NameOf(test.param); });

TEST_P(JoinTest, AudioWaitsInTheFormatOfFewerBytes) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    LineOut line(ConfigOf(agent, leg));
    const size_t as_it_came = protocol::BytesOf(agent, 100);
    const size_t as_it_leaves = protocol::BytesOf(leg, 100);
    const bool is_whole = leg.sample_rate_hz % agent.sample_rate_hz == 0;
    const LineOut::Appended appended = line.Append(ItemId{1}, Tone(agent, 100));
    EXPECT_TRUE(appended.queued);
    EXPECT_EQ(appended.bytes,
              is_whole ? std::min(as_it_came, as_it_leaves) : as_it_leaves)
        << NameOf(agent) << " to " << NameOf(leg);
  }
}

// A sample of it may become more than a message of the leg holds.
TEST(LineOutJoinsTest, AudioThatNoMessageHoldsAsItCameWaitsAsItLeaves) {
  const AudioFormat agent{Encoding::kMuLaw, 8000};
  const AudioFormat leg{Encoding::kLinear16, 48000};
  constexpr size_t kSampleBytes = 12;
  for (const size_t max : {kSampleBytes - 2, kSampleBytes}) {
    LineOut::Config config = ConfigOf(agent, leg);
    config.leg.max_message_bytes = max;
    LineOut line(config);
    EXPECT_EQ(line.Append(ItemId{1}, Tone(agent, 100)).bytes,
              protocol::BytesOf(max < kSampleBytes ? leg : agent, 100));
  }
}

// The next reply is made of its own audio alone.
TEST_P(JoinTest, AReplyHasNoPastInTheOneBefore) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    const Bytes first = Tone(agent, 290);
    const Bytes second = Tone(agent, 610, 1'700);
    LineOut line(ConfigOf(agent, leg));
    line.Append(ItemId{1}, first);
    line.EndReply();
    Bytes sent = Sent(line, 1000, 1700);
    line.ResetInput();
    line.Append(ItemId{2}, second);
    line.EndReply();
    sent = Joined(std::move(sent), Sent(line, 1700, 2700));
    EXPECT_EQ(sent, Joined(Converted(agent, leg, first),
                           Converted(agent, leg, second)))
        << NameOf(agent) << " to " << NameOf(leg);
  }
}

// What was not heard goes on as it would have gone on, under a fade.
TEST_P(JoinTest, AResumedReplyRisesFromWhereItWasHeard) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    const Bytes tone = Tone(agent, 900);
    const Bytes all = Converted(agent, leg, tone);
    LineOut line(ConfigOf(agent, leg));
    line.Append(ItemId{1}, tone);
    line.EndReply();
    Sent(line, 1000, 1303);
    line.Interrupt(At(1303));
    line.Resume();
    EXPECT_EQ(Sent(line, 1500, 2600),
              Risen(leg, std::span(all).subspan(protocol::BytesOf(leg, 303))))
        << NameOf(agent) << " to " << NameOf(leg);
  }
}

TEST_P(JoinTest, AFadeThatIsStoppedIsNone) {
  const AudioFormat leg = GetParam();
  const Bytes tone = Tone(leg, 900);
  LineOut line(ConfigOf(leg, leg));
  line.Append(ItemId{1}, tone);
  line.EndReply();
  Sent(line, 1000, 1303);
  line.Interrupt(At(1303));
  line.Resume();
  line.StopFade();
  EXPECT_EQ(
      Sent(line, 1500, 2600),
      Bytes(tone.begin() + static_cast<ptrdiff_t>(protocol::BytesOf(leg, 303)),
            tone.end()));
}

// A message may have to be longer than what is sent ahead.
TEST_P(JoinTest, AFadeIsAsLongAsItIsInALongMessage) {
  const AudioFormat leg = GetParam();
  LineOut::Config config = ConfigOf(leg, leg);
  config.leg.message_multiple_bytes = protocol::BytesOf(leg, 400);
  LineOut line(config);
  const Bytes tone = Tone(leg, 2000);
  line.Append(ItemId{1}, tone);
  line.EndReply();
  Sent(line, 1000, 1303);
  line.Interrupt(At(1303));
  line.Resume();
  EXPECT_EQ(Sent(line, 1500, 4000),
            Risen(leg, std::span(tone).subspan(protocol::BytesOf(leg, 303))));
}

TEST_P(JoinTest, FarewellTonesAreHeardToTheirLastSample) {
  const AudioFormat leg = GetParam();
  LineOut line(ConfigOf(leg, leg));
  line.AppendFarewellTones();
  audio::FarewellTones tones(leg.sample_rate_hz);
  std::vector<int16_t> samples(tones.total_samples());
  ASSERT_EQ(tones.Generate(samples), samples.size());
  EXPECT_EQ(line.received(), samples.size());
  const int64_t ms = audio::FarewellTones::kNoteMs *
                     static_cast<int64_t>(audio::FarewellTones::kNotes);
  EXPECT_EQ(Sent(line, 1000, 1000 + ms), Encoded(leg, samples));
  // Nobody has to say that they end.
  EXPECT_TRUE(line.reply_ended());
  EXPECT_FALSE(line.done(At(1000 + ms)));
  EXPECT_TRUE(line.done(At(1000 + ms + kLead.ms() + 1)));
}

// What a caller who waits hears is made as it is sent, and begins with a note.
TEST_P(JoinTest, TheWaitingSoundIsMadeNoFurtherThanItIsSent) {
  const AudioFormat leg = GetParam();
  LineOut line(ConfigOf(leg, leg, Waiting::kTone));
  EXPECT_TRUE(line.has_waiting_sound());
  EXPECT_FALSE(LineOut(ConfigOf(leg, leg)).has_waiting_sound());
  std::vector<int16_t> note(
      static_cast<size_t>(leg.sample_rate_hz / 1000 * 1000));
  audio::WaitingTone(leg.sample_rate_hz).Generate(note);
  const Bytes expected = Risen(leg, Encoded(leg, note));
  const uint64_t lead = static_cast<uint64_t>(leg.sample_rate_hz / 1000) *
                        static_cast<uint64_t>(kLead.ms());
  const size_t sample_bytes = protocol::BytesPerSample(leg.encoding);
  int64_t now = 1000;
  // Dropped when a reply comes, and begun anew when the next is waited for.
  for (int wait = 0; wait < 2; ++wait) {
    line.BeginWaitingSound();
    const uint64_t before = line.received();
    Bytes sent;
    for (const int64_t begun = now; now < begun + 720; now += 40) {
      line.AppendWaitingSound();
      // Of what is made at once, up to 160 samples are too many.
      EXPECT_LT(line.received() - before - sent.size() / sample_bytes,
                lead + 160);
      sent = Joined(std::move(sent), Sent(line, now, now + 1));
      EXPECT_EQ(sent.size(),
                protocol::BytesOf(leg, static_cast<int>(now - begun) + 200));
    }
    // Mu-law has two codes for zero.
    EXPECT_EQ(Decoded(leg, sent),
              Decoded(leg, std::span(expected).first(sent.size())))
        << NameOf(leg);
    line.Interrupt(At(now));
    line.Discard(At(now));
    now += 300;
  }
}

// What was sent is in the track of what is heard, until it is dropped.
TEST_P(JoinTest, TheHeardTrackHasWhatIsPlayed) {
  const AudioFormat leg = GetParam();
  LineOut line(ConfigOf(leg, leg));
  const Bytes tone = Tone(leg, 900);
  line.Append(ItemId{1}, tone);
  line.EndReply();
  Sent(line, 1000, 1303);
  line.Interrupt(At(1303));
  const HeardTrack& track = line.heard_track();
  const int64_t begins = track.PositionAt(At(1000));
  const auto heard = static_cast<size_t>(leg.sample_rate_hz) / 1000 * 303;
  std::vector<int16_t> read(heard);
  track.Read(begins, read);
  const std::vector<int16_t> samples = Decoded(leg, tone);
  EXPECT_EQ(read, std::vector<int16_t>(
                      samples.begin(),
                      samples.begin() + static_cast<ptrdiff_t>(heard)));
  EXPECT_TRUE(track.IsSilentFrom(begins + static_cast<int64_t>(heard)));
}

TEST_P(JoinTest, APauseInAReplyIsFound) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    LineOut line(ConfigOf(agent, leg));
    const std::vector<int16_t> quiet(
        static_cast<size_t>(agent.sample_rate_hz / 1000 * 200));
    line.Append(ItemId{1},
                Joined(Joined(Tone(agent, 400), Encoded(agent, quiet)),
                       Tone(agent, 400)));
    const auto pauses = line.pauses(ItemId{1});
    ASSERT_EQ(pauses.size(), 1U) << NameOf(agent) << " to " << NameOf(leg);
    EXPECT_NEAR(pauses[0].from_ms, 400, 20);
    EXPECT_NEAR(pauses[0].to_ms, 600, 20);
  }
}

}  // namespace
}  // namespace trunkline::media
