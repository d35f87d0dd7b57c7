#include "protocol/services/deepgram_nova.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stt_log.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeepgramNovaTest : public testing::Test {
 protected:
  static DeepgramNova::Config MakeConfig() {
    DeepgramNova::Config config;
    config.model = "nova-3";
    return config;
  }
  void Take() { TakeEvents(stt, lines); }
  void Pass(int ms) {
    now = now + Duration::Millis(ms);
    stt.SetNow(now);
    if (now >= stt.deadline()) stt.OnDeadline();
    Take();
  }
  void Receive(std::string_view text) {
    stt.OnText(channels.newest(), text);
    Take();
  }
  enum class Kind : uint8_t { kInterim, kFinal, kFinalized };
  // Of the stretch from `from_ms` to `to_ms` of the stream.
  void Results(Kind kind, int from_ms, int to_ms, std::string_view transcript) {
    Json message = {
        {"type", "Results"},
        {"channel_index", {0, 1}},
        {"start", from_ms / 1000.0},
        {"duration", (to_ms - from_ms) / 1000.0},
        {"is_final", kind != Kind::kInterim},
        {"speech_final", false},
        {"channel",
         {{"alternatives", Json::array({{{"transcript", transcript},
                                         {"confidence", 0.99},
                                         {"words", Json::array()}}})}}}};
    if (kind == Kind::kFinalized) message["from_finalize"] = true;
    Receive(message.dump());
  }
  void Open() {
    stt.SetNow(now);
    stt.Begin();
    stt.OnSocketOpened(channels.newest());
    Take();
    lines.clear();
    channels.lines.clear();
  }
  void Hear(int ms) {
    for (int done = 0; done < ms; done += 20) {
      stt.Listen(std::vector<uint8_t>(BytesOf(stt.format(), 20), 1));
      Take();
    }
  }
  std::vector<std::string> TakeLines() { return std::exchange(lines, {}); }
  std::vector<std::string> TakeTexts() {
    std::vector<std::string> texts;
    for (const std::string& line : std::exchange(channels.lines, {})) {
      if (line.find("binary ") == std::string::npos) texts.push_back(line);
    }
    return texts;
  }

  test::RecordingChannels channels;
  Instant now = Instant::Micros(1'000'000);
  DeepgramNova stt{MakeConfig(), channels};
  std::vector<std::string> lines;
};

TEST_F(DeepgramNovaTest, ItIsAskedForByItsPath) {
  stt.Begin();
  EXPECT_THAT(channels.lines,
              ElementsAre("connect 1 deepgram /v1/listen?model=nova-3"
                          "&encoding=linear16&sample_rate=16000"
                          "&interim_results=true&smart_format=true "));
  EXPECT_FALSE(stt.detects_turns());
  DeepgramNova::Config config;
  config.upstream = "workers-ai";
  config.path = "/run/@cf/deepgram/nova-3";
  config.language = "de";
  config.terms = {"Spa\xc3\x9f"};
  config.format.sample_rate_hz = 8000;
  DeepgramNova other(config, channels);
  other.Begin();
  EXPECT_EQ(
      "connect 2 workers-ai /run/@cf/deepgram/nova-3?encoding=linear16"
      "&sample_rate=8000&interim_results=true&smart_format=true&language=de"
      "&keyterm=Spa%C3%9F ",
      channels.lines.back());
}

TEST_F(DeepgramNovaTest, ATurnHasTheStretchesOfItsTime) {
  Open();
  Hear(2'000);
  // Of nobody's turn.
  Results(Kind::kFinal, 0, 900, "what");
  stt.TurnStarted(Duration::Millis(100));
  // Of before it.
  Results(Kind::kInterim, 900, 1'700, "noise");
  EXPECT_THAT(TakeLines(), IsEmpty());
  Hear(1'000);
  Results(Kind::kInterim, 900, 2'500, "when");
  Results(Kind::kInterim, 900, 2'900, "when do");
  Results(Kind::kInterim, 900, 3'000, "when do");
  Results(Kind::kFinal, 900, 3'000, "When do");
  Hear(1'000);
  Results(Kind::kInterim, 3'000, 3'600, "you");
  EXPECT_THAT(TakeLines(),
              ElementsAre("+when", "+when do", "+When do", "+When do you"));
  EXPECT_THAT(TakeTexts(), IsEmpty());
  stt.Finish(Duration::Millis(300));
  EXPECT_THAT(TakeTexts(), ElementsAre(R"(1< {"type":"Finalize"})"));
  Results(Kind::kFinal, 3'000, 3'800, "you open?");
  EXPECT_THAT(TakeLines(), IsEmpty());
  Results(Kind::kFinalized, 3'800, 4'000, "");
  EXPECT_THAT(TakeLines(), ElementsAre("=When do you open?"));
}

TEST_F(DeepgramNovaTest, WhatWaitsIsSentBeforeTheEnd) {
  Open();
  Hear(80);
  stt.TurnStarted({});
  channels.lines.clear();
  Hear(40);
  stt.Finish({});
  ASSERT_EQ(2u, channels.lines.size());
  EXPECT_THAT(channels.lines[0], testing::StartsWith("1< binary "));
  EXPECT_EQ(R"(1< {"type":"Finalize"})", channels.lines[1]);
}

TEST_F(DeepgramNovaTest, WithoutAMarkWhatHasComeIsAll) {
  Open();
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(500));
  Results(Kind::kInterim, 0, 1'000, "yes");
  stt.Finish({});
  TakeLines();
  EXPECT_EQ(now + DeepgramNova::kFinalPatience, stt.deadline());
  Pass(1'499);
  EXPECT_THAT(TakeLines(), IsEmpty());
  Pass(1);
  EXPECT_THAT(TakeLines(), ElementsAre("=yes"));

  // All of it was heard, and nothing was said.
  Hear(1'000);
  stt.TurnStarted({});
  stt.Finish({});
  Results(Kind::kFinal, 1'000, 2'000, "");
  Pass(1'500);
  EXPECT_THAT(TakeLines(), ElementsAre("="));

  // Nobody knows what was said.
  Hear(1'000);
  stt.TurnStarted({});
  stt.Finish({});
  Pass(1'500);
  EXPECT_THAT(TakeLines(), ElementsAre("no text timeout"));
}

TEST_F(DeepgramNovaTest, WhatBeginsBehindATurnEndsIt) {
  Open();
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(500));
  Results(Kind::kInterim, 0, 1'000, "one");
  stt.Finish({});
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(500));
  TakeLines();
  Results(Kind::kInterim, 1'000, 2'000, "two");
  EXPECT_THAT(TakeLines(), ElementsAre("+two", "=one"));
  stt.Finish({});
  Results(Kind::kFinalized, 1'000, 2'000, "Two.");
  EXPECT_THAT(TakeLines(), ElementsAre("=Two."));
  // A mark that comes late is of nobody's.
  Results(Kind::kFinalized, 2'000, 2'000, "");
  EXPECT_THAT(TakeLines(), IsEmpty());
}

TEST_F(DeepgramNovaTest, EachFinishHasItsTextInOrder) {
  Open();
  for (int turn = 0; turn < 4; ++turn) {
    Hear(1'000);
    stt.TurnStarted(Duration::Millis(500));
    stt.Finish({});
  }
  for (int turn = 0; turn < 4; ++turn) {
    Results(Kind::kFinalized, turn * 1'000, (turn + 1) * 1'000,
            std::string(1, static_cast<char>('a' + turn)));
  }
  EXPECT_THAT(TakeLines(), ElementsAre("=a", "=b", "=c", "=d"));
  for (int turn = 0; turn < 5; ++turn) {
    Hear(1'000);
    stt.TurnStarted(Duration::Millis(500));
    stt.Finish({});
  }
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("lost finals"));
}

TEST_F(DeepgramNovaTest, ATurnThatIsForgottenHasNoText) {
  Open();
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(500));
  stt.Forget();
  Results(Kind::kFinal, 0, 1'000, "uh");
  stt.Finish({});
  EXPECT_THAT(TakeTexts(), IsEmpty());
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(500));
  stt.Finish({});
  stt.Forget();
  Results(Kind::kFinalized, 1'000, 2'000, "no");
  EXPECT_THAT(TakeLines(), IsEmpty());
}

TEST_F(DeepgramNovaTest, WithoutAudioItIsKeptAlive) {
  Open();
  Pass(3'999);
  EXPECT_THAT(TakeTexts(), IsEmpty());
  Pass(1);
  EXPECT_THAT(TakeTexts(), ElementsAre(R"(1< {"type":"KeepAlive"})"));
  Pass(4'000);
  EXPECT_THAT(TakeTexts(), ElementsAre(R"(1< {"type":"KeepAlive"})"));
  Hear(80);
  Pass(3'999);
  EXPECT_THAT(TakeTexts(), IsEmpty());
}

TEST_F(DeepgramNovaTest, OneThatFallsSilentInATurnIsGivenUp) {
  Open();
  Hear(20'000);
  stt.TurnStarted({});
  Hear(5'000);
  EXPECT_THAT(TakeLines(), IsEmpty());
  Hear(20);
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
}

// Another socket hears again what has no final words, from the turn that is
// owed on, and is asked for its end.
TEST_F(DeepgramNovaTest, TurnsOfALostSocketAreHeardAgain) {
  Open();
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(500));
  Results(Kind::kInterim, 0, 1'000, "when do");
  Hear(1'000);
  stt.Finish({});
  Hear(500);
  TakeLines();
  TakeTexts();
  stt.OnSocketClosed(channels.newest(), 1011, 0, "gone");
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  // A turn that begins meanwhile is one as well.
  Hear(600);
  stt.TurnStarted(Duration::Millis(300));
  Hear(200);
  stt.OnSocketOpened(channels.newest());
  Take();
  EXPECT_EQ(TakeTexts().back(), R"(2< {"type":"Finalize"})");
  // 3.3 s in all are heard again, the former turn up to 2 s of them.
  Results(Kind::kFinalized, 0, 3'300, "when do you open");
  EXPECT_THAT(TakeLines(), ElementsAre("=when do you open"));
  Hear(700);
  stt.Finish({});
  Results(Kind::kFinalized, 3'300, 4'000, "thanks");
  EXPECT_THAT(TakeLines(), ElementsAre("=thanks"));
}

TEST_F(DeepgramNovaTest, WhatIsNoMessageOfItsIsAFault) {
  Open();
  Receive("{");
  Receive(R"({"start":1})");
  Receive(R"({"type":"TurnInfo"})");
  Receive(R"({"type":"Results","start":0,"duration":1})");
  Receive(R"({"type":"Results","channel":{"alternatives":[]}})");
  EXPECT_THAT(
      TakeLines(),
      ElementsAre("fault malformed", "fault missingField", "fault unknownEvent",
                  "fault missingField", "fault missingField"));
  Receive(R"({"type":"Metadata"})");
  Receive(R"({"type":"SpeechStarted","channel":[0],"timestamp":1.2})");
  Receive(R"({"type":"UtteranceEnd","channel":[0,1],"last_word_end":2})");
  EXPECT_THAT(TakeLines(), IsEmpty());
  // Times that are none are at the beginning.
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(1'000));
  Receive(R"({"type":"Results","start":"x","duration":1e99,"is_final":true,)"
          R"("channel":{"alternatives":[{"transcript":"yes"}]}})");
  EXPECT_THAT(TakeLines(), ElementsAre("+yes"));
  Receive(R"({"type":"Error","variant":"AUDIO","description":"what is it"})");
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
}

TEST_F(DeepgramNovaTest, ATurnsTextIsBounded) {
  Open();
  Hear(1'000);
  stt.TurnStarted(Duration::Millis(1'000));
  for (int i = 0; i < 3; ++i) {
    Results(Kind::kFinal, 0, 1'000, std::string(5'000, 'x'));
  }
  stt.Finish({});
  Results(Kind::kFinalized, 0, 1'000, std::string(9'000, 'y'));
  EXPECT_EQ(1 + DeepgramNova::kMaxTextBytes, TakeLines().back().size());
}

}  // namespace
}  // namespace trunkline::protocol
