// A provider that works without end and says nothing, or answers what nobody
// asked: what comes of it is bounded, in time and in requests. Each was found
// by the storm (storm/), or is what it was made to find.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "session/replies.h"
#include "session/tool_desk.h"
#include "unit/session/hostile_call.h"

namespace trunkline::test {
namespace {

using session::Replies;
using session::State;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Reply = HostileRealtime::Reply;

// ---------------------------------------------------------------------------
// Work without a word

// 197,000 requests in a minute, and a call that had not failed.
TEST(HostileProviderTest, ToolsThatAreNoneAreNotCalledForEver) {
  AskedHostileCall call({.always = Reply::kCallsUndeclared});
  EXPECT_LT(call.MsToTheEnd(), 3'000);
  EXPECT_THAT(call.asked, SizeIs(Replies::kMaxSilent + 1));
  EXPECT_EQ(call.LastFailure(), "onlyTools");
  EXPECT_EQ(call.world.EndReason(), "agentFailed");
}

// At a pace that no bound of rounds notices: each round had the time of a reply
// anew.
TEST(HostileProviderTest, RoundsOfToolsTogetherHaveTheTimeOfAReply) {
  AskedHostileCall call(
      {.pause = Duration::Millis(900), .always = Reply::kCallsUndeclared});
  const Instant from = call.world.now();
  ASSERT_TRUE(call.Reaches(State::kFarewell));
  EXPECT_LE((call.world.now() - from).ms(), kHostileReplyMs);
  EXPECT_LT(call.asked.size(), size_t{Replies::kMaxSilent});
  EXPECT_EQ(call.LastFailure(), "onlyTools");
}

// A tool's own time is not the agent's.
TEST(HostileProviderTest, TheTimeOfAReplyStandsStillWhileAToolWorks) {
  AskedHostileCall call({.always = Reply::kIgnored});
  call.world.Advance(Duration::Millis(2'500));
  call.world.agent.CallTools({"k1"}, "lookup");
  call.world.Advance(Duration::Millis(2'000));
  ASSERT_EQ(call.world.state(), State::kThinking);
  call.AnswerTool("k1");
  call.world.Advance(Duration::Millis(1'300));
  EXPECT_EQ(call.world.state(), State::kThinking);
  // And goes on where it stood.
  call.world.Advance(Duration::Millis(300));
  EXPECT_NE(call.world.state(), State::kThinking);
}

// The wait for the reply began anew with each of them.
TEST(HostileProviderTest, TurnsThatNobodySpokeGiveAReplyNoMoreTime) {
  AskedHostileCall call({.always = Reply::kIgnored});
  const Instant from = call.world.now();
  for (int i = 0; i < 40 && call.world.Count("agentFailed") == 0; ++i) {
    call.world.agent.Commit();
    // Not so often that the requests are too many before.
    call.world.Advance(Duration::Millis(400));
  }
  EXPECT_EQ(call.LastFailure(), "noReply");
  EXPECT_LE((call.world.now() - from).ms(), kHostileReplyMs + 400);
}

TEST(HostileProviderTest, RequestsOfWhichNothingIsHeardAreBounded) {
  ReadyHostileCall call({.always = Reply::kEmpty});
  for (int i = 0; i < 100 && call.world.ended().empty(); ++i) {
    call.world.agent.Commit();
    call.world.Advance(Duration::Millis(100));
  }
  EXPECT_THAT(call.asked, SizeIs(Replies::kMaxUnheard));
  EXPECT_EQ(call.LastFailure(), "tooManyRequests");
  call.MsToTheEnd();
  EXPECT_EQ(call.world.EndReason(), "agentFailed");
}

// A click each time.
TEST(HostileProviderTest, AClickIsNothingThatIsHeard) {
  ReadyHostileCall call({.always = Reply::kIgnored});
  for (int i = 0; i < 100 && call.world.ended().empty(); ++i) {
    call.world.agent.Commit();
    call.world.Advance(Duration::Millis(60));
    const uint64_t reply = call.world.agent.BeginReply();
    call.world.realtime.ReplyBegan(reply);
    call.world.agent.BeginItem();
    call.world.agent.Say(reply, 2);
    call.world.realtime.ReplyDone(reply, AgentAdapter::End::kComplete);
    call.world.Advance(Duration::Millis(100));
  }
  EXPECT_LE(call.asked.size(), size_t{Replies::kMaxUnheard});
  EXPECT_EQ(call.LastFailure(), "tooManyRequests");
}

// A word each time, and never an end.
TEST(HostileProviderTest, RequestsForOneTurnAreBounded) {
  VirtualWorld::Options options = HostileOptions();
  options.limits["maxCallMs"] = 600'000;
  AskedHostileCall call({.options = options, .always = Reply::kPreamble});
  call.world.line.StopMedia();
  call.MsToTheEnd();
  EXPECT_THAT(call.asked, SizeIs(Replies::kMaxRequests));
  EXPECT_EQ(call.LastFailure(), "tooManyRequests");
  EXPECT_EQ(call.world.EndReason(), "agentFailed");
}

// A millisecond of audio now and then kept the call to its longest time.
TEST(HostileProviderTest, ASyllableNowAndThenIsNoReply) {
  AskedHostileCall call(
      {.pause = Duration::Millis(800), .always = Reply::kTrickle});
  ASSERT_TRUE(
      call.world.RunUntil([&] { return call.world.Count("agentFailed") > 0; },
                          Duration::Millis(3 * kHostileReplyMs)));
  EXPECT_EQ(call.LastFailure(), "noReply");
}

TEST(HostileProviderTest, AnEmptyReplyIsNamed) {
  AskedHostileCall call({.always = Reply::kEmpty});
  call.world.Advance(Duration::Millis(300));
  EXPECT_EQ(call.LastFailure(), "emptyReply");
  EXPECT_EQ(call.world.state(), State::kListening);
  EXPECT_THAT(call.world.ended(), IsEmpty());
}

// Three times as long as the caller was to wait.
TEST(HostileProviderTest, AllAttemptsTogetherHaveTheTimeToBeReady) {
  HostileCall call;
  call.provider->next_starts = {HostileRealtime::Start::kNeverReady,
                                HostileRealtime::Start::kNeverReady,
                                HostileRealtime::Start::kNeverReady};
  call.world.line.Call();
  ASSERT_TRUE(call.Reaches(State::kConnecting));
  const Instant from = call.world.now();
  call.world.Advance(Duration::Millis(kHostileReadyMs - 400));
  call.world.agent.Drop(1006);
  ASSERT_TRUE(call.Reaches(State::kFarewell));
  EXPECT_LE((call.world.now() - from).ms(), kHostileReadyMs);
  call.MsToTheEnd();
  EXPECT_EQ(call.world.EndReason(), "noAnswer");
}

// The new attempt began when its time was over, and what was due at the very
// moment of another deadline was never due.
TEST(HostileProviderTest, ATimerThatIsDueAtOnceIsDue) {
  VirtualWorld::Options options = HostileOptions();
  options.limits["agentReadyMs"] = 500;
  ReadyHostileCall call({.options = options});
  call.world.line.StopMedia();
  call.world.agent.Drop(1006);
  ASSERT_TRUE(
      call.world.RunUntil([&] { return call.world.Count("agentReady") == 2; }));
  call.provider->next_starts = {HostileRealtime::Start::kNeverReady};
  call.world.agent.Drop(1006);
  // The second pause is as long as all that is left.
  ASSERT_TRUE(call.Reaches(State::kFarewell, Duration::Millis(1'100)));
  EXPECT_EQ(call.LastFailure(), "notReady");
}

// A list that grew with each of them.
TEST(HostileProviderTest, CallsBehindOneThatWaitsAreBounded) {
  AskedHostileCall call({.always = Reply::kIgnored});
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back("k" + std::to_string(i));
  call.world.agent.CallTools(ids, "lookup");
  call.world.Advance(Duration::Millis(200));
  // What finds no place is answered at once, and each once.
  EXPECT_THAT(call.world.agent.tool_results(),
              SizeIs(ids.size() - session::ToolDesk::kMaxCalls));
  call.world.Advance(Duration::Millis(3'200));
  EXPECT_THAT(call.world.agent.tool_results(), SizeIs(ids.size()));
}

// ---------------------------------------------------------------------------
// A reply that is lost in mid-air

TEST(HostileProviderTest, AReplyLostInMidAirIsAskedForAgain) {
  // So slowly that its audio is here before the end.
  ReadyHostileCall call(
      {.pause = Duration::Millis(60), .next = {Reply::kDropsInAudio}});
  // A code after which a new socket may do better.
  call.provider->close_code = 1006;
  call.Turn();
  ASSERT_TRUE(call.Hears(2, Duration::Millis(20'000)));
  EXPECT_THAT(call.asked, SizeIs(2));
  EXPECT_EQ(call.world.EventsOf("agentFailed").front()["code"], "closed1006");
  // The log has both parts, and the first one is none that was whole.
  call.world.line.HangUp();
  call.MsToTheEnd();
  std::vector<bool> cut;
  for (const Json& line : call.world.EventsOf("line")) {
    if (StringMember(line, "role") == "agent") cut.push_back(line["cut"]);
  }
  EXPECT_THAT(cut, ElementsAre(true, false));
}

// Lines of the agent, by what the log says of them.
std::vector<std::string> AgentLines(const VirtualWorld& world) {
  std::vector<std::string> lines;
  for (const Json& line : world.EventsOf("line")) {
    if (StringMember(line, "role") != "agent") continue;
    std::string text(StringMember(line, "item"));
    text += line["cut"] == true ? " cut" : " whole";
    lines.push_back(text);
  }
  return lines;
}

// All that had come of it was heard: it was logged as a whole one.
TEST(HostileProviderTest, AReplyThatTheProviderDoesNotFinishIsCut) {
  for (const Reply reply :
       {Reply::kFailedInAudio, Reply::kCutShort, Reply::kItems}) {
    AskedHostileCall call({.next = {reply}});
    ASSERT_TRUE(call.Hears(1));
    call.world.line.HangUp();
    call.MsToTheEnd();
    const std::vector<std::string> lines = AgentLines(call.world);
    if (reply == Reply::kItems) {
      EXPECT_THAT(lines, Each(HasSubstr("whole")));
    } else {
      EXPECT_THAT(lines, ElementsAre("item_1 cut")) << ToString(reply);
    }
  }
}

// What was asked for waited for it.
TEST(HostileProviderTest, AReplyOfTheProvidersOwnIsWholeToo) {
  ReadyHostileCall call;
  call.world.agent.Respond();
  call.world.Advance(Duration::Millis(10));
  call.Say("One.");
  // It was busy, and is asked once more.
  ASSERT_TRUE(call.world.RunUntil([&] {
    return call.Asked("One.") == 2 && call.world.agent.items().size() == 2;
  }));
  ASSERT_TRUE(call.Reaches(State::kListening));
  call.world.line.HangUp();
  call.MsToTheEnd();
  EXPECT_THAT(AgentLines(call.world),
              ElementsAre("item_1 whole", "item_2 whole"));
}

// Its sound was in no line, and its words took the place of the first one's.
TEST(HostileProviderTest, AnItemWithANameOfAFormerReplyIsALineOfItsOwn) {
  AskedHostileCall call({.always = Reply::kPreamble, .same_name = 1000});
  ASSERT_TRUE(call.world.RunUntil([&] { return call.world.Count("line") > 7; },
                                  Duration::Millis(20'000)));
  int agents = 0;
  for (const Json& line : call.world.EventsOf("line")) {
    if (StringMember(line, "role") != "agent") continue;
    ++agents;
    EXPECT_EQ(line["said"], "some words of " + line["item"].get<std::string>());
  }
  EXPECT_GT(agents, 2);
  EXPECT_EQ(call.world.agent.items()[1].name, "item_1");
  EXPECT_THAT(call.world.agent.items()[1].id, testing::StartsWith("item_1@"));
}

}  // namespace
}  // namespace trunkline::test
