// A provider that says no, says too little, or says nothing: what it answers
// ends the wait for it, a time-out is the last resort, and the caller is never
// left in silence for longer than a state may take.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "session/replies.h"
#include "support/world/sound.h"
#include "support/world/told_provider.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::IsEmpty;

class ProviderTroubleTest : public testing::Test {
 protected:
  ProviderTroubleTest() : world(Options()) {}

  static VirtualWorld::Options Options() {
    VirtualWorld::Options options;
    options.agent = "openai-realtime";
    return options;
  }

  // The caller is connected; from now on a test speaks for the provider.
  void Start() {
    world.line.Call();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kListening; }));
    world.agent.stalled = true;
  }
  // A turn of the caller that the provider takes.
  void Turn() {
    world.realtime.Send({{"type", "input_audio_buffer.committed"},
                         {"item_id", "u" + std::to_string(++turns_)}});
    world.Advance(Duration::Millis(60));
    ASSERT_EQ(world.state(), State::kThinking);
  }
  // The `error` that answers the last message of this type.
  void Refuse(std::string_view type, Json error) {
    const Json* request = world.realtime.LastReceived(type);
    ASSERT_NE(request, nullptr);
    error["event_id"] = StringMember(*request, "event_id");
    world.realtime.Send({{"type", "error"}, {"error", std::move(error)}});
    world.Advance(Duration::Millis(60));
  }
  void Done(const Json& details, const std::string& status) {
    world.realtime.Send({{"type", "response.done"},
                         {"response",
                          {{"id", "r" + std::to_string(turns_)},
                           {"status", status},
                           {"status_details", details}}}});
    world.Advance(Duration::Millis(60));
  }
  void Created() {
    world.realtime.Send({{"type", "response.created"},
                         {"response", {{"id", "r" + std::to_string(turns_)}}}});
  }
  // Audio of a response, 75 ms.
  void Sound(const std::string& response, const std::string& item) {
    world.realtime.Send({{"type", "response.output_audio.delta"},
                         {"response_id", response},
                         {"item_id", item},
                         {"content_index", 0},
                         {"delta", std::string(800, '/')}});
    world.Advance(Duration::Millis(60));
  }
  // The reply to the turn is announced, and an error says nothing else.
  void RefuseAnnounced() {
    Created();
    world.realtime.Send(
        {{"type", "error"}, {"error", {{"code", "server_error"}}}});
    world.Advance(Duration::Millis(60));
    ASSERT_EQ(world.Count("agentFailed"), 1U);
  }
  // The reply that was asked for again is the first that is heard.
  void ExpectAnother() {
    world.realtime.Send(
        {{"type", "response.created"}, {"response", {{"id", "again"}}}});
    Sound("again", "i2");
    EXPECT_EQ(world.state(), State::kSpeaking);
    ASSERT_EQ(world.Count("replyStarted"), 1U);
    EXPECT_EQ(world.EventsOf("replyStarted")[0]["item"], "i2");
  }
  int Asked() const { return world.realtime.CountReceived("response.create"); }
  Json Failure(size_t index) const {
    const auto failures = world.EventsOf("agentFailed");
    return index < failures.size() ? failures[index] : Json::object();
  }
  // How long until the call has ended, ms, and why.
  int64_t MsToTheEnd() {
    const Instant from = world.now();
    EXPECT_TRUE(world.RunUntil([&] { return !world.ended().empty(); },
                               Duration::Millis(120'000)));
    return (world.now() - from).ms();
  }
  std::string EndReason() const {
    return world.ended().empty()
               ? ""
               : std::string(StringMember(world.ended()[0], "reason"));
  }

  VirtualWorld world;

 private:
  int turns_ = 0;
};

// Ten seconds of silence, and a cause that nobody was told.
TEST_F(ProviderTroubleTest, ARefusedConfigurationEndsTheCallWithItsCause) {
  world.agent.stalled = true;
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kConnecting; }));
  world.Advance(Duration::Millis(200));
  world.realtime.Send({{"type", "session.created"}});
  world.Advance(Duration::Millis(100));
  Refuse("session.update",
         {{"code", "missing_required_parameter"},
          {"param", "session.tools[0].name"},
          {"message", "Missing required parameter. Key sk-abc123 is fine."}});
  EXPECT_EQ(world.state(), State::kFarewell);
  EXPECT_LT(MsToTheEnd(), 3'000);
  EXPECT_EQ(EndReason(), "noAnswer");
  EXPECT_EQ(Failure(0)["code"], "missing_required_parameter");
  EXPECT_EQ(Failure(0)["param"], "session.tools[0].name");
  EXPECT_EQ(Failure(0)["message"],
            "Missing required parameter. Key *** is fine.");
  EXPECT_EQ(Failure(0)["fatal"], true);
}

TEST_F(ProviderTroubleTest, ARateLimitIsWaitedForAsTold) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create",
         {{"code", "rate_limit_exceeded"},
          {"message", "Rate limit reached. Please try again in 3.1s."}});
  EXPECT_EQ(Failure(0)["retryAfterMs"], 3'100);
  EXPECT_EQ(Failure(0)["fatal"], false);
  world.Advance(Duration::Millis(2'900));
  EXPECT_EQ(Asked(), asked);
  world.Advance(Duration::Millis(300));
  EXPECT_EQ(Asked(), asked + 1);
  EXPECT_EQ(world.state(), State::kThinking);
  // As long as there is time for it, and not for ever.
  for (int more = 1; more <= 3; ++more) {
    Refuse("response.create",
           {{"code", "rate_limit_exceeded"},
            {"message", "Rate limit reached. Please try again in 3.1s."}});
    EXPECT_EQ(Failure(static_cast<size_t>(more))["fatal"], more == 3);
    if (more == 3) break;
    world.Advance(Duration::Millis(3'140));
    EXPECT_EQ(Asked(), asked + 1 + more);
  }
  EXPECT_LT(MsToTheEnd(), 3'000);
  EXPECT_EQ(EndReason(), "agentFailed");
  EXPECT_EQ(world.ended()[0]["reason"], "agentFailed");
}

// It was asked again at once, and refused.
TEST_F(ProviderTroubleTest, ALimitInOtherWordsIsWaitedForToo) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create", {{"code", "rate_limit_exceeded"},
                             {"message", "Please Retry After 2 Seconds."}});
  EXPECT_EQ(Failure(0)["retryAfterMs"], 2'000);
  world.Advance(Duration::Millis(1'900));
  EXPECT_EQ(Asked(), asked);
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(Asked(), asked + 1);
}

// The call was over within 0.1 s.
TEST_F(ProviderTroubleTest, LimitsInARowAreWaitedForWithinTheTimeOfAReply) {
  for (const char* text : {"Please try again in 100ms.", "retry after 0 s"}) {
    SCOPED_TRACE(text);
    const size_t failed = world.Count("agentFailed");
    if (failed == 0) Start();
    Turn();
    const int asked = Asked();
    for (int i = 0; i < session::Replies::kMaxWaits; ++i) {
      Refuse("response.create",
             {{"code", "rate_limit_exceeded"}, {"message", text}});
      EXPECT_EQ(Failure(failed + static_cast<size_t>(i))["fatal"], false);
      world.Advance(Duration::Millis(100));
      EXPECT_EQ(Asked(), asked + 1 + i);
    }
    EXPECT_EQ(world.state(), State::kThinking);
    Created();
    Done(Json::object(), "completed");
    EXPECT_EQ(world.state(), State::kListening);
  }
  // One more than that is one too many.
  Turn();
  for (int i = 0; i <= session::Replies::kMaxWaits; ++i) {
    EXPECT_EQ(world.state(), State::kThinking);
    Refuse("response.create", {{"code", "rate_limit_exceeded"},
                               {"message", "try again in 100ms"}});
    world.Advance(Duration::Millis(100));
  }
  EXPECT_EQ(world.state(), State::kFarewell);
  MsToTheEnd();
  EXPECT_EQ(EndReason(), "agentFailed");
}

TEST_F(ProviderTroubleTest, NobodyIsKeptWaitingLongerThanForAReply) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create", {{"code", "rate_limit_exceeded"},
                             {"message", "Please try again in 1m0s."}});
  EXPECT_EQ(Failure(0)["fatal"], true);
  EXPECT_LT(MsToTheEnd(), 3'000);
  EXPECT_EQ(Asked(), asked);
}

// The caller speaks again while the limit is waited for.
TEST_F(ProviderTroubleTest, ATurnInTheWaitIsAnsweredOnce) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create",
         {{"code", "rate_limit_exceeded"}, {"message", "try again in 2s"}});
  world.realtime.Send(
      {{"type", "input_audio_buffer.committed"}, {"item_id", "more"}});
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(Asked(), asked + 1);
  world.Advance(Duration::Millis(4'000));
  EXPECT_EQ(Asked(), asked + 1);
}

TEST_F(ProviderTroubleTest, WhatAskingAgainCannotCureIsNotAskedAgain) {
  Start();
  Turn();
  const int asked = Asked();
  Created();
  Done({{"type", "failed"}, {"error", {{"code", "insufficient_quota"}}}},
       "failed");
  EXPECT_EQ(Failure(0)["code"], "insufficient_quota");
  EXPECT_EQ(Failure(0)["fatal"], true);
  EXPECT_LT(MsToTheEnd(), 3'000);
  EXPECT_EQ(EndReason(), "agentFailed");
  EXPECT_EQ(Asked(), asked);
}

class ProviderErrorTest : public ProviderTroubleTest,
                          public testing::WithParamInterface<const char*> {};

// 37 s of silence for every code but three.
TEST_P(ProviderErrorTest, InThePlaceOfAReplyItIsAskedAgainOnce) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create", {{"code", GetParam()}});
  EXPECT_EQ(Failure(0)["code"], GetParam());
  EXPECT_EQ(Failure(0)["fatal"], false);
  EXPECT_EQ(Asked(), asked + 1);
  Refuse("response.create", {{"code", GetParam()}});
  EXPECT_EQ(Failure(1)["fatal"], true);
  EXPECT_LT(MsToTheEnd(), 3'000);
  EXPECT_EQ(EndReason(), "agentFailed");
  EXPECT_EQ(Asked(), asked + 1);
}

INSTANTIATE_TEST_SUITE_P(Codes, ProviderErrorTest,
                         testing::Values("server_error", "invalid_value",
                                         "something_new"),
                         [](const auto& code) {
                           return std::string(code.param);
                         });

// Silence for the time of a reply, and a cause that nobody was told.
TEST_F(ProviderTroubleTest, AnErrorBehindTheAnnouncementDecides) {
  Start();
  Turn();
  const int asked = Asked();
  Created();
  Refuse("response.create",
         {{"code", "server_error"}, {"message", "It cannot be."}});
  EXPECT_EQ(Failure(0)["code"], "server_error");
  EXPECT_EQ(Failure(0)["message"], "It cannot be.");
  EXPECT_EQ(Failure(0)["fatal"], false);
  EXPECT_EQ(Asked(), asked + 1);
  EXPECT_EQ(world.state(), State::kThinking);
  // The second one is announced as well, and its error names nothing.
  world.realtime.Send(
      {{"type", "response.created"}, {"response", {{"id", "again"}}}});
  world.realtime.Send({{"type", "error"}, {"error", {{"code", "overloaded"}}}});
  world.Advance(Duration::Millis(60));
  EXPECT_EQ(Failure(1)["code"], "overloaded");
  EXPECT_EQ(Failure(1)["fatal"], true);
  EXPECT_LT(MsToTheEnd(), 3'000);
  EXPECT_EQ(EndReason(), "agentFailed");
}

// What the provider makes of it all the same is neither heard nor in the way.
TEST_F(ProviderTroubleTest, WhatComesOfARefusedReplyIsLate) {
  Start();
  Turn();
  const int asked = Asked();
  RefuseAnnounced();
  Sound("r1", "i1");
  Done(Json::object(), "completed");
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_EQ(Asked(), asked + 1);
  ExpectAnother();
}

TEST_F(ProviderTroubleTest, AServerThatIsBusyWithARefusedReplyIsAskedBehindIt) {
  Start();
  Turn();
  const int asked = Asked();
  RefuseAnnounced();
  Refuse("response.create",
         {{"code", "conversation_already_has_active_response"}});
  Sound("r1", "i1");
  EXPECT_EQ(Asked(), asked + 1);
  Done(Json::object(), "completed");
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_EQ(Asked(), asked + 2);
  ExpectAnother();
}

// The truncation of an interrupted reply is refused while the next one begins.
TEST_F(ProviderTroubleTest, AnErrorOfAnotherMessageDoesNotEndTheReply) {
  Start();
  Turn();
  Created();
  Sound("r1", "i1");
  world.line.Say(Speech(900));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") == 1; }));
  Done(Json::object(), "cancelled");
  world.Advance(Duration::Millis(1'000));
  Turn();
  const int asked = Asked();
  Created();
  for (const char* of : {"conversation.item.truncate", "response.cancel"}) {
    Refuse(of, {{"code", "invalid_value"}});
  }
  world.realtime.Send(
      {{"type", "error"},
       {"error",
        {{"code", "invalid_value"},
         {"message",
          "Audio content of 900ms is already shorter than 1300ms"}}}});
  world.Advance(Duration::Millis(60));
  EXPECT_EQ(Asked(), asked);
  EXPECT_EQ(world.Count("agentFailed"), 0U);
  Sound("r2", "i2");
  EXPECT_EQ(world.state(), State::kSpeaking);
}

class LostForGoodTest : public ToldProviderTest {
 protected:
  // Of a reply of 3 s, whole or not, 300 ms are heard when the provider says
  // that it cannot go on.
  static void Lose(VirtualWorld& world, bool whole) {
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", 3'000);
    if (whole) Done(world, "r1");
    world.Advance(Duration::Millis(300));
    world.upstreams.Drop(world.realtime.channel(), 4001);
    world.Advance(Duration::Millis(100));
    ASSERT_EQ(world.Count("agentFailed"), 1U);
  }
};

// The reply was cut in the middle of a word, for the tones.
TEST_F(LostForGoodTest, WhatIsHereOfAReplyIsHeardBeforeTheGoodbye) {
  for (const bool whole : {true, false}) {
    SCOPED_TRACE(whole);
    VirtualWorld world(Options());
    Lose(world, whole);
    EXPECT_EQ(world.state(), State::kSpeaking);
    MsUntil(world, [] { return false; });
    // And the tones.
    EXPECT_GE(world.line.heard_ms(), 3'400);
    EXPECT_EQ(world.EventsOf("replyDone").at(0)["heardMs"], 3'000);
    EXPECT_EQ(world.Count("truncated"), 0U);
    EXPECT_EQ(world.EndReason(), "agentFailed");
    EXPECT_EQ(world.effects_after_end(), 0);
  }
}

// A cough does not end it sooner; what he says does.
TEST_F(LostForGoodTest, TheCallerMayInterruptIt) {
  for (const int speech_ms : {180, 900}) {
    SCOPED_TRACE(speech_ms);
    VirtualWorld world(Options());
    Lose(world, true);
    world.line.Say(Speech(speech_ms, 3));
    const int64_t ms =
        MsUntil(world, [&] { return world.state() == State::kFarewell; });
    const bool cough = speech_ms < 300;
    EXPECT_EQ(world.Count("resumed"), cough ? 1U : 0U);
    EXPECT_EQ(ms > 1'500, cough) << ms;
    MsUntil(world, [] { return false; });
    EXPECT_EQ(world.EndReason(), "agentFailed");
  }
}

// Nobody is left to come back to.
TEST_F(LostForGoodTest, TheCallEndsWithItsLeg) {
  VirtualWorld world(Options());
  Lose(world, true);
  world.line.Drop();
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.EndReason(), "agentFailed");
}

TEST_F(ProviderTroubleTest, AFilteredReplyIsNamedAndAskedForOnceMore) {
  Start();
  Turn();
  const int asked = Asked();
  Created();
  Done({{"type", "incomplete"}, {"reason", "content_filter"}}, "incomplete");
  EXPECT_EQ(Failure(0)["code"], "content_filter");
  EXPECT_EQ(Failure(0)["fatal"], false);
  EXPECT_EQ(Asked(), asked + 1);
  Created();
  Done({{"type", "incomplete"}, {"reason", "content_filter"}}, "incomplete");
  EXPECT_EQ(Asked(), asked + 1);
  EXPECT_EQ(world.state(), State::kListening);
  EXPECT_THAT(world.ended(), IsEmpty());
  // The next turn has its own two tries.
  Turn();
  Created();
  Done({{"type", "incomplete"}, {"reason", "content_filter"}}, "incomplete");
  EXPECT_EQ(Asked(), asked + 3);
}

TEST_F(ProviderTroubleTest, AReplyOfTextAloneIsNamedAndAskedForOnceMore) {
  Start();
  Turn();
  const int asked = Asked();
  Created();
  world.realtime.Send({{"type", "response.output_text.delta"},
                       {"response_id", "r1"},
                       {"delta", "Hello"}});
  Done(Json::object(), "completed");
  EXPECT_EQ(Failure(0)["code"], "noAudio");
  EXPECT_EQ(Asked(), asked + 1);
}

TEST_F(ProviderTroubleTest, AReplyThatWasStoppedEarlyIsHeardAndNamed) {
  Start();
  Turn();
  Created();
  std::string silence;
  for (int i = 0; i < 700; ++i) silence += "////";
  world.realtime.Send({{"type", "response.output_audio.delta"},
                       {"response_id", "r1"},
                       {"item_id", "i1"},
                       {"content_index", 0},
                       {"delta", silence}});
  Done({{"reason", "max_output_tokens"}}, "incomplete");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(Failure(0)["code"], "max_output_tokens");
  EXPECT_EQ(world.state(), State::kListening);
}

// The ways in which a call may be told.
struct ToldCall {
  const char* name;
  std::vector<Json> sent;
  Json output;

  friend void PrintTo(const ToldCall& call, std::ostream* out) {
    *out << call.name;
  }
};

class ToldCallTest : public ProviderTroubleTest,
                     public testing::WithParamInterface<ToldCall> {
 public:
  static Json Item(const Json& status) {
    Json item = {{"type", "function_call"},
                 {"id", "f1"},
                 {"call_id", "k1"},
                 {"name", "no_such_tool"},
                 {"arguments", "{}"}};
    if (!status.is_null()) item["status"] = status;
    return item;
  }
  static Json ItemDone(const Json& status) {
    return {{"type", "response.output_item.done"},
            {"response_id", "r1"},
            {"item", Item(status)}};
  }
  static Json Arguments() {
    return {{"type", "response.function_call_arguments.done"},
            {"response_id", "r1"},
            {"item_id", "f1"},
            {"call_id", "k1"},
            {"name", "no_such_tool"},
            {"arguments", "{}"}};
  }
};

// The caller waited for what nobody knew of.
TEST_P(ToldCallTest, IsAnsweredOnce) {
  Start();
  Turn();
  const int asked = Asked();
  Created();
  for (const Json& one : GetParam().sent) world.realtime.Send(one);
  world.realtime.Send({{"type", "response.done"},
                       {"response",
                        {{"id", "r1"},
                         {"status", "completed"},
                         {"output", GetParam().output}}}});
  world.Advance(Duration::Millis(60));
  EXPECT_EQ(world.Count("toolCall"), 1U);
  EXPECT_EQ(world.realtime.CountReceived("conversation.item.create"), 1);
  const Json* answer = world.realtime.LastReceived("conversation.item.create");
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ((*answer)["item"]["call_id"], "k1");
  EXPECT_EQ(Asked(), asked + 1);
  EXPECT_EQ(world.Count("agentFailed"), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Ways, ToldCallTest,
    testing::Values(
        ToldCall{"WithoutAStatus", {ToldCallTest::ItemDone(nullptr)}, {}},
        ToldCall{"WithAStrangeStatus", {ToldCallTest::ItemDone("over")}, {}},
        ToldCall{"ByItsArguments", {ToldCallTest::Arguments()}, {}},
        ToldCall{
            "InTheOutput", {}, Json::array({ToldCallTest::Item("completed")})},
        ToldCall{"InAllWays",
                 {ToldCallTest::Arguments(), ToldCallTest::ItemDone(nullptr),
                  ToldCallTest::ItemDone("completed")},
                 Json::array({ToldCallTest::Item("completed")})}),
    [](const auto& way) { return std::string(way.param.name); });

// 13 s until a new socket: the response was over, and nobody said so.
TEST_F(ProviderTroubleTest, NothingToCancelFreesTheNextReply) {
  Start();
  Turn();
  const int asked = Asked();
  Created();
  // The caller goes on: one reply to both parts.
  world.realtime.Send(
      {{"type", "input_audio_buffer.committed"}, {"item_id", "more"}});
  world.Advance(Duration::Millis(100));
  ASSERT_EQ(world.realtime.CountReceived("response.cancel"), 1);
  EXPECT_EQ(Asked(), asked);
  Refuse("response.cancel", {{"code", "response_cancel_not_active"}});
  EXPECT_EQ(Asked(), asked + 1);
  EXPECT_EQ(world.state(), State::kThinking);
}

// Silence to the longest call's end.
TEST_F(ProviderTroubleTest, ADeafAgentIsReplaced) {
  Start();
  world.line.Say(Speech(1'500));
  ASSERT_TRUE(world.RunUntil([&] { return world.agent.connections() == 2; },
                             Duration::Millis(20'000)));
  EXPECT_EQ(Failure(0)["code"], "deaf");
  EXPECT_EQ(Failure(0)["fatal"], false);
}

TEST_F(ProviderTroubleTest, AnAgentThatMissesACoughIsNotDeaf) {
  Start();
  world.line.Say(Speech(300));
  world.Advance(Duration::Millis(20'000));
  EXPECT_EQ(world.agent.connections(), 1);
}

// "Is anybody there?" gives it no more time.
TEST_F(ProviderTroubleTest, AskingAgainDoesNotKeepADeafAgent) {
  Start();
  for (int i = 0; i < 3; ++i) {
    world.line.Say(Speech(1'000));
    world.Advance(Duration::Millis(6'000));
  }
  EXPECT_EQ(world.agent.connections(), 2);
}

// Words with pauses between them are one turn.
TEST_F(ProviderTroubleTest, PausesDoNotHideATurn) {
  Start();
  for (int i = 0; i < 3; ++i) {
    world.line.Say(Speech(350));
    world.Advance(Duration::Millis(650));
  }
  ASSERT_TRUE(world.RunUntil([&] { return world.agent.connections() == 2; },
                             Duration::Millis(20'000)));
}

// It began to hear, and heard no end: a noisy line, or a server that forgot.
TEST_F(ProviderTroubleTest, AnAgentThatHearsIsNotDeafUntilItStops) {
  Start();
  world.line.Say(Speech(1'500));
  world.Advance(Duration::Millis(500));
  world.realtime.Send({{"type", "input_audio_buffer.speech_started"}});
  world.Advance(Duration::Millis(20'000));
  EXPECT_EQ(world.agent.connections(), 1);
  world.realtime.Send({{"type", "input_audio_buffer.speech_stopped"}});
  // And no commit.
  ASSERT_TRUE(world.RunUntil([&] { return world.agent.connections() == 2; },
                             Duration::Millis(20'000)));
}

TEST_F(ProviderTroubleTest, AnAgentThatTookTheTurnIsNotDeaf) {
  Start();
  world.line.Say(Speech(1'500));
  world.Advance(Duration::Millis(1'700));
  Turn();
  Created();
  Done(Json::object(), "completed");
  EXPECT_EQ(world.state(), State::kListening);
  world.Advance(Duration::Millis(20'000));
  EXPECT_EQ(world.agent.connections(), 1);
}

// ---------------------------------------------------------------------------
// The stream breaks while a reply is owed.

class OwedLegTest : public ProviderTroubleTest {
 protected:
  void LoseLeg() {
    world.line.Drop();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kLegLost; }));
  }
  void BringLegBack() {
    world.line.Call();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() != State::kLegLost; }));
    world.Advance(Duration::Millis(60));
  }
};

TEST_F(OwedLegTest, ALimitIsWaitedForAcrossTheLoss) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create",
         {{"code", "rate_limit_exceeded"}, {"message", "try again in 3.1s"}});
  world.Advance(Duration::Millis(1'000));
  LoseLeg();
  BringLegBack();
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_EQ(Asked(), asked);
  world.Advance(Duration::Millis(3'000));
  EXPECT_EQ(Asked(), asked + 1);
}

TEST_F(OwedLegTest, ALimitThatPassedMeanwhileIsAskedForThen) {
  Start();
  Turn();
  const int asked = Asked();
  Refuse("response.create",
         {{"code", "rate_limit_exceeded"}, {"message", "try again in 1s"}});
  LoseLeg();
  world.Advance(Duration::Millis(2'000));
  EXPECT_EQ(Asked(), asked);
  BringLegBack();
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_EQ(Asked(), asked + 1);
}

TEST_F(OwedLegTest, AReplyOnItsWayIsNotAskedForTwice) {
  Start();
  Turn();
  const int asked = Asked();
  LoseLeg();
  BringLegBack();
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_EQ(Asked(), asked);
}

TEST_F(OwedLegTest, AReplyThatFailedMeanwhileIsAskedForThen) {
  Start();
  Turn();
  const int asked = Asked();
  LoseLeg();
  Refuse("response.create", {{"code", "server_error"}});
  EXPECT_EQ(Asked(), asked);
  BringLegBack();
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_EQ(Asked(), asked + 1);
}

TEST_F(OwedLegTest, AnAgentThatIsLostMeanwhileIsAskedForTheReply) {
  Start();
  Turn();
  LoseLeg();
  world.agent.stalled = false;
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  const int asked = Asked();
  BringLegBack();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(Asked(), asked + 1);
}

}  // namespace
}  // namespace trunkline::test
