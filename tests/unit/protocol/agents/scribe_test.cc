#include "protocol/agents/scribe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake_services.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ScribeTest : public testing::TestWithParam<FakeStt::Turns> {
 protected:
  ScribeTest() {
    auto stt = std::make_unique<FakeStt>(asked, GetParam());
    stt_ = stt.get();
    scribe.emplace(std::move(stt));
    scribe->SetNow(Instant::Micros(1'000'000));
    scribe->Begin();
    Stt(SttReady{});
    EXPECT_THAT(TakeLines(), ElementsAre("ready"));
    EXPECT_THAT(std::exchange(asked, {}),
                ElementsAre("stt end again", "stt begin"));
  }
  void Take() { log.Take(*scribe); }
  void Stt(SttEvent event) {
    stt_->events.push_back(event);
    Take();
  }
  std::vector<std::string> TakeLines() {
    return std::exchange(log, {}).Words();
  }

  Asked asked;
  FakeStt* stt_;
  std::optional<Scribe> scribe;
  test::AgentLog log;
};

TEST_P(ScribeTest, SaysNothing) {
  EXPECT_FALSE(scribe->traits().can_say);
  EXPECT_FALSE(scribe->traits().replies);
  EXPECT_TRUE(scribe->traits().has_caller_texts);
  EXPECT_FALSE(scribe->traits().has_agent_texts);
  scribe->Say("hello");
  scribe->Cancel();
  Take();
  EXPECT_THAT(TakeLines(), IsEmpty());
  // Asked for one, it is through with it.
  scribe->Respond({});
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("done complete 0/0"));
  EXPECT_EQ("", scribe->item_name(ItemId{1}));
  EXPECT_EQ(0, scribe->Truncate(ItemId{1}, 100));
}

TEST_P(ScribeTest, HearsAllAudio) {
  scribe->Listen(std::vector<uint8_t>(320));
  EXPECT_EQ(320u, stt_->heard_bytes);
  scribe->End("over");
  scribe->Listen(std::vector<uint8_t>(320));
  scribe->Respond({});
  EXPECT_EQ(320u, stt_->heard_bytes);
  Take();
  EXPECT_THAT(TakeLines(), IsEmpty());
}

TEST_P(ScribeTest, WritesDownTurns) {
  const bool detects = GetParam() == FakeStt::Turns::kDetected;
  scribe->TurnStarted(Duration::Millis(60));
  if (detects) Stt(SttSpeech{SttSpeech::Edge::kStarted});
  Stt(SttText{"when do", TranscriptState::kPart});
  if (detects) {
    Stt(SttEager{"when do you"});
    Stt(SttResumed{});
    Stt(SttTurnEnded{"when do you open"});
    EXPECT_THAT(
        TakeLines(),
        ElementsAre("speech started", "caller turn-1+when do",
                    "caller turn-1+ you open", "speech stopped",
                    "committed turn-1", "caller turn-1=when do you open"));
    return;
  }
  scribe->Respond(Duration::Millis(700));
  Take();
  Stt(SttText{"when do you open", TranscriptState::kFinal});
  EXPECT_THAT(TakeLines(),
              ElementsAre("caller turn-1+when do", "done complete 0/0",
                          "caller turn-1=when do you open"));
  EXPECT_THAT(asked, ElementsAre("turn 60", "finish 700"));
}

TEST_P(ScribeTest, ALossIsTold) {
  Stt(ServiceFailed{Loss::kFatal, {.code = "http401"}});
  Stt(ServiceFaulted{Fault::kMalformed});
  EXPECT_THAT(TakeLines(), ElementsAre("fatal http401"));
  EXPECT_THAT(asked, IsEmpty());
}

TEST_P(ScribeTest, ATurnThatWasNoneIsForgotten) {
  scribe->TurnStarted({});
  scribe->DiscardTurn();
  EXPECT_THAT(asked, ElementsAre("turn 0", "forget"));
}

INSTANTIATE_TEST_SUITE_P(, ScribeTest,
                         testing::Values(FakeStt::Turns::kTold,
                                         FakeStt::Turns::kDetected),
                         [](const auto& one) {
                           return one.param == FakeStt::Turns::kTold
                                      ? "TurnsAreTold"
                                      : "TurnsAreDetected";
                         });

}  // namespace
}  // namespace trunkline::protocol
