// A cascade whose recogniser detects turns, and says early that one may be
// over.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_services.h"
#include "protocol/agents/cascade.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EagerTest : public testing::Test {
 protected:
  EagerTest() {
    auto stt = std::make_unique<FakeStt>(asked, FakeStt::Turns::kDetected);
    auto llm = std::make_unique<FakeLlm>(asked);
    auto tts = std::make_unique<FakeTts>(asked);
    stt_ = stt.get();
    llm_ = llm.get();
    tts_ = tts.get();
    cascade.emplace(
        Cascade::Parts{std::move(stt), std::move(llm), std::move(tts)});
    cascade->SetNow(Instant::Micros(1'000'000));
    cascade->Begin();
    Stt(SttReady{});
    TakeLines();
    TakeAsked();
  }

  void Drain() {
    for (size_t before = SIZE_MAX; before != log.lines.size();) {
      before = log.lines.size();
      log.Take(*cascade);
      log.Take(*cascade);
    }
  }
  // As its owner does that takes each turn: it asks for a reply before anything
  // else is taken.
  void Stt(SttEvent event) {
    stt_->events.push_back(event);
    while (const auto told = cascade->NextEvent()) {
      log.Add(*told);
      if (std::holds_alternative<AgentTurnCommitted>(*told)) {
        if (takes_turns) cascade->Respond({});
      } else if (std::holds_alternative<AgentNeedsConversation>(*told)) {
        Tell();
      }
    }
    cascade->Proceed();
    while (const auto told = cascade->NextEvent()) {
      log.Add(*told);
      if (std::holds_alternative<AgentNeedsConversation>(*told)) Tell();
    }
  }
  void Tell() {
    std::vector<ConversationLine> lines(conversation.size());
    for (size_t i = 0; i < lines.size(); ++i) lines[i].text = conversation[i];
    cascade->Tell(lines);
  }
  void Llm(LlmEvent event) {
    llm_->events.push_back(event);
    Drain();
  }
  // The caller is noticed, here and there, and says this.
  void Speak(std::string_view words) {
    cascade->TurnStarted(Duration::Millis(60));
    Stt(SttSpeech{SttSpeech::Edge::kStarted});
    Stt(SttText{words, TranscriptState::kPart});
    conversation.emplace_back(words);
  }
  std::vector<std::string> TakeLines() {
    return std::exchange(log, {}).Words();
  }
  Asked TakeAsked() { return std::exchange(asked, {}); }

  Asked asked;
  std::optional<Cascade> cascade;
  test::AgentLog log;
  // The texts of what is told.
  std::vector<std::string> conversation;
  bool takes_turns = true;
  FakeStt* stt_;
  FakeLlm* llm_;
  FakeTts* tts_;
};

TEST_F(EagerTest, TurnsAreThoseOfTheRecogniser) {
  EXPECT_EQ(AgentTraits::TurnDetection::kProvider,
            cascade->traits().turn_detection);
  Speak("when do");
  EXPECT_EQ("", cascade->turn_name());
  EXPECT_THAT(TakeLines(),
              ElementsAre("speech started", "caller turn-1+when do"));
  Stt(SttTurnEnded{"when do you open"});
  EXPECT_THAT(TakeLines(),
              ElementsAre("caller turn-1+ you open", "speech stopped",
                          "committed turn-1", "caller turn-1=when do you open",
                          "needs conversation"));
  // Nothing is said of turns to it that it does not know.
  EXPECT_THAT(TakeAsked(), ElementsAre("turn 60", "ask | when do"));
}

TEST_F(EagerTest, PartsWaitUntilTheCallerIsNoticedHere) {
  Stt(SttSpeech{SttSpeech::Edge::kStarted});
  Stt(SttText{"when", TranscriptState::kPart});
  EXPECT_THAT(TakeLines(), ElementsAre("speech started"));
  cascade->TurnStarted({});
  Stt(SttText{"when do", TranscriptState::kPart});
  EXPECT_THAT(TakeLines(), ElementsAre("caller turn-1+when do"));
}

TEST_F(EagerTest, WhoIsNeverNoticedHereIsToldWithHisTurn) {
  Stt(SttSpeech{SttSpeech::Edge::kStarted});
  Stt(SttText{"yes", TranscriptState::kPart});
  Stt(SttTurnEnded{"yes"});
  EXPECT_THAT(TakeLines(),
              ElementsAre("speech started", "caller turn-1+yes",
                          "speech stopped", "committed turn-1",
                          "caller turn-1=yes", "needs conversation"));
}

TEST_F(EagerTest, AnAnswerIsMadeEarlyAndSpokenWhenTheTurnIsOver) {
  Speak("when do you open");
  TakeLines();
  TakeAsked();
  Stt(SttEager{"When do you open?"});
  // The line that the turn has so far is that of the turn.
  EXPECT_THAT(TakeAsked(), ElementsAre("ask | When do you open?"));
  EXPECT_THAT(TakeLines(), ElementsAre("needs conversation"));
  Llm(LlmText{"We open at nine. On Sun"});
  Llm(LlmText{"days at ten."});
  Llm(LlmDone{.usage = {12, 7}});
  EXPECT_THAT(TakeLines(), IsEmpty());
  EXPECT_THAT(TakeAsked(), IsEmpty());
  Stt(SttTurnEnded{"When do you open?"});
  EXPECT_THAT(TakeAsked(), ElementsAre("speak We open at nine."));
  EXPECT_THAT(TakeLines(), ElementsAre("speech stopped", "committed turn-1",
                                       "caller turn-1=When do you open?",
                                       "agent reply-1+We open at nine."));
  tts_->events.emplace_back(TtsDone{});
  Drain();
  tts_->events.emplace_back(TtsDone{});
  Drain();
  EXPECT_EQ("done complete 12/7", TakeLines().back());
}

TEST_F(EagerTest, TheRestOfTheAnswerComesAsItIsMade) {
  Speak("when do you open");
  Stt(SttEager{"when do you open"});
  Llm(LlmText{"We open"});
  Stt(SttTurnEnded{"when do you open"});
  TakeAsked();
  Llm(LlmText{" at nine. Good"});
  EXPECT_THAT(TakeAsked(), ElementsAre("speak We open at nine."));
}

TEST_F(EagerTest, OneThatWasNotToldYetIsALineOfItsOwn) {
  cascade->TurnStarted({});
  Stt(SttSpeech{SttSpeech::Edge::kStarted});
  conversation = {"yes"};
  TakeAsked();
  Stt(SttEager{"yes"});
  EXPECT_THAT(TakeAsked(), ElementsAre("ask | yes | yes"));
}

TEST_F(EagerTest, WhoGoesOnHasTheAnswerAborted) {
  Speak("i would like");
  Stt(SttEager{"i would like"});
  Llm(LlmText{"Yes?"});
  TakeAsked();
  TakeLines();
  Stt(SttResumed{});
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort"));
  Llm(LlmText{"What?"});
  EXPECT_THAT(TakeLines(), IsEmpty());
  conversation.back() = "i would like a table";
  Stt(SttTurnEnded{"i would like a table"});
  EXPECT_THAT(TakeAsked(), ElementsAre("ask | i would like a table"));
  TakeLines();
  Llm(LlmDone{.usage = {20, 1}});
  // 12 bytes asked and 4 answered.
  EXPECT_THAT(TakeLines(), ElementsAre("done complete 20/1 dropped 1/4"));
}

TEST_F(EagerTest, AnswersToOtherWordsAreDropped) {
  Speak("book a table");
  Stt(SttEager{"book a table"});
  Llm(LlmText{"For how many?"});
  Llm(LlmDone{.usage = {30, 5}});
  TakeAsked();
  conversation.back() = "book a table for four";
  Stt(SttTurnEnded{"book a table for four"});
  EXPECT_THAT(TakeAsked(),
              ElementsAre("llm abort", "ask | book a table for four"));
  TakeLines();
  Llm(LlmDone{});
  EXPECT_THAT(TakeLines(), ElementsAre("done complete 0/0 dropped 1/35"));
}

TEST_F(EagerTest, NoToolIsCalledEarly) {
  Speak("book it");
  Stt(SttEager{"book it"});
  TakeLines();
  Llm(LlmText{"I book."});
  Llm(LlmToolCall{"c1", "book", "{}"});
  Llm(LlmToolCall{"c2", "mail", "{}"});
  Llm(LlmDone{});
  EXPECT_THAT(TakeLines(), IsEmpty());
  Stt(SttTurnEnded{"book it"});
  Drain();
  EXPECT_THAT(TakeLines(),
              ElementsAre("speech stopped", "committed turn-1",
                          "caller turn-1=book it", "tool c1 book {}",
                          "tool c2 mail {}", "agent reply-1+I book."));
}

TEST_F(EagerTest, AModelThatFailsEarlyIsAskedAgain) {
  Speak("hello");
  Stt(SttEager{"hello"});
  Llm(ServiceFailed{Loss::kFatal, {.code = "oh"}});
  TakeAsked();
  TakeLines();
  Stt(SttTurnEnded{"hello"});
  EXPECT_THAT(TakeAsked(), ElementsAre("ask | hello"));
  EXPECT_EQ("needs conversation", TakeLines().back());
}

TEST_F(EagerTest, ATurnThatNobodyTakesHasNoAnswer) {
  takes_turns = false;
  Speak("hello");
  Stt(SttEager{"hello"});
  TakeAsked();
  TakeLines();
  Stt(SttTurnEnded{"hello"});
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort"));
  EXPECT_THAT(TakeLines(), ElementsAre("speech stopped", "committed turn-1",
                                       "caller turn-1=hello"));
}

TEST_F(EagerTest, ATurnThatIsTakenBackHasNoText) {
  Speak("uh");
  TakeLines();
  stt_->events.emplace_back(SttTurnEnded{"uh"});
  while (const auto told = cascade->NextEvent()) {
    log.Add(*told);
    if (std::holds_alternative<AgentTurnCommitted>(*told)) {
      cascade->DiscardTurn();
    }
  }
  EXPECT_THAT(TakeLines(), ElementsAre("speech stopped", "committed turn-1"));
  Speak("stop");
  EXPECT_THAT(TakeLines(), ElementsAre("speech started", "caller turn-2+stop"));
}

TEST_F(EagerTest, ACoughIsForgottenAndItsAnswerAborted) {
  Speak("uh");
  Stt(SttEager{"uh"});
  TakeAsked();
  cascade->DiscardTurn();
  EXPECT_THAT(TakeAsked(), ElementsAre("forget", "llm abort"));
}

TEST_F(EagerTest, WhatNobodyHasNoticedHereIsNoTurnToAnswer) {
  Stt(SttSpeech{SttSpeech::Edge::kStarted});
  Stt(SttEager{"our own voice"});
  EXPECT_THAT(TakeAsked(), IsEmpty());
}

TEST_F(EagerTest, WhileAReplyIsMadeNoneIsMadeEarly) {
  Speak("hello");
  Stt(SttTurnEnded{"hello"});
  Llm(LlmText{"Hel"});
  TakeAsked();
  Speak("and");
  Stt(SttEager{"and"});
  EXPECT_THAT(TakeAsked(), ElementsAre("turn 60"));
}

TEST_F(EagerTest, AReplyToOthersDropsTheEarlyOne) {
  Speak("hello");
  Stt(SttEager{"hello"});
  TakeAsked();
  cascade->Say("One moment.");
  Drain();
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort", "speak One moment."));
}

TEST_F(EagerTest, AfterTooManyInVainNoneIsMade) {
  for (int i = 0; i < EarlyAnswer::kMaxDropped; ++i) {
    Speak("well");
    Stt(SttEager{"well"});
    EXPECT_EQ("ask", TakeAsked().back().substr(0, 3));
    Stt(SttResumed{});
    Stt(SttSpeech{SttSpeech::Edge::kStopped});
  }
  TakeAsked();
  Speak("well");
  Stt(SttEager{"well"});
  EXPECT_THAT(TakeAsked(), ElementsAre("turn 60"));
  TakeLines();
  Stt(SttTurnEnded{"well"});
  Llm(LlmDone{});
  EXPECT_THAT(TakeLines().back(),
              testing::StartsWith("done complete 0/0 dropped 8/"));
}

TEST_F(EagerTest, AnAnswerThatIsTooLongIsNoneEarly) {
  Speak("all");
  Stt(SttEager{"all"});
  TakeAsked();
  const std::string much(Cascade::kMaxReplyBytes + 1, 'x');
  Llm(LlmText{much});
  EXPECT_THAT(TakeAsked(), ElementsAre("llm abort"));
}

}  // namespace
}  // namespace trunkline::protocol
