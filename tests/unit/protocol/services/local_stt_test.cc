#include "protocol/services/local_stt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Duration Ms(int64_t ms) { return Duration::Millis(ms); }

class LocalSttTest : public testing::Test {
 protected:
  void Take() {
    while (const std::optional<SttEvent> next = stt.NextEvent()) {
      if (const auto* fault = std::get_if<ServiceFaulted>(&*next)) {
        lines.push_back(std::string("fault ") + ToString(fault->fault));
      } else if (std::holds_alternative<SttReady>(*next)) {
        lines.emplace_back("ready");
      } else if (const auto* text = std::get_if<SttText>(&*next)) {
        lines.push_back((text->state == TranscriptState::kPart ? "+" : "=") +
                        std::string(text->text));
      } else if (const auto* failed = std::get_if<ServiceFailed>(&*next)) {
        lines.push_back(
            std::string(failed->loss == Loss::kFatal ? "fatal " : "failed ") +
            std::string(failed->why.code));
      }
    }
  }
  void At(int64_t ms) {
    stt.SetNow(Instant::Micros(static_cast<uint64_t>(ms) * 1000));
    stt.OnDeadline();
    Take();
  }
  void Receive(std::string_view text) {
    stt.OnText(channels.newest(), text);
    Take();
  }
  void Final(const std::string& text, const std::string& why = "asked",
             int64_t ms = 100) {
    Receive(Json{
        {"type", "final"},
        {"text", text},
        {"words", Json::array()},
        {"ms", ms},
        {"why",
         why}}.dump());
  }
  void Partial(const std::string& text, int64_t to_ms = 0) {
    Json words = Json::array();
    if (to_ms != 0) words.push_back({0, text.size(), 0, to_ms, 0});
    Receive(Json{{"type", "partial"}, {"text", text}, {"words", words}}.dump());
  }
  void Open() {
    stt.Begin();
    Take();
    stt.OnSocketOpened(channels.newest());
    Take();
  }
  void Ready() {
    Open();
    Receive(R"({"type":"ready","unknown":[]})");
    lines.clear();
    channels.lines.clear();
  }
  // Samples that count, so that each says where it is from.
  void Hear(int ms) {
    for (int done = 0; done < ms; done += 20) {
      std::vector<uint8_t> frame;
      for (int i = 0; i < 160; ++i) {
        frame.push_back(static_cast<uint8_t>(samples_ & 0xff));
        frame.push_back(static_cast<uint8_t>(samples_ >> 8));
        ++samples_;
      }
      stt.Listen(frame);
      Take();
    }
  }
  // What was sent: "binary MS@FROM", FROM the number of the first sample in ms.
  std::vector<std::string> Sent() const {
    std::vector<std::string> sent;
    for (const std::string& line : channels.lines) {
      const size_t at = line.find("binary ");
      if (at == std::string::npos) {
        sent.push_back(line);
        continue;
      }
      const std::string hex = line.substr(at + 7);
      const std::string first =
          hex.size() < 4 ? "0" : hex.substr(2, 2) + hex.substr(0, 2);
      sent.push_back("binary " + std::to_string(hex.size() / 32) + "@" +
                     std::to_string(std::stoi(first, nullptr, 16) / 8));
    }
    return sent;
  }

  test::RecordingChannels channels;
  LocalStt stt{{"what time is it", "good bye"}, channels};
  std::vector<std::string> lines;
  int samples_ = 0;
};

TEST_F(LocalSttTest, ItIsToldWhatACallerMaySay) {
  Open();
  EXPECT_THAT(
      channels.lines,
      ElementsAre("connect 1 speech /listen ",
                  R"(1< {"kind":"words","rateHz":8000,"sentences":)"
                  R"(["what time is it","good bye"],"type":"listen"})"));
  EXPECT_THAT(lines, IsEmpty());
  Receive(R"({"type":"ready","unknown":[]})");
  EXPECT_THAT(lines, ElementsAre("ready"));
  Receive(R"({"type":"ready","unknown":[]})");
  EXPECT_THAT(lines, ElementsAre("ready", "fault outOfOrder"));
}

TEST_F(LocalSttTest, WordsThatCannotBeHeardAreAFaultThatHurtsNobody) {
  Open();
  Receive(R"({"type":"ready","unknown":["grmpf"]})");
  EXPECT_THAT(lines, ElementsAre("ready", "fault peerError"));
}

TEST_F(LocalSttTest, SilenceIsNotSent) {
  Ready();
  Hear(5000);
  EXPECT_THAT(channels.lines, IsEmpty());
  EXPECT_LE(stt.kept_bytes(), size_t{16} * 2200);
}

TEST_F(LocalSttTest, ATurnBeginsWithWhatWasJustHeard) {
  Ready();
  Hear(2000);
  stt.TurnStarted(Ms(80));
  // 200 ms before the speech.
  EXPECT_THAT(Sent(), ElementsAre("binary 280@1720"));
  channels.lines.clear();
  Hear(300);
  EXPECT_THAT(Sent(), ElementsAre("binary 100@2000", "binary 100@2100",
                                  "binary 100@2200"));
}

TEST_F(LocalSttTest, NoMoreThanThePreRollIsSentOfThePast) {
  Ready();
  Hear(5000);
  stt.TurnStarted(Ms(90'000));
  EXPECT_THAT(Sent(), ElementsAre("binary 600@4400"));
}

TEST_F(LocalSttTest, ATurnThatIsOpenGoesOn) {
  Ready();
  Hear(1000);
  stt.TurnStarted(Ms(0));
  stt.TurnStarted(Ms(500));
  EXPECT_EQ(Sent().size(), 1U);
}

TEST_F(LocalSttTest, FinishSendsTheRestAndAsks) {
  Ready();
  Hear(1000);
  stt.TurnStarted(Ms(0));
  channels.lines.clear();
  Hear(60);
  stt.Finish(Ms(20));
  EXPECT_THAT(Sent(), ElementsAre("binary 60@1000", R"(1< {"type":"finish"})"));
  Final("good bye");
  EXPECT_THAT(lines, ElementsAre("=good bye"));
}

TEST_F(LocalSttTest, TheSilenceBehindATurnIsNotSent) {
  Ready();
  Hear(1000);
  stt.TurnStarted(Ms(0));
  channels.lines.clear();
  Hear(580);
  channels.lines.clear();
  // The speech ended 260 ms ago: 60 ms of the 80 that wait are not wanted.
  stt.Finish(Ms(260));
  EXPECT_THAT(Sent(), ElementsAre("binary 20@1500", R"(1< {"type":"finish"})"));
}

TEST_F(LocalSttTest, WhatFollowsATurnDoesNotBeginWithItsSpeech) {
  Ready();
  Hear(1000);
  stt.TurnStarted(Ms(0));
  Hear(500);
  stt.Finish(Ms(100));
  channels.lines.clear();
  Hear(40);
  stt.TurnStarted(Ms(40));
  EXPECT_THAT(Sent(), ElementsAre("binary 140@1400"));
}

TEST_F(LocalSttTest, LongAudioIsCutIntoMessages) {
  Ready();
  stt.TurnStarted(Ms(0));
  stt.Listen(std::vector<uint8_t>(40'000));
  EXPECT_THAT(Sent(),
              ElementsAre("binary 1000@0", "binary 1000@0", "binary 500@0"));
}

// Halves of samples that come apart go out together.
TEST_F(LocalSttTest, SamplesStayWhole) {
  Ready();
  stt.Listen(std::vector<uint8_t>{1});
  stt.TurnStarted(Ms(100));
  stt.Listen(std::vector<uint8_t>(1600, 2));
  stt.Finish(Ms(0));
  EXPECT_THAT(channels.lines.front(), testing::StartsWith("1< binary 0102"));
  for (const std::string& line : channels.lines) {
    const size_t at = line.find("binary ");
    if (at == std::string::npos) continue;
    EXPECT_EQ((line.size() - at - 7) % 4, 0U) << line;
  }
}

TEST_F(LocalSttTest, PartsAreTheWholeSoFar) {
  Ready();
  Hear(1000);
  stt.TurnStarted(Ms(0));
  Hear(1000);
  Partial("what");
  Partial("what time", 700);
  stt.Finish(Ms(0));
  Final("what time is it");
  EXPECT_THAT(lines, ElementsAre("+what", "+what time", "=what time is it"));
}

TEST_F(LocalSttTest, AFullUtteranceIsTheBeginningOfTheText) {
  Ready();
  stt.TurnStarted(Ms(0));
  Hear(21'000);
  Partial("one");
  Final("one two", "full", 20'000);
  Partial("three", 800);
  Hear(20'000);
  Final("three four", "full", 20'000);
  stt.Finish(Ms(0));
  Final("five");
  EXPECT_THAT(
      lines, ElementsAre("+one", "+one two three", "=one two three four five"));
}

TEST_F(LocalSttTest, AFullUtteranceMayComeBehindFinish) {
  Ready();
  stt.TurnStarted(Ms(0));
  Hear(20'100);
  stt.Finish(Ms(0));
  Hear(500);
  stt.TurnStarted(Ms(0));
  Final("one", "full", 20'000);
  Final("two");
  Partial("three");
  stt.Finish(Ms(0));
  Final("three");
  EXPECT_THAT(lines, ElementsAre("=one two", "+three", "=three"));
}

TEST_F(LocalSttTest, ATurnThatIsForgottenIsDropped) {
  Ready();
  stt.TurnStarted(Ms(0));
  Hear(1000);
  channels.lines.clear();
  stt.Forget();
  EXPECT_THAT(channels.lines, ElementsAre(R"(1< {"type":"drop"})"));
  Hear(1000);
  EXPECT_EQ(channels.lines.size(), 1U);
  // Crossed with it.
  Partial("what");
  EXPECT_THAT(lines, IsEmpty());
  stt.Finish(Ms(0));
  EXPECT_EQ(channels.lines.size(), 1U);
}

TEST_F(LocalSttTest, WhatWasHeardOfAForgottenTurnIsNotTheNextOnes) {
  Ready();
  stt.TurnStarted(Ms(0));
  Hear(20'000);
  stt.Forget();
  Hear(100);
  stt.TurnStarted(Ms(0));
  Hear(300);
  Partial("old words", 19'000);
  Final("old words", "full", 20'000);
  Partial("new", 200);
  stt.Finish(Ms(0));
  Final("new");
  EXPECT_THAT(lines, ElementsAre("+new", "=new"));
}

TEST_F(LocalSttTest, TheTextOfAForgottenTurnIsNotTheNextOnes) {
  Ready();
  stt.TurnStarted(Ms(0));
  stt.Finish(Ms(0));
  stt.Forget();
  stt.TurnStarted(Ms(0));
  Hear(500);
  // Of the older one.
  Partial("old");
  stt.Finish(Ms(0));
  Final("old");
  EXPECT_THAT(lines, IsEmpty());
  Final("new");
  EXPECT_THAT(lines, ElementsAre("=new"));
}

TEST_F(LocalSttTest, ATextThatIsOwedComesAlthoughTheNextTurnIsForgotten) {
  Ready();
  stt.TurnStarted(Ms(0));
  stt.Finish(Ms(0));
  stt.TurnStarted(Ms(0));
  stt.Forget();
  Final("first");
  EXPECT_THAT(lines, ElementsAre("=first"));
  Final("nobody's");
  EXPECT_THAT(lines, ElementsAre("=first", "fault outOfOrder"));
}

TEST_F(LocalSttTest, ATextThatDoesNotComeInTimeFails) {
  Ready();
  At(1000);
  stt.TurnStarted(Ms(0));
  EXPECT_TRUE(stt.deadline().is_never());
  stt.Finish(Ms(0));
  EXPECT_EQ(stt.deadline(), Instant::Micros(6'000'000));
  At(5999);
  EXPECT_THAT(lines, IsEmpty());
  At(6000);
  EXPECT_THAT(lines, ElementsAre("failed timeout"));
  EXPECT_THAT(channels.lines, Contains("close 1 1000 timeout"));
  EXPECT_TRUE(stt.deadline().is_never());
}

TEST_F(LocalSttTest, ItHasToBeReadyInTime) {
  Open();
  At(10'000);
  EXPECT_THAT(lines, ElementsAre("failed timeout"));
}

TEST_F(LocalSttTest, TooManyTextsThatAreOwedFail) {
  Ready();
  for (size_t i = 0; i < LocalStt::kMaxOwed; ++i) {
    stt.TurnStarted(Ms(0));
    stt.Finish(Ms(0));
  }
  Take();
  EXPECT_THAT(lines, IsEmpty());
  stt.TurnStarted(Ms(0));
  stt.Finish(Ms(0));
  Take();
  EXPECT_THAT(lines, ElementsAre("failed finals"));
}

TEST_F(LocalSttTest, ATextIsBounded) {
  Ready();
  stt.TurnStarted(Ms(0));
  Hear(40'000);
  Final(std::string(7000, 'a'), "full", 20'000);
  Final(std::string(7000, 'b'), "full", 20'000);
  stt.Finish(Ms(0));
  Final("c");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].size(), LocalStt::kMaxTextBytes + 1);
}

TEST_F(LocalSttTest, ErrorsAreFatalWhereAnotherTryIsInVain) {
  const std::pair<const char*, const char*> cases[] = {
      {"language", "fatal language"}, {"request", "fatal request"},
      {"busy", "failed busy"},        {"trap", "failed trap"},
      {"model", "failed model"},      {"", "failed error"}};
  for (const auto& [code, expected] : cases) {
    Ready();
    Receive(Json{{"type", "error"}, {"code", code}, {"message", "no"}}.dump());
    EXPECT_THAT(lines, ElementsAre(expected));
    EXPECT_THAT(channels.open(), IsEmpty());
    // Nothing more comes of it.
    lines.clear();
    stt.OnSocketClosed(channels.newest(), 1011, 0, code);
    Final("late");
    Hear(100);
    stt.TurnStarted(Ms(0));
    stt.Finish(Ms(0));
    Take();
    EXPECT_THAT(lines, IsEmpty());
  }
}

TEST_F(LocalSttTest, ASocketThatClosesSaysHow) {
  const std::pair<std::pair<uint16_t, uint16_t>, const char*> cases[] = {
      {{1009, 0}, "failed closed1009"},
      {{1006, 0}, "failed closed1006"},
      {{1006, 503}, "failed http503"},
      {{1006, 404}, "fatal http404"}};
  for (const auto& [how, expected] : cases) {
    Ready();
    stt.OnSocketClosed(channels.newest(), how.first, how.second, "gone");
    Take();
    EXPECT_THAT(lines, ElementsAre(expected));
    EXPECT_THAT(channels.lines, IsEmpty());
  }
}

TEST_F(LocalSttTest, WithoutAChannelItFails) {
  channels.full = true;
  stt.Begin();
  Take();
  EXPECT_THAT(lines, ElementsAre("failed channels"));
}

TEST_F(LocalSttTest, EndClosesWhatIsOpen) {
  Ready();
  stt.End("over");
  EXPECT_THAT(channels.lines, ElementsAre("close 1 1000 over"));
  stt.End("over");
  Take();
  EXPECT_EQ(channels.lines.size(), 1U);
  Receive(R"({"type":"ready"})");
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(LocalSttTest, BeginIsAFreshStart) {
  Ready();
  stt.TurnStarted(Ms(0));
  stt.Finish(Ms(0));
  stt.TurnStarted(Ms(0));
  Ready();
  EXPECT_TRUE(stt.deadline().is_never());
  stt.OnText(ChannelId{1}, R"({"type":"final","text":"old"})");
  Take();
  stt.TurnStarted(Ms(0));
  stt.Finish(Ms(0));
  Final("new");
  EXPECT_THAT(lines, ElementsAre("=new"));
}

TEST_F(LocalSttTest, WhatIsNoMessageIsAFault) {
  Ready();
  Receive("nonsense");
  Receive("{}");
  Receive(R"({"type":"weather"})");
  stt.OnBinary(channels.newest(), {});
  stt.OnOversize(channels.newest());
  Take();
  EXPECT_THAT(lines, ElementsAre("fault malformed", "fault missingField",
                                 "fault unknownEvent", "fault unexpectedBinary",
                                 "fault tooLarge"));
}

TEST(LocalSttSentencesTest, MoreThanTheWorkerTakesAreRefusedHere) {
  test::RecordingChannels channels;
  LocalStt stt({std::string(LocalStt::kMaxListenBytes, 'a')}, channels);
  stt.Begin();
  stt.OnSocketOpened(channels.newest());
  const auto event = stt.NextEvent();
  ASSERT_TRUE(event);
  const auto* failed = std::get_if<ServiceFailed>(&*event);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->loss, Loss::kFatal);
  EXPECT_EQ(failed->why.code, "sentences");
  EXPECT_THAT(channels.Texts(), IsEmpty());
}

}  // namespace
}  // namespace trunkline::protocol
