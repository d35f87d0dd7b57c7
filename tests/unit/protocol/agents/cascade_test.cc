#include "protocol/agents/cascade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_services.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CascadeTest : public testing::Test {
 protected:
  CascadeTest() {
    auto stt = std::make_unique<FakeStt>(asked);
    auto llm = std::make_unique<FakeLlm>(asked);
    auto tts = std::make_unique<FakeTts>(asked);
    stt_ = stt.get();
    llm_ = llm.get();
    tts_ = tts.get();
    cascade.emplace(
        Cascade::Parts{std::move(stt), std::move(llm), std::move(tts)});
    cascade->SetNow(now);
  }

  // Until nothing comes any more, as its owner does.
  void Drain() {
    for (size_t before = SIZE_MAX; before != log.lines.size();) {
      before = log.lines.size();
      log.Take(*cascade);
      // What it makes of being asked to proceed.
      log.Take(*cascade);
    }
  }
  void Pass(int ms) {
    now = now + Duration::Millis(ms);
    cascade->SetNow(now);
    if (now >= cascade->deadline()) cascade->OnDeadline();
    Drain();
  }
  void Start() {
    cascade->Begin();
    stt_->events.emplace_back(SttReady{});
    Drain();
    log.lines.clear();
    asked.clear();
  }
  // A turn of the caller with these words, up to the model's being asked.
  void Turn(std::string_view words) {
    cascade->TurnStarted(Duration::Millis(100));
    cascade->Respond(Duration::Millis(700));
    Drain();
    stt_->events.emplace_back(SttText{words, TranscriptState::kFinal});
    Drain();
    ConversationLine line;
    line.text = words;
    cascade->Tell({&line, 1});
    Drain();
    log.lines.clear();
    asked.clear();
  }
  void Answer(std::string_view text) {
    llm_->events.emplace_back(LlmText{text});
    Drain();
  }
  // So much audio of the sentence, all of it.
  void Speak(int ms) {
    audio.assign(BytesOf(cascade->traits().output, ms), 0);
    tts_->events.emplace_back(TtsAudio{audio});
    tts_->events.emplace_back(TtsDone{});
    Drain();
  }
  std::vector<std::string> TakeLines() {
    return std::exchange(log, {}).Words();
  }
  Asked TakeAsked() { return std::exchange(asked, {}); }

  Asked asked;
  std::optional<Cascade> cascade;
  test::AgentLog log;
  Instant now = Instant::Micros(1'000'000);
  FakeStt* stt_;
  FakeLlm* llm_;
  FakeTts* tts_;
  std::vector<uint8_t> audio;
};

TEST_F(CascadeTest, ATurnIsHeardAnsweredAndSpokenSentenceBySentence) {
  cascade->Begin();
  Drain();
  EXPECT_THAT(TakeLines(), IsEmpty());
  stt_->events.emplace_back(SttReady{});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre("ready"));

  cascade->TurnStarted(Duration::Millis(120));
  EXPECT_EQ("turn-1", cascade->turn_name());
  stt_->events.emplace_back(SttText{"when do", TranscriptState::kPart});
  stt_->events.emplace_back(SttText{"when do you", TranscriptState::kPart});
  Drain();
  // One that takes words back waits for the last text.
  stt_->events.emplace_back(SttText{"then", TranscriptState::kPart});
  Drain();
  EXPECT_THAT(TakeLines(),
              ElementsAre("caller turn-1+when do", "caller turn-1+ you"));
  cascade->Respond(Duration::Millis(700));
  Drain();
  EXPECT_THAT(TakeLines(), IsEmpty());
  stt_->events.emplace_back(
      SttText{"when do you open", TranscriptState::kFinal});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre("caller turn-1=when do you open",
                                       "needs conversation"));
  ConversationLine line;
  line.text = "when do you open";
  cascade->Tell({&line, 1});
  Drain();
  EXPECT_THAT(TakeAsked(), ElementsAre("stt end again", "stt begin", "turn 120",
                                       "finish 700", "ask | when do you open"));

  Answer("We open at n");
  EXPECT_THAT(TakeAsked(), IsEmpty());
  Answer("ine. On Sun");
  EXPECT_THAT(TakeAsked(), ElementsAre("speak We open at nine."));
  EXPECT_THAT(TakeLines(), ElementsAre("agent reply-1+We open at nine."));
  Speak(1000);
  EXPECT_EQ(16'000u, log.audio[1].size());
  EXPECT_THAT(TakeLines(), ElementsAre("words reply-1 16@1000"));
  llm_->events.emplace_back(LlmText{"days at ten."});
  llm_->events.emplace_back(LlmDone{.usage = {12, 7}});
  Drain();
  EXPECT_THAT(TakeAsked(), ElementsAre("speak  On Sundays at ten."));
  const SpokenWord words[] = {{3, 200}, {11, 600}};
  tts_->events.emplace_back(TtsWords{words});
  Speak(800);
  EXPECT_THAT(
      TakeLines(),
      ElementsAre("agent reply-1+ On Sundays at ten.",
                  "words reply-1 19@1200 27@1600", "words reply-1 35@1800",
                  "agent reply-1=We open at nine. On Sundays at ten.",
                  "done complete 12/7"));
  EXPECT_THAT(TakeAsked(), IsEmpty());
  EXPECT_EQ("reply-1", cascade->item_name(ItemId{1}));
  EXPECT_EQ(1500, cascade->Truncate(ItemId{1}, 1500));
  EXPECT_EQ(1800, cascade->Truncate(ItemId{1}, 5000));
  EXPECT_EQ(0, cascade->Truncate(ItemId{2}, 5000));
}

TEST_F(CascadeTest, LittleIsMadeAheadOfWhatIsPlayed) {
  Start();
  Turn("tell me all");
  Answer("One is long. Two is longer. Three is it. Four.");
  EXPECT_THAT(TakeAsked(), ElementsAre("speak One is long."));
  Speak(3000);
  EXPECT_THAT(TakeAsked(), ElementsAre("speak  Two is longer."));
  Speak(3000);
  // 6 s are there, of which none has played.
  EXPECT_THAT(TakeAsked(), IsEmpty());
  EXPECT_EQ(now + Duration::Millis(2000), cascade->deadline());
  Pass(1999);
  EXPECT_THAT(TakeAsked(), IsEmpty());
  Pass(1);
  EXPECT_THAT(TakeAsked(), ElementsAre("speak  Three is it."));
}

TEST_F(CascadeTest, WhatIsNotWantedIsAborted) {
  Start();
  Turn("tell me all");
  Answer("One is long. Two is");
  EXPECT_THAT(TakeAsked(), ElementsAre("speak One is long."));
  TakeLines();
  cascade->Cancel();
  Drain();
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort", "tts abort"));
  EXPECT_THAT(TakeLines(),
              ElementsAre("agent reply-1=One is long.", "done cancelled 0/0"));
  // Nothing more comes of it.
  Answer(" more.");
  Speak(100);
  EXPECT_THAT(TakeLines(), IsEmpty());
  cascade->Cancel();
  Drain();
  EXPECT_THAT(TakeAsked(), IsEmpty());

  // While he is not understood yet, nothing but the text comes.
  cascade->TurnStarted({});
  cascade->Respond({});
  Drain();
  cascade->Cancel();
  stt_->events.emplace_back(SttText{"stop", TranscriptState::kFinal});
  Drain();
  EXPECT_THAT(TakeLines(),
              ElementsAre("done cancelled 0/0", "caller turn-2=stop"));
  EXPECT_THAT(TakeAsked(), ElementsAre("turn 0", "finish 0"));
}

TEST_F(CascadeTest, WhoGoesOnGetsOneReplyToBothParts) {
  Start();
  cascade->TurnStarted({});
  cascade->Respond({});
  Drain();
  cascade->TurnStarted({});
  cascade->Cancel();
  EXPECT_EQ("turn-2", cascade->turn_name());
  cascade->Respond({});
  Drain();
  stt_->events.emplace_back(SttText{"i want", TranscriptState::kFinal});
  Drain();
  EXPECT_THAT(TakeLines(),
              ElementsAre("done cancelled 0/0", "caller turn-1=i want"));
  stt_->events.emplace_back(SttText{"a table", TranscriptState::kFinal});
  Drain();
  EXPECT_THAT(TakeLines(),
              ElementsAre("caller turn-2=a table", "needs conversation"));
}

TEST_F(CascadeTest, TurnsThatWereNoneAndTextsThatAreMissing) {
  Start();
  cascade->TurnStarted({});
  cascade->DiscardTurn();
  cascade->DiscardTurn();
  EXPECT_THAT(TakeAsked(), ElementsAre("turn 0", "forget"));
  // Its name is not used again.
  cascade->TurnStarted({});
  EXPECT_EQ("turn-2", cascade->turn_name());
  cascade->Respond({});
  // What Respond() was asked for is none to be discarded.
  cascade->DiscardTurn();
  Drain();
  stt_->events.emplace_back(SttTextFailed{});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre("no text turn-2", "needs conversation"));
  cascade->Tell({});
  EXPECT_THAT(TakeAsked(),
              ElementsAre("turn 0", "finish 0", "ask (not understood)"));
  // Without a turn, it is asked at once.
  cascade->Cancel();
  cascade->Respond({});
  Drain();
  TakeLines();
  cascade->Tell({});
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort", "ask"));
}

TEST_F(CascadeTest, SaysTextsInTheirTurn) {
  Start();
  Turn("hello");
  Answer("Good morning. ");
  cascade->Say("This call is recorded. Is that all right?");
  llm_->events.emplace_back(LlmDone{});
  Drain();
  Speak(500);
  EXPECT_THAT(TakeAsked(), ElementsAre("speak Good morning. ",
                                       "speak This call is recorded."));
  Speak(500);
  EXPECT_THAT(TakeAsked(), ElementsAre("speak  Is that all right?"));
  TakeLines();
  Speak(500);
  EXPECT_THAT(
      TakeLines(),
      ElementsAre("words reply-2 41@1000",
                  "agent reply-2=This call is recorded. Is that all right?",
                  "done complete 0/0"));
}

TEST_F(CascadeTest, ToolsAreCalledAndWhatFollowsIsAskedForAnew) {
  Start();
  Turn("what time is it");
  llm_->events.emplace_back(LlmToolCall{"c1", "clock", "{}"});
  llm_->events.emplace_back(LlmDone{});
  Drain();
  EXPECT_THAT(TakeLines(),
              ElementsAre("tool c1 clock {}", "done complete tools 0/0"));
  cascade->ToolResult("c1", "noon");
  cascade->Respond({});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre("needs conversation"));
}

TEST_F(CascadeTest, WhatFailsIsTheReplyOrTheAgent) {
  Start();
  Turn("hello");
  llm_->events.emplace_back(
      ServiceFailed{Loss::kRetryable,
                    {.code = "rate", .retry_after = Duration::Millis(1500)}});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre(testing::StartsWith("done failed")));
  Turn("hello");
  llm_->events.emplace_back(ServiceFailed{Loss::kFatal, {.code = "key"}});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre(testing::StartsWith("done refused")));
  // A voice that fails takes the model's answer with it.
  Turn("hello");
  Answer("Well. So");
  TakeAsked();
  tts_->events.emplace_back(ServiceFailed{Loss::kRetryable, {.code = "tts"}});
  Drain();
  // Nothing was heard of the sentence: it is asked for once more.
  EXPECT_THAT(TakeAsked(), ElementsAre("speak Well."));
  EXPECT_THAT(log.faults, ElementsAre(Fault::kPeerError));
  EXPECT_THAT(TakeLines(), ElementsAre("agent reply-3+Well."));
  tts_->events.emplace_back(ServiceFailed{Loss::kRetryable, {.code = "tts"}});
  Drain();
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort"));
  EXPECT_THAT(TakeLines(), ElementsAre("agent reply-3=Well.",
                                       testing::StartsWith("done failed")));
  stt_->events.emplace_back(ServiceFailed{Loss::kRetryable, {.code = "ears"}});
  Drain();
  EXPECT_THAT(TakeLines(), ElementsAre("lost ears"));
  cascade->End("ears");
  EXPECT_THAT(TakeAsked(), ElementsAre("stt end ears"));
}

TEST_F(CascadeTest, ASentenceIsAskedForOnceMoreWhenTheVoiceWantsItToBe) {
  Start();
  Turn("hello");
  Answer("Well. So it is. Ye");
  TakeAsked();
  TakeLines();
  tts_->events.emplace_back(
      ServiceFailed{Loss::kRetryable,
                    {.code = "rate", .retry_after = Duration::Millis(2'000)}});
  Drain();
  EXPECT_THAT(log.faults, ElementsAre(Fault::kPeerError));
  Pass(1'999);
  EXPECT_THAT(TakeAsked(), IsEmpty());
  EXPECT_EQ(cascade->deadline(), now + Duration::Millis(1));
  Pass(1);
  EXPECT_THAT(TakeAsked(), ElementsAre("speak Well."));
  Speak(100);
  EXPECT_THAT(TakeAsked(), ElementsAre("speak  So it is."));
  // Of one reply one sentence, and none of which some was heard.
  tts_->events.emplace_back(ServiceFailed{Loss::kRetryable, {.code = "tts"}});
  Drain();
  EXPECT_THAT(log.lines.back(), testing::StartsWith("done failed"));
  Turn("hello");
  Answer("Well. So");
  audio.assign(2, 0);
  tts_->events.emplace_back(TtsAudio{audio});
  tts_->events.emplace_back(ServiceFailed{Loss::kRetryable, {.code = "tts"}});
  Drain();
  EXPECT_THAT(log.lines.back(), testing::StartsWith("done failed"));
  // Nobody waits so long.
  Turn("hello");
  Answer("Well. So");
  tts_->events.emplace_back(
      ServiceFailed{Loss::kRetryable,
                    {.code = "rate", .retry_after = Duration::Millis(3'001)}});
  Drain();
  EXPECT_THAT(log.lines.back(), testing::StartsWith("done failed"));
}

// By the parts of a recogniser that tells some.
TEST_F(CascadeTest, WordsSayWhetherTheTurnIsOver) {
  Start();
  const auto part = [this](std::string_view words) {
    stt_->events.emplace_back(SttText{words, TranscriptState::kPart});
    Drain();
    return cascade->turn_hint();
  };
  EXPECT_EQ(cascade->turn_hint(), TurnHint::kNone);
  cascade->TurnStarted({});
  EXPECT_EQ(part("my"), TurnHint::kUnfinished);
  EXPECT_EQ(part("my dog"), TurnHint::kNone);
  EXPECT_EQ(part("my dog and"), TurnHint::kUnfinished);
  // What he goes on with is not known yet.
  cascade->TurnStarted({});
  EXPECT_EQ(cascade->turn_hint(), TurnHint::kNone);
  part("my dog and");
  cascade->DiscardTurn();
  EXPECT_EQ(cascade->turn_hint(), TurnHint::kNone);
  // The agent has asked.
  TakeAsked();
  Turn("hello");
  llm_->events.emplace_back(LlmText{"Is that right?"});
  llm_->events.emplace_back(LlmDone{});
  Drain();
  Speak(100);
  cascade->TurnStarted({});
  EXPECT_EQ(part("yes"), TurnHint::kComplete);
  EXPECT_EQ(part("yes but"), TurnHint::kUnfinished);
}

TEST_F(CascadeTest, AnAnswerThatIsTooLongOrStoppedIsIncomplete) {
  Start();
  Turn("hello");
  Answer("Short. " + std::string(Cascade::kMaxReplyBytes, 'a'));
  EXPECT_THAT(TakeAsked(), testing::Contains("llm abort"));
  for (int i = 0; i < 100 && !log.lines.back().starts_with("done"); ++i) {
    Speak(100);
  }
  EXPECT_THAT(log.lines.back(), testing::StartsWith("done incomplete"));
  Turn("hello");
  llm_->events.emplace_back(LlmText{"Half a"});
  llm_->events.emplace_back(LlmDone{LlmDone::End::kTooLong});
  Drain();
  Speak(100);
  EXPECT_THAT(log.lines.back(), testing::StartsWith("done incomplete"));
  // Signs alone are not spoken.
  TakeAsked();
  Turn("hello");
  llm_->events.emplace_back(LlmText{"... - !"});
  llm_->events.emplace_back(LlmDone{});
  Drain();
  EXPECT_THAT(TakeAsked(), IsEmpty());
  EXPECT_THAT(log.lines.back(), testing::StartsWith("done complete"));
}

}  // namespace
}  // namespace trunkline::protocol
