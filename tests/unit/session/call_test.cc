// Whole calls: from the first socket to the summary, and every way in between
// of losing one side.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/virtual_world.h"

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

void Connect(VirtualWorld& world) {
  world.twilio.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
}

std::string EndReason(const VirtualWorld& world) {
  return world.ended().size() == 1
             ? std::string(StringMember(world.ended().front(), "reason"))
             : std::to_string(world.ended().size()) + " summaries";
}

TEST(CallTest, ParrotAnswersWithTheCallersOwnBytes) {
  VirtualWorld world({});
  Connect(world);
  const std::vector<uint8_t> words = SpeechBytes(1500);
  world.twilio.Say(words);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  // The words are in what was heard, unchanged, from end to end.
  const std::vector<uint8_t>& heard = world.twilio.heard();
  EXPECT_NE(std::search(heard.begin(), heard.end(), words.begin(), words.end()),
            heard.end());
  EXPECT_EQ(world.twilio.underruns(), 0);
  EXPECT_THAT(world.twilio.violations(), testing::IsEmpty());
}

TEST(CallTest, FirstAudioIsHeardWithinTheWindowAndSixtyMilliseconds) {
  VirtualWorld world({});
  Connect(world);
  world.twilio.Say(SpeechBytes(1000));
  const Instant spoken = world.now();
  ASSERT_TRUE(world.RunUntil([&] { return !world.twilio.heard().empty(); }));
  // Speech began with the frame after `spoken` and lasted a second.
  const Duration delay = world.now() - (spoken + Duration::Millis(1000));
  EXPECT_LE(delay.ms(), 700 + 60);
  EXPECT_GE(delay.ms(), 600);
}

TEST(CallTest, HangUpEndsTheCallOnce) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.twilio.HangUp();
  world.Advance(Duration::Millis(1000));
  EXPECT_EQ(EndReason(world), "callerHangUp");
  EXPECT_FALSE(world.agent_open());
  world.Input([&](Session& s) { s.OnTimer(world.now()); });
  world.Input(
      [&](Session& s) { s.OnClosed(kLegChannel, 1006, 0, "", world.now()); });
  EXPECT_EQ(EndReason(world), "callerHangUp");
  EXPECT_EQ(world.effects_after_end(), 0);
}

TEST(CallTest, StopThenCloseAndCloseAloneAreTheSame) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.twilio.SendText(
      R"({"event":"stop","streamSid":"MZ1","stop":{"callSid":"CA1"}})");
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(EndReason(world), "callerHangUp");
  EXPECT_EQ(world.twilio.close_code(), 1000);
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
  world.twilio.Call();
  world.Advance(Duration::Millis(500));
  EXPECT_EQ(world.twilio.close_code(), GetParam().code);
  EXPECT_EQ(world.connects(), 0);
  EXPECT_EQ(EndReason(world), "unauthorized");
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
  world.twilio.SendText(R"({"event":"connected"})");
  world.Advance(Duration::Millis(4990));
  EXPECT_FALSE(world.twilio.close_code().has_value());
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.twilio.close_code(), 4401);
  EXPECT_EQ(world.connects(), 0);
  EXPECT_EQ(EndReason(world), "noStart");
}

// An agent that never comes: tones and a clean hang-up, not silence.
TEST(CallTest, NoAnswerIsATonedGoodbye) {
  VirtualWorld world(Realtime());
  world.realtime.stalled = true;
  world.twilio.Call();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(EndReason(world), "noAnswer");
  world.Advance(Duration::Millis(50));
  EXPECT_EQ(world.twilio.close_code(), 1000);
  EXPECT_GT(world.twilio.heard().size(), 8U * 300);
}

TEST(CallTest, DeadAirEndsInAGoodbye) {
  VirtualWorld::Options options = Realtime();
  options.limits = {{"deadAirMs", 20'000}};
  VirtualWorld world(options);
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(EndReason(world), "deadAir");
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
    world.twilio.Say(SpeechBytes(800));
    world.Advance(Duration::Millis(2500));
  }
  EXPECT_EQ(EndReason(world), "maxDuration");
  EXPECT_NEAR(world.ended()[0]["durationMs"].get<double>(), 31'000, 1'500);
}

TEST(CallTest, AgentThatStopsInTheMiddleIsReplacedAndAsked) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.realtime.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.realtime.connections(), 2);
  EXPECT_THAT(world.ended(), testing::IsEmpty());
}

TEST(CallTest, AgentThatRefusesEveryReconnectEndsTheCallCleanly) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.realtime.refuses = true;
  world.realtime.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(EndReason(world), "agentFailed");
  EXPECT_EQ(world.realtime.connections(), 1 + session::AgentLink::kMaxRetries);
  EXPECT_GT(world.twilio.heard().size(), 8U * 300);  // the tones
}

TEST(CallTest, AnErrorThatNoRetryCuresIsNotRetried) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.realtime.Drop(1008);
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.realtime.connections(), 1);
  EXPECT_EQ(EndReason(world), "agentFailed");
}

TEST(CallTest, SessionExpiryIsAReconnect) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.realtime.Send(
      {{"type", "error"}, {"error", {{"code", "session_expired"}}}});
  ASSERT_TRUE(
      world.RunUntil([&] { return world.realtime.connections() == 2; }));
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
}

// An open socket that says nothing any more.
TEST(CallTest, AStalledAgentIsNoticedByItsMissingReply) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.realtime.stalled = true;
  world.realtime.Drop(1006);
  world.realtime.stalled = true;
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); },
                             Duration::Millis(120'000)));
  EXPECT_EQ(EndReason(world), "agentFailed");
}

// The stream breaks and the carrier brings it back: the rest of the reply is
// heard, from where it broke.
TEST(CallTest, AStreamThatComesBackHearsTheRest) {
  VirtualWorld world(Realtime());
  world.realtime.reply_ms = 5000;
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.twilio.heard().size() > 8 * 2000; }));
  const uint8_t value = world.realtime.items().back().value;
  world.twilio.Drop();
  EXPECT_EQ(world.state(), State::kLegLost);
  EXPECT_TRUE(world.agent_open());
  world.Advance(Duration::Millis(3000));
  world.twilio.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  // What was under way when it broke counts as heard: at most the lead.
  EXPECT_NEAR(static_cast<double>(world.twilio.HeardMs(value)), 5000, 230);
  EXPECT_THAT(world.ended(), testing::IsEmpty());
}

TEST(CallTest, AStreamThatStaysAwayEndsTheCall) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.twilio.Drop();
  world.Advance(Duration::Millis(14'900));
  EXPECT_THAT(world.ended(), testing::IsEmpty());
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(EndReason(world), "legLost");
  EXPECT_FALSE(world.agent_open());
}

TEST(CallTest, AForeignStreamDoesNotTakeALostCall) {
  VirtualWorld world(Realtime());
  Connect(world);
  world.twilio.Drop();
  world.Advance(Duration::Millis(1000));
  world.options.verdict = Session::Verdict::kForeign;
  world.twilio.Call();
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(world.twilio.close_code(), 4403);
  EXPECT_EQ(world.state(), State::kLegLost);
  world.options.verdict = Session::Verdict::kGranted;
  world.twilio.Call();
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(world.state(), State::kListening);
}

// Words spoken while the agent is not ready reach it when it is.
TEST(CallTest, SpeechBeforeTheAgentIsReadyIsNotLost) {
  VirtualWorld::Options options = Realtime();
  options.agent_delay = Duration::Millis(300);
  VirtualWorld world(options);
  world.twilio.Say(SpeechBytes(700));
  world.twilio.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

// The carrier goes silent in the middle of a word: the turn ends all the same.
TEST(CallTest, MediaThatStopsDoesNotKeepATurnOpen) {
  VirtualWorld world({});
  Connect(world);
  world.twilio.Say(SpeechBytes(3000));
  world.Advance(Duration::Millis(1000));
  world.twilio.StopMedia();
  world.Advance(Duration::Millis(3000));
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

TEST(CallTest, LostFramesAreFilledSoThatTimeStaysTheCallers) {
  VirtualWorld world({});
  world.twilio.loss_per_mille = 50;
  Connect(world);
  world.twilio.Say(SpeechBytes(4000));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  world.twilio.HangUp();
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.ended().size(), 1U);
  const Json& counters = world.ended()[0]["counters"];
  EXPECT_GT(counters.value("filledMs", 0), 40);
  EXPECT_GT(counters.value("leg.lostMessages", 0), 2);
  const double reply_ms = static_cast<double>(world.twilio.heard().size()) / 8;
  EXPECT_NEAR(reply_ms, 4000 + 140, 100);
}

TEST(CallTest, WhatWasHeardOfAReplyThatTheHangUpCutsIsTold) {
  VirtualWorld world({});
  Connect(world);
  world.twilio.Say(SpeechBytes(3000));
  ASSERT_TRUE(world.RunUntil([&] {
    return world.state() == State::kSpeaking &&
           world.twilio.heard().size() > 8 * 1200;
  }));
  const double heard_ms = static_cast<double>(world.twilio.heard().size()) / 8;
  world.twilio.HangUp();
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
  world.twilio.Say(SpeechBytes(1500));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  world.twilio.HangUp();
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.ended().size(), 1U);
  EXPECT_THAT(world.EventsOf("truncated"), testing::IsEmpty());
}

TEST(CallTest, PcmAgentsAreResampledBothWays) {
  VirtualWorld::Options options = Realtime();
  options.profile = {{"agentAudio", "pcm"}};
  VirtualWorld world(options);
  world.realtime.has_vad = false;
  world.realtime.reply_ms = 2000;
  Connect(world);
  world.realtime.Send(
      {{"type", "input_audio_buffer.committed"}, {"item_id", "user_1"}});
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_NEAR(static_cast<double>(world.twilio.heard().size()), 8.0 * 2000,
              8.0 * 25);
  const Json* update = world.realtime.LastReceived("session.update");
  ASSERT_NE(update, nullptr);
  EXPECT_EQ((*update)["session"]["audio"]["input"]["format"],
            Json({{"type", "audio/pcm"}, {"rate", 24000}}));
}

// The reply leaves with a bounded lead, however fast it came.
TEST(CallTest, TheLegNeverHoldsMoreThanTheLead) {
  VirtualWorld world(Realtime());
  world.realtime.reply_ms = 6000;
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  int64_t most = 0;
  world.RunUntil([&] {
    const int64_t waiting = world.twilio.received_bytes() -
                            static_cast<int64_t>(world.twilio.heard().size());
    most = std::max(most, waiting / 8);
    return world.Count("replyDone") > 0;
  });
  EXPECT_LE(most, 220);
  EXPECT_GE(most, 100);
  EXPECT_EQ(world.twilio.underruns(), 0);
}

// ... also when the carrier sends nothing that could pace it.
TEST(CallTest, ADeadlinePacesWhenNoFramesCome) {
  VirtualWorld world(Realtime());
  world.realtime.reply_ms = 4000;
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.twilio.StopMedia();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.twilio.underruns(), 0);
}

TEST(CallTest, TheAgentsHangUpWaitsForItsLastWord) {
  VirtualWorld world(Realtime());
  world.realtime.reply_ms = 1500;
  Connect(world);
  world.twilio.Say(SpeechBytes(600));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  world.realtime.Send({{"type", "response.output_item.done"},
                       {"response_id", "resp_1"},
                       {"item",
                        {{"type", "function_call"},
                         {"status", "completed"},
                         {"call_id", "call_1"},
                         {"name", "end_call"},
                         {"arguments", ""}}}});
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(EndReason(world), "hangUp");
  EXPECT_GE(world.twilio.HeardMs(world.realtime.items()[0].value), 1480);
}

TEST(CallTest, CommandsHangUpAndSay) {
  VirtualWorld world(Realtime());
  Connect(world);
  EXPECT_EQ(world.Command({{"type", "say"}, {"text", "Hello"}})["status"],
            "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.Command({{"type", "hangUp"}})["status"], "done");
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(EndReason(world), "hangUp");
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
    world.realtime.Send({{"type", "response.output_item.done"},
                         {"response_id", "resp_1"},
                         {"item",
                          {{"type", "function_call"},
                           {"status", "completed"},
                           {"call_id", id},
                           {"name", "lookup"},
                           {"arguments", "{}"}}}});
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
  EXPECT_TRUE(world.realtime.errors().empty());
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
  const protocol::ChannelId first = world.agent_channel();
  world.realtime.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.agent_open(); }));
  EXPECT_NE(world.agent_channel(), first);
  const size_t events = world.events().size();
  world.Input([&](Session& s) {
    s.OnText(first, R"({"type":"session.created"})", world.now());
    s.OnBinary(first, std::vector<uint8_t>{1}, world.now());
    s.OnOversize(first, 1 << 24, world.now());
    s.OnClosed(first, 1006, 0, "", world.now());
    s.OnOpened(first, "", world.now());
    s.OnHttpChunk(world.agent_channel(), std::vector<uint8_t>{1}, world.now());
    s.OnHttpDone(world.agent_channel(), world.now());
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
  world.realtime.reply_ms = 4000;
  switch (state) {
    case State::kSetup:
      world.twilio.Call();
      return;
    case State::kConnecting:
      world.options.agent_delay = Duration::Millis(100);
      world.twilio.Call();
      break;
    case State::kListening:
      world.twilio.Call();
      break;
    case State::kThinking:
    case State::kSpeaking:
      world.twilio.Call();
      world.twilio.Say(SpeechBytes(600));
      break;
    case State::kInterrupted:
      world.twilio.Call();
      world.twilio.Say(SpeechBytes(600));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.twilio.heard().size() > 8000; }));
      world.twilio.Say(SpeechBytes(600));
      break;
    case State::kFarewell:
      world.twilio.Call();
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      world.Command({{"type", "hangUp"}});
      break;
    case State::kLegLost:
      world.twilio.Call();
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      world.twilio.Drop();
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
  const size_t heard_before = world.twilio.heard().size();
  switch (kill) {
    case Kill::kAgentDrop:
      world.realtime.refuses = true;
      world.realtime.Drop(1006);
      break;
    case Kill::kAgentFatal:
      world.realtime.refuses = true;
      world.realtime.Drop(1008);
      break;
    case Kill::kLegDrop:
      world.twilio.Drop();
      break;
    case Kill::kLegClose:
      world.twilio.HangUp();
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
    EXPECT_GT(world.twilio.heard().size(), heard_before + 8 * 300);
    EXPECT_EQ(world.twilio.close_code(), 1000);
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
