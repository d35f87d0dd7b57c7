// Transcriptions that are made in a pause of the caller, and those that fail.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "protocol/services/openai_transcription.h"
#include "transcriptions.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A pause within a turn, and what fails: by the clock.
class PausedTranscriptionTest : public OpenAiTranscriptionTest {
 protected:
  void Pass(int ms) {
    now_ = now_ + Duration::Millis(ms);
    stt.SetNow(now_);
    if (now_ >= stt.deadline()) stt.OnDeadline();
    Take();
  }
  // Speech of a second, and so much silence, of which the first 200 ms are
  // noticed.
  void SpeakAndPause(int pause_ms) {
    stt.TurnStarted({});
    Hear(0, 50);
    Hear(50, 60);
    stt.Pause(Duration::Millis(200));
    Take();
    Hear(60, 50 + pause_ms / 20);
  }
  ChannelId newest() const { return channels.newest(); }
  std::vector<std::string> TakeLines() { return std::exchange(lines, {}); }

 private:
  Instant now_;
};

TEST_F(PausedTranscriptionTest, WhatWasSaidIsSentInAPauseAndIsTheTurnsText) {
  SpeakAndPause(280);
  EXPECT_THAT(channels.requests, IsEmpty());
  EXPECT_TRUE(stt.finds_out());
  Hear(64, 66);
  ASSERT_EQ(channels.requests.size(), 1U);
  EXPECT_EQ(SentMs(), 1'000 + OpenAiTranscription::kMarginAfterMs);
  EXPECT_TRUE(stt.finds_out());
  Answer(newest(), Text("when do you open"));
  EXPECT_THAT(TakeLines(), ElementsAre("+ when do you open"));
  EXPECT_FALSE(stt.finds_out());
  Hear(66, 85);
  Finish(700);
  // Nobody waits for it.
  EXPECT_THAT(TakeLines(), ElementsAre("= when do you open"));
  EXPECT_EQ(channels.requests.size(), 1U);
  EXPECT_EQ(stt.TakeDroppedTexts(), 0);
}

TEST_F(PausedTranscriptionTest, ATurnThatEndsMeanwhileHasTheSameText) {
  SpeakAndPause(300);
  Hear(65, 85);
  Finish(700);
  ASSERT_EQ(channels.requests.size(), 1U);
  EXPECT_THAT(TakeLines(), IsEmpty());
  Answer(newest(), Text("when do you open"));
  EXPECT_THAT(TakeLines(), ElementsAre("= when do you open"));
  EXPECT_EQ(stt.TakeDroppedTexts(), 0);
}

TEST_F(PausedTranscriptionTest, WhoGoesOnHasATextOfAllAndOneInVain) {
  SpeakAndPause(300);
  stt.TurnStarted(Duration::Millis(60));
  EXPECT_TRUE(channels.requests[0].aborted);
  EXPECT_FALSE(stt.finds_out());
  Hear(65, 100);
  Finish(0);
  ASSERT_EQ(channels.requests.size(), 2U);
  EXPECT_EQ(SentMs(), 2'000);
  EXPECT_EQ(stt.TakeDroppedTexts(), 1);
  EXPECT_EQ(stt.TakeDroppedTexts(), 0);
  Answer(newest(), Text("when do you open"));
  EXPECT_THAT(TakeLines(), ElementsAre("= when do you open"));
}

// More of it than a sound that was no turn's: as if it had not been sent.
TEST_F(PausedTranscriptionTest, SpeechThatNobodyNoticedIsHeard) {
  SpeakAndPause(300);
  Hear(65, 75);
  Finish(20);
  ASSERT_EQ(channels.requests.size(), 2U);
  EXPECT_TRUE(channels.requests[0].aborted);
  EXPECT_EQ(SentMs(), 1'500);
}

TEST_F(PausedTranscriptionTest, OneThatFailsIsSentWithTheTurn) {
  SpeakAndPause(300);
  stt.OnHttpHeaders(newest(), 500, {});
  stt.OnHttpDone(newest());
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  EXPECT_FALSE(stt.finds_out());
  Hear(65, 85);
  Finish(700);
  ASSERT_EQ(channels.requests.size(), 2U);
  Answer(newest(), Text("well"));
  EXPECT_THAT(TakeLines(), ElementsAre("= well"));
}

TEST_F(PausedTranscriptionTest, AfterManyInVainNoneIsMadeBeforeTheEnd) {
  for (int i = 0; i < OpenAiTranscription::kMaxDroppedTexts; ++i) {
    SpeakAndPause(300);
    stt.Forget();
  }
  EXPECT_EQ(stt.TakeDroppedTexts(), OpenAiTranscription::kMaxDroppedTexts);
  const size_t requests = channels.requests.size();
  SpeakAndPause(600);
  EXPECT_EQ(channels.requests.size(), requests);
  EXPECT_FALSE(stt.finds_out());
}

TEST_F(PausedTranscriptionTest, AShortSoundIsNotFoundOut) {
  stt.TurnStarted({});
  Hear(0, 4);
  stt.Pause(Duration::Millis(20));
  EXPECT_FALSE(stt.finds_out());
  stt.Forget();
  // Nor beyond the longest turn.
  stt.TurnStarted({});
  Hear(0, OpenAiTranscription::kMaxTurnMs / 20 + 10);
  stt.Pause(Duration::Millis(200));
  EXPECT_FALSE(stt.finds_out());
}

TEST_F(PausedTranscriptionTest, ATurnThatFailsIsSentOnceMoreAndAFaultTells) {
  Turn();
  const std::string file = channels.requests[0].parts[0].bytes;
  stt.OnHttpHeaders(newest(), 500, {});
  stt.OnHttpDone(newest());
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  ASSERT_EQ(channels.requests.size(), 2U);
  EXPECT_EQ(channels.requests[1].parts[0].bytes, file);
  Answer(newest(), Text("hello"));
  EXPECT_THAT(TakeLines(), ElementsAre("= hello"));
  // Once.
  Turn();
  for (int i = 0; i < 2; ++i) {
    stt.OnHttpFailed(newest(), HttpFailure::kNetwork, "broken");
    Take();
  }
  EXPECT_THAT(TakeLines(),
              ElementsAre("fault peerError", "no text: lost network broken"));
}

TEST_F(PausedTranscriptionTest, TheVendorSaysWhen) {
  Turn();
  stt.OnHttpHeaders(newest(), 429, {{"retry-after", "2"}});
  stt.OnHttpDone(newest());
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  Pass(1'999);
  EXPECT_EQ(channels.requests.size(), 1U);
  Pass(1);
  EXPECT_EQ(channels.requests.size(), 2U);
  Answer(newest(), Text("hello"));
  TakeLines();
  // Longer than anybody waits.
  Turn();
  stt.OnHttpHeaders(newest(), 429, {{"retry-after", "4"}});
  stt.OnHttpDone(newest());
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("no text: lost http429 after 4000"));
}

TEST_F(PausedTranscriptionTest, OneThatSaysNothingIsAskedAgainAndThenHasTime) {
  Turn();
  Pass(1'400);
  EXPECT_FALSE(channels.requests[0].aborted);
  Pass(200);
  EXPECT_TRUE(channels.requests[0].aborted);
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  ASSERT_EQ(channels.requests.size(), 2U);
  // It is slow, and not stalled.
  Pass(2'500);
  Answer(newest(), Text("hello"));
  EXPECT_THAT(TakeLines(), ElementsAre("= hello"));
  Turn();
  Pass(4'900);
  EXPECT_FALSE(channels.requests[2].aborted);
  Answer(newest(), Text("again"));
  EXPECT_THAT(TakeLines(), ElementsAre("= again"));
}

// What is kept of audio is bounded: of the newest turn, unless it is long.
TEST_F(PausedTranscriptionTest, ALongTurnAndAnOlderOneAreNotSentAgain) {
  stt.TurnStarted({});
  Hear(0, OpenAiTranscription::kMaxKeptMs / 20 + 1);
  Finish();
  stt.OnHttpFailed(newest(), HttpFailure::kNetwork, "");
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("no text: lost network"));
  Turn();
  const ChannelId older = newest();
  Turn();
  stt.OnHttpFailed(older, HttpFailure::kNetwork, "");
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("no text: lost network"));
}

}  // namespace
}  // namespace trunkline::protocol
