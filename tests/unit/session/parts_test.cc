// The session's parts on their own: caller audio, turn detection, playout,
// transcoding, configuration.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "session/caller_audio.h"
#include "session/config.h"
#include "session/playout.h"
#include "session/transcoder.h"
#include "session/turn_detector.h"
#include "support/virtual_world.h"

namespace trunkline::session {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::ItemId;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr AudioFormat kMuLaw{Encoding::kMuLaw, 8000};

Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

// ---------------------------------------------------------------------------

class Frames final : public CallerAudio::Listener {
 public:
  void OnCallerFrame(std::span<const uint8_t> frame,
                     CallerAudio::Source) override {
    EXPECT_EQ(frame.size(), 160U);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
  }
  std::vector<uint8_t> bytes;
};

std::vector<uint8_t> Bytes(size_t count, uint8_t value) {
  return std::vector<uint8_t>(count, value);
}

TEST(CallerAudioTest, FramesAnyLengthTheCarrierSends) {
  Frames frames;
  CallerAudio audio(kMuLaw, frames);
  std::vector<uint8_t> expected;
  int64_t timestamp = 0;
  for (const size_t length : {160U, 80U, 80U, 8U, 800U, 152U, 160U}) {
    const auto value = static_cast<uint8_t>(expected.size() % 251);
    audio.OnAudio(timestamp, Bytes(length, value));
    expected.insert(expected.end(), length, value);
    timestamp += static_cast<int64_t>(length / 8);
  }
  EXPECT_EQ(frames.bytes, expected);
  EXPECT_EQ(audio.counters().filled_ms, 0U);
}

TEST(CallerAudioTest, AGapIsFilledWithSilenceOfItsLength) {
  Frames frames;
  CallerAudio audio(kMuLaw, frames);
  audio.OnAudio(0, Bytes(160, 1));
  audio.OnAudio(60, Bytes(160, 2));
  ASSERT_EQ(frames.bytes.size(), 4 * 160U);
  EXPECT_EQ(frames.bytes[159], 1);
  EXPECT_EQ(frames.bytes[160], 0xFF);
  EXPECT_EQ(frames.bytes[479], 0xFF);
  EXPECT_EQ(frames.bytes[480], 2);
  EXPECT_EQ(audio.counters().filled_ms, 40U);
}

TEST(CallerAudioTest, AGapBeyondTheBoundIsShortenedToIt) {
  Frames frames;
  CallerAudio audio(kMuLaw, frames);
  audio.OnAudio(0, Bytes(160, 1));
  audio.OnAudio(3'600'000, Bytes(160, 2));
  EXPECT_EQ(frames.bytes.size(), 320U + 80'000U);
  EXPECT_EQ(audio.counters().shortened_gaps, 1U);
  // The clock is the carrier's from there on.
  audio.OnAudio(3'600'020, Bytes(160, 3));
  EXPECT_EQ(frames.bytes.size(), 480U + 80'000U);
}

TEST(CallerAudioTest, WhatIsLateIsDroppedAndCounted) {
  Frames frames;
  CallerAudio audio(kMuLaw, frames);
  audio.OnAudio(0, Bytes(320, 1));
  audio.OnAudio(0, Bytes(160, 2));   // a duplicate
  audio.OnAudio(20, Bytes(320, 3));  // half of it known
  EXPECT_EQ(frames.bytes.size(), 480U);
  EXPECT_EQ(frames.bytes[320], 3);
  EXPECT_EQ(audio.counters().late_ms, 40U);
  audio.OnAudio(60, Bytes(160, 4));
  EXPECT_EQ(frames.bytes.size(), 640U);
}

TEST(CallerAudioTest, SilencePutInAheadIsTakenOffTheGap) {
  Frames frames;
  CallerAudio audio(kMuLaw, frames);
  audio.OnAudio(0, Bytes(160, 1));
  audio.FillSilence(Duration::Millis(1000));
  audio.OnAudio(1520, Bytes(160, 2));  // 1500 ms are missing
  EXPECT_EQ(frames.bytes.size(), 160U + 12'000U + 160U);
  // Frames that were only held up are not lost.
  audio.FillSilence(Duration::Millis(1000));
  audio.OnAudio(1540, Bytes(160, 3));
  EXPECT_EQ(frames.bytes.back(), 3);
}

TEST(CallerAudioTest, ACarrierWithoutTimestampsIsContiguous) {
  Frames frames;
  CallerAudio audio(kMuLaw, frames);
  for (int i = 0; i < 3; ++i) audio.OnAudio(std::nullopt, Bytes(160, 1));
  EXPECT_EQ(frames.bytes.size(), 480U);
}

// ---------------------------------------------------------------------------

std::vector<TurnDetector::Event> Detect(TurnDetector& detector,
                                        const std::string& frames) {
  std::vector<TurnDetector::Event> events;
  for (const char c : frames) {
    const TurnDetector::Event event = detector.OnFrame(c == 'x');
    if (event != TurnDetector::Event::kNone) events.push_back(event);
  }
  return events;
}

TEST(TurnDetectorTest, AClickIsNoSpeech) {
  TurnDetector detector(Duration::Millis(700));
  EXPECT_THAT(Detect(detector, "..xx......x..x..x.."), IsEmpty());
  EXPECT_FALSE(detector.speaking());
}

TEST(TurnDetectorTest, SpeechStartsStopsAndEndsTheTurn) {
  TurnDetector detector(Duration::Millis(700));
  EXPECT_THAT(Detect(detector, "..x.xx"),
              ElementsAre(TurnDetector::Event::kSpeechStarted));
  // From the oldest of the frames that counted.
  EXPECT_EQ(detector.since_start().ms(), 80);
  EXPECT_EQ(detector.speech().ms(), 60);
  EXPECT_THAT(Detect(detector, "xx" + std::string(9, '.')), IsEmpty());
  EXPECT_THAT(Detect(detector, "."),
              ElementsAre(TurnDetector::Event::kSpeechStopped));
  EXPECT_EQ(detector.since_speech().ms(), 200);
  EXPECT_THAT(Detect(detector, std::string(24, '.')), IsEmpty());
  EXPECT_THAT(Detect(detector, "."),
              ElementsAre(TurnDetector::Event::kTurnEnded));
  EXPECT_EQ(detector.since_speech().ms(), 700);
  EXPECT_FALSE(detector.in_turn());
}

TEST(TurnDetectorTest, APauseWithinTheTurnIsNotItsEnd) {
  TurnDetector detector(Duration::Millis(700));
  EXPECT_THAT(Detect(detector, "xxxx" + std::string(30, '.') + "xxxx"),
              ElementsAre(TurnDetector::Event::kSpeechStarted,
                          TurnDetector::Event::kSpeechStopped,
                          TurnDetector::Event::kSpeechStarted));
}

TEST(TurnDetectorTest, AnAbandonedTurnNeverEnds) {
  TurnDetector detector(Duration::Millis(700));
  Detect(detector, "xxxx" + std::string(10, '.'));
  detector.AbandonTurn();
  EXPECT_THAT(Detect(detector, std::string(100, '.')), IsEmpty());
}

// ---------------------------------------------------------------------------

// A leg that plays what it is sent, `delay` away in each direction.
class PlayoutTest : public testing::Test {
 protected:
  Playout playout{{kMuLaw, Duration::Millis(200), Duration::Millis(160)}};

  // Sends all that may be sent now; returns the bytes and keeps the marks.
  size_t Send(int64_t now_ms) {
    size_t sent = 0;
    for (;;) {
      const auto chunk = playout.NextChunk(At(now_ms));
      if (chunk.empty()) break;
      sent += chunk.size();
      if (const auto mark = playout.TakeMark()) marks.push_back(*mark);
    }
    if (const auto mark = playout.TakeMark()) marks.push_back(*mark);
    return sent;
  }
  std::vector<protocol::MarkId> marks;
};

TEST_F(PlayoutTest, SendsTheLeadAndThenRealTime) {
  playout.Append(ItemId{1}, Bytes(8000, 7));
  playout.EndReply();
  EXPECT_EQ(Send(1000), 1600U);
  EXPECT_EQ(Send(1000), 0U);
  EXPECT_EQ(Send(1019), 0U);
  EXPECT_EQ(Send(1020), 160U);
  EXPECT_EQ(Send(1100), 640U);
  EXPECT_EQ(playout.heard(At(1100)), 800U);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0], (protocol::MarkId{0, 1280}));
}

TEST_F(PlayoutTest, IsNeverHeardBeyondWhatWasSent) {
  playout.Append(ItemId{1}, Bytes(320, 7));
  EXPECT_EQ(Send(1000), 320U);
  EXPECT_EQ(playout.heard(At(5000)), 320U);
  EXPECT_FALSE(playout.done(At(5000)));  // more may come
  playout.EndReply();
  EXPECT_EQ(Send(5000), 0U);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_TRUE(playout.OnMark(marks[0], At(5001)));
  EXPECT_TRUE(playout.done(At(5001)));
}

TEST_F(PlayoutTest, KeepsATailForTheEndOfTheReply) {
  playout.Append(ItemId{1}, Bytes(170, 7));
  EXPECT_EQ(Send(1000), 160U);
  playout.EndReply();
  EXPECT_EQ(Send(1001), 10U);
}

// The leg stops playing: the clock must not run on.
TEST_F(PlayoutTest, AnOverdueMarkStopsTheClock) {
  playout.Append(ItemId{1}, Bytes(80'000, 7));
  for (int64_t ms = 1000; ms <= 1160; ms += 20) Send(ms);
  ASSERT_FALSE(marks.empty());
  EXPECT_TRUE(playout.OnMark(marks[0], At(1180)));  // a round trip of 20 ms
  for (int64_t ms = 1180; ms <= 3000; ms += 20) Send(ms);
  // The next mark, at 320 ms, was due at 1340 and its grace is over.
  EXPECT_EQ(playout.heard(At(1800)), 2560U);
}

// The leg falls 90 ms behind after its first mark: all later echoes say so, and
// the clock follows. When they are punctual again, it follows back.
TEST_F(PlayoutTest, ALastingSlipIsBelievedUntilItIsGone) {
  playout.Append(ItemId{1}, Bytes(80'000, 7));
  size_t echoed = 0;
  const auto late = [](size_t mark) { return mark == 0 || mark > 8 ? 0 : 90; };
  const auto run = [&](int64_t from, int64_t to) {
    for (int64_t ms = from; ms < to; ms += 10) {
      Send(ms);
      while (echoed < marks.size()) {
        const auto played = static_cast<int64_t>(marks[echoed].position / 8);
        if (1000 + played + 20 + late(echoed) > ms) break;
        EXPECT_TRUE(playout.OnMark(marks[echoed], At(ms)));
        ++echoed;
      }
    }
  };
  run(1000, 1200);
  EXPECT_EQ(playout.round_trip(), Duration::Millis(20));
  EXPECT_EQ(playout.heard(At(1200)), 200U * 8);
  run(1200, 2200);
  EXPECT_EQ(playout.heard(At(2200)), (1200U - 90U) * 8);
  EXPECT_EQ(playout.round_trip(), Duration::Millis(20));
  run(2200, 3000);
  EXPECT_EQ(playout.heard(At(3000)), 2000U * 8);
}

TEST_F(PlayoutTest, AnInterruptionKeepsTheUnheardAndForgetsTheMarks) {
  playout.Append(ItemId{1}, Bytes(4000, 1));
  playout.Append(ItemId{2}, Bytes(4000, 2));
  playout.EndReply();
  for (int64_t ms = 1000; ms <= 1600; ms += 20) Send(ms);
  playout.Interrupt(At(1600));
  EXPECT_EQ(playout.heard(At(9000)), 4800U);
  EXPECT_FALSE(playout.OnMark(marks.back(), At(1610)));
  const Playout::Cut current = playout.current(At(1610));
  EXPECT_EQ(current.item, ItemId{2});
  EXPECT_EQ(current.heard_ms, 100);
  // Goes on from where it was heard.
  EXPECT_EQ(playout.NextChunk(At(2000)).front(), 2);
  EXPECT_EQ(playout.sent(), 4800U + 1280U);
}

TEST_F(PlayoutTest, DiscardTellsWhatWasHeardOfEachItem) {
  playout.Append(ItemId{1}, Bytes(4000, 1));
  playout.Append(ItemId{2}, Bytes(4000, 2));
  playout.Append(ItemId{3}, Bytes(800, 3));
  for (int64_t ms = 1000; ms <= 1600; ms += 20) Send(ms);
  playout.Interrupt(At(1600));
  const auto cuts = playout.Discard(At(1700));
  ASSERT_EQ(cuts.size(), 2U);
  EXPECT_EQ(cuts[0].item, ItemId{2});
  EXPECT_EQ(cuts[0].heard_ms, 100);
  EXPECT_EQ(cuts[0].received_ms, 500);
  EXPECT_EQ(cuts[1].item, ItemId{3});
  EXPECT_EQ(cuts[1].heard_ms, 0);
  EXPECT_TRUE(playout.done(At(1700)));
  EXPECT_EQ(Send(1800), 0U);
}

// A hundred replies take no more room than one.
TEST_F(PlayoutTest, AForgottenReplyGivesItsRoomBack) {
  const std::vector<uint8_t> reply = Bytes(8000, 1);
  const uint8_t* front = nullptr;
  int64_t now = 1000;
  for (uint32_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(playout.Append(ItemId{i}, reply));
    playout.EndReply();
    const uint8_t* const at = playout.NextChunk(At(now)).data();
    if (front == nullptr) front = at;
    EXPECT_EQ(at, front);
    for (const int64_t end = now + 1200; now < end; now += 20) {
      Send(now);
      while (!marks.empty() &&
             marks.front().position <= playout.heard(At(now))) {
        EXPECT_TRUE(playout.OnMark(marks.front(), At(now)));
        marks.erase(marks.begin());
      }
    }
    ASSERT_TRUE(playout.done(At(now)));
    playout.Forget();
  }
  EXPECT_EQ(playout.received(), 800'000U);
}

TEST_F(PlayoutTest, RefusesWhatExceedsItsBounds) {
  const std::vector<uint8_t> minute = Bytes(60'000 * 8, 1);
  for (int i = 0; i < Playout::kMaxQueueMs / 60'000; ++i) {
    EXPECT_TRUE(playout.Append(ItemId{1}, minute));
  }
  EXPECT_FALSE(playout.Append(ItemId{1}, Bytes(160, 1)));
  EXPECT_EQ(playout.received(), uint64_t{Playout::kMaxQueueMs} * 8);

  Playout items({kMuLaw, Duration::Millis(200), Duration::Millis(160)});
  for (uint32_t i = 1; i <= Playout::kMaxSegments; ++i) {
    EXPECT_TRUE(items.Append(ItemId{i}, Bytes(160, 1)));
  }
  EXPECT_FALSE(items.Append(ItemId{99}, Bytes(160, 1)));
}

// ---------------------------------------------------------------------------

// Trap 15: 16-bit samples cut anywhere, also in the middle, are the same.
TEST(TranscoderTest, PcmCutAtEveryByteIsTheSame) {
  const AudioFormat pcm{Encoding::kLinear16, 24000};
  std::vector<uint8_t> in;
  for (int i = 0; i < 4801; ++i) {
    in.push_back(static_cast<uint8_t>((i * 7919) >> 3));
  }
  Transcoder whole(pcm, kMuLaw);
  const auto result = whole.Process(in);
  const std::vector<uint8_t> expected(result.begin(), result.end());
  for (const size_t cut : {1U, 2U, 3U, 5U, 479U, 481U}) {
    Transcoder split(pcm, kMuLaw);
    std::vector<uint8_t> out;
    for (size_t at = 0; at < in.size(); at += cut) {
      const auto part = split.Process(std::span<const uint8_t>(in).subspan(
          at, std::min(cut, in.size() - at)));
      out.insert(out.end(), part.begin(), part.end());
    }
    EXPECT_EQ(out, expected) << cut;
  }
}

TEST(TranscoderTest, EqualFormatsPassThroughUncopied) {
  Transcoder transcoder(kMuLaw, kMuLaw);
  const std::vector<uint8_t> in = Bytes(160, 3);
  EXPECT_EQ(transcoder.Process(in).data(), in.data());
}

// ---------------------------------------------------------------------------

TEST(ConfigTest, ReadsWhatTheBoundaryDocuments) {
  const auto config = ParseConfig(R"({"callId":"c-1","seed":7,"epochMs":9,
      "leg":"twilio","agent":"openai-realtime","authorization":"none",
      "profile":{"model":"m","agentAudio":"pcm","unknown":1},
      "limits":{"endOfTurnMs":400,"leadMs":120},"unknown":{},
      "recordingSoFar":{"serial":4294967295,"pages":3,"granule":48000,
                        "ageMs":1700,"pauses":["digits","consent"]}})");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->call_id, "c-1");
  EXPECT_EQ(config->agent, Config::AgentKind::kOpenAiRealtime);
  EXPECT_EQ(config->authorization, Config::Authorization::kNone);
  EXPECT_EQ(config->profile.model, "m");
  EXPECT_EQ(config->profile.agent_audio, Config::AgentAudio::kPcm24);
  EXPECT_EQ(config->limits.end_of_turn, Duration::Millis(400));
  EXPECT_EQ(config->limits.lead, Duration::Millis(120));
  EXPECT_EQ(config->limits.mark, Duration::Millis(160));
  ASSERT_TRUE(config->recording_so_far.has_value());
  EXPECT_EQ(config->recording_so_far->serial, 4294967295U);
  EXPECT_EQ(config->recording_so_far->pages, 3U);
  EXPECT_EQ(config->recording_so_far->granule, 48000U);
  EXPECT_EQ(config->recording_so_far->age, Duration::Millis(1700));
  EXPECT_EQ(config->recording_so_far->pauses,
            (Config::RecordingPauses{true, false, true}));
}

TEST(ConfigTest, RefusesKnownKeysOfAWrongTypeOrRange) {
  for (const char* text :
       {"", "[]", "{}", R"({"callId":""})", R"({"callId":"a b"})",
        R"({"callId":5})", R"({"callId":"c","leg":"fax"})",
        R"({"callId":"c","agent":""})", R"({"callId":"c","seed":-1})",
        R"({"callId":"c","seed":"x"})", R"({"callId":"c","profile":[]})",
        R"({"callId":"c","profile":{"voice":1}})",
        R"({"callId":"c","profile":{"tools":{}}})",
        R"({"callId":"c","limits":{"leadMs":10}})",
        R"({"callId":"c","limits":{"maxCallMs":0}})",
        R"({"callId":"c","limits":{"maxCallMs":1.5}})",
        R"({"callId":"c","limits":{"replyMs":999999999999}})",
        R"({"callId":"c","recordingSoFar":null})"}) {
    EXPECT_FALSE(ParseConfig(text).has_value()) << text;
  }
}

TEST(ConfigTest, RefusesToGoOnBehindARecordingThatIsNone) {
  const Json good = {{"serial", 1},
                     {"pages", 2},
                     {"granule", 0},
                     {"ageMs", 0},
                     {"pauses", Json::array()}};
  const auto parse = [](const Json& recording) {
    return ParseConfig(
        Json{{"callId", "c"}, {"recordingSoFar", recording}}.dump());
  };
  EXPECT_TRUE(parse(good).has_value());
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{
           {"serial", int64_t{1} << 32},
           {"serial", nullptr},
           {"pages", 1},
           {"pages", int64_t{1} << 32},
           {"granule", 961},
           {"granule", -960},
           {"ageMs", -1},
           {"ageMs", int64_t{25} * 3600 * 1000},
           {"pauses", "command"},
           {"pauses", {"command", "lunch"}},
           {"pauses", Json::array({1})}}) {
    Json bad = good;
    bad[key] = value;
    EXPECT_FALSE(parse(bad).has_value()) << bad;
    bad.erase(key);
    EXPECT_FALSE(parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace trunkline::session
