#include "protocol/services/openai_transcription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "transcriptions.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Config = OpenAiTranscription::Config;

class NarrowTranscriptionTest : public OpenAiTranscriptionTest {
 protected:
  NarrowTranscriptionTest() : OpenAiTranscriptionTest(kNarrow) {}
};

TEST_F(OpenAiTranscriptionTest, IsReadyAtOnce) {
  stt.Begin();
  Take();
  EXPECT_THAT(lines, ElementsAre("ready"));
  EXPECT_THAT(channels.requests, IsEmpty());
  EXPECT_EQ(stt.format(), kWide);
}

TEST_F(OpenAiTranscriptionTest, SendsATurnAsAForm) {
  Turn();
  ASSERT_EQ(channels.requests.size(), 1U);
  const Exchanges::Request& request = channels.requests[0];
  EXPECT_EQ(request.fetch.upstream, "openai");
  EXPECT_EQ(request.fetch.method, "POST");
  EXPECT_EQ(request.fetch.path, "/v1/audio/transcriptions");
  EXPECT_EQ(request.fetch.timeout, HttpExchange::kPatience);
  EXPECT_EQ(request.fetch.window, 0U);
  EXPECT_EQ(request.body, "");
  ASSERT_EQ(request.parts.size(), 4U);
  EXPECT_EQ(request.parts[0].name, "file");
  EXPECT_EQ(request.parts[0].file_name, "audio.wav");
  EXPECT_EQ(request.parts[0].content_type, "audio/wav");
  EXPECT_EQ(request.parts[1].name, "model");
  EXPECT_EQ(request.parts[1].bytes, "gpt-transcribe");
  EXPECT_FALSE(request.parts[1].file_name);
  EXPECT_EQ(request.parts[2].name, "response_format");
  EXPECT_EQ(request.parts[2].bytes, "json");
  EXPECT_EQ(request.parts[3].name, "temperature");
  EXPECT_EQ(request.parts[3].bytes, "0");
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(OpenAiTranscriptionTest, WhatIsConfiguredIsSaid) {
  Config config = MakeConfig(kWide);
  config.language = "de";
  config.prompt = "Trunkline, \xC3\xA9";
  config.response_format = Config::ResponseFormat::kText;
  OpenAiTranscription other(config, channels);
  other.Begin();
  other.TurnStarted({});
  other.Listen(std::vector<uint8_t>(6400));
  other.Finish({});
  const std::vector<Exchanges::Part>& parts = channels.requests.back().parts;
  ASSERT_EQ(parts.size(), 6U);
  EXPECT_EQ(parts[2].bytes, "text");
  EXPECT_EQ(parts[4].name, "language");
  EXPECT_EQ(parts[4].bytes, "de");
  EXPECT_EQ(parts[5].name, "prompt");
  EXPECT_EQ(parts[5].bytes, "Trunkline, \xC3\xA9");
  // A prompt that is too long is cut between characters.
  config.prompt = "x";
  while (config.prompt.size() < 4000) config.prompt += "\xC3\xA9";
  OpenAiTranscription another(config, channels);
  another.TurnStarted({});
  another.Listen(std::vector<uint8_t>(6400));
  another.Finish({});
  EXPECT_EQ(channels.requests.back().parts[5].bytes.size(),
            OpenAiTranscription::kMaxPromptBytes - 1);
}

TEST_F(OpenAiTranscriptionTest, TheTurnHasItsMarginsAndNothingElse) {
  Hear(0, 100);
  stt.TurnStarted(Duration::Millis(60));  // in frame 97
  Hear(100, 140);
  Finish(400);  // after frame 119
  // 160 ms before and after.
  const std::vector<int16_t> samples = Sent();
  ASSERT_EQ(samples.size(), (119 - 97 + 1 + 8 + 8) * 320U);
  EXPECT_EQ(samples.front(), 97 - 8);
  EXPECT_EQ(samples.back(), 119 + 8);
  // What was said in it is the beginning of no other turn but by the pre-roll.
  Hear(140, 145);
  stt.TurnStarted(Duration::Millis(100));  // in frame 140
  Hear(145, 160);
  Finish();
  EXPECT_EQ(Sent().front(), 140 - 8);
  EXPECT_EQ(Sent().back(), 159);
}

TEST_F(NarrowTranscriptionTest, TheTurnHasItsMarginsAndNothingElse) {
  Hear(0, 100);
  stt.TurnStarted(Duration::Millis(60));
  Hear(100, 140);
  Finish(400);
  const std::vector<int16_t> samples = Sent();
  ASSERT_EQ(samples.size(), (119 - 97 + 1 + 8 + 8) * 160U);
  EXPECT_EQ(samples.front(), 97 - 8);
  EXPECT_EQ(samples.back(), 119 + 8);
}

TEST_F(OpenAiTranscriptionTest, ATurnBeginsWithinThePreRoll) {
  Hear(0, 1000);
  stt.TurnStarted(Duration::Millis(200));
  Hear(1000, 1001);
  Finish();
  EXPECT_EQ(SentMs(), 200 + OpenAiTranscription::kMarginBeforeMs + 20);
  // One that began longer ago than anything is kept has what there is.
  stt.Begin();
  Hear(0, 5);
  stt.TurnStarted(Duration::Millis(1'000'000));
  Hear(5, 6);
  Finish();
  EXPECT_EQ(Sent().front(), 0);
  EXPECT_EQ(SentMs(), 120);
}

TEST_F(OpenAiTranscriptionTest, ATurnThatIsOpenGoesOn) {
  stt.TurnStarted({});
  Hear(0, 10);
  stt.TurnStarted({});
  Hear(10, 20);
  Finish();
  EXPECT_EQ(SentMs(), 400);
  // Without a turn nothing happens.
  Finish();
  EXPECT_EQ(channels.requests.size(), 1U);
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(OpenAiTranscriptionTest, TheTextIsTrimmed) {
  Turn();
  Answer(channels.newest(), Text("  Good morning. \n"));
  EXPECT_THAT(lines, ElementsAre("= Good morning."));
  Turn();
  Answer(channels.newest(), Text(""));
  Turn();
  Answer(channels.newest(), Text(" \t\r\n"));
  EXPECT_THAT(lines, ElementsAre("= Good morning.", "= ", "= "));
}

TEST_F(OpenAiTranscriptionTest, TextsThatAreNoJsonAreRead) {
  for (const char* type : {"text/plain; charset=utf-8", ""}) {
    lines.clear();
    Turn();
    Answer(channels.newest(), " Good morning.\n", type);
    Turn();
    Answer(channels.newest(), "", type);
    // JSON by another name.
    Turn();
    Answer(channels.newest(), Text("Hello."), type);
    Turn();
    Answer(channels.newest(), "a\xFF", type);
    EXPECT_THAT(lines, ElementsAre("= Good morning.", "= ", "= Hello.",
                                   "= a\xEF\xBF\xBD"));
  }
}

TEST_F(OpenAiTranscriptionTest, AShortTurnIsNotSent) {
  stt.TurnStarted({});
  Hear(0, 4);
  Finish();
  EXPECT_THAT(channels.requests, IsEmpty());
  EXPECT_THAT(lines, ElementsAre("= "));
  // 100 ms are enough.
  stt.Begin();
  stt.TurnStarted({});
  Hear(0, 5);
  Finish();
  EXPECT_EQ(channels.requests.size(), 1U);
}

TEST_F(OpenAiTranscriptionTest, AnswersThatAreErrorsAreFailures) {
  // What may do better the next time is sent once more.
  const auto fail = [this](const auto& answer) {
    Turn();
    answer();
    Take();
    if (lines.back() != "fault peerError") return;
    lines.pop_back();
    answer();
    Take();
  };
  const auto answered = [&](std::string_view body,
                            const char* type = "application/json",
                            uint16_t status = 200) {
    fail([&, body] { Answer(channels.newest(), body, type, status); });
  };
  answered(R"({"error":{"message":"bad key","code":"invalid_api_key"}})",
           "application/json", 401);
  fail([this] {
    stt.OnHttpHeaders(channels.newest(), 429, {{"retry-after", "4"}});
    stt.OnHttpFailed(channels.newest(), HttpFailure::kNetwork, "gone");
  });
  answered("<html><title>Bad gateway</title>", "text/html", 502);
  answered("<html><title>Log in</title>", "text/html");
  answered(R"({"error":{"message":"no","type":"t"}})");
  answered(R"({"txt":"a"})");
  answered(R"({"text":7})");
  answered(R"({"text":)");
  fail([this] { stt.OnHttpDone(channels.newest()); });
  fail([this] {
    stt.OnHttpFailed(channels.newest(), HttpFailure::kTimeout, "late");
  });
  EXPECT_THAT(
      lines,
      ElementsAre("fatal invalid_api_key bad key",
                  "no text: lost http429 after 4000",
                  "no text: lost http502 Bad gateway",
                  "no text: lost contentType Log in", "no text: lost t no",
                  "no text: lost malformed", "no text: lost malformed",
                  "no text: lost malformed", "no text: lost truncated",
                  "no text: lost timeout late"));
  for (const Exchanges::Request& request : channels.requests) {
    EXPECT_FALSE(request.aborted);
  }
}

TEST_F(OpenAiTranscriptionTest, OfAnErrorBodyNoMoreIsReadThanItTakes) {
  Turn();
  const ChannelId first = channels.newest();
  stt.OnHttpHeaders(first, 400, {});
  for (int i = 0; i < 9; ++i) {
    stt.OnHttpChunk(first, ToBytes(std::string(1024, 'x')));
    Take();
  }
  EXPECT_TRUE(channels.requests[0].aborted);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("fatal http400 xxx"));
}

TEST_F(OpenAiTranscriptionTest, WithoutAChannelTheTurnFails) {
  channels.full = true;
  Turn();
  EXPECT_THAT(lines, ElementsAre("no text: lost channels"));
  channels.full = false;
  Turn();
  Answer(channels.newest(), Text("Hello."));
  EXPECT_EQ(lines.back(), "= Hello.");
}

TEST_F(OpenAiTranscriptionTest, TextsComeInTheOrderOfTheTurns) {
  Turn();
  Turn();
  ASSERT_EQ(channels.requests.size(), 2U);
  Answer(ChannelId{2}, Text("second"));
  EXPECT_THAT(lines, IsEmpty());
  // Neither does a turn that needs no answer pass another.
  stt.Begin();
  Take();
  lines.clear();
  Turn();
  Turn();
  stt.Forget();
  Hear(0, 100);
  stt.Begin();
  Take();
  lines.clear();
  const size_t first = channels.requests.size() + 1;
  Turn();
  Turn();
  stt.TurnStarted({});
  Finish(1'000);
  Answer(ChannelId{static_cast<uint16_t>(first + 1)}, Text("second"));
  EXPECT_THAT(lines, IsEmpty());
  Answer(ChannelId{static_cast<uint16_t>(first)}, Text("first"));
  EXPECT_THAT(lines, ElementsAre("= first", "= second", "= "));
}

TEST_F(OpenAiTranscriptionTest, ATurnThatFailsTakesNoOtherWithIt) {
  Turn();
  Turn();
  stt.OnHttpFailed(ChannelId{1}, HttpFailure::kNetwork, "");
  Take();
  EXPECT_THAT(lines, ElementsAre("no text: lost network"));
  Answer(ChannelId{2}, Text("second"));
  EXPECT_THAT(lines, ElementsAre("no text: lost network", "= second"));
}

TEST_F(OpenAiTranscriptionTest, ATurnTooManyOvertakesTheOldest) {
  for (size_t i = 0; i < OpenAiTranscription::kMaxTurns; ++i) Turn();
  EXPECT_THAT(lines, IsEmpty());
  Turn();
  EXPECT_THAT(lines, ElementsAre("no text: lost overtaken"));
  EXPECT_TRUE(channels.requests[0].aborted);
  Answer(ChannelId{1}, Text("late"));
  EXPECT_EQ(lines.size(), 1U);
  Answer(ChannelId{2}, Text("second"));
  EXPECT_EQ(lines.back(), "= second");
}

TEST_F(OpenAiTranscriptionTest, ATurnThatWasNoneIsForgotten) {
  Hear(0, 50);
  stt.TurnStarted(Duration::Millis(100));
  Hear(50, 100);
  stt.Forget();
  Finish();
  EXPECT_THAT(channels.requests, IsEmpty());
  EXPECT_THAT(lines, IsEmpty());
  // Its end is what the next one may begin in.
  stt.TurnStarted(Duration::Millis(20));
  Hear(100, 101);
  Finish();
  EXPECT_EQ(Sent().front(), 99 - 8);
}

TEST_F(OpenAiTranscriptionTest, ATextThatIsNotWantedIsForgotten) {
  Turn();
  Turn();
  stt.Forget();
  EXPECT_FALSE(channels.requests[0].aborted);
  EXPECT_TRUE(channels.requests[1].aborted);
  Answer(ChannelId{2}, Text("second"));
  Answer(ChannelId{1}, Text("first"));
  EXPECT_THAT(lines, ElementsAre("= first"));
  // A turn that is open is meant before one that is over.
  Turn();
  stt.TurnStarted({});
  stt.Forget();
  EXPECT_FALSE(channels.requests[2].aborted);
  stt.Forget();
  EXPECT_TRUE(channels.requests[2].aborted);
  stt.Forget();
}

TEST_F(OpenAiTranscriptionTest, OfWhatHasEndedNothingComes) {
  Turn();
  Turn();
  Answer(ChannelId{2}, Text("second"));
  stt.TurnStarted({});
  stt.End("over");
  Take();
  EXPECT_TRUE(channels.requests[0].aborted);
  EXPECT_FALSE(channels.requests[1].aborted);
  Answer(ChannelId{1}, Text("first"));
  Finish();
  EXPECT_THAT(lines, IsEmpty());
  // Nor does a fresh start know of it.
  stt.Begin();
  Take();
  EXPECT_THAT(lines, ElementsAre("ready"));
  Turn();
  EXPECT_EQ(SentMs(), 200);
  stt.Begin();
  EXPECT_TRUE(channels.requests.back().aborted);
}

TEST_F(OpenAiTranscriptionTest, TheLongestTurnHasABound) {
  constexpr int kFrames = OpenAiTranscription::kMaxTurnMs / 20;
  stt.TurnStarted({});
  Hear(0, kFrames);
  EXPECT_THAT(lines, IsEmpty());
  Hear(kFrames, kFrames + 50);
  // Told once.
  EXPECT_THAT(lines, ElementsAre("fault tooLarge"));
  Finish(100);
  EXPECT_EQ(SentMs(), OpenAiTranscription::kMaxTurnMs);
  EXPECT_EQ(Sent().back(), kFrames - 1);
  // What was not kept is no pre-roll: there is none.
  Hear(0, 5);
  stt.TurnStarted(Duration::Millis(100));
  Hear(5, 10);
  Finish();
  EXPECT_EQ(Sent().front(), 0);
  EXPECT_EQ(SentMs(), 200);
  // The silence behind a turn that was cut may begin before the cut.
  stt.Begin();
  stt.TurnStarted({});
  Hear(0, kFrames + 50);
  Finish(2'000 + OpenAiTranscription::kMarginAfterMs);
  EXPECT_EQ(SentMs(), OpenAiTranscription::kMaxTurnMs - 1'000);
  // And is told again.
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "fault tooLarge"), 2);
}

TEST_F(OpenAiTranscriptionTest, WhatIsOnOtherChannelsIsOfOthers) {
  Turn();
  const ChannelId other{99};
  stt.OnHttpHeaders(other, 500, {});
  stt.OnHttpChunk(other, ToBytes("x"));
  stt.OnHttpDone(other);
  stt.OnHttpFailed(other, HttpFailure::kNetwork, "");
  Take();
  EXPECT_THAT(lines, IsEmpty());
}

}  // namespace
}  // namespace trunkline::protocol
