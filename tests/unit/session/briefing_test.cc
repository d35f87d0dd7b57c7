#include "session/briefing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using protocol::Role;
using protocol::TranscriptState;
using test::SessionParts;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(BriefingTest, NothingIsToldOfNothing) {
  SessionParts parts;
  parts.MakeAgentReady();
  Briefing().Begin(parts.puppet(), parts.transcript);
  EXPECT_THAT(parts.TakeCommands(), IsEmpty());
}

TEST(BriefingTest, TheWholeConversationIsToldInItsOrder) {
  SessionParts parts;
  parts.MakeAgentReady();
  Transcript& transcript = parts.transcript;
  const auto now = [&parts] { return parts.context.now(); };
  const LineId turn = transcript.OnCallerTurnBegan(0);
  parts.Advance(Duration::Millis(1'000));
  transcript.OnCallerTurnEnded(turn, 500, now());
  transcript.OnText(Role::kCaller, {"u1"}, "When?", TranscriptState::kFinal,
                    now());
  transcript.OnToolCall("k1", "lookup", "{}", now());
  transcript.OnToolResult("k1", "nine", Transcript::ToolState::kAnswered,
                          now());
  parts.Advance(Duration::Millis(1'000));
  const LineId item =
      transcript.OnAgentItem({"i1"}, Transcript::Origin::kReply);
  transcript.OnText(Role::kAgent, {"i1"}, "At nine.", TranscriptState::kFinal,
                    now());
  transcript.OnAgentAudio(item, 400);
  transcript.OnAgentDone(item);
  transcript.OnAgentSent(item, now());
  parts.Advance(Duration::Millis(1'000));
  transcript.OnAgentHeard(item, now());
  // Open: its result follows, if it comes.
  transcript.OnToolCall("k2", "book", R"({"at":9})", now());
  Briefing().Begin(parts.puppet(), transcript);
  EXPECT_THAT(parts.TakeCommands(),
              ElementsAre("tell caller:When? tool:k1/lookup{}=nine "
                          "agent:At nine. tool:k2/book{\"at\":9}"));
}

// A reply that was playing when its socket was lost was told to nobody.
TEST(BriefingTest, WhatIsBeingHeardIsToldOnceItIsKnown) {
  SessionParts parts;
  parts.MakeAgentReady();
  Transcript& transcript = parts.transcript;
  const auto now = [&parts] { return parts.context.now(); };
  const LineId item =
      transcript.OnAgentItem({"i1"}, Transcript::Origin::kReply);
  transcript.OnText(Role::kAgent, {"i1"}, "At nine.", TranscriptState::kFinal,
                    now());
  transcript.OnAgentAudio(item, 400);
  transcript.OnAgentDone(item);
  transcript.OnAgentSent(item, now());
  transcript.OnToolCall("k1", "lookup", "{}", now());
  Briefing briefing;
  briefing.Begin(parts.puppet(), transcript);
  EXPECT_THAT(parts.TakeCommands(), ElementsAre("tell tool:k1/lookup{}"));
  briefing.GoOn(parts.puppet(), transcript);
  EXPECT_THAT(parts.TakeCommands(), IsEmpty());
  parts.Advance(Duration::Millis(1'000));
  transcript.OnAgentHeard(item, now());
  briefing.GoOn(parts.puppet(), transcript);
  EXPECT_THAT(parts.TakeCommands(), ElementsAre("tell agent:At nine."));
  // Once.
  briefing.GoOn(parts.puppet(), transcript);
  EXPECT_THAT(parts.TakeCommands(), IsEmpty());
}

// Of one that was cut at nothing there is nothing to tell.
TEST(BriefingTest, WhatWasCutIsToldAsFarAsItWasHeard) {
  for (const int64_t heard_ms : {0, 400}) {
    SessionParts parts;
    parts.MakeAgentReady();
    Transcript& transcript = parts.transcript;
    const auto now = [&parts] { return parts.context.now(); };
    const LineId item =
        transcript.OnAgentItem({"i1"}, Transcript::Origin::kReply);
    transcript.OnText(Role::kAgent, {"i1"}, "Alpha bravo.",
                      TranscriptState::kFinal, now());
    transcript.OnAgentAudio(item, 800);
    transcript.OnAgentSent(item, now());
    Briefing briefing;
    briefing.Begin(parts.puppet(), transcript);
    EXPECT_THAT(parts.TakeCommands(), IsEmpty());
    parts.Advance(Duration::Millis(1'000));
    transcript.OnAgentCut(item, heard_ms, 800, {}, now());
    briefing.GoOn(parts.puppet(), transcript);
    if (heard_ms == 0) {
      EXPECT_THAT(parts.TakeCommands(), IsEmpty());
    } else {
      EXPECT_THAT(parts.TakeCommands(), ElementsAre("tell agent:Alpha"));
    }
  }
}

}  // namespace
}  // namespace trunkline::session
