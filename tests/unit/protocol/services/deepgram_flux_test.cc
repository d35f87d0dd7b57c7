#include "protocol/services/deepgram_flux.h"

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

class DeepgramFluxTest : public testing::Test {
 protected:
  void Make(DeepgramFlux::Config config) {
    stt = std::make_unique<DeepgramFlux>(std::move(config), channels);
    stt->SetNow(now);
  }
  void Take() { TakeEvents(*stt, lines); }
  void Pass(int ms) {
    now = now + Duration::Millis(ms);
    stt->SetNow(now);
    if (now >= stt->deadline()) stt->OnDeadline();
    Take();
  }
  void Receive(std::string_view text) {
    stt->OnText(channels.newest(), text);
    Take();
  }
  // With the next number, as the server has it.
  void Turn(std::string_view event, std::string_view transcript) {
    Receive(Json{{"type", "TurnInfo"},
                 {"request_id", "r"},
                 {"sequence_id", number_++},
                 {"event", event},
                 {"turn_index", 0},
                 {"audio_window_start", 0.0},
                 {"audio_window_end", 1.3},
                 {"transcript", transcript},
                 {"words", Json::array()},
                 {"end_of_turn_confidence", 0.03}}
                .dump());
  }
  void Open() {
    stt->Begin();
    stt->OnSocketOpened(channels.newest());
    Receive(R"({"type":"Connected","request_id":"r","sequence_id":0})");
    number_ = 1;
    lines.clear();
    channels.lines.clear();
  }
  void Hear(int ms) {
    for (int done = 0; done < ms; done += 20) {
      stt->Listen(std::vector<uint8_t>(BytesOf(stt->format(), 20), 1));
      Take();
    }
  }
  std::vector<std::string> TakeLines() { return std::exchange(lines, {}); }
  // How many milliseconds each message had; texts as they are.
  std::vector<std::string> Sent() {
    std::vector<std::string> sent;
    for (const std::string& line : std::exchange(channels.lines, {})) {
      const size_t at = line.find("binary ");
      sent.push_back(
          at == std::string::npos
              ? line
              : std::to_string((line.size() - at - 7) / 64) +
                    (line.find_first_not_of('0', at + 7) == std::string::npos
                         ? " ms of silence"
                         : " ms"));
    }
    return sent;
  }

  test::RecordingChannels channels;
  Instant now = Instant::Micros(1'000'000);
  std::unique_ptr<DeepgramFlux> stt;
  std::vector<std::string> lines;
  int number_ = 1;
};

TEST_F(DeepgramFluxTest, ItIsAskedForByItsPath) {
  DeepgramFlux::Config config;
  config.model = "flux-general-en";
  Make(config);
  stt->Begin();
  EXPECT_THAT(channels.lines,
              ElementsAre("connect 1 deepgram /v2/listen?model=flux-general-en"
                          "&encoding=linear16&sample_rate=16000 "));
  EXPECT_TRUE(stt->detects_turns());

  // All that may be said, and as Workers AI has it.
  channels.lines.clear();
  config.upstream = "workers-ai";
  config.path = "/run/@cf/deepgram/flux";
  config.model = "";
  config.eager_threshold = 0.4;
  config.end_of_turn_threshold = 0.75;
  config.end_of_turn_timeout = Duration::Millis(3000);
  config.terms = {"table for two", "d\xc3\xb6ner"};
  config.languages = {"en", "es"};
  config.format.sample_rate_hz = 8000;
  Make(config);
  stt->Begin();
  EXPECT_THAT(
      channels.lines,
      ElementsAre("connect 2 workers-ai /run/@cf/deepgram/flux"
                  "?encoding=linear16&sample_rate=8000"
                  "&eager_eot_threshold=0.4&eot_threshold=0.75"
                  "&eot_timeout_ms=3000&keyterm=table%20for%20two"
                  "&keyterm=d%C3%B6ner&language_hint=en&language_hint=es "));
}

TEST_F(DeepgramFluxTest, ATurnIsTold) {
  Make({});
  stt->Begin();
  Take();
  EXPECT_THAT(TakeLines(), IsEmpty());
  stt->OnSocketOpened(channels.newest());
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("ready"));
  Receive(R"({"type":"Connected","request_id":"r","sequence_id":0})");
  Turn("Update", "");
  EXPECT_THAT(TakeLines(), IsEmpty());
  Turn("StartOfTurn", "When");
  Turn("Update", "When do");
  // The same text again is no news.
  Turn("Update", "When do");
  Turn("EagerEndOfTurn", "When do you open");
  EXPECT_THAT(TakeLines(),
              ElementsAre("started", "+When", "+When do", "+When do you open",
                          "eager When do you open"));
  Turn("TurnResumed", "When do you open");
  Turn("Update", "When do you open on Sunday");
  Turn("EagerEndOfTurn", "When do you open on Sunday?");
  Turn("EndOfTurn", "When do you open on Sunday?");
  EXPECT_THAT(TakeLines(), ElementsAre("resumed", "+When do you open on Sunday",
                                       "+When do you open on Sunday?",
                                       "eager When do you open on Sunday?",
                                       "ended When do you open on Sunday?"));
  // The next one may have the same words.
  Turn("StartOfTurn", "When do you open on Sunday?");
  EXPECT_THAT(TakeLines(),
              ElementsAre("started", "+When do you open on Sunday?"));
}

// Workers AI's own types have no `type`.
TEST_F(DeepgramFluxTest, AMessageWithoutATypeIsOfATurnIfItNamesAnEvent) {
  Make({});
  Open();
  Receive(R"({"event":"StartOfTurn","transcript":"yes","sequence_id":1})");
  Receive(R"({"event":"EndOfTurn","transcript":"Yes.","sequence_id":2})");
  Receive(R"({"transcript":"yes"})");
  EXPECT_THAT(TakeLines(), ElementsAre("started", "+yes", "ended Yes.",
                                       "fault missingField"));
}

TEST_F(DeepgramFluxTest, ATurnWithoutWordsIsNone) {
  Make({});
  Open();
  Turn("StartOfTurn", "");
  Turn("EagerEndOfTurn", "");
  Turn("EndOfTurn", "");
  EXPECT_THAT(TakeLines(), ElementsAre("started", "stopped"));
  // Of none that began nothing is told at its end.
  Turn("EndOfTurn", "");
  EXPECT_THAT(TakeLines(), IsEmpty());
}

TEST_F(DeepgramFluxTest, ATurnThatWasForgottenCountsAgainWithMoreWords) {
  Make({});
  Open();
  Turn("StartOfTurn", "uh");
  stt->Forget();
  TakeLines();
  Turn("EagerEndOfTurn", "Uh.");
  Turn("EndOfTurn", "Uh.");
  EXPECT_THAT(TakeLines(), IsEmpty());

  Turn("StartOfTurn", "uh");
  stt->Forget();
  TakeLines();
  Turn("Update", "uh stop");
  Turn("EndOfTurn", "Uh, stop.");
  EXPECT_THAT(TakeLines(),
              ElementsAre("started", "+uh stop", "ended Uh, stop."));

  // Its end was lost: the next one is another.
  Turn("StartOfTurn", "well then");
  stt->Forget();
  TakeLines();
  Turn("StartOfTurn", "no");
  EXPECT_THAT(TakeLines(), ElementsAre("started", "+no"));
  // Without a turn there is nothing to forget.
  Turn("EndOfTurn", "No.");
  stt->Forget();
  Turn("StartOfTurn", "hello");
  EXPECT_THAT(TakeLines(), ElementsAre("ended No.", "started", "+hello"));
}

TEST_F(DeepgramFluxTest, ATurnWhoseBeginningWasLostIsOneAllTheSame) {
  Make({});
  Open();
  ++number_;
  Turn("Update", "a table");
  EXPECT_THAT(TakeLines(),
              ElementsAre("fault lostMessages", "started", "+a table"));
  Turn("EndOfTurn", "A table.");
  ++number_;
  Turn("EndOfTurn", "For two.");
  EXPECT_THAT(TakeLines(), ElementsAre("ended A table.", "fault lostMessages",
                                       "started", "ended For two."));
}

TEST_F(DeepgramFluxTest, AudioGoesInChunksOf80Ms) {
  Make({});
  Open();
  Hear(60);
  EXPECT_THAT(Sent(), IsEmpty());
  Hear(40);
  EXPECT_THAT(Sent(), ElementsAre("80 ms"));
  stt->Listen(std::vector<uint8_t>(BytesOf(stt->format(), 150), 1));
  EXPECT_THAT(Sent(), ElementsAre("80 ms", "80 ms"));
}

TEST_F(DeepgramFluxTest, NothingIsSentBeforeItIsOpen) {
  Make({});
  stt->Begin();
  channels.lines.clear();
  Hear(1000);
  EXPECT_THAT(Sent(), IsEmpty());
  stt->OnSocketOpened(channels.newest());
  Hear(80);
  EXPECT_THAT(Sent(), ElementsAre("80 ms"));
}

// A KeepAlive, which Nova wants, kills the connection.
TEST_F(DeepgramFluxTest, WithoutAudioItHearsSilence) {
  Make({});
  Open();
  Hear(20);
  Pass(999);
  EXPECT_THAT(Sent(), IsEmpty());
  Pass(1);
  std::vector<std::string> sent = Sent();
  // With the frame that waited for others.
  EXPECT_THAT(sent, testing::SizeIs(13));
  EXPECT_EQ("80 ms", sent.front());
  EXPECT_EQ("60 ms of silence", sent.back());
  Pass(1000);
  EXPECT_THAT(Sent(), testing::SizeIs(13));
  for (const std::string& text : channels.Texts()) ADD_FAILURE() << text;
}

TEST_F(DeepgramFluxTest, OneThatFallsSilentInATurnIsGivenUp) {
  Make({});
  Open();
  // Between turns it has nothing to say.
  Hear(20'000);
  EXPECT_THAT(TakeLines(), IsEmpty());
  Turn("StartOfTurn", "so");
  TakeLines();
  Hear(5'000);
  Turn("Update", "so");
  Hear(5'000);
  EXPECT_THAT(TakeLines(), IsEmpty());
  for (int i = 0; i < DeepgramFlux::kMaxReopens; ++i) {
    channels.lines.clear();
    Hear(20);
    EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
    EXPECT_EQ("close " + std::to_string(i + 1) + " 1000 stalled",
              channels.lines[channels.lines.size() - 2]);
    // Before it is open, nothing is listened to.
    Turn("EndOfTurn", "so");
    stt->OnSocketOpened(channels.newest());
    Hear(5'000);
  }
  channels.lines.clear();
  Hear(20);
  EXPECT_EQ(TakeLines().back(), "lost stalled");
  EXPECT_EQ("close 3 1000 stalled", channels.lines.back());
  // It is over.
  Turn("EndOfTurn", "so");
  Hear(1000);
  EXPECT_THAT(TakeLines(), IsEmpty());
  EXPECT_TRUE(stt->deadline().is_never());
}

TEST_F(DeepgramFluxTest, LossesAreTold) {
  struct Case {
    const char* what;
    void (*happens)(DeepgramFlux&, ChannelId);
    const char* told;
  };
  const Case cases[] = {
      {"a key that is none",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketClosed(id, 1006, 401, "upgrade refused");
       },
       "fatal http401 upgrade refused"},
      {"no credit",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketClosed(id, 1006, 402, "");
       },
       "fatal http402"},
      {"a parameter that is wrong",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketClosed(id, 1006, 400, "");
       },
       "fatal http400"},
      {"too many calls",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketClosed(id, 1006, 429, "");
       },
       "lost http429"},
      {"a server at fault",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketClosed(id, 1006, 503, "");
       },
       "lost http503"},
      {"never reached",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketClosed(id, 1006, 0, "connection failed");
       },
       "lost closed1006 connection failed"},
      {"broken off",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketOpened(id);
         flux.OnSocketClosed(id, 1011, 0, "NET-0001");
       },
       "lost closed1011 NET-0001"},
      {"audio that it cannot read",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketOpened(id);
         flux.OnSocketClosed(id, 1008, 0, "DATA-0000");
       },
       "fatal closed1008 DATA-0000"},
      {"a fault of its own",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketOpened(id);
         flux.OnText(id, R"({"type":"Error","sequence_id":1,"code":)"
                         R"("INTERNAL_SERVER_ERROR","description":"oh"})");
       },
       "lost INTERNAL_SERVER_ERROR oh"},
      {"a fault of the account",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketOpened(id);
         flux.OnText(id, R"({"type":"Error","code":"ASR_PAYMENT_REQUIRED"})");
       },
       "fatal ASR_PAYMENT_REQUIRED"},
      {"a fault without a name",
       [](DeepgramFlux& flux, ChannelId id) {
         flux.OnSocketOpened(id);
         flux.OnText(id, R"({"type":"Error"})");
       },
       "lost error"},
      {"no answer in time",
       [](DeepgramFlux& flux, ChannelId /*id*/) {
         flux.SetNow(flux.deadline());
         flux.OnDeadline();
       },
       "lost timeout"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    Make({});
    stt->Begin();
    // Another socket in the place of one that was open is lost as well.
    for (int i = 0; i <= DeepgramFlux::kMaxReopens; ++i) {
      one.happens(*stt, channels.newest());
      Take();
      if (lines.back() != "fault peerError") break;
    }
    std::erase(lines, "ready");
    std::erase(lines, "fault peerError");
    EXPECT_THAT(TakeLines(), ElementsAre(one.told));
    // What it had open it has closed, and nothing more comes.
    EXPECT_TRUE(stt->deadline().is_never());
    Hear(100);
    Turn("StartOfTurn", "late");
    EXPECT_THAT(TakeLines(), IsEmpty());
    stt->Begin();
    stt->OnSocketOpened(channels.newest());
    Take();
    EXPECT_THAT(TakeLines(), ElementsAre("ready"));
  }
  channels.full = true;
  stt->Begin();
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("lost channels"));
}

TEST_F(DeepgramFluxTest, WhatIsNoMessageOfItsIsAFault) {
  Make({});
  Open();
  Receive("{");
  Receive("[]");
  Receive(R"({"type":"Metadata"})");
  Receive(R"({"type":"TurnInfo"})");
  Receive(R"({"type":"TurnInfo","event":"Sneeze","transcript":"x"})");
  stt->OnBinary(channels.newest(), std::vector<uint8_t>(3));
  Take();
  stt->OnOversize(channels.newest());
  Take();
  EXPECT_THAT(
      TakeLines(),
      ElementsAre("fault malformed", "fault malformed", "fault unknownEvent",
                  "fault missingField", "fault unknownEvent",
                  "fault unexpectedBinary", "fault tooLarge"));
  Turn("StartOfTurn", std::string(9000, 'x'));
  EXPECT_THAT(TakeLines(), ElementsAre("fault tooLarge", "started",
                                       "+" + std::string(8192, 'x')));
}

TEST_F(DeepgramFluxTest, AtTheEndItIsToldSo) {
  Make({});
  Open();
  Turn("StartOfTurn", "well");
  TakeLines();
  stt->End("over");
  Take();
  EXPECT_THAT(TakeLines(), IsEmpty());
  EXPECT_THAT(Sent(),
              ElementsAre(R"(1< {"type":"CloseStream"})", "close 1 1000 over"));
}

class LostFluxTest : public DeepgramFluxTest {
 protected:
  void Lose(uint16_t code = 1011) {
    stt->OnSocketClosed(channels.newest(), code, 0, "gone");
    Take();
  }
  // The newest socket opens, and its numbers begin anew.
  void Reopen() {
    stt->OnSocketOpened(channels.newest());
    Receive(R"({"type":"Connected","request_id":"r","sequence_id":0})");
    number_ = 1;
  }
  // Audio that went to the newest socket, ms.
  int64_t SentMs() {
    const std::string begin =
        std::to_string(static_cast<int>(channels.newest())) + "< binary ";
    int64_t ms = 0;
    for (const std::string& line : channels.lines) {
      if (line.starts_with(begin)) {
        ms += static_cast<int64_t>(line.size() - begin.size()) / 64;
      }
    }
    return ms;
  }
};

TEST_F(LostFluxTest, AtTheStartOfATurnItsAudioIsHeardAgain) {
  Make({});
  Open();
  Hear(5'000);
  // He has begun, and nobody has said so yet.
  Lose();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  Hear(300);
  Reopen();
  // The last of the silence, a second more at most, and what came meanwhile.
  EXPECT_GE(SentMs(), DeepgramFlux::kMaxKeptQuietMs + 300);
  EXPECT_LE(SentMs(), DeepgramFlux::kMaxKeptQuietMs + 1'300);
  EXPECT_THAT(TakeLines(), IsEmpty());
  Turn("StartOfTurn", "when");
  Turn("EndOfTurn", "when do you open");
  EXPECT_THAT(TakeLines(),
              ElementsAre("started", "+when", "ended when do you open"));
}

TEST_F(LostFluxTest, InTheMiddleOfATurnItsWordsAndItsAudioAreKept) {
  Make({});
  Open();
  Turn("StartOfTurn", "when");
  Hear(4'000);
  Turn("Update", "when do you");
  TakeLines();
  Lose();
  Hear(400);
  Reopen();
  EXPECT_EQ(SentMs(), 4'400);
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  // It is the same turn, told from its beginning.
  Turn("StartOfTurn", "when");
  Turn("Update", "when do you open");
  Turn("EndOfTurn", "When do you open?");
  EXPECT_THAT(TakeLines(), ElementsAre("+when", "+when do you open",
                                       "ended When do you open?"));
  // Behind it nothing of it is kept.
  Hear(200);
  Lose();
  Reopen();
  EXPECT_EQ(SentMs(), 200);
}

TEST_F(LostFluxTest, AtTheEndOfATurnWhatWasUnderstoodIsSaid) {
  Make({});
  Open();
  Turn("StartOfTurn", "when do you open");
  Hear(2'000);
  TakeLines();
  Lose();
  Reopen();
  TakeLines();
  // The second hearing brings nothing.
  Turn("EndOfTurn", "");
  EXPECT_THAT(TakeLines(), ElementsAre("ended when do you open"));
}

TEST_F(LostFluxTest, WhatNobodyWantsIsNotHeardAgain) {
  Make({});
  Open();
  Turn("StartOfTurn", "hm");
  Hear(1'000);
  stt->Forget();
  Hear(100);
  Lose();
  Reopen();
  EXPECT_EQ(SentMs(), 100);
}

TEST_F(LostFluxTest, SocketsThatDoNotStayOpenAreGivenUp) {
  Make({});
  Open();
  Turn("StartOfTurn", "when");
  TakeLines();
  Lose();
  Reopen();
  Lose();
  Reopen();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError", "fault peerError"));
  Lose();
  EXPECT_THAT(TakeLines(), ElementsAre("lost closed1011 gone"));
  // One that has stayed open long enough is another matter, each time.
  for (int i = 0; i < 5; ++i) {
    Open();
    Pass(static_cast<int>(DeepgramFlux::kSteady.ms()));
    Lose();
    Reopen();
    EXPECT_THAT(TakeLines(), ElementsAre("fault peerError"));
  }
  // Nor does one that takes too long to open, nor one that is refused.
  Pass(static_cast<int>(DeepgramFlux::kSteady.ms()));
  Lose();
  Pass(static_cast<int>(DeepgramFlux::kReopenPatience.ms()));
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError", "fault peerError"));
  stt->OnSocketClosed(channels.newest(), 1006, 503, "");
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("lost http503"));
  Open();
  Lose();
  stt->OnSocketClosed(channels.newest(), 1006, 401, "");
  Take();
  EXPECT_THAT(TakeLines(), ElementsAre("fault peerError", "fatal http401"));
}

TEST_F(LostFluxTest, OfALongTurnTheEndIsKeptAndAFaultTells) {
  Make({});
  Open();
  Turn("StartOfTurn", "well");
  TakeLines();
  // It is told of all the time.
  for (int i = 0; i < 25; ++i) {
    Hear(1'000);
    Turn("Update", "well");
  }
  EXPECT_THAT(TakeLines(), ElementsAre("fault tooLarge"));
  Lose();
  Reopen();
  EXPECT_GE(SentMs(), DeepgramFlux::kMaxKeptMs);
  EXPECT_LE(SentMs(), DeepgramFlux::kMaxKeptMs + 1'000);
}

}  // namespace
}  // namespace trunkline::protocol
