// The command that gives a call to another agent, in every state; and the
// session that follows a lost one after that.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/world/failover_world.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kThree =
    R"([{"agent":"openai-realtime"},{"agent":"scripted","model":"texts"},
        {"agent":"house"}])";

Json Switch(FailoverWorld& call, const Json& agent) {
  return call.world.Command({{"type", "switchAgent"}, {"agent", agent}});
}

// "done", or why not.
std::string StatusOf(const Json& result) {
  const std::string status(StringMember(result, "status"));
  return status == "refused" ? std::string(StringMember(result, "code"))
                             : status;
}

TEST(SwitchAgentTest, WhatCannotBeIsRefusedByName) {
  FailoverWorld call(*ParseJson(
      R"([{"agent":"openai-realtime"},{"agent":"scripted"},
          {"agent":"scripted","model":"texts"}])"));
  EXPECT_EQ(StatusOf(Switch(call, 1)), "conflict");
  ASSERT_TRUE(call.Listen());
  for (const Json& none : {Json(3), Json(-1), Json("house"), Json("")}) {
    const Json result = Switch(call, none);
    EXPECT_EQ(StatusOf(result), "unknown") << none;
    EXPECT_EQ(result["field"], "agent");
  }
  for (const Json& wrong :
       {Json(), Json(1.5), Json(true), Json::array({1}), Json("scripted")}) {
    const Json result = Switch(call, wrong);
    EXPECT_EQ(StatusOf(result), "invalid") << wrong;
    EXPECT_EQ(result["field"], "agent");
  }
  EXPECT_EQ(StatusOf(call.world.Command({{"type", "switchAgent"}})), "invalid");
  EXPECT_EQ(StatusOf(Switch(call, 0)), "conflict");
  EXPECT_EQ(StatusOf(Switch(call, "openai-realtime")), "conflict");
  EXPECT_THAT(call.Switches(), IsEmpty());
  call.world.Command({{"type", "hangUp"}});
  EXPECT_EQ(StatusOf(Switch(call, 1)), "conflict");
}

TEST(SwitchAgentTest, ACallWithOneAgentHasNoOtherOne) {
  FailoverWorld call(*ParseJson(R"([{"agent":"openai-realtime"}])"));
  ASSERT_TRUE(call.Listen());
  EXPECT_EQ(StatusOf(Switch(call, "house")), "unknown");
  EXPECT_EQ(StatusOf(Switch(call, 0)), "conflict");
}

// From each to each, and back: formats, ways to end turns and ways to speak
// differ.
TEST(SwitchAgentTest, EachTakesOverFromEach) {
  FailoverWorld call(*ParseJson(kThree));
  call.speech.hears = {"who are you", "what time is it", "who are you"};
  ASSERT_TRUE(call.Listen());
  for (const char* name : {"scripted", "house", "openai-realtime", "house",
                           "scripted", "openai-realtime"}) {
    SCOPED_TRACE(name);
    const size_t ready = call.world.Count("agentReady");
    EXPECT_EQ(StatusOf(Switch(call, name)), "done");
    call.world.agent.has_vad = std::string(name) == "openai-realtime";
    ASSERT_TRUE(call.Run([&] { return call.world.Count("agentReady") > ready; },
                         2'000));
    EXPECT_EQ(call.Switches().back()["to"], name);
    EXPECT_EQ(call.Switches().back()["reason"], "command");
    EXPECT_TRUE(call.Ask());
    EXPECT_EQ(call.world.line.underruns(), 0);
  }
  EXPECT_THAT(call.Switches(), SizeIs(6));
  EXPECT_LE(call.silence_ms(), FailoverWorld::kMostSilenceMs);
  EXPECT_EQ(call.world.stray_messages(), 0);
}

TEST(SwitchAgentTest, WhileItConnects) {
  FailoverWorld call(*ParseJson(kThree));
  call.world.agent.stalled = true;
  call.Call();
  ASSERT_TRUE(
      call.Run([&] { return call.world.state() == State::kConnecting; }));
  EXPECT_EQ(StatusOf(Switch(call, 1)), "done");
  ASSERT_TRUE(
      call.Run([&] { return call.world.state() == State::kListening; }, 500));
  EXPECT_TRUE(call.Ask());
}

TEST(SwitchAgentTest, WhileAReplyIsDueTheNextOneGivesIt) {
  FailoverWorld call(*ParseJson(kThree));
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(600'000);
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return call.world.state() == State::kThinking; }));
  call.world.agent.think = Duration::Millis(120);
  EXPECT_EQ(StatusOf(Switch(call, 1)), "done");
  EXPECT_TRUE(
      call.Run([&] { return call.world.Count("replyDone") == 1; }, 5'000));
  EXPECT_EQ(call.world.Count("turnEnded"), 1U);
}

// What is here of a reply is heard, and its line says so; the next one is asked
// for the rest.
TEST(SwitchAgentTest, WhileItSpeaks) {
  FailoverWorld call(*ParseJson(kThree));
  ASSERT_TRUE(call.Listen());
  call.world.agent.reply_ms = 4'000;
  call.world.agent.speed = 1;
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return call.world.state() == State::kSpeaking; }));
  call.Wait(900);
  call.world.agent.reply_ms = 1'000;
  EXPECT_EQ(StatusOf(Switch(call, "scripted")), "done");
  EXPECT_TRUE(
      call.Run([&] { return call.world.Count("replyDone") == 2; }, 8'000));
  call.Wait(16'000);
  const auto lines = call.world.EventsOf("line");
  ASSERT_GE(lines.size(), 2U);
  EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [](const Json& line) {
    return line["role"] == "agent" && line["cut"] == true;
  }));
  EXPECT_EQ(call.world.agent.items().size(), 2U);
  EXPECT_NEAR(
      static_cast<double>(call.world.HeardMs(call.world.agent.items()[0])),
      static_cast<double>(call.world.agent.items()[0].generated_ms), 250);
}

TEST(SwitchAgentTest, WhileTheCallerInterrupts) {
  FailoverWorld call(*ParseJson(kThree), {{"echoGuard", "off"}});
  ASSERT_TRUE(call.Listen());
  call.world.agent.reply_ms = 6'000;
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return call.world.state() == State::kSpeaking; }));
  call.Wait(1'000);
  call.world.agent.reply_ms = 1'000;
  call.Speak(1'200);
  ASSERT_TRUE(
      call.Run([&] { return call.world.state() == State::kInterrupted; }));
  EXPECT_EQ(StatusOf(Switch(call, 1)), "done");
  const size_t replies = call.world.Count("replyDone");
  EXPECT_TRUE(
      call.Run([&] { return call.world.Count("replyDone") > replies; }));
  // All of what he said over it.
  EXPECT_GE(call.world.agent.heard_loud_ms(), 900);
}

TEST(SwitchAgentTest, WhileTheLegIsLost) {
  FailoverWorld call(*ParseJson(kThree));
  ASSERT_TRUE(call.Listen());
  call.world.line.Drop();
  call.Wait(100);
  ASSERT_EQ(call.world.state(), State::kLegLost);
  EXPECT_EQ(StatusOf(Switch(call, 1)), "done");
  call.Wait(300);
  call.world.line.Call();
  ASSERT_TRUE(
      call.Run([&] { return call.world.state() == State::kListening; }));
  EXPECT_TRUE(call.Ask());
}

TEST(SwitchAgentTest, AResultReachesWhoeverHasTheCallThen) {
  FailoverWorld call(*ParseJson(kThree));
  ASSERT_TRUE(call.Listen());
  call.world.agent.next_calls = {"c1"};
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return call.world.Count("toolCall") == 1; }));
  EXPECT_EQ(StatusOf(Switch(call, 1)), "done");
  call.world.Command(
      {{"type", "toolResult"}, {"toolCallId", "c1"}, {"output", "nine"}});
  EXPECT_TRUE(call.Run([&] { return call.world.Count("replyDone") == 1; }));
  EXPECT_THAT(call.world.agent.tool_results(), ElementsAre("c1=nine"));
  EXPECT_EQ(call.world.Count("toolCall"), 1U);
}

// Texts by command are owed whoever has to say them.
TEST(SwitchAgentTest, ATextThatWasNotSaidIsSaidByTheNext) {
  FailoverWorld call(*ParseJson(kThree));
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(600'000);
  call.world.Command({{"type", "say"}, {"text", "We close at nine."}});
  call.Wait(200);
  call.world.agent.think = Duration::Millis(120);
  EXPECT_EQ(StatusOf(Switch(call, 1)), "done");
  EXPECT_TRUE(call.Run([&] { return call.world.Count("replyDone") == 1; }));
  EXPECT_THAT(call.world.scripted.said(), ElementsAre("We close at nine."));
  EXPECT_EQ(call.world.Count("notSaid"), 0U);
}

TEST(SwitchAgentTest, OneThatSaysNoTextsOfOthersGivesThemUpByName) {
  FailoverWorld call(
      *ParseJson(R"([{"agent":"openai-realtime"},{"agent":"parrot"}])"));
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(600'000);
  call.world.Command({{"type", "say"}, {"text", "We close at nine."}});
  call.Wait(200);
  EXPECT_EQ(StatusOf(Switch(call, "parrot")), "done");
  ASSERT_EQ(call.world.Count("notSaid"), 1U);
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "We close at nine.");
  EXPECT_TRUE(call.Ask());
}

// The object is lost behind a switch: the session that follows begins with who
// had the call, and knows who has failed.
TEST(SwitchAgentTest, ASecondLifeBeginsWithWhoHadTheCall) {
  FailoverWorld call(*ParseJson(kThree));
  ASSERT_TRUE(call.Listen());
  ASSERT_TRUE(call.Ask());
  call.world.agent.Drop(1008);
  ASSERT_TRUE(call.Run([&] { return call.world.Count("agentReady") == 2; }));
  call.Wait(100);
  VirtualWorld::Options options = call.world.options;
  options.snapshot = call.world.snapshot();
  options.first_seq = static_cast<int64_t>(call.world.events().size());
  options.epoch_ms = 1'030'000;
  options.config = {{"callEpochMs", 1'000'000}, {"aliveMs", 29'000}};
  VirtualWorld second(options);
  ASSERT_EQ(second.Count("agentSwitched"), 1U);
  EXPECT_EQ(second.EventsOf("agentSwitched")[0]["to"], "scripted");
  EXPECT_EQ(second.EventsOf("agentSwitched")[0]["reason"], "restored");
  second.line.Call();
  ASSERT_TRUE(
      second.RunUntil([&] { return second.state() == State::kListening; }));
  // The first one has failed: the last one comes behind this one.
  SpeechWorker speech(second.upstreams, SpeechWorker::Place::kBeside);
  second.agent.Drop(1008);
  ASSERT_TRUE(second.RunUntil([&] { return second.Count("agentReady") == 2; }));
  EXPECT_EQ(second.EventsOf("agentSwitched")[1]["to"], "house");
}

}  // namespace
}  // namespace trunkline::test
