#include "protocol/agents/openai_realtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RecordingWire final : public Wire {
 public:
  void SendText(std::string_view text) override {
    sent.push_back(Json::parse(text));
  }
  void SendBinary(std::span<const uint8_t> /*bytes*/) override {
    ADD_FAILURE() << "Realtime has no binary frames";
  }
  std::vector<Json> OfType(std::string_view type) const {
    std::vector<Json> found;
    for (const Json& event : sent) {
      if (StringMember(event, "type") == type) found.push_back(event);
    }
    return found;
  }
  std::vector<Json> sent;
};

class RecordingListener final : public AgentListener {
 public:
  void OnAgentReady() override { log.push_back("ready"); }
  void OnAgentSpeechStarted() override { log.push_back("speechStarted"); }
  void OnAgentSpeechStopped() override { log.push_back("speechStopped"); }
  void OnAgentTurnCommitted() override { log.push_back("committed"); }
  void OnAgentTranscript(Role role, std::string_view /*item*/,
                         std::string_view text,
                         TranscriptState state) override {
    log.push_back(std::string(role == Role::kCaller ? "caller" : "agent") +
                  (state == TranscriptState::kPart ? "+" : "=") +
                  std::string(text));
  }
  void OnAgentAudio(ItemId item, std::span<const uint8_t> audio) override {
    audio_bytes[static_cast<uint32_t>(item)] += audio.size();
  }
  void OnAgentToolCall(std::string_view tool_call_id, std::string_view name,
                       std::string_view arguments) override {
    log.push_back("tool " + std::string(tool_call_id) + " " +
                  std::string(name) + " " + std::string(arguments));
  }
  void OnAgentReplyDone(ReplyEnd end, AfterReply after,
                        const Usage& usage) override {
    constexpr const char* kEnds[] = {"complete", "cancelled", "failed"};
    log.push_back(std::string("done ") + kEnds[static_cast<int>(end)] +
                  (after == AfterReply::kAwaitsTools ? " tools" : "") + " " +
                  std::to_string(usage.output_tokens));
  }
  void OnAgentFailed(Loss loss, std::string_view code) override {
    log.push_back(std::string(loss == Loss::kFatal ? "fatal " : "lost ") +
                  std::string(code));
  }
  void OnAgentFault(Fault fault) override { faults.push_back(fault); }

  std::vector<std::string> log;
  std::map<uint32_t, size_t> audio_bytes;
  std::vector<Fault> faults;
};

class OpenAiRealtimeTest : public testing::Test {
 protected:
  static OpenAiRealtime::Config MakeConfig(AudioFormat format) {
    OpenAiRealtime::Config config;
    config.model = "gpt-realtime-2.1";
    config.voice = "marin";
    config.instructions = "Be brief.";
    config.transcription_model = "gpt-live-transcribe";
    config.format = format;
    return config;
  }
  void Receive(const Json& event) { agent.OnText(event.dump()); }
  void Connect() {
    agent.Begin();
    Receive({{"type", "session.created"}});
    Receive({{"type", "session.updated"}});
    wire.sent.clear();
    listener.log.clear();
  }
  void Created(const std::string& id) {
    Receive({{"type", "response.created"}, {"response", {{"id", id}}}});
  }
  void Done(const std::string& id, const std::string& status = "completed") {
    Receive({{"type", "response.done"},
             {"response",
              {{"id", id},
               {"status", status},
               {"usage", {{"input_tokens", 3}, {"output_tokens", 4}}}}}});
  }
  void Delta(const std::string& response, const std::string& item,
             const char* type = "response.output_audio.delta") {
    Receive({{"type", type},
             {"response_id", response},
             {"item_id", item},
             {"output_index", 0},
             {"content_index", 0},
             {"delta", std::string(1600 / 3 * 4, 'A') + "AAA="}});
  }

  RecordingWire wire;
  RecordingListener listener;
  OpenAiRealtime agent{MakeConfig({Encoding::kMuLaw, 8000}), wire, listener};
};

// Trap 9: GA shapes and nothing of the beta.
TEST_F(OpenAiRealtimeTest, SessionUpdateIsOfTheGaShape) {
  agent.Begin();
  EXPECT_THAT(wire.sent, IsEmpty());  // the server speaks first
  Receive({{"type", "session.created"}});
  ASSERT_EQ(wire.sent.size(), 1U);
  EXPECT_EQ(wire.sent[0], Json::parse(R"({
    "type": "session.update",
    "session": {
      "type": "realtime",
      "output_modalities": ["audio"],
      "instructions": "Be brief.",
      "audio": {
        "input": {
          "format": {"type": "audio/pcmu"},
          "transcription": {"model": "gpt-live-transcribe"},
          "turn_detection": {"type": "server_vad", "threshold": 0.5,
            "prefix_padding_ms": 300, "silence_duration_ms": 500,
            "create_response": false, "interrupt_response": false}},
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"}}}})"));
  EXPECT_THAT(listener.log, IsEmpty());
  Receive({{"type", "session.updated"}});
  EXPECT_THAT(listener.log, ElementsAre("ready"));
}

// Trap 10: the rate is said for PCM and for nothing else.
TEST(OpenAiRealtimeFormatTest, EachFormatIsWrittenAsRealtimeWantsIt) {
  const std::pair<AudioFormat, Json> cases[] = {
      {{Encoding::kMuLaw, 8000}, {{"type", "audio/pcmu"}}},
      {{Encoding::kALaw, 8000}, {{"type", "audio/pcma"}}},
      {{Encoding::kLinear16, 24000}, {{"type", "audio/pcm"}, {"rate", 24000}}}};
  for (const auto& [format, expected] : cases) {
    RecordingWire wire;
    RecordingListener listener;
    OpenAiRealtime::Config config;
    config.format = format;
    OpenAiRealtime agent(std::move(config), wire, listener);
    agent.Begin();
    agent.OnText(R"({"type":"session.created"})");
    const Json& audio = wire.sent.at(0)["session"]["audio"];
    EXPECT_EQ(audio["input"]["format"], expected);
    EXPECT_EQ(audio["output"]["format"], expected);
  }
}

TEST_F(OpenAiRealtimeTest, UpstreamNamesTheModelEscaped) {
  OpenAiRealtime::Config config;
  config.model = "a b&c=d";
  OpenAiRealtime other(std::move(config), wire, listener);
  EXPECT_EQ(other.upstream()->path, "/v1/realtime?model=a%20b%26c%3Dd");
  EXPECT_EQ(other.upstream()->name, "openai");
  EXPECT_EQ(other.upstream()->protocol, "realtime");
}

// Trap 9: compatible servers send either name of a delta.
TEST_F(OpenAiRealtimeTest, BothNamesOfTheAudioDeltaAreRead) {
  Connect();
  agent.Respond({});
  Created("r1");
  Delta("r1", "i1");
  Delta("r1", "i1", "response.audio.delta");
  EXPECT_EQ(listener.audio_bytes[1], 2 * 1601U);
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"delta", "Hel"}});
  Receive({{"type", "response.audio_transcript.done"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"transcript", "Hello"}});
  EXPECT_THAT(listener.log, ElementsAre("agent+Hel", "agent=Hello"));
}

// Trap 3: the truncation is of the item that plays, an integer, and never
// beyond what was received of that item.
TEST_F(OpenAiRealtimeTest, TruncationIsBoundedByWhatWasReceivedOfTheItem) {
  Connect();
  agent.Respond({});
  Created("r1");
  Delta("r1", "i1");
  Delta("r1", "i2");
  Delta("r1", "i2");
  EXPECT_EQ(agent.Truncate(ItemId{2}, 100'000), 400);
  EXPECT_EQ(agent.Truncate(ItemId{1}, 50), 50);
  EXPECT_EQ(agent.Truncate(ItemId{9}, 50), 0);  // never heard of
  const std::vector<Json> sent = wire.OfType("conversation.item.truncate");
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0], Json({{"type", "conversation.item.truncate"},
                           {"item_id", "i2"},
                           {"content_index", 0},
                           {"audio_end_ms", 400}}));
  EXPECT_EQ(sent[1]["audio_end_ms"], 50);
}

// Trap 4: a cancel that crosses the end of its response.
TEST_F(OpenAiRealtimeTest, CancelErrorWhileIdleIsHarmless) {
  Connect();
  agent.Cancel();
  EXPECT_THAT(wire.OfType("response.cancel"), IsEmpty());
  Receive(
      {{"type", "error"}, {"error", {{"code", "response_cancel_not_active"}}}});
  EXPECT_THAT(listener.log, IsEmpty());
  EXPECT_THAT(listener.faults, ElementsAre(Fault::kPeerError));
  agent.Respond({});
  EXPECT_EQ(wire.OfType("response.create").size(), 1U);
}

// Trap 5: one response.create at a time, whoever wants another.
TEST_F(OpenAiRealtimeTest, ASecondRequestWaitsForTheFirstToBeDone) {
  Connect();
  agent.Respond({});
  agent.Respond({});
  Created("r1");
  agent.Respond({});
  EXPECT_EQ(wire.OfType("response.create").size(), 1U);
  Done("r1");
  EXPECT_EQ(wire.OfType("response.create").size(), 2U);
  Created("r2");
  Done("r2");
  EXPECT_EQ(wire.OfType("response.create").size(), 2U);
}

TEST_F(OpenAiRealtimeTest, ABusyServerIsAskedAgainOnce) {
  Connect();
  const auto busy = [this] {
    Receive(
        {{"type", "error"},
         {"error", {{"code", "conversation_already_has_active_response"}}}});
  };
  agent.Respond({});
  busy();
  EXPECT_EQ(wire.OfType("response.create").size(), 1U);
  Done("made_by_the_server");
  EXPECT_EQ(wire.OfType("response.create").size(), 2U);
  busy();
  Done("another");
  // Twice refused, the request was not repeated for ever within one attempt.
  EXPECT_LE(wire.OfType("response.create").size(), 3U);
}

// Trap 5 again: tool results while their response is still active.
TEST_F(OpenAiRealtimeTest, ToolResultsAreAnsweredOnceAfterTheResponse) {
  Connect();
  agent.Respond({});
  Created("r1");
  for (const char* id : {"call_1", "call_2"}) {
    Receive({{"type", "response.output_item.done"},
             {"response_id", "r1"},
             {"item",
              {{"type", "function_call"},
               {"status", "completed"},
               {"call_id", id},
               {"name", "lookup"},
               {"arguments", ""}}}});
  }
  // An empty string of arguments is an empty object.
  EXPECT_THAT(listener.log,
              ElementsAre("tool call_1 lookup {}", "tool call_2 lookup {}"));
  agent.ToolResult("call_1", "one");
  agent.ToolResult("call_2", "two");
  agent.ToolResult("call_2", "two again");
  EXPECT_EQ(wire.OfType("response.create").size(), 1U);
  Done("r1");
  EXPECT_EQ(wire.OfType("response.create").size(), 2U);
  EXPECT_EQ(listener.log.back(), "done complete tools 4");
  const std::vector<Json> items = wire.OfType("conversation.item.create");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["item"], Json({{"type", "function_call_output"},
                                    {"call_id", "call_1"},
                                    {"output", "one"}}));
}

TEST_F(OpenAiRealtimeTest, ToolResultsAfterTheResponseAskForTheNext) {
  Connect();
  agent.Respond({});
  Created("r1");
  Receive({{"type", "response.output_item.done"},
           {"response_id", "r1"},
           {"item",
            {{"type", "function_call"},
             {"status", "completed"},
             {"call_id", "call_1"},
             {"name", "lookup"}}}});
  Done("r1");
  EXPECT_EQ(wire.OfType("response.create").size(), 1U);
  agent.ToolResult("call_1", "one");
  EXPECT_EQ(wire.OfType("response.create").size(), 2U);
}

TEST_F(OpenAiRealtimeTest, AnIncompleteToolCallIsNotMade) {
  Connect();
  Receive({{"type", "response.output_item.done"},
           {"item",
            {{"type", "function_call"},
             {"status", "incomplete"},
             {"call_id", "call_1"},
             {"arguments", "{\"a"}}}});
  EXPECT_THAT(listener.log, IsEmpty());
}

// Trap 11: by response id, freed when the response is done.
TEST_F(OpenAiRealtimeTest, ACancelledResponseIsSilentFromThereOn) {
  Connect();
  agent.Respond({});
  Created("r1");
  Delta("r1", "i1");
  agent.Cancel();
  agent.Cancel();
  EXPECT_EQ(wire.OfType("response.cancel").size(), 1U);
  Delta("r1", "i1");
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r1"},
           {"delta", "late"}});
  EXPECT_EQ(listener.audio_bytes[1], 1601U);
  EXPECT_THAT(listener.log, IsEmpty());
  Done("r1", "cancelled");
  EXPECT_THAT(listener.log, ElementsAre("done cancelled 4"));
  // The id is free again.
  Delta("r1", "i1");
  EXPECT_EQ(listener.audio_bytes[1], 2 * 1601U);
}

TEST_F(OpenAiRealtimeTest, ACancelBeforeTheResponseHasANameHoldsForIt) {
  Connect();
  agent.Respond({});
  agent.Cancel();
  Created("r1");
  Delta("r1", "i1");
  EXPECT_THAT(listener.audio_bytes, IsEmpty());
  agent.Respond({});
  EXPECT_EQ(wire.OfType("response.create").size(), 1U);
  Done("r1", "cancelled");
  EXPECT_EQ(wire.OfType("response.create").size(), 2U);
}

TEST_F(OpenAiRealtimeTest, ADiscardedTurnIsDeletedUpstream) {
  Connect();
  agent.DiscardTurn();
  EXPECT_THAT(wire.sent, IsEmpty());
  Receive({{"type", "input_audio_buffer.speech_started"}});
  Receive({{"type", "input_audio_buffer.speech_stopped"}});
  Receive({{"type", "input_audio_buffer.committed"}, {"item_id", "u1"}});
  EXPECT_THAT(listener.log,
              ElementsAre("speechStarted", "speechStopped", "committed"));
  agent.DiscardTurn();
  EXPECT_EQ(wire.sent.at(0),
            Json({{"type", "conversation.item.delete"}, {"item_id", "u1"}}));
}

// A new socket is a new session: it is told what was said, and of what was
// interrupted only what was heard.
TEST_F(OpenAiRealtimeTest, TheConversationSurvivesItsSocket) {
  Connect();
  Receive({{"type", "conversation.item.input_audio_transcription.completed"},
           {"item_id", "u1"},
           {"transcript", "when do you open"}});
  agent.Respond({});
  Created("r1");
  Delta("r1", "i1");
  Receive({{"type", "response.output_audio_transcript.done"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"transcript", "We open at nine every day"}});
  Done("r1");
  agent.Truncate(ItemId{1}, 100);  // of 200 ms
  wire.sent.clear();
  agent.OnSocketClosed(1006, 0);
  EXPECT_EQ(listener.log.back(), "lost closed1006");
  agent.Begin();
  Receive({{"type", "session.created"}});
  Receive({{"type", "session.updated"}});
  const std::vector<Json> items = wire.OfType("conversation.item.create");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["item"], Json::parse(R"({"type":"message","role":"user",
                "content":[{"type":"input_text","text":"when do you open"}]})"));
  EXPECT_EQ(items[1]["item"],
            Json::parse(R"({"type":"message","role":"assistant",
                "content":[{"type":"output_text","text":"We open at"}]})"));
}

TEST_F(OpenAiRealtimeTest, ClosesAndStatusesAreRetriedAsTheOfficialClientDoes) {
  const std::pair<int, const char*> closes[] = {
      {1000, "fatal"}, {1001, "lost"},  {1002, "fatal"}, {1003, "fatal"},
      {1005, "lost"},  {1006, "lost"},  {1007, "fatal"}, {1008, "fatal"},
      {1009, "fatal"}, {1010, "fatal"}, {1011, "lost"},  {1012, "lost"},
      {1013, "lost"}};
  for (const auto& [code, expected] : closes) {
    agent.OnSocketClosed(static_cast<uint16_t>(code), 0);
    EXPECT_EQ(listener.log.back(),
              expected + std::string(" closed") + std::to_string(code));
  }
  const std::pair<int, const char*> statuses[] = {
      {400, "fatal"}, {401, "fatal"}, {403, "fatal"}, {404, "fatal"},
      {408, "lost"},  {429, "lost"},  {500, "lost"},  {503, "lost"}};
  for (const auto& [status, expected] : statuses) {
    agent.OnSocketClosed(1006, static_cast<uint16_t>(status));
    EXPECT_EQ(listener.log.back(),
              expected + std::string(" http") + std::to_string(status));
  }
}

TEST_F(OpenAiRealtimeTest, BadMessagesAreCountedAndChangeNothing) {
  Connect();
  for (const char* text :
       {"", "{", "[]", "7", R"({"type":5})", R"({"type":"news"})",
        R"({"type":"response.output_audio.delta","item_id":"i","delta":"*"})",
        R"({"type":"response.output_audio.delta","delta":"AAAA"})",
        R"({"type":"response.output_audio.delta","item_id":"i","delta":5})"}) {
    agent.OnText(text);
  }
  agent.OnBinary({});
  EXPECT_THAT(
      listener.faults,
      ElementsAre(Fault::kMalformed, Fault::kMalformed, Fault::kMalformed,
                  Fault::kMalformed, Fault::kMissingField, Fault::kUnknownEvent,
                  Fault::kBadPayload, Fault::kMissingField,
                  Fault::kUnexpectedBinary));
  EXPECT_THAT(listener.log, IsEmpty());
  EXPECT_THAT(listener.audio_bytes, IsEmpty());
}

TEST_F(OpenAiRealtimeTest, UsageMayBeMissing) {
  Connect();
  agent.Respond({});
  Created("r1");
  Receive({{"type", "response.done"}, {"response", {{"id", "r1"}}}});
  Receive({{"type", "response.done"}});
  EXPECT_EQ(listener.log[0], "done complete 0");
}

}  // namespace
}  // namespace trunkline::protocol
