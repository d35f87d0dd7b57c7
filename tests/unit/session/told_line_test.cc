#include "session/told_line.h"

#include <gtest/gtest.h>

namespace trunkline::session {
namespace {

using Kind = TranscriptLine::Kind;
using Phase = TranscriptLine::Phase;

TranscriptLine Agent() {
  TranscriptLine line;
  line.id = LineId{5};
  line.kind = Kind::kAgent;
  line.phase = Phase::kTaken;
  line.text = TranscriptLine::TextState::kFinal;
  line.item = "i1";
  line.part = 2;
  line.said = "At nine o'clock.";
  line.heard_bytes = 7;
  line.cut = true;
  line.sent_ms = 1'300;
  line.start_ms = 1'350;
  line.end_ms = 1'900;
  return line;
}

TEST(ToldLineTest, AnAgentsLineHasWhatWasHeardOfIt) {
  const FinalLine line = ToFinalLine(Agent());
  EXPECT_EQ(line.line, LineId{5});
  EXPECT_EQ(line.item, "i1");
  EXPECT_EQ(line.part, 2);
  EXPECT_EQ(line.said, "At nine o'clock.");
  EXPECT_EQ(line.heard, "At nine");
  EXPECT_TRUE(line.cut);
  EXPECT_EQ(line.sent_ms, 1'300);
  EXPECT_EQ(line.start_ms, 1'350);
  EXPECT_EQ(line.end_ms, 1'900);
  EXPECT_FALSE(line.over_ms);
}

TEST(ToldLineTest, LatencyIsOfTheLineThatAnswersATurn) {
  TranscriptLine agent = Agent();
  agent.heard_from_ms = 1'350;
  EXPECT_FALSE(ToFinalLine(agent).latency_sent_ms);
  EXPECT_FALSE(ToFinalLine(agent).latency_heard_ms);
  agent.asked_ms = 1'000;
  EXPECT_EQ(ToFinalLine(agent).latency_sent_ms, 300);
  EXPECT_EQ(ToFinalLine(agent).latency_heard_ms, 350);
  agent.heard_from_ms = TranscriptLine::kNone;
  EXPECT_EQ(ToFinalLine(agent).latency_sent_ms, 300);
  EXPECT_FALSE(ToFinalLine(agent).latency_heard_ms);
}

TEST(ToldLineTest, ACallersLineSaysWhenItsTurnWasOver) {
  TranscriptLine caller;
  caller.phase = Phase::kTaken;
  caller.said = "When?";
  caller.heard_bytes = 5;
  EXPECT_FALSE(ToFinalLine(caller).over_ms);
  caller.over_ms = 700;
  EXPECT_EQ(ToFinalLine(caller).over_ms, 700);
  EXPECT_EQ(ToFinalLine(caller).heard, "When?");
  const auto told = ToToldLine(caller);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->text, "When?");
}

TEST(ToldLineTest, AToolsLineHasItsCallAndNoUtterance) {
  TranscriptLine tool;
  tool.kind = Kind::kTool;
  tool.phase = Phase::kTaken;
  tool.tool = TranscriptLine::ToolState::kAnswered;
  tool.item = "k1";
  tool.name = "lookup";
  tool.arguments = "{}";
  tool.result = "nine";
  const FinalLine line = ToFinalLine(tool);
  EXPECT_EQ(line.call_id, "k1");
  EXPECT_EQ(line.name, "lookup");
  EXPECT_EQ(line.arguments, "{}");
  EXPECT_EQ(line.result, "nine");
  EXPECT_EQ(line.item, "");
  const auto told = ToToldLine(tool);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->call_id, "k1");
  EXPECT_EQ(told->name, "lookup");
  EXPECT_EQ(told->arguments, "{}");
  EXPECT_EQ(told->result, "nine");
  EXPECT_EQ(told->tool, TranscriptLine::ToolState::kAnswered);
}

TEST(ToldLineTest, AnAgentIsToldWhatWasHeardAndNoMore) {
  TranscriptLine agent = Agent();
  const auto told = ToToldLine(agent);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->line, LineId{5});
  EXPECT_EQ(told->text, "At nine");
  EXPECT_TRUE(told->cut);
  agent.heard_bytes = 0;
  EXPECT_FALSE(ToToldLine(agent));
  // Of one that goes on, what was heard so far.
  agent.phase = Phase::kSpeaking;
  agent.received_ms = 1'000;
  EXPECT_FALSE(ToToldLine(agent));
  agent.heard_ms = 1'000;
  ASSERT_TRUE(ToToldLine(agent));
  EXPECT_EQ(ToToldLine(agent)->text, agent.said);
  agent.phase = Phase::kUnsent;
  EXPECT_FALSE(ToToldLine(agent));
}

}  // namespace
}  // namespace trunkline::session
