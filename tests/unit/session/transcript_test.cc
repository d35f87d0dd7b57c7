#include "session/transcript.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "session/line_fields.h"
#include "support/audio_signals.h"
#include "support/transcript_script.h"

namespace trunkline::session {
namespace {

using protocol::Role;
using protocol::TranscriptState;
using testing::ElementsAre;
using testing::IsEmpty;
using FinalLine = Transcript::FinalLine;
using Kind = Transcript::Kind;
using Origin = Transcript::Origin;
using TextState = Transcript::TextState;
using Texts = Transcript::Texts;
using ToolState = Transcript::ToolState;

constexpr std::string_view kTenWords =
    "one two three four five six seven eight nine ten";

// A transcript with a clock that a test sets.
class TranscriptTest : public testing::Test {
 protected:
  TranscriptTest() { Connect(); }

  Instant At(int64_t ms) { return began_ + Duration::Millis(ms); }
  void Connect(int64_t ms = 0) {
    transcript_.OnAgentConnected(Texts::kSent, Texts::kSent, At(ms));
  }
  // A turn of the caller, over 500 ms after its speech.
  LineId Turn(int64_t start_ms, int64_t end_ms) {
    const LineId line = transcript_.OnCallerTurnBegan(start_ms);
    transcript_.OnCallerTurnEnded(line, end_ms, At(end_ms + 500));
    return line;
  }
  // A reply all of whose audio and text came at once, heard 100 ms after it was
  // sent.
  LineId Reply(std::string_view item, std::string_view text, int64_t sent_ms,
               int64_t length_ms) {
    const LineId line = transcript_.OnAgentItem({item}, Origin::kReply);
    Say(Role::kAgent, item, text, sent_ms);
    transcript_.OnAgentAudio(line, length_ms);
    transcript_.OnAgentDone(line);
    transcript_.OnAgentSent(line, At(sent_ms));
    transcript_.OnAgentHeardFrom(line, At(sent_ms + 100));
    return line;
  }
  void Say(Role role, std::string_view item, std::string_view text, int64_t ms,
           TranscriptState state = TranscriptState::kFinal) {
    transcript_.OnText(role, {item}, text, state, At(ms));
  }
  std::vector<FinalLine> Take() {
    std::vector<FinalLine> lines;
    while (std::optional<FinalLine> line = transcript_.TakeFinal()) {
      lines.push_back(*std::move(line));
    }
    EXPECT_TRUE(transcript_.IsConsistent());
    return lines;
  }
  FinalLine TakeOne() {
    std::vector<FinalLine> lines = Take();
    EXPECT_EQ(lines.size(), 1U);
    return lines.empty() ? FinalLine() : lines.front();
  }
  std::vector<std::string> Told() {
    std::vector<std::string> all;
    for (const Transcript::Told& told : transcript_.Conversation()) {
      const char* const who = told.kind == Kind::kCaller  ? "caller: "
                              : told.kind == Kind::kAgent ? "agent: "
                                                          : "tool: ";
      all.push_back(
          who + std::string(told.kind == Kind::kTool ? told.name : told.text));
    }
    return all;
  }
  void Restore() {
    const std::optional<Json> json = ParseJson(PrintJson(transcript_.ToJson()));
    ASSERT_TRUE(json.has_value());
    std::optional<Transcript> restored = Transcript::FromJson(*json, began_);
    ASSERT_TRUE(restored.has_value());
    transcript_ = *std::move(restored);
  }

  const Instant began_ = Instant::Micros(7'000'000);
  Transcript transcript_{began_};
};

TEST_F(TranscriptTest, HasAQuestionAndItsAnswer) {
  const LineId turn = Turn(1000, 2100);
  transcript_.OnCallerItem({"u1"}, At(2650));
  Say(Role::kCaller, "u1", "When do", 2700, TranscriptState::kPart);
  EXPECT_THAT(Take(), IsEmpty());
  Say(Role::kCaller, "u1", " When do you open? ", 2800);
  const FinalLine question = TakeOne();
  EXPECT_EQ(question.line, turn);
  EXPECT_EQ(question.kind, Kind::kCaller);
  EXPECT_EQ(question.item, "u1");
  EXPECT_EQ(question.said, "When do you open?");
  EXPECT_EQ(question.heard, question.said);
  EXPECT_EQ(question.text, TextState::kFinal);
  EXPECT_EQ(question.start_ms, 1000);
  EXPECT_EQ(question.end_ms, 2100);
  EXPECT_EQ(question.over_ms, 2600);

  const LineId reply = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  Say(Role::kAgent, "a1", "We open at ", 3000, TranscriptState::kPart);
  transcript_.OnAgentSent(reply, At(3100));
  transcript_.OnAgentHeardFrom(reply, At(3220));
  Say(Role::kAgent, "a1", "nine.", 3200, TranscriptState::kPart);
  Say(Role::kAgent, "a1", "We open at nine.", 3300);
  transcript_.OnAgentAudio(reply, 1900);
  transcript_.OnAgentDone(reply);
  EXPECT_THAT(Take(), IsEmpty());
  transcript_.OnAgentHeard(reply, At(5120));
  const FinalLine answer = TakeOne();
  EXPECT_EQ(answer.line, reply);
  EXPECT_EQ(answer.kind, Kind::kAgent);
  EXPECT_EQ(answer.said, "We open at nine.");
  EXPECT_EQ(answer.heard, answer.said);
  EXPECT_FALSE(answer.cut);
  EXPECT_EQ(answer.start_ms, 3220);
  EXPECT_EQ(answer.end_ms, 5120);
  EXPECT_EQ(answer.sent_ms, 3100);
  EXPECT_EQ(answer.latency_sent_ms, 500);
  EXPECT_EQ(answer.latency_heard_ms, 620);

  transcript_.Finish(At(6000));
  EXPECT_THAT(Take(), IsEmpty());
}

// Everything that the call log's LoggedTurn is made of is in the line.
TEST_F(TranscriptTest, ALineSaysAllThatTheCallLogNeeds) {
  Turn(1000, 2100);
  transcript_.OnCallerItem({"u1"}, At(2650));
  Say(Role::kCaller, "u1", "Hi", 2700);
  const LineId reply = Reply("a1", kTenWords, 3100, 4000);
  transcript_.OnAgentCut(reply, 2000, 4000, {}, At(5300));
  transcript_.OnToolCall("t1", "lookup", "{}", At(6000));
  transcript_.OnToolResult("t1", "42", ToolState::kAnswered, At(6500));
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(PrintJson(LineFields(lines[0])),
            R"({"cut":false,"endMs":2100,"heard":"Hi","item":"u1","line":1,)"
            R"("overMs":2600,"part":0,"role":"caller","said":"Hi",)"
            R"("startMs":1000,"text":"final"})");
  EXPECT_EQ(PrintJson(LineFields(lines[1])),
            R"({"cut":true,"endMs":5200,"heard":"one two three four five",)"
            R"("item":"a1","latencyHeardMs":600,"latencySentMs":500,)"
            R"("line":2,"origin":"reply","part":0,"role":"agent","said":)"
            R"("one two three four five six seven eight nine ten",)"
            R"("sentMs":3100,"startMs":3200,"text":"final"})");
  EXPECT_EQ(PrintJson(LineFields(lines[2])),
            R"({"arguments":"{}","endMs":6500,"line":3,"name":"lookup",)"
            R"("result":"42","role":"tool","startMs":6000,)"
            R"("state":"answered","toolCallId":"t1"})");
}

// The transcription of the first turn failed, the second one's words stood at
// the first. Transcripts that came out of order were swapped.
TEST_F(TranscriptTest, WordsStandAtTheirOwnItem) {
  const LineId first = Turn(1000, 1500);
  transcript_.OnCallerItem({"u1"}, At(2050));
  const LineId second = Turn(3000, 4000);
  transcript_.OnCallerItem({"u2"}, At(4550));
  const LineId third = Turn(5000, 6000);
  transcript_.OnCallerItem({"u3"}, At(6550));
  Say(Role::kCaller, "u3", "third", 6600);
  transcript_.OnTextFailed(Role::kCaller, {"u1"}, At(6700));
  Say(Role::kCaller, "u2", "I want to cancel my order", 6800);
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].line, third);
  EXPECT_EQ(lines[0].said, "third");
  EXPECT_EQ(lines[1].line, first);
  EXPECT_EQ(lines[1].said, "");
  EXPECT_EQ(lines[1].text, TextState::kFailed);
  EXPECT_EQ(lines[2].line, second);
  EXPECT_EQ(lines[2].said, "I want to cancel my order");
  EXPECT_THAT(Told(), ElementsAre("caller: I want to cancel my order",
                                  "caller: third"));
}

// One response with two items, both heard, was one line; so were two content
// parts, and a say during a reply.
TEST_F(TranscriptTest, EachItemAndPartAndSayIsALine) {
  const LineId one = Reply("a1", "First item.", 1000, 1000);
  const LineId two = transcript_.OnAgentItem({"a1", 1}, Origin::kReply);
  const LineId three = transcript_.OnAgentItem({"a2"}, Origin::kReply);
  const LineId say = transcript_.OnSay({}, "Please hold.");
  transcript_.OnText(Role::kAgent, {}, "Please hold.", TranscriptState::kFinal,
                     At(1050));
  EXPECT_EQ(transcript_.OnAgentItem({"a1", 1}, Origin::kReply), two);
  transcript_.OnText(Role::kAgent, {"a2"}, "Third.", TranscriptState::kFinal,
                     At(1100));
  transcript_.OnText(Role::kAgent, {"a1", 1}, "Second part.",
                     TranscriptState::kFinal, At(1200));
  int64_t ms = 2100;
  transcript_.OnAgentHeard(one, At(ms));
  for (const LineId line : {two, say, three}) {
    transcript_.OnAgentDone(line);
    transcript_.OnAgentSent(line, At(ms));
    transcript_.OnAgentHeard(line, At(ms += 1000));
  }
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1].said, "Second part.");
  EXPECT_EQ(lines[1].part, 1);
  EXPECT_EQ(lines[2].said, "Please hold.");
  EXPECT_EQ(lines[2].origin, Origin::kSay);
  EXPECT_EQ(lines[3].said, "Third.");
  EXPECT_THAT(Told(), ElementsAre("agent: First item.", "agent: Second part.",
                                  "agent: Please hold.", "agent: Third."));
}

// The provider sent 600 ms and no more. What came next - the caller, or the
// reply's end - came long after the last of it was heard.
TEST_F(TranscriptTest, AReplyThatStandsStillEndsWhereItWasLastHeard) {
  int64_t ms = 0;
  for (const std::string_view item : {"cut", "done"}) {
    ms += 10'000;
    const LineId reply = transcript_.OnAgentItem({item}, Origin::kReply);
    transcript_.OnAgentAudio(reply, 600);
    transcript_.OnAgentSent(reply, At(ms));
    transcript_.OnAgentProgress(reply, 300, At(ms + 300));
    transcript_.OnAgentProgress(reply, 580, At(ms + 580));
    transcript_.OnAgentProgress(reply, 580, At(ms + 2'000));
    if (item == "cut") {
      transcript_.OnAgentCut(reply, 600, 600, {}, At(ms + 2'200));
    } else {
      transcript_.OnAgentDone(reply);
      transcript_.OnAgentHeard(reply, At(ms + 2'200));
    }
    Say(Role::kAgent, item, "Well, I", ms + 2'300);
    EXPECT_EQ(TakeOne().end_ms, ms + 600) << item;
  }
}

// The words are of the audio that was dropped behind the cut as well.
TEST_F(TranscriptTest, WordsOfWhatWasDroppedWereNotHeard) {
  for (const int64_t dropped : {0, 1000, 4000}) {
    const std::string item = "a" + std::to_string(dropped);
    const int64_t ms = 10'000 + dropped * 10;
    const LineId line = transcript_.OnAgentItem({item}, Origin::kReply);
    transcript_.OnAgentAudio(line, 4000);
    transcript_.OnAgentSent(line, At(ms));
    transcript_.OnAgentCut(line, 2000, 4000, {}, At(ms + 2000));
    transcript_.OnAgentDropped({item}, dropped);
    // Never less, and a line that is not there changes nothing.
    transcript_.OnAgentDropped({item}, dropped / 2);
    transcript_.OnAgentDropped({"none"}, dropped);
    Restore();
    Say(Role::kAgent, item, kTenWords, ms + 2500);
    EXPECT_EQ(TakeOne().heard, dropped == 0      ? "one two three four five"
                               : dropped == 1000 ? "one two three four"
                                                 : "one two");
  }
}

// All of it had come, and all that came was heard, when more of it was dropped.
TEST_F(TranscriptTest, ALineOfWhichSomeWasDroppedIsCut) {
  for (const bool before : {true, false}) {
    const std::string item = before ? "a1" : "a2";
    const LineId line = transcript_.OnAgentItem({item}, Origin::kReply);
    transcript_.OnAgentAudio(line, 4000);
    transcript_.OnAgentDone(line);
    transcript_.OnAgentSent(line, At(1000));
    if (before) transcript_.OnAgentDropped({item}, 4000);
    transcript_.OnAgentHeard(line, At(5000));
    if (!before) transcript_.OnAgentDropped({item}, 4000);
    Say(Role::kAgent, item, kTenWords, 5500);
    const FinalLine final = TakeOne();
    EXPECT_TRUE(final.cut);
    EXPECT_EQ(final.heard, "one two three four five");
  }
}

// What was heard the second time was no line, or the first one's.
TEST_F(TranscriptTest, ANameThatIsUsedAgainIsAnotherLine) {
  const LineId first = Reply("a1", "First.", 1000, 500);
  transcript_.OnAgentHeard(first, At(1700));
  // One that is over, one that is heard, one that waits to be, and one that was
  // cut before it was heard.
  const LineId second = Reply("a1", "Second.", 2000, 500);
  EXPECT_NE(second, first);
  const LineId third = Reply("a1", "Third.", 2500, 500);
  const LineId fourth = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  transcript_.OnAgentAudio(fourth, 100);
  EXPECT_NE(transcript_.OnAgentItem({"a1"}, Origin::kReply), fourth);
  transcript_.OnAgentCut(fourth, 0, 100, {}, At(2600));
  transcript_.OnAgentHeard(second, At(2700));
  transcript_.OnAgentHeard(third, At(3200));
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].said, "First.");
  EXPECT_EQ(lines[1].said, "Second.");
  EXPECT_EQ(lines[1].item, "a1");
  EXPECT_EQ(lines[2].said, "Third.");
  const LineId last = Reply("a1", "Last.", 4000, 500);
  transcript_.OnAgentHeard(last, At(4700));
  EXPECT_EQ(TakeOne().said, "Last.");
}

// What was taken back left its words to the next turn, and that one's own found
// none.
TEST_F(TranscriptTest, WordsOfATurnThatWasTakenBackAreNobodys) {
  // Before a turn, and in one that had them.
  transcript_.OnCallerItemGone({"u1"});
  const LineId turn = transcript_.OnCallerTurnBegan(1000);
  Say(Role::kCaller, "u1", "Mm", 1100, TranscriptState::kPart);
  Say(Role::kCaller, "u2", "Hm", 1200, TranscriptState::kPart);
  EXPECT_EQ(transcript_.line_of(Role::kCaller, {"u2"}), turn);
  transcript_.OnCallerItemGone({"u2"});
  EXPECT_EQ(transcript_.line_of(Role::kCaller, {"u2"}), LineId{});
  Restore();
  Say(Role::kCaller, "u1", "Mm.", 1300);
  Say(Role::kCaller, "u2", "Hm.", 1300);
  transcript_.OnTextFailed(Role::kCaller, {"u2"}, At(1300));
  transcript_.OnCallerTurnEnded(turn, 2000, At(2500));
  EXPECT_EQ(transcript_.OnCallerItem({"u3"}, At(2600)), turn);
  Say(Role::kCaller, "u3", "A story.", 2700);
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.line, turn);
  EXPECT_EQ(line.said, "A story.");
  EXPECT_EQ(line.text, TextState::kFinal);
  // One that is over was a turn, and has its words.
  const LineId over = Turn(3000, 4000);
  transcript_.OnCallerItem({"u4"}, At(4600));
  transcript_.OnCallerItemGone({"u4"});
  Say(Role::kCaller, "u4", "Now.", 4700);
  EXPECT_EQ(TakeOne().line, over);
}

// The line had been begun by its words, and was a reply to the caller.
TEST_F(TranscriptTest, WhoSpeaksKnowsWhy) {
  Say(Role::kAgent, "a1", "One moment.", 1000, TranscriptState::kPart);
  const LineId line = transcript_.OnAgentItem({"a1"}, Origin::kSay);
  EXPECT_EQ(line, transcript_.line_of(Role::kAgent, {"a1"}));
  transcript_.OnAgentSent(line, At(1100));
  transcript_.Finish(At(1200));
  EXPECT_EQ(TakeOne().origin, Origin::kSay);
}

// The provider failed in the midst of it: it was logged as a whole one.
TEST_F(TranscriptTest, WhatIsHeardAsFarAsItCameIsCutUnlessThatIsAll) {
  for (const bool done : {false, true}) {
    const std::string item = done ? "whole" : "part";
    const LineId line = transcript_.OnAgentItem({item}, Origin::kReply);
    transcript_.OnAgentAudio(line, 400);
    if (done) transcript_.OnAgentDone(line);
    transcript_.OnAgentSent(line, At(1000));
    transcript_.OnAgentHeard(line, At(1500));
    Say(Role::kAgent, item, "Well, I", 1600);
    const FinalLine final = TakeOne();
    EXPECT_EQ(final.cut, !done);
    EXPECT_EQ(final.heard, "Well, I");
  }
}

// 240 of 400 s found room: all of its words counted as heard.
TEST_F(TranscriptTest, WhatFoundNoRoomIsSaidAndNotHeard) {
  for (const bool cut : {false, true}) {
    const std::string item = cut ? "cut" : "heard";
    const LineId line = transcript_.OnAgentItem({item}, Origin::kReply);
    transcript_.OnAgentAudio(line, 4000);
    transcript_.OnAgentSent(line, At(1000));
    transcript_.OnAgentRefused(line, 3000);
    transcript_.OnAgentRefused(line, 1000);
    transcript_.OnAgentDone(line);
    if (cut) {
      transcript_.OnAgentCut(line, 4000, 4000, {}, At(5000));
    } else {
      transcript_.OnAgentHeard(line, At(5000));
    }
    Say(Role::kAgent, item, kTenWords, 5100);
    const FinalLine final = TakeOne();
    EXPECT_EQ(final.said, kTenWords);
    EXPECT_EQ(final.heard, "one two three four five");
    EXPECT_TRUE(final.cut);
  }
  // Nor is it where that is known when the rest was heard.
  const LineId line = transcript_.OnAgentItem({"late"}, Origin::kReply);
  transcript_.OnAgentAudio(line, 4000);
  transcript_.OnAgentDone(line);
  transcript_.OnAgentSent(line, At(6000));
  transcript_.OnAgentHeard(line, At(10'000));
  transcript_.OnAgentRefused(line, 4000);
  transcript_.OnAgentRefused(line, 0);
  transcript_.OnAgentRefused(line, -7);
  Say(Role::kAgent, "late", kTenWords, 10'100);
  EXPECT_TRUE(TakeOne().cut);
}

TEST_F(TranscriptTest, WhatGoesOnIsNeitherDoneNorCut) {
  const LineId line = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  transcript_.OnAgentAudio(line, 400);
  transcript_.OnAgentDone(line);
  transcript_.OnAgentAudio(line, 400);
  transcript_.OnAgentSent(line, At(1000));
  transcript_.OnAgentHeard(line, At(1500));
  // It was, until more came.
  transcript_.OnAgentAudio(line, 600);
  transcript_.OnAgentSent(line, At(1600));
  EXPECT_TRUE(transcript_.IsOpen(line));
  transcript_.OnAgentDone(line);
  transcript_.OnAgentHeard(line, At(1900));
  Say(Role::kAgent, "a1", "Well.", 1900);
  EXPECT_FALSE(transcript_.IsOpen(line));
  EXPECT_FALSE(TakeOne().cut);
}

// 8 s of reply, the socket cut at 1.2 s, an interruption after the reconnect:
// the new session was told the whole reply as said, then the former socket's
// item was truncated. A reply cancelled while it was made was not told at all.
TEST_F(TranscriptTest, AFreshConnectionIsToldWhatWasHeardAndNamesItsOwnItems) {
  const LineId reply = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  Say(Role::kAgent, "a1", kTenWords, 1000, TranscriptState::kPart);
  transcript_.OnAgentAudio(reply, 8000);
  transcript_.OnAgentSent(reply, At(1000));
  EXPECT_EQ(transcript_.name_of(reply).item, "a1");
  transcript_.OnAgentProgress(reply, 1200, At(2200));
  Connect(2200);
  EXPECT_THAT(Told(), ElementsAre("agent: one two"));
  EXPECT_EQ(transcript_.name_of(reply).item, "");
  // What is left of it is heard on, until the caller interrupts.
  transcript_.OnAgentCut(reply, 4000, 8000, {}, At(5000));
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.heard, "one two three four five");
  EXPECT_TRUE(line.cut);
  EXPECT_EQ(line.text, TextState::kPartial);
  EXPECT_THAT(Told(), ElementsAre("agent: one two three four five"));
  // The next connection's item of the same name is another.
  EXPECT_NE(transcript_.OnAgentItem({"a1"}, Origin::kReply), reply);

  // Cancelled while it was made: all that came was heard, more was to come.
  const LineId cancelled = transcript_.OnAgentItem({"a2"}, Origin::kReply);
  Say(Role::kAgent, "a2", "Well, I", 6000);
  transcript_.OnAgentSent(cancelled, At(6000));
  transcript_.OnAgentCut(cancelled, 600, 600, {}, At(6700));
  EXPECT_TRUE(TakeOne().cut);
  EXPECT_THAT(Told(),
              ElementsAre("agent: one two three four five", "agent: Well, I"));
}

TEST_F(TranscriptTest, AReplyThatWasCutWaitsForItsText) {
  const LineId reply = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  transcript_.OnAgentSent(reply, At(1000));
  Say(Role::kAgent, "a1", "one two three ", 1000, TranscriptState::kPart);
  const Pause pauses[] = {{0, 40}};
  transcript_.OnAgentCut(reply, 2000, 4000, pauses, At(3000));
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_EQ(transcript_.deadline(), At(3000) + Transcript::kTextWait);
  Say(Role::kAgent, "a1", kTenWords, 3100);
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.heard, "one two three four five");
  EXPECT_EQ(line.end_ms, 3000);
  EXPECT_TRUE(transcript_.deadline().is_never());
}

TEST_F(TranscriptTest, TextsThatDoNotComeAreMissingAfterADeadline) {
  Turn(1000, 2000);
  transcript_.OnCallerItem({"u1"}, At(2550));
  const LineId reply = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  transcript_.OnAgentDone(reply);
  transcript_.OnAgentSent(reply, At(3000));
  Say(Role::kAgent, "a1", "Half a ", 3000, TranscriptState::kPart);
  transcript_.OnAgentHeard(reply, At(4000));
  EXPECT_EQ(transcript_.deadline(), At(17'500));
  transcript_.OnDeadline(At(17'499));
  EXPECT_THAT(Take(), IsEmpty());
  transcript_.OnDeadline(At(17'500));
  EXPECT_EQ(TakeOne().text, TextState::kMissing);
  EXPECT_EQ(transcript_.deadline(), At(19'000));
  transcript_.OnDeadline(At(30'000));
  transcript_.OnDeadline(At(30'000));
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.text, TextState::kPartial);
  EXPECT_EQ(line.heard, "Half a ");
  EXPECT_EQ(transcript_.counters().missed_texts, 2U);
  // Too late: a line is final once.
  Say(Role::kCaller, "u1", "too late", 30'001);
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_EQ(transcript_.counters().late_texts, 1U);
}

TEST_F(TranscriptTest, AnAgentWithoutTextsIsNotWaitedFor) {
  transcript_.OnAgentConnected(Texts::kNone, Texts::kNone, At(0));
  Turn(1000, 2000);
  EXPECT_EQ(TakeOne().text, TextState::kMissing);
  const LineId reply = transcript_.OnAgentItem({"p1"}, Origin::kReply);
  transcript_.OnAgentSent(reply, At(3000));
  transcript_.OnAgentHeard(reply, At(4000));
  EXPECT_EQ(TakeOne().text, TextState::kMissing);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(TranscriptTest, WhatNobodyHeardIsNoLine) {
  const LineId cough = transcript_.OnCallerTurnBegan(500);
  EXPECT_EQ(transcript_.OnCallerTurnBegan(600), cough);
  transcript_.OnCallerItem({"u1"}, At(700));
  transcript_.OnCallerTurnDropped(cough);
  const LineId turn = transcript_.OnCallerTurnBegan(900);
  // What is still written of the cough is nobody's.
  Say(Role::kCaller, "u1", "hm", 1000);
  transcript_.OnCallerTurnEnded(turn, 1400, At(1900));
  transcript_.OnCallerItem({"u2"}, At(1950));
  Say(Role::kCaller, "u2", "Hello", 2000);
  EXPECT_EQ(TakeOne().said, "Hello");

  const LineId reply = transcript_.OnAgentItem({"a1"}, Origin::kReply);
  transcript_.OnAgentAudio(reply, 500);
  transcript_.OnAgentCut(reply, 0, 500, {}, At(2500));
  Say(Role::kAgent, "a1", "Hello, how", 2600);
  EXPECT_EQ(transcript_.line_of(Role::kAgent, {"a1"}), LineId{});
  transcript_.Finish(At(3000));
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_EQ(transcript_.counters().unheard, 1U);
}

// The former agent had all of it, or had given it up.
TEST_F(TranscriptTest, TheLastWordOfATurnOutlivesTheConnection) {
  for (const bool failed : {false, true}) {
    SCOPED_TRACE(failed);
    const LineId turn = transcript_.OnCallerTurnBegan(1000);
    transcript_.BindCallerItem(turn, {"u1"});
    if (failed) {
      transcript_.OnTextFailed(Role::kCaller, {"u1"}, At(1500));
    } else {
      Say(Role::kCaller, "u1", "Hello?", 1500);
    }
    Connect(1600);
    transcript_.OnCallerTurnEnded(turn, 2000, At(2500));
    const FinalLine line = TakeOne();
    EXPECT_EQ(line.said, failed ? "" : "Hello?");
    EXPECT_EQ(line.text, failed ? TextState::kFailed : TextState::kFinal);
  }
}

// A say of which the provider sent no word had an empty line.
TEST_F(TranscriptTest, WordsThatWereAskedForStandForThoseThatDoNotCome) {
  const LineId say = transcript_.OnSay({"a1"}, "Please hold.");
  transcript_.OnAgentAudio(say, 1000);
  transcript_.OnAgentDone(say);
  transcript_.OnAgentSent(say, At(100));
  transcript_.OnAgentHeard(say, At(1100));
  EXPECT_THAT(Take(), IsEmpty());
  transcript_.OnDeadline(transcript_.deadline());
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.said, "Please hold.");
  EXPECT_EQ(line.heard, "Please hold.");
  EXPECT_EQ(line.text, TextState::kPartial);
}

TEST_F(TranscriptTest, WordsThatComeStandForThoseThatWereAskedFor) {
  for (const TranscriptState first :
       {TranscriptState::kPart, TranscriptState::kFinal}) {
    const LineId say = transcript_.OnSay({"a1"}, "Please hold.");
    transcript_.OnText(Role::kAgent, {"a1"}, "Hold", first, At(50));
    transcript_.OnText(Role::kAgent, {"a1"}, " on.", TranscriptState::kPart,
                       At(60));
    transcript_.OnAgentAudio(say, 1000);
    transcript_.OnAgentDone(say);
    transcript_.OnAgentSent(say, At(100));
    transcript_.OnAgentHeard(say, At(1100));
    transcript_.OnDeadline(At(100'000));
    EXPECT_EQ(TakeOne().said,
              first == TranscriptState::kPart ? "Hold on." : "Hold");
  }
  // Words may be here before the sound.
  transcript_.OnText(Role::kAgent, {"a2"}, "Hold.", TranscriptState::kFinal,
                     At(2000));
  EXPECT_THAT(Told(), testing::Not(testing::Contains("agent: Please hold.")));
  const LineId say = transcript_.OnSay({"a2"}, "Please hold.");
  transcript_.OnAgentSent(say, At(2100));
  transcript_.OnAgentHeard(say, At(3100));
  EXPECT_EQ(TakeOne().said, "Hold.");
}

TEST_F(TranscriptTest, AnAgentWithoutTextsSaysWhatItWasAskedTo) {
  transcript_.OnAgentConnected(Transcript::Texts::kNone,
                               Transcript::Texts::kNone, At(0));
  const LineId say = transcript_.OnSay({"a1"}, "Please hold.");
  transcript_.OnAgentDone(say);
  transcript_.OnAgentSent(say, At(100));
  transcript_.OnAgentHeard(say, At(1100));
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.said, "Please hold.");
  EXPECT_EQ(line.text, TextState::kFinal);
}

TEST_F(TranscriptTest, WhatWasNotAskedForHasNeitherItsWordsNorItsDelay) {
  for (const bool texts : {true, false}) {
    SCOPED_TRACE(texts);
    if (!texts) {
      transcript_.OnAgentConnected(Transcript::Texts::kSent,
                                   Transcript::Texts::kNone, At(5000));
    }
    const LineId say = transcript_.OnSay({"a1"}, "Please hold.");
    transcript_.OnNotAsked(say);
    transcript_.OnAgentSent(say, At(5100));
    transcript_.OnAgentHeard(say, At(6100));
    transcript_.OnDeadline(At(60'000));
    const FinalLine line = TakeOne();
    EXPECT_EQ(line.said, "");
    EXPECT_EQ(line.origin, Origin::kReply);
    EXPECT_EQ(line.text, TextState::kMissing);
  }
  Turn(60'300, 60'800);
  const LineId own = transcript_.OnAgentItem({"a2"}, Origin::kReply);
  transcript_.OnAgentSent(own, At(62'000));
  transcript_.OnNotAsked(own);
  transcript_.OnAgentHeard(own, At(63'000));
  const LineId reply = transcript_.OnAgentItem({"a3"}, Origin::kReply);
  transcript_.OnAgentSent(reply, At(64'000));
  transcript_.OnAgentHeard(reply, At(65'000));
  transcript_.Finish(At(66'000));
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 3U);
  // The caller's is final last.
  EXPECT_FALSE(lines[0].latency_sent_ms);
  EXPECT_TRUE(lines[1].latency_sent_ms);
}

// With nothing but its name a fresh agent does not know what was entered.
TEST_F(TranscriptTest, WhatIsNotKeptOfAnEntryIsToldWhileTheObjectLives) {
  transcript_.OnDigits("[keypad]", "[keypad: 42]", At(1000));
  EXPECT_EQ(TakeOne().said, "[keypad]");
  EXPECT_THAT(Told(), ElementsAre("caller: [keypad: 42]"));
  const Json json = transcript_.ToJson();
  EXPECT_THAT(PrintJson(json), testing::Not(testing::HasSubstr("42")));
  auto next = Transcript::FromJson(json, At(0));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->Conversation()[0].text, "[keypad]");
}

// A greeting that the caller spoke before stands behind him.
TEST_F(TranscriptTest, LinesStandInTheOrderInWhichTheyBegan) {
  const LineId greeting = transcript_.OnSay({"g"}, "Welcome.");
  Turn(300, 800);
  transcript_.OnCallerItem({"u1"}, At(1350));
  transcript_.OnText(Role::kAgent, {"g"}, "Welcome.", TranscriptState::kFinal,
                     At(1360));
  transcript_.OnAgentDone(greeting);
  transcript_.OnAgentSent(greeting, At(1400));
  transcript_.OnAgentHeard(greeting, At(2400));
  transcript_.OnToolCall("t", "lookup", "{}", At(2500));
  const LineId reply = Reply("a1", "One moment.", 2600, 1000);
  transcript_.OnAgentHeard(reply, At(3700));
  Say(Role::kCaller, "u1", "Hello?", 4000);
  EXPECT_THAT(Told(), ElementsAre("caller: Hello?", "agent: Welcome.",
                                  "tool: lookup", "agent: One moment."));
  // What is said by command answers no turn.
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].latency_sent_ms, std::nullopt);
  EXPECT_EQ(lines[1].latency_sent_ms, 1300);
}

TEST_F(TranscriptTest, ACommitNamesTheTurnThatEndedOrGoesOn) {
  // The next turn has begun when the commit of the last one comes.
  const LineId first = Turn(1000, 1500);
  const LineId second = transcript_.OnCallerTurnBegan(2050);
  EXPECT_EQ(transcript_.OnCallerItem({"u1"}, At(2100)), first);
  // The provider ends a turn before we do.
  EXPECT_EQ(transcript_.OnCallerItem({"u2"}, At(3000)), second);
  EXPECT_EQ(transcript_.OnCallerItem({"u2"}, At(3000)), second);
  Say(Role::kCaller, "u2", "second", 3100);
  EXPECT_THAT(Take(), IsEmpty());
  transcript_.OnCallerTurnEnded(second, 2900, At(3200));
  EXPECT_EQ(TakeOne().line, second);
  // A turn that was never committed is not taken for one much later.
  const LineId third = Turn(4000, 5000);
  const LineId unnoticed = transcript_.OnCallerItem({"u4"}, At(8000));
  EXPECT_NE(unnoticed, third);
  Say(Role::kCaller, "u4", "fourth", 8100);
  EXPECT_EQ(TakeOne().start_ms, 8000);
  transcript_.BindCallerItem(third, {"u3"});
  Say(Role::kCaller, "u3", "third", 8200);
  EXPECT_EQ(TakeOne().line, third);
}

// The transcript of an item that nobody announced.
TEST_F(TranscriptTest, AnUnknownNameIsTheOnlyTurnWithoutOneOrALineOfItsOwn) {
  const LineId only = Turn(1000, 1500);
  Say(Role::kCaller, "x1", "only", 2100);
  EXPECT_EQ(TakeOne().line, only);
  const LineId one = Turn(3000, 3500);
  const LineId other = Turn(4000, 4500);
  Say(Role::kCaller, "x2", "whose?", 5100);
  const FinalLine line = TakeOne();
  EXPECT_NE(line.line, one);
  EXPECT_NE(line.line, other);
  EXPECT_EQ(line.said, "whose?");
}

TEST_F(TranscriptTest, AToolCallIsAnsweredOnceWhateverHappensMeanwhile) {
  const LineId call =
      transcript_.OnToolCall("t1", "lookup", R"({"q":1})", At(1000));
  EXPECT_EQ(transcript_.OnToolCall("t1", "lookup", "", At(1001)), call);
  transcript_.OnToolCall("t2", "weather", "{}", At(1002));
  EXPECT_FALSE(
      transcript_.OnToolResult("t3", "x", ToolState::kAnswered, At(1500)));
  Connect(2000);
  Restore();
  transcript_.OnSessionLost(2500, At(4000));
  const std::vector<Transcript::Told> open = transcript_.Conversation();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0].call_id, "t1");
  EXPECT_EQ(open[0].tool, ToolState::kOpen);
  EXPECT_TRUE(
      transcript_.OnToolResult("t1", "found", ToolState::kAnswered, At(5000)));
  EXPECT_FALSE(
      transcript_.OnToolResult("t1", "again", ToolState::kAnswered, At(5001)));
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.result, "found");
  EXPECT_EQ(line.end_ms, 5000);
  EXPECT_EQ(transcript_.Conversation()[0].result, "found");
  transcript_.Finish(At(9000));
  EXPECT_EQ(TakeOne().tool, ToolState::kUnanswered);
}

// A turn that nobody says is over ends with its speech, whatever ends the call.
TEST_F(TranscriptTest, ATurnThatNobodyTookEndsWhereItsSpeechDid) {
  for (const bool is_lost : {false, true}) {
    for (const int64_t alive_ms : {1'400, 5'000}) {
      transcript_ = Transcript(began_);
      const LineId line = transcript_.OnCallerTurnBegan(1'000);
      transcript_.OnCallerSpoke(line, 900, 1'500);
      Restore();
      if (is_lost) {
        transcript_.OnSessionLost(alive_ms, At(20'000));
        transcript_.Finish(At(20'000));
      } else {
        transcript_.Finish(At(alive_ms));
      }
      const FinalLine final = TakeOne();
      EXPECT_EQ(final.start_ms, 900);
      EXPECT_EQ(final.end_ms, std::min<int64_t>(alive_ms, 1'500));
      EXPECT_EQ(final.over_ms, alive_ms);
    }
  }
}

// Of one that is over nothing more is learnt.
TEST_F(TranscriptTest, WhenATurnWasSpokenIsKnownUntilItIsOver) {
  const LineId line = transcript_.OnCallerTurnBegan(1'000);
  transcript_.OnCallerSpoke(line, 1'000, 1'000);
  transcript_.OnCallerTurnEnded(line, 2'000, At(2'500));
  transcript_.OnCallerSpoke(line, 10, 20);
  transcript_.OnCallerSpoke(LineId{99}, 10, 20);
  transcript_.Finish(At(6'000));
  const FinalLine final = TakeOne();
  EXPECT_EQ(final.start_ms, 1'000);
  EXPECT_EQ(final.end_ms, 2'000);
}

TEST_F(TranscriptTest, AReplyThatWasSpokenWhenTheObjectWasLostCountsAsKnown) {
  Turn(1000, 2000);
  const LineId reply = Reply("a1", kTenWords, 3000, 4000);
  transcript_.OnAgentItem({"a2"}, Origin::kReply);
  transcript_.OnCallerTurnBegan(4000);
  transcript_.OnAgentProgress(reply, 900, At(4000));
  Restore();
  // Alive until 5.1 s: 1.1 s more were heard.
  transcript_.OnSessionLost(5100, At(20'000));
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].text, TextState::kMissing);
  EXPECT_EQ(lines[1].line, reply);
  EXPECT_EQ(lines[1].heard, "one two three four five");
  EXPECT_TRUE(lines[1].cut);
  EXPECT_EQ(lines[1].end_ms, 5100);
  EXPECT_EQ(lines[2].end_ms, 5100);
  EXPECT_EQ(transcript_.counters().unheard, 1U);
  // Numbers go on.
  EXPECT_EQ(transcript_.OnCallerTurnBegan(21'000), LineId{5});
}

TEST_F(TranscriptTest, ATurnGoesOnWithTheNextAgent) {
  const LineId turn = transcript_.OnCallerTurnBegan(1000);
  transcript_.OnCallerItem({"u1"}, At(1100));
  Say(Role::kCaller, "u1", "I want", 1500, TranscriptState::kPart);
  const LineId lost = Turn(500, 900);
  EXPECT_EQ(lost, turn);
  Connect(2000);
  // That one was committed, and what the lost agent had of it is all.
  const FinalLine partial = TakeOne();
  EXPECT_EQ(partial.text, TextState::kPartial);
  EXPECT_EQ(partial.said, "I want");

  const LineId next = transcript_.OnCallerTurnBegan(3000);
  transcript_.OnCallerItem({"u1"}, At(3100));
  Say(Role::kCaller, "u1", "to cancel", 3200, TranscriptState::kPart);
  Connect(3300);
  transcript_.OnCallerTurnEnded(next, 3500, At(4000));
  transcript_.OnCallerItem({"u1"}, At(4100));
  Say(Role::kCaller, "u1", "I want to cancel", 4200);
  EXPECT_EQ(TakeOne().said, "I want to cancel");
}

TEST_F(TranscriptTest, TheEndOfTheCallMakesAllLinesFinal) {
  Turn(1000, 2000);
  const LineId reply = Reply("a1", kTenWords, 3000, 4000);
  transcript_.OnAgentProgress(reply, 2000, At(5100));
  transcript_.OnCallerTurnBegan(5000);
  transcript_.OnAgentItem({"a2"}, Origin::kReply);
  transcript_.OnToolCall("t1", "lookup", "{}", At(5200));
  transcript_.Finish(At(6000));
  EXPECT_EQ(Take().size(), 4U);
  EXPECT_TRUE(transcript_.deadline().is_never());
  EXPECT_EQ(transcript_.OnCallerTurnBegan(7000), LineId{});
  EXPECT_EQ(transcript_.OnAgentItem({"a3"}, Origin::kReply), LineId{});
  transcript_.Finish(At(8000));
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(TranscriptTest, TheOldestThatWereTakenMakeRoom) {
  for (size_t i = 0; i < Transcript::kMaxLines + 10; ++i) {
    const std::string item = "u" + std::to_string(i);
    Say(Role::kCaller, item, item, static_cast<int64_t>(i));
    EXPECT_EQ(TakeOne().said, item);
  }
  EXPECT_EQ(transcript_.Conversation().size(), Transcript::kMaxLines);
  EXPECT_EQ(transcript_.Conversation().front().text, "u10");
  EXPECT_EQ(transcript_.counters().dropped, 10U);
}

TEST_F(TranscriptTest, LongTextsAreShortenedAndTheirSumIsBounded) {
  std::string text;
  while (text.size() < 2 * Transcript::kMaxLineBytes) text += "\u20ac";
  for (int i = 0; i < 20; ++i) {
    Say(Role::kCaller, "u" + std::to_string(i), text, i);
    const FinalLine line = TakeOne();
    // In whole characters.
    EXPECT_EQ(line.said.size(), Transcript::kMaxLineBytes / 3 * 3);
  }
  EXPECT_EQ(transcript_.counters().shortened, 20U);
  EXPECT_EQ(transcript_.counters().dropped, 13U);
  EXPECT_EQ(transcript_.Conversation().size(), 7U);
}

TEST_F(TranscriptTest, PartsBehindTheBoundAreNotAppended) {
  Say(Role::kAgent, "a1", std::string(Transcript::kMaxLineBytes - 1, 'x'), 1,
      TranscriptState::kPart);
  Say(Role::kAgent, "a1", "\u00e9", 2, TranscriptState::kPart);
  Say(Role::kAgent, "a1", "z", 3, TranscriptState::kPart);
  const LineId line = transcript_.line_of(Role::kAgent, {"a1"});
  transcript_.OnAgentSent(line, At(4));
  transcript_.OnAgentHeard(line, At(5));
  transcript_.Finish(At(6));
  EXPECT_EQ(TakeOne().said, std::string(Transcript::kMaxLineBytes - 1, 'x'));
  EXPECT_EQ(transcript_.counters().shortened, 1U);
}

TEST_F(TranscriptTest, TheOldestOpenLineBecomesFinalWhenAllAreOpen) {
  for (size_t i = 0; i <= Transcript::kMaxLines; ++i) {
    transcript_.OnToolCall("t" + std::to_string(i), "lookup", "{}", At(1));
  }
  const FinalLine line = TakeOne();
  EXPECT_EQ(line.call_id, "t0");
  EXPECT_EQ(line.tool, ToolState::kUnanswered);
  EXPECT_EQ(transcript_.counters().dropped, 2U);
}

TEST_F(TranscriptTest, LinesThatNobodyTakesAreDroppedAndCounted) {
  for (size_t i = 0; i < Transcript::kMaxUntaken + 3; ++i) {
    Say(Role::kCaller, "u" + std::to_string(i), "x", 1);
  }
  EXPECT_EQ(transcript_.counters().untaken, 3U);
  const std::vector<FinalLine> lines = Take();
  ASSERT_EQ(lines.size(), Transcript::kMaxUntaken);
  EXPECT_EQ(lines.front().item, "u3");
}

TEST_F(TranscriptTest, NamesAreBounded) {
  const std::string name(Transcript::kMaxNameBytes + 10, 'n');
  const LineId line = transcript_.OnAgentItem({name}, Origin::kReply);
  EXPECT_EQ(transcript_.OnAgentItem({name}, Origin::kReply), line);
  EXPECT_EQ(transcript_.name_of(line).item.size(), Transcript::kMaxNameBytes);
  EXPECT_EQ(transcript_.line_of(Role::kAgent, {"\xFFx"}), LineId{});
  const LineId malformed = transcript_.OnAgentItem({"\xFFx"}, Origin::kReply);
  EXPECT_EQ(transcript_.line_of(Role::kAgent, {"\xFFx"}), malformed);
}

TEST_F(TranscriptTest, RememberedNamesOfWhatIsNoLineAreBounded) {
  for (size_t i = 0; i <= Transcript::kMaxGone; ++i) {
    const std::string item = "a" + std::to_string(i);
    transcript_.OnAgentCut(transcript_.OnAgentItem({item}, Origin::kReply), 0,
                           100, {}, At(1));
  }
  const auto words_of = [&](std::string_view item) {
    return transcript_.OnText(Role::kAgent, {item}, "words",
                              TranscriptState::kPart, At(2));
  };
  EXPECT_EQ(words_of("a1"), LineId{});
  // The oldest is forgotten.
  EXPECT_NE(words_of("a0"), LineId{});
}

// The largest there is, with text that JSON writes six times as long.
TEST_F(TranscriptTest, ItsJsonIsBoundedAndReadAgain) {
  const std::string text(Transcript::kMaxLineBytes, '\x01');
  const std::string name(Transcript::kMaxNameBytes, '\x02');
  for (int i = 0; i < 20; ++i) {
    transcript_.OnToolCall("t" + std::to_string(i), name, text, At(i));
  }
  std::vector<Pause> pauses(kMaxHeardMarks, {2'000'000'000, 2'000'000'080});
  for (size_t i = 0; i < Transcript::kMaxLines - 10; ++i) {
    const LineId line =
        transcript_.OnAgentItem({std::to_string(i)}, Origin::kReply);
    transcript_.OnAgentSent(line, At(100'000'000'000));
    transcript_.OnAgentCut(line, 5'000'000'000, 10'000'000'000, pauses,
                           At(100'000'000'000));
  }
  const std::string json = PrintJson(transcript_.ToJson());
  EXPECT_GT(json.size(), 6 * Transcript::kMaxTextBytes);
  EXPECT_LE(json.size(), Transcript::kMaxJsonBytes);
  Restore();
  EXPECT_EQ(PrintJson(transcript_.ToJson()), json);
}

TEST_F(TranscriptTest, JsonThatIsNotItsOwnIsRefused) {
  Turn(1000, 2000);
  Reply("a1", kTenWords, 3000, 4000);
  const Json json = transcript_.ToJson();
  ASSERT_TRUE(Transcript::FromJson(json, began_).has_value());
  EXPECT_FALSE(Transcript::FromJson(Json(), began_).has_value());
  EXPECT_FALSE(Transcript::FromJson(Json::array(), began_).has_value());
  const auto refused = [&](auto change) {
    Json changed = json;
    change(changed);
    return !Transcript::FromJson(changed, began_).has_value();
  };
  EXPECT_TRUE(refused([](Json& j) { j["lines"][0]["id"] = 2; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][1]["id"] = 3; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][0]["kind"] = 3; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][0]["phase"] = 3; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][0].erase("textDueMs"); }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][1]["heardBytes"] = 4000; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][1]["said"] = 5; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][1]["pauses"] = "1-2"; }));
  EXPECT_TRUE(refused([](Json& j) { j["lines"][1]["pauses"] = "1-x "; }));
  EXPECT_TRUE(refused([](Json& j) { j["untaken"] = {1}; }));
  EXPECT_TRUE(refused([](Json& j) { j["lastLine"] = -1; }));
  EXPECT_TRUE(refused([](Json& j) { j.erase("counters"); }));
}

// Snapshot, restore and the rest are the rest; the script compares after each
// call.
TEST(TranscriptScriptTest, ACopyThatWasRestoredDoesTheSame) {
  test::Random random(3);
  uint64_t lines = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<uint8_t> script(20 + random.Below(4000));
    for (uint8_t& byte : script) byte = static_cast<uint8_t>(random.Next());
    lines += test::RunTranscriptScript(script);
  }
  EXPECT_GT(lines, 200U);
}

// A voice that tells when it says each word.
TEST_F(TranscriptTest, WordsThatTheVoiceTellsAreCutExactly) {
  const std::string text = "one two three.";
  for (const auto& [cut_ms, heard] :
       {std::pair(0, ""), std::pair(899, ""), std::pair(900, "one"),
        std::pair(949, "one"), std::pair(950, "one two"),
        std::pair(2999, "one two"), std::pair(3000, "one two three.")}) {
    const std::string item = "a" + std::to_string(cut_ms);
    const LineId line = transcript_.OnAgentItem({item}, Origin::kReply);
    Say(Role::kAgent, item, text, 1000, TranscriptState::kPart);
    const protocol::SpokenWord words[] = {{3, 900}, {7, 950}, {14, 3000}};
    transcript_.OnAgentWords({item}, std::span(words).first(1));
    transcript_.OnAgentWords({item}, std::span(words).last(2));
    // Not behind the others: left out. Of nobody: the same.
    transcript_.OnAgentWords({item}, {words, 2});
    transcript_.OnAgentWords({"nobody"}, words);
    // The same text as a whole changes nothing.
    Say(Role::kAgent, item, text, 1000);
    transcript_.OnAgentAudio(line, 3000);
    transcript_.OnAgentDone(line);
    transcript_.OnAgentSent(line, At(1000));
    transcript_.OnAgentHeardFrom(line, At(1000));
    transcript_.OnAgentCut(line, cut_ms, 3000, {}, At(5000));
    const FinalLine final = TakeOne();
    EXPECT_EQ(heard, final.heard) << cut_ms;
    EXPECT_EQ(text, final.said);
  }
}

TEST_F(TranscriptTest, OfAStretchWithoutItsWordsTheLettersTell) {
  const LineId line = transcript_.OnAgentItem({"a"}, Origin::kReply);
  Say(Role::kAgent, "a", "It is so. one two three four", 0);
  // The first sentence took long.
  const protocol::SpokenWord words[] = {{9, 8000}, {28, 10'000}};
  transcript_.OnAgentWords({"a"}, words);
  transcript_.OnAgentAudio(line, 10'000);
  transcript_.OnAgentDone(line);
  transcript_.OnAgentSent(line, At(0));
  transcript_.OnAgentHeardFrom(line, At(0));
  transcript_.OnAgentCut(line, 9'200, 10'000, {}, At(9'200));
  EXPECT_EQ("It is so. one two", TakeOne().heard);
}

TEST_F(TranscriptTest, WordsOfALineThatIsHeardAreInASnapshot) {
  const LineId line = transcript_.OnAgentItem({"a"}, Origin::kReply);
  Say(Role::kAgent, "a", "one two three", 0, TranscriptState::kPart);
  const protocol::SpokenWord words[] = {{3, 900}, {7, 950}, {13, 3000}};
  transcript_.OnAgentWords({"a"}, words);
  transcript_.OnAgentAudio(line, 3000);
  transcript_.OnAgentSent(line, At(0));
  transcript_.OnAgentHeardFrom(line, At(0));
  const std::optional<Transcript> restored =
      Transcript::FromJson(transcript_.ToJson(), began_);
  ASSERT_TRUE(restored);
  EXPECT_EQ(transcript_.ToJson(), restored->ToJson());
  transcript_ = *restored;
  transcript_.OnSessionLost(960, At(4000));
  EXPECT_EQ("one two", TakeOne().heard);
  // Other words are told anew.
  const LineId other = transcript_.OnAgentItem({"b"}, Origin::kReply);
  Say(Role::kAgent, "b", "one two three", 0, TranscriptState::kPart);
  transcript_.OnAgentWords({"b"}, words);
  Say(Role::kAgent, "b", "never mind", 0);
  transcript_.OnAgentAudio(other, 1000);
  transcript_.OnAgentSent(other, At(5000));
  transcript_.OnAgentCut(other, 960, 1000, {}, At(6000));
  EXPECT_EQ("never", TakeOne().heard);
}

}  // namespace
}  // namespace trunkline::session
