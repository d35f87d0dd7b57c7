// A provider that answers nothing, or what nobody asked: what is owed to the
// caller is said or given up by name. Each was found by the storm (storm/), or
// is what it was made to find.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "session/replies.h"
#include "session/tool_desk.h"
#include "unit/session/hostile_call.h"

namespace trunkline::test {
namespace {

using session::Replies;
using session::State;
using testing::IsEmpty;
using testing::SizeIs;
using Reply = HostileRealtime::Reply;

VirtualWorld::Options Greeting() {
  VirtualWorld::Options options = HostileOptions();
  options.profile["greeting"] = "Good day to you.";
  return options;
}

// What was here of it was played to nobody, and the rest was never asked for.
TEST(HostileOwedTest, AReplyOutlivesTheLossOfBothSockets) {
  ReadyHostileCall call;
  call.world.agent.reply_ms = 3'000;
  call.world.agent.speed = 2;
  call.Turn();
  ASSERT_TRUE(call.Reaches(State::kSpeaking));
  call.world.Advance(Duration::Millis(400));
  call.world.line.Drop();
  call.world.agent.Drop(1006);
  call.world.Advance(Duration::Millis(100));
  call.world.line.Call();
  call.world.Advance(Duration::Millis(100));
  EXPECT_EQ(call.world.state(), State::kSpeaking);
  ASSERT_TRUE(call.Hears(2, Duration::Millis(20'000)));
  EXPECT_EQ(call.world.Count("agentReady"), 2U);
  EXPECT_THAT(call.asked, SizeIs(2));
}

// All that had come of it was heard, and nobody asked for the rest.
TEST(HostileOwedTest, AReplyThatIsLostWhileTheStreamIsAwayIsAskedForAgain) {
  AskedHostileCall call({.next = {Reply::kStallsInAudio}});
  ASSERT_TRUE(call.Reaches(State::kSpeaking));
  ASSERT_TRUE(call.world.RunUntil([&] {
    return call.world.line.heard_ms() >=
           call.world.agent.items()[0].generated_ms;
  }));
  ASSERT_EQ(call.world.state(), State::kSpeaking);
  call.world.line.Drop();
  call.world.Advance(Duration::Millis(100));
  call.world.agent.Drop(1006);
  call.world.Advance(Duration::Millis(100));
  call.world.line.Call();
  ASSERT_TRUE(call.Hears(1, Duration::Millis(10'000)));
  EXPECT_THAT(call.asked, SizeIs(2));
}

// It counted as due for ever: nothing else was said.
TEST(HostileOwedTest, AReplyThatComesToNothingIsNotDueAnyMore) {
  AskedHostileCall call(
      {.pause = Duration::Millis(400), .next = {Reply::kEmpty}});
  call.world.line.Drop();
  call.world.Advance(Duration::Millis(100));
  call.world.line.Call();
  ASSERT_TRUE(call.world.RunUntil([&] {
    return call.LastFailure() == "emptyReply" &&
           call.world.state() == State::kListening;
  }));
  call.Say("One.");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 1; }));
}

// An interruption that only the provider had heard, and of which it never said
// more: nobody told the caller what the tool had found, and nothing else.
TEST(HostileOwedTest, AResultThatComesBeforeAnInterruptionIsAnswered) {
  ReadyHostileCall call;
  call.world.agent.reply_ms = 3'000;
  call.Turn();
  ASSERT_TRUE(call.Reaches(State::kSpeaking));
  call.world.agent.CallTool("k1", "lookup");
  call.world.Advance(Duration::Millis(600));
  call.world.realtime.SpeechStarted();
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.world.state(), State::kInterrupted);
  call.AnswerTool("k1");
  ASSERT_TRUE(call.Reaches(State::kListening));
  call.Say("One.");
  // His turn may come yet.
  call.world.Advance(Duration::Millis(kHostileReplyMs - 1'500));
  EXPECT_THAT(call.asked, SizeIs(1));
  ASSERT_TRUE(call.world.RunUntil([&] { return call.asked.size() == 2; },
                                  Duration::Millis(1'500)));
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 1; }));
}

// The agent was ready while the stream was away: nobody was ever greeted.
TEST(HostileOwedTest, AGreetingOutlivesAStreamThatIsLostBeforeIt) {
  HostileCall call({.options = Greeting()});
  call.world.line.Call();
  ASSERT_TRUE(call.Reaches(State::kConnecting));
  call.world.line.Drop();
  call.world.Advance(Duration::Millis(500));
  ASSERT_EQ(call.world.Count("agentReady"), 1U);
  call.world.line.Call();
  ASSERT_TRUE(call.Hears(1));
  EXPECT_EQ(call.Asked("Good day"), 1);
}

TEST(HostileOwedTest, AGreetingOfWhichNothingComesIsGivenUpByName) {
  ReadyHostileCall call({.options = Greeting(), .always = Reply::kEmpty});
  call.world.Advance(Duration::Millis(2'000));
  EXPECT_EQ(call.Asked("Good day"), Replies::kMaxGreetingTries);
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "Good day to you.");
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "failed");
}

// The caller said "hello?" with its first syllable: he was never greeted.
// Behind its first word it is his turn.
TEST(HostileOwedTest, AGreetingThatIsInterruptedBeforeItsFirstWordIsOwedAgain) {
  for (const int64_t heard_ms : {40, 200, 1'500}) {
    SCOPED_TRACE(heard_ms);
    ReadyHostileCall call({.options = Greeting()});
    ASSERT_TRUE(call.HearsMs(heard_ms));
    call.world.line.Press('1');
    ASSERT_TRUE(call.world.RunUntil(
        [&] { return call.world.Count("truncated") == 1; }));
    call.world.agent.reply_ms = 500;
    call.world.Advance(Duration::Millis(10'000));
    EXPECT_EQ(call.Asked("Good day"), heard_ms < 1'000 ? 2 : 1);
    EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
  }
}

TEST(HostileOwedTest, AGreetingOfWhichNoWordIsHeardIsNamedAtTheEnd) {
  for (const int64_t heard_ms : {40, 1'500}) {
    SCOPED_TRACE(heard_ms);
    ReadyHostileCall call({.options = Greeting()});
    ASSERT_TRUE(call.HearsMs(heard_ms));
    call.world.line.HangUp();
    call.MsToTheEnd();
    EXPECT_THAT(call.world.EventsOf("notSaid"), SizeIs(heard_ms < 1'000));
  }
}

// Nothing said that it was not.
TEST(HostileOwedTest, AGreetingThatTheEndCutsShortIsNamed) {
  ReadyHostileCall call({.options = Greeting(), .always = Reply::kIgnored});
  call.world.line.HangUp();
  call.MsToTheEnd();
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "Good day to you.");
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "ended");
}

// It had the time that was left of the whole reply, however long that was.
TEST(HostileOwedTest, AToolAtTheEndOfALongReplyIsWaitedFor) {
  ReadyHostileCall call;
  call.world.agent.reply_ms = kHostileReplyMs + 2'000;
  call.world.agent.speed = 1;
  call.Turn();
  ASSERT_TRUE(call.world.RunUntil(
      [&] { return call.world.line.heard_ms() > kHostileReplyMs + 500; }));
  ASSERT_EQ(call.world.state(), State::kSpeaking);
  call.world.agent.CallTool("k1", "lookup");
  call.world.Advance(Duration::Millis(200));
  call.AnswerTool("k1");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.asked.size() == 2; }));
  call.world.Advance(Duration::Millis(3'000));
  EXPECT_THAT(call.world.EventsOf("agentFailed"), IsEmpty());
}

// No stream came to the session that followed, and no log told of it.
TEST(HostileOwedTest, WhatIsOwedToACallerWhoNeverComesBackIsNamed) {
  VirtualWorld::Options options = Greeting();
  HostileCall first({.options = options, .always = Reply::kIgnored});
  first.world.line.Call();
  ASSERT_TRUE(first.Reaches(State::kThinking));
  first.Say("One.");
  options.snapshot = first.world.snapshot();
  options.first_seq = static_cast<int64_t>(first.world.events().size());
  HostileCall second({.options = options});
  second.MsToTheEnd();
  ASSERT_THAT(second.world.EventsOf("notSaid"), SizeIs(2));
  EXPECT_EQ(second.world.EventsOf("notSaid")[0]["text"], "Good day to you.");
  EXPECT_EQ(second.world.EventsOf("notSaid")[1]["text"], "One.");
  // One that never had a caller owes nothing.
  HostileCall nobody({.options = Greeting()});
  nobody.MsToTheEnd();
  EXPECT_THAT(nobody.world.EventsOf("notSaid"), IsEmpty());
}

// The session that followed counted the same turns once more.
TEST(HostileOwedTest, ATurnWithinATurnIsInTheSnapshot) {
  AskedHostileCall call({.always = Reply::kIgnored});
  call.world.agent.Commit();
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.world.Count("turnEnded"), 2U);
  const auto snapshot = ParseJson(call.world.snapshot());
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ((*snapshot)["conversation"]["turns"], 2);
}

// The first of two results of one id was lost: the second took its place.
TEST(HostileOwedTest, ResultsOfAnIdThatIsUsedTwiceAreBothGiven) {
  Json tools = HostileOptions().profile["tools"];
  session::ToolDesk desk(tools, Duration::Millis(1'000));
  std::string late;
  const Instant start = Instant::Micros(1'000'000);
  desk.Open("k", "quick", start);
  desk.OnDeadline(start + Duration::Millis(100));
  EXPECT_TRUE(desk.NextAnswer().has_value());
  desk.Open("other", "lookup", start);
  desk.Open("k", "quick", start);
  desk.OnDeadline(start + Duration::Millis(200));
  using Taken = session::ToolDesk::Taken;
  EXPECT_EQ(desk.Take("k", "first", &late), Taken::kAnswer);
  EXPECT_EQ(desk.Take("k", "second", &late), Taken::kLate);
  EXPECT_EQ(desk.Take("other", "third", &late), Taken::kAnswer);
  EXPECT_EQ(desk.NextAnswer()->output, "third");
  EXPECT_EQ(desk.NextAnswer()->output, "first");
}

}  // namespace
}  // namespace trunkline::test
