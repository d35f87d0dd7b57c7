#include "session/caller_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using Edge = protocol::AgentSpeech::Edge;
using Event = TurnDetector::Event;
using test::SessionParts;
using testing::ElementsAre;
using testing::IsEmpty;

struct Caller {
  explicit Caller(Config config = SessionParts::MakeConfig())
      : parts(std::move(config)) {
    parts.MakeAgentReady();
    turns.emplace(parts.context, parts.agent, parts.transcript, spoken);
  }
  // Returns the last event that came.
  Event Hear(int ms, bool speech) {
    Event last = Event::kNone;
    for (int i = 0; i < ms / TurnDetector::kFrameMs; ++i) {
      parts.Advance(Duration::Millis(TurnDetector::kFrameMs));
      if (const Event event = Take(speech); event != Event::kNone) last = event;
    }
    return last;
  }
  // What was held up comes at once.
  void Burst(int ms, bool speech) {
    for (int i = 0; i < ms / TurnDetector::kFrameMs; ++i) Take(speech);
  }
  Event Take(bool speech) {
    spoken.OnFrame(media::CallerAudio::Source::kCarrier, parts.context.now());
    return turns->OnFrame(speech);
  }
  Event Speak(int ms) { return Hear(ms, true); }
  Event Pause(int ms) { return Hear(ms, false); }
  std::optional<Transcript::FinalLine> Final() {
    parts.transcript.Finish(parts.context.now());
    return parts.transcript.TakeFinal();
  }

  SessionParts parts;
  media::SpokenClock spoken;
  std::optional<CallerTurns> turns;
};

TEST(CallerTurnsTest, ATurnIsToldToEverybodyOnce) {
  Caller caller;
  EXPECT_EQ(caller.Speak(400), Event::kSpeechStarted);
  EXPECT_TRUE(caller.turns->speaking());
  EXPECT_TRUE(caller.turns->in_turn());
  EXPECT_EQ(caller.Pause(700), Event::kTurnEnded);
  EXPECT_FALSE(caller.turns->in_turn());
  caller.turns->End("local", 7);
  EXPECT_THAT(caller.parts.TakeCommands(), ElementsAre("turn 60"));
  EXPECT_THAT(
      caller.parts.log.Types(),
      ElementsAre("agentReady", "speechStarted", "speechStopped", "turnEnded"));
  const Json& ended = caller.parts.log.events().back();
  EXPECT_EQ(ended["source"], "local");
  EXPECT_EQ(ended["turn"], 7);
  const auto line = caller.Final();
  ASSERT_TRUE(line);
  EXPECT_EQ(line->start_ms, 0);
  EXPECT_EQ(line->end_ms, 400);
  EXPECT_EQ(line->over_ms, 1'100);
  EXPECT_FALSE(caller.parts.transcript.TakeFinal());
}

// One that never says that he has stopped is not waited for without end.
TEST(CallerTurnsTest, ATurnIsAwaitedForTheTimeOfAReply) {
  Config config = SessionParts::MakeConfig();
  config.limits.reply = Duration::Millis(2'000);
  Caller caller(config);
  EXPECT_FALSE(caller.turns->is_awaited());
  caller.turns->OnAgentSpeech(Edge::kStarted);
  EXPECT_TRUE(caller.turns->is_awaited());
  caller.Pause(1'500);
  // It does not begin anew with each word.
  caller.turns->OnAgentSpeech(Edge::kStarted);
  EXPECT_TRUE(caller.turns->is_awaited());
  caller.Pause(500);
  EXPECT_FALSE(caller.turns->is_awaited());
  EXPECT_TRUE(caller.turns->provider_hears());
  caller.turns->OnAgentSpeech(Edge::kStopped);
  caller.turns->OnAgentSpeech(Edge::kStarted);
  EXPECT_TRUE(caller.turns->is_awaited());
  caller.turns->OnAgentSpeech(Edge::kStopped);
  EXPECT_FALSE(caller.turns->is_awaited());
  // What is heard here is believed in any case.
  caller.Speak(3'000);
  EXPECT_TRUE(caller.turns->is_awaited());
}

// One that nobody took lasted until the call was over.
TEST(CallerTurnsTest, ATurnThatIsNotOverEndsWithItsSpeech) {
  for (const int quiet_ms : {0, 100, 500, 3'000}) {
    Caller caller;
    caller.Pause(1'000);
    caller.Speak(900);
    caller.Pause(quiet_ms);
    caller.turns->OnCallOver();
    const auto line = caller.Final();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->start_ms, 1'000);
    EXPECT_EQ(line->end_ms, 1'900) << quiet_ms;
    EXPECT_EQ(line->over_ms, 1'900 + quiet_ms);
  }
}

TEST(CallerTurnsTest, ATurnIsLeftOpenOnceForEachPause) {
  Caller caller;
  const auto left_open = [&caller](int ms) {
    int times = 0;
    for (int i = 0; i < ms; i += TurnDetector::kFrameMs) {
      caller.Pause(TurnDetector::kFrameMs);
      if (caller.turns->IsLeftOpen()) ++times;
    }
    return times;
  };
  EXPECT_EQ(left_open(3'000), 0);
  caller.Speak(900);
  EXPECT_EQ(left_open(1'980), 0);
  EXPECT_EQ(left_open(20), 1);
  EXPECT_EQ(left_open(5'000), 0);
  caller.Speak(900);
  EXPECT_EQ(left_open(5'000), 1);
  caller.Speak(900);
  caller.Pause(700);
  caller.turns->End("agent", 1);
  EXPECT_EQ(left_open(5'000), 0);
}

// The same where nobody tells that the call is over.
TEST(CallerTurnsTest, OfATurnThatWasStoppedItsEndIsKnownAtOnce) {
  Caller stopped;
  stopped.Speak(900);
  stopped.Pause(3'000);
  EXPECT_EQ(stopped.Final()->end_ms, 900);
  // He goes on: it is one turn that nobody took.
  Caller going_on;
  going_on.Speak(900);
  going_on.Pause(3'000);
  going_on.Speak(500);
  const auto line = going_on.Final();
  EXPECT_EQ(line->start_ms, 0);
  EXPECT_EQ(line->end_ms, 4'400);
}

// Frames of 1.7 s that came at once made a turn of a millisecond.
TEST(CallerTurnsTest, ATurnWhoseFramesWereHeldUpIsWhereItWasSpoken) {
  for (const int held_ms : {300, 1'000, 1'700, 2'400}) {
    Caller caller;
    caller.Pause(1'000);
    caller.parts.Advance(Duration::Millis(held_ms));
    caller.Burst(100, false);
    caller.Burst(held_ms - 100, true);
    caller.Speak(200);
    caller.Pause(700);
    caller.turns->End("local", 1);
    // Events tell of when it came.
    EXPECT_GE(caller.parts.log.events()[1]["startMs"], 1'000 + held_ms - 60);
    const auto line = caller.Final();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->start_ms, 1'100);
    EXPECT_EQ(line->end_ms, 1'200 + held_ms);
    EXPECT_EQ(line->over_ms, 1'900 + held_ms);
  }
}

// A provider may end a turn of which nothing was heard here.
TEST(CallerTurnsTest, ATurnThatWasNotHeardHasNoLine) {
  Caller caller;
  caller.turns->End("agent", 1);
  EXPECT_EQ(caller.parts.log.Count("turnEnded"), 1U);
  EXPECT_FALSE(caller.Final());
}

TEST(CallerTurnsTest, ATurnThatIsAbandonedLeavesNothing) {
  Caller caller;
  caller.Speak(200);
  caller.turns->Abandon();
  EXPECT_FALSE(caller.turns->in_turn());
  EXPECT_EQ(caller.Pause(2'000), Event::kNone);
  caller.turns->Abandon();
  EXPECT_FALSE(caller.Final());
}

TEST(CallerTurnsTest, NobodyIsToldOfATurnWhileTheAgentIsAway) {
  Caller caller;
  caller.parts.agent.Fail(protocol::AgentFailed::Loss::kRetryable, {});
  EXPECT_EQ(caller.Speak(200), Event::kSpeechStarted);
  EXPECT_THAT(caller.parts.TakeCommands(), IsEmpty());
}

TEST(CallerTurnsTest, TheEndOfATurnIsTheProfilesOrTheAgents) {
  Config config = SessionParts::MakeConfig();
  config.limits.end_of_turn = Duration::Millis(400);
  Caller quick(config);
  quick.Speak(200);
  EXPECT_NE(quick.Pause(380), Event::kTurnEnded);
  EXPECT_EQ(quick.Pause(20), Event::kTurnEnded);
  Caller usual;
  usual.Speak(200);
  EXPECT_NE(usual.Pause(680), Event::kTurnEnded);
  EXPECT_EQ(usual.Pause(20), Event::kTurnEnded);
}

TEST(CallerTurnsTest, SpeechFromBeforeIsNotTheCallerGoingOn) {
  Caller caller;
  const Instant before = caller.parts.context.now();
  EXPECT_FALSE(caller.turns->SpeaksSince(before));
  caller.Pause(20);
  caller.Speak(200);
  EXPECT_TRUE(caller.turns->SpeaksSince(before));
  // From where it began, and later.
  EXPECT_FALSE(caller.turns->SpeaksSince(before + Duration::Millis(20)));
  EXPECT_FALSE(caller.turns->SpeaksSince(caller.parts.context.now()));
  caller.Pause(300);
  EXPECT_FALSE(caller.turns->SpeaksSince(before));
}

TEST(CallerTurnsTest, AProviderThatMissesATurnHasTheTimeOfAReply) {
  Caller caller;
  caller.Speak(600);
  caller.Pause(700);
  caller.turns->OnUntaken();
  EXPECT_EQ(caller.parts.DueInMs(Timer::kDeaf), 12'000);
  // The next turn gives it no more.
  caller.Speak(600);
  caller.Pause(700);
  caller.turns->OnUntaken();
  EXPECT_EQ(caller.parts.DueInMs(Timer::kDeaf), 12'000 - 1'300);
  caller.turns->OnTaken("u1");
  EXPECT_FALSE(caller.parts.IsSet(Timer::kDeaf));
}

TEST(CallerTurnsTest, AShortTurnMayBeMissed) {
  Caller caller;
  caller.Speak(580);
  caller.Pause(700);
  caller.turns->OnUntaken();
  EXPECT_FALSE(caller.parts.IsSet(Timer::kDeaf));
}

TEST(CallerTurnsTest, ATurnThatWasTakenBeforeItEndedHereWasNotMissed) {
  Caller caller;
  caller.Speak(700);
  caller.Pause(500);
  caller.turns->OnTaken("u1");
  caller.Pause(200);
  caller.turns->OnUntaken();
  EXPECT_FALSE(caller.parts.IsSet(Timer::kDeaf));
}

TEST(CallerTurnsTest, AProviderThatHearsSpeechIsNotDeaf) {
  Caller caller;
  EXPECT_TRUE(caller.turns->IsDeaf());
  EXPECT_FALSE(caller.parts.IsSet(Timer::kDeaf));
  caller.turns->OnAgentSpeech(Edge::kStarted);
  EXPECT_TRUE(caller.turns->provider_hears());
  EXPECT_FALSE(caller.turns->IsDeaf());
  EXPECT_EQ(caller.parts.DueInMs(Timer::kDeaf), 12'000);
  caller.turns->OnAgentSpeech(Edge::kStopped);
  EXPECT_FALSE(caller.turns->provider_hears());
  EXPECT_TRUE(caller.turns->IsDeaf());
}

TEST(CallerTurnsTest, WhatAProviderHeardIsForgottenWithIt) {
  Caller caller;
  caller.turns->OnAgentSpeech(Edge::kStarted);
  caller.turns->IsDeaf();
  caller.turns->OnAgentFailed();
  EXPECT_FALSE(caller.turns->provider_hears());
  EXPECT_FALSE(caller.parts.IsSet(Timer::kDeaf));
}

}  // namespace
}  // namespace trunkline::session
