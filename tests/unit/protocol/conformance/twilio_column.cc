#include "base/json.h"
#include "conformance.h"
#include "halves.h"
#include "protocol/legs/twilio.h"

namespace trunkline::test {
namespace {

// A media message as two; the second has no number of its own, as some
// lookalikes leave it out.
std::vector<std::string> Halve(std::string_view input) {
  constexpr std::string_view kVerb = "text ";
  if (input.substr(0, kVerb.size()) != kVerb) return {};
  const std::optional<Json> message = ParseJson(input.substr(kVerb.size()));
  if (!message || StringMember(*message, "event") != "media") return {};
  const std::string_view stream = StringMember(*message, "streamSid");
  if (!stream.empty() && stream != "MZ18ad") return {};
  const Json* media = FindMember(*message, "media");
  if (media == nullptr) return {};
  const auto payloads = HalveBase64(StringMember(*media, "payload"));
  if (!payloads) return {};
  std::vector<std::string> halves;
  for (const std::string& payload : *payloads) {
    Json part = *message;
    part["media"]["payload"] = payload;
    if (!halves.empty()) part.erase("sequenceNumber");
    halves.push_back(std::string(kVerb) + PrintJson(part));
  }
  return halves;
}

constexpr const char* kStart = R"(
  > open
  > text {"event":"connected","protocol":"Call","version":"1.0.0"}
  > text {"event":"start","sequenceNumber":"1","streamSid":"MZ18ad","start":{"accountSid":"AC1","streamSid":"MZ18ad","callSid":"CA57","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"tok","x":"y"}}}
  = started CA57 MZ18ad tok mulaw/8000 mulaw/8000 marks-echoed
)";

Cell Script(std::string_view script) {
  return {{std::string(kStart) + std::string(script)}, ""};
}
Cell FromTheSocket(std::vector<std::string> scripts) {
  return {std::move(scripts), ""};
}

}  // namespace

LegColumn TwilioColumn() {
  LegColumn column;
  column.name = "twilio";
  column.make = [](protocol::Wire& wire) -> std::unique_ptr<protocol::Leg> {
    return std::make_unique<protocol::TwilioLeg>(wire);
  };
  column.halve = Halve;
  column.tail = R"(text {"event":"news"})";
  column.tail_told = {"fault unknownEvent"};
  column.cells = {
      {LegRow::kStart, FromTheSocket({kStart, R"(
         > open
         > text {"event":"start","streamSid":"MZ1","start":{"mediaFormat":{"encoding":"audio/x-alaw","sampleRate":"8000"}}}
         = started  MZ1  alaw/8000 alaw/8000 marks-echoed
       )"})},
      {LegRow::kUnsupportedFormat, FromTheSocket({R"(
         > open
         > text {"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/opus","sampleRate":8000,"channels":1}}}
         = fault unsupportedFormat
         > text {"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":16000,"channels":1}}}
         = fault unsupportedFormat
         > text {"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":2}}}
         = fault unsupportedFormat
         > text {"event":"start","start":{"streamSid":"MZ1"}}
         = fault unsupportedFormat
         > text {"event":"media","media":{"payload":"AQ=="}}
         = fault outOfOrder
       )"})},
      {LegRow::kTimestamps, Script(R"(
         > text {"event":"media","sequenceNumber":"2","streamSid":"MZ18ad","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"AQID"}}
         = audio 20 010203
         > text {"media":{"payload":"AQID","timestamp":40,"chunk":2},"streamSid":"MZ18ad","sequenceNumber":3,"event":"media"}
         = audio 40 010203
         > text {"event":"med\u0069a","sequenceNumber":"4","streamSid":"MZ18ad","media":{"timestamp":"60","payload":"AQ\u0049D"}}
         = audio 60 010203
       )")},
      {LegRow::kNoTimestamps, Script(R"(
         > text {"event":"media","media":{"payload":"AQID"}}
         = audio - 010203
       )")},
      {LegRow::kAnyLength, Script(R"(
         > text {"event":"media","media":{"payload":"AQ=="}}
         = audio - 01
         > text {"event":"media","media":{"payload":""}}
         > text {"event":"media","media":{"payload":"AQIDBAUGBwg"}}
         = audio - 0102030405060708
         > text {"event":"media","streamSid":"MZ18ad","media":{"track":"outbound","payload":"AQID"}}
       )")},
      {LegRow::kPlay, Script(R"(
         > play 010203
         < {"event":"media","streamSid":"MZ18ad","media":{"payload":"AQID"}}
         > play ff
         < {"event":"media","streamSid":"MZ18ad","media":{"payload":"/w=="}}
         > clear
         < {"event":"clear","streamSid":"MZ18ad"}
       )")},
      {LegRow::kLengths, NotApplicable("Messages of any length are taken.")},
      {LegRow::kBeforeStart, FromTheSocket({R"(
         > open
         > text {"event":"media","media":{"payload":"AQ=="}}
         = fault outOfOrder
         > text {"event":"mark","mark":{"name":"g0:160"}}
         = fault outOfOrder
         > text {"event":"dtmf","dtmf":{"digit":"1"}}
         = fault outOfOrder
         > text {"event":"stop"}
         = fault outOfOrder
       )"})},
      {LegRow::kCommandsBeforeStart, FromTheSocket({R"(
         > open
         > play 010203
         > mark 0:160
         > clear
       )"})},
      {LegRow::kMarks, Script(R"(
         > mark 0:160
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:160"}}
         > mark 3:12800
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g3:12800"}}
         > text {"event":"mark","sequenceNumber":"2","streamSid":"MZ18ad","mark":{"name":"g0:160"}}
         = mark g0:160
         > text {"event":"mark","sequenceNumber":"3","streamSid":"MZ18ad","mark":{"name":"g3:12800"}}
         = mark g3:12800
         > text {"event":"mark","sequenceNumber":"4","streamSid":"MZ18ad","mark":{"name":"g3:12800"}}
         = fault unknownMark
       )")},
      {LegRow::kUnknownMark, Script(R"(
         > mark 0:160
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:160"}}
         > text {"event":"mark","mark":{"name":"g0:320"}}
         = fault unknownMark
         > text {"event":"mark","mark":{"name":"hello"}}
         = fault unknownMark
         > text {"event":"mark","mark":{"name":"g0:160x"}}
         = fault unknownMark
         > text {"event":"mark","mark":{}}
         = fault unknownMark
         > text {"event":"mark","mark":{"name":"g0:160"}}
         = mark g0:160
       )")},
      // Echoed: all come back, of the former generation.
      {LegRow::kMarksAfterClear, Script(R"(
         > mark 0:160
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:160"}}
         > mark 0:320
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:320"}}
         > clear
         < {"event":"clear","streamSid":"MZ18ad"}
         > mark 1:160
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g1:160"}}
         > text {"event":"mark","mark":{"name":"g0:160"}}
         = mark g0:160
         > text {"event":"mark","mark":{"name":"g0:320"}}
         = mark g0:320
         > text {"event":"mark","mark":{"name":"g1:160"}}
         = mark g1:160
       )")},
      {LegRow::kReports,
       NotApplicable("It has marks and reports nothing else.")},
      {LegRow::kFlow, NotApplicable("It takes audio without a bound.")},
      {LegRow::kDigits, Script(R"(
         > text {"event":"dtmf","streamSid":"MZ18ad","sequenceNumber":"2","dtmf":{"track":"inbound_track","digit":"#"}}
         = digit #
         > text {"event":"dtmf","dtmf":{"digit":"A"}}
         = digit A
       )")},
      {LegRow::kStop, Script(R"(
         > text {"event":"stop","streamSid":"MZ18ad","sequenceNumber":"2","stop":{"accountSid":"AC1","callSid":"CA57"}}
         = stopped
       )")},
      // They reach a socket that is about to close.
      {LegRow::kAfterStop, Script(R"(
         > text {"event":"stop","streamSid":"MZ18ad"}
         = stopped
         > play 01
         < {"event":"media","streamSid":"MZ18ad","media":{"payload":"AQ=="}}
         > clear
         < {"event":"clear","streamSid":"MZ18ad"}
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
         > close 1012
         = broken
         > close 4000
         = broken
       )")},
      {LegRow::kDuplicateStart, Script(R"(
         > text {"event":"start","start":{"streamSid":"MZ2","mediaFormat":{"encoding":"audio/x-alaw","sampleRate":8000}}}
         = fault duplicateStart
         > play 01
         < {"event":"media","streamSid":"MZ18ad","media":{"payload":"AQ=="}}
       )")},
      {LegRow::kForeignStream, Script(R"(
         > text {"event":"media","streamSid":"MZother","media":{"payload":"AQID"}}
         = fault foreignStream
         > text {"event":"stop","streamSid":"MZother"}
         = fault foreignStream
       )")},
      {LegRow::kWrongFrame, Script(R"(
         > binary 0102
         = fault unexpectedBinary
       )")},
      {LegRow::kTooLarge, Script(R"(
         > text-of 65537
         = fault tooLarge
         > text-of 65536
         = fault malformed
       )")},
      {LegRow::kMalformed, Script(R"(
         > text
         = fault malformed
         > text {
         = fault malformed
         > text []
         = fault malformed
         > text {"event":"media"} x
         = fault malformed
       )")},
      {LegRow::kMissingField, Script(R"(
         > text {}
         = fault missingField
         > text {"event":5}
         = fault missingField
         > text {"event":"media"}
         = fault missingField
         > text {"event":"media","media":{}}
         = fault missingField
         > text {"event":"media","media":{"payload":5}}
         = fault wrongType
         > text {"event":"mark","streamSid":"MZ18ad"}
         = fault missingField
         > text {"event":"dtmf","dtmf":{}}
         = fault missingField
         > text {"event":"dtmf","dtmf":{"digit":"12"}}
         = fault wrongType
       )")},
      {LegRow::kUnknownEvent, Script(R"(
         > text {"event":"news","streamSid":"MZ18ad"}
         = fault unknownEvent
       )")},
      {LegRow::kLostMessages, Script(R"(
         > text {"event":"media","sequenceNumber":"5","streamSid":"MZ18ad","media":{"payload":"AQID"}}
         = fault lostMessages
         = audio - 010203
         > text {"event":"stop","sequenceNumber":"7"}
         = fault lostMessages
         = stopped
       )")},
      {LegRow::kBadAudio, Script(R"(
         > text {"event":"media","media":{"payload":"A"}}
         = fault badPayload
         > text {"event":"media","media":{"payload":"A*=="}}
         = fault badPayload
       )")},
      {LegRow::kNewSocket, Script(R"(
         > mark 0:160
         < {"event":"mark","streamSid":"MZ18ad","mark":{"name":"g0:160"}}
         > close 1006
         = broken
         > open
         > play 01
         > text {"event":"media","media":{"payload":"AQ=="}}
         = fault outOfOrder
         > text {"event":"start","sequenceNumber":"1","start":{"streamSid":"MZ2","callSid":"CA57","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}}
         = started CA57 MZ2  mulaw/8000 mulaw/8000 marks-echoed
         > text {"event":"mark","mark":{"name":"g0:160"}}
         = fault unknownMark
         > play 01
         < {"event":"media","streamSid":"MZ2","media":{"payload":"AQ=="}}
       )")},
  };
  return column;
}

}  // namespace trunkline::test
