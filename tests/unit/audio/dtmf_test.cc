// The DTMF generator and the detector.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "audio/dtmf_detector.h"
#include "audio/dtmf_generator.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using Event = DtmfDetector::Event;

std::vector<Event> EventsOf(DtmfDetector& detector,
                            std::span<const int16_t> in) {
  std::vector<Event> events(DtmfDetector::MaxEvents(in.size()));
  events.resize(detector.Process(in, events));
  return events;
}

std::vector<Event> EventsOf(std::span<const int16_t> in) {
  DtmfDetector detector;
  return EventsOf(detector, in);
}

std::string DigitsOf(const std::vector<Event>& events) {
  std::string digits;
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kBegan) digits += event.digit;
  }
  return digits;
}

// Digits behind `lead` samples of silence, with 40 ms of it at the end.
std::vector<int16_t> Spoken(std::string_view digits, int tone_ms, int pause_ms,
                            size_t lead = 0) {
  DtmfGenerator generator({.tone_ms = tone_ms, .pause_ms = pause_ms}, digits);
  std::vector<int16_t> line(lead + generator.total_samples() + 320);
  generator.Generate(std::span(line).subspan(lead));
  return line;
}

// One digit's tones at any frequency and amplitude.
std::vector<int16_t> Pair(size_t count, double low_hz, double high_hz,
                          double low, double high) {
  std::vector<int16_t> tone = test::SineSignal(count, low_hz, 8000, low);
  test::Mix(tone, test::SineSignal(count, high_hz, 8000, high));
  tone.insert(tone.begin(), 400, 0);
  tone.insert(tone.end(), 400, 0);
  return tone;
}

TEST(DtmfTest, EveryDigitIsHeardAtEveryAlignment) {
  for (size_t lead = 0; lead < DtmfDetector::kHopSamples; ++lead) {
    for (const int ms : {40, 50, 100}) {
      EXPECT_EQ(DigitsOf(EventsOf(Spoken(kDtmfDigits, ms, ms, lead))),
                kDtmfDigits)
          << lead << " " << ms;
    }
  }
}

TEST(DtmfTest, ATone23MsLongIsNone) {
  for (size_t lead = 0; lead < 2 * DtmfDetector::kHopSamples; ++lead) {
    EXPECT_EQ(DigitsOf(EventsOf(Spoken("159D", 23, 60, lead))), "") << lead;
  }
}

TEST(DtmfTest, ARepeatedDigitIsTwoAndAnInterruptedOneIsOne) {
  EXPECT_EQ(DigitsOf(EventsOf(Spoken("55", 40, 40))), "55");
  for (size_t at = 400; at < 502; ++at) {
    std::vector<int16_t> line = Spoken("5", 100, 0);
    std::fill_n(line.begin() + static_cast<ptrdiff_t>(at), 80, int16_t{0});
    EXPECT_EQ(DigitsOf(EventsOf(line)), "5") << at;
  }
}

TEST(DtmfTest, TheMutedRangeHoldsTheDigitAndLittleMore) {
  for (size_t lead = 400; lead < 502; ++lead) {
    const auto events = EventsOf(Spoken("7", 80, 0, lead));
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].kind, Event::Kind::kBegan);
    EXPECT_EQ(events[1].kind, Event::Kind::kEnded);
    // The ramps' first and last millisecond carry next to nothing.
    EXPECT_LE(events[0].at_sample, lead + 8);
    EXPECT_GE(events[0].at_sample + 64, lead);
    EXPECT_GE(events[1].at_sample + 8, lead + 640);
    EXPECT_LE(events[1].at_sample, lead + 640 + 64);
  }
}

TEST(DtmfTest, LevelsTwistAndFrequenciesOfQ24) {
  for (size_t digit = 0; digit < kDtmfDigits.size(); ++digit) {
    const double low = kDtmfRowHz[digit / 4];
    const double high = kDtmfColumnHz[digit % 4];
    const std::string wanted(1, kDtmfDigits[digit]);
    const auto heard = [](const std::vector<int16_t>& line) {
      return DigitsOf(EventsOf(test::ThroughMuLaw(line)));
    };
    // 0 and -25 dBm0 a tone: full scale is a sine of 3.17 dBm0.
    EXPECT_EQ(heard(Pair(400, low, high, 16000, 16000)), wanted);
    EXPECT_EQ(heard(Pair(400, low, high, 1279, 1279)), wanted);
    EXPECT_EQ(heard(Pair(400, low, high, 200, 200)), "");
    // 8 dB either way.
    EXPECT_EQ(heard(Pair(400, low, high, 3981, 10000)), wanted);
    EXPECT_EQ(heard(Pair(400, low, high, 10000, 3981)), wanted);
    EXPECT_EQ(heard(Pair(400, low, high, 10000, 2000)), "");
    EXPECT_EQ(heard(Pair(400, low, high, 2000, 10000)), "");
    for (const double off : {-0.015, 0.015}) {
      EXPECT_EQ(heard(Pair(400, low * (1 + off), high * (1 + off), 5000, 5000)),
                wanted)
          << off;
    }
    for (const double off : {-0.035, 0.035}) {
      EXPECT_EQ(heard(Pair(800, low * (1 + off), high * (1 + off), 5000, 5000)),
                "")
          << off << wanted;
    }
  }
}

TEST(DtmfTest, OtherSoundsAreNoDigits) {
  EXPECT_TRUE(EventsOf(test::SquareSignal(16000, 1)).empty());
  EXPECT_TRUE(EventsOf(test::SquareSignal(16000, 5)).empty());
  EXPECT_TRUE(EventsOf(std::vector<int16_t>(16000, INT16_MIN)).empty());
  EXPECT_TRUE(EventsOf(std::vector<int16_t>(16000, 0)).empty());
  EXPECT_TRUE(EventsOf(test::RandomSamples(16000, 1)).empty());
  EXPECT_TRUE(EventsOf(test::VoiceSignal(80000, -200, 1)).empty());
  EXPECT_TRUE(EventsOf(test::SineSignal(16000, 697, 8000, 9000)).empty());
  // Dial tone, and three tones at once.
  EXPECT_TRUE(EventsOf(Pair(8000, 350, 440, 4000, 4000)).empty());
  std::vector<int16_t> three = Pair(8000, 697, 1209, 4000, 4000);
  test::Mix(three, test::SineSignal(three.size(), 852, 8000, 4000));
  EXPECT_TRUE(EventsOf(three).empty());
}

TEST(DtmfTest, ChunksMakeNoDifferenceAndACopyGoesOn) {
  std::vector<int16_t> line = Spoken("0123456789*#ABCD", 50, 50, 31);
  test::Mix(line, test::NoiseSignal(line.size(), -350, 4));
  const std::vector<Event> whole = EventsOf(line);
  EXPECT_EQ(whole.size(), 32U);
  test::Random random(3);
  for (int round = 0; round < 20; ++round) {
    DtmfDetector detector;
    std::vector<Event> events;
    size_t at = 0;
    for (const size_t part : test::RandomSplit(line.size(), 300, random)) {
      DtmfDetector copy = detector;
      detector.Reset();
      const auto more = EventsOf(copy, std::span(line).subspan(at, part));
      events.insert(events.end(), more.begin(), more.end());
      detector = copy;
      at += part;
    }
    ASSERT_EQ(events, whole);
  }
}

TEST(DtmfGeneratorTest, SaysOnlyDigits) {
  EXPECT_TRUE(DtmfGenerator::CanSay("0123456789*#ABCD"));
  EXPECT_FALSE(DtmfGenerator::CanSay("12E"));
  EXPECT_FALSE(DtmfGenerator::CanSay("12 3"));
  EXPECT_FALSE(DtmfGenerator::CanSay(std::string(33, '1')));
}

TEST(DtmfGeneratorTest, ChunksMakeNoDifferenceAndNothingClicks) {
  for (const int hz : {8000, 16000, 24000, 48000}) {
    const DtmfGenerator fresh({.sample_rate_hz = hz, .tone_ms = 45}, "1D#");
    DtmfGenerator generator = fresh;
    std::vector<int16_t> whole(generator.total_samples());
    ASSERT_EQ(generator.Generate(whole), whole.size());
    EXPECT_EQ(generator.Generate(whole), 0U);
    // The steepest is column D at its peak and the row with it.
    const double steepest =
        2 * std::numbers::pi * (8231 * 941.0 + 10362 * 1633.0) / hz;
    for (size_t i = 1; i < whole.size(); ++i) {
      ASSERT_LE(std::abs(whole[i] - whole[i - 1]), steepest + 60) << i;
    }
    EXPECT_EQ(whole.front(), 0);
    generator = fresh;
    std::vector<int16_t> parts(whole.size());
    test::Random random(9);
    size_t at = 0;
    for (const size_t part : test::RandomSplit(whole.size(), 500, random)) {
      ASSERT_EQ(generator.Generate(std::span(parts).subspan(at, part)), part);
      at += part;
    }
    EXPECT_EQ(parts, whole);
  }
}

}  // namespace
}  // namespace trunkline::audio
