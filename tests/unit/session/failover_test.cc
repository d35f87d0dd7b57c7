// A dying provider is never the end of a call: each way to be lost, at each
// place of a call, with each kind of agent that may come next. Judged: nobody
// is left in silence, the next one is told or hears what it has to answer, and
// the call goes on with it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "support/world/failover_world.h"

namespace trunkline::test {
namespace {

using session::AgentLink;
using session::State;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// Who comes next.
struct Next {
  const char* name;
  const char* agents;
};

constexpr Next kNext[] = {
    {"Scripted",
     R"([{"agent":"openai-realtime"},{"agent":"scripted","model":"texts"}])"},
    {"ScriptedTurns",
     R"([{"agent":"openai-realtime"},
         {"agent":"scripted","model":"provider-turns texts"}])"},
    {"Realtime",
     R"([{"agent":"openai-realtime"},{"agent":"openai-realtime","model":"b"}])"},
    {"RealtimePcm",
     R"([{"agent":"openai-realtime"},
         {"agent":"openai-realtime","agentAudio":"pcm"}])"},
    {"House", R"([{"agent":"openai-realtime"},{"agent":"house"}])"},
};

enum class Fault : uint8_t {
  kDropAndRefused,  // 1006, and 503 from then on
  kDropAndSilent,   // 1006, and sockets that say nothing
  kDropForGood,     // a close that says that it does not help to try again
  kQuotaUsedUp,     // an error that says so
};
constexpr std::pair<const char*, Fault> kFaults[] = {
    {"DropAndRefused", Fault::kDropAndRefused},
    {"DropAndSilent", Fault::kDropAndSilent},
    {"DropForGood", Fault::kDropForGood},
    {"QuotaUsedUp", Fault::kQuotaUsedUp}};

enum class Place : uint8_t {
  kListening,
  kMidTurn,
  kThinking,
  kSpeaking,
  kToolInFlight,
  kGreeting,
};
constexpr std::pair<const char*, Place> kPlaces[] = {
    {"Listening", Place::kListening},       {"MidTurn", Place::kMidTurn},
    {"Thinking", Place::kThinking},         {"Speaking", Place::kSpeaking},
    {"ToolInFlight", Place::kToolInFlight}, {"Greeting", Place::kGreeting}};

struct Case {
  Next next;
  std::pair<const char*, Fault> fault;
  std::pair<const char*, Place> place;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.next.name << one.fault.first << one.place.first;
}

std::vector<Case> AllCases() {
  std::vector<Case> all;
  for (const Next& next : kNext) {
    for (const auto& fault : kFaults) {
      for (const auto& place : kPlaces) all.push_back({next, fault, place});
    }
  }
  return all;
}

// The provider of the first agent fails from now on; that of the next does not.
void Break(FailoverWorld& call, Fault fault) {
  VirtualWorld& world = call.world;
  // A second entry of the same provider is well.
  const auto well_again = [&world] {
    world.agent.refuses = world.agent.stalled = false;
  };
  switch (fault) {
    case Fault::kDropAndRefused:
      world.agent.refuses = true;
      world.agent.Drop(1006);
      break;
    case Fault::kDropAndSilent:
      world.agent.stalled = true;
      world.agent.Drop(1006);
      break;
    case Fault::kDropForGood:
      world.agent.Drop(1008);
      break;
    case Fault::kQuotaUsedUp:
      world.realtime.Send({{"type", "error"},
                           {"error",
                            {{"type", "insufficient_quota"},
                             {"code", "insufficient_quota"},
                             {"message", "You exceeded your quota."}}}});
      break;
  }
  call.Run([&] { return !call.Switches().empty(); }, 3'000);
  well_again();
}

class FailoverTest : public testing::TestWithParam<Case> {};

TEST_P(FailoverTest, TheCallGoesOnWithTheNextAgent) {
  const auto& [next, fault, place] = GetParam();
  Json members = Json::object();
  if (place.second == Place::kGreeting) {
    members["greeting"] = "Good day to you, this is a long greeting.";
  }
  FailoverWorld call(*ParseJson(next.agents), members);
  VirtualWorld& world = call.world;
  call.speech.hears = {"who are you", "what time is it", "who are you"};
  const bool is_house = std::string(next.name) == "House";
  switch (place.second) {
    case Place::kGreeting:
      world.agent.think = Duration::Millis(60'000);
      call.Call();
      ASSERT_TRUE(call.Run([&] { return world.state() == State::kThinking; }));
      break;
    case Place::kListening:
      ASSERT_TRUE(call.Listen());
      ASSERT_TRUE(call.Ask());
      break;
    case Place::kMidTurn:
      ASSERT_TRUE(call.Listen());
      call.Speak(1'500);
      call.Wait(800);
      break;
    case Place::kThinking:
    case Place::kToolInFlight:
      ASSERT_TRUE(call.Listen());
      if (place.second == Place::kToolInFlight) {
        world.agent.next_calls = {"c1"};
      } else {
        world.agent.think = Duration::Millis(60'000);
      }
      call.Speak();
      ASSERT_TRUE(call.Run([&] { return world.state() == State::kThinking; }));
      if (place.second == Place::kToolInFlight) {
        ASSERT_TRUE(call.Run([&] { return world.Count("toolCall") == 1; }));
      }
      call.Wait(200);
      break;
    case Place::kSpeaking:
      ASSERT_TRUE(call.Listen());
      world.agent.reply_ms = 4'000;
      world.agent.speed = 1;
      call.Speak();
      ASSERT_TRUE(call.Run([&] { return world.state() == State::kSpeaking; }));
      call.Wait(600);
      break;
  }
  const size_t replies = world.Count("replyDone");
  Break(call, fault.second);
  ASSERT_THAT(call.Switches(), SizeIs(1));
  EXPECT_EQ(call.Switches()[0]["fromIndex"], 0);
  EXPECT_EQ(call.Switches()[0]["toIndex"], 1);
  EXPECT_FALSE(call.Switches()[0]["reason"].get<std::string>().empty());
  world.agent.think = Duration::Millis(120);
  world.agent.reply_ms = 1'000;
  world.agent.speed = 8;
  if (place.second == Place::kToolInFlight) {
    // Not before its result is here.
    call.Wait(2'500);
    EXPECT_EQ(world.state(), State::kThinking);
    const Json result = world.Command(
        {{"type", "toolResult"}, {"toolCallId", "c1"}, {"output", "nine"}});
    EXPECT_EQ(result["status"], "done");
  }
  if (place.second == Place::kListening) {
    EXPECT_TRUE(call.Run([&] { return world.Count("agentReady") == 2; }));
  } else {
    // What was owed is said without another word of the caller's.
    const size_t more = place.second == Place::kSpeaking ? 2 : 1;
    EXPECT_TRUE(
        call.Run([&] { return world.Count("replyDone") >= replies + more; }));
  }
  if (place.second == Place::kToolInFlight) {
    // Executed once, and its result is in the log once.
    EXPECT_EQ(world.Count("toolCall"), 1U);
    if (!is_house) {
      EXPECT_THAT(world.agent.tool_results(), testing::ElementsAre("c1=nine"));
    }
  }
  if (place.second == Place::kThinking && !is_house) {
    // Nobody has a text of it: it is heard again, and no part of it is lost.
    EXPECT_GE(world.agent.heard_loud_ms(), 600);
  }
  EXPECT_TRUE(call.Run([&] { return world.state() == State::kListening; }));
  EXPECT_TRUE(call.Ask());
  EXPECT_LE(call.silence_ms(), FailoverWorld::kMostSilenceMs);
  EXPECT_THAT(world.ended(), IsEmpty());
  EXPECT_EQ(world.stray_messages(), 0);
  for (const Json& failed : world.EventsOf("agentFailed")) {
    EXPECT_EQ(failed["fatal"], false) << failed;
  }
  world.Command({{"type", "hangUp"}});
  EXPECT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(call.EndReason(), "hangUp");
  EXPECT_EQ(world.ended()[0]["agent"], call.Switches()[0]["to"]);
  EXPECT_EQ(world.ended()[0]["agentSwitches"], 1);
}

INSTANTIATE_TEST_SUITE_P(All, FailoverTest, testing::ValuesIn(AllCases()),
                         [](const testing::TestParamInfo<Case>& info) {
                           return std::string(info.param.next.name) +
                                  info.param.fault.first +
                                  info.param.place.first;
                         });

// ---------------------------------------------------------------------------
// Before it is ready

constexpr const char* kPair =
    R"([{"agent":"openai-realtime"},{"agent":"scripted","model":"texts"}])";

// How long until the second agent is ready, ms.
int64_t MsToTheSecond(FailoverWorld& call) {
  const Instant from = call.world.now();
  EXPECT_TRUE(call.Run([&] { return call.world.Count("agentReady") == 1; }));
  EXPECT_THAT(call.Switches(), SizeIs(1));
  EXPECT_LE(call.silence_ms(), FailoverWorld::kMostSilenceMs);
  return (call.world.now() - from).ms();
}

TEST(FailoverAtFirstTest, WhoIsNotLetInGivesWayAtOnce) {
  for (const uint16_t status : {uint16_t{401}, uint16_t{403}, uint16_t{404}}) {
    SCOPED_TRACE(status);
    FailoverWorld call(*ParseJson(kPair));
    call.world.agent.refuses = true;
    call.world.agent.refuses_with = status;
    call.Call();
    EXPECT_LT(MsToTheSecond(call), 300);
    EXPECT_TRUE(call.Ask());
  }
}

TEST(FailoverAtFirstTest, WhatMayPassIsTriedOnceMoreAndNotTwice) {
  for (const uint16_t status : {uint16_t{429}, uint16_t{500}, uint16_t{503}}) {
    SCOPED_TRACE(status);
    FailoverWorld call(*ParseJson(kPair));
    call.world.agent.refuses = true;
    call.world.agent.refuses_with = status;
    call.Call();
    EXPECT_LT(MsToTheSecond(call), 1'000);
    // Two of its sockets, and two of the next one's.
    EXPECT_EQ(call.world.connects(), 4);
    EXPECT_TRUE(call.Ask());
  }
}

TEST(FailoverAtFirstTest, WhoSaysNothingHasLessTimeThanOneWithoutASuccessor) {
  FailoverWorld call(*ParseJson(kPair));
  call.world.agent.stalled = true;
  call.Call();
  EXPECT_NEAR(static_cast<double>(MsToTheSecond(call)),
              static_cast<double>(AgentLink::kReadyWithin.ms()), 200);
  EXPECT_EQ(call.Switches()[0]["reason"], "notReady");
}

TEST(FailoverAtFirstTest, GarbageIsNoAgent) {
  FailoverWorld call(*ParseJson(kPair));
  call.world.agent.stalled = true;
  call.Call();
  call.Wait(300);
  for (const char* text : {"{", "[]", "\xff", R"({"type":7})"}) {
    call.world.realtime.SendText(text);
  }
  MsToTheSecond(call);
  EXPECT_TRUE(call.Ask());
}

TEST(FailoverAtFirstTest, ARefusedConfigurationGivesWayAtOnce) {
  FailoverWorld call(*ParseJson(kPair));
  call.world.agent.stalled = true;
  call.Call();
  call.Wait(200);
  call.world.realtime.Send({{"type", "session.created"}});
  call.Wait(100);
  const Json* update = call.world.realtime.LastReceived("session.update");
  ASSERT_NE(update, nullptr);
  call.world.realtime.Send({{"type", "error"},
                            {"error",
                             {{"code", "missing_required_parameter"},
                              {"event_id", (*update)["event_id"]}}}});
  EXPECT_LT(MsToTheSecond(call), 300);
  EXPECT_EQ(call.Switches()[0]["reason"], "missing_required_parameter");
}

// What he says to an agent that never comes is heard by the next.
TEST(FailoverAtFirstTest, WhatTheCallerSaysMeanwhileIsHeardByTheNext) {
  FailoverWorld call(*ParseJson(kPair));
  call.world.agent.stalled = true;
  call.Call();
  call.Wait(500);
  call.Speak(900);
  MsToTheSecond(call);
  EXPECT_TRUE(call.Run([&] { return call.world.Count("replyDone") == 1; }));
  EXPECT_GE(call.world.agent.heard_loud_ms(), 600);
  EXPECT_EQ(call.world.Count("turnEnded"), 1U);
}

// ---------------------------------------------------------------------------
// The end of the list

TEST(FailoverListTest, AListThatIsUsedUpEndsAsOneAgentThatIsLost) {
  FailoverWorld call(*ParseJson(
      R"([{"agent":"openai-realtime"},{"agent":"openai-realtime","model":"b"},
          {"agent":"openai-realtime","model":"c"}])"));
  call.world.agent.refuses = true;
  call.world.agent.refuses_with = 401;
  call.Call();
  ASSERT_TRUE(call.Run([&] { return !call.world.ended().empty(); }));
  EXPECT_THAT(call.Switches(), SizeIs(2));
  EXPECT_EQ(call.EndReason(), "noAnswer");
  const auto failures = call.world.EventsOf("agentFailed");
  ASSERT_THAT(failures, SizeIs(3));
  EXPECT_EQ(failures[0]["fatal"], false);
  EXPECT_EQ(failures[1]["fatal"], false);
  EXPECT_EQ(failures[2]["fatal"], true);
}

TEST(FailoverListTest, TheLastResortTakesOver) {
  FailoverWorld call(*ParseJson(R"([{"agent":"openai-realtime"}])"),
                     {{"lastResort", "house"}});
  call.speech.hears = {"who are you"};
  call.world.agent.refuses = true;
  call.world.agent.refuses_with = 401;
  call.Call();
  ASSERT_TRUE(call.Run([&] { return call.world.Count("agentReady") == 1; }));
  EXPECT_EQ(call.Switches()[0]["to"], "house");
  EXPECT_TRUE(call.Ask());
}

TEST(FailoverListTest, WhoIsToBeSkippedIsNotTriedFirst) {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.profile["agents"] = *ParseJson(kPair);
  options.config = {{"skipped", Json::array({0})}};
  VirtualWorld world(options);
  EXPECT_EQ(world.EventsOf("opened")[0]["agent"], "scripted");
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  EXPECT_EQ(world.agent.connections(), 1);
  EXPECT_EQ(world.Count("agentSwitched"), 0U);
  // It is there when the other one is not.
  world.agent.Drop(1008);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  EXPECT_EQ(world.EventsOf("agentSwitched")[0]["to"], "openai-realtime");
}

// ---------------------------------------------------------------------------
// Failures that no socket tells of

TEST(FailoverReplyTest, AStallIsWaitedForOnce) {
  FailoverWorld call(*ParseJson(kPair));
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(600'000);
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return !call.Switches().empty(); }));
  EXPECT_EQ(call.Switches()[0]["reason"], "noReply");
  EXPECT_EQ(call.world.realtime.CountReceived("session.update"), 1);
  call.world.agent.think = Duration::Millis(120);
  EXPECT_TRUE(call.Run([&] { return call.world.Count("replyDone") == 1; }));
  EXPECT_LE(call.silence_ms(), FailoverWorld::kMostSilenceMs);
  EXPECT_EQ(call.world.Count("turnEnded"), 1U);
}

// A limit that says more than the caller would wait for.
TEST(FailoverReplyTest, ARateLimitIsNotWaitedForWhereAnotherOneIsThere) {
  FailoverWorld call(*ParseJson(kPair));
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(600'000);
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return call.world.state() == State::kThinking; }));
  call.Wait(100);
  const Json* request = call.world.realtime.LastReceived("response.create");
  ASSERT_NE(request, nullptr);
  call.world.realtime.Send(
      {{"type", "error"},
       {"error",
        {{"code", "rate_limit_exceeded"},
         {"event_id", (*request)["event_id"]},
         {"message", "Rate limit reached. Please try again in 3.1s."}}}});
  call.world.agent.think = Duration::Millis(120);
  ASSERT_TRUE(call.Run([&] { return !call.Switches().empty(); }, 500));
  EXPECT_TRUE(call.Run([&] { return call.world.Count("replyDone") == 1; }));
}

// What the caller is known to have said is told, and not heard again.
TEST(FailoverReplyTest, ATurnOfWhichThereIsATextIsTold) {
  FailoverWorld call(*ParseJson(kPair));
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(600'000);
  call.Speak();
  ASSERT_TRUE(call.Run([&] { return call.world.state() == State::kThinking; }));
  call.world.realtime.Send(
      {{"type", "conversation.item.input_audio_transcription.completed"},
       {"item_id", "user_1"},
       {"content_index", 0},
       {"transcript", "Where is my parcel?"}});
  call.Wait(100);
  call.world.agent.Drop(1008);
  call.world.agent.think = Duration::Millis(120);
  EXPECT_TRUE(call.Run([&] { return call.world.Count("replyDone") == 1; }));
  EXPECT_THAT(call.Told(), HasSubstr("Where is my parcel?"));
  EXPECT_EQ(call.world.agent.heard_loud_ms(), 0);
  EXPECT_EQ(call.world.agent.asked(), 2);
}

// ---------------------------------------------------------------------------
// At the end of a call

TEST(FailoverFarewellTest, WhoDiesInItsGoodbyeHasNoSuccessor) {
  FailoverWorld call(*ParseJson(kPair), {{"farewell", "Goodbye to you."}});
  ASSERT_TRUE(call.Listen());
  call.world.agent.think = Duration::Millis(60'000);
  call.world.Command({{"type", "hangUp"}});
  ASSERT_EQ(call.world.state(), State::kFarewell);
  call.world.agent.Drop(1008);
  EXPECT_TRUE(call.Run([&] { return !call.world.ended().empty(); }));
  EXPECT_THAT(call.Switches(), IsEmpty());
  EXPECT_EQ(call.EndReason(), "hangUp");
}

// ---------------------------------------------------------------------------
// One agent alone, as ever

TEST(FailoverListTest, AListOfOneIsOneAgent) {
  FailoverWorld call(*ParseJson(R"([{"agent":"openai-realtime"}])"));
  ASSERT_TRUE(call.Listen());
  call.world.agent.Drop(1008);
  EXPECT_TRUE(call.Run([&] { return !call.world.ended().empty(); }));
  EXPECT_THAT(call.Switches(), IsEmpty());
  EXPECT_EQ(call.EndReason(), "agentFailed");
  EXPECT_FALSE(call.world.ended()[0].contains("agent"));
}

// A drop that heals is no reason to go.
TEST(FailoverListTest, OneThatIsBackAtOnceStays) {
  FailoverWorld call(*ParseJson(kPair));
  ASSERT_TRUE(call.Listen());
  call.world.agent.Drop(1006);
  EXPECT_TRUE(call.Run([&] { return call.world.Count("agentReady") == 2; }));
  EXPECT_THAT(call.Switches(), IsEmpty());
  EXPECT_TRUE(call.Ask());
  // And has its try again after that.
  call.world.agent.Drop(1006);
  EXPECT_TRUE(call.Run([&] { return call.world.Count("agentReady") == 3; }));
  EXPECT_THAT(call.Switches(), IsEmpty());
}

}  // namespace
}  // namespace trunkline::test
