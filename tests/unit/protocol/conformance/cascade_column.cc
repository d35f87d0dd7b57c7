#include "base/json.h"
#include "conformance.h"
#include "protocol/agents/registry.h"
#include "protocol/registry.h"

namespace trunkline::test {
namespace {

// A chunk of a body as two.
std::vector<std::string> Halve(std::string_view input) {
  constexpr std::string_view kVerb = "chunk ";
  if (input.substr(0, kVerb.size()) != kVerb) return {};
  const size_t text = input.find(' ', kVerb.size()) + 1;
  const auto body = Json::parse(input.substr(text)).get<std::string>();
  if (body.size() < 2) return {};
  const std::string head(input.substr(0, text));
  return {head + PrintJson(body.substr(0, body.size() / 2)),
          head + PrintJson(body.substr(body.size() / 2))};
}

// What follows a greeting of no channel. A turn is 100 ms of silence, the
// shortest that is sent.
std::string Ready(std::string_view script) {
  return "> begin\n= ready\n" + std::string(script);
}
std::string Turn(std::string_view script) {
  return Ready("> turn 0\n> listen " + std::string(3200, '0') + R"(
    > respond 0
    < fetch 1 POST openai /v1/audio/transcriptions...
  )" + std::string(script));
}
std::string Asked(std::string_view script) {
  return Turn(R"(
    > headers 1 200 {"content-type":"application/json"}
    > chunk 1 "{\"text\":\"when do you open\"}"
    > done 1
    = caller turn-1=when do you open
    = needs conversation
    > tell when do you open|
    < fetch 2 POST openai /v1/chat/completions {"messages":[{"content":"Be brief.","role":"system"},{"content":"when do you open","role":"user"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}
    > headers 2 200 {"content-type":"text/event-stream"}
  )" + std::string(script));
}
std::string Speaking(std::string_view script) {
  return Asked(R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"content\":\"At nine. Bye.\"}}]}\n\n"
    = agent reply-1+At nine.
    < fetch 3 POST openai /v1/audio/speech {"input":"At nine.","model":"v","response_format":"pcm","voice":"alloy"}
    > headers 3 200 {"content-type":"audio/pcm"}
    > chunk 3 "\u0001\u0002\u0003\u0004"
    = audio 1 01020304
  )" + std::string(script));
}

}  // namespace

AgentColumn CascadeColumn() {
  AgentColumn column;
  column.name = "cascade";
  column.make =
      [](protocol::Channels& channels) -> std::unique_ptr<protocol::Agent> {
    protocol::AgentSettings settings;
    settings.instructions = "Be brief.";
    settings.leg_format = {protocol::Encoding::kMuLaw, 8000};
    settings.stt = {{"service", "openai"}, {"model", "t"}};
    settings.llm = {{"service", "openai"}, {"model", "m"}};
    settings.tts = {{"service", "openai"}, {"model", "v"}, {"voice", "alloy"}};
    return protocol::Registry::BuiltIn().FindAgent("cascade")->make(
        std::move(settings), channels);
  };
  column.halve = Halve;
  const std::string no_socket =
      "Each of its requests is an HTTP exchange of its own.";
  const std::string local_turns = "The gateway says where turns end.";
  for (const AgentRow row :
       {AgentRow::kBegin, AgentRow::kRetryableCloses, AgentRow::kFatalCloses,
        AgentRow::kRetryableStatuses, AgentRow::kFatalStatuses,
        AgentRow::kNotOpenYet, AgentRow::kOversize, AgentRow::kWrongFrame}) {
    column.cells[row] = NotApplicable(no_socket);
  }
  for (const AgentRow row : {AgentRow::kSpeech, AgentRow::kCommitted}) {
    column.cells[row] = NotApplicable(local_turns);
  }
  column.cells[AgentRow::kItems] = NotApplicable("A reply is one item.");
  column.cells[AgentRow::kRetryableErrors] =
      NotApplicable("What may do better next time costs one text or reply.");
  const auto script = [&column](AgentRow row, std::string text) {
    column.cells[row].scripts.push_back(std::move(text));
  };
  script(AgentRow::kReady, Ready(""));
  // A turn that could not be sent is one that was not understood.
  script(AgentRow::kNoChannel,
         Ready("> turn 0\n> listen " + std::string(3200, '0') + R"(
    > full
    > respond 0
    = fault peerError
    = no text turn-1
    = needs conversation
    > tell |
    = done failed 0/0 channels
    > room
    > respond 0
    = needs conversation
    > tell |
    < fetch 1 POST openai /v1/chat/completions...
  )"));
  script(AgentRow::kListen, Turn(""));
  script(AgentRow::kTranscripts, Speaking(""));
  script(AgentRow::kTurn, Speaking(R"(
    > done 3
    = words reply-1 8@0
    > chunk 2 "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n"
    = agent reply-1+ Bye.
    < fetch 4 POST openai /v1/audio/speech {"input":" Bye.","model":"v","response_format":"pcm","voice":"alloy"}
    > headers 4 200 {"content-type":"audio/pcm"}
    > chunk 4 "\u0005\u0006\u0007\u0008"
    = audio 1 05060708
    > done 4
    = words reply-1 13@0
    = agent reply-1=At nine. Bye.
    = done complete 9/4
  )"));
  script(AgentRow::kItemNames, Speaking(R"(
    > name 1
    = name reply-1
    > name 7
    = name 
  )"));
  script(AgentRow::kSecondRequest, Speaking(R"(
    > respond 0
    > respond 0
    > done 3
    = words reply-1 8@0
    > chunk 2 "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n"
    = agent reply-1+ Bye.
    < fetch 4 POST openai /v1/audio/speech...
    > headers 4 500 {}
    > done 4
    = fault peerError
    < fetch 5 POST openai /v1/audio/speech...
    > headers 5 500 {}
    > done 5
    = agent reply-1=At nine. Bye.
    = done failed 0/0 http500
    = needs conversation
  )"));
  script(AgentRow::kTakenBack, Speaking(R"(
    > chunk 2 "data: [DONE]\n\n"
    > done 3
    = words reply-1 8@0
    = agent reply-1+ Bye.
    < fetch 4 POST openai /v1/audio/speech...
    > headers 4 500 {}
    > done 4
    = fault peerError
    < fetch 5 POST openai /v1/audio/speech...
    > headers 5 500 {}
    > respond-then-cancel-done 5
  )"));
  script(AgentRow::kCancel, Speaking(R"(
    > cancel
    = agent reply-1=At nine.
    = done cancelled 0/0
    < abort 2
    < abort 3
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"content\":\"Late.\"}}]}\n\n"
    > chunk 3 "\u0001\u0002"
    > cancel
  )"));
  script(AgentRow::kCancelIdle, Ready("> cancel\n"));
  script(AgentRow::kTruncate, Asked(R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"content\":\"At nine. Bye.\"}}]}\n\n"
    = agent reply-1+At nine.
    < fetch 3 POST openai /v1/audio/speech...
    > headers 3 200 {"content-type":"audio/pcm"}
    > chunk 3 "........................................................................................................"
    = audio 1 2e2e...
    > truncate 1 1
    = truncated 1
    > truncate 1 500
    = truncated 2
    > truncate 7 500
    = truncated 0
  )"));
  script(AgentRow::kDiscard,
         Ready("> turn 0\n> listen " + std::string(3200, '0') + R"(
    > discard
    > respond 0
    = needs conversation
  )"));
  script(AgentRow::kSay, Ready(R"(
    > say Good morning.
    = agent reply-1+Good morning.
    < fetch 1 POST openai /v1/audio/speech {"input":"Good morning.","model":"v","response_format":"pcm","voice":"alloy"}
  )"));
  constexpr const char* kCall = R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"k1\",\"function\":{\"name\":\"lookup\",\"arguments\":\"{\\\"a\"}}]}}]}\n\n"
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\":1}\"}}]}}]}\n\n"
  )";
  constexpr const char* kCalled = R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
  )";
  script(AgentRow::kTool, Asked(std::string(kCall) + kCalled + R"(
    = tool k1 lookup {"a":1}
    > chunk 2 "data: [DONE]\n\n"
    = done complete tools 0/0
    > done 2
    > result k1 at nine
    > respond 0
    = needs conversation
    > tell-call k1
    < fetch 3 POST openai /v1/chat/completions {"messages":[{"content":"Be brief.","role":"system"},{"content":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{}","name":"lookup"},"id":"k1","type":"function"}]}...
  )"));
  script(AgentRow::kTools, Asked(std::string(kCall) + R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"k2\",\"function\":{\"name\":\"lookup\",\"arguments\":\"{}\"}}]}}]}\n\n"
  )" + kCalled + R"(
    = tool k1 lookup {"a":1}
    = tool k2 lookup {}
    > chunk 2 "data: [DONE]\n\n"
    = done complete tools 0/0
    > result k2 two
    > result k1 one
    > respond 0
    = needs conversation
  )"));
  script(AgentRow::kUnknownTool, Ready("> result k1 one\n"));
  script(AgentRow::kReplyFailed, Asked(R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"content\":\"At\"}}]}\n\n"
    > done 2
    = done failed 0/0 truncated
  )"));
  script(AgentRow::kReplyFailed, Asked(R"(
    > chunk 2 "data: {\"error\":{\"message\":\"Overloaded\",\"code\":\"server_error\"}}\n\n"
    = done failed 0/0 server_error Overloaded
    < abort 2
  )"));
  // A voice that breaks off takes the answer with it; what came of it stands.
  script(AgentRow::kReplyFailed, Speaking(R"(
    > failed 3
    = agent reply-1=At nine.
    = done failed 0/0 timeout timeout
    < abort 2
  )"));
  script(AgentRow::kFatalErrors, Turn(R"(
    > headers 1 401 {"content-type":"application/json"}
    > chunk 1 "{\"error\":{\"message\":\"Incorrect API key\",\"code\":\"invalid_api_key\"}}"
    > done 1
    = fatal invalid_api_key Incorrect API key
  )"));
  script(AgentRow::kFatalErrors, Asked(R"(
    > chunk 2 "data: {\"error\":{\"message\":\"No money\",\"code\":\"insufficient_quota\"}}\n\n"
    = done refused 0/0 insufficient_quota No money
    < abort 2
  )"));
  // What he said is sent once more when the server wants it to be; then the
  // caller is asked to say it again.
  script(AgentRow::kHarmlessErrors, Turn(R"(
    > headers 1 429 {"retry-after":"2"}
    > done 1
    = fault peerError
    > time 1999
    > time 2000
    = woken
    < fetch 2 POST openai /v1/audio/transcriptions...
    > headers 2 500 {}
    > done 2
    = fault peerError
    = no text turn-1
    = needs conversation
    > tell |
    < fetch 3 POST openai /v1/chat/completions {"messages":[{"content":"Be brief.","role":"system"},{"content":"[not understood]","role":"user"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}
  )"));
  script(AgentRow::kForeignChannel, Asked(R"(
    > chunk 9 "data: {\"error\":{}}\n\n"
    > done 9
    > failed 9
    > headers 9 500 {}
    > text 9 x
  )"));
  script(AgentRow::kMalformed, Asked(R"(
    > chunk 2 "data: {nonsense\n\n"
    = fault malformed
    = done failed 0/0 malformed
    < abort 2
  )"));
  script(AgentRow::kUnknownEvent, Asked(R"(
    > chunk 2 "event: news\nid: 7\n: a comment\n\ndata: {\"something\":\"new\"}\n\n"
  )"));
  script(AgentRow::kHttpBody, Speaking(R"(
    > time 1000
    = woken
    < credit 3 48000
    > time 1500
    > time 2000
    = woken
    < credit 3 48000
  )"));
  script(AgentRow::kHttpFailure, Asked(R"(
    > failed 2
    = done failed 0/0 timeout timeout
  )"));
  script(AgentRow::kHttpFailure, Asked(R"(
    > chunk 2 "data: {\"choices\":[{\"delta\":{\"content\":\"At nine. Bye.\"}}]}\n\n"
    = agent reply-1+At nine.
    < fetch 3 POST openai /v1/audio/speech...
    > headers 3 200 {"content-type":"audio/pcm"}
    > chunk 3 "{\"error\":{\"message\":\"Overloaded\"}}"
    > done 3
    = fault peerError
    < fetch 4 POST openai /v1/audio/speech...
    > headers 4 200 {"content-type":"audio/pcm"}
    > chunk 4 "{\"error\":{\"message\":\"Overloaded\"}}"
    > done 4
    = agent reply-1=At nine.
    = done failed 0/0 contentType Overloaded
    < abort 2
  )"));
  script(AgentRow::kDeadline, Speaking(R"(
    > time 999
    > time 1000
    = woken
    < credit 3 48000
  )"));
  script(AgentRow::kEnd, Speaking(R"(
    > end over
    < abort 2
    < abort 3
    > chunk 3 "\u0001\u0002"
    > done 2
  )"));
  script(AgentRow::kEndWhileConnecting, Turn(R"(
    > end over
    < abort 1
    > done 1
  )"));
  script(AgentRow::kNewBeginning, Speaking(R"(
    > end lost
    < abort 2
    < abort 3
    > begin
    = ready
    > respond 0
    = needs conversation
  )"));
  script(AgentRow::kHistory, Ready(R"(
    > respond 0
    = needs conversation
    > tell when do you open|At nine
    < fetch 1 POST openai /v1/chat/completions {"messages":[{"content":"Be brief.","role":"system"},{"content":"when do you open","role":"user"},{"content":"At nine","role":"assistant"}],"model":"m","stream":true,"stream_options":{"include_usage":true}}
  )"));
  return column;
}

}  // namespace trunkline::test
