#include "base/json.h"
#include "conformance.h"
#include "halves.h"
#include "protocol/agents/openai_realtime.h"

namespace trunkline::test {
namespace {

// A delta of audio as two.
std::vector<std::string> Halve(std::string_view input) {
  constexpr std::string_view kVerb = "text ";
  if (input.substr(0, kVerb.size()) != kVerb) return {};
  const size_t text = input.find(' ', kVerb.size()) + 1;
  const std::optional<Json> message = ParseJson(input.substr(text));
  if (!message) return {};
  const std::string_view type = StringMember(*message, "type");
  if (type != "response.output_audio.delta" && type != "response.audio.delta") {
    return {};
  }
  const auto deltas = HalveBase64(StringMember(*message, "delta"));
  if (!deltas || StringMember(*message, "item_id").empty()) return {};
  std::vector<std::string> halves;
  for (const std::string& delta : *deltas) {
    Json part = *message;
    part["delta"] = delta;
    halves.push_back(std::string(input.substr(0, text)) + PrintJson(part));
  }
  return halves;
}

constexpr const char* kConnecting = R"(
  > begin
  < connect 1 openai /v1/realtime?model=m1 realtime
)";
constexpr const char* kOpen = R"(
  > begin
  < connect 1 openai /v1/realtime?model=m1 realtime
  > open 1
)";
constexpr const char* kReady = R"(
  > begin
  < connect 1 openai /v1/realtime?model=m1 realtime
  > open 1
  > text 1 {"type":"session.created"}
  < 1< {"session":{"audio":{"input":{"format":{"type":"audio/pcmu"},"transcription":{"model":"gpt-live-transcribe"},"turn_detection":{"create_response":false,"interrupt_response":false,"prefix_padding_ms":300,"silence_duration_ms":500,"threshold":0.5,"type":"server_vad"}},"output":{"format":{"type":"audio/pcmu"},"voice":"marin"}},"instructions":"Be brief.","output_modalities":["audio"],"type":"realtime"},"type":"session.update"}
  > text 1 {"type":"session.updated"}
  = ready
)";
constexpr const char* kResponding = R"(
  > respond 0
  < 1< {"type":"response.create"}
  > text 1 {"type":"response.created","response":{"id":"r1"}}
)";

Cell Ready(std::vector<std::string> scripts) {
  for (std::string& script : scripts) script = kReady + script;
  return {std::move(scripts), ""};
}
Cell Responding(std::string_view script) {
  return Ready({std::string(kResponding) + std::string(script)});
}
// A script that gets to `begin` and ends in each of `ends`.
Cell Ends(const char* begin, const std::vector<std::string>& ends) {
  Cell cell;
  for (const std::string& end : ends) cell.scripts.push_back(begin + end);
  return cell;
}

}  // namespace

AgentColumn OpenAiRealtimeColumn() {
  AgentColumn column;
  column.name = "openai-realtime";
  column.make =
      [](protocol::Channels& channels) -> std::unique_ptr<protocol::Agent> {
    protocol::AgentSettings settings;
    settings.model = "m1";
    settings.instructions = "Be brief.";
    settings.leg_format = {protocol::Encoding::kMuLaw, 8000};
    return std::make_unique<protocol::OpenAiRealtime>(
        protocol::MakeOpenAiConfig(std::move(settings)), channels);
  };
  column.halve = Halve;
  column.tail = R"({"type":"news"})";
  column.tail_told = {"fault unknownEvent"};
  const std::string no_http = "It has one socket and no HTTP exchange.";
  column.cells = {
      {AgentRow::kBegin, {{kConnecting}, ""}},
      {AgentRow::kNoChannel,
       {{R"(
         > full
         > begin
         = lost channels
         > room
         > begin
         < connect 1 openai /v1/realtime?model=m1 realtime
       )"},
        ""}},
      {AgentRow::kReady, Ready({R"(
         > text 1 {"type":"session.updated"}
       )"})},
      {AgentRow::kListen, Ready({R"(
         > listen 010203
         < 1< {"type":"input_audio_buffer.append","audio":"AQID"}
         > listen ff
         < 1< {"type":"input_audio_buffer.append","audio":"/w=="}
         > turn 20
       )"})},
      {AgentRow::kSpeech, Ready({R"(
         > text 1 {"type":"input_audio_buffer.speech_started","audio_start_ms":20,"item_id":"u1"}
         = speech started
         > text 1 {"type":"input_audio_buffer.speech_stopped","audio_end_ms":900,"item_id":"u1"}
         = speech stopped
       )"})},
      {AgentRow::kCommitted, Ready({R"(
         > text 1 {"type":"input_audio_buffer.committed","item_id":"u1"}
         = committed u1
       )"})},
      {AgentRow::kTranscripts, Ready({R"(
         > text 1 {"type":"conversation.item.input_audio_transcription.delta","item_id":"u1","delta":"when"}
         = caller u1+when
         > text 1 {"type":"conversation.item.input_audio_transcription.completed","item_id":"u1","transcript":"when do you open"}
         = caller u1=when do you open
         > text 1 {"type":"response.output_audio_transcript.delta","response_id":"r1","item_id":"i1","delta":"We "}
         = agent i1+We 
         > text 1 {"type":"response.audio_transcript.delta","response_id":"r1","item_id":"i1","delta":"open"}
         = agent i1+open
         > text 1 {"type":"response.output_audio_transcript.done","response_id":"r1","item_id":"i1","transcript":"We open"}
         = agent i1=We open
         > text 1 {"type":"response.output_audio_transcript.delta","response_id":"r1","item_id":"i1","delta":"bye\ud83d"}
         = agent i1+bye...
       )"})},
      {AgentRow::kTurn, Responding(R"(
         > text 1 {"type":"response.output_item.added","response_id":"r1","item":{"id":"i1"}}
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","output_index":0,"content_index":0,"delta":"AQID"}
         = audio 1 010203
         > text 1 {"type":"response.audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"BAUG"}
         = audio 1 040506
         > text 1 {"type":"response.output_audio.done","response_id":"r1","item_id":"i1"}
         > text 1 {"type":"response.done","response":{"id":"r1","status":"completed","usage":{"input_tokens":3,"output_tokens":4}}}
         = done complete 3/4
         > respond 0
         < 1< {"type":"response.create"}
       )")},
      {AgentRow::kItems, Responding(R"(
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"AQID"}
         = audio 1 010203
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i2","content_index":0,"delta":"BAUG"}
         = audio 2 040506
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i2","content_index":1,"delta":"BwgJ"}
         = audio 3 070809
         > text 1 {"type":"response.done","response":{"id":"r1","status":"completed"}}
         = done complete 0/0
       )")},
      {AgentRow::kItemNames, Responding(R"(
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"AQID"}
         = audio 1 010203
         > name 1
         = name i1
         > name 7
         = name 
       )")},
      {AgentRow::kSecondRequest, Responding(R"(
         > respond 0
         > respond 0
         > text 1 {"type":"response.done","response":{"id":"r1","status":"completed"}}
         = done complete 0/0
         < 1< {"type":"response.create"}
         > text 1 {"type":"response.created","response":{"id":"r2"}}
         > text 1 {"type":"response.done","response":{"id":"r2","status":"completed"}}
         = done complete 0/0
       )")},
      {AgentRow::kTakenBack, Responding(R"(
         > respond-then-cancel-at 1 {"type":"response.done","response":{"id":"r1"}}
       )")},
      {AgentRow::kCancel, Ready({std::string(kResponding) + R"(
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"AQID"}
         = audio 1 010203
         > cancel
         < 1< {"type":"response.cancel"}
         > cancel
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"AQID"}
         > text 1 {"type":"response.output_audio_transcript.delta","response_id":"r1","item_id":"i1","delta":"late"}
         = agent i1+late
         > text 1 {"type":"response.output_audio_transcript.delta","response_id":"r1","item_id":"i2","delta":"unheard"}
         > text 1 {"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call","status":"completed","call_id":"k1","name":"lookup","arguments":"{}"}}
         > text 1 {"type":"response.done","response":{"id":"r1","status":"cancelled"}}
         = done cancelled 0/0
       )",
                                 R"(
         > respond 0
         < 1< {"type":"response.create"}
         > cancel
         < 1< {"type":"response.cancel"}
         > text 1 {"type":"response.created","response":{"id":"r1"}}
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"AQID"}
         > respond 0
         > text 1 {"type":"response.done","response":{"id":"r1","status":"cancelled"}}
         = done cancelled 0/0
         < 1< {"type":"response.create"}
       )"})},
      {AgentRow::kCancelIdle, Ready({R"(
         > cancel
         > text 1 {"type":"error","error":{"code":"response_cancel_not_active"}}
         = fault peerError
       )"})},
      {AgentRow::kTruncate, Responding(R"(
         > text 1 {"type":"response.output_audio.delta","response_id":"r1","item_id":"i1","content_index":0,"delta":"AQIDBAUGBwgJCgsMDQ4PEA=="}
         = audio 1 0102030405060708090a0b0c0d0e0f10
         > truncate 1 1
         = truncated 1
         < 1< {"audio_end_ms":1,"content_index":0,"item_id":"i1","type":"conversation.item.truncate"}
         > truncate 1 1000
         = truncated 2
         < 1< {"audio_end_ms":2,"content_index":0,"item_id":"i1","type":"conversation.item.truncate"}
         > truncate 1 -5
         = truncated 0
         < 1< {"audio_end_ms":0,"content_index":0,"item_id":"i1","type":"conversation.item.truncate"}
         > truncate 7 100
         = truncated 0
       )")},
      {AgentRow::kDiscard, Ready({R"(
         > discard
         > text 1 {"type":"input_audio_buffer.committed","item_id":"u1"}
         = committed u1
         > discard
         < 1< {"item_id":"u1","type":"conversation.item.delete"}
         > discard
       )"})},
      {AgentRow::kSay, Ready({R"(
         > say Good morning.
         < 1< {"response":{"instructions":"Say exactly the following to the caller and nothing else: Good morning."},"type":"response.create"}
       )"})},
      {AgentRow::kTool, Responding(R"(
         > text 1 {"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call","status":"completed","call_id":"k1","name":"lookup","arguments":""}}
         = tool k1 lookup {}
         > text 1 {"type":"response.done","response":{"id":"r1","status":"completed"}}
         = done complete tools 0/0
         > result k1 at nine
         < 1< {"item":{"call_id":"k1","output":"at nine","type":"function_call_output"},"type":"conversation.item.create"}
         > result k1 at nine again
         > respond 0
         < 1< {"type":"response.create"}
         > text 1 {"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call","status":"incomplete","call_id":"k2","name":"lookup","arguments":"{\"a"}}
       )")},
      {AgentRow::kTools, Responding(R"(
         > text 1 {"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call","status":"completed","call_id":"k1","name":"lookup","arguments":"{\"a\":1}"}}
         = tool k1 lookup {"a":1}
         > text 1 {"type":"response.output_item.done","response_id":"r1","item":{"type":"function_call","status":"completed","call_id":"k2","name":"lookup","arguments":"{}"}}
         = tool k2 lookup {}
         > result k2 two
         < 1< {"item":{"call_id":"k2","output":"two","type":"function_call_output"},"type":"conversation.item.create"}
         > result k1 one
         < 1< {"item":{"call_id":"k1","output":"one","type":"function_call_output"},"type":"conversation.item.create"}
         > text 1 {"type":"response.done","response":{"id":"r1","status":"completed"}}
         = done complete tools 0/0
         > respond 0
         < 1< {"type":"response.create"}
       )")},
      {AgentRow::kUnknownTool, Ready({R"(
         > result k1 one
       )"})},
      {AgentRow::kReplyFailed, Responding(R"(
         > text 1 {"type":"response.done","response":{"id":"r1","status":"failed"}}
         = done failed 0/0
         > respond 0
         < 1< {"type":"response.create"}
       )")},
      {AgentRow::kRetryableCloses,
       Ends(kOpen, {"> close 1 1001\n= lost closed1001",
                    "> close 1 1005\n= lost closed1005",
                    "> close 1 1006\n= lost closed1006",
                    "> close 1 1011\n= lost closed1011",
                    "> close 1 1012\n= lost closed1012",
                    "> close 1 1013\n= lost closed1013\n> close 1 1013"})},
      {AgentRow::kFatalCloses,
       Ends(kOpen, {"> close 1 1000\n= fatal closed1000",
                    "> close 1 1002\n= fatal closed1002",
                    "> close 1 1003\n= fatal closed1003",
                    "> close 1 1007\n= fatal closed1007",
                    "> close 1 1008\n= fatal closed1008",
                    "> close 1 1009\n= fatal closed1009",
                    "> close 1 1010\n= fatal closed1010"})},
      {AgentRow::kRetryableStatuses,
       Ends(kConnecting, {"> refused 1 408\n= lost http408",
                          "> refused 1 429\n= lost http429",
                          "> refused 1 500\n= lost http500",
                          "> refused 1 503\n= lost http503",
                          "> refused 1 504\n= lost http504"})},
      {AgentRow::kFatalStatuses,
       Ends(kConnecting, {"> refused 1 400\n= fatal http400",
                          "> refused 1 401\n= fatal http401",
                          "> refused 1 403\n= fatal http403",
                          "> refused 1 404\n= fatal http404"})},
      {AgentRow::kRetryableErrors, Ready({R"(
         > text 1 {"type":"error","error":{"code":"session_expired"}}
         = lost session_expired
       )"})},
      {AgentRow::kFatalErrors, Ready({R"(
         > text 1 {"type":"error","error":{"code":"invalid_api_key"}}
         = fatal invalid_api_key
       )",
                                      R"(
         > text 1 {"type":"error","error":{"code":"model_not_found"}}
         = fatal model_not_found
       )",
                                      R"(
         > text 1 {"type":"error","error":{"code":"insufficient_quota"}}
         = fatal insufficient_quota
       )"})},
      {AgentRow::kHarmlessErrors, Ready({R"(
         > text 1 {"type":"error","error":{"code":"unknown_parameter"}}
         = fault peerError
         > text 1 {"type":"error"}
         = fault peerError
         > respond 0
         < 1< {"type":"response.create"}
         > text 1 {"type":"error","error":{"code":"conversation_already_has_active_response"}}
         = fault peerError
         = put off
         > text 1 {"type":"response.done","response":{"id":"r0","status":"completed"}}
         = done cancelled 0/0
         < 1< {"type":"response.create"}
       )"})},
      {AgentRow::kForeignChannel, Ready({R"(
         > text 2 {
         > binary 2 01
         > oversize 2
         > close 2 1006
         > headers 1 200 {}
         > chunk 1 "x"
         > done 1
         > failed 1
       )"})},
      {AgentRow::kNotOpenYet,
       {{std::string(kConnecting) + R"(
         > text 1 {"type":"session.created"}
         > binary 1 01
         > listen 01
       )"},
        ""}},
      {AgentRow::kOversize, Ready({R"(
         > oversize 1
         = fault tooLarge
       )"})},
      {AgentRow::kWrongFrame, Ready({R"(
         > binary 1 01
         = fault unexpectedBinary
       )"})},
      {AgentRow::kMalformed, Ready({R"(
         > text 1 {
         = fault malformed
         > text 1 []
         = fault malformed
         > text 1 {"type":5}
         = fault missingField
         > text 1 {"type":"response.output_audio.delta","item_id":"i","delta":"*"}
         = fault badPayload
         > text 1 {"type":"response.output_audio.delta","delta":"AAAA"}
         = fault missingField
       )"})},
      {AgentRow::kUnknownEvent, Ready({R"(
         > text 1 {"type":"news"}
         = fault unknownEvent
         > text 1 {"type":"rate_limits.updated","rate_limits":[]}
       )"})},
      {AgentRow::kHttpBody, NotApplicable(no_http)},
      {AgentRow::kHttpFailure, NotApplicable(no_http)},
      {AgentRow::kDeadline,
       NotApplicable("The session's deadlines are enough for it.")},
      {AgentRow::kEnd, Ready({R"(
         > end call ended
         < close 1 1000 call ended
         > text 1 {
         > close 1 1006
         > listen 01
         > respond 0
         > end twice
       )"})},
      {AgentRow::kEndWhileConnecting,
       {{std::string(kConnecting) + R"(
         > end too slow
         < close 1 1000 too slow
         > open 1
       )"},
        ""}},
      {AgentRow::kNewBeginning, Responding(R"(
         > close 1 1006
         = lost closed1006
         > end closed1006
         > begin
         < connect 2 openai /v1/realtime?model=m1 realtime
         > open 2
         > text 1 {
         > text 2 {"type":"session.created"}
         < 2< {"session":...
         > text 2 {"type":"session.updated"}
         = ready
         > respond 0
         < 2< {"type":"response.create"}
       )")},
      {AgentRow::kHistory, Responding(R"(
         > text 1 {"type":"conversation.item.input_audio_transcription.completed","item_id":"u1","transcript":"when do you open"}
         = caller u1=when do you open
         > text 1 {"type":"response.output_audio_transcript.done","response_id":"r1","item_id":"i1","transcript":"At nine"}
         = agent i1=At nine
         > close 1 1006
         = lost closed1006
         > begin
         < connect 2 openai /v1/realtime?model=m1 realtime
         > open 2
         > text 2 {"type":"session.created"}
         < 2< {"session":...
         > text 2 {"type":"session.updated"}
         = ready
         > tell when do you open|At nine
         < 2< {"item":{"content":[{"text":"when do you open","type":"input_text"}],"role":"user","type":"message"},"type":"conversation.item.create"}
         < 2< {"item":{"content":[{"text":"At nine","type":"output_text"}],"role":"assistant","type":"message"},"type":"conversation.item.create"}
         > tell-call k1
         < 2< {"item":{"arguments":"{}","call_id":"k1","name":"lookup","type":"function_call"},"type":"conversation.item.create"}
         > result k1 at nine
         < 2< {"item":{"call_id":"k1","output":"at nine","type":"function_call_output"},"type":"conversation.item.create"}
       )")},
  };
  return column;
}

}  // namespace trunkline::test
