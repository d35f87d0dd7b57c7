// A provider that works without end and says nothing, or answers what nobody
// asked: what comes of it is bounded, in time and in requests, and what is owed
// to the caller is said or given up by name. Each was found by the storm
// (storm/), or is what it was made to find.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "session/replies.h"
#include "session/tool_desk.h"
#include "support/world/hostile_realtime.h"
#include "support/world/sound.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::Replies;
using session::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Reply = HostileRealtime::Reply;
using Start = HostileRealtime::Start;

constexpr int64_t kReplyMs = 4'000;
constexpr int64_t kReadyMs = 3'000;

VirtualWorld::Options Options() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.epoch_ms = 1'000'000;
  options.profile = {{"tools", Json::array({Json{{"type", "function"},
                                                 {"name", "lookup"},
                                                 {"timeoutMs", 3'000}},
                                            Json{{"type", "function"},
                                                 {"name", "quick"},
                                                 {"timeoutMs", 100}}})}};
  options.limits = {{"replyMs", kReplyMs}, {"agentReadyMs", kReadyMs}};
  return options;
}

VirtualWorld::Options Greeting() {
  VirtualWorld::Options options = Options();
  options.profile["greeting"] = "Good day to you.";
  return options;
}

// A call's options, and what its provider keeps to.
struct Script {
  VirtualWorld::Options options = Options();
  // Between its messages.
  Duration pause = {};
  // What comes of each request in turn, and of each after those; honest replies
  // without it.
  std::deque<Reply> next = {};
  std::optional<Reply> always = {};
};

// A call with a hostile provider, before it begins.
struct Call {
  explicit Call(const Script& script = {}) : world(script.options) {
    HostileRealtime::Temper temper;
    temper.pause = script.pause;
    provider = std::make_unique<HostileRealtime>(world.clock, world.upstreams,
                                                 world.agent, world.realtime,
                                                 Dice(1), temper);
    provider->next_replies = script.next;
    provider->always = script.always;
    provider->on_request = [this](const Json& request) {
      if (StringMember(request, "type") != "response.create") return;
      const Json* response = FindMember(request, "response");
      asked.emplace_back(
          response == nullptr ? "" : StringMember(*response, "instructions"));
    };
    world.agent.reply_ms = 800;
  }

  // A turn of the caller that the provider takes.
  void Turn() {
    const size_t turns = world.Count("turnEnded");
    world.line.Say(Speech(700));
    EXPECT_TRUE(
        world.RunUntil([&] { return world.Count("turnEnded") > turns; }));
  }
  // A text by command, which is taken.
  void Say(const std::string& text) { EXPECT_EQ(SayStatus(text), "done"); }
  std::string SayStatus(const std::string& text) {
    return std::string(StringMember(
        world.Command({{"type", "say"}, {"text", text}}), "status"));
  }
  void AnswerTool(const std::string& id) {
    world.Command(
        {{"type", "toolResult"}, {"toolCallId", id}, {"output", "nine"}});
  }
  // The provider wants to be asked later.
  void PutOff(const std::string& message) {
    world.realtime.Send(
        {{"type", "error"},
         {"error", {{"code", "rate_limit_exceeded"}, {"message", message}}}});
  }
  // Until the conversation is there; whether it was.
  bool Reaches(State state, Duration limit = Duration::Millis(60'000)) {
    return world.RunUntil([&] { return world.state() == state; }, limit);
  }
  // Until so many replies were heard; whether they were.
  bool Hears(size_t replies, Duration limit = Duration::Millis(60'000)) {
    return world.RunUntil([&] { return world.Count("replyDone") == replies; },
                          limit);
  }
  // Until the call has ended, ms.
  int64_t MsToTheEnd() {
    const Instant from = world.now();
    EXPECT_TRUE(world.RunUntil([&] { return !world.ended().empty(); },
                               Duration::Millis(200'000)));
    return (world.now() - from).ms();
  }
  std::string LastFailure() const {
    const auto failures = world.EventsOf("agentFailed");
    return failures.empty() ? "" : failures.back()["code"].get<std::string>();
  }
  int Asked(const std::string& text) const {
    int count = 0;
    for (const std::string& one : asked) {
      if (one.find(text) != std::string::npos) ++count;
    }
    return count;
  }

  VirtualWorld world;
  std::unique_ptr<HostileRealtime> provider;
  std::vector<std::string> asked;
};

// A call whose agent is ready.
struct ReadyCall : Call {
  explicit ReadyCall(const Script& script = {}) : Call(script) {
    world.line.Call();
    EXPECT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 1; }));
  }
};

// A call whose agent was asked for a reply to the caller's turn.
struct AskedCall : ReadyCall {
  explicit AskedCall(const Script& script = {}) : ReadyCall(script) { Turn(); }
};

// ---------------------------------------------------------------------------
// Work without a word

// 197,000 requests in a minute, and a call that had not failed.
TEST(HostileProviderTest, ToolsThatAreNoneAreNotCalledForEver) {
  AskedCall call({.always = Reply::kCallsUndeclared});
  EXPECT_LT(call.MsToTheEnd(), 3'000);
  EXPECT_THAT(call.asked, SizeIs(Replies::kMaxSilent + 1));
  EXPECT_EQ(call.LastFailure(), "onlyTools");
  EXPECT_EQ(call.world.EndReason(), "agentFailed");
}

// At a pace that no bound of rounds notices: each round had the time of a reply
// anew.
TEST(HostileProviderTest, RoundsOfToolsTogetherHaveTheTimeOfAReply) {
  AskedCall call(
      {.pause = Duration::Millis(900), .always = Reply::kCallsUndeclared});
  const Instant from = call.world.now();
  ASSERT_TRUE(call.Reaches(State::kFarewell));
  EXPECT_LE((call.world.now() - from).ms(), kReplyMs);
  EXPECT_LT(call.asked.size(), size_t{Replies::kMaxSilent});
  EXPECT_EQ(call.LastFailure(), "onlyTools");
}

// A tool's own time is not the agent's.
TEST(HostileProviderTest, TheTimeOfAReplyStandsStillWhileAToolWorks) {
  AskedCall call({.always = Reply::kIgnored});
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
  AskedCall call({.always = Reply::kIgnored});
  const Instant from = call.world.now();
  for (int i = 0; i < 40 && call.world.Count("agentFailed") == 0; ++i) {
    call.world.agent.Commit();
    // Not so often that the requests are too many before.
    call.world.Advance(Duration::Millis(400));
  }
  EXPECT_EQ(call.LastFailure(), "noReply");
  EXPECT_LE((call.world.now() - from).ms(), kReplyMs + 400);
}

TEST(HostileProviderTest, RequestsOfWhichNothingIsHeardAreBounded) {
  ReadyCall call({.always = Reply::kEmpty});
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
  ReadyCall call({.always = Reply::kIgnored});
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
  VirtualWorld::Options options = Options();
  options.limits["maxCallMs"] = 600'000;
  AskedCall call({.options = options, .always = Reply::kPreamble});
  call.world.line.StopMedia();
  call.MsToTheEnd();
  EXPECT_THAT(call.asked, SizeIs(Replies::kMaxRequests));
  EXPECT_EQ(call.LastFailure(), "tooManyRequests");
  EXPECT_EQ(call.world.EndReason(), "agentFailed");
}

// A millisecond of audio now and then kept the call to its longest time.
TEST(HostileProviderTest, ASyllableNowAndThenIsNoReply) {
  AskedCall call({.pause = Duration::Millis(800), .always = Reply::kTrickle});
  ASSERT_TRUE(
      call.world.RunUntil([&] { return call.world.Count("agentFailed") > 0; },
                          Duration::Millis(3 * kReplyMs)));
  EXPECT_EQ(call.LastFailure(), "noReply");
}

TEST(HostileProviderTest, AnEmptyReplyIsNamed) {
  AskedCall call({.always = Reply::kEmpty});
  call.world.Advance(Duration::Millis(300));
  EXPECT_EQ(call.LastFailure(), "emptyReply");
  EXPECT_EQ(call.world.state(), State::kListening);
  EXPECT_THAT(call.world.ended(), IsEmpty());
}

// Three times as long as the caller was to wait.
TEST(HostileProviderTest, AllAttemptsTogetherHaveTheTimeToBeReady) {
  Call call;
  call.provider->next_starts = {Start::kNeverReady, Start::kNeverReady,
                                Start::kNeverReady};
  call.world.line.Call();
  ASSERT_TRUE(call.Reaches(State::kConnecting));
  const Instant from = call.world.now();
  call.world.Advance(Duration::Millis(kReadyMs - 400));
  call.world.agent.Drop(1006);
  ASSERT_TRUE(call.Reaches(State::kFarewell));
  EXPECT_LE((call.world.now() - from).ms(), kReadyMs);
  call.MsToTheEnd();
  EXPECT_EQ(call.world.EndReason(), "noAnswer");
}

// The new attempt began when its time was over, and what was due at the very
// moment of another deadline was never due.
TEST(HostileProviderTest, ATimerThatIsDueAtOnceIsDue) {
  VirtualWorld::Options options = Options();
  options.limits["agentReadyMs"] = 500;
  ReadyCall call({.options = options});
  call.world.line.StopMedia();
  call.world.agent.Drop(1006);
  ASSERT_TRUE(
      call.world.RunUntil([&] { return call.world.Count("agentReady") == 2; }));
  call.provider->next_starts = {Start::kNeverReady};
  call.world.agent.Drop(1006);
  // The second pause is as long as all that is left.
  ASSERT_TRUE(call.Reaches(State::kFarewell, Duration::Millis(1'100)));
  EXPECT_EQ(call.LastFailure(), "notReady");
}

// A list that grew with each of them.
TEST(HostileProviderTest, CallsBehindOneThatWaitsAreBounded) {
  AskedCall call({.always = Reply::kIgnored});
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
  ReadyCall call(
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

// ---------------------------------------------------------------------------
// What is owed

// What was here of it was played to nobody, and the rest was never asked for.
TEST(HostileProviderTest, AReplyOutlivesTheLossOfBothSockets) {
  ReadyCall call;
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

// The agent was ready while the stream was away: nobody was ever greeted.
TEST(HostileProviderTest, AGreetingOutlivesAStreamThatIsLostBeforeIt) {
  Call call({.options = Greeting()});
  call.world.line.Call();
  ASSERT_TRUE(call.Reaches(State::kConnecting));
  call.world.line.Drop();
  call.world.Advance(Duration::Millis(500));
  ASSERT_EQ(call.world.Count("agentReady"), 1U);
  call.world.line.Call();
  ASSERT_TRUE(call.Hears(1));
  EXPECT_EQ(call.Asked("Good day"), 1);
}

TEST(HostileProviderTest, AGreetingOfWhichNothingComesIsGivenUpByName) {
  ReadyCall call({.options = Greeting(), .always = Reply::kEmpty});
  call.world.Advance(Duration::Millis(2'000));
  EXPECT_EQ(call.Asked("Good day"), Replies::kMaxSayTries);
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "Good day to you.");
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "failed");
}

// Nothing said that it was not.
TEST(HostileProviderTest, AGreetingThatTheEndCutsShortIsNamed) {
  ReadyCall call({.options = Greeting(), .always = Reply::kIgnored});
  call.world.line.HangUp();
  call.MsToTheEnd();
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "Good day to you.");
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["reason"], "ended");
}

// The second took the place of the first, and a turn took that of both.
TEST(HostileProviderTest, TextsByCommandAreSaidOneAfterTheOther) {
  ReadyCall call;
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

TEST(HostileProviderTest, ATextOutlivesTheSocketThatWasToSayIt) {
  ReadyCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  call.world.Advance(Duration::Millis(200));
  call.world.agent.Drop(1006);
  ASSERT_TRUE(call.Hears(1));
  EXPECT_EQ(call.Asked("One."), 2);
  EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
}

// Nothing waited for it.
TEST(HostileProviderTest, ATextThatIsNotAnsweredIsNoticed) {
  ReadyCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  ASSERT_TRUE(call.Hears(1, Duration::Millis(kReplyMs + 4'000)));
  EXPECT_EQ(call.LastFailure(), "noReply");
}

TEST(HostileProviderTest, ATextIsNotAskedForBeforeItsTime) {
  ReadyCall call({.always = Reply::kIgnored});
  call.Say("One.");
  call.world.Advance(Duration::Millis(100));
  call.PutOff("Please try again in 2s.");
  call.world.Advance(Duration::Millis(1'900));
  EXPECT_EQ(call.Asked("One."), 1);
  call.world.Advance(Duration::Millis(300));
  EXPECT_EQ(call.Asked("One."), 2);
}

// It had the time that was left of the whole reply, however long that was.
TEST(HostileProviderTest, AToolAtTheEndOfALongReplyIsWaitedFor) {
  ReadyCall call;
  call.world.agent.reply_ms = kReplyMs + 2'000;
  call.world.agent.speed = 1;
  call.Turn();
  ASSERT_TRUE(call.world.RunUntil(
      [&] { return call.world.line.heard_ms() > kReplyMs + 500; }));
  ASSERT_EQ(call.world.state(), State::kSpeaking);
  call.world.agent.CallTool("k1", "lookup");
  call.world.Advance(Duration::Millis(200));
  call.AnswerTool("k1");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.asked.size() == 2; }));
  call.world.Advance(Duration::Millis(3'000));
  EXPECT_THAT(call.world.EventsOf("agentFailed"), IsEmpty());
}

TEST(HostileProviderTest, ATextIsGivenUpByName) {
  ReadyCall call({.always = Reply::kIncomplete});
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

TEST(HostileProviderTest, TextsThatWaitAreBounded) {
  ReadyCall call({.always = Reply::kIgnored});
  for (size_t i = 0; i < Replies::kMaxSays; ++i) {
    call.Say("Text.");
  }
  EXPECT_EQ(call.SayStatus("One too many."), "refused");
  const Json result = call.world.Command(
      {{"type", "say"}, {"text", std::string(Replies::kMaxSayBytes + 1, 'x')}});
  EXPECT_EQ(result["code"], "invalid");
  EXPECT_EQ(result["field"], "text");
}

TEST(HostileProviderTest, ATextOutlivesTheObject) {
  ReadyCall first({.always = Reply::kIgnored});
  first.Say("One.");
  first.world.Advance(Duration::Millis(200));
  VirtualWorld::Options options = Options();
  options.snapshot = first.world.snapshot();
  options.first_seq = static_cast<int64_t>(first.world.events().size());
  ReadyCall second({.options = options});
  ASSERT_TRUE(second.Hears(1));
  EXPECT_EQ(second.Asked("One."), 1);
}

// A time of hours kept it until the call ended.
TEST(HostileProviderTest, ATextIsNotPutOffForLongerThanAReply) {
  ReadyCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  call.world.Advance(Duration::Millis(100));
  call.PutOff("Please try again in 2h.");
  call.world.Advance(Duration::Millis(kReplyMs - 200));
  EXPECT_EQ(call.Asked("One."), 1);
  ASSERT_TRUE(call.Hears(1, Duration::Millis(3'000)));
  EXPECT_EQ(call.Asked("One."), 2);
}

// The reply was asked for twice, and another was waited for that nobody makes:
// nothing was said any more.
TEST(HostileProviderTest, ATextThatFailsBeforeAReplyIsNotTheReply) {
  ReadyCall call({.next = {Reply::kText, Reply::kHonest}});
  call.Say("One.");
  call.world.Command({{"type", "digits"}, {"digits", "7"}});
  ASSERT_TRUE(call.world.RunUntil(
      [&] {
        return call.Asked("One.") == 2 &&
               call.world.state() == State::kListening;
      },
      Duration::Millis(kReplyMs)));
  EXPECT_THAT(call.asked,
              ElementsAre(HasSubstr("One."), "", HasSubstr("One.")));
}

// Its end never came: nothing else was said.
TEST(HostileProviderTest, ATextDoesNotWaitForTheEndOfWhatWasCancelled) {
  AskedCall call({.next = {Reply::kStallsInAudio}});
  ASSERT_TRUE(call.Reaches(State::kSpeaking));
  call.world.line.Press('1');
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.world.state(), State::kListening);
  call.Say("One.");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 1; },
                                  Duration::Millis(kReplyMs + 2'000)));
}

// What was not said twice before the object was lost was, after it.
TEST(HostileProviderTest, ATextThatWasSaidIsNotOwedToTheNextSession) {
  ReadyCall first;
  first.Say("One.");
  ASSERT_TRUE(first.Reaches(State::kSpeaking));
  EXPECT_THAT(first.world.snapshot(), testing::Not(HasSubstr("One.")));
}

// The session that followed counted the same turns once more.
TEST(HostileProviderTest, ATurnWithinATurnIsInTheSnapshot) {
  AskedCall call({.always = Reply::kIgnored});
  call.world.agent.Commit();
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.world.Count("turnEnded"), 2U);
  const auto snapshot = ParseJson(call.world.snapshot());
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ((*snapshot)["conversation"]["turns"], 2);
}

// The first of two results of one id was lost: the second took its place.
TEST(HostileProviderTest, ResultsOfAnIdThatIsUsedTwiceAreBothGiven) {
  Json tools = Options().profile["tools"];
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
