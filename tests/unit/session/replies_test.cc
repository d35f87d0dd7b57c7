#include "session/replies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using End = protocol::AgentReplyDone::End;
using Missing = Replies::Missing;
using Next = Replies::Next;
using Origin = Transcript::Origin;
using test::SessionParts;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Duration kAgo = Duration::Millis(500);
constexpr protocol::ItemId kFirstItem{7};

Config WithGreeting(const std::string& abilities = "") {
  Config config = SessionParts::MakeConfig();
  config.profile.greeting = "Hello.";
  config.profile.agent.model = abilities;
  return config;
}

int64_t LineOf(protocol::ItemId item) { return static_cast<int64_t>(item); }
bool IsNotHeard(int64_t /*line*/) { return false; }

// Replies with an agent that is ready.
struct Desk {
  explicit Desk(Config config = SessionParts::MakeConfig())
      : parts(std::move(config)), replies(parts.context, parts.agent) {
    parts.MakeAgentReady();
    replies.OnAgentCreated();
  }
  Json Snapshot(Replies::Due due = Replies::Due::kNo) const {
    Json snapshot = Json::object();
    replies.AddTo(snapshot, due, LineOf);
    return snapshot;
  }
  Missing Miss(End end, protocol::Failure why = {}) {
    if (!parts.IsSet(Timer::kReply)) replies.Await();
    return replies.OnMissing({.end = end, .why = why});
  }

  SessionParts parts;
  Replies replies;
};

TEST(RepliesTest, AsksForAReplyToTheTurnThatEnded) {
  Desk desk;
  EXPECT_FALSE(desk.replies.coming());
  desk.replies.Ask(kAgo);
  EXPECT_THAT(desk.parts.TakeCommands(), ElementsAre("respond 500"));
  EXPECT_TRUE(desk.replies.coming());
  EXPECT_FALSE(desk.replies.making());
  EXPECT_EQ(desk.replies.origin(), Origin::kReply);
}

TEST(RepliesTest, TheGreetingIsOwedUntilItsFirstAudioIsSent) {
  Desk desk(WithGreeting());
  EXPECT_TRUE(desk.replies.owes_greeting());
  // Audio of something else, before it was asked for.
  EXPECT_FALSE(desk.replies.OnSent());
  desk.replies.Ask(kAgo);
  EXPECT_EQ(desk.replies.origin(), Origin::kSay);
  // The caller spoke first: it is still owed, and comes in place of a reply.
  desk.replies.Cancel();
  EXPECT_TRUE(desk.replies.owes_greeting());
  desk.replies.Ask(kAgo);
  EXPECT_THAT(desk.parts.TakeCommands(),
              ElementsAre("say Hello.", "cancel", "say Hello."));
  EXPECT_TRUE(desk.replies.OnSent());
  EXPECT_FALSE(desk.replies.owes_greeting());
  EXPECT_FALSE(desk.replies.OnSent());
  desk.replies.Ask(kAgo);
  EXPECT_THAT(desk.parts.TakeCommands(), ElementsAre("respond 500"));
}

TEST(RepliesTest, AGreetingThatWasHeardIsNotOwedForAReplyThatWasNot) {
  Desk desk(WithGreeting());
  constexpr protocol::ItemId kGreeting{1};
  constexpr protocol::ItemId kReply{2};
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(1'000), kGreeting);
  // All of it is here before any is sent.
  desk.replies.OnDone({}, Next::kCallersTurn);
  EXPECT_TRUE(desk.replies.OnSent());
  desk.replies.OnHeard();
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(1'000), kReply);
  desk.replies.Cancel();
  desk.replies.OnDropped(std::array{kReply}, OwedTexts::By::kCaller);
  EXPECT_FALSE(desk.replies.owes_greeting());
}

TEST(RepliesTest, AGreetingOfWhichNoWordIsHeardIsOwedAgain) {
  Desk desk(WithGreeting());
  constexpr protocol::ItemId kFirst{1};
  constexpr protocol::ItemId kSecond{2};
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(1'000), kFirst);
  EXPECT_TRUE(desk.replies.OnSent());
  desk.replies.OnAudio(Duration::Millis(1'000), kSecond);
  desk.replies.OnDone({}, Next::kCallersTurn);
  // Another request is put off: the greeting is here all the same.
  desk.replies.OnPutOff();
  desk.replies.OnDropped(std::array{kFirst, kSecond}, OwedTexts::By::kCaller);
  EXPECT_TRUE(desk.replies.owes_greeting());
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(1'000), kFirst);
  desk.replies.OnAudio(Duration::Millis(1'000), kSecond);
  EXPECT_TRUE(desk.replies.OnSent());
  desk.replies.Cancel();
  // Some of the first was heard.
  desk.replies.OnDropped(std::array{kSecond}, OwedTexts::By::kCaller);
  EXPECT_FALSE(desk.replies.owes_greeting());
}

// A list that grew with each piece.
TEST(RepliesTest, AGreetingsItemsMayComeByTurns) {
  Desk desk(WithGreeting());
  constexpr protocol::ItemId kFirst{1};
  constexpr protocol::ItemId kSecond{2};
  desk.replies.Ask(kAgo);
  for (int i = 0; i < 3; ++i) {
    desk.replies.OnAudio(Duration::Millis(100), kFirst);
    desk.replies.OnAudio(Duration::Millis(100), kSecond);
  }
  EXPECT_TRUE(desk.replies.OnSent());
  desk.replies.Cancel();
  desk.replies.OnDropped(std::array{kSecond}, OwedTexts::By::kCaller);
  EXPECT_FALSE(desk.replies.owes_greeting()) << "some of the first was heard";
}

TEST(RepliesTest, AnAgentThatCannotSayOwesNoGreetingAndNothingLeftOver) {
  SessionParts parts(WithGreeting("cannot-say"));
  Replies replies(parts.context, parts.agent);
  replies.Restore({{"owesGreeting", 1}, {"owesReply", 1}}, IsNotHeard);
  EXPECT_TRUE(replies.owes_greeting());
  EXPECT_TRUE(replies.owes_reply());
  parts.MakeAgentReady();
  replies.OnAgentCreated();
  EXPECT_FALSE(replies.owes_greeting());
  EXPECT_FALSE(replies.owes_reply());
  replies.OnLegLost();
  EXPECT_FALSE(replies.owes_reply());
}

TEST(RepliesTest, ACancelledReplyIsMadeUntilTheAgentKnows) {
  Desk desk;
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(200));
  EXPECT_TRUE(desk.replies.making());
  desk.replies.Cancel();
  EXPECT_FALSE(desk.replies.coming());
  EXPECT_TRUE(desk.replies.making());
  // The next one is asked for before the first has ended, and survives that.
  desk.replies.Ask(kAgo);
  desk.replies.Await();
  desk.replies.OnDone({.end = End::kCancelled}, Next::kMore);
  EXPECT_FALSE(desk.replies.making());
  EXPECT_TRUE(desk.replies.coming());
  EXPECT_TRUE(desk.parts.IsSet(Timer::kReply));
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
}

TEST(RepliesTest, NobodyIsToldToCancelWhileTheAgentIsAway) {
  Desk desk;
  desk.replies.Ask(kAgo);
  desk.parts.TakeCommands();
  desk.parts.agent.Fail(protocol::AgentFailed::Loss::kRetryable, {});
  desk.replies.Cancel();
  EXPECT_FALSE(desk.replies.coming());
  EXPECT_THAT(desk.parts.TakeCommands(), IsEmpty());
}

TEST(RepliesTest, OneRequestAsksForAllThatIsDue) {
  Desk desk;
  desk.replies.OnLegLost();
  desk.replies.OnAnswersGiven();
  EXPECT_TRUE(desk.replies.owes_reply());
  EXPECT_TRUE(desk.replies.owes_answer());
  desk.replies.Ask(kAgo);
  EXPECT_FALSE(desk.replies.owes_reply());
  EXPECT_FALSE(desk.replies.owes_answer());
  EXPECT_THAT(desk.parts.TakeCommands(), ElementsAre("respond 500"));
}

// Nothing else was said any more.
TEST(RepliesTest, WhatIsCancelledIsNotLeftOver) {
  Desk desk;
  desk.replies.OnLegLost();
  EXPECT_TRUE(desk.replies.owes_reply());
  desk.replies.Cancel();
  EXPECT_FALSE(desk.replies.owes_reply());
  desk.replies.texts().Owe("One.");
  EXPECT_TRUE(desk.replies.MaySay());
}

TEST(RepliesTest, AudioIsTheReplyThatWasLeftOverAndNoAnswerToResults) {
  Desk desk;
  desk.replies.OnLegLost();
  desk.replies.OnAnswersGiven();
  desk.replies.OnAudio(Duration::Millis(200));
  EXPECT_FALSE(desk.replies.owes_reply());
  EXPECT_TRUE(desk.replies.owes_answer());
}

TEST(RepliesTest, ASnapshotHasWhatIsOwed) {
  Desk desk(WithGreeting());
  EXPECT_EQ(desk.Snapshot(), (Json{{"owesGreeting", 1}, {"owesReply", 0}}));
  desk.replies.Ask(kAgo);
  EXPECT_EQ(desk.Snapshot(Replies::Due::kYes),
            (Json{{"owesGreeting", 1}, {"owesReply", 1}}));
  desk.replies.OnSent();
  EXPECT_EQ(desk.Snapshot(), (Json{{"owesGreeting", 0}, {"owesReply", 0}}));
  desk.replies.OnAnswersGiven();
  EXPECT_EQ(desk.Snapshot(), (Json{{"owesGreeting", 0}, {"owesReply", 1}}));
  desk.replies.Ask(kAgo);
  desk.replies.OnLegLost();
  EXPECT_EQ(desk.Snapshot(), (Json{{"owesGreeting", 0}, {"owesReply", 1}}));
}

TEST(RepliesTest, RestoresWhatASnapshotHas) {
  for (const bool greeting : {false, true}) {
    for (const bool reply : {false, true}) {
      SessionParts parts(WithGreeting());
      Replies replies(parts.context, parts.agent);
      const Json snapshot = {{"owesGreeting", greeting ? 1 : 0},
                             {"owesReply", reply ? 1 : 0}};
      replies.Restore(snapshot, IsNotHeard);
      EXPECT_EQ(replies.owes_greeting(), greeting);
      EXPECT_EQ(replies.owes_reply(), reply);
      Json again = Json::object();
      replies.AddTo(again, Replies::Due::kNo, LineOf);
      EXPECT_EQ(again, snapshot);
    }
  }
  // A profile without a greeting owes none, whatever is written.
  SessionParts parts;
  Replies replies(parts.context, parts.agent);
  replies.Restore({{"owesGreeting", 1}, {"owesReply", -1}}, IsNotHeard);
  EXPECT_FALSE(replies.owes_greeting());
  EXPECT_FALSE(replies.owes_reply());
}

// A greeting that is here and was not heard: whether it was is for the next
// session to say.
TEST(RepliesTest, AGreetingThatPlaysWhenTheObjectIsLostIsOwedUnlessItWasHeard) {
  Desk desk(WithGreeting());
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(900), kFirstItem);
  desk.replies.OnSent();
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  const Json snapshot = desk.Snapshot();
  EXPECT_EQ(snapshot, (Json{{"owesGreeting", 1},
                            {"greetingLine", LineOf(kFirstItem)},
                            {"owesReply", 0}}));
  for (const bool heard : {false, true}) {
    SessionParts parts(WithGreeting());
    Replies replies(parts.context, parts.agent);
    replies.Restore(snapshot, [heard](int64_t line) {
      return heard && line == LineOf(kFirstItem);
    });
    EXPECT_EQ(replies.owes_greeting(), !heard);
  }
  desk.replies.OnHeard();
  EXPECT_EQ(desk.Snapshot(), (Json{{"owesGreeting", 0}, {"owesReply", 0}}));
}

TEST(RepliesTest, AGreetingThatBreaksOffIsOwedAgainWhenItWasHeard) {
  for (const End end : {End::kFailed, End::kIncomplete}) {
    Desk desk(WithGreeting());
    for (int i = 0; i < Replies::kMaxGreetingTries; ++i) {
      desk.replies.Ask(kAgo);
      desk.replies.OnAudio(Duration::Millis(900), kFirstItem);
      desk.replies.OnSent();
      EXPECT_EQ(desk.replies.RestOf({.end = end}), Replies::Rest::kNone);
      desk.replies.OnDone({.end = end}, Next::kCallersTurn);
      EXPECT_FALSE(desk.replies.owes_greeting());
      desk.replies.OnHeard();
      EXPECT_TRUE(desk.replies.owes_greeting());
    }
    EXPECT_TRUE(desk.replies.GiveUpGreeting(Replies::GiveUp::kHopeless));
  }
}

// Its socket, the same.
TEST(RepliesTest, AGreetingThatIsLostWithItsAgentIsOwedAgain) {
  Desk desk(WithGreeting());
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(900), kFirstItem);
  desk.replies.OnSent();
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  desk.replies.OnHeard();
  EXPECT_TRUE(desk.replies.owes_greeting());
}

// He interrupts what is here of a greeting that broke off: a word of it will
// do.
TEST(RepliesTest, AGreetingThatBrokeOffIsNotOwedToACallerWhoInterruptsIt) {
  Desk desk(WithGreeting());
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(900), kFirstItem);
  desk.replies.OnSent();
  desk.replies.OnDone({.end = End::kFailed}, Next::kCallersTurn);
  desk.replies.OnDropped({}, OwedTexts::By::kCaller);
  EXPECT_FALSE(desk.replies.owes_greeting());
}

TEST(RepliesTest, OneThatAskingAgainCannotCureIsGivenUp) {
  Desk desk(WithGreeting());
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(900), kFirstItem);
  desk.replies.OnSent();
  desk.replies.OnDone({.end = End::kRefused}, Next::kCallersTurn);
  desk.replies.OnHeard();
  EXPECT_TRUE(desk.replies.GiveUpGreeting(Replies::GiveUp::kHopeless));
}

TEST(RepliesTest, TheRestOfAReplyThatBreaksOffIsAskedFor) {
  using Rest = Replies::Rest;
  constexpr Duration kClick = Duration::Millis(1);
  constexpr Duration kWords = Replies::kHeard;
  struct Case {
    End end;
    Duration made;
    Rest first;
    Rest last;  // when it was asked for as often as it may be
  };
  for (const auto& [end, made, first, last] :
       {Case{End::kFailed, kClick, Rest::kAskFor, Rest::kHopeless},
        Case{End::kFailed, kWords, Rest::kAskFor, Rest::kNone},
        Case{End::kIncomplete, kClick, Rest::kAskFor, Rest::kNone},
        Case{End::kIncomplete, kWords, Rest::kNone, Rest::kNone},
        Case{End::kRefused, kClick, Rest::kHopeless, Rest::kHopeless},
        Case{End::kRefused, kWords, Rest::kNone, Rest::kNone},
        Case{End::kComplete, kClick, Rest::kNone, Rest::kNone},
        Case{End::kCancelled, kClick, Rest::kNone, Rest::kNone}}) {
    Desk desk;
    for (int i = 0; i <= Replies::kMaxRests; ++i) {
      desk.replies.Ask(kAgo);
      desk.replies.OnAudio(made, kFirstItem);
      const bool is_last = i == Replies::kMaxRests;
      EXPECT_EQ(desk.replies.RestOf({.end = end}), is_last ? last : first)
          << static_cast<int>(end) << " " << made.ms();
      // What follows of a complete one begins anew.
      if (end == End::kComplete) break;
      desk.replies.OnDone({.end = end}, Next::kLost);
    }
    desk.replies.OnTurnEnded();
    desk.replies.Ask(kAgo);
    desk.replies.OnAudio(made, kFirstItem);
    EXPECT_EQ(desk.replies.RestOf({.end = end}), first);
  }
}

TEST(RepliesTest, WhatNobodyAskedForHasNoRest) {
  Desk desk;
  desk.replies.OnAudio(Duration::Millis(900), kFirstItem, false);
  EXPECT_EQ(desk.replies.RestOf({.end = End::kFailed}), Replies::Rest::kNone);
}

TEST(RepliesTest, ADueReplyHasItsTime) {
  Desk desk;
  desk.parts.Advance(Duration::Millis(70));
  desk.replies.Await();
  EXPECT_EQ(desk.replies.awaited_since(),
            desk.parts.context.now() - Replies::kDatedBack);
  EXPECT_EQ(desk.parts.DueInMs(Timer::kReply), 12'000);
  const Instant since = desk.replies.awaited_since();
  desk.parts.Advance(Duration::Millis(5'000));
  // More of the same reply is no new wait.
  desk.replies.AwaitMore();
  EXPECT_EQ(desk.replies.awaited_since(), since);
  EXPECT_EQ(desk.parts.DueInMs(Timer::kReply), 12'000);
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  EXPECT_FALSE(desk.parts.IsSet(Timer::kReply));
}

TEST(RepliesTest, WhatFollowsAReplyIsToldOnce) {
  Desk desk;
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
  desk.replies.OnDone({.end = End::kComplete}, Next::kMore);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kMore);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
  // A later reply says otherwise.
  desk.replies.OnDone({.end = End::kComplete}, Next::kMore);
  desk.replies.OnDone({.end = End::kIncomplete}, Next::kCallersTurn);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
}

TEST(RepliesTest, AFailedReplyIsAskedForOnceMore) {
  Desk desk;
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kAskNow);
  EXPECT_EQ(desk.parts.DueInMs(Timer::kReply), 12'000);
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kFailed);
  const std::vector<Json> told = desk.parts.log.EventsOf("agentFailed");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0]["code"], "replyFailed");
  EXPECT_EQ(told[0]["fatal"], false);
  EXPECT_EQ(told[1]["fatal"], true);
}

TEST(RepliesTest, AReplyThatIsStoppedTwiceIsTheCallersTurn) {
  Desk desk;
  EXPECT_EQ(desk.Miss(End::kIncomplete), Missing::kAskNow);
  EXPECT_EQ(desk.Miss(End::kIncomplete), Missing::kNothing);
}

TEST(RepliesTest, WhatIsRefusedIsNotAskedForAgain) {
  Desk desk;
  EXPECT_EQ(desk.Miss(End::kRefused, {.code = "insufficient_quota"}),
            Missing::kFailed);
  EXPECT_EQ(desk.parts.log.EventsOf("agentFailed").at(0)["code"],
            "insufficient_quota");
}

TEST(RepliesTest, ATurnAndAWholeReplyAllowAnotherAttempt) {
  Desk desk;
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kAskNow);
  desk.replies.OnTurnEnded();
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kAskNow);
  desk.replies.OnDone({.end = End::kIncomplete}, Next::kCallersTurn);
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kFailed);
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kAskNow);
}

TEST(RepliesTest, AsksNotSoonerThanTheProviderWants) {
  Desk desk;
  EXPECT_EQ(desk.Miss(End::kFailed, {.code = "rate_limit_exceeded",
                                     .retry_after = Duration::Millis(12'000)}),
            Missing::kAskLater);
  // The longest that a caller waits; it comes without being asked for.
  EXPECT_EQ(desk.parts.DueInMs(Timer::kAskAgain), 12'000);
  EXPECT_EQ(desk.parts.DueInMs(Timer::kReply), 12'000);
  EXPECT_TRUE(desk.replies.coming());
  desk.replies.Ask(kAgo);
  EXPECT_FALSE(desk.parts.IsSet(Timer::kAskAgain));
}

// Two limits of 100 ms ended the call while the caller had time for a reply.
TEST(RepliesTest, ATimeThatIsSaidIsWaitedForAgain) {
  Desk desk;
  const protocol::Failure limit{.code = "rate_limit_exceeded",
                                .retry_after = Duration::Millis(100)};
  for (int i = 0; i < Replies::kMaxWaits; ++i) {
    EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kAskLater) << i;
    desk.parts.Advance(Duration::Millis(100));
    desk.replies.Ask(kAgo);
  }
  // The time of the reply goes on.
  EXPECT_EQ(desk.parts.DueInMs(Timer::kReply), 12'000 - 300);
  EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kFailed);
  EXPECT_EQ(desk.parts.log.EventsOf("agentFailed").back()["fatal"], true);
  // Another turn has its own.
  desk.replies.OnTurnEnded();
  EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kAskLater);
}

TEST(RepliesTest, TimesThatAreSaidFitInThatOfTheReplyTogether) {
  Desk desk;
  const protocol::Failure limit{.retry_after = Duration::Millis(5'000)};
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kAskLater);
    desk.parts.Advance(Duration::Millis(5'000));
  }
  // 2 s are left.
  EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kFailed);
}

// Neither takes the other one's attempts.
TEST(RepliesTest, AFailureBehindATimeThatWasSaidIsAskedForOnceMore) {
  Desk desk;
  const protocol::Failure limit{.retry_after = Duration::Millis(100)};
  EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kAskLater);
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kAskNow);
  EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kAskLater);
  EXPECT_EQ(desk.Miss(End::kFailed), Missing::kFailed);
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  for (int i = 0; i < Replies::kMaxWaits; ++i) {
    EXPECT_EQ(desk.Miss(End::kFailed, limit), Missing::kAskLater);
  }
  EXPECT_EQ(desk.Miss(End::kRefused, limit), Missing::kFailed);
}

TEST(RepliesTest, ACallerDoesNotWaitLongerThanForAReply) {
  Desk desk;
  EXPECT_EQ(desk.Miss(End::kFailed, {.retry_after = Duration::Millis(12'001)}),
            Missing::kFailed);
  EXPECT_FALSE(desk.parts.IsSet(Timer::kAskAgain));
}

TEST(RepliesTest, RepliesThatOnlyCallToolsAreBounded) {
  Desk desk;
  for (const bool spoken_to : {true, false}) {
    for (int i = 0; i < Replies::kMaxSilent; ++i) {
      EXPECT_TRUE(desk.replies.OnSilent());
    }
    EXPECT_FALSE(desk.replies.OnSilent());
    // A word of either side, and they count anew.
    if (spoken_to) {
      desk.replies.OnAudio(Duration::Millis(200));
    } else {
      desk.replies.OnCallerSpeaks();
    }
    EXPECT_TRUE(desk.replies.OnSilent());
    desk.replies.OnCallerSpeaks();
  }
}

TEST(RepliesTest, WhatIsLostOfAReplyFollowsIt) {
  Desk desk;
  desk.replies.Ask(kAgo);
  desk.replies.Await();
  desk.replies.OnAudio(Duration::Millis(200));
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_FALSE(desk.replies.making());
  EXPECT_FALSE(desk.replies.coming());
  EXPECT_FALSE(desk.parts.IsSet(Timer::kReply));
  // The next connection is lost as well, before anything was asked for.
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kLost);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
}

TEST(RepliesTest, AReplyThatWasAskedForAndNotBegunIsLostAsWell) {
  Desk desk;
  desk.replies.SetNext(Next::kMore);
  desk.replies.Ask(kAgo);
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kLost);
}

TEST(RepliesTest, WhatWasCancelledOrNobodyHearsIsNotLost) {
  Desk desk;
  desk.replies.Ask(kAgo);
  desk.replies.Cancel();
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
  desk.replies.OnAudio(Duration::Millis(200));
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  desk.replies.SetNext(Next::kCallersTurn);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
  desk.replies.OnAudio(Duration::Millis(200));
  desk.replies.Cancel();
  EXPECT_TRUE(desk.replies.making());
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
}

// It was asked for twice, or not a second time and nothing else was said.
TEST(RepliesTest, AReplyThatIsOnItsWayIsNotLeftOver) {
  Desk desk;
  desk.replies.Ask(kAgo);
  desk.replies.OnLegLost();
  EXPECT_TRUE(desk.replies.owes_reply());
  // The leg is back.
  desk.replies.Await();
  EXPECT_FALSE(desk.replies.owes_reply());
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  desk.replies.texts().Owe("One moment.");
  EXPECT_TRUE(desk.replies.MaySay());
  // Another one is due that nobody has asked for.
  desk.replies.OnLegLost();
  desk.replies.Await();
  EXPECT_TRUE(desk.replies.owes_reply());
  EXPECT_FALSE(desk.replies.MaySay());
}

TEST(RepliesTest, NothingFollowsWhenTheAgentIsLostForGood) {
  Desk desk;
  desk.replies.Await();
  desk.replies.OnAudio(Duration::Millis(200));
  desk.replies.SetNext(Next::kMore);
  desk.replies.OnAgentFailed(AgentLink::Outlook::kLost);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
}

TEST(RepliesTest, NothingIsLostOfAReplyThatHadEnded) {
  Desk desk;
  desk.replies.OnAudio(Duration::Millis(200));
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
  // One that awaits its tools does so still.
  desk.replies.OnDone({.end = End::kComplete}, Next::kMore);
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kMore);
}

// The provider began a reply of its own while the text was asked for.
TEST(RepliesTest, AudioThatNobodyAskedForIsNoTextThatIsOwed) {
  Desk desk;
  desk.replies.texts().Owe("One moment.");
  desk.replies.AskForSay();
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem, /*asked=*/false);
  EXPECT_TRUE(desk.replies.texts().awaited());
  EXPECT_FALSE(desk.replies.texts().IsOf(kFirstItem));
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem);
  EXPECT_FALSE(desk.replies.texts().awaited());
  EXPECT_TRUE(desk.replies.texts().IsOf(kFirstItem));
}

// The provider was busy with a reply of its own, whose sound had come first.
TEST(RepliesTest, WhatIsPutOffIsOwedStill) {
  Desk desk(WithGreeting());
  desk.replies.Ask(kAgo);
  EXPECT_EQ(desk.replies.expected(), "Hello.");
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem);
  EXPECT_EQ(desk.replies.expected(), "");
  EXPECT_TRUE(desk.replies.OnSent());
  desk.replies.OnPutOff();
  EXPECT_TRUE(desk.replies.owes_greeting());
  EXPECT_EQ(desk.replies.expected(), "Hello.");
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem);
  EXPECT_TRUE(desk.replies.OnSent());
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  desk.replies.OnPutOff();
  EXPECT_FALSE(desk.replies.owes_greeting());
}

TEST(RepliesTest, NothingIsExpectedOfAReply) {
  Desk desk;
  desk.replies.Ask(kAgo);
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem);
  desk.replies.OnPutOff();
  EXPECT_EQ(desk.replies.expected(), "");
}

TEST(RepliesTest, ATextThatBreaksOffIsNoReplyThatIsLost) {
  Desk desk;
  desk.replies.texts().Owe("One moment.");
  desk.replies.AskForSay();
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem);
  EXPECT_TRUE(desk.replies.making());
  EXPECT_FALSE(desk.replies.making_reply());
  desk.replies.OnAgentFailed(AgentLink::Outlook::kReturns);
  EXPECT_EQ(desk.replies.TakeNext(), Next::kCallersTurn);
  desk.replies.texts().OnHeard();
  EXPECT_TRUE(desk.replies.MaySay());
}

// Another response's end let the reply be taken for the text, which was never
// said.
TEST(RepliesTest, AReplyBehindATextStaysThere) {
  Desk desk;
  desk.replies.texts().Owe("One moment.");
  desk.replies.AskForSay();
  desk.replies.Ask(kAgo);
  EXPECT_TRUE(desk.replies.behind());
  // The server was busy with that.
  desk.replies.OnDone({.end = End::kCancelled}, Next::kCallersTurn);
  EXPECT_TRUE(desk.replies.behind());
  // Of the text came a call of a tool.
  desk.replies.OnToolCall();
  desk.replies.OnDone({.end = End::kComplete}, Next::kMore);
  EXPECT_TRUE(desk.replies.coming());
  EXPECT_FALSE(desk.replies.MaySay());
}

// Its line was that of a reply, and said how long the caller had waited.
TEST(RepliesTest, ATextBeforeAReplyIsNotThat) {
  Desk desk;
  desk.replies.texts().Owe("One moment.");
  desk.replies.AskForSay();
  desk.replies.Ask(kAgo);
  EXPECT_EQ(desk.replies.origin(), Origin::kSay);
  EXPECT_EQ(desk.replies.expected(), "One moment.");
  desk.replies.OnAudio(Duration::Millis(200), kFirstItem);
  EXPECT_EQ(desk.replies.origin(), Origin::kSay);
  EXPECT_EQ(desk.replies.expected(), "");
  desk.replies.OnDone({.end = End::kComplete}, Next::kCallersTurn);
  EXPECT_EQ(desk.replies.origin(), Origin::kReply);
}

TEST(RepliesTest, WordsByCommandAreNoReply) {
  Desk desk;
  desk.replies.Say("One moment.");
  EXPECT_EQ(desk.replies.origin(), Origin::kSay);
  EXPECT_FALSE(desk.replies.coming());
  EXPECT_THAT(desk.parts.TakeCommands(), ElementsAre("say One moment."));
  desk.replies.OnToolCall();
  EXPECT_TRUE(desk.replies.making());
  desk.replies.Ask(kAgo);
  EXPECT_EQ(desk.replies.origin(), Origin::kReply);
}

}  // namespace
}  // namespace trunkline::session
