// Texts that are to be said by command: each is heard, or given up by name,
// whatever the provider, the sockets and the caller do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "session/owed_texts.h"
#include "unit/session/hostile_call.h"

namespace trunkline::test {
namespace {

using session::OwedTexts;
using session::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Reply = HostileRealtime::Reply;

// What the next session would owe.
Json SaysOf(const ReadyHostileCall& call) {
  const auto snapshot = ParseJson(call.world.snapshot());
  const Json* says = FindMember((*snapshot)["conversation"], "says");
  return says == nullptr ? Json::array() : *says;
}

// A session that follows a lost one.
VirtualWorld::Options After(const ReadyHostileCall& lost) {
  VirtualWorld::Options options = HostileOptions();
  options.snapshot = lost.world.snapshot();
  options.first_seq = static_cast<int64_t>(lost.world.events().size());
  return options;
}

// The second took the place of the first, and a turn took that of both.
TEST(SayTest, TextsByCommandAreSaidOneAfterTheOther) {
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

TEST(SayTest, ATextOutlivesTheSocketThatWasToSayIt) {
  ReadyHostileCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  call.world.Advance(Duration::Millis(200));
  call.world.agent.Drop(1006);
  ASSERT_TRUE(call.Hears(1));
  EXPECT_EQ(call.Asked("One."), 2);
  EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
}

// Nothing waited for it.
TEST(SayTest, ATextThatIsNotAnsweredIsNoticed) {
  ReadyHostileCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  ASSERT_TRUE(call.Hears(1, Duration::Millis(kHostileReplyMs + 4'000)));
  EXPECT_EQ(call.LastFailure(), "noReply");
}

TEST(SayTest, ATextIsNotAskedForBeforeItsTime) {
  ReadyHostileCall call({.always = Reply::kIgnored});
  call.Say("One.");
  call.world.Advance(Duration::Millis(100));
  call.PutOff("Please try again in 2s.");
  call.world.Advance(Duration::Millis(1'900));
  EXPECT_EQ(call.Asked("One."), 1);
  call.world.Advance(Duration::Millis(300));
  EXPECT_EQ(call.Asked("One."), 2);
}

TEST(SayTest, ATextIsGivenUpByName) {
  ReadyHostileCall call({.always = Reply::kIncomplete});
  call.Say("One.");
  call.world.Advance(Duration::Millis(2'000));
  EXPECT_EQ(call.Asked("One."), OwedTexts::kMaxTries);
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

TEST(SayTest, TextsThatWaitAreBounded) {
  ReadyHostileCall call({.always = Reply::kIgnored});
  for (size_t i = 0; i < OwedTexts::kMaxTexts; ++i) {
    call.Say("Text.");
  }
  EXPECT_EQ(call.SayStatus("One too many."), "refused");
  const Json result = call.world.Command(
      {{"type", "say"}, {"text", std::string(OwedTexts::kMaxBytes + 1, 'x')}});
  EXPECT_EQ(result["code"], "invalid");
  EXPECT_EQ(result["field"], "text");
}

TEST(SayTest, ATextOutlivesTheObject) {
  ReadyHostileCall first({.always = Reply::kIgnored});
  first.Say("One.");
  first.world.Advance(Duration::Millis(200));
  ReadyHostileCall second({.options = After(first)});
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
TEST(SayTest, ATextOfWhichNothingIsHeardIsSaidAgain) {
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

TEST(SayTest, ATextOfWhichNothingIsHeardIsNamedAtTheEnd) {
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

// A time of hours kept it until the call ended.
TEST(SayTest, ATextIsNotPutOffForLongerThanAReply) {
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
TEST(SayTest, ATextThatFailsBeforeAReplyIsNotTheReply) {
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
TEST(SayTest, ATextDoesNotWaitForTheEndOfWhatWasCancelled) {
  AskedHostileCall call({.next = {Reply::kStallsInAudio}});
  ASSERT_TRUE(call.Reaches(State::kSpeaking));
  call.world.line.Press('1');
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.world.state(), State::kListening);
  call.Say("One.");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 1; },
                                  Duration::Millis(kHostileReplyMs + 2'000)));
}

// It was said to its end, and was asked for once more after the object was
// lost.
TEST(SayTest, ATextThatWasHeardIsNotOwedToTheNextSession) {
  ReadyHostileCall first;
  first.Say("One.");
  ASSERT_TRUE(first.Reaches(State::kSpeaking));
  EXPECT_THAT(SaysOf(first), SizeIs(1));
  ASSERT_TRUE(first.Hears(1));
  EXPECT_THAT(SaysOf(first), IsEmpty());
}

// The object was lost over it: a bare reply was asked for, of which nobody knew
// what it would be.
TEST(SayTest, ATextThatBreaksOffWithTheObjectIsSaidAgain) {
  ReadyHostileCall first;
  first.world.agent.reply_ms = 3'000;
  first.Say("One.");
  ASSERT_TRUE(first.Reaches(State::kSpeaking));
  first.world.Advance(Duration::Millis(1'000));
  ReadyHostileCall second({.options = After(first)});
  ASSERT_TRUE(second.Hears(1));
  second.world.Advance(Duration::Millis(kHostileReplyMs));
  EXPECT_THAT(second.asked, ElementsAre(HasSubstr("One.")));
}

// So it was when the provider's socket broke.
TEST(SayTest, ATextThatBreaksOffWithItsProviderIsSaidAgain) {
  for (const Reply broken : {Reply::kDropsInAudio, Reply::kFailedInAudio,
                             Reply::kCutShort, Reply::kStallsInAudio}) {
    SCOPED_TRACE(static_cast<int>(broken));
    ReadyHostileCall call({.next = {broken}});
    call.provider->close_code = 1006;
    call.Say("One.");
    ASSERT_TRUE(call.world.RunUntil([&] { return call.asked.size() == 2; }));
    ASSERT_TRUE(call.Reaches(State::kListening));
    call.world.Advance(Duration::Millis(kHostileReplyMs));
    EXPECT_THAT(call.asked, ElementsAre(HasSubstr("One."), HasSubstr("One.")));
    EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
  }
}

TEST(SayTest, ATextThatAlwaysBreaksOffIsGivenUpByName) {
  ReadyHostileCall call({.always = Reply::kCutShort});
  call.Say("One.");
  ASSERT_TRUE(
      call.world.RunUntil([&] { return call.world.Count("notSaid") == 1; },
                          Duration::Millis(30'000)));
  EXPECT_EQ(call.Asked("One."), OwedTexts::kMaxTries);
}

TEST(SayTest, TextsKeepTheirOrderWhenTheFirstBreaksOff) {
  ReadyHostileCall call({.next = {Reply::kCutShort}});
  call.Say("One.");
  call.Say("Two.");
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("Two.") == 1; }));
  EXPECT_THAT(call.asked, ElementsAre(HasSubstr("One."), HasSubstr("One."),
                                      HasSubstr("Two.")));
}

// A call in which so much of a text is heard.
struct TextIsHeard : ReadyHostileCall {
  explicit TextIsHeard(int64_t ms) {
    Say("One and two.");
    EXPECT_TRUE(HearsMs(ms));
  }
};

// The caller interrupted its first syllable: nobody said it again, nor told
// that it was not said.
TEST(SayTest, ATextThatIsInterruptedBeforeItsFirstWordIsSaidAgain) {
  for (const int64_t heard_ms : {40, 200, 1'500}) {
    SCOPED_TRACE(heard_ms);
    TextIsHeard call(heard_ms);
    call.world.line.Press('1');
    ASSERT_TRUE(call.Reaches(State::kListening));
    ASSERT_THAT(call.world.EventsOf("truncated"), SizeIs(1));
    call.world.agent.reply_ms = 500;
    call.world.Advance(Duration::Millis(10'000));
    EXPECT_EQ(call.Asked("One and two."), heard_ms < 1'000 ? 2 : 1);
    EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
  }
}

// The call ended with its first syllable: no line has a word of it.
TEST(SayTest, ATextOfWhichNoWordIsHeardIsNamedAtTheEnd) {
  for (const int64_t heard_ms : {40, 1'500}) {
    SCOPED_TRACE(heard_ms);
    TextIsHeard call(heard_ms);
    call.world.line.HangUp();
    call.MsToTheEnd();
    EXPECT_THAT(call.world.EventsOf("notSaid"), SizeIs(heard_ms < 1'000));
  }
}

// It talked over him: what he said was taken for a cough, deleted and never
// answered.
TEST(SayTest, ATextIsNotSaidOverTheCaller) {
  for (const int64_t at_ms : {-100, 150, 700, 1'300, 1'700}) {
    SCOPED_TRACE(at_ms);
    ReadyHostileCall call;
    if (at_ms < 0) call.Say("One.");
    call.world.line.Say(Speech(1'500));
    call.world.Advance(Duration::Millis(std::max<int64_t>(at_ms, 0)));
    if (at_ms >= 0) call.Say("One.");
    ASSERT_TRUE(
        call.world.RunUntil([&] { return call.world.Count("turnEnded") == 1; },
                            Duration::Millis(10'000)));
    call.world.Advance(Duration::Millis(10'000));
    EXPECT_EQ(call.world.agent.discards(), 0);
    EXPECT_GE(call.Asked("One."), 1);
    EXPECT_EQ(static_cast<int>(call.asked.size()) - call.Asked("One."), 1)
        << "his turn is answered, once";
    EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
    call.world.line.HangUp();
    call.MsToTheEnd();
    int turns = 0;
    for (const Json& line : call.world.EventsOf("line")) {
      if (line["role"] != "caller") continue;
      ++turns;
      EXPECT_NEAR(static_cast<double>(line["endMs"].get<int64_t>() -
                                      line["startMs"].get<int64_t>()),
                  1'500, 150);
    }
    EXPECT_EQ(turns, 1);
  }
}

// His turn was over before its audio came, and the provider took it then: it
// was said, and what he had said was deleted.
TEST(SayTest, ATextThatMeetsATurnComesBehindTheReplyToIt) {
  ReadyHostileCall call;
  call.world.agent.has_vad = false;
  call.world.agent.think = Duration::Millis(600);
  call.Say("One.");
  call.world.line.Say(Speech(900));
  call.world.Advance(Duration::Millis(1'800));
  call.world.agent.Commit();
  ASSERT_TRUE(call.world.RunUntil([&] {
    return call.asked.size() == 3 && call.world.state() == State::kListening;
  }));
  EXPECT_THAT(call.asked,
              ElementsAre(HasSubstr("One."), "", HasSubstr("One.")));
  EXPECT_EQ(call.world.agent.discards(), 0);
}

// The socket was given up in the middle of his turn, for the text that was not
// waited for any more.
TEST(SayTest, ATextThatIsTakenBackIsNotWaitedFor) {
  ReadyHostileCall call;
  call.world.agent.think = Duration::Millis(600);
  call.Say("One.");
  call.world.line.Say(Speech(static_cast<int>(kHostileReplyMs) + 2'000));
  ASSERT_TRUE(
      call.world.RunUntil([&] { return call.world.Count("turnEnded") == 1; },
                          Duration::Millis(kHostileReplyMs + 4'000)));
  call.world.Advance(Duration::Millis(10'000));
  EXPECT_THAT(call.world.EventsOf("agentFailed"), IsEmpty());
  EXPECT_THAT(call.asked,
              ElementsAre(HasSubstr("One."), "", HasSubstr("One.")));
}

// One that comes when the turn was taken is in front of the reply.
TEST(SayTest, ATextThatComesWhenATurnWasTakenIsSaidOnce) {
  ReadyHostileCall call;
  call.world.agent.has_vad = false;
  call.world.agent.think = Duration::Millis(1'900);
  call.Say("One.");
  call.world.line.Say(Speech(900));
  call.world.Advance(Duration::Millis(1'800));
  call.world.agent.Commit();
  ASSERT_TRUE(call.Hears(2, Duration::Millis(10'000)));
  ASSERT_TRUE(call.Reaches(State::kListening));
  EXPECT_THAT(call.asked, ElementsAre(HasSubstr("One."), ""));
  EXPECT_EQ(call.world.agent.discards(), 0);
}

// All of it was heard when the object was lost, and it was said once more.
TEST(SayTest, ATextThatWasHeardBeforeTheObjectWasLostIsNotSaidAgain) {
  ReadyHostileCall first;
  first.Say("One.");
  ASSERT_TRUE(first.Reaches(State::kSpeaking));
  first.world.Advance(Duration::Millis(400));
  VirtualWorld::Options options = After(first);
  // It is known to have lived on by other means.
  options.config = {{"callEpochMs", options.epoch_ms}, {"aliveMs", 3'000}};
  options.epoch_ms += 3'100;
  ReadyHostileCall second({.options = options});
  second.world.Advance(Duration::Millis(kHostileReplyMs));
  EXPECT_THAT(second.asked, IsEmpty());
  const auto lines = second.world.EventsOf("line");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["cut"], false);
}

// The call ended for that, and nobody was told that it was not said.
TEST(SayTest, ATextThatBreaksOffWithTheCallIsNamed) {
  ReadyHostileCall call({.always = Reply::kDropsInAudio});
  call.provider->close_code = 1006;
  call.Say("One.");
  call.MsToTheEnd();
  ASSERT_THAT(call.world.EventsOf("notSaid"), SizeIs(1));
  EXPECT_EQ(call.world.EventsOf("notSaid")[0]["text"], "One.");
}

// Audio came of it, and no word: the line was empty although the text is known.
TEST(SayTest, ALineWithoutWordsOfTheProviderHasThoseThatWereAskedFor) {
  TextIsHeard call(1'500);
  call.world.line.HangUp();
  call.MsToTheEnd();
  const auto lines = call.world.EventsOf("line");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["said"], "One and two.");
  EXPECT_EQ(lines[0]["heard"], "One");
  EXPECT_EQ(lines[0]["text"], "partial");
}

// ---------------------------------------------------------------------------
// A reply of the server's own, of which it tells before it says that it is busy

struct BusyCall : ReadyHostileCall {
  explicit BusyCall(const HostileScript& script) : ReadyHostileCall(script) {}

  void Created() {
    world.realtime.Send(
        {{"type", "response.created"}, {"response", {{"id", "own"}}}});
  }
  void Audio() {
    world.realtime.Send({{"type", "response.output_audio.delta"},
                         {"response_id", "own"},
                         {"item_id", "item_own"},
                         {"content_index", 0},
                         {"delta", ToBase64(std::string(4'800, '\x55'))}});
  }
  void Busy() {
    world.realtime.Send({{"type", "error"},
                         {"error",
                          {{"code", "conversation_already_has_active_response"},
                           {"event_id", last_request}}}});
  }
  void Done() {
    world.realtime.Send(
        {{"type", "response.done"},
         {"response", {{"id", "own"}, {"status", "completed"}}}});
    world.Advance(Duration::Millis(100));
  }
};

struct Busyness {
  bool announced;
  // The caller has heard all that came of it before that is known.
  bool heard;
};

class BusyTest : public testing::TestWithParam<Busyness> {
 protected:
  // All of it up to the end of that reply.
  static void Play(BusyCall& call) {
    if (GetParam().announced) call.Created();
    call.Audio();
    call.world.Advance(Duration::Millis(GetParam().heard ? 900 : 60));
    call.Busy();
    call.Done();
  }
};

// It counted as said with the sound of that, and never was.
TEST_P(BusyTest, ATextIsNotSaidWithIt) {
  BusyCall call({.next = {Reply::kIgnored}});
  call.Say("One.");
  Play(call);
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("One.") == 2; }));
  ASSERT_TRUE(call.Hears(call.world.Count("replyDone") + 1));
  EXPECT_THAT(SaysOf(call), IsEmpty());
  call.world.line.HangUp();
  call.MsToTheEnd();
  EXPECT_THAT(call.world.EventsOf("notSaid"), IsEmpty());
  // The line of the other one does not have its words.
  const auto lines = call.world.EventsOf("line");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["said"], "");
  EXPECT_EQ(lines[1]["said"], "One.");
}

TEST_P(BusyTest, NorIsTheCallerGreetedWithIt) {
  VirtualWorld::Options options = HostileOptions();
  options.profile["greeting"] = "Good day to you.";
  BusyCall call({.options = options, .next = {Reply::kIgnored}});
  call.world.Advance(Duration::Millis(100));
  ASSERT_EQ(call.Asked("Good day"), 1);
  Play(call);
  ASSERT_TRUE(call.world.RunUntil([&] { return call.Asked("Good day") == 2; }));
  ASSERT_TRUE(call.Reaches(State::kListening));
  call.world.Advance(Duration::Millis(kHostileReplyMs));
  EXPECT_EQ(call.Asked("Good day"), 2);
}

TEST_P(BusyTest, NorIsTheCallersTurnAnsweredWithIt) {
  BusyCall call({.next = {Reply::kIgnored}});
  call.Turn();
  Play(call);
  ASSERT_TRUE(call.world.RunUntil([&] { return call.asked.size() == 2; }));
  ASSERT_TRUE(call.Hears(call.world.Count("replyDone") + 1));
  call.world.line.HangUp();
  call.MsToTheEnd();
  // How long he waited for his answer is told of that.
  std::vector<bool> answers;
  for (const Json& line : call.world.EventsOf("line")) {
    if (line["role"] == "agent")
      answers.push_back(line.contains("latencySentMs"));
  }
  EXPECT_THAT(answers, ElementsAre(false, true));
}

INSTANTIATE_TEST_SUITE_P(All, BusyTest,
                         testing::Values(Busyness{true, false},
                                         Busyness{true, true},
                                         Busyness{false, false}));

}  // namespace
}  // namespace trunkline::test
