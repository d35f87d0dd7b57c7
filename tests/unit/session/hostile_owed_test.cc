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
using testing::ElementsAre;
using testing::HasSubstr;
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
  EXPECT_EQ(call.Asked("Good day"), Replies::kMaxSayTries);
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "Good day to you.");
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "failed");
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

// The second took the place of the first, and a turn took that of both.
TEST(HostileOwedTest, TextsByCommandAreSaidOneAfterTheOther) {
  ReadyHostileCall call;
  call.world.agent.think = Duration::Millis(800);
  call.Turn();
  call.Say("One.");
  call.Say("Two.");
  ASSERT_TRUE(call.world.RunUntil([&] {
    return call.Asked("Two.") == 1 && call.world.state() == State::kListening;
  }));
  EXPECT_THAT(call.asked,
              ElementsAre("", HasSubstr("One."), HasSubstr("Two.")));
  EXPECT_EQ(call.world.agent.items().size(), 3U);
}

TEST(HostileOwedTest, ATextOutlivesTheSocketThatWasToSayIt) {
  ReadyHostileCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  call.world.Advance(Duration::Millis(200));
  call.world.agent.Drop(1006);
  ASSERT_TRUE(call.Hears(1));
  EXPECT_EQ(call.Asked("One."), 2);
  EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
}

// Nothing waited for it.
TEST(HostileOwedTest, ATextThatIsNotAnsweredIsNoticed) {
  ReadyHostileCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  ASSERT_TRUE(call.Hears(1, Duration::Millis(kHostileReplyMs + 4'000)));
  EXPECT_EQ(call.LastFailure(), "noReply");
}

TEST(HostileOwedTest, ATextIsNotAskedForBeforeItsTime) {
  ReadyHostileCall call({.always = Reply::kIgnored});
  call.Say("One.");
  call.world.Advance(Duration::Millis(100));
  call.PutOff("Please try again in 2s.");
  call.world.Advance(Duration::Millis(1'900));
  EXPECT_EQ(call.Asked("One."), 1);
  call.world.Advance(Duration::Millis(300));
  EXPECT_EQ(call.Asked("One."), 2);
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

TEST(HostileOwedTest, ATextIsGivenUpByName) {
  ReadyHostileCall call({.always = Reply::kIncomplete});
  call.Say("One.");
  call.world.Advance(Duration::Millis(2'000));
  EXPECT_EQ(call.Asked("One."), Replies::kMaxSayTries);
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "failed");
  // So is what waits when the call ends.
  call.provider->always = Reply::kIgnored;
  call.Say("Two.");
  call.Say("Three.");
  call.world.line.HangUp();
  call.MsToTheEnd();
  const auto events = call.world.EventsOf("notSaid");
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[2]["text"], "Three.");
  EXPECT_EQ(events[2]["reason"], "ended");
}

TEST(HostileOwedTest, TextsThatWaitAreBounded) {
  ReadyHostileCall call({.always = Reply::kIgnored});
  for (size_t i = 0; i < Replies::kMaxSays; ++i) {
    call.Say("Text.");
  }
  EXPECT_EQ(call.SayStatus("One too many."), "refused");
  const Json result = call.world.Command(
      {{"type", "say"}, {"text", std::string(Replies::kMaxSayBytes + 1, 'x')}});
  EXPECT_EQ(result["code"], "invalid");
  EXPECT_EQ(result["field"], "text");
}

TEST(HostileOwedTest, ATextOutlivesTheObject) {
  ReadyHostileCall first({.always = Reply::kIgnored});
  first.Say("One.");
  first.world.Advance(Duration::Millis(200));
  VirtualWorld::Options options = HostileOptions();
  options.snapshot = first.world.snapshot();
  options.first_seq = static_cast<int64_t>(first.world.events().size());
  ReadyHostileCall second({.options = options});
  ASSERT_TRUE(second.Hears(1));
  EXPECT_EQ(second.Asked("One."), 1);
}

// Its audio is here behind that of a long reply.
struct TextBehindAReply : ReadyHostileCall {
  TextBehindAReply() {
    world.agent.reply_ms = 3'000;
    world.agent.speed = 8;
    Turn();
    EXPECT_TRUE(Reaches(State::kSpeaking));
    world.Advance(Duration::Millis(700));
    Say("One.");
    world.Advance(Duration::Millis(700));
    EXPECT_EQ(Asked("One."), 1);
    EXPECT_EQ(world.agent.items().size(), 2U);
    EXPECT_EQ(world.state(), State::kSpeaking);
  }
};

// It was in no line, and nobody was told that it was not said.
TEST(HostileOwedTest, ATextOfWhichNothingIsHeardIsSaidAgain) {
  TextBehindAReply call;
  call.world.line.Say(Speech(700));
  ASSERT_TRUE(call.Reaches(State::kListening));
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 2; },
                                  Duration::Millis(20'000)));
  // After his turn, and the reply to that.
  ASSERT_TRUE(call.world.RunUntil(
      [&] { return call.world.agent.items().size() == 4; }));
  EXPECT_EQ(call.world.Count("turnEnded"), 2U);
  ASSERT_TRUE(call.Reaches(State::kListening));
  EXPECT_EQ(call.Asked("One."), 2);
  EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
}

TEST(HostileOwedTest, ATextOfWhichNothingIsHeardIsNamedAtTheEnd) {
  for (const bool lost : {false, true}) {
    TextBehindAReply call;
    if (lost) {
      call.world.line.Drop();
    } else {
      call.world.line.HangUp();
    }
    call.MsToTheEnd();
    ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
    EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "One.");
    EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "ended");
  }
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

// A time of hours kept it until the call ended.
TEST(HostileOwedTest, ATextIsNotPutOffForLongerThanAReply) {
  ReadyHostileCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  call.world.Advance(Duration::Millis(100));
  call.PutOff("Please try again in 2h.");
  call.world.Advance(Duration::Millis(kHostileReplyMs - 200));
  EXPECT_EQ(call.Asked("One."), 1);
  ASSERT_TRUE(call.Hears(1, Duration::Millis(3'000)));
  EXPECT_EQ(call.Asked("One."), 2);
}

// The reply was asked for twice, and another was waited for that nobody makes:
// nothing was said any more.
TEST(HostileOwedTest, ATextThatFailsBeforeAReplyIsNotTheReply) {
  ReadyHostileCall call({.next = {Reply::kText, Reply::kHonest}});
  call.Say("One.");
  call.world.Command({{"type", "digits"}, {"digits", "7"}});
  ASSERT_TRUE(call.world.RunUntil(
      [&] {
        return call.Asked("One.") == 2 &&
               call.world.state() == State::kListening;
      },
      Duration::Millis(kHostileReplyMs)));
  EXPECT_THAT(call.asked,
              ElementsAre(HasSubstr("One."), "", HasSubstr("One.")));
}

// Its end never came: nothing else was said.
TEST(HostileOwedTest, ATextDoesNotWaitForTheEndOfWhatWasCancelled) {
  AskedHostileCall call({.next = {Reply::kStallsInAudio}});
  ASSERT_TRUE(call.Reaches(State::kSpeaking));
  call.world.line.Press('1');
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.world.state(), State::kListening);
  call.Say("One.");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 1; },
                                  Duration::Millis(kHostileReplyMs + 2'000)));
}

// What was not said twice before the object was lost was, after it.
TEST(HostileOwedTest, ATextThatWasSaidIsNotOwedToTheNextSession) {
  ReadyHostileCall first;
  first.Say("One.");
  ASSERT_TRUE(first.Reaches(State::kSpeaking));
  EXPECT_THAT(first.world.snapshot(), testing::Not(HasSubstr("One.")));
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
