// The agent's side by itself: how often and how long it is tried, and what the
// caller says meanwhile.

#include "session/agent_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using Hearing = AgentLink::Hearing;
using Loss = protocol::AgentFailed::Loss;
using Outlook = AgentLink::Outlook;
using test::SessionParts;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr protocol::AudioFormat kMuLaw{protocol::Encoding::kMuLaw, 8000};
constexpr size_t kFrameBytes = 160;
constexpr int kFrameMs = 20;
// Of the backlog.
constexpr int kMaxFrames = AgentLink::kMaxBacklogMs / kFrameMs;

// The `number`th frame of the caller.
std::vector<uint8_t> Frame(int number) {
  return std::vector<uint8_t>(kFrameBytes, static_cast<uint8_t>(number));
}

// Frames [from, to), one behind the other.
std::vector<uint8_t> Frames(int from, int to) {
  std::vector<uint8_t> all;
  for (int number = from; number < to; ++number) {
    const std::vector<uint8_t> frame = Frame(number);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  return all;
}

// An agent that was started, and is not ready.
SessionParts& Start(SessionParts& parts) {
  parts.agent.Create(kMuLaw);
  parts.agent.Start();
  return parts;
}

void Feed(SessionParts& parts, int from, int to) {
  for (int number = from; number < to; ++number) {
    parts.agent.Feed(Frame(number), Hearing::kOn);
  }
}

Outlook Lose(SessionParts& parts) {
  return parts.agent.Fail(Loss::kRetryable, {.code = "closed1006"});
}

TEST(AgentLinkTest, WhatTheCallerSaysBeforeTheAgentIsReadyIsKeptToItsBound) {
  SessionParts parts;
  Start(parts);
  Feed(parts, 0, kMaxFrames);
  EXPECT_THAT(parts.puppet().heard, IsEmpty());
  // To the last sample.
  EXPECT_EQ(parts.agent.backlog_dropped_ms(), 0U);
  parts.agent.BeReady();
  EXPECT_EQ(parts.puppet().heard, Frames(0, kMaxFrames));
}

// A provider that speaks before it is set up does so in a format of its own,
// and could not be stopped.
TEST(AgentLinkTest, WhatItSaysBeforeItIsReadyIsOutOfOrder) {
  SessionParts parts;
  Start(parts);
  const protocol::AgentEvent said[] = {
      protocol::AgentAudio{},         protocol::AgentSpeech{},
      protocol::AgentTurnCommitted{}, protocol::AgentTranscript{},
      protocol::AgentToolCall{},      protocol::AgentReplyDone{}};
  for (const protocol::AgentEvent& event : said) {
    parts.puppet().says = event;
    const auto taken = parts.agent.NextEvent();
    ASSERT_TRUE(taken);
    const auto* fault = std::get_if<protocol::AgentFaulted>(&*taken);
    ASSERT_NE(fault, nullptr) << event.index();
    EXPECT_EQ(fault->fault, protocol::Fault::kOutOfOrder);
  }
  parts.puppet().says = protocol::AgentFailed{};
  EXPECT_TRUE(std::holds_alternative<protocol::AgentFailed>(
      parts.agent.NextEvent().value()));
  parts.agent.BeReady();
  for (const protocol::AgentEvent& event : said) {
    parts.puppet().says = event;
    EXPECT_EQ(parts.agent.NextEvent().value().index(), event.index());
  }
}

TEST(AgentLinkTest, OfABacklogThatIsFullTheOldestIsDroppedAndCounted) {
  SessionParts parts;
  Start(parts);
  constexpr int kMore = 3;
  Feed(parts, 0, kMaxFrames + kMore);
  EXPECT_EQ(parts.agent.backlog_dropped_ms(), uint64_t{kMore * kFrameMs});
  // At the first and at every power of two.
  const std::vector<Json> faults = parts.log.EventsOf("fault");
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0]["code"], "backlogDropped");
  EXPECT_EQ(faults[0]["count"], 1);
  EXPECT_EQ(faults[1]["count"], 2);
  parts.agent.BeReady();
  EXPECT_EQ(parts.puppet().heard, Frames(kMore, kMaxFrames + kMore));
}

TEST(AgentLinkTest, TheBacklogIsHeardOnceAndAheadOfWhatFollows) {
  SessionParts parts;
  Start(parts);
  Feed(parts, 0, 2);
  parts.agent.BeReady();
  Feed(parts, 2, 4);
  EXPECT_EQ(parts.puppet().heard, Frames(0, 4));
  parts.agent.Feed(Frame(4), Hearing::kOff);
  EXPECT_EQ(parts.puppet().heard, Frames(0, 4));
  // The next socket hears what came since the last one was lost.
  parts.puppet().heard.clear();
  EXPECT_EQ(Lose(parts), Outlook::kReturns);
  Feed(parts, 5, 7);
  EXPECT_THAT(parts.puppet().heard, IsEmpty());
  parts.agent.Start();
  parts.agent.BeReady();
  EXPECT_EQ(parts.puppet().heard, Frames(5, 7));
}

TEST(AgentLinkTest, NothingIsKeptForAnAgentThatIsLost) {
  SessionParts parts;
  Start(parts);
  Feed(parts, 0, kMaxFrames);
  EXPECT_EQ(parts.agent.Fail(Loss::kFatal, {.code = "refused"}),
            Outlook::kLost);
  Feed(parts, 0, 2 * kMaxFrames);
  EXPECT_EQ(parts.agent.backlog_dropped_ms(), 0U);
  EXPECT_THAT(parts.puppet().heard, IsEmpty());
  EXPECT_FALSE(parts.agent.returning());
  EXPECT_FALSE(parts.agent.ready());
}

TEST(AgentLinkTest, ALostAgentIsStartedAgainAfterPausesThatDouble) {
  SessionParts parts;
  parts.MakeAgentReady();
  EXPECT_FALSE(parts.agent.returning());
  for (const int64_t pause_ms : {500, 1000}) {
    EXPECT_EQ(Lose(parts), Outlook::kReturns);
    EXPECT_FALSE(parts.agent.ready());
    EXPECT_FALSE(parts.IsSet(Timer::kAgentReady));
    EXPECT_TRUE(parts.agent.returning());
    EXPECT_EQ(parts.DueInMs(Timer::kAgentRetry), pause_ms);
    parts.Advance(Duration::Millis(pause_ms));
    parts.context.ClearTimer(Timer::kAgentRetry);
    parts.agent.Start();
    EXPECT_TRUE(parts.agent.returning());
  }
  // As often as it may, and no more; the log says which was the last.
  EXPECT_EQ(Lose(parts), Outlook::kLost);
  EXPECT_FALSE(parts.agent.returning());
  std::vector<bool> fatal;
  for (const Json& event : parts.log.EventsOf("agentFailed")) {
    EXPECT_EQ(event["code"], "closed1006");
    fatal.push_back(event["fatal"].get<bool>());
  }
  EXPECT_THAT(fatal, ElementsAre(false, false, true));
}

TEST(AgentLinkTest, AReplyThatWasCompleteForgivesTheFailuresBefore) {
  SessionParts parts;
  parts.MakeAgentReady();
  for (int i = 0; i < AgentLink::kMaxRetries; ++i) {
    EXPECT_EQ(Lose(parts), Outlook::kReturns);
    parts.agent.Start();
    parts.agent.BeReady();
  }
  parts.agent.ForgetRetries();
  EXPECT_EQ(Lose(parts), Outlook::kReturns);
  EXPECT_EQ(parts.DueInMs(Timer::kAgentRetry), 500);
}

TEST(AgentLinkTest, AllAttemptsTogetherHaveTheTimeToBeReady) {
  SessionParts parts;
  const int64_t limit_ms = parts.config.limits.agent_ready.ms();
  Start(parts);
  EXPECT_EQ(parts.DueInMs(Timer::kAgentReady), limit_ms);
  parts.Advance(Duration::Millis(300));
  EXPECT_EQ(Lose(parts), Outlook::kReturns);
  parts.Advance(Duration::Millis(500));
  parts.agent.Start();
  EXPECT_EQ(parts.DueInMs(Timer::kAgentReady), limit_ms - 800);
  parts.agent.BeReady();
  EXPECT_FALSE(parts.IsSet(Timer::kAgentReady));
  // Of one that was ready, the first pause is not counted.
  parts.Advance(Duration::Millis(60'000));
  EXPECT_EQ(Lose(parts), Outlook::kReturns);
  parts.Advance(Duration::Millis(500));
  parts.agent.Start();
  EXPECT_EQ(parts.DueInMs(Timer::kAgentReady), limit_ms);
}

TEST(AgentLinkTest, AnAgentThatPutsOffForLongerThanIsLeftIsLost) {
  const Duration limit = SessionParts::MakeConfig().limits.agent_ready;
  struct Case {
    Duration after;
    Outlook outlook;
  };
  for (const Case& c : {Case{limit, Outlook::kReturns},
                        Case{limit + Duration::Millis(1), Outlook::kLost}}) {
    SessionParts parts;
    Start(parts);
    EXPECT_EQ(parts.agent.Fail(Loss::kRetryable,
                               {.code = "busy", .retry_after = c.after}),
              c.outlook)
        << c.after.ms();
    if (c.outlook == Outlook::kReturns) {
      EXPECT_EQ(parts.DueInMs(Timer::kAgentRetry), c.after.ms());
    } else {
      EXPECT_FALSE(parts.IsSet(Timer::kAgentRetry));
    }
  }
  // A time that is shorter than the pause shortens nothing.
  SessionParts parts;
  Start(parts);
  parts.agent.Fail(Loss::kRetryable,
                   {.code = "busy", .retry_after = Duration::Millis(20)});
  EXPECT_EQ(parts.DueInMs(Timer::kAgentRetry), 500);
}

}  // namespace
}  // namespace trunkline::session
