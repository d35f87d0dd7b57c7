// What a recorded call leaves behind: both sides on one clock, as they were
// heard.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "media/call_recorder.h"
#include "support/ogg_opus.h"
#include "support/world/world.h"
#include "unit/session/connect.h"
#include "unit/session/recorded_track.h"

namespace trunkline::test {
namespace {

using session::State;

constexpr int kHz = 8000;

TEST(RecordingTest, BothSidesAreWhereTheyWereHeard) {
  VirtualWorld world(RecordedOptions());
  Connect(world);
  // The recording begins with the first frame, which is spoken as the stream
  // starts: 20 ms and the way before it comes.
  const Instant zero = world.now();
  world.Advance(Duration::Millis(1000));
  const int64_t said_ms = (world.now() - zero).ms();
  world.line.Say(Speech(1500));
  ASSERT_TRUE(world.RunUntil([&] { return !world.line.heard().empty(); }));
  const int64_t heard_ms = (world.now() - zero).ms();
  world.Advance(Duration::Millis(4000));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

  const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
  const double length = static_cast<double>(caller.size()) * 1000 / kHz;
  EXPECT_NEAR(length, static_cast<double>((world.now() - zero).ms()), 60);
  const int64_t caller_ms = Onset(caller, 0, kHz);
  const int64_t agent_ms = Onset(agent, 0, kHz);
  // Zero is known to a frame and the way; the distance of the two is exact.
  EXPECT_NEAR(static_cast<double>(caller_ms), static_cast<double>(said_ms), 80);
  EXPECT_NEAR(static_cast<double>(agent_ms - caller_ms),
              static_cast<double>(heard_ms - said_ms), 20);
  // The parrot's words beside the caller's own.
  EXPECT_NEAR(Level(agent, agent_ms + 100, agent_ms + 1200, kHz),
              Level(caller, caller_ms + 100, caller_ms + 1200, kHz), 15);
}

TEST(RecordingTest, WhatAnInterruptionCutIsNotInIt) {
  VirtualWorld world(RecordedOptions());
  Connect(world);
  world.line.Say(Speech(3000));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.Advance(Duration::Millis(800));
  world.line.Say(Speech(900, 5));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("cleared") == 1; }));
  const Json cleared = world.EventsOf("cleared")[0];
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") == 1; }));
  world.Advance(Duration::Millis(600));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

  const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
  const int64_t begin = Onset(agent, 0, kHz);
  const auto heard = cleared["heardMs"].get<int64_t>();
  EXPECT_GT(Level(agent, begin + heard - 150, begin + heard - 20, kHz), -450);
  // The codec rings for some milliseconds.
  EXPECT_LT(Level(agent, begin + heard + 60, begin + heard + 500, kHz), -600);
}

TEST(RecordingTest, IsOneFileThatEnds) {
  VirtualWorld world(RecordedOptions());
  Connect(world);
  world.Advance(Duration::Millis(5500));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  const std::vector<OggPage> pages = ReadOggPages(world.recording());
  ASSERT_GE(pages.size(), size_t{2 + 5});
  EXPECT_EQ(pages.front().flags & 2, 2);
  EXPECT_EQ(pages.back().flags & 4, 4);
  for (size_t i = 0; i < pages.size(); ++i) EXPECT_EQ(pages[i].sequence, i);
}

TEST(RecordingTest, NothingIsRecordedUnlessTheProfileSaysSo) {
  VirtualWorld world(RecordedOptions("off"));
  Connect(world);
  world.Advance(Duration::Millis(2000));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_TRUE(world.recording().empty());
}

void Command(VirtualWorld& world, const char* type) {
  EXPECT_EQ(world.Command({{"type", type}})["status"], "done");
}

TEST(RecordingTest, NothingIsHeardInItBeforeConsent) {
  VirtualWorld world(RecordedOptions("onConsent"));
  Connect(world);
  const Instant zero = world.now();
  world.line.Say(Speech(1000));
  world.Advance(Duration::Millis(1500));
  Command(world, "recordingConsent");
  const int64_t consent_ms = (world.now() - zero).ms();
  world.line.Say(Speech(1000, 2));
  world.Advance(Duration::Millis(2500));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
  EXPECT_GE(Onset(caller, 0, kHz), consent_ms - 20);
  EXPECT_EQ(world.EventsOf("recording").size(), 2U);
}

TEST(RecordingTest, ACommandPausesAndResumesIt) {
  VirtualWorld world(RecordedOptions());
  Connect(world);
  world.line.Say(Speech(4000));
  world.Advance(Duration::Millis(1000));
  Command(world, "pauseRecording");
  world.Advance(Duration::Millis(1000));
  Command(world, "resumeRecording");
  world.Advance(Duration::Millis(2000));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
  EXPECT_GT(Level(caller, 300, 900, kHz), -400);
  EXPECT_LT(Level(caller, 1150, 1900, kHz), -600);
  EXPECT_GT(Level(caller, 2200, 3500, kHz), -400);
  // Silence stands for what was left out.
  EXPECT_GT(caller.size(), size_t{3900 * 8});
}

TEST(RecordingTest, DigitsAreNotInItUnlessTheyMay) {
  for (const char* record : {"no", "yes"}) {
    VirtualWorld::Options options = RecordedOptions();
    options.profile["recordDigits"] = record;
    VirtualWorld world(options);
    Connect(world);
    world.line.Say(Speech(4000));
    world.Advance(Duration::Millis(2000));
    world.line.Press('7');
    world.Advance(Duration::Millis(1500));
    world.line.Say(Speech(3000, 3));
    world.Advance(Duration::Millis(4000));
    world.line.HangUp();
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
    const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
    const bool kept = std::string_view(record) == "yes";
    // Half a second before the message, and until three seconds after it.
    EXPECT_EQ(Level(caller, 1700, 2400, kHz) > -600, kept);
    EXPECT_EQ(Level(caller, 2600, 3400, kHz) > -600, kept);
    EXPECT_GT(Level(caller, 700, 1200, kHz), -400);
    EXPECT_GT(Level(caller, 5400, 6000, kHz), -400);
  }
}

// What of the recording of a session was stored, and what the next one is told
// of it, `age` after it began.
struct Stored {
  std::vector<uint8_t> file;
  Json so_far;
};

Stored LoseAfter(std::span<const uint8_t> recording, size_t pages, Duration age,
                 const Json& pauses = Json::array()) {
  const std::vector<OggPage> all = ReadOggPages(recording);
  const std::span stored = recording.first(all[pages - 1].end);
  return {{stored.begin(), stored.end()},
          {{"serial", all[pages - 1].serial},
           {"pages", pages},
           {"granule", all[pages - 1].granule},
           {"ageMs", age.ms()},
           {"pauses", pauses}}};
}

TEST(RecordingTest, ASecondSessionGoesOnBehindTheFirst) {
  // With the headers alone, too.
  for (const size_t pages : {2U, 4U}) {
    VirtualWorld first(RecordedOptions());
    Connect(first);
    first.line.Say(Speech(1500));
    first.Advance(Duration::Millis(4000));
    Stored stored =
        LoseAfter(first.recording(), pages, Duration::Millis(5'400));

    VirtualWorld::Options options = RecordedOptions();
    options.recording_so_far = stored.so_far;
    VirtualWorld second(options);
    Connect(second);
    const int64_t begun =
        second.EventsOf("recordingStarted").at(0)["fileMs"].get<int64_t>();
    EXPECT_NEAR(static_cast<double>(begun), 5'400, 100);
    const Instant zero = second.now();
    second.Advance(Duration::Millis(600));
    const int64_t said_ms = begun + (second.now() - zero).ms();
    second.line.Say(Speech(1000, 2));
    second.Advance(Duration::Millis(3000));
    second.line.HangUp();
    ASSERT_TRUE(second.RunUntil([&] { return !second.ended().empty(); }));

    stored.file.insert(stored.file.end(), second.recording().begin(),
                       second.recording().end());
    const std::vector<OggPage> all = ReadOggPages(stored.file);
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].sequence, i);
      EXPECT_EQ(all[i].serial, all[0].serial);
      EXPECT_EQ(all[i].flags, i == 0 ? 2 : i + 1 == all.size() ? 4 : 0);
    }
    const auto [caller, agent] = DecodeRecording(stored.file, kHz);
    EXPECT_EQ(caller.size(), agent.size());
    if (pages > 2) {
      EXPECT_GT(Level(caller, 300, 1400, kHz), -400);
    }
    // Silence for what was lost, then the caller where he speaks.
    EXPECT_LT(Level(caller, 2500, begun, kHz), -600);
    EXPECT_NEAR(static_cast<double>(Onset(caller, 2500, kHz)),
                static_cast<double>(said_ms), 80);
  }
}

TEST(RecordingTest, ASecondSessionKeepsThePauses) {
  VirtualWorld first(RecordedOptions("onConsent"));
  Connect(first);
  first.Advance(Duration::Millis(1500));
  Command(first, "pauseRecording");
  EXPECT_EQ(first.EventsOf("recording").back()["pauses"],
            Json({"consent", "command"}));
  first.Advance(Duration::Millis(500));
  const Stored stored = LoseAfter(first.recording(), 3, Duration::Millis(2'000),
                                  {"consent", "command", "digits"});

  VirtualWorld::Options options = RecordedOptions("onConsent");
  options.recording_so_far = stored.so_far;
  VirtualWorld second(options);
  Connect(second);
  second.line.Say(Speech(8000));
  second.Advance(Duration::Millis(1000));
  Command(second, "recordingConsent");
  second.Advance(Duration::Millis(1000));
  Command(second, "resumeRecording");
  // The digits' pause ends by itself.
  EXPECT_EQ(second.EventsOf("recording").back()["state"], "paused");
  second.Advance(Duration::Millis(3000));
  EXPECT_EQ(second.EventsOf("recording").back()["state"], "on");
  second.Advance(Duration::Millis(2000));
  second.line.HangUp();
  ASSERT_TRUE(second.RunUntil([&] { return !second.ended().empty(); }));

  std::vector<uint8_t> file = stored.file;
  file.insert(file.end(), second.recording().begin(), second.recording().end());
  const auto [caller, agent] = DecodeRecording(file, kHz);
  EXPECT_LT(Level(caller, 0, 4800, kHz), -600);
  EXPECT_GT(Level(caller, 5500, 6500, kHz), -400);
}

TEST(RecordingTest, NoMoreThanAMinuteIsFilled) {
  VirtualWorld first(RecordedOptions());
  Connect(first);
  first.Advance(Duration::Millis(2000));
  const Stored stored =
      LoseAfter(first.recording(), 3, Duration::Millis(3'600'000));
  VirtualWorld::Options options = RecordedOptions();
  options.recording_so_far = stored.so_far;
  VirtualWorld second(options);
  Connect(second);
  const int64_t stored_ms = stored.so_far["granule"].get<int64_t>() / 48;
  EXPECT_EQ(second.EventsOf("recordingStarted").at(0)["fileMs"],
            stored_ms + media::CallRecorder::kMaxCatchUp.ms());
}

enum class Gap : uint8_t {
  kLost,     // frames are lost, and timestamps tell of it
  kStopped,  // the carrier sends none, and its timestamps stand still
  kAway,     // the stream is gone
};

VirtualWorld::Options LongCallOptions() {
  VirtualWorld::Options options = RecordedOptions();
  options.limits = {{"maxCallMs", 3'600'000},
                    {"deadAirMs", 3'600'000},
                    {"legLostMs", 3'600'000}};
  return options;
}

void PassGap(VirtualWorld& world, Gap gap, Duration length) {
  switch (gap) {
    case Gap::kLost:
      world.line.loss_per_mille = 1000;
      world.Advance(length);
      world.line.loss_per_mille = 0;
      break;
    case Gap::kStopped:
      world.line.StopMedia();
      world.Advance(length);
      world.line.ResumeMedia();
      break;
    case Gap::kAway:
      world.line.Drop();
      world.Advance(length);
      world.line.Call("token");
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      break;
  }
}

// No media for 14 s: the caller lay 4 s early against the agent and the lines
// until 41 s, and a call that ended before had a file that was 4 s short.
TEST(RecordingTest, AGapOfAnyLengthMovesNothing) {
  for (const Gap gap : {Gap::kLost, Gap::kStopped, Gap::kAway}) {
    for (const int64_t gap_ms : {5'000, 14'000, 60'000, 600'000}) {
      SCOPED_TRACE(testing::Message()
                   << static_cast<int>(gap) << ", " << gap_ms << " ms");
      VirtualWorld world(LongCallOptions());
      Connect(world);
      const Instant zero = world.now();
      world.Advance(Duration::Millis(1500));
      PassGap(world, gap, Duration::Millis(gap_ms));
      world.Advance(Duration::Millis(600));
      const int64_t said_ms = (world.now() - zero).ms();
      world.line.Say(Speech(1500));
      ASSERT_TRUE(world.RunUntil([&] { return !world.line.heard().empty(); }));
      const int64_t heard_ms = (world.line.runs().at(0) - zero).ms();
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("replyDone") == 1; }));
      world.line.HangUp();
      ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

      const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
      const double length = static_cast<double>(caller.size()) * 1000 / kHz;
      EXPECT_NEAR(length, static_cast<double>((world.now() - zero).ms()), 120);
      EXPECT_EQ(caller.size(), agent.size());
      EXPECT_NEAR(static_cast<double>(Onset(caller, 0, kHz)),
                  static_cast<double>(said_ms), 80);
      EXPECT_NEAR(
          static_cast<double>(Onset(agent, 0, kHz) - Onset(caller, 0, kHz)),
          static_cast<double>(heard_ms - said_ms), 40);
      // What is told of the call lies where it is heard.
      const int64_t begun =
          world.EventsOf("recordingStarted").at(0)["startMs"].get<int64_t>();
      for (const Json& line : world.EventsOf("line")) {
        EXPECT_LE(line["endMs"].get<int64_t>() - begun,
                  static_cast<int64_t>(length) + 20);
      }
    }
  }
}

// What comes to the gateway in this time comes when it is over, all at once, as
// TCP has it when a packet was lost.
void HoldUp(VirtualWorld& world, Instant until) {
  world.tamper_with_line = [&world, until](
                               Message message,
                               const std::function<void(Message)>& deliver) {
    const Duration wait = until - world.now();
    if (wait <= Duration()) return deliver(std::move(message));
    world.clock.After(wait, [message, deliver] { deliver(message); });
  };
}

// Timestamps say where it belongs. The turn began a second early in the log,
// and what was held up lay a second early in the file, or was not in it.
TEST(RecordingTest, WhatIsHeldUpBehindAGapHasItsPlace) {
  for (const int64_t gap_ms : {2'000, 6'000, 12'000, 30'000}) {
    for (const int64_t hold_ms : {0, 300, 600, 1'000}) {
      for (const int64_t lead_ms : {0, 200}) {
        SCOPED_TRACE(testing::Message()
                     << gap_ms << " ms without frames, held up by " << hold_ms
                     << ", " << lead_ms << " ms before he speaks");
        VirtualWorld world(LongCallOptions());
        Connect(world);
        const Instant zero = world.now();
        world.Advance(Duration::Millis(500));
        world.line.Say(Speech(900));
        world.Advance(Duration::Millis(1'000));
        PassGap(world, Gap::kLost, Duration::Millis(gap_ms));
        HoldUp(world, world.now() + Duration::Millis(hold_ms));
        world.Advance(Duration::Millis(lead_ms));
        const int64_t said_ms = (world.now() - zero).ms();
        world.line.Say(Speech(1'100));
        world.Advance(Duration::Millis(6'000));
        world.line.HangUp();
        ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

        const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
        EXPECT_NEAR(static_cast<double>(Onset(caller, 1'800, kHz)),
                    static_cast<double>(said_ms), 90);
        EXPECT_GT(Level(caller, said_ms + 900, said_ms + 1'000, kHz), -400);
        EXPECT_LT(Level(caller, said_ms + 1'300, said_ms + 2'300, kHz), -400);
        const int64_t begun =
            world.EventsOf("recordingStarted").at(0)["startMs"].get<int64_t>();
        int64_t start_ms = -1;
        for (const Json& line : world.EventsOf("line")) {
          if (line["role"] == "caller") start_ms = line["startMs"];
        }
        EXPECT_NEAR(static_cast<double>(start_ms - begun),
                    static_cast<double>(said_ms), 90);
      }
    }
  }
}

// A carrier's clock that begins late, or jumps, while no time has passed.
TEST(RecordingTest, TimeThatHasNotPassedIsNotRecorded) {
  for (const bool jumps : {false, true}) {
    for (const int64_t offset_ms : {0, 100, 200, 700, 1'000, 60'000}) {
      if (!jumps && offset_ms > 1'000) continue;
      SCOPED_TRACE(testing::Message()
                   << (jumps ? "jumps by " : "begins at ") << offset_ms);
      VirtualWorld world(RecordedOptions());
      world.tamper_with_line =
          [jumps, offset_ms](Message message,
                             const std::function<void(Message)>& deliver) {
            constexpr std::string_view kKey = R"("timestamp":")";
            const size_t at = message.bytes.find(kKey);
            if (at != std::string::npos) {
              const size_t begin = at + kKey.size();
              const size_t end = message.bytes.find('"', begin);
              const int64_t ms =
                  std::stoll(message.bytes.substr(begin, end - begin));
              if (!jumps || ms > 1'000) {
                message.bytes.replace(begin, end - begin,
                                      std::to_string(ms + offset_ms));
              }
            }
            deliver(std::move(message));
          };
      Connect(world);
      const Instant zero = world.now();
      world.Advance(Duration::Millis(3'000));
      world.line.Say(Speech(1'500));
      world.Advance(Duration::Millis(5'000));
      world.line.HangUp();
      ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
      const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
      EXPECT_NEAR(static_cast<double>(caller.size()) * 1000 / kHz,
                  static_cast<double>((world.now() - zero).ms()), 120);
      EXPECT_NEAR(
          static_cast<double>(Onset(caller, 0, kHz)),
          world.EventsOf("line").at(0)["startMs"].get<double>() -
              world.EventsOf("recordingStarted").at(0)["startMs"].get<double>(),
          90);
    }
  }
}

TEST(RecordingTest, AGapAtTheBeginMovesNothing) {
  for (const int64_t gap_ms : {400, 5'000, 60'000}) {
    VirtualWorld world(LongCallOptions());
    world.line.Call();
    world.line.StopMedia();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kListening; }));
    const Instant zero = world.now();
    world.Advance(Duration::Millis(gap_ms));
    world.line.ResumeMedia();
    world.Advance(Duration::Millis(1000));
    const int64_t said_ms = (world.now() - zero).ms();
    world.line.Say(Speech(1500));
    world.Advance(Duration::Millis(2500));
    world.line.HangUp();
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
    const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
    EXPECT_NEAR(static_cast<double>(Onset(caller, 0, kHz)),
                static_cast<double>(said_ms), 80);
  }
}

TEST(RecordingTest, ACallThatEndsInAGapHasAFileOfItsLength) {
  for (const int64_t gap_ms : {2'000, 14'000, 60'000}) {
    VirtualWorld world(LongCallOptions());
    Connect(world);
    const Instant zero = world.now();
    world.line.Say(Speech(3000));
    world.Advance(Duration::Millis(3100));
    world.line.StopMedia();
    // The parrot says it back to a caller of whom nothing comes.
    ASSERT_TRUE(world.RunUntil([&] { return !world.line.heard().empty(); }));
    const int64_t heard_ms = (world.line.runs().at(0) - zero).ms();
    world.Advance(Duration::Millis(gap_ms));
    world.line.HangUp();
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
    const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
    EXPECT_NEAR(static_cast<double>(caller.size()) * 1000 / kHz,
                static_cast<double>((world.now() - zero).ms()), 120);
    EXPECT_NEAR(
        static_cast<double>(Onset(agent, 0, kHz) - Onset(caller, 0, kHz)),
        static_cast<double>(heard_ms), 40);
    const int64_t heard_until = std::min<int64_t>(gap_ms, 2500);
    EXPECT_GT(Level(agent, heard_ms + 200, heard_ms + heard_until - 200, kHz),
              -400);
  }
}

TEST(RecordingTest, TimestampsMakeNoTime) {
  VirtualWorld world(LongCallOptions());
  Connect(world);
  world.Advance(Duration::Millis(1000));
  world.line.StopMedia();
  const std::string silence(160, '\xFF');
  const Instant zero = world.now();
  for (int i = 1; i <= 200; ++i) {
    world.line.SendText(
        R"({"event":"media","sequenceNumber":"9","media":{"track":"inbound",)"
        R"("chunk":"1","timestamp":")" +
        std::to_string(i * int64_t{3'600'000}) + R"(","payload":")" +
        ToBase64(silence) + R"("},"streamSid":"MZ1"})");
    world.Advance(Duration::Millis(20));
  }
  const int64_t passed_ms = (world.now() - zero).ms();
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_GT(world.ended().at(0)["counters"]["unrealMs"].get<int64_t>(),
            1'000'000);
  const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
  EXPECT_LE(static_cast<int64_t>(caller.size()) / 8,
            1000 + passed_ms + media::CallerAudio::kAllowance.ms() + 200);
}

TEST(RecordingTest, TimeWithoutAStreamIsSilence) {
  VirtualWorld world(RecordedOptions());
  Connect(world);
  world.Advance(Duration::Millis(2000));
  world.line.Drop();
  world.Advance(Duration::Millis(3000));
  world.line.Call("token");
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.Advance(Duration::Millis(2000));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
  EXPECT_NEAR(static_cast<double>(caller.size()) / 8, 7000, 120);
}

// Frames that were held up and came at once were a turn of a millisecond, which
// lay beside what the agent said next; in the recording they are in their
// place.
TEST(RecordingTest, ATurnIsWhereItsRecordingIsWhateverHeldItUp) {
  for (const bool told : {true, false}) {
    for (const int64_t hold_ms : {0, 300, 900, 1'700, 2'300}) {
      SCOPED_TRACE(testing::Message() << "told " << told << ", " << hold_ms);
      VirtualWorld::Options options = RecordedOptions();
      options.agent = "openai-realtime";
      VirtualWorld world(options);
      std::vector<Message> held;
      bool holds = false;
      world.tamper_with_line = [&](Message message,
                                   const std::function<void(Message)>& hand) {
        constexpr std::string_view kKey = R"("timestamp":")";
        const size_t key = message.bytes.find(kKey);
        if (!told && key != std::string::npos) {
          message.bytes.erase(
              key, message.bytes.find('"', key + kKey.size()) + 2 - key);
        }
        held.push_back(std::move(message));
        if (holds) return;
        for (Message& one : held) hand(std::move(one));
        held.clear();
      };
      Connect(world);
      world.Advance(Duration::Millis(1'000));
      world.line.Say(Speech(1'500));
      world.Advance(Duration::Millis(40));
      holds = true;
      world.Advance(Duration::Millis(hold_ms));
      holds = false;
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("replyDone") == 1; }));
      world.line.HangUp();
      ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
      const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
      const int64_t began =
          world.EventsOf("recordingStarted").at(0)["startMs"].get<int64_t>();
      int64_t start_ms = -1;
      int64_t end_ms = -1;
      int64_t reply_ms = -1;
      // A hold-up may make two of one turn.
      for (const Json& line : world.EventsOf("line")) {
        const int64_t from_ms = line["startMs"].get<int64_t>() - began;
        if (line["role"] == "agent") reply_ms = from_ms;
        if (line["role"] != "caller") continue;
        if (start_ms < 0) start_ms = from_ms;
        end_ms = line["endMs"].get<int64_t>() - began;
      }
      const int64_t onset_ms = Onset(caller, 0, kHz);
      EXPECT_NEAR(static_cast<double>(start_ms), static_cast<double>(onset_ms),
                  100);
      EXPECT_NEAR(static_cast<double>(end_ms),
                  static_cast<double>(onset_ms + 1'500), 150);
      EXPECT_GE(reply_ms, end_ms);
    }
  }
}

// What a carrier tells of the caller's time, and how many of his frames come.
struct Carrier {
  enum class Timestamps : uint8_t { kTrue, kStuck, kNone };
  Timestamps timestamps = Timestamps::kTrue;
  uint32_t lost_per_mille = 0;
  // Of 1000 ms of his, how many come in a second of ours.
  int64_t pace_per_mille = 1000;
};

// The line's messages go by it.
void Use(VirtualWorld& world, const Carrier& carrier) {
  world.tamper_with_line =
      [&world, carrier, frames = int64_t{0}, began = Instant()](
          Message message, const std::function<void(Message)>& hand) mutable {
        constexpr std::string_view kKey = R"("timestamp":")";
        const size_t key = message.bytes.find(kKey);
        if (key == std::string::npos) return hand(std::move(message));
        if (frames++ == 0) began = world.now();
        if (world.clock.Random(1000) < carrier.lost_per_mille) return;
        const size_t value = key + kKey.size();
        const size_t end = message.bytes.find('"', value);
        switch (carrier.timestamps) {
          case Carrier::Timestamps::kTrue:
            break;
          case Carrier::Timestamps::kStuck:
            message.bytes.replace(value, end - value, "0");
            break;
          case Carrier::Timestamps::kNone:
            message.bytes.erase(key, end + 2 - key);
            break;
        }
        const Instant at = began + Duration::Millis((frames - 1) * 20'000 /
                                                    carrier.pace_per_mille);
        world.clock.At(std::max(at, world.now()), [&world, hand, message] {
          if (world.line.connected()) hand(message);
        });
      };
}

// A reply of six seconds in a call of 15, of which he hears all: where frames
// came fewer than time passed and no timestamp told of it, the file was as much
// shorter as they were fewer, and of the reply as much was missing.
TEST(RecordingTest, AFileIsAsLongAsItsCallWhateverComesOfTheCaller) {
  using Timestamps = Carrier::Timestamps;
  for (const Carrier& carrier :
       std::vector<Carrier>{{Timestamps::kTrue, 0, 1000},
                            {Timestamps::kNone, 0, 1000},
                            {Timestamps::kStuck, 0, 1000},
                            {Timestamps::kTrue, 50, 1000},
                            {Timestamps::kTrue, 200, 1000},
                            {Timestamps::kTrue, 500, 1000},
                            {Timestamps::kNone, 50, 1000},
                            {Timestamps::kNone, 200, 1000},
                            {Timestamps::kNone, 500, 1000},
                            {Timestamps::kStuck, 50, 1000},
                            {Timestamps::kStuck, 200, 1000},
                            {Timestamps::kStuck, 500, 1000},
                            {Timestamps::kTrue, 0, 950},
                            {Timestamps::kTrue, 0, 800},
                            {Timestamps::kTrue, 0, 500},
                            {Timestamps::kNone, 0, 950},
                            {Timestamps::kNone, 0, 800},
                            {Timestamps::kNone, 0, 500},
                            {Timestamps::kNone, 200, 800}}) {
    SCOPED_TRACE(testing::Message()
                 << "timestamps " << static_cast<int>(carrier.timestamps)
                 << ", lost " << carrier.lost_per_mille << ", pace "
                 << carrier.pace_per_mille);
    VirtualWorld::Options options = RecordedOptions();
    options.agent = "openai-realtime";
    VirtualWorld world(options);
    world.line.keeps_timeline = true;
    world.agent.reply_ms = 6'000;
    Use(world, carrier);
    Connect(world);
    const Instant zero = world.line.media_began();
    world.Advance(Duration::Millis(3'000));
    EXPECT_EQ(world.Command({{"type", "say"}, {"text", "listen"}})["status"],
              "done");
    world.Advance(Duration::Millis(15'000) - (world.now() - zero));
    ASSERT_EQ(world.line.heard_ms(), 6'000);
    const std::vector<int16_t> played = world.line.played();
    const int64_t zero_ms = zero.us() / 1000;
    world.line.HangUp();
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

    const auto [caller, agent] = DecodeRecording(world.recording(), kHz);
    EXPECT_EQ(caller.size(), agent.size());
    EXPECT_NEAR(static_cast<double>(caller.size()) * 1000 / kHz, 15'000, 100);
    const int64_t heard_ms = Onset(played, zero_ms, kHz) - zero_ms;
    const int64_t onset_ms = Onset(agent, 0, kHz);
    EXPECT_NEAR(static_cast<double>(onset_ms), static_cast<double>(heard_ms),
                60);
    // Whole: not a hole in it, and no longer than it was.
    for (int64_t ms = 20; ms + 20 <= 5'980; ms += 20) {
      ASSERT_GT(Level(agent, onset_ms + ms, onset_ms + ms + 20, kHz), -400)
          << ms;
    }
    EXPECT_LT(Level(agent, onset_ms + 6'040, onset_ms + 6'400, kHz), -600);
  }
}

}  // namespace
}  // namespace trunkline::test
