// Whole calls: from the first socket to the summary, and every way in between
// of losing one side.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using protocol::kLegChannel;
using session::Session;
using session::State;

VirtualWorld::Options Realtime() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.leg_delay = Duration::Millis(10);
  return options;
}

TEST(CallTest, ParrotAnswersWithTheCallersOwnBytes) {
  VirtualWorld world({});
  Connect(world);
  const std::string words = world.line.Encoded(Speech(1500));
  world.line.Say(Speech(1500));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  // The words are in what was heard, unchanged, from end to end.
  const std::string& heard = world.line.heard();
  EXPECT_NE(heard.find(words), std::string::npos);
  EXPECT_EQ(world.line.underruns(), 0);
  EXPECT_THAT(world.line.violations(), testing::IsEmpty());
}

TEST(CallTest, FirstAudioIsHeardWithinTheWindowAndSixtyMilliseconds) {
  VirtualWorld world({});
  Connect(world);
  world.line.Say(Speech(1000));
  const Instant spoken = world.now();
  ASSERT_TRUE(world.RunUntil([&] { return !world.line.heard().empty(); }));
  // Speech began with the frame after `spoken` and lasted a second.
  const Duration delay = world.now() - (spoken + Duration::Millis(1000));
  EXPECT_LE(delay.ms(), 700 + 60);
  EXPECT_GE(delay.ms(), 600);
}

TEST(CallTest, HangUpEndsTheCallOnce) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.line.HangUp();
  world.Advance(Duration::Millis(1000));
  EXPECT_EQ(world.EndReason(), "callerHangUp");
  EXPECT_FALSE(world.agent_open());
  world.Input([&](Session& s) { s.OnTimer(world.now()); });
  world.Input(
      [&](Session& s) { s.OnClosed(kLegChannel, 1006, 0, "", world.now()); });
  EXPECT_EQ(world.EndReason(), "callerHangUp");
  EXPECT_EQ(world.effects_after_end(), 0);
}

TEST(CallTest, StopThenCloseAndCloseAloneAreTheSame) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.line.Stop();
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.EndReason(), "callerHangUp");
  EXPECT_EQ(world.line.close_code(), 1000);
}

struct VerdictCase {
  Session::Verdict verdict;
  uint16_t code;
};
class UnauthorizedTest : public testing::TestWithParam<VerdictCase> {};

TEST_P(UnauthorizedTest, IsClosedWithItsOwnCodeBeforeAnyUpstream) {
  VirtualWorld::Options options = Realtime();
  options.verdict = GetParam().verdict;
  VirtualWorld world(options);
  world.line.Call();
  world.Advance(Duration::Millis(500));
  EXPECT_EQ(world.line.close_code(), GetParam().code);
  EXPECT_EQ(world.connects(), 0);
  EXPECT_EQ(world.EndReason(), "unauthorized");
}

INSTANTIATE_TEST_SUITE_P(
    Verdicts, UnauthorizedTest,
    testing::Values(VerdictCase{Session::Verdict::kForeign, 4403},
                    VerdictCase{Session::Verdict::kExpired, 4410},
                    VerdictCase{Session::Verdict::kUsed, 4409},
                    VerdictCase{Session::Verdict::kMissing, 4401}));

TEST(CallTest, NoStartInTimeIsClosedBeforeAnyUpstream) {
  VirtualWorld world(Realtime());
  world.Input([&](Session& s) { s.OnOpened(kLegChannel, "", world.now()); });
  world.line.SendText(R"({"event":"connected"})");
  world.Advance(Duration::Millis(4990));
  EXPECT_FALSE(world.line.close_code().has_value());
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.line.close_code(), 4401);
  EXPECT_EQ(world.connects(), 0);
  EXPECT_EQ(world.EndReason(), "noStart");
}

// An agent that never comes: tones and a clean hang-up, not silence.
TEST(CallTest, NoAnswerIsATonedGoodbye) {
  VirtualWorld world(Realtime());
  world.agent.stalled = true;
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "noAnswer");
  world.Advance(Duration::Millis(50));
  EXPECT_EQ(world.line.close_code(), 1000);
  EXPECT_GT(world.line.heard_ms(), 300);
}

TEST(CallTest, DeadAirEndsInAGoodbye) {
  VirtualWorld::Options options = Realtime();
  options.limits = {{"deadAirMs", 20'000}};
  VirtualWorld world(options);
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "deadAir");
  // From the end of the reply, not from the start of the call.
  EXPECT_EQ(world.ended()[0]["replies"], 1);
  EXPECT_GT(world.ended()[0]["durationMs"].get<int64_t>(), 24'000);
}

TEST(CallTest, TheLongestCallEnds) {
  VirtualWorld::Options options;
  options.limits = {{"maxCallMs", 30'000}};
  VirtualWorld world(options);
  Connect(world);
  for (int i = 0; i < 20; ++i) {
    world.line.Say(Speech(800));
    world.Advance(Duration::Millis(2500));
  }
  EXPECT_EQ(world.EndReason(), "maxDuration");
  EXPECT_NEAR(world.ended()[0]["durationMs"].get<double>(), 31'000, 1'500);
}

TEST(CallTest, AgentThatStopsInTheMiddleIsReplacedAndAsked) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.agent.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.agent.connections(), 2);
  EXPECT_THAT(world.ended(), testing::IsEmpty());
}

TEST(CallTest, AgentThatRefusesEveryReconnectEndsTheCallCleanly) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.agent.refuses = true;
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "agentFailed");
  EXPECT_EQ(world.agent.connections(), 1 + session::AgentLink::kMaxRetries);
  EXPECT_GT(world.line.heard_ms(), 300);  // the tones
}

TEST(CallTest, AnErrorThatNoRetryCuresIsNotRetried) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.agent.Drop(1008);
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.agent.connections(), 1);
  EXPECT_EQ(world.EndReason(), "agentFailed");
}

TEST(CallTest, SessionExpiryIsAReconnect) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.realtime.Send(
      {{"type", "error"}, {"error", {{"code", "session_expired"}}}});
  ASSERT_TRUE(world.RunUntil([&] { return world.agent.connections() == 2; }));
  world.line.Say(Speech(600));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
}

// An open socket that says nothing any more.
TEST(CallTest, AStalledAgentIsNoticedByItsMissingReply) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.agent.stalled = true;
  world.agent.Drop(1006);
  world.agent.stalled = true;
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); },
                             Duration::Millis(120'000)));
  EXPECT_EQ(world.EndReason(), "agentFailed");
}

// The stream breaks and the carrier brings it back: the rest of the reply is
// heard, from where it broke.
TEST(CallTest, AStreamThatComesBackHearsTheRest) {
  VirtualWorld world(Realtime());
  world.agent.reply_ms = 5000;
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(world.RunUntil([&] { return world.line.heard_ms() > 2000; }));
  const Agent::Item item = world.agent.items().back();
  world.line.Drop();
  EXPECT_EQ(world.state(), State::kLegLost);
  EXPECT_TRUE(world.agent_open());
  world.Advance(Duration::Millis(3000));
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  // What was under way when it broke counts as heard: at most the lead.
  EXPECT_NEAR(static_cast<double>(world.HeardMs(item)), 5000, 230);
  EXPECT_THAT(world.ended(), testing::IsEmpty());
}

TEST(CallTest, AStreamThatStaysAwayEndsTheCall) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.line.Drop();
  world.Advance(Duration::Millis(14'900));
  EXPECT_THAT(world.ended(), testing::IsEmpty());
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(world.EndReason(), "legLost");
  EXPECT_FALSE(world.agent_open());
}

TEST(CallTest, AForeignStreamDoesNotTakeALostCall) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.line.Drop();
  world.Advance(Duration::Millis(1000));
  world.options.verdict = Session::Verdict::kForeign;
  world.line.Call();
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(world.line.close_code(), 4403);
  EXPECT_EQ(world.state(), State::kLegLost);
  world.options.verdict = Session::Verdict::kGranted;
  world.line.Call();
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(world.state(), State::kListening);
}

// Words spoken while the agent is not ready reach it when it is.
TEST(CallTest, SpeechBeforeTheAgentIsReadyIsNotLost) {
  VirtualWorld::Options options = Realtime();
  options.agent_delay = Duration::Millis(300);
  VirtualWorld world(options);
  world.line.Say(Speech(700));
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

// The carrier goes silent in the middle of a word: the turn ends all the same.
TEST(CallTest, MediaThatStopsDoesNotKeepATurnOpen) {
  VirtualWorld world({});
  Connect(world);
  world.line.Say(Speech(3000));
  world.Advance(Duration::Millis(1000));
  world.line.StopMedia();
  world.Advance(Duration::Millis(3000));
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

TEST(CallTest, LostFramesAreFilledSoThatTimeStaysTheCallers) {
  VirtualWorld world({});
  world.line.loss_per_mille = 50;
  Connect(world);
  world.line.Say(Speech(4000));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  world.line.HangUp();
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.ended().size(), 1U);
  const Json& counters = world.ended()[0]["counters"];
  EXPECT_GT(counters.value("filledMs", 0), 40);
  EXPECT_GT(counters.value("leg.lostMessages", 0), 2);
  const auto reply_ms = static_cast<double>(world.line.heard_ms());
  EXPECT_NEAR(reply_ms, 4000 + 140, 100);
}

TEST(CallTest, WhatWasHeardOfAReplyThatTheHangUpCutsIsTold) {
  VirtualWorld world({});
  Connect(world);
  world.line.Say(Speech(3000));
  ASSERT_TRUE(world.RunUntil([&] {
    return world.state() == State::kSpeaking && world.line.heard_ms() > 1200;
  }));
  const auto heard_ms = static_cast<double>(world.line.heard_ms());
  world.line.HangUp();
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.ended().size(), 1U);
  const auto cuts = world.EventsOf("truncated");
  ASSERT_EQ(cuts.size(), 1U);
  EXPECT_NEAR(cuts[0].value("audioEndMs", 0), heard_ms, 40);
  EXPECT_NEAR(cuts[0].value("receivedMs", 0), 3000 + 140, 100);
}

TEST(CallTest, AReplyThatWasHeardIsNotCutByTheHangUp) {
  VirtualWorld world({});
  Connect(world);
  world.line.Say(Speech(1500));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  world.line.HangUp();
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.ended().size(), 1U);
  EXPECT_THAT(world.EventsOf("truncated"), testing::IsEmpty());
}

TEST(CallTest, PcmAgentsAreResampledBothWays) {
  VirtualWorld::Options options = Realtime();
  options.profile = {{"agentAudio", "pcm"}};
  VirtualWorld world(options);
  world.agent.has_vad = false;
  world.agent.reply_ms = 2000;
  Connect(world);
  world.agent.Commit();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_NEAR(static_cast<double>(world.line.heard_ms()), 2000, 25);
  const Json* update = world.realtime.LastReceived("session.update");
  ASSERT_NE(update, nullptr);
  EXPECT_EQ((*update)["session"]["audio"]["input"]["format"],
            Json({{"type", "audio/pcm"}, {"rate", 24000}}));
}

// The reply leaves with a bounded lead, however fast it came.
TEST(CallTest, TheLegNeverHoldsMoreThanTheLead) {
  VirtualWorld world(Realtime());
  world.agent.reply_ms = 6000;
  Connect(world);
  world.line.Say(Speech(600));
  int64_t most = 0;
  world.RunUntil([&] {
    most = std::max(most, world.line.waiting_ms());
    return world.Count("replyDone") > 0;
  });
  EXPECT_LE(most, 220);
  EXPECT_GE(most, 100);
  EXPECT_EQ(world.line.underruns(), 0);
}

// ... also when the carrier sends nothing that could pace it.
TEST(CallTest, ADeadlinePacesWhenNoFramesCome) {
  VirtualWorld world(Realtime());
  world.agent.reply_ms = 4000;
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.line.StopMedia();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.line.underruns(), 0);
}

TEST(CallTest, TheAgentsHangUpWaitsForItsLastWord) {
  VirtualWorld world(Realtime());
  world.agent.reply_ms = 1500;
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.agent.CallTool("call_1", "end_call");
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "hangUp");
  EXPECT_GE(world.HeardMs(world.agent.items()[0]), 1480);
}

// The log said that the caller had interrupted it, and that the call went on.
TEST(CallTest, TheAgentsHangUpHasTheEndOfTheCallAsItsResult) {
  for (const char* how : {"heard", "command", "caller"}) {
    VirtualWorld world(Realtime());
    world.agent.reply_ms = 1500;
    Connect(world);
    world.line.Say(Speech(600));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kSpeaking; }));
    world.agent.CallTool("call_1", "end_call");
    world.Advance(Duration::Millis(300));
    if (how == std::string_view("command")) world.Command({{"type", "hangUp"}});
    if (how == std::string_view("caller")) world.line.HangUp();
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
    int lines = 0;
    for (const Json& line : world.EventsOf("line")) {
      if (StringMember(line, "toolCallId") != "call_1") continue;
      ++lines;
      EXPECT_EQ(line["state"], "answered") << how;
      EXPECT_EQ(line["result"], R"({"result":"the call has ended"})") << how;
    }
    EXPECT_EQ(lines, 1) << how;
  }
}

// One that is interrupted has not ended it.
TEST(CallTest, TheAgentsHangUpIsInterrupted) {
  VirtualWorld world(Realtime());
  world.agent.reply_ms = 3000;
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.agent.CallTool("call_1", "end_call");
  world.Advance(Duration::Millis(300));
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.Advance(Duration::Millis(200));
  EXPECT_TRUE(world.ended().empty());
  ASSERT_THAT(world.agent.tool_results(), testing::SizeIs(1));
  EXPECT_THAT(world.agent.tool_results()[0],
              testing::HasSubstr("the call goes on"));
}

// The second took the first's place, which was never answered.
TEST(CallTest, OfTwoHangUpsOfTheAgentsEachHasAResult) {
  VirtualWorld world(Realtime());
  world.agent.reply_ms = 3000;
  Connect(world);
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.agent.CallTool("call_1", "end_call");
  world.agent.CallTool("call_2", "end_call");
  world.Advance(Duration::Millis(300));
  ASSERT_THAT(world.agent.tool_results(), testing::SizeIs(1));
  EXPECT_THAT(world.agent.tool_results()[0],
              testing::HasSubstr("being ended already"));
  world.line.Say(Speech(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.Advance(Duration::Millis(200));
  ASSERT_THAT(world.agent.tool_results(), testing::SizeIs(2));
  EXPECT_THAT(world.agent.tool_results()[1],
              testing::HasSubstr("the call goes on"));
}

TEST(CallTest, CommandsHangUpAndSay) {
  VirtualWorld world(Realtime());
  Connect(world);
  EXPECT_EQ(world.Command({{"type", "say"}, {"text", "Hello"}})["status"],
            "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.Command({{"type", "hangUp"}})["status"], "done");
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "hangUp");
}

std::string Refusal(const Json& result) {
  EXPECT_EQ(result["status"], "refused") << result;
  EXPECT_NE(result.value("why", ""), "");
  return result.value("code", "") + " " + result.value("field", "");
}

Json ToolResultOf(const char* id, const Json& output) {
  return {{"type", "toolResult"}, {"toolCallId", id}, {"output", output}};
}

TEST(CallTest, ACommandThatHasNoEffectIsRefusedAndSaysWhy) {
  VirtualWorld world(Realtime());
  EXPECT_EQ(Refusal(world.Command({{"type", "say"}, {"text", "Hello"}})),
            "conflict ");
  Connect(world);
  EXPECT_EQ(Refusal(world.Command(Json::object())), "invalid type");
  EXPECT_EQ(Refusal(world.Command({{"type", "nonsense"}})), "invalid type");
  EXPECT_EQ(Refusal(world.Command({{"type", 7}})), "invalid type");
  EXPECT_EQ(Refusal(world.Command({{"type", "say"}})), "invalid text");
  EXPECT_EQ(Refusal(world.Command({{"type", "say"}, {"text", 7}})),
            "invalid text");
  for (const char* type :
       {"recordingConsent", "pauseRecording", "resumeRecording"}) {
    EXPECT_EQ(Refusal(world.Command({{"type", type}})), "conflict ");
  }
  EXPECT_EQ(Refusal(world.Command(ToolResultOf("call_1", "sun"))),
            "unknown toolCallId");
  EXPECT_EQ(Refusal(world.Command({{"type", "toolResult"}, {"output", "x"}})),
            "invalid toolCallId");
  // What is empty is a text: it was said to be none.
  const Json empty[] = {{{"type", "say"}, {"text", ""}},
                        ToolResultOf("", "sun"),
                        ToolResultOf("call_1", "")};
  for (const Json& command : empty) {
    const Json result = world.Command(command);
    const std::string field = result.value("field", "");
    EXPECT_EQ(Refusal(result), "invalid " + field);
    EXPECT_EQ(result["why"], field + " must not be empty");
  }
  // Allowed in this call, but not to an operator.
  EXPECT_EQ(Refusal(world.Command({{"type", "crash"}})), "invalid type");
  EXPECT_EQ(world.Command({{"type", "hangUp"}})["status"], "done");
  EXPECT_EQ(Refusal(world.Command({{"type", "say"}, {"text", "Wait"}})),
            "conflict ");
}

TEST(CallTest, AnAgentThatCannotSayATextRefusesTo) {
  VirtualWorld world({});
  Connect(world);
  EXPECT_EQ(Refusal(world.Command({{"type", "say"}, {"text", "Hello"}})),
            "unsupported ");
}

TEST(CallTest, EachOfSeveralToolsIsAnsweredOnce) {
  VirtualWorld::Options options = Realtime();
  options.profile["tools"] = Json::array({{{"name", "lookup"}}});
  VirtualWorld world(options);
  Connect(world);
  for (const char* id : {"call_1", "call_2"}) {
    world.agent.CallTool(id, "lookup");
  }
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("toolCall") == 2; }));
  // What is no text is not sent as something else.
  for (const Json& output : {Json(), Json(7), Json::object(), Json("")}) {
    EXPECT_EQ(Refusal(world.Command(ToolResultOf("call_1", output))),
              "invalid output");
  }
  for (const char* id : {"call_1", "call_2"}) {
    EXPECT_EQ(world.Command(ToolResultOf(id, "sun"))["status"], "done");
    EXPECT_EQ(Refusal(world.Command(ToolResultOf(id, "rain"))),
              "unknown toolCallId");
  }
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.realtime.CountReceived("conversation.item.create"), 2);
  EXPECT_TRUE(world.agent.errors().empty());
}

TEST(CallTest, EventsAreNumberedFromWhereTheFormerSessionStopped) {
  VirtualWorld::Options options = Realtime();
  options.first_seq = 4711;
  VirtualWorld world(options);
  Connect(world);
  // The world checks that each number is the next.
  EXPECT_EQ(world.events().front()["seq"], 4711);
  EXPECT_GT(world.events().size(), 3U);
}

// A socket that was given up may have said something in the meantime. By its
// number it is not taken for the next one.
TEST(CallTest, WhatALostSocketStillSaysIsNotTheNextOnes) {
  VirtualWorld world(Realtime());
  Connect(world);
  const protocol::ChannelId first = world.realtime.channel();
  world.agent.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.agent_open(); }));
  EXPECT_NE(world.realtime.channel(), first);
  const size_t events = world.events().size();
  world.Input([&](Session& s) {
    s.OnText(first, R"({"type":"session.created"})", world.now());
    s.OnBinary(first, std::vector<uint8_t>{1}, world.now());
    s.OnOversize(first, 1 << 24, world.now());
    s.OnClosed(first, 1006, 0, "", world.now());
    s.OnOpened(first, "", world.now());
    s.OnHttpChunk(world.realtime.channel(), std::vector<uint8_t>{1},
                  world.now());
    s.OnHttpDone(world.realtime.channel(), world.now());
  });
  EXPECT_EQ(world.events().size(), events);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
}

// ---------------------------------------------------------------------------
// Killing each side in each state. The caller hears something sensible or a
// clean hang-up, and the summary comes exactly once.

enum class Kill { kAgentDrop, kAgentFatal, kLegDrop, kLegClose };
class KillTest : public testing::TestWithParam<std::tuple<State, Kill>> {};

void Reach(VirtualWorld& world, State state) {
  world.agent.reply_ms = 4000;
  switch (state) {
    case State::kSetup:
      world.line.Call();
      return;
    case State::kConnecting:
      world.options.agent_delay = Duration::Millis(100);
      world.line.Call();
      break;
    case State::kListening:
      world.line.Call();
      break;
    case State::kThinking:
    case State::kSpeaking:
      world.line.Call();
      world.line.Say(Speech(600));
      break;
    case State::kInterrupted:
      world.line.Call();
      world.line.Say(Speech(600));
      ASSERT_TRUE(world.RunUntil([&] { return world.line.heard_ms() > 1000; }));
      world.line.Say(Speech(600));
      break;
    case State::kFarewell:
      world.line.Call();
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      world.Command({{"type", "hangUp"}});
      break;
    case State::kLegLost:
      world.line.Call();
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      world.line.Drop();
      break;
    case State::kEnded:
      return;
  }
  ASSERT_TRUE(world.RunUntil([&] { return world.state() == state; }))
      << session::ToString(world.state());
}

TEST_P(KillTest, LeavesNobodyHanging) {
  const auto [state, kill] = GetParam();
  VirtualWorld world(Realtime());
  Reach(world, state);
  if (HasFatalFailure()) return;
  const int64_t heard_before = world.line.heard_ms();
  switch (kill) {
    case Kill::kAgentDrop:
      world.agent.refuses = true;
      world.agent.Drop(1006);
      break;
    case Kill::kAgentFatal:
      world.agent.refuses = true;
      world.agent.Drop(1008);
      break;
    case Kill::kLegDrop:
      world.line.Drop();
      break;
    case Kill::kLegClose:
      world.line.HangUp();
      break;
  }
  world.Advance(Duration::Millis(120'000));
  ASSERT_EQ(world.ended().size(), 1U);
  EXPECT_EQ(world.effects_after_end(), 0);
  EXPECT_FALSE(world.leg_open());
  EXPECT_FALSE(world.agent_open());
  EXPECT_TRUE(world.deadline().is_never());
  const bool agent_killed =
      kill == Kill::kAgentDrop || kill == Kill::kAgentFatal;
  if (agent_killed && state != State::kSetup && state != State::kLegLost) {
    // Tones, then a normal close.
    EXPECT_GT(world.line.heard_ms(), heard_before + 300);
    EXPECT_EQ(world.line.close_code(), 1000);
  }
}

std::string KillName(const testing::TestParamInfo<std::tuple<State, Kill>>& i) {
  constexpr const char* kNames[] = {"AgentDrop", "AgentFatal", "LegDrop",
                                    "LegClose"};
  return std::string(session::ToString(std::get<0>(i.param))) +
         kNames[static_cast<int>(std::get<1>(i.param))];
}

INSTANTIATE_TEST_SUITE_P(
    EveryState, KillTest,
    testing::Combine(testing::Values(State::kSetup, State::kConnecting,
                                     State::kListening, State::kThinking,
                                     State::kSpeaking, State::kInterrupted,
                                     State::kFarewell, State::kLegLost),
                     testing::Values(Kill::kAgentDrop, Kill::kAgentFatal,
                                     Kill::kLegDrop, Kill::kLegClose)),
    KillName);

}  // namespace
}  // namespace trunkline::test
