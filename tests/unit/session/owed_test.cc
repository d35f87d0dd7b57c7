// What is owed is delivered: tools' results, the greeting, a reply that died
// with its socket, and the conversation to the session that follows a lost one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::IsEmpty;
using testing::SizeIs;

VirtualWorld::Options Realtime() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.profile = {
      {"tools", Json::array({Json{{"type", "function"}, {"name", "lookup"}},
                             Json{{"type", "function"},
                                  {"name", "quick"},
                                  {"timeoutMs", 1000}}})}};
  return options;
}

void Start(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
}

// A reply that calls tools, with `audio_ms` of preamble.
void CallTools(VirtualWorld& world, const std::vector<std::string>& ids,
               const std::string& name = "lookup") {
  world.agent.CallTools(ids, name);
  world.Advance(Duration::Millis(200));
}

std::string Result(VirtualWorld& world, const std::string& id,
                   const std::string& output) {
  return std::string(StringMember(
      world.Command(
          {{"type", "toolResult"}, {"toolCallId", id}, {"output", output}}),
      "status"));
}

TEST(OwedTest, ResultsReachTheAgentInTheOrderOfTheCallsAndOnce) {
  VirtualWorld world(Realtime());
  Start(world);
  CallTools(world, {"k1", "k2"});
  EXPECT_EQ(Result(world, "k2", "two"), "done");
  world.Advance(Duration::Millis(100));
  EXPECT_THAT(world.agent.tool_results(), IsEmpty());
  EXPECT_EQ(Result(world, "k1", "one"), "done");
  EXPECT_EQ(Result(world, "k1", "again"), "refused");
  world.Advance(Duration::Millis(100));
  EXPECT_THAT(world.agent.tool_results(),
              testing::ElementsAre("k1=one", "k2=two"));
  // One reply to both.
  EXPECT_EQ(world.realtime.CountReceived("response.create"), 1);
}

TEST(OwedTest, AToolWithoutAnAnswerIsAnsweredForInItsOwnTime) {
  VirtualWorld world(Realtime());
  Start(world);
  CallTools(world, {"k1"}, "quick");
  world.Advance(Duration::Millis(900));
  EXPECT_THAT(world.agent.tool_results(), SizeIs(1));
  EXPECT_THAT(world.agent.tool_results()[0],
              testing::HasSubstr("did not answer in time"));
  // What it says after all is told, once.
  EXPECT_EQ(Result(world, "k1", "nine o'clock"), "done");
  EXPECT_EQ(Result(world, "k1", "nine o'clock"), "refused");
  world.Advance(Duration::Millis(100));
  const Json* told = world.realtime.LastReceived("conversation.item.create");
  ASSERT_NE(told, nullptr);
  EXPECT_THAT(PrintJson(*told), testing::HasSubstr("nine o'clock"));
}

// The result was dropped when the caller spoke over the preamble.
TEST(OwedTest, AResultOutlivesTheReplyThatAskedForIt) {
  VirtualWorld world(Realtime());
  Start(world);
  world.agent.Respond();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.agent.CallTool("k1", "lookup");
  world.Advance(Duration::Millis(300));
  world.line.Say(Speech(600));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  EXPECT_EQ(Result(world, "k1", "one"), "done");
  world.Advance(Duration::Millis(100));
  EXPECT_THAT(world.agent.tool_results(), testing::ElementsAre("k1=one"));
}

// The new socket knew neither the call nor its result.
TEST(OwedTest, AResultOutlivesTheSocketThatAskedForIt) {
  VirtualWorld world(Realtime());
  Start(world);
  CallTools(world, {"k1"});
  world.agent.Drop(1006);
  EXPECT_EQ(Result(world, "k1", "one"), "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  world.Advance(Duration::Millis(200));
  EXPECT_THAT(world.agent.tool_results(), testing::ElementsAre("k1=one"));
}

// A tool that took too long, and answers while no agent is there.
TEST(OwedTest, ALateResultOutlivesTheSocketToo) {
  for (const bool told_of_time_out : {true, false}) {
    SCOPED_TRACE(told_of_time_out);
    VirtualWorld world(Realtime());
    Start(world);
    CallTools(world, {"k1"}, "quick");
    if (!told_of_time_out) world.agent.refuses = true;
    if (!told_of_time_out) world.agent.Drop(1006);
    world.Advance(Duration::Millis(1'200));
    if (told_of_time_out) {
      ASSERT_THAT(world.agent.tool_results(), SizeIs(1));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("replyDone") == 1; }));
      world.agent.Drop(1006);
    }
    const int asked = world.realtime.CountReceived("response.create");
    ASSERT_FALSE(world.agent_open());
    EXPECT_EQ(Result(world, "k1", "nine"), "done");
    world.agent.refuses = false;
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
    world.Advance(Duration::Millis(200));
    EXPECT_EQ(world.agent.tool_results().back(), "k1=nine");
    // And it is asked to say so, once.
    EXPECT_EQ(world.realtime.CountReceived("response.create"), asked + 1);
    world.Advance(Duration::Millis(5'000));
    EXPECT_EQ(world.realtime.CountReceived("response.create"), asked + 1);
  }
}

// It was told as a line of its own, which the next socket would not know.
TEST(OwedTest, ALateResultIsPartOfTheConversation) {
  VirtualWorld world(Realtime());
  Start(world);
  CallTools(world, {"k1"}, "quick");
  world.Advance(Duration::Millis(1'200));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(Result(world, "k1", "nine"), "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 2; }));
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.agent.tool_results().back(), "k1=nine");
}

TEST(OwedTest, RepliesThatOnlyCallToolsAreBounded) {
  VirtualWorld world(Realtime());
  world.agent.think = Duration::Millis(60'000);
  Start(world);
  for (int i = 0; i < 40 && world.ended().empty(); ++i) {
    CallTools(world, {"k" + std::to_string(i)}, "nonsense");
  }
  world.Advance(Duration::Millis(12'000));
  ASSERT_THAT(world.ended(), SizeIs(1));
  EXPECT_EQ(world.ended()[0]["reason"], "agentFailed");
  EXPECT_LE(world.realtime.CountReceived("response.create"), 10);
}

// The caller said "hello?" before the greeting's first audio.
TEST(OwedTest, TheGreetingIsOwedUntilItIsHeard) {
  VirtualWorld::Options options = Realtime();
  options.profile["greeting"] = "This call is recorded.";
  VirtualWorld world(options);
  world.agent.think = Duration::Millis(1'500);
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.Advance(Duration::Millis(100));
  world.line.Say(Speech(700));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("turnEnded") == 1; }));
  world.Advance(Duration::Millis(100));
  const Json* asked = world.realtime.LastReceived("response.create");
  ASSERT_NE(asked, nullptr);
  EXPECT_THAT(PrintJson(*asked), testing::HasSubstr("This call is recorded."));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  // Once.
  world.line.Say(Speech(700));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("turnEnded") == 2; }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(PrintJson(*world.realtime.LastReceived("response.create"))
                .find("recorded"),
            std::string::npos);
}

// Nothing was said any more after the socket broke in the middle of a reply.
TEST(OwedTest, AReplyThatDiedWithItsSocketIsAskedForAgain) {
  VirtualWorld world(Realtime());
  Start(world);
  world.agent.speed = 1;
  world.line.Say(Speech(700));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.Advance(Duration::Millis(600));
  const int asked = world.realtime.CountReceived("response.create");
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  ASSERT_TRUE(world.RunUntil(
      [&] { return world.realtime.CountReceived("response.create") > asked; },
      Duration::Millis(5'000)));
}

// It was asked for twice, the first time before the results: two replies.
TEST(OwedTest, AReplyThatWaitsForAToolIsAskedForOnceOnTheNextSocket) {
  VirtualWorld world(Realtime());
  Start(world);
  world.agent.next_calls = {"k1"};
  world.line.Say(Speech(700));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("toolCall") == 1; }));
  world.Advance(Duration::Millis(200));
  ASSERT_EQ(world.state(), State::kThinking);
  world.agent.Drop(1006);
  EXPECT_EQ(Result(world, "k1", "nine"), "done");
  const int asked = world.realtime.CountReceived("response.create");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(world.agent.tool_results(), testing::ElementsAre("k1=nine"));
  world.Advance(Duration::Millis(2'000));
  EXPECT_EQ(world.realtime.CountReceived("response.create"), asked + 1);
  EXPECT_EQ(world.state(), State::kListening);
}

// That a reply had been lost was remembered after the caller had spoken over
// it, and a later one that called a tool was asked for twice.
TEST(OwedTest, AReplyThatWasSpokenOverIsNotAskedForAgain) {
  VirtualWorld world(Realtime());
  Start(world);
  world.agent.speed = 2;
  world.line.Say(Speech(700));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.Advance(Duration::Millis(700));
  world.agent.Drop(1006);
  world.line.Say(Speech(900));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; },
                             Duration::Millis(20'000)));
  const int asked = world.realtime.CountReceived("response.create");
  world.agent.think = Duration::Millis(8'000);
  world.agent.Respond();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.agent.CallTool("k1", "lookup");
  world.Advance(Duration::Millis(300));
  EXPECT_EQ(Result(world, "k1", "nine"), "done");
  world.Advance(Duration::Millis(25'000));
  EXPECT_EQ(world.realtime.CountReceived("response.create"), asked + 1);
}

// Nobody was asked for the rest when the second socket broke as well while what
// there was of the reply played; the caller waited for `replyMs`.
TEST(OwedTest, AReplyIsAskedForAgainHoweverOftenItsSocketIsLost) {
  VirtualWorld world(Realtime());
  Start(world);
  world.agent.reply_ms = 12'000;
  world.agent.speed = 3;
  world.line.Say(Speech(700));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.Advance(Duration::Millis(2'500));
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 3; }));
  ASSERT_EQ(world.state(), State::kSpeaking);
  const int asked = world.realtime.CountReceived("response.create");
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.realtime.CountReceived("response.create"), asked + 1);
}

// The answer to a tool was asked for while the preamble played, and lost with
// the socket before its first audio.
TEST(OwedTest, AnAnswerThatWasAskedForAndNotBegunIsAskedForAgain) {
  VirtualWorld world(Realtime());
  Start(world);
  world.agent.think = Duration::Millis(5'000);
  world.agent.Respond();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.agent.CallTool("k1", "lookup");
  world.Advance(Duration::Millis(700));
  EXPECT_EQ(Result(world, "k1", "nine"), "done");
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.realtime.CountReceived("response.create"), 1);
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  ASSERT_EQ(world.state(), State::kSpeaking);
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.realtime.CountReceived("response.create"), 2);
}

// Each line of the conversation is told once, when it is final.
TEST(OwedTest, TheCallLeavesALineForEachUtterance) {
  VirtualWorld world(Realtime());
  Start(world);
  world.line.Say(Speech(700));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  world.line.HangUp();
  world.Advance(Duration::Millis(100));
  std::vector<std::string> roles;
  for (const Json& line : world.EventsOf("line")) {
    roles.emplace_back(StringMember(line, "role"));
  }
  EXPECT_THAT(roles, testing::UnorderedElementsAre("caller", "agent"));
}

// A second session: the agent knows what was said, no greeting comes twice,
// owed results are still delivered, and the call has no more time than it had.
TEST(OwedTest, TheSessionThatFollowsALostOneGoesOn) {
  VirtualWorld::Options options = Realtime();
  options.profile["greeting"] = "Welcome.";
  options.limits = {{"maxCallMs", 60'000}};
  std::string snapshot;
  int64_t next_seq = 0;
  {
    VirtualWorld first(options);
    first.line.Call();
    ASSERT_TRUE(first.RunUntil([&] { return first.Count("replyDone") == 1; }));
    first.agent.Transcribe("u0", "when do you open");
    CallTools(first, {"k1"});
    snapshot = first.snapshot();
    next_seq = static_cast<int64_t>(first.events().size());
  }
  ASSERT_FALSE(snapshot.empty());
  options.snapshot = snapshot;
  options.first_seq = next_seq;
  options.epoch_ms = 20'000;
  VirtualWorld second(options);
  second.line.Call();
  ASSERT_TRUE(second.RunUntil([&] { return second.Count("agentReady") == 1; }));
  second.Advance(Duration::Millis(200));
  std::string told;
  for (const Json& message : second.realtime.received()) {
    told += PrintJson(message);
  }
  EXPECT_THAT(told, testing::HasSubstr("when do you open"));
  EXPECT_THAT(told, testing::HasSubstr(R"("type":"function_call")"));
  EXPECT_THAT(told, testing::Not(testing::HasSubstr("Say exactly")));
  EXPECT_EQ(Result(second, "k1", "at nine"), "done");
  second.Advance(Duration::Millis(200));
  EXPECT_THAT(second.agent.tool_results(), testing::ElementsAre("k1=at nine"));
  EXPECT_EQ(second.Count("fault"), 0U);
  // 20 s of the minute went to the first.
  ASSERT_TRUE(second.RunUntil([&] { return !second.ended().empty(); },
                              Duration::Millis(60'000)));
  EXPECT_EQ(second.ended()[0]["reason"], "maxDuration");
  EXPECT_LE(second.ended()[0]["durationMs"], 55'000);
}

TEST(OwedTest, AForeignSnapshotIsRefusedAndTheCallGoesOn) {
  for (const char* text : {"", "{}", R"({"version":99})",
                           R"({"version":1,"epochMs":0,"conversation":{}})"}) {
    VirtualWorld::Options options = Realtime();
    options.snapshot = text;
    VirtualWorld world(options);
    Start(world);
    ASSERT_THAT(world.EventsOf("fault"), SizeIs(1));
    EXPECT_EQ(world.EventsOf("fault")[0]["code"], "snapshotRefused");
  }
}

}  // namespace
}  // namespace trunkline::test
