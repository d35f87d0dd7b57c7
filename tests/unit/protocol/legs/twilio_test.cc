#include "protocol/legs/twilio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/json.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kConnected =
    R"({"event":"connected","protocol":"Call","version":"1.0.0"})";
constexpr std::string_view kStart =
    R"({"event":"start","sequenceNumber":"1","streamSid":"MZ18ad","start":{"accountSid":"AC1","streamSid":"MZ18ad","callSid":"CA57","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"tok","x":"y"}}})";

class TwilioTest : public testing::Test {
 protected:
  void Open() { leg.OnSocketOpened({}); }
  void Receive(std::string_view text) {
    leg.OnText(text);
    log.Take(leg);
  }
  void Start() {
    Open();
    Receive(kConnected);
    Receive(kStart);
    ASSERT_EQ(log.starts.size(), 1U);
  }
  test::RecordingWire wire;
  test::LegLog log;
  TwilioLeg leg{wire};
};

TEST_F(TwilioTest, StartTellsIdentityFormatAndToken) {
  Start();
  const test::LegLog::Start& start = log.starts.front();
  EXPECT_EQ(start.carrier_call_id, "CA57");
  EXPECT_EQ(start.stream_id, "MZ18ad");
  EXPECT_EQ(start.token, "tok");
  LegTraits traits;
  traits.heard = {Encoding::kMuLaw, 8000};
  traits.spoken = {Encoding::kMuLaw, 8000};
  traits.playback = LegTraits::Playback::kMarks;
  traits.marks_on_clear = LegTraits::MarksOnClear::kEchoed;
  traits.flow_control = LegTraits::FlowControl::kNone;
  EXPECT_EQ(start.traits, traits);
  EXPECT_THAT(log.faults, IsEmpty());
}

// Twilio sends decimal strings, its lookalikes numbers; members come in any
// order, and nobody promises 160 bytes.
TEST_F(TwilioTest, MediaIsReadHoweverItIsWritten) {
  Start();
  const std::string_view messages[] = {
      R"({"event":"media","sequenceNumber":"2","streamSid":"MZ18ad","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"AQID"}})",
      R"({"media":{"payload":"AQID","timestamp":40,"chunk":2},"streamSid":"MZ18ad","sequenceNumber":3,"event":"media"})",
      // Escapes take the long way and come to the same.
      R"({"event":"med\u0069a","sequenceNumber":"4","streamSid":"MZ18ad","media":{"track":"inbound","chunk":"3","timestamp":"60","payload":"AQ\u0049D"}})",
      R"({"event":"media","media":{"payload":"AQID"}})",
  };
  for (const std::string_view message : messages) Receive(message);
  EXPECT_THAT(log.faults, IsEmpty());
  EXPECT_THAT(log.timestamps, ElementsAre(20, 40, 60, std::nullopt));
  for (const auto& audio : log.audios) {
    EXPECT_THAT(audio, ElementsAre(1, 2, 3));
  }
}

TEST_F(TwilioTest, OurOwnVoiceOnAForkIsNotTheCallers) {
  Start();
  Receive(
      R"({"event":"media","sequenceNumber":"2","streamSid":"MZ18ad","media":{"track":"outbound","payload":"AQID"}})");
  EXPECT_THAT(log.audios, IsEmpty());
  EXPECT_THAT(log.faults, IsEmpty());
}

// Trap 8, outwards: byte for byte what Twilio takes, and nothing more.
TEST_F(TwilioTest, CommandsAreExactlyWhatTwilioTakes) {
  leg.Play(std::vector<uint8_t>{1, 2, 3});
  leg.Mark({1, 2});
  leg.Clear();
  EXPECT_THAT(wire.sent, IsEmpty());  // there is no stream yet
  Start();
  leg.Play(std::vector<uint8_t>{1, 2, 3});
  leg.Mark({3, 12800});
  leg.Clear();
  EXPECT_THAT(
      wire.sent,
      ElementsAre(
          R"({"event":"media","streamSid":"MZ18ad","media":{"payload":"AQID"}})",
          R"({"event":"mark","streamSid":"MZ18ad","mark":{"name":"g3:12800"}})",
          R"({"event":"clear","streamSid":"MZ18ad"})"));
}

TEST_F(TwilioTest, OnlyMarksThatWereSentComeBack) {
  Start();
  leg.Mark({0, 160});
  const auto echo = [this](const std::string& name) {
    Receive(R"({"event":"mark","streamSid":"MZ18ad","mark":{"name":")" + name +
            R"("}})");
  };
  echo("g0:160");
  EXPECT_THAT(log.marks, ElementsAre(MarkId{0, 160}));
  // A second echo, a foreign name, and names that only look like ours.
  for (const char* name :
       {"g0:160", "g0:320", "hello", "", "g:", "g0:", "g-1:5", "g0:160x",
        "g99999999999:1", "g0:99999999999999999999999"}) {
    echo(name);
  }
  EXPECT_EQ(log.marks.size(), 1U);
  EXPECT_EQ(log.faults, std::vector<Fault>(10, Fault::kUnknownMark));
}

TEST_F(TwilioTest, ForgetsTheOldestOfTooManyMarks) {
  Start();
  for (uint64_t i = 0; i <= TwilioLeg::kMaxPendingMarks; ++i) {
    leg.Mark({0, i});
  }
  Receive(R"({"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:0"}})");
  EXPECT_THAT(log.faults, ElementsAre(Fault::kUnknownMark));
  Receive(R"({"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:1"}})");
  EXPECT_THAT(log.marks, ElementsAre(MarkId{0, 1}));
}

TEST_F(TwilioTest, ANewSocketForgetsTheOldStream) {
  Start();
  leg.Mark({0, 160});
  Open();
  Receive(R"({"event":"media","media":{"payload":"AQID"}})");
  EXPECT_THAT(log.faults, ElementsAre(Fault::kOutOfOrder));
  Receive(kStart);
  EXPECT_EQ(log.starts.size(), 2U);
}

TEST_F(TwilioTest, DtmfAndStop) {
  Start();
  Receive(
      R"({"event":"dtmf","streamSid":"MZ18ad","sequenceNumber":"2","dtmf":{"track":"inbound_track","digit":"#"}})");
  Receive(
      R"({"event":"stop","streamSid":"MZ18ad","sequenceNumber":"3","stop":{"accountSid":"AC1","callSid":"CA57"}})");
  EXPECT_EQ(log.digits, "#");
  EXPECT_EQ(log.stops, 1);
  EXPECT_THAT(log.faults, IsEmpty());
}

TEST_F(TwilioTest, AJumpInTheSequenceIsCounted) {
  Start();
  Receive(
      R"({"event":"media","sequenceNumber":"5","streamSid":"MZ18ad","media":{"payload":"AQID"}})");
  EXPECT_THAT(log.faults, ElementsAre(Fault::kLostMessages));
  EXPECT_EQ(log.audios.size(), 1U);
}

struct BadCase {
  const char* text;
  Fault fault;
};
class TwilioBadInputTest : public TwilioTest,
                           public testing::WithParamInterface<BadCase> {};

// Trap 8, inwards: counted, without effect, and the stream goes on.
TEST_P(TwilioBadInputTest, IsCountedAndChangesNothing) {
  Start();
  Receive(GetParam().text);
  EXPECT_THAT(log.faults, ElementsAre(GetParam().fault));
  EXPECT_THAT(log.audios, IsEmpty());
  EXPECT_EQ(log.starts.size(), 1U);
  EXPECT_EQ(log.stops, 0);
  Receive(R"({"event":"media","media":{"payload":"AQID"}})");
  EXPECT_EQ(log.audios.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Messages, TwilioBadInputTest,
    testing::Values(
        BadCase{"", Fault::kMalformed}, BadCase{"{", Fault::kMalformed},
        BadCase{"[]", Fault::kMalformed}, BadCase{"5", Fault::kMalformed},
        BadCase{"\xff\xfe", Fault::kMalformed},
        BadCase{R"({"event":"media"} x)", Fault::kMalformed},
        BadCase{"{}", Fault::kMissingField},
        BadCase{R"({"event":5})", Fault::kMissingField},
        BadCase{R"({"event":"media"})", Fault::kMissingField},
        BadCase{R"({"event":"media","media":5})", Fault::kMissingField},
        BadCase{R"({"event":"media","media":{}})", Fault::kMissingField},
        BadCase{R"({"event":"media","media":{"payload":5}})",
                Fault::kWrongType},
        BadCase{R"({"event":"media","media":{"payload":"A"}})",
                Fault::kBadPayload},
        BadCase{R"({"event":"media","media":{"payload":"A*=="}})",
                Fault::kBadPayload},
        BadCase{
            R"({"event":"media","streamSid":"MZother","media":{"payload":"AQID"}})",
            Fault::kForeignStream},
        BadCase{R"({"event":"mark","streamSid":"MZ18ad"})",
                Fault::kMissingField},
        BadCase{R"({"event":"mark","streamSid":"MZ18ad","mark":{}})",
                Fault::kUnknownMark},
        BadCase{R"({"event":"dtmf","dtmf":{"digit":"12"}})", Fault::kWrongType},
        BadCase{R"({"event":"dtmf","dtmf":{"digit":"x"}})", Fault::kWrongType},
        BadCase{R"({"event":"dtmf","dtmf":{}})", Fault::kMissingField},
        BadCase{R"({"event":"news","streamSid":"MZ18ad"})",
                Fault::kUnknownEvent},
        BadCase{R"({"event":"start","start":{"streamSid":"MZ2"}})",
                Fault::kDuplicateStart}));

TEST_F(TwilioTest, EveryTruncationOfEveryMessageIsHarmless) {
  Start();
  const std::string_view media =
      R"({"event":"media","sequenceNumber":"2","streamSid":"MZ18ad","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"AQID"}})";
  for (size_t length = 0; length < media.size(); ++length) {
    Receive(media.substr(0, length));
  }
  EXPECT_EQ(log.faults.size(), media.size());
  EXPECT_THAT(log.audios, IsEmpty());
}

TEST_F(TwilioTest, BinaryAndOversizedFramesAreCounted) {
  Start();
  leg.OnBinary(std::vector<uint8_t>{1, 2});
  log.Take(leg);
  Receive(std::string(TwilioLeg::kMaxMessageBytes + 1, ' '));
  EXPECT_THAT(log.faults,
              ElementsAre(Fault::kUnexpectedBinary, Fault::kTooLarge));
}

TEST_F(TwilioTest, TheLongestMessageIsStillRead) {
  Start();
  std::string message = R"({"event":"media","media":{"payload":")";
  const std::string_view tail = "\"}}";
  const size_t room =
      (TwilioLeg::kMaxMessageBytes - message.size() - tail.size()) / 4 * 4;
  message += std::string(room, 'A');
  message += tail;
  Receive(message);
  ASSERT_EQ(log.audios.size(), 1U);
  EXPECT_EQ(log.audios[0].size(), room / 4 * 3);
}

struct StartCase {
  const char* what;
  const char* replaced;
  const char* by;
  Fault fault;
};
class TwilioBadStartTest : public TwilioTest,
                           public testing::WithParamInterface<StartCase> {};

// Trap 13: an encoding that is not known is refused, not guessed.
TEST_P(TwilioBadStartTest, IsRefused) {
  std::string start(kStart);
  const std::string replaced = GetParam().replaced;
  for (size_t at = start.find(replaced); at != std::string::npos;
       at = start.find(replaced, at + 1)) {
    start.replace(at, replaced.size(), GetParam().by);
  }
  Open();
  Receive(start);
  EXPECT_THAT(log.starts, IsEmpty());
  EXPECT_THAT(log.faults, ElementsAre(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    Starts, TwilioBadStartTest,
    testing::Values(
        StartCase{"encoding", "audio/x-mulaw", "audio/opus",
                  Fault::kUnsupportedFormat},
        StartCase{"rate", "8000", "16000", Fault::kUnsupportedFormat},
        StartCase{"channels", "\"channels\":1", "\"channels\":2",
                  Fault::kUnsupportedFormat},
        StartCase{"format", "mediaFormat", "mediaFromat",
                  Fault::kUnsupportedFormat},
        StartCase{"stream", "MZ18ad", "", Fault::kMissingField},
        StartCase{"injection", "MZ18ad", "MZ\\\"}{", Fault::kWrongType},
        StartCase{"call", "CA57", "CA 57", Fault::kWrongType}));

// 1000, 1001 and 1005 are the peer's own decision.
TEST_F(TwilioTest, AnOrderlyCloseIsAHangUpAndEveryOtherIsALoss) {
  Start();
  for (const uint16_t code :
       std::initializer_list<uint16_t>{1000, 1001, 1005}) {
    EXPECT_EQ(leg.OnSocketClosed(code), LegClose::kHungUp) << code;
  }
  for (const uint16_t code : std::initializer_list<uint16_t>{
           1002, 1003, 1006, 1007, 1008, 1009, 1011, 1012, 1015, 4000}) {
    EXPECT_EQ(leg.OnSocketClosed(code), LegClose::kBroken) << code;
  }
}

TEST_F(TwilioTest, ALawLegsAreALaw) {
  std::string start(kStart);
  start.replace(start.find("x-mulaw"), 7, "x-alaw");
  Open();
  Receive(start);
  ASSERT_EQ(log.starts.size(), 1U);
  EXPECT_EQ(log.starts[0].traits.heard.encoding, Encoding::kALaw);
  EXPECT_EQ(log.starts[0].traits.spoken.encoding, Encoding::kALaw);
}

}  // namespace
}  // namespace trunkline::protocol
