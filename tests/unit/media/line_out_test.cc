// The agent's audio on its way to legs of every format and manner, in virtual
// time.

#include "media/line_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "support/audio_signals.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::ItemId;
using protocol::LegFlow;
using protocol::LegTraits;
using Playback = LegTraits::Playback;

constexpr Duration kLead = Duration::Millis(200);
constexpr Duration kMark = Duration::Millis(160);

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

LegTraits Traits(AudioFormat format, Playback playback = Playback::kMarks) {
  LegTraits traits;
  traits.heard = traits.spoken = format;
  traits.playback = playback;
  return traits;
}

std::string NameOf(AudioFormat format) {
  return std::string(ToString(format.encoding)) + "_" +
         std::to_string(format.sample_rate_hz / 1000);
}

// A tone of 440 Hz in a format.
std::vector<uint8_t> Tone(AudioFormat format, int ms) {
  std::vector<int16_t> samples(
      static_cast<size_t>(format.sample_rate_hz / 1000 * ms));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(
        12'000 * std::sin(2 * 3.14159265358979 * 440 * static_cast<double>(i) /
                          format.sample_rate_hz));
  }
  std::vector<uint8_t> bytes(samples.size() *
                             protocol::BytesPerSample(format.encoding));
  EncodeAudio(format.encoding, samples, bytes);
  return bytes;
}

std::vector<int16_t> Linear(AudioFormat format,
                            const std::vector<uint8_t>& bytes) {
  std::vector<int16_t> samples(bytes.size() /
                               protocol::BytesPerSample(format.encoding));
  DecodeAudio(format.encoding, bytes, samples);
  return samples;
}

// A leg that plays what it gets at real time, some way off, and tells of it in
// its manner. Knows what was really heard.
struct SimulatedLeg {
  struct Options {
    int64_t there_ms = 40;  // of a message to the leg
    int64_t back_ms = 40;
    int64_t jitter_ms = 0;    // more, at random, each way
    int64_t holds_ms = 0;     // of audio before playing begins
    int64_t report_ms = 100;  // between reports
    bool echoes = true;       // its marks
    LegTraits::MarksOnClear on_clear = LegTraits::MarksOnClear::kEchoed;
    int64_t stall_at_ms = -1;  // playback stops here...
    int64_t stall_ms = 0;      // ...for so long
  };

  SimulatedLeg(LineOut& out, const LegTraits& leg, const Options& how)
      : line(out), traits(leg), options(how) {}

  // One millisecond.
  void Step(int64_t now_ms) {
    while (!to_gateway.empty() && to_gateway.front().at_ms <= now_ms) {
      const Message message = to_gateway.front();
      to_gateway.pop_front();
      if (message.is_report) {
        line.OnPlayed(message.played, At(now_ms));
      } else {
        line.OnMark(message.mark, At(now_ms));
      }
    }
    if (sends && now_ms >= send_at_ms) {
      while (const auto piece = line.Next(At(now_ms))) {
        const int64_t at = Arrival(last_there_ms, now_ms, options.there_ms);
        if (!piece->audio.empty()) {
          pieces.push_back(piece->audio.size());
          sent.insert(sent.end(), piece->audio.begin(), piece->audio.end());
        }
        Message message;
        message.at_ms = at;
        message.samples = piece->audio.size() /
                          protocol::BytesPerSample(traits.spoken.encoding);
        message.has_mark = piece->mark.has_value();
        if (piece->mark) message.mark = *piece->mark;
        marks += message.has_mark ? 1 : 0;
        to_leg.push_back(message);
      }
    }
    while (!to_leg.empty() && to_leg.front().at_ms <= now_ms) {
      Message message = to_leg.front();
      to_leg.pop_front();
      if (message.is_clear) {
        for (const Message& waits : buffer) {
          if (waits.has_mark && options.echoes &&
              options.on_clear == LegTraits::MarksOnClear::kEchoed) {
            Tell(now_ms, waits);
          }
        }
        buffer.clear();
        cleared_at = played;
        starts_at_ms = -1;
        continue;
      }
      if (buffer.empty() && message.samples > 0) {
        starts_at_ms = now_ms + options.holds_ms;
      }
      buffer.push_back(message);
    }
    const bool stalled = options.stall_at_ms >= 0 &&
                         now_ms >= options.stall_at_ms &&
                         now_ms < options.stall_at_ms + options.stall_ms;
    if (!stalled && !buffer.empty() && now_ms >= starts_at_ms) {
      auto room = static_cast<uint64_t>(traits.spoken.sample_rate_hz / 1000);
      while (!buffer.empty()) {
        Message& front = buffer.front();
        const uint64_t count = std::min(room, front.samples);
        front.samples -= count;
        room -= count;
        played += count;
        if (front.samples > 0) break;
        if (front.has_mark && options.echoes) Tell(now_ms, front);
        buffer.pop_front();
      }
    }
    if (traits.playback == Playback::kReports &&
        now_ms % options.report_ms == 0) {
      Message report;
      report.is_report = true;
      report.played = played;
      Tell(now_ms, report);
    }
  }

  void Run(int64_t from_ms, int64_t to_ms) {
    for (int64_t ms = from_ms; ms < to_ms; ++ms) {
      Step(ms);
      if (watch) watch(ms);
    }
  }

  void Clear(int64_t now_ms) {
    Message message;
    message.is_clear = true;
    message.at_ms = Arrival(last_there_ms, now_ms, options.there_ms);
    to_leg.push_back(message);
  }

  LineOut& line;
  const LegTraits traits;
  const Options options;
  bool sends = true;
  int64_t send_at_ms = 0;
  std::vector<uint8_t> sent;
  std::vector<size_t> pieces;
  int marks = 0;
  uint64_t played = 0;
  uint64_t cleared_at = 0;
  std::function<void(int64_t)> watch;

 private:
  struct Message {
    int64_t at_ms = 0;
    uint64_t samples = 0;
    bool has_mark = false;
    bool is_clear = false;
    bool is_report = false;
    protocol::MarkId mark;
    uint64_t played = 0;
  };
  // Sockets keep the order.
  int64_t Arrival(int64_t& last, int64_t now_ms, int64_t way_ms) {
    const auto late = static_cast<int64_t>(
        random.Below(static_cast<size_t>(options.jitter_ms) + 1));
    return last = std::max(last, now_ms + way_ms + late);
  }
  void Tell(int64_t now_ms, Message message) {
    message.at_ms = Arrival(last_back_ms, now_ms, options.back_ms);
    to_gateway.push_back(message);
  }

  test::Random random{11};
  std::deque<Message> to_leg;
  std::deque<Message> to_gateway;
  std::deque<Message> buffer;
  int64_t last_there_ms = 0;
  int64_t last_back_ms = 0;
  int64_t starts_at_ms = -1;
};

// ---------------------------------------------------------------------------
// Formats

constexpr AudioFormat kFormats[] = {
    {Encoding::kMuLaw, 8000},        {Encoding::kALaw, 8000},
    {Encoding::kMuLaw, 16000},       {Encoding::kLinear16, 8000},
    {Encoding::kLinear16, 16000},    {Encoding::kLinear16, 24000},
    {Encoding::kLinear16, 48000},    {Encoding::kLinear16Big, 8000},
    {Encoding::kLinear16Big, 16000}, {Encoding::kLinear16Big, 48000}};

class FormatTest : public testing::TestWithParam<AudioFormat> {};

// What the leg is sent is what a converter makes of the agent's audio at once,
// however it comes and wherever it waits.
TEST_P(FormatTest, WhatIsSentIsTheAgentsAudioInTheLegsFormat) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    const std::vector<uint8_t> tone = Tone(agent, 500);
    Transcoder all(agent, leg);
    const auto expected = all.Process(tone);
    for (const size_t cut : {size_t{1}, size_t{333}, tone.size()}) {
      const LegTraits traits = Traits(leg);
      LineOut line({agent, traits, kLead, kMark});
      SimulatedLeg caller(line, traits, {});
      for (size_t at = 0; at < tone.size(); at += cut) {
        ASSERT_TRUE(
            line.Append(ItemId{1}, std::span<const uint8_t>(tone).subspan(
                                       at, std::min(cut, tone.size() - at)))
                .queued);
      }
      line.EndReply();
      caller.Run(1000, 2200);
      ASSERT_EQ(caller.sent.size(), expected.size())
          << NameOf(agent) << " to " << NameOf(leg);
      // A companded agent that waits as it is is decoded no more often.
      EXPECT_TRUE(
          std::equal(expected.begin(), expected.end(), caller.sent.begin()))
          << NameOf(agent) << " to " << NameOf(leg) << " by " << cut;
      EXPECT_TRUE(line.done(At(2200)));
      EXPECT_EQ(line.current(At(2200)).heard_ms, 500);
    }
  }
}

// A cough: what follows goes on to the sample from where it was heard.
TEST_P(FormatTest, AResumedReplyGoesOnWhereItWasHeard) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    const std::vector<uint8_t> tone = Tone(agent, 900);
    Transcoder all(agent, leg);
    const auto made = all.Process(tone);
    const std::vector<int16_t> expected =
        Linear(leg, {made.begin(), made.end()});
    const LegTraits traits = Traits(leg);
    LineOut line({agent, traits, kLead, kMark});
    SimulatedLeg caller(line, traits, {});
    line.Append(ItemId{1}, tone);
    line.EndReply();
    caller.Run(1000, 1303);
    line.Interrupt(At(1303));
    const auto heard = static_cast<size_t>(303 * leg.sample_rate_hz / 1000);
    EXPECT_EQ(line.current(At(1303)).heard_ms, 303);
    caller.Clear(1303);
    caller.sends = false;
    caller.Run(1303, 1500);
    caller.sent.clear();
    line.Resume();
    caller.sends = true;
    caller.Run(1500, 2600);
    const std::vector<int16_t> rest = Linear(leg, caller.sent);
    ASSERT_EQ(rest.size(), expected.size() - heard)
        << NameOf(agent) << " to " << NameOf(leg);
    const auto fade =
        static_cast<size_t>(LineOut::kResumeFadeMs * leg.sample_rate_hz / 1000);
    EXPECT_TRUE(
        std::equal(rest.begin() + static_cast<ptrdiff_t>(fade), rest.end(),
                   expected.begin() + static_cast<ptrdiff_t>(heard + fade)))
        << NameOf(agent) << " to " << NameOf(leg);
    EXPECT_TRUE(line.done(At(2600)));
  }
}

// Bounded in bytes as well: 50 s of linear 16 at 24 kHz.
TEST_P(FormatTest, TheQueueIsBoundedInBytes) {
  const AudioFormat leg = GetParam();
  for (const AudioFormat agent : kFormats) {
    LineOut line({agent, Traits(leg), kLead, kMark});
    const std::vector<uint8_t> second(protocol::BytesOf(agent, 1000));
    int seconds = 0;
    while (line.Append(ItemId{1}, second).queued) ++seconds;
    const size_t least =
        std::min(protocol::BytesOf(agent, 1000), protocol::BytesOf(leg, 1000));
    EXPECT_LE(static_cast<size_t>(seconds) * least, ReplyQueue::kMaxBytes);
    EXPECT_LE(seconds, ReplyQueue::kMaxMs / 1000);
    EXPECT_GE(seconds, 25) << NameOf(agent) << " to " << NameOf(leg);
  }
}

INSTANTIATE_TEST_SUITE_P(Legs, FormatTest, testing::ValuesIn(kFormats),
                         [](const auto& test) { return NameOf(test.param); });

// ---------------------------------------------------------------------------
// Messages

struct Lengths {
  size_t max = 0;
  size_t multiple = 0;
};

class MessageTest
    : public testing::TestWithParam<std::tuple<AudioFormat, Lengths>> {};

// Every piece is a multiple and within the bound, but for the last of a reply,
// which is not padded; and the pieces together are the audio.
TEST_P(MessageTest, OnlyAReplysLastPieceMayBeShort) {
  const auto [leg, lengths] = GetParam();
  for (const AudioFormat agent : kFormats) {
    LegTraits traits = Traits(leg);
    traits.max_message_bytes = lengths.max;
    traits.message_multiple_bytes = lengths.multiple;
    LineOut line({agent, traits, kLead, kMark});
    SimulatedLeg caller(line, traits, {});
    const std::vector<uint8_t> tone = Tone(agent, 1037);
    Transcoder all(agent, leg);
    const auto expected = all.Process(tone);
    // In bursts, so that the end of what has come is met as well.
    const size_t cut = protocol::BytesOf(agent, 250);
    int64_t now = 1000;
    for (size_t at = 0; at < tone.size(); at += cut, now += 260) {
      line.Append(ItemId{1}, std::span<const uint8_t>(tone).subspan(
                                 at, std::min(cut, tone.size() - at)));
      if (at + cut >= tone.size()) line.EndReply();
      caller.Run(now, now + 260);
    }
    caller.Run(now, now + 800);
    ASSERT_EQ(caller.sent.size(), expected.size()) << NameOf(agent);
    EXPECT_TRUE(
        std::equal(expected.begin(), expected.end(), caller.sent.begin()));
    for (size_t i = 0; i < caller.pieces.size(); ++i) {
      if (lengths.max != 0) {
        EXPECT_LE(caller.pieces[i], lengths.max);
      }
      if (lengths.multiple != 0 && i + 1 < caller.pieces.size()) {
        EXPECT_EQ(caller.pieces[i] % lengths.multiple, 0U)
            << NameOf(agent) << " piece " << i;
      }
    }
    EXPECT_TRUE(line.done(At(now + 800)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Legs, MessageTest,
    testing::Combine(testing::Values(AudioFormat{Encoding::kMuLaw, 8000},
                                     AudioFormat{Encoding::kLinear16, 8000},
                                     AudioFormat{Encoding::kLinear16Big, 16000},
                                     AudioFormat{Encoding::kLinear16, 48000}),
                     testing::Values(Lengths{0, 160}, Lengths{0, 320},
                                     Lengths{640, 0}, Lengths{1920, 1920},
                                     Lengths{1000, 250}, Lengths{4000, 1280},
                                     Lengths{0, 3200})));

// An interruption leaves the queue at any sample: what follows is cut to
// multiples all the same.
TEST(LineOutTest, PiecesAreMultiplesAfterAnInterruption) {
  LegTraits traits = Traits({Encoding::kMuLaw, 8000});
  traits.message_multiple_bytes = 160;
  LineOut line({{Encoding::kMuLaw, 8000}, traits, kLead, kMark});
  SimulatedLeg caller(line, traits, {});
  line.Append(ItemId{1}, Tone({Encoding::kMuLaw, 8000}, 1000));
  line.EndReply();
  caller.Run(1000, 1333);
  line.Interrupt(At(1333));
  caller.Clear(1333);
  caller.pieces.clear();
  line.Resume();
  caller.Run(1333, 2500);
  ASSERT_FALSE(caller.pieces.empty());
  caller.pieces.pop_back();
  for (const size_t piece : caller.pieces) EXPECT_EQ(piece % 160, 0U);
}

// ---------------------------------------------------------------------------
// Flow

class FlowTest : public testing::TestWithParam<Playback> {};

TEST_P(FlowTest, NothingIsSentWhilePausedAndTheClockStopsAtWhatWasSent) {
  const AudioFormat format{Encoding::kLinear16, 16000};
  LegTraits traits = Traits(format, GetParam());
  traits.flow_control = LegTraits::FlowControl::kPauses;
  LineOut line({format, traits, kLead, kMark});
  SimulatedLeg caller(line, traits, {});
  line.Append(ItemId{1}, Tone(format, 2000));
  line.EndReply();
  caller.Run(1000, 1500);
  line.OnFlow(LegFlow::State::kPaused, At(1500));
  const size_t sent = caller.sent.size();
  caller.Run(1500, 4000);
  EXPECT_EQ(caller.sent.size(), sent);
  EXPECT_EQ(line.current(At(4000)).heard_ms,
            static_cast<int64_t>(sent / protocol::BytesOf(format, 1)));
  EXPECT_FALSE(line.done(At(4000)));
  line.OnFlow(LegFlow::State::kReady, At(4000));
  caller.Run(4000, 6500);
  EXPECT_EQ(caller.sent.size(), protocol::BytesOf(format, 2000));
  EXPECT_TRUE(line.done(At(6500)));
  EXPECT_EQ(line.counters().overlong_pauses, 0U);
}

// A ready that was lost: the reply is not held for ever.
TEST_P(FlowTest, APauseEndsByItselfAfterTheLongestReply) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  LegTraits traits = Traits(format, GetParam());
  traits.flow_control = LegTraits::FlowControl::kPauses;
  LineOut line({format, traits, kLead, kMark, Duration::Millis(5'000)});
  SimulatedLeg caller(line, traits, {});
  line.Append(ItemId{1}, Tone(format, 1000));
  line.EndReply();
  line.OnFlow(LegFlow::State::kPaused, At(1000));
  EXPECT_EQ(line.NextCheck(At(1000)), At(6000));
  caller.Run(1000, 6000);
  EXPECT_TRUE(caller.sent.empty());
  caller.Run(6000, 7800);
  EXPECT_EQ(caller.sent.size(), 8000U);
  EXPECT_EQ(line.counters().overlong_pauses, 1U);
  EXPECT_TRUE(line.done(At(7800)));
}

// The pause was the former stream's.
TEST_P(FlowTest, AStreamThatBeginsAnewTakesAudio) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  LineOut line({format, Traits(format, GetParam()), kLead, kMark});
  line.Append(ItemId{1}, Tone(format, 1000));
  line.OnFlow(LegFlow::State::kPaused, At(1000));
  EXPECT_FALSE(line.Next(At(1001)));
  line.Interrupt(At(1001));
  line.OnStreamStarted();
  EXPECT_TRUE(line.Next(At(1002)));
}

INSTANTIATE_TEST_SUITE_P(Manners, FlowTest,
                         testing::Values(Playback::kMarks, Playback::kReports,
                                         Playback::kClock));

// ---------------------------------------------------------------------------
// Clears

// Marks that are cleared come back at once, or not at all: neither is playback,
// and nothing waits for them.
TEST(LineOutTest, AReplyAfterAClearIsHeardWhateverBecameOfItsMarks) {
  for (const auto on_clear :
       {LegTraits::MarksOnClear::kEchoed, LegTraits::MarksOnClear::kDropped}) {
    const AudioFormat format{Encoding::kMuLaw, 8000};
    LegTraits traits = Traits(format);
    traits.marks_on_clear = on_clear;
    LineOut line({format, traits, kLead, kMark});
    SimulatedLeg::Options options;
    options.on_clear = on_clear;
    SimulatedLeg caller(line, traits, options);
    line.Append(ItemId{1}, Tone(format, 3000));
    caller.Run(1000, 1620);
    line.Interrupt(At(1620));
    caller.Clear(1620);
    const auto cuts = line.Discard(At(1620));
    ASSERT_EQ(cuts.size(), 1U);
    EXPECT_EQ(cuts[0].heard_ms, 620);
    EXPECT_TRUE(line.done(At(1620)));
    caller.sends = false;
    caller.Run(1620, 2200);
    EXPECT_TRUE(line.done(At(2200)));
    EXPECT_EQ(caller.cleared_at, 620U * 8);
    caller.sends = true;
    line.Append(ItemId{2}, Tone(format, 1000));
    line.EndReply();
    caller.Run(2200, 3150);
    EXPECT_EQ(line.current(At(3000)).heard_ms, 800);
    EXPECT_FALSE(line.done(At(3150)));
    caller.Run(3150, 3300);
    EXPECT_TRUE(line.done(At(3300)));
    // The simulated leg plays a millisecond the moment it begins.
    EXPECT_EQ(line.round_trip(), Duration::Millis(79));
  }
}

// A leg that reports counts what it played: what was cleared is not in it.
TEST(LineOutTest, ReportsGoOnAfterAClear) {
  for (const AudioFormat format : kFormats) {
    const LegTraits traits = Traits(format, Playback::kReports);
    LineOut line({{Encoding::kLinear16, 24000}, traits, kLead, kMark});
    SimulatedLeg caller(line, traits, {});
    int64_t now = 1000;
    for (uint32_t reply = 1; reply <= 5; ++reply) {
      line.Append(ItemId{reply}, Tone({Encoding::kLinear16, 24000}, 2000));
      const int64_t until = now + 700 + 13 * reply;
      caller.Run(now, until);
      line.Interrupt(At(until));
      caller.Clear(until);
      const auto cuts = line.Discard(At(until));
      ASSERT_EQ(cuts.size(), 1U);
      EXPECT_NEAR(static_cast<double>(cuts[0].heard_ms),
                  static_cast<double>(until - now), 2)
          << NameOf(format);
      line.ResetInput();
      now = until + 600;
      caller.sends = false;
      caller.Run(until, now);
      caller.sends = true;
    }
  }
}

// A leg cannot have played what it was not sent, nor less than it said before.
TEST(LineOutTest, ReportsBeyondReasonChangeNothing) {
  const AudioFormat format{Encoding::kLinear16, 16000};
  LineOut line({format, Traits(format, Playback::kReports), kLead, kMark});
  line.Append(ItemId{1}, Tone(format, 1000));
  line.EndReply();
  while (line.Next(At(1000))) {
  }
  line.OnPlayed(UINT64_MAX, At(1010));
  EXPECT_LE(line.current(At(1010)).heard_ms, 200);
  line.OnPlayed(0, At(1020));
  line.OnPlayed(UINT64_MAX - 1, At(1030));
  EXPECT_LE(line.current(At(1030)).heard_ms, 200 + 30);
}

TEST(LineOutTest, ByTheClockAloneNoMarkIsSent) {
  const AudioFormat format{Encoding::kLinear16Big, 8000};
  const LegTraits traits = Traits(format, Playback::kClock);
  LineOut line({format, traits, kLead, kMark});
  SimulatedLeg caller(line, traits, {});
  line.Append(ItemId{1}, Tone(format, 1000));
  line.EndReply();
  caller.Run(1000, 2100);
  EXPECT_EQ(caller.marks, 0);
  EXPECT_EQ(line.current(At(1500)).heard_ms, 500);
  EXPECT_FALSE(line.done(At(2100)));
  EXPECT_TRUE(line.done(At(2201)));
  // The deadline wakes up when it is.
  EXPECT_TRUE(line.done(line.NextCheck(At(2000))));
}

// ---------------------------------------------------------------------------
// The heard clock against the truth

// Marks that nobody echoes: at each, the clock used to stop from 0.55 to 2.3 s
// after it, and so did the sending.
TEST(LineOutTest, ALegThatEchoesNoMarksIsHeardByTheClock) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  const LegTraits traits = Traits(format);
  LineOut line({format, traits, kLead, kMark});
  SimulatedLeg::Options options;
  options.echoes = false;
  SimulatedLeg caller(line, traits, options);
  line.Append(ItemId{1}, Tone(format, 10'000));
  line.EndReply();
  // Given up once; then never again.
  caller.Run(1000, 7000);
  EXPECT_EQ(line.counters().lost_marks, 1U);
  int64_t now = 7000;
  int64_t last_heard = line.current(At(now)).heard_ms;
  for (; !line.done(At(now)); ++now) {
    caller.Step(now);
    const int64_t heard = line.current(At(now)).heard_ms;
    ASSERT_LE(heard - last_heard, 1);
    ASSERT_LT(now, 20'000);
    last_heard = heard;
  }
  EXPECT_EQ(last_heard, 10'000);
  line.Forget();
  // The next replies take as long as they are.
  for (uint32_t reply = 2; reply <= 4; ++reply) {
    line.Append(ItemId{reply}, Tone(format, 3000));
    line.EndReply();
    const int64_t began = now;
    while (!line.done(At(now))) caller.Step(now++);
    EXPECT_NEAR(static_cast<double>(now - began), 3200, 5);
    line.Forget();
  }
  EXPECT_EQ(line.counters().lost_marks, 1U);
}

// An echo that comes after all is believed.
TEST(LineOutTest, MarksThatComeBackAfterAllCountAgain) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  LineOut line({format, Traits(format), kLead, kMark});
  line.Append(ItemId{1}, Tone(format, 20'000));
  std::vector<protocol::MarkId> marks;
  int64_t now = 1000;
  for (; line.counters().lost_marks == 0; now += 20) {
    while (const auto piece = line.Next(At(now))) {
      if (piece->mark) marks.push_back(*piece->mark);
    }
    ASSERT_LT(now, 10'000);
  }
  line.OnMark(marks.back(), At(now));
  for (const int64_t end = now + 1500; now < end; now += 20) {
    while (line.Next(At(now))) {
    }
  }
  // Overdue, and the clock stands again.
  const int64_t heard = line.current(At(now)).heard_ms;
  EXPECT_EQ(line.current(At(now + 200)).heard_ms, heard);
}

struct Manner {
  const char* name;
  Playback playback;
  bool echoes = true;
};

struct Network {
  const char* name;
  SimulatedLeg::Options options;
};

// How far `heard` is from what a clear sent now leaves heard, ms.
struct Errors {
  int64_t less = 0;
  int64_t more = 0;
};

// Within [from_ms, to_ms) of a reply that begins at 1,000.
struct Window {
  int64_t from_ms;
  int64_t to_ms;
};

Errors Measure(const Manner& manner, const Network& network, Window window) {
  const AudioFormat format{Encoding::kLinear16, 16000};
  const LegTraits traits = Traits(format, manner.playback);
  LineOut line({format, traits, kLead, kMark});
  SimulatedLeg::Options options = network.options;
  options.echoes = manner.echoes;
  SimulatedLeg caller(line, traits, options);
  line.Append(ItemId{1}, Tone(format, 20'000));
  line.EndReply();
  std::vector<int64_t> heard;
  std::vector<int64_t> played;
  caller.watch = [&](int64_t ms) {
    heard.push_back(line.current(At(ms)).heard_ms);
    played.push_back(static_cast<int64_t>(caller.played) / 16);
  };
  caller.Run(0, window.to_ms + options.there_ms);
  Errors errors;
  for (int64_t ms = window.from_ms; ms < window.to_ms; ++ms) {
    const auto i = static_cast<size_t>(ms);
    const int64_t error =
        heard[i] - played[i + static_cast<size_t>(options.there_ms)];
    errors.less = std::max(errors.less, -error);
    errors.more = std::max(errors.more, error);
  }
  return errors;
}

struct Bound {
  const Manner& manner;
  const Network& network;
  Window window;
  // What docs/protocol.md says.
  Errors most;
};

TEST(HeardClockTest, IsWithinTheBoundsThatAreDocumented) {
  const Manner marks{"marks", Playback::kMarks};
  const Manner reports{"reports", Playback::kReports};
  const Manner clock{"clock alone", Playback::kClock};
  const Manner silent{"marks never echoed", Playback::kMarks, false};
  const Network near{"10 ms each way", {.there_ms = 10, .back_ms = 10}};
  const Network far{"120 ms each way", {.there_ms = 120, .back_ms = 120}};
  const Network jitter{"40 ms and up to 30 more",
                       {.there_ms = 40, .back_ms = 40, .jitter_ms = 30}};
  const Network holds{"60 ms held back",
                      {.there_ms = 40, .back_ms = 40, .holds_ms = 60}};
  const Network stall{
      "no playback for 400 ms",
      {.there_ms = 40, .back_ms = 40, .stall_at_ms = 6000, .stall_ms = 400}};
  // From a second into the reply on, while playback stands and shortly after,
  // and when that is over.
  constexpr Window kAll{2000, 15'000};
  constexpr Window kStall{6000, 8000};
  constexpr Window kAfter{8000, 15'000};
  const Bound bounds[] = {{marks, near, kAll, {2, 2}},
                          {marks, far, kAll, {2, 2}},
                          {marks, jitter, kAll, {2, 30}},
                          {marks, holds, kAll, {2, 60}},
                          {marks, stall, kStall, {80, 400}},
                          {marks, stall, kAfter, {2, 12}},
                          {reports, near, kAll, {2, 2}},
                          {reports, far, kAll, {2, 2}},
                          {reports, jitter, kAll, {2, 30}},
                          {reports, holds, kAll, {2, 60}},
                          {reports, stall, kStall, {2, 240}},
                          {reports, stall, kAfter, {2, 12}},
                          {clock, near, kAll, {2, 2}},
                          {clock, far, kAll, {2, 2}},
                          {clock, jitter, kAll, {2, 30}},
                          {clock, holds, kAll, {2, 60}},
                          {clock, stall, kStall, {2, 400}},
                          {clock, stall, kAfter, {2, 400}},
                          {silent, near, {1500, 15'000}, {2, 2}},
                          {silent, jitter, kAfter, {2, 30}}};
  for (const Bound& bound : bounds) {
    const Errors errors = Measure(bound.manner, bound.network, bound.window);
    std::printf(
        "measured: heard by %s, %s, from %lld ms: %lld ms less to %lld more\n",
        bound.manner.name, bound.network.name,
        static_cast<long long>(bound.window.from_ms),
        static_cast<long long>(errors.less),
        static_cast<long long>(errors.more));
    EXPECT_LE(errors.less, bound.most.less);
    EXPECT_LE(errors.more, bound.most.more);
  }
}

}  // namespace
}  // namespace trunkline::media
