#include "conformance.h"
#include "support/plain_leg.h"

namespace trunkline::test {
namespace {

// A binary frame as two, between samples of any format.
std::vector<std::string> Halve(std::string_view input) {
  constexpr std::string_view kVerb = "binary ";
  if (input.substr(0, kVerb.size()) != kVerb) return {};
  const std::string_view hex = input.substr(kVerb.size());
  if (hex.size() < 8 || hex.size() % 4 != 0) return {};
  const size_t half = hex.size() / 8 * 4;
  return {std::string(kVerb) + std::string(hex.substr(0, half)),
          std::string(kVerb) + std::string(hex.substr(half))};
}

constexpr const char* kStart = R"(
  > open
  > text {"type":"start","callId":"c1","streamId":"s1","token":"tok"}
  = started c1 s1 tok pcm16/16000 pcm16/16000 clock pauses max-6400 multiple-640
)";
constexpr const char* kMarksEchoed = R"(
  > open
  > text {"type":"start","playback":"marks","marksOnClear":"echoed","heard":"alaw/8000","spoken":"mulaw/8000"}
  = started    alaw/8000 mulaw/8000 marks-echoed pauses max-6400 multiple-640
)";
constexpr const char* kMarksDropped = R"(
  > open
  > text {"type":"start","playback":"marks","marksOnClear":"dropped","spoken":"pcm16be/48000"}
  = started    pcm16/16000 pcm16be/48000 marks-dropped pauses max-6400 multiple-640
)";
constexpr const char* kReports = R"(
  > open
  > text {"type":"start","playback":"reports","flowControl":"none"}
  = started    pcm16/16000 pcm16/16000 reports max-6400 multiple-640
)";

Cell Script(std::string_view script) {
  return {{std::string(kStart) + std::string(script)}, ""};
}

}  // namespace

LegColumn PlainColumn() {
  LegColumn column;
  column.name = "plain";
  column.built_in = false;
  column.make = [](protocol::Wire& wire) -> std::unique_ptr<protocol::Leg> {
    return std::make_unique<PlainLeg>(wire);
  };
  column.halve = Halve;
  column.tail = R"(text {"type":"news"})";
  column.tail_told = {"fault unknownEvent"};
  const std::string echoed = kMarksEchoed;
  const std::string dropped = kMarksDropped;
  const std::string reports = kReports;
  column.cells = {
      {LegRow::kStart, {{kStart, echoed, dropped, reports}, ""}},
      {LegRow::kUnsupportedFormat,
       {{R"(
         > open
         > text {"type":"start","heard":"opus/48000"}
         = fault unsupportedFormat
         > text {"type":"start","spoken":"pcm16/44100"}
         = fault unsupportedFormat
         > text {"type":"start","heard":"pcm16"}
         = fault unsupportedFormat
         > text {"type":"start","heard":16000}
         = fault unsupportedFormat
         > binary 0102
         = fault outOfOrder
       )"},
        ""}},
      {LegRow::kTimestamps, Script(R"(
         > text {"type":"at","ms":20}
         > binary 0102
         = audio 20 0102
         > binary 0304
         = audio - 0304
       )")},
      {LegRow::kNoTimestamps, Script(R"(
         > binary 01020304
         = audio - 01020304
       )")},
      {LegRow::kAnyLength, Script(R"(
         > binary 0102
         = audio - 0102
         > binary
         > binary 0102030405060708
         = audio - 0102030405060708
       )")},
      {LegRow::kPlay, Script(R"(
         > play 01020304
         < binary 01020304
         > clear
         < {"type":"clear"}
       )")},
      {LegRow::kLengths,
       {{R"(
         > open
         > text {"type":"start","maxMessageBytes":4,"messageMultipleBytes":2}
         = started    pcm16/16000 pcm16/16000 clock pauses max-4 multiple-2
         > play 01020304
         < binary 01020304
         > play 0102
         < binary 0102
       )"},
        ""}},
      {LegRow::kBeforeStart,
       {{R"(
         > open
         > binary 0102
         = fault outOfOrder
         > text {"type":"digit","digit":"1"}
         = fault outOfOrder
         > text {"type":"mark","name":"0:160"}
         = fault outOfOrder
         > text {"type":"stop"}
         = fault outOfOrder
       )"},
        ""}},
      {LegRow::kCommandsBeforeStart,
       {{R"(
         > open
         > play 0102
         > mark 0:160
         > clear
       )"},
        ""}},
      {LegRow::kMarks,
       {{echoed + R"(
         > mark 0:160
         < {"name":"0:160","type":"mark"}
         > mark 0:320
         < {"name":"0:320","type":"mark"}
         > text {"type":"mark","name":"0:160"}
         = mark g0:160
         > text {"type":"mark","name":"0:320"}
         = mark g0:320
         > text {"type":"mark","name":"0:320"}
         = fault unknownMark
       )",
         std::string(kStart) + R"(
         > mark 0:160
       )"},
        ""}},
      {LegRow::kUnknownMark,
       {{echoed + R"(
         > mark 0:160
         < {"name":"0:160","type":"mark"}
         > text {"type":"mark","name":"0:161"}
         = fault unknownMark
         > text {"type":"mark"}
         = fault unknownMark
         > text {"type":"mark","name":"0:160"}
         = mark g0:160
       )"},
        ""}},
      {LegRow::kMarksAfterClear,
       {{echoed + R"(
         > mark 0:160
         < {"name":"0:160","type":"mark"}
         > clear
         < {"type":"clear"}
         > text {"type":"mark","name":"0:160"}
         = mark g0:160
       )",
         dropped + R"(
         > mark 0:160
         < {"name":"0:160","type":"mark"}
         > clear
         < {"type":"clear"}
         > mark 1:160
         < {"name":"1:160","type":"mark"}
         > text {"type":"mark","name":"0:160"}
         = fault unknownMark
         > text {"type":"mark","name":"1:160"}
         = mark g1:160
       )"},
        ""}},
      {LegRow::kReports,
       {{reports + R"(
         > text {"type":"played","samples":320}
         = played 320
         > text {"type":"played"}
         = fault missingField
       )",
         std::string(kStart) + R"(
         > text {"type":"played","samples":320}
         = fault outOfOrder
       )"},
        ""}},
      {LegRow::kFlow,
       {{std::string(kStart) + R"(
         > text {"type":"pause"}
         = paused
         > text {"type":"resume"}
         = ready
       )",
         reports + R"(
         > text {"type":"pause"}
         = fault outOfOrder
       )"},
        ""}},
      {LegRow::kDigits, Script(R"(
         > text {"type":"digit","digit":"5"}
         = digit 5
       )")},
      {LegRow::kStop, Script(R"(
         > text {"type":"stop"}
         = stopped
       )")},
      // Nothing is sent to a stream that is over.
      {LegRow::kAfterStop, Script(R"(
         > text {"type":"stop"}
         = stopped
         > play 0102
         > clear
         > binary 0102
         = fault outOfOrder
         > close 1000
         = hung up
       )")},
      {LegRow::kHungUp, Script(R"(
         > close 1000
         = hung up
         > close 1001
         = hung up
         > close 1005
         = hung up
       )")},
      {LegRow::kBroken, Script(R"(
         > close 1002
         = broken
         > close 1006
         = broken
         > close 1011
         = broken
       )")},
      {LegRow::kDuplicateStart, Script(R"(
         > text {"type":"start","heard":"alaw/8000"}
         = fault duplicateStart
         > binary 01
         = fault badPayload
       )")},
      {LegRow::kForeignStream, Script(R"(
         > text {"type":"stop","streamId":"s2"}
         = fault foreignStream
         > text {"type":"stop","streamId":"s1"}
         = stopped
       )")},
      {LegRow::kWrongFrame,
       NotApplicable("Audio is binary and everything else is text.")},
      {LegRow::kTooLarge, Script(R"(
         > text-of 65537
         = fault tooLarge
         > binary-of 65538
         = fault tooLarge
       )")},
      {LegRow::kMalformed, Script(R"(
         > text
         = fault malformed
         > text []
         = fault malformed
       )")},
      {LegRow::kMissingField,
       {{std::string(kStart) + R"(
         > text {}
         = fault missingField
         > text {"type":"at"}
         = fault missingField
         > text {"type":"digit"}
         = fault missingField
         > text {"type":"digit","digit":"12"}
         = fault wrongType
       )",
         R"(
         > open
         > text {"type":"start","playback":"guess"}
         = fault wrongType
         > text {"type":"start","maxMessageBytes":"many"}
         = fault wrongType
       )"},
        ""}},
      {LegRow::kUnknownEvent, Script(R"(
         > text {"type":"news"}
         = fault unknownEvent
       )")},
      {LegRow::kLostMessages, NotApplicable("Its messages have no numbers.")},
      {LegRow::kBadAudio, Script(R"(
         > binary 010203
         = fault badPayload
       )")},
      {LegRow::kNewSocket,
       {{echoed + R"(
         > mark 0:160
         < {"name":"0:160","type":"mark"}
         > close 1006
         = broken
         > open
         > binary 0102
         = fault outOfOrder
         > text {"type":"start","playback":"marks","streamId":"s2"}
         = started  s2  pcm16/16000 pcm16/16000 marks-dropped pauses max-6400 multiple-640
         > text {"type":"mark","name":"0:160"}
         = fault unknownMark
       )"},
        ""}},
  };
  return column;
}

}  // namespace trunkline::test
