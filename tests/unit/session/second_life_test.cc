// The session that follows a lost one: what it knows, what it owes and until
// when it may last. Whose agent is told what is in owed_test.cc too.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr int64_t kBegan = 1'000'000;

VirtualWorld::Options Realtime() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.epoch_ms = kBegan;
  options.profile = {
      {"tools", Json::array({Json{{"type", "function"}, {"name", "lookup"}}})}};
  return options;
}

// The object of `first` is lost now; its stream is back `later_ms` after.
VirtualWorld::Options After(VirtualWorld& first, VirtualWorld::Options options,
                            int64_t later_ms, int64_t alive_ms) {
  options.snapshot = first.snapshot();
  options.first_seq = static_cast<int64_t>(first.events().size());
  options.epoch_ms = kBegan + alive_ms + later_ms;
  options.config = {{"callEpochMs", kBegan}, {"aliveMs", alive_ms}};
  return options;
}

void Start(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 1; }));
}

void CallTool(VirtualWorld& world, const std::string& id) {
  world.realtime.Send(
      {{"type", "response.created"}, {"response", {{"id", "t"}}}});
  world.realtime.Send({{"type", "response.output_item.done"},
                       {"response_id", "t"},
                       {"item",
                        {{"type", "function_call"},
                         {"status", "completed"},
                         {"call_id", id},
                         {"name", "lookup"},
                         {"arguments", "{}"}}}});
  world.realtime.Send({{"type", "response.done"},
                       {"response", {{"id", "t"}, {"status", "completed"}}}});
  world.Advance(Duration::Millis(200));
}

int64_t NowMs(const VirtualWorld& world) {
  return IntegerMember(world.events().back(), "atMs").value_or(0);
}

// How a call of a tool came out, by the log.
std::string ResultOf(const VirtualWorld& world, std::string_view id) {
  for (const Json& line : world.EventsOf("line")) {
    if (StringMember(line, "toolCallId") != id) continue;
    return std::string(StringMember(line, "state")) + " " +
           std::string(StringMember(line, "result"));
  }
  return "no line";
}

std::string Told(const VirtualWorld& world) {
  std::string told;
  for (const Json& message : world.realtime.received()) {
    if (StringMember(message, "type") == "conversation.item.create") {
      told += PrintJson(message) + "\n";
    }
  }
  return told;
}

// The fresh agent was asked at once for the reply to a question whose tool had
// not answered, and called the tool a second time.
TEST(SecondLifeTest, AReplyThatWaitsForAToolIsAskedForWhenItHasAnswered) {
  VirtualWorld first(Realtime());
  Start(first);
  first.agent.think = Duration::Millis(60'000);
  first.line.Say(Speech(700));
  ASSERT_TRUE(
      first.RunUntil([&] { return first.state() == State::kThinking; }));
  CallTool(first, "k1");
  ASSERT_EQ(first.state(), State::kThinking);
  VirtualWorld second(After(first, Realtime(), 300, NowMs(first)));
  Start(second);
  second.Advance(Duration::Millis(500));
  EXPECT_EQ(second.realtime.CountReceived("response.create"), 0);
  EXPECT_EQ(second.state(), State::kThinking);
  second.Command(
      {{"type", "toolResult"}, {"toolCallId", "k1"}, {"output", "at nine"}});
  second.Advance(Duration::Millis(300));
  EXPECT_EQ(second.realtime.CountReceived("response.create"), 1);
  ASSERT_TRUE(second.RunUntil([&] { return second.Count("replyDone") == 1; }));
  EXPECT_EQ(second.realtime.CountReceived("response.create"), 1);
}

// A result that came while no agent was ready was told after the reply to it
// had been asked for.
TEST(SecondLifeTest, AResultIsToldBeforeTheReplyToIt) {
  VirtualWorld first(Realtime());
  Start(first);
  first.agent.think = Duration::Millis(60'000);
  first.line.Say(Speech(700));
  ASSERT_TRUE(
      first.RunUntil([&] { return first.state() == State::kThinking; }));
  CallTool(first, "k1");
  first.agent.Drop(1006);
  first.Advance(Duration::Millis(50));
  first.Command(
      {{"type", "toolResult"}, {"toolCallId", "k1"}, {"output", "at nine"}});
  VirtualWorld second(After(first, Realtime(), 300, NowMs(first)));
  Start(second);
  second.Advance(Duration::Millis(300));
  std::vector<std::string> order;
  for (const Json& message : second.realtime.received()) {
    const std::string text = PrintJson(message);
    if (text.find("function_call_output") != std::string::npos) {
      order.emplace_back("output");
    } else if (StringMember(message, "type") == "response.create") {
      order.emplace_back("reply");
    }
  }
  EXPECT_THAT(order, testing::ElementsAre("output", "reply"));
}

// The snapshot of when the reply began knew neither its words nor how much of
// it would come.
TEST(SecondLifeTest, OfAReplyThatPlayedItIsToldWhatWasHeardUntilTheLoss) {
  VirtualWorld first(Realtime());
  Start(first);
  first.line.Say(Speech(700));
  ASSERT_TRUE(
      first.RunUntil([&] { return first.state() == State::kSpeaking; }));
  const int64_t began_ms = NowMs(first);
  const std::string item(
      StringMember(first.EventsOf("replyStarted").back(), "item"));
  first.realtime.Send({{"type", "response.output_audio_transcript.done"},
                       {"response_id", "resp_1"},
                       {"item_id", item},
                       {"content_index", 0},
                       {"transcript",
                        "one two three four five six seven eight nine ten "
                        "eleven twelve"}});
  // All of it is here long before it is heard.
  first.Advance(Duration::Millis(1'000));
  ASSERT_EQ(first.state(), State::kSpeaking);
  const auto told_at = [&](int64_t alive_ms) {
    VirtualWorld second(After(first, Realtime(), 300, alive_ms));
    Start(second);
    second.Advance(Duration::Millis(100));
    const std::string told = Told(second);
    const size_t from = told.find("one two");
    return from == std::string::npos ? std::string()
                                     : told.substr(from, told.find('"', from));
  };
  const std::string early = told_at(began_ms + 400);
  const std::string late = told_at(began_ms + 900);
  EXPECT_THAT(late, HasSubstr("three"));
  EXPECT_THAT(late, Not(HasSubstr("twelve")));
  EXPECT_LT(early.size(), late.size());
}

// It was counted on as if it had played.
TEST(SecondLifeTest, OfAReplyThatWasStoppedNoMoreWasHeard) {
  VirtualWorld first(Realtime());
  Start(first);
  first.line.Say(Speech(700));
  ASSERT_TRUE(
      first.RunUntil([&] { return first.state() == State::kSpeaking; }));
  const std::string item(
      StringMember(first.EventsOf("replyStarted").back(), "item"));
  first.realtime.Send({{"type", "response.output_audio_transcript.done"},
                       {"response_id", "resp_1"},
                       {"item_id", item},
                       {"content_index", 0},
                       {"transcript",
                        "one two three four five six seven eight nine ten "
                        "eleven twelve"}});
  first.Advance(Duration::Millis(500));
  first.line.Drop();
  first.Advance(Duration::Millis(100));
  ASSERT_EQ(first.state(), State::kLegLost);
  const int64_t lost_ms = NowMs(first);
  VirtualWorld second(After(first, Realtime(), 300, lost_ms + 8'000));
  Start(second);
  second.Advance(Duration::Millis(100));
  EXPECT_THAT(Told(second), HasSubstr("one"));
  EXPECT_THAT(Told(second), Not(HasSubstr("nine")));
  // What was not heard is owed.
  EXPECT_EQ(second.realtime.CountReceived("response.create"), 1);
}

// The agent was told of a call that nobody would answer, and the call went on.
TEST(SecondLifeTest, AGoodbyeThatWasLostIsAnsweredFor) {
  VirtualWorld first(Realtime());
  Start(first);
  first.agent.think = Duration::Millis(60'000);
  first.line.Say(Speech(700));
  ASSERT_TRUE(
      first.RunUntil([&] { return first.state() == State::kThinking; }));
  first.realtime.Send({{"type", "response.output_item.done"},
                       {"response_id", "t"},
                       {"item",
                        {{"type", "function_call"},
                         {"status", "completed"},
                         {"call_id", "bye"},
                         {"name", "end_call"},
                         {"arguments", "{}"}}}});
  first.Advance(Duration::Millis(200));
  VirtualWorld second(After(first, Realtime(), 300, NowMs(first)));
  Start(second);
  second.Advance(Duration::Millis(100));
  EXPECT_THAT(Told(second), HasSubstr("function_call_output"));
  EXPECT_THAT(Told(second), HasSubstr("the call goes on"));
  // What was due is asked for, and the call does not end after it.
  ASSERT_TRUE(second.RunUntil([&] { return second.Count("replyDone") == 1; }));
  second.Advance(Duration::Millis(500));
  EXPECT_THAT(second.ended(), SizeIs(0));
}

// The log said first that the call went on, then that the tool had ended it.
TEST(SecondLifeTest, AGoodbyeOfACallThatNeverComesBackIsUnanswered) {
  VirtualWorld first(Realtime());
  Start(first);
  first.agent.reply_ms = 3'000;
  first.line.Say(Speech(700));
  ASSERT_TRUE(
      first.RunUntil([&] { return first.state() == State::kSpeaking; }));
  first.agent.CallTool("bye", "end_call");
  first.Advance(Duration::Millis(200));
  VirtualWorld second(After(first, Realtime(), 300, NowMs(first)));
  ASSERT_TRUE(second.RunUntil([&] { return !second.ended().empty(); },
                              Duration::Millis(200'000)));
  EXPECT_EQ(ResultOf(second, "bye"), "unanswered ");
}

// Whoever tells the rest of a call that nobody takes up ends a session of its
// own at the last instant that is known. The lines ended two days later.
TEST(SecondLifeTest, WhatALostCallLeavesOpenEndsWhenItIsEnded) {
  for (const std::string name : {"lookup", "end_call"}) {
    VirtualWorld first(Realtime());
    Start(first);
    first.agent.reply_ms = 3'000;
    first.line.Say(Speech(700));
    ASSERT_TRUE(
        first.RunUntil([&] { return first.state() == State::kSpeaking; }));
    first.agent.CallTool("k1", name);
    first.Advance(Duration::Millis(200));
    const int64_t alive_ms = NowMs(first) + 400;
    VirtualWorld second(After(first, Realtime(), 0, alive_ms));
    second.Command({{"type", "hangUp"}});
    ASSERT_THAT(second.ended(), SizeIs(1));
    EXPECT_EQ(ResultOf(second, "k1"), "unanswered ");
    ASSERT_GE(second.EventsOf("line").size(), 2U);
    for (const Json& line : second.EventsOf("line")) {
      for (const auto& [key, value] : line.items()) {
        if (!key.ends_with("Ms") || key == "atMs") continue;
        EXPECT_LE(value.get<int64_t>(), alive_ms) << key;
      }
    }
  }
}

// A turn that the provider never took lasted until the end of the call, or
// until the object was lost.
TEST(SecondLifeTest, ATurnThatNobodyTookEndsWithItsSpeech) {
  enum class End : uint8_t { kHangUp, kMaxDuration, kAgent, kObject };
  for (const End end :
       {End::kHangUp, End::kMaxDuration, End::kAgent, End::kObject}) {
    VirtualWorld::Options options = Realtime();
    if (end == End::kMaxDuration) options.limits = {{"maxCallMs", 3'900}};
    VirtualWorld first(options);
    first.agent.has_vad = false;
    Start(first);
    first.line.Say(Speech(900));
    ASSERT_TRUE(
        first.RunUntil([&] { return first.Count("speechStopped") == 1; }));
    const int64_t stopped_ms =
        first.EventsOf("speechStopped")[0]["endMs"].get<int64_t>();
    first.Advance(Duration::Millis(2'000));
    std::vector<Json> lines;
    if (end == End::kObject) {
      VirtualWorld second(After(first, options, 0, NowMs(first) + 2'000));
      second.Command({{"type", "hangUp"}});
      lines = second.EventsOf("line");
    } else {
      if (end == End::kHangUp) first.line.HangUp();
      if (end == End::kAgent) {
        first.agent.refuses = true;
        first.agent.Drop(1006);
      }
      ASSERT_TRUE(first.RunUntil([&] { return !first.ended().empty(); }));
      lines = first.EventsOf("line");
    }
    ASSERT_THAT(lines, SizeIs(1)) << static_cast<int>(end);
    EXPECT_EQ(lines[0]["role"], "caller");
    EXPECT_EQ(lines[0]["endMs"], stopped_ms) << static_cast<int>(end);
  }
}

// Who had hung up was told that it was done; the object was lost during the
// goodbye, and the call went on.
TEST(SecondLifeTest, AHangUpThatWasDoneIsDoneAfterALoss) {
  for (const std::string farewell : {"", "Goodbye."}) {
    VirtualWorld::Options options = Realtime();
    options.profile["farewell"] = farewell;
    VirtualWorld first(options);
    Start(first);
    first.line.Say(Speech(700));
    ASSERT_TRUE(
        first.RunUntil([&] { return first.state() == State::kSpeaking; }));
    first.Advance(Duration::Millis(300));
    const Json result = first.Command({{"type", "hangUp"}});
    ASSERT_EQ(StringMember(result, "status"), "done");
    if (first.ended().empty()) ASSERT_EQ(first.state(), State::kFarewell);
    VirtualWorld second(After(first, options, 300, NowMs(first)));
    second.line.Call();
    second.Advance(Duration::Millis(200));
    EXPECT_EQ(second.EndReason(), "hangUp");
    EXPECT_EQ(second.realtime.CountReceived("response.create"), 0);
  }
}

// The carrier said that the call was over while its stream was away: that was
// put down to an operator.
TEST(SecondLifeTest, WhoHangsUpWhileTheLegIsAwayIsNamed) {
  for (const auto source : {session::CommandEnvelope::Source::kClient,
                            session::CommandEnvelope::Source::kOperator}) {
    VirtualWorld world(Realtime());
    Start(world);
    world.line.Drop();
    ASSERT_EQ(world.state(), State::kLegLost);
    world.Command({{"type", "hangUp"}}, source);
    const bool caller = source == session::CommandEnvelope::Source::kClient;
    EXPECT_EQ(world.EndReason(), caller ? "callerHangUp" : "hangUp");
  }
}

// A call whose object was lost before its first snapshot, or whose snapshot was
// another version's, began anew.
TEST(SecondLifeTest, ACallHasItsTimeWithoutASnapshotToo) {
  for (const auto& snapshot :
       {std::optional<std::string>(), std::optional<std::string>("{}")}) {
    VirtualWorld::Options options = Realtime();
    options.limits = {{"maxCallMs", 60'000}};
    options.snapshot = snapshot;
    options.epoch_ms = kBegan + 50'000;
    options.config = {{"callEpochMs", kBegan}, {"lastLine", 7}};
    VirtualWorld world(options);
    Start(world);
    world.line.Say(Speech(700));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kSpeaking; }));
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); },
                               Duration::Millis(30'000)));
    EXPECT_EQ(world.ended()[0]["reason"], "maxDuration");
    EXPECT_LE(world.ended()[0]["durationMs"], 15'000);
    // What was told by a former session has its numbers.
    for (const Json& line : world.EventsOf("line")) {
      EXPECT_GT(IntegerMember(line, "line").value_or(0), 7);
      EXPECT_GE(IntegerMember(line, "startMs").value_or(0), 50'000);
    }
    EXPECT_THAT(world.EventsOf("line"), Not(SizeIs(0)));
  }
}

// What was entered while the agent spoke went with the object, and nobody was
// told.
TEST(SecondLifeTest, DigitsThatWereEnteredAreTold) {
  VirtualWorld::Options options = Realtime();
  options.profile["recordDigits"] = "yes";
  VirtualWorld first(options);
  Start(first);
  first.line.Press('4');
  first.line.Press('2');
  first.Advance(Duration::Millis(100));
  ASSERT_THAT(Told(first), Not(HasSubstr("keypad")));
  VirtualWorld second(After(first, options, 500, NowMs(first)));
  Start(second);
  second.Advance(Duration::Millis(200));
  EXPECT_THAT(Told(second), HasSubstr("[keypad: 42]"));
  EXPECT_EQ(second.Count("notSaid"), 0U);
}

TEST(SecondLifeTest, DigitsThatMayNotBeKeptAreGivenUpByName) {
  VirtualWorld::Options options = Realtime();
  options.profile["recordDigits"] = "no";
  VirtualWorld first(options);
  Start(first);
  first.line.Press('4');
  first.Advance(Duration::Millis(100));
  EXPECT_THAT(first.snapshot(), Not(HasSubstr("\"keypad\":\"4")));
  VirtualWorld second(After(first, options, 500, NowMs(first)));
  Start(second);
  ASSERT_EQ(second.Count("notSaid"), 1U);
  EXPECT_EQ(second.EventsOf("notSaid")[0]["text"], "[keypad]");
}

}  // namespace
}  // namespace trunkline::test
