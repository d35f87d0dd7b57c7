// What the models of Workers AI are asked by, and how they answer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/base64.h"
#include "exchanges.h"
#include "protocol/services/workers_ai_aura.h"
#include "protocol/services/workers_ai_chat.h"
#include "protocol/services/workers_ai_whisper.h"
#include "stt_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;

class WorkersAiChatTest : public testing::Test {
 protected:
  static OpenAiChat::Config MakeConfig() {
    OpenAiChat::Config config;
    config.model = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
    config.instructions = "Be brief.";
    return config;
  }
  void Take() {
    while (const std::optional<LlmEvent> event = chat.NextEvent()) {
      if (const auto* text = std::get_if<LlmText>(&*event)) {
        said += text->text;
      } else if (const auto* call = std::get_if<LlmToolCall>(&*event)) {
        lines.push_back("tool " + std::string(call->tool_call_id) + ' ' +
                        std::string(call->name) + ' ' +
                        std::string(call->arguments));
      } else if (const auto* done = std::get_if<LlmDone>(&*event)) {
        lines.push_back("done " + std::to_string(done->usage.input_tokens) +
                        '/' + std::to_string(done->usage.output_tokens));
      } else if (const auto* failed = std::get_if<ServiceFailed>(&*event)) {
        lines.push_back(ToLine(*failed));
      } else if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
        lines.push_back(std::string("fault ") + ToString(fault->fault));
      }
    }
  }
  // A whole exchange.
  std::vector<std::string> Answer(std::string_view body,
                                  const char* type = "text/event-stream",
                                  uint16_t status = 200) {
    lines.clear();
    said.clear();
    ConversationLine line;
    line.text = "Hello.";
    chat.Ask({std::span(&line, 1), ""});
    chat.OnHttpHeaders(channels.newest(), status, {{"content-type", type}});
    // At any cut.
    chat.OnHttpChunk(channels.newest(), ToBytes(body.substr(0, 11)));
    Take();
    if (body.size() > 11) {
      chat.OnHttpChunk(channels.newest(), ToBytes(body.substr(11)));
    }
    Take();
    chat.OnHttpDone(channels.newest());
    Take();
    return lines;
  }

  Exchanges channels;
  WorkersAiChat chat{MakeConfig(), channels};
  std::vector<std::string> lines;
  std::string said;
};

TEST_F(WorkersAiChatTest, IsAskedInItsDialect) {
  OpenAiChat::Config config = MakeConfig();
  config.upstream = "openai";
  config.temperature = 0.5;
  config.max_reply_tokens = 200;
  config.tools = Json::parse(R"([{"type":"function","name":"f",
      "description":"d","parameters":{"type":"object"}}])");
  WorkersAiChat other(config, channels);
  ConversationLine lines[2];
  lines[0].text = "When do you open?";
  lines[1].kind = ConversationLine::Kind::kTool;
  lines[1].call_id = "tool-1";
  lines[1].name = "f";
  lines[1].arguments = "{}";
  lines[1].result = "nine";
  other.Ask({lines, ""});
  EXPECT_EQ(channels.requests.at(0).fetch.upstream, "workers-ai");
  EXPECT_EQ(channels.requests.at(0).fetch.path,
            "/run/@cf/meta/llama-3.3-70b-instruct-fp8-fast");
  EXPECT_EQ(channels.NewestJson(), Json::parse(R"({
      "stream":true,"temperature":0.5,"max_tokens":200,
      "messages":[
        {"role":"system","content":"Be brief."},
        {"role":"user","content":"When do you open?"},
        {"role":"assistant","content":"","tool_calls":[{"id":"tool-1",
          "type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"tool-1","content":"nine"}],
      "tools":[{"type":"function","function":{"name":"f","description":"d",
        "parameters":{"type":"object"}}}]})"));
}

TEST_F(WorkersAiChatTest, TheNativeDialectIsRead) {
  EXPECT_THAT(
      Answer("data: {\"response\":\"We open at \",\"p\":\"abdef\"}\n\n"
             "data: {\"response\":9}\n\n"
             "data: {\"response\":null}\n\n"
             "data: {\"response\":\".\",\"usage\":{\"prompt_tokens\":12,"
             "\"completion_tokens\":6,\"total_tokens\":18}}\n\n"
             "data: [DONE]\n\n"),
      ElementsAre("done 12/6"));
  EXPECT_EQ("We open at 9.", said);
}

TEST_F(WorkersAiChatTest, NativeCallsOfToolsAreWholeAndHaveNoId) {
  EXPECT_THAT(
      Answer("data: {\"response\":\"\"}\n\n"
             "data: {\"tool_calls\":[{\"name\":\"book\",\"arguments\":"
             "{\"people\":4}},{\"name\":\"menu\",\"arguments\":{}}]}\n\n"
             "data: {\"tool_calls\":[{\"name\":\"menu\",\"arguments\":\"{}\"}]}"
             "\n\ndata: [DONE]\n\n"),
      ElementsAre("tool tool-1 book {\"people\":4}", "tool tool-2 menu {}",
                  "tool tool-3 menu {}", "done 0/0"));
}

TEST_F(WorkersAiChatTest, SoIsThatOfOpenAi) {
  EXPECT_THAT(
      Answer(
          R"(data: {"choices":[{"index":0,"delta":{"content":"One "}}]})"
          "\n\n"
          R"(data: {"choices":[{"index":0,"delta":{"content":"moment.",)"
          R"("reasoning_content":"hm"}}]})"
          "\n\n"
          R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,)"
          R"("id":"c1","type":"function","function":{"name":"book",)"
          R"("arguments":"{}"}}]}}]})"
          "\n\n"
          // The fragment that ends them.
          R"(data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,)"
          R"("id":null,"type":"function","function":{"name":null,)"
          R"("arguments":""}}]},"finish_reason":"tool_calls"}],)"
          R"("usage":{"prompt_tokens":3,"completion_tokens":4}})"
          "\n\ndata: [DONE]\n\n"),
      ElementsAre("tool c1 book {}", "done 3/4"));
  EXPECT_EQ("One moment.", said);
}

TEST_F(WorkersAiChatTest, AnAnswerThatIsNotStreamedIsReadInEither) {
  EXPECT_THAT(Answer(R"({"response":"Yes.","tool_calls":[],)"
                     R"("usage":{"prompt_tokens":1,"completion_tokens":2}})",
                     "application/json"),
              ElementsAre("done 1/2"));
  EXPECT_EQ("Yes.", said);
  EXPECT_THAT(Answer(R"({"choices":[{"index":0,"message":{"content":"No."},)"
                     R"("finish_reason":"stop"}]})",
                     "application/json"),
              ElementsAre("done 0/0"));
  EXPECT_EQ("No.", said);
}

TEST_F(WorkersAiChatTest, AStreamThatBreaksOffIsNoAnswer) {
  EXPECT_THAT(Answer("data: {\"response\":\"We open at \"}\n\n"),
              ElementsAre("lost truncated"));
}

TEST_F(WorkersAiChatTest, ErrorsAreReadAsItWritesThem) {
  EXPECT_THAT(Answer(R"({"errors":[{"code":3040,"message":"Out of capacity"}],)"
                     R"("success":false})",
                     "application/json", 429),
              ElementsAre("lost 3040 Out of capacity"));
  // Which the same status has, and which lasts until tomorrow.
  EXPECT_THAT(Answer(R"({"errors":[{"code":3036,"message":"used up"}]})",
                     "application/json", 429),
              ElementsAre("fatal 3036 used up"));
  EXPECT_THAT(Answer(R"({"errors":[{"code":5007,"message":"No such model"}]})",
                     "application/json", 400),
              ElementsAre("fatal 5007 No such model"));
  EXPECT_THAT(Answer(R"({"errors":[]})", "application/json", 500),
              ElementsAre("lost http500"));
}

TEST(WorkersAiWhisperTest, ATurnGoesInAsTextOfJson) {
  Exchanges channels;
  OpenAiTranscription::Config config;
  config.model = "@cf/openai/whisper-large-v3-turbo";
  config.language = "en";
  config.prompt = "Tables, \"menu\".";
  WorkersAiWhisper stt(config, channels);
  std::vector<std::string> lines;
  stt.Begin();
  stt.TurnStarted({});
  const std::vector<uint8_t> second(BytesOf(stt.format(), 1'000), 7);
  stt.Listen(second);
  stt.Finish({});
  ASSERT_EQ(1u, channels.requests.size());
  EXPECT_EQ(channels.requests[0].fetch.upstream, "workers-ai");
  EXPECT_EQ(channels.requests[0].fetch.path,
            "/run/@cf/openai/whisper-large-v3-turbo");
  const Json body = channels.NewestJson();
  EXPECT_EQ(body["task"], "transcribe");
  EXPECT_EQ(body["language"], "en");
  EXPECT_EQ(body["initial_prompt"], "Tables, \"menu\".");
  EXPECT_EQ(4u, body.size());
  const std::string audio = body["audio"];
  std::vector<uint8_t> file(Base64DecodedMaxSize(audio.size()));
  const auto size = Base64Decode(audio, file);
  ASSERT_EQ(44 + second.size(), size.value_or(0));
  EXPECT_EQ("RIFF", std::string(file.begin(), file.begin() + 4));
  EXPECT_EQ(7, file[44]);

  stt.OnHttpHeaders(channels.newest(), 200,
                    {{"content-type", "application/json"}});
  stt.OnHttpChunk(channels.newest(),
                  ToBytes(R"({"transcription_info":{"language":"en"},)"
                          R"("text":" When do you open?","word_count":4,)"
                          R"("segments":[],"vtt":"WEBVTT"})"));
  stt.OnHttpDone(channels.newest());
  TakeEvents(stt, lines);
  EXPECT_THAT(lines, ElementsAre("ready", "=When do you open?"));
}

TEST(WorkersAiWhisperTest, TheLongestTurnFitsIntoARequest) {
  Exchanges channels;
  OpenAiTranscription::Config config;
  config.prompt = std::string(9'000, '\n');
  WorkersAiWhisper stt(config, channels);
  std::vector<std::string> lines;
  stt.Begin();
  TakeEvents(stt, lines);
  stt.TurnStarted({});
  for (int s = 0; s < 31; ++s) {
    stt.Listen(std::vector<uint8_t>(BytesOf(stt.format(), 1'000)));
  }
  stt.Finish({});
  TakeEvents(stt, lines);
  EXPECT_THAT(lines, ElementsAre("ready", "fault tooLarge"));
  ASSERT_EQ(1u, channels.requests.size());
  EXPECT_LE(channels.requests[0].body.size(), FetchRequest::kMaxBodyBytes);
}

TEST(WorkersAiAuraTest, AsksForSamplesWithoutAHead) {
  Exchanges channels;
  WorkersAiAura aura({.model = "@cf/deepgram/aura-1", .voice = "asteria"},
                     channels);
  aura.Speak("Hello.");
  EXPECT_EQ(channels.requests.at(0).fetch.upstream, "workers-ai");
  EXPECT_EQ(channels.requests[0].fetch.path, "/run/@cf/deepgram/aura-1");
  EXPECT_EQ(channels.NewestJson(), Json::parse(R"({
      "text":"Hello.","speaker":"asteria","encoding":"linear16",
      "container":"none","sample_rate":24000})"));
  // Trap: its default, which would be noise.
  aura.OnHttpHeaders(channels.newest(), 200, {{"content-type", "audio/mpeg"}});
  const auto event = aura.NextEvent();
  ASSERT_TRUE(event);
  EXPECT_EQ("fatal audioFormat", ToLine(std::get<ServiceFailed>(*event)));
  EXPECT_TRUE(channels.requests[0].aborted);

  WorkersAiAura::Config config;
  config.model = "m";
  config.format.sample_rate_hz = 8000;
  WorkersAiAura narrow(config, channels);
  narrow.Speak("Hello.");
  EXPECT_EQ(channels.NewestJson(), Json::parse(R"({
      "text":"Hello.","encoding":"linear16","container":"none",
      "sample_rate":8000})"));
}

}  // namespace
}  // namespace trunkline::protocol
