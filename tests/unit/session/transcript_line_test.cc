#include "session/transcript_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline::session {
namespace {

using Kind = TranscriptLine::Kind;
using Phase = TranscriptLine::Phase;
using TextState = TranscriptLine::TextState;
using ToolState = TranscriptLine::ToolState;

constexpr int64_t kNone = TranscriptLine::kNone;

TranscriptLine Heard(int64_t heard_ms, int64_t received_ms) {
  TranscriptLine line;
  line.id = LineId{1};
  line.kind = Kind::kAgent;
  line.sent_ms = 1'000;
  line.start_ms = 1'000;
  line.end_ms = 1'000;
  line.heard_at_ms = 1'000 + heard_ms;
  line.heard_ms = heard_ms;
  line.received_ms = received_ms;
  line.said = "one two three four five six seven eight";
  return line;
}

TEST(TranscriptLineTest, ATextHasABoundAndIsShortenedOnce) {
  TranscriptLine line;
  EXPECT_TRUE(line.Append(line.said, std::string(8'192, 'x')));
  EXPECT_FALSE(line.shortened);
  EXPECT_FALSE(line.Append(line.said, "y"));
  EXPECT_TRUE(line.shortened);
  EXPECT_EQ(line.said.size(), TranscriptLine::kMaxTextBytes);
  // Nothing is added behind what was left out, and it is counted once.
  line.said.clear();
  EXPECT_TRUE(line.Append(line.said, "z"));
  EXPECT_EQ(line.said, "");
}

TEST(TranscriptLineTest, ACallerIsHeardAsHeSpeaksAndAnAgentAsItPlays) {
  TranscriptLine caller;
  caller.said = "When?";
  EXPECT_EQ(caller.HeardSoFar(), 5U);
  EXPECT_EQ(Heard(0, 4'000).HeardSoFar(), 0U);
  const size_t half = Heard(2'000, 4'000).HeardSoFar();
  EXPECT_GT(half, 0U);
  TranscriptLine line = Heard(2'000, 4'000);
  EXPECT_LT(half, line.said.size());
  // Over and whole: also what the clock has not seen.
  line.phase = Phase::kOver;
  EXPECT_EQ(line.HeardSoFar(), line.said.size());
  line.cut = true;
  EXPECT_EQ(line.HeardSoFar(), half);
}

// A greeting of 70 bytes, half a second of it heard, then its response failed:
// all of it stood in the log as heard.
TEST(TranscriptLineTest, WhatIsNotDoneSaysNoMoreThanItsAudioCan) {
  struct Case {
    const char* what;
    bool done;
    bool expected;
    int64_t received_ms;
    int64_t heard_ms;
    std::vector<protocol::SpokenWord> words;
    const char* heard;
  };
  const std::string all = "one two three four five six seven eight";
  const Case cases[] = {
      {"whole", true, false, 500, 500, {}, all.c_str()},
      {"ahead of its audio", false, false, 500, 500, {}, "one two"},
      {"asked for", false, true, 500, 500, {}, "one two"},
      {"asked for, more of it",
       false,
       true,
       1'200,
       1'200,
       {},
       "one two three four"},
      {"no faster than its audio",
       false,
       false,
       8'000,
       4'000,
       {},
       "one two three four"},
      {"all that there is of it", false, false, 2'600, 2'600, {}, all.c_str()},
      {"nothing behind the words that came",
       false,
       false,
       900,
       900,
       {{3, 300}, {7, 600}, {13, 900}},
       "one two three"},
      {"a pause behind them",
       false,
       false,
       1'100,
       1'100,
       {{3, 300}, {7, 600}, {13, 900}},
       "one two three"},
      {"as fast as the words that came",
       false,
       false,
       2'000,
       2'000,
       {{13, 1'000}},
       "one two three four five"},
      {"words that say no time", false, false, 100, 100, {{3, 0}}, "one"},
      {"words at the end of all times",
       false,
       false,
       100,
       100,
       {{3, TranscriptLine::kLongestMs}},
       ""},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    TranscriptLine line = Heard(one.heard_ms, one.received_ms);
    line.done = one.done;
    line.expected = one.expected;
    line.AddWords(one.words);
    EXPECT_EQ(line.said.substr(0, line.HeardSoFar()), one.heard);
    line.HeardUntil(one.heard_ms, 20'000);
    line.cut = !one.done;
    line.phase = Phase::kOver;
    EXPECT_EQ(line.said.substr(0, line.HeardSoFar()), one.heard);
  }
}

TEST(TranscriptLineTest, ACutIsPlacedFromWherePlaybackStood) {
  TranscriptLine line = Heard(400, 2'000);
  line.CutAt(700, 5'000);
  EXPECT_TRUE(line.cut);
  EXPECT_EQ(line.heard_ms, 700);
  // 400 ms of it were heard at 1,400.
  EXPECT_EQ(line.end_ms, 1'700);
  // Not later than now, not before it began.
  line = Heard(400, 2'000);
  line.CutAt(1'500, 2'000);
  EXPECT_EQ(line.end_ms, 2'000);
  line = Heard(400, 2'000);
  line.CutAt(0, 900);
  EXPECT_EQ(line.end_ms, 1'000);
}

TEST(TranscriptLineTest, WhatWasDoneAndHeardToItsEndIsNotCut) {
  TranscriptLine line = Heard(2'000, 2'000);
  line.done = true;
  line.CutAt(2'000, 5'000);
  EXPECT_FALSE(line.cut);
  line.CutAt(1'999, 5'000);
  EXPECT_TRUE(line.cut);
  line.done = false;
  line.CutAt(2'000, 5'000);
  EXPECT_TRUE(line.cut);
  line = Heard(0, 0);
  line.done = true;
  line.CutAt(0, 5'000);
  EXPECT_TRUE(line.cut);
}

TEST(TranscriptLineTest, CountsAllItsTexts) {
  TranscriptLine line;
  line.item = "1";
  line.said = "22";
  line.name = "333";
  line.arguments = "4444";
  line.result = "55555";
  EXPECT_EQ(line.bytes(), 15U);
}

TEST(TranscriptLineTest, IsOpenUntilItIsFinal) {
  TranscriptLine line;
  for (const Phase phase : {Phase::kUnsent, Phase::kSpeaking, Phase::kOver}) {
    line.phase = phase;
    EXPECT_TRUE(line.is_open());
  }
  for (const Phase phase : {Phase::kFinal, Phase::kTaken}) {
    line.phase = phase;
    EXPECT_FALSE(line.is_open());
  }
}

TEST(TranscriptLineTest, EachPhaseHasWhatItNeeds) {
  TranscriptLine unsent;
  unsent.kind = Kind::kAgent;
  unsent.phase = Phase::kUnsent;
  EXPECT_TRUE(unsent.IsConsistent());
  unsent.sent_ms = 0;
  EXPECT_FALSE(unsent.IsConsistent());
  unsent.phase = Phase::kSpeaking;
  EXPECT_TRUE(unsent.IsConsistent());
  unsent.sent_ms = kNone;
  EXPECT_FALSE(unsent.IsConsistent());

  TranscriptLine over;
  over.phase = Phase::kOver;
  EXPECT_FALSE(over.IsConsistent()) << "its text is awaited without end";
  over.text_due_ms = 15'000;
  EXPECT_TRUE(over.IsConsistent());
  over.text = TextState::kFinal;
  EXPECT_FALSE(over.IsConsistent()) << "there is nothing to wait for";
  over.phase = Phase::kFinal;
  over.text_due_ms = kNone;
  EXPECT_TRUE(over.IsConsistent());
  over.pauses = {{0, 1}};
  EXPECT_FALSE(over.IsConsistent());

  TranscriptLine tool;
  tool.kind = Kind::kTool;
  tool.text = TextState::kFinal;
  EXPECT_TRUE(tool.IsConsistent());
  tool.phase = Phase::kTaken;
  EXPECT_FALSE(tool.IsConsistent()) << "it has no result";
  tool.tool = ToolState::kUnanswered;
  EXPECT_TRUE(tool.IsConsistent());
}

TEST(TranscriptLineTest, NothingIsLongerThanItsBoundOrEndsBeforeItBegan) {
  const auto consistent = [](auto change) {
    TranscriptLine line;
    line.text = TextState::kFinal;
    change(line);
    return line.IsConsistent();
  };
  const std::string text(TranscriptLine::kMaxTextBytes, 'x');
  const std::string name(TranscriptLine::kMaxNameBytes, 'x');
  EXPECT_TRUE(consistent([&](TranscriptLine& line) {
    line.said = line.arguments = line.result = text;
    line.item = line.name = name;
    line.heard_bytes = text.size();
    line.pauses.resize(kMaxHeardMarks);
  }));
  EXPECT_FALSE(consistent([&](auto& line) { line.said = text + "x"; }));
  EXPECT_FALSE(consistent([&](auto& line) { line.arguments = text + "x"; }));
  EXPECT_FALSE(consistent([&](auto& line) { line.result = text + "x"; }));
  EXPECT_FALSE(consistent([&](auto& line) { line.item = name + "x"; }));
  EXPECT_FALSE(consistent([&](auto& line) { line.name = name + "x"; }));
  EXPECT_FALSE(consistent([](auto& line) { line.heard_bytes = 1; }));
  EXPECT_FALSE(consistent([](auto& line) { line.start_ms = 1; }));
  EXPECT_FALSE(consistent([](auto& line) { line.part = -1; }));
  EXPECT_FALSE(
      consistent([](auto& line) { line.pauses.resize(kMaxHeardMarks + 1); }));
}

TEST(TranscriptLineTest, GoesThroughJsonAsItIs) {
  TranscriptLine line = Heard(700, 2'000);
  line.id = LineId{42};
  line.origin = TranscriptLine::Origin::kSay;
  line.connection = 3;
  line.part = 1;
  line.item = "i1";
  line.done = true;
  line.shortened = true;
  line.heard_from_ms = 1'050;
  line.asked_ms = 200;
  line.pauses = {{100, 200}, {300, 400}};
  const Json json = line.ToJson();
  const auto back = TranscriptLine::FromJson(json);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ToJson(), json);
  EXPECT_EQ(back->id, line.id);
  EXPECT_EQ(back->heard_from_ms, 1'050);
  EXPECT_EQ(back->pauses.size(), 2U);
  // What has its usual value is left out.
  EXPECT_FALSE(json.contains("overMs"));
}

// What the bound of a snapshot goes by.
TEST(TranscriptLineTest, HasSoMuchJsonAndNoMore) {
  TranscriptLine line;
  line.id = LineId{99'999};
  line.kind = Kind::kAgent;
  line.phase = Phase::kTaken;
  line.origin = TranscriptLine::Origin::kSay;
  line.text = TranscriptLine::TextState::kMissing;
  line.shortened = line.expected = line.done = line.cut = true;
  line.connection = 999;
  line.part = 99;
  line.item = "i";
  line.said = "s";
  line.heard_bytes = TranscriptLine::kMaxTextBytes;
  for (int64_t* ms : {&line.start_ms, &line.end_ms, &line.sent_ms,
                      &line.heard_from_ms, &line.asked_ms, &line.heard_ms,
                      &line.heard_at_ms, &line.received_ms, &line.dropped_ms}) {
    *ms = 86'400'000;
  }
  const size_t bytes = PrintJson(line.ToJson()).size();
  EXPECT_LE(bytes, TranscriptLine::kMostJsonBytes);
  EXPECT_GT(bytes + 60, TranscriptLine::kMostJsonBytes);
}

TEST(TranscriptLineTest, WhatIsNoLineIsRefused) {
  const Json good = Heard(700, 2'000).ToJson();
  ASSERT_TRUE(TranscriptLine::FromJson(good));
  const auto with = [&good](const char* key, Json value) {
    Json json = good;
    json[key] = std::move(value);
    return TranscriptLine::FromJson(json).has_value();
  };
  EXPECT_FALSE(TranscriptLine::FromJson(Json()));
  EXPECT_FALSE(with("id", 0));
  EXPECT_FALSE(with("kind", 3));
  EXPECT_FALSE(with("phase", 5));
  EXPECT_FALSE(with("startMs", -1));
  EXPECT_FALSE(with("said", 7));
  EXPECT_FALSE(with("said", std::string(8'193, 'x')));
  EXPECT_FALSE(with("pauses", "1-2"));
  EXPECT_FALSE(with("pauses", "1 2 "));
  EXPECT_FALSE(with("done", 2));
  EXPECT_TRUE(with("done", 1));
}

}  // namespace
}  // namespace trunkline::session
