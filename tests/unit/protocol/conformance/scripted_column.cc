#include "conformance.h"
#include "support/scripted_agent.h"

namespace trunkline::test {
namespace {

// A binary frame as two, between samples.
std::vector<std::string> Halve(std::string_view input) {
  constexpr std::string_view kVerb = "binary 2 ";
  if (input.substr(0, kVerb.size()) != kVerb) return {};
  const std::string_view hex = input.substr(kVerb.size());
  if (hex.size() < 8) return {};
  const size_t half = hex.size() / 8 * 4;
  return {std::string(kVerb) + std::string(hex.substr(0, half)),
          std::string(kVerb) + std::string(hex.substr(half))};
}

constexpr const char* kConnecting = R"(
  > begin
  < connect 1 scripted-ears /listen ears
  < connect 2 scripted-voice /speak 
)";
constexpr const char* kReady = R"(
  > begin
  < connect 1 scripted-ears /listen ears
  < connect 2 scripted-voice /speak 
  > open 1
  > open 2
  = ready
  < 1< {"instructions":"Be brief.","tools":null,"type":"begin"}
)";
constexpr const char* kThinking = R"(
  > respond 0
  < fetch 3 POST scripted-mind /reply {"turn":1}
  > headers 3 200 {"content-type":"text/plain"}
)";
constexpr const char* kSpeaking = R"(
  > respond 0
  < fetch 3 POST scripted-mind /reply {"turn":1}
  > headers 3 200 {"content-type":"text/plain"}
  > chunk 3 "At nine.\n"
  < 2< {"text":"At nine.","type":"say"}
  < credit 3 9
  > done 3
  < 2< {"type":"flush"}
  > text 2 {"type":"item","name":"i1"}
  > binary 2 01020304
  = audio 1 01020304
)";

Cell Ready(std::vector<std::string> scripts) {
  for (std::string& script : scripts) script = kReady + script;
  return {std::move(scripts), ""};
}
Cell Speaking(std::string_view script) {
  return Ready({std::string(kSpeaking) + std::string(script)});
}

}  // namespace

AgentColumn ScriptedColumn() {
  AgentColumn column;
  column.name = "scripted";
  column.built_in = false;
  column.make =
      [](protocol::Channels& channels) -> std::unique_ptr<protocol::Agent> {
    protocol::AgentSettings settings;
    settings.instructions = "Be brief.";
    return std::make_unique<ScriptedAgent>(std::move(settings), channels);
  };
  column.halve = Halve;
  column.tail = R"({"type":"news"})";
  column.tail_told = {"fault unknownEvent"};
  column.cells = {
      {AgentRow::kBegin, {{kConnecting}, ""}},
      {AgentRow::kNoChannel,
       {{R"(
         > full
         > begin
         = lost channels
         > room
         > begin
         < connect 1 scripted-ears /listen ears
         < connect 2 scripted-voice /speak 
       )"},
        ""}},
      {AgentRow::kReady,
       {{kReady, std::string(kConnecting) + R"(
         > open 2
         > open 2
         > open 1
         = ready
         < 1< {"instructions":"Be brief.","tools":null,"type":"begin"}
       )"},
        ""}},
      {AgentRow::kListen, Ready({R"(
         > listen 0102
         < 1< binary 0102
         > turn 20
         < 1< {"agoMs":20,"type":"turn"}
       )"})},
      {AgentRow::kSpeech, Ready({R"(
         > text 1 {"type":"speech","edge":"started"}
         = speech started
         > text 1 {"type":"speech","edge":"stopped"}
         = speech stopped
       )"})},
      {AgentRow::kCommitted, Ready({R"(
         > text 1 {"type":"committed","item":"u1"}
         = committed u1
       )"})},
      {AgentRow::kTranscripts, Ready({R"(
         > text 1 {"type":"transcript","role":"caller","item":"u1","text":"when"}
         = caller u1+when
         > text 1 {"type":"transcript","role":"caller","item":"u1","text":"when do you open","final":true}
         = caller u1=when do you open
         > text 1 {"type":"transcript","role":"agent","item":"i1","text":"At nine.","final":true}
         = agent i1=At nine.
       )"})},
      {AgentRow::kTurn, Speaking(R"(
         > text 2 {"type":"done"}
         = done complete 0/0
         > respond 0
         < fetch 4 POST scripted-mind /reply {"turn":2}
       )")},
      {AgentRow::kItems, Speaking(R"(
         > text 2 {"type":"item","name":"i2"}
         > binary 2 05060708
         = audio 2 05060708
         > text 2 {"type":"done"}
         = done complete 0/0
       )")},
      {AgentRow::kItemNames, Speaking(R"(
         > name 1
         = name i1
         > name 7
         = name 
       )")},
      {AgentRow::kSecondRequest, Speaking(R"(
         > respond 0
         > respond 0
         > text 2 {"type":"done"}
         = done complete 0/0
         < fetch 4 POST scripted-mind /reply {"turn":2}
         > respond 0
       )")},
      {AgentRow::kTakenBack, Speaking(R"(
         > respond-then-cancel-at 2 {"type":"done"}
       )")},
      {AgentRow::kCancel, Ready({std::string(kSpeaking) + R"(
         > cancel
         < 2< {"type":"stop"}
         > cancel
         > binary 2 0506
         > text 2 {"type":"item","name":"late"}
         > binary 2 0506
         > text 2 {"type":"done"}
         > text 2 {"type":"done","stopped":true}
         = done cancelled 0/0
       )",
                                 std::string(kThinking) + R"(
         > chunk 3 "At n"
         < credit 3 4
         > cancel
         < abort 3
         < 2< {"type":"stop"}
         > chunk 3 "ine.\n"
         > done 3
         > respond 0
         > text 2 {"type":"done","stopped":true}
         = done cancelled 0/0
         < fetch 4 POST scripted-mind /reply {"turn":2}
       )"})},
      {AgentRow::kCancelIdle, Ready({R"(
         > cancel
       )"})},
      {AgentRow::kTruncate, Ready({std::string(kSpeaking) + R"(
         > truncate 1 1000
         = truncated 0
         < 1< {"item":"i1","ms":0,"type":"heard"}
         > binary 2 000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
         = audio 1 000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
         > truncate 1 1000
         = truncated 1
         < 1< {"item":"i1","ms":1,"type":"heard"}
         > truncate 7 100
         = truncated 0
       )"})},
      {AgentRow::kDiscard, Ready({R"(
         > discard
         > turn 40
         < 1< {"agoMs":40,"type":"turn"}
         > discard
         < 1< {"type":"forget"}
         > discard
       )"})},
      {AgentRow::kSay, Ready({R"(
         > say Good morning.
         < 2< {"text":"Good morning.","type":"say"}
         < 2< {"type":"flush"}
         > text 2 {"type":"item","name":"i1"}
         > binary 2 0102
         = audio 1 0102
         > text 2 {"type":"done"}
         = done complete 0/0
       )"})},
      {AgentRow::kTool, Ready({R"(
         > text 1 {"type":"tool","id":"k1","name":"lookup","arguments":"{}"}
         = tool k1 lookup {}
         > result k1 at nine
         < 1< {"id":"k1","output":"at nine","type":"toolResult"}
         > result k1 at nine again
         > respond 0
         < fetch 3 POST scripted-mind /reply {"turn":1}
       )"})},
      {AgentRow::kTools, Speaking(R"(
         > text 1 {"type":"tool","id":"k1","name":"lookup","arguments":"{}"}
         = tool k1 lookup {}
         > text 1 {"type":"tool","id":"k2","name":"lookup","arguments":"{}"}
         = tool k2 lookup {}
         > result k2 two
         < 1< {"id":"k2","output":"two","type":"toolResult"}
         > result k1 one
         < 1< {"id":"k1","output":"one","type":"toolResult"}
         > text 2 {"type":"done"}
         = done complete tools 0/0
         > respond 0
         < fetch 4 POST scripted-mind /reply {"turn":2}
       )")},
      {AgentRow::kUnknownTool, Ready({R"(
         > result k1 one
       )"})},
      {AgentRow::kReplyFailed, Ready({std::string(kThinking) + R"(
         > failed 3
         = done failed 0/0
         < 2< {"type":"stop"}
         > binary 2 0102
         > respond 0
         > text 2 {"type":"done","stopped":true}
         < fetch 4 POST scripted-mind /reply {"turn":2}
       )"})},
      {AgentRow::kRetryableCloses, Ready({R"(
         > close 1 1006
         = lost closed1006
         < close 2 1000 closed1006
         > close 2 1006
       )",
                                          R"(
         > close 2 1000
         = lost closed1000
         < close 1 1000 closed1000
       )"})},
      {AgentRow::kFatalCloses, Ready({R"(
         > close 1 1008
         = fatal closed1008
         < close 2 1000 closed1008
       )"})},
      {AgentRow::kRetryableStatuses,
       {{std::string(kConnecting) + R"(
         > refused 1 503
         = lost http503
         < close 2 1000 http503
       )"},
        ""}},
      {AgentRow::kFatalStatuses,
       {{std::string(kConnecting) + R"(
         > open 1
         > refused 2 401
         = fatal http401
         < close 1 1000 http401
       )"},
        ""}},
      {AgentRow::kRetryableErrors, Ready({R"(
         > text 1 {"type":"fail","code":"expired"}
         = lost expired
         > end expired
         < close 1 1000 expired
         < close 2 1000 expired
       )"})},
      {AgentRow::kFatalErrors, Ready({R"(
         > text 1 {"type":"fail","code":"forbidden","fatal":true}
         = fatal forbidden
       )"})},
      {AgentRow::kHarmlessErrors,
       NotApplicable("It has none that are harmless.")},
      {AgentRow::kForeignChannel, Ready({R"(
         > text 4 {
         > binary 4 01
         > oversize 4
         > close 4 1006
         > headers 4 500 {}
         > chunk 4 "x"
         > done 4
         > failed 4
       )"})},
      {AgentRow::kNotOpenYet,
       {{std::string(kConnecting) + R"(
         > text 1 {"type":"committed","item":"u1"}
         > binary 2 0102
         > listen 0102
       )"},
        ""}},
      {AgentRow::kOversize, Ready({R"(
         > oversize 2
         = fault tooLarge
       )"})},
      {AgentRow::kWrongFrame, Ready({R"(
         > binary 1 0102
         = fault unexpectedBinary
       )"})},
      {AgentRow::kMalformed, Ready({R"(
         > text 1 {
         = fault malformed
         > text 2 []
         = fault malformed
         > text 2 {}
         = fault missingField
         > text 1 {"type":"tool"}
         = fault missingField
         > binary 2 0102
         = fault outOfOrder
       )"})},
      {AgentRow::kUnknownEvent, Ready({R"(
         > text 1 {"type":"news"}
         = fault unknownEvent
         > text 2 {"type":"news"}
         = fault unknownEvent
       )"})},
      {AgentRow::kHttpBody, Ready({std::string(kThinking) + R"(
         > chunk 3 "At nine.\nNot bef"
         < 2< {"text":"At nine.","type":"say"}
         < credit 3 16
         > chunk 3 "ore.\n"
         < 2< {"text":"Not before.","type":"say"}
         < credit 3 5
         > done 3
         < 2< {"type":"flush"}
       )"})},
      {AgentRow::kHttpFailure, Ready({std::string(kThinking) + R"(
         > chunk 3 "At nine.\nNot bef"
         < 2< {"text":"At nine.","type":"say"}
         < credit 3 16
         > done 3
         = done failed 0/0
         < 2< {"type":"stop"}
       )",
                                      R"(
         > respond 0
         < fetch 3 POST scripted-mind /reply {"turn":1}
         > headers 3 429 {"content-type":"application/json"}
         = done failed 0/0
         < abort 3
         < 2< {"type":"stop"}
         > chunk 3 "{}\n"
       )",
                                      R"(
         > respond 0
         < fetch 3 POST scripted-mind /reply {"turn":1}
         > headers 3 200 {"content-type":"audio/mpeg"}
         = done failed 0/0
         < abort 3
         < 2< {"type":"stop"}
       )"})},
      {AgentRow::kDeadline, Ready({R"(
         > time 1000
         > respond 0
         < fetch 3 POST scripted-mind /reply {"turn":1}
         > time 3999
         > time 4000
         = woken
         = done failed 0/0
         < abort 3
         < 2< {"type":"stop"}
         > time 9000
       )",
                                   R"(
         > text 1 {"type":"keepAlive","everyMs":500}
         > time 499
         > time 500
         = woken
         < 1< {"type":"ping"}
         > time 1100
         = woken
         < 1< {"type":"ping"}
         > end over
         < close 1 1000 over
         < close 2 1000 over
         > time 9000
       )",
                                   R"(
         > full
         > respond 0
         > time 1
         = woken
         = done failed 0/0
         < 2< {"type":"stop"}
       )"})},
      {AgentRow::kEnd, Ready({std::string(kThinking) + R"(
         > end call ended
         < abort 3
         < close 1 1000 call ended
         < close 2 1000 call ended
         > text 1 {
         > close 2 1006
         > listen 0102
         > end twice
       )"})},
      {AgentRow::kEndWhileConnecting,
       {{std::string(kConnecting) + R"(
         > open 1
         > end too slow
         < close 1 1000 too slow
         < close 2 1000 too slow
         > open 2
       )"},
        ""}},
      {AgentRow::kNewBeginning, Speaking(R"(
         > close 2 1006
         = lost closed1006
         < close 1 1000 closed1006
         > begin
         < connect 4 scripted-ears /listen ears
         < connect 5 scripted-voice /speak 
         > open 4
         > open 5
         = ready
         < 4< {"instructions":"Be brief.","tools":null,"type":"begin"}
         > text 1 {
         > respond 0
         < fetch 6 POST scripted-mind /reply {"turn":2}
       )")},
      {AgentRow::kHistory, Ready({R"(
         > text 1 {"type":"transcript","role":"caller","item":"u1","text":"when do you open","final":true}
         = caller u1=when do you open
         > close 1 1006
         = lost closed1006
         < close 2 1000 closed1006
         > begin
         < connect 3 scripted-ears /listen ears
         < connect 4 scripted-voice /speak 
         > open 3
         > open 4
         = ready
         < 3< {"instructions":"Be brief.","tools":null,"type":"begin"}
         > tell when do you open|At nine
         < 3< {"lines":[["caller","when do you open"],["agent","At nine"]],"type":"history"}
         > tell-call k1
         < 3< {"lines":[["tool","k1",""]],"type":"history"}
         > result k1 at nine
         < 3< {"id":"k1","output":"at nine","type":"toolResult"}
       )"})},
  };
  return column;
}

}  // namespace trunkline::test
