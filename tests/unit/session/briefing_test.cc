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
  Brief(parts.puppet(), parts.transcript);
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
  Brief(parts.puppet(), transcript);
  EXPECT_THAT(parts.TakeCommands(),
              ElementsAre("tell caller:When? tool:k1/lookup{}=nine "
                          "agent:At nine. tool:k2/book{\"at\":9}"));
}

}  // namespace
}  // namespace trunkline::session
