// A call with an agent that is made of services, those of the gateway's own
// speech Worker: greeting, turns, interruptions, losses, through a whole
// session.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/world/speech_worker.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::IsEmpty;

constexpr const char* kGreeting =
    "Hello and welcome. I am here to help you today, what can I do?";

class HouseTest : public testing::Test {
 protected:
  static VirtualWorld::Options Options() {
    VirtualWorld::Options options;
    options.agent = "house";
    options.profile["greeting"] = kGreeting;
    options.leg_delay = Duration::Millis(20);
    return options;
  }
  // Of a role, in order: the words of lines that are over.
  static std::vector<std::string> Lines(VirtualWorld& world,
                                        const std::string& field) {
    std::vector<std::string> all;
    for (const Json& line : world.EventsOf("line")) {
      if (line["role"] == "tool") continue;
      all.push_back(line.value("role", "") + ": " + line.value(field, ""));
    }
    return all;
  }
  void Greet(VirtualWorld& world) {
    world.line.Call();
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  }
  void Ask(VirtualWorld& world, SpeechWorker& worker, const std::string& text) {
    worker.hears.push_back(text);
    const size_t replies = world.Count("replyDone");
    world.line.Say(Speech(1200, replies));
    ASSERT_TRUE(world.RunUntil(
        [&] { return world.Count("replyDone") == replies + 1; }));
  }
};

TEST_F(HouseTest, GreetsAndAnswers) {
  VirtualWorld world(Options());
  SpeechWorker worker(world.upstreams);
  Greet(world);
  EXPECT_EQ(State::kListening, world.state());
  Ask(world, worker, "who are you");
  const std::vector<std::string> heard = Lines(world, "heard");
  ASSERT_EQ(3u, heard.size());
  EXPECT_EQ(std::string("agent: ") + kGreeting, heard[0]);
  EXPECT_EQ("caller: who are you", Lines(world, "said")[1]);
  EXPECT_EQ(Lines(world, "said")[2], heard[2]);
  EXPECT_EQ(0, world.stray_messages());
  EXPECT_EQ(0, world.line.underruns());
  EXPECT_THAT(world.EventsOf("fault"), IsEmpty());
}

// What the log says is what was heard, to the word.
TEST_F(HouseTest, AnInterruptedGreetingIsCutToTheWord) {
  for (const int after_ms : {350, 1000, 1640, 2333, 3100}) {
    VirtualWorld world(Options());
    SpeechWorker worker(world.upstreams);
    world.line.Call();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("replyStarted") == 1; }));
    world.Advance(Duration::Millis(after_ms));
    worker.hears.push_back("who are you");
    world.line.Say(Speech(1200));
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") == 1; }));
    const int64_t heard_ms =
        world.EventsOf("truncated").front()["audioEndMs"].get<int64_t>();
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("line") >= 1; }));
    const Json line = world.EventsOf("line").front();
    EXPECT_EQ(
        SpeechWorker::FirstWords(kGreeting, heard_ms / SpeechWorker::kWordMs),
        line.value("heard", ""))
        << heard_ms;
    EXPECT_TRUE(line.value("cut", false));
  }
}

// A sentence of which no sample comes is asked for once more.
TEST_F(HouseTest, ASentenceThatWasNotSpokenIsSaidAgain) {
  for (const size_t mute : {size_t{1}, size_t{2}}) {
    SCOPED_TRACE(mute);
    VirtualWorld world(Options());
    SpeechWorker worker(world.upstreams);
    worker.mute = {mute};
    Greet(world);
    EXPECT_EQ(Lines(world, "heard"),
              std::vector{std::string("agent: ") + kGreeting});
    EXPECT_EQ(world.Count("agentFailed"), 0U);
    ASSERT_EQ(world.Count("fault"), 1U);
    EXPECT_EQ(world.EventsOf("fault").front()["error"], "empty");
  }
}

// A sentence of which no sample came: nobody was told, and the log had it as
// heard.
TEST_F(HouseTest, ASentenceThatWasNotSpokenIsAFailureAndNotHeard) {
  for (const size_t mute : {size_t{1}, size_t{2}}) {
    SCOPED_TRACE(mute);
    VirtualWorld world(Options());
    SpeechWorker worker(world.upstreams);
    // Nor is it the second time.
    worker.mute = {mute, mute + 1};
    world.line.Call();
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("line") == 1; }));
    ASSERT_EQ(world.Count("agentFailed"), 1U);
    EXPECT_EQ(world.EventsOf("agentFailed").front()["code"], "empty");
    const Json line = world.EventsOf("line").front();
    if (mute == 1) {
      // Of the first nothing came: it is said once more.
      EXPECT_EQ(line["heard"], kGreeting);
      EXPECT_EQ(line["cut"], false);
    } else {
      EXPECT_EQ(line["heard"], "Hello and welcome.");
      EXPECT_EQ(line["cut"], true);
    }
    EXPECT_EQ(State::kListening, world.state());
  }
}

TEST_F(HouseTest, EarsThatAreLostComeBack) {
  VirtualWorld world(Options());
  SpeechWorker worker(world.upstreams);
  Greet(world);
  worker.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return worker.connections() == 2; }));
  Ask(world, worker, "who are you");
  EXPECT_THAT(Lines(world, "said"), testing::Contains("caller: who are you"));
}

// He was done before they were back: nobody ended his turn, and nobody was told
// of it. Their way to the Worker may take longer than what is kept of the audio
// before a turn.
TEST_F(HouseTest, ATurnWhileTheEarsAreAwayIsHeardAndAnswered) {
  for (const int away_ms : {0, 1'500}) {
    for (const int speech_ms : {300, 700, 1'400}) {
      SCOPED_TRACE(std::to_string(away_ms) + " " + std::to_string(speech_ms));
      VirtualWorld world(Options());
      SpeechWorker worker(world.upstreams);
      Greet(world);
      worker.hears.push_back("who are you");
      const int64_t heard_before = worker.heard_bytes();
      // The first new socket may be refused.
      worker.refuses_ears = away_ms > 0;
      worker.Drop(1011);
      world.line.Say(Speech(speech_ms));
      const int connections = away_ms > 0 ? 3 : 2;
      ASSERT_TRUE(world.RunUntil([&] {
        if (worker.connections() == 2) worker.refuses_ears = false;
        return worker.connections() == connections;
      }));
      ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 2; },
                                 Duration::Millis(20'000)))
          << world.EndReason();
      EXPECT_THAT(Lines(world, "said"),
                  testing::Contains("caller: who are you"));
      EXPECT_EQ(world.Count("turnEnded"), 1U);
      // All that he said, in samples of two bytes at 8 kHz.
      EXPECT_GE(worker.heard_bytes() - heard_before, speech_ms * 16);
    }
  }
}

// The same before they were there for the first time: he is greeted.
TEST_F(HouseTest, ATurnBeforeTheEarsAreThereIsTaken) {
  VirtualWorld world(Options());
  SpeechWorker worker(world.upstreams);
  worker.hears.push_back("who are you");
  worker.refuses_ears = true;
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kConnecting; }));
  world.line.Say(Speech(400));
  ASSERT_TRUE(world.RunUntil([&] { return worker.connections() == 2; }));
  worker.refuses_ears = false;
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

TEST_F(HouseTest, WhatIsNotUnderstoodIsAskedForAgain) {
  VirtualWorld world(Options());
  SpeechWorker worker(world.upstreams);
  Greet(world);
  Ask(world, worker, "");
  EXPECT_EQ(2u, world.Count("replyDone"));
  EXPECT_EQ(State::kListening, world.state());
}

}  // namespace
}  // namespace trunkline::test
