#include "protocol/services/openai_chat_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline::protocol {
namespace {

using Line = ConversationLine;
using Kind = ConversationLine::Kind;

Line Caller(std::string_view text) {
  return {Kind::kCaller, text, "", "", "", std::nullopt};
}
Line Agent(std::string_view text) {
  return {Kind::kAgent, text, "", "", "", std::nullopt};
}
Line Tool(std::string_view id, std::string_view name,
          std::string_view arguments, std::optional<std::string_view> result) {
  return {Kind::kTool, "", id, name, arguments, result};
}

OpenAiChatConfig Brief() {
  OpenAiChatConfig config;
  config.model = "gpt-5.4-mini";
  config.instructions = "Be brief.";
  return config;
}

Json BodyOf(const std::vector<Line>& lines,
            const OpenAiChatConfig& config = Brief(),
            std::string_view instructions = {}) {
  return Json::parse(
      ChatRequest(config, ChatTools(config.tools), {lines, instructions}));
}

Json MessagesOf(const std::vector<Line>& lines) {
  return BodyOf(lines).at("messages");
}

TEST(OpenAiChatRequestTest, AsksForAStreamThatSaysWhatItCost) {
  EXPECT_EQ(BodyOf({Caller("Hello.")}), Json::parse(R"({
      "model":"gpt-5.4-mini","stream":true,
      "stream_options":{"include_usage":true},
      "messages":[{"role":"system","content":"Be brief."},
                  {"role":"user","content":"Hello."}]})"));
}

TEST(OpenAiChatRequestTest, WhatIsConfiguredIsSaid) {
  OpenAiChatConfig config = Brief();
  config.temperature = 0.5;
  config.max_reply_tokens = 300;
  const Json body = BodyOf({Caller("Hello.")}, config);
  EXPECT_EQ(body.at("temperature"), 0.5);
  EXPECT_EQ(body.at("max_completion_tokens"), 300);
  EXPECT_FALSE(body.contains("max_tokens"));
}

TEST(OpenAiChatRequestTest, OneReplyMayHaveInstructionsOfItsOwn) {
  EXPECT_EQ(BodyOf({}, Brief(), "Say good bye.").at("messages"),
            Json::parse(R"([{"role":"system","content":"Say good bye."}])"));
}

TEST(OpenAiChatRequestTest, ThereIsAlwaysAMessage) {
  OpenAiChatConfig config;
  EXPECT_EQ(BodyOf({}, config).at("messages"),
            Json::parse(R"([{"role":"system","content":""}])"));
}

TEST(OpenAiChatRequestTest, WhatWasNotUnderstoodIsSaidSo) {
  const std::vector<Line> lines = {Caller("Hello.")};
  LlmRequest request;
  request.conversation = lines;
  request.understood = false;
  const Json body = Json::parse(ChatRequest(Brief(), ChatTools({}), request));
  EXPECT_EQ(body["messages"].back()["content"], "Hello.\n[not understood]");
}

TEST(OpenAiChatRequestTest, ToolsAreNested) {
  const Json tools = Json::parse(R"([
      {"type":"function","name":"weather","description":"of a place",
       "parameters":{"type":"object"},"timeoutMs":3000},
      {"type":"function","name":"hang_up","strict":true,"description":null},
      {"type":"function"}])");
  EXPECT_EQ(ChatTools(tools), Json::parse(R"([
      {"type":"function","function":{"name":"weather",
       "description":"of a place","parameters":{"type":"object"}}},
      {"type":"function","function":{"name":"hang_up","strict":true}}])"));
  OpenAiChatConfig config = Brief();
  config.tools = tools;
  EXPECT_EQ(BodyOf({}, config).at("tools").size(), 2U);
  for (const Json& none : {Json(), Json::array(), Json("text")}) {
    config.tools = none;
    EXPECT_FALSE(BodyOf({}, config).contains("tools")) << none;
  }
}

TEST(OpenAiChatRequestTest, RolesAlternate) {
  EXPECT_EQ(MessagesOf({Agent("Hi."), Agent("How are you?"), Caller("Well"),
                        Caller(""), Caller("and you?"), Agent("")}),
            Json::parse(R"([
      {"role":"system","content":"Be brief."},
      {"role":"assistant","content":"Hi.\nHow are you?"},
      {"role":"user","content":"Well\nand you?"}])"));
}

TEST(OpenAiChatRequestTest, EachCallOfAToolHasItsResultBehindIt) {
  EXPECT_EQ(MessagesOf({Caller("Weather?"), Agent("One moment."),
                        Tool("call_1", "weather", R"({"place":"Bonn"})", "sun"),
                        Tool("call_2", "weather", "", std::nullopt),
                        Agent("It is sunny.")}),
            Json::parse(R"j([
      {"role":"system","content":"Be brief."},
      {"role":"user","content":"Weather?"},
      {"role":"assistant","content":"One moment.","tool_calls":[
        {"id":"call_1","type":"function","function":
          {"name":"weather","arguments":"{\"place\":\"Bonn\"}"}}]},
      {"role":"tool","tool_call_id":"call_1","content":"sun"},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"call_2","type":"function","function":
          {"name":"weather","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"call_2","content":"(no result yet)"},
      {"role":"assistant","content":"It is sunny."}])j"));
}

// vLLM and others answer 400 to a history that they cannot read.
TEST(OpenAiChatRequestTest, ArgumentsThatAreNoObjectAreNotRepeated) {
  for (const char* arguments : {"{\"place\":", "[1]", "text", "null"}) {
    const Json messages = MessagesOf({Tool("c", "n", arguments, "r")});
    EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"], "{}");
  }
}

// What was sent is the beginning of what is sent next: vendors cache it.
TEST(OpenAiChatRequestTest, WhatComesLaterChangesNothingBeforeIt) {
  const std::vector<Line> lines = {Caller("Weather?"),
                                   Tool("call_1", "weather", "{}", "sun"),
                                   Tool("call_2", "weather", "{}", "rain"),
                                   Agent("Sun, then rain."), Caller("Thanks.")};
  Json before = Json::array();
  for (size_t count = 0; count <= lines.size(); ++count) {
    const Json messages =
        MessagesOf({lines.begin(), lines.begin() + static_cast<int>(count)});
    ASSERT_LE(before.size(), messages.size());
    EXPECT_TRUE(std::equal(before.begin(), before.end(), messages.begin()));
    before = messages;
  }
}

TEST(OpenAiChatRequestTest, TheOldestLinesAreLeftOut) {
  const std::string text(1024 - kLineCostBytes, 'x');
  const std::string first = "first " + text;
  std::vector<Line> lines = {Caller(first)};
  constexpr size_t kFit = kMaxConversationBytes / 1024;
  for (size_t i = 0; i < kFit; ++i) {
    lines.push_back(i % 2 == 0 ? Agent(text) : Caller(text));
  }
  const Json messages = MessagesOf(lines);
  ASSERT_EQ(messages.size(), 1 + kFit);
  EXPECT_EQ(messages[0]["content"], "Be brief.");
  EXPECT_EQ(messages[1]["role"], "assistant");
  // One byte more, and another one goes.
  const std::string longer = text + 'x';
  lines.back() = Caller(longer);
  EXPECT_EQ(MessagesOf(lines).size(), kFit);
}

TEST(OpenAiChatRequestTest, TheLastLineStaysAndIsCut) {
  // Of two bytes a character, behind one of one byte.
  std::string text = "x";
  for (size_t i = 0; i < kMaxConversationBytes; ++i) text += "\xC3\xA9";
  const Json messages = MessagesOf({Caller("before"), Agent(text)});
  ASSERT_EQ(messages.size(), 2U);
  const std::string content = messages[1]["content"];
  EXPECT_EQ(content.size(), kMaxConversationBytes - 1);
  EXPECT_TRUE(content.ends_with("\xC3\xA9"));
  // Likewise a result, and arguments are not cut into something else.
  const std::string arguments = R"({"a":")" + text + R"("})";
  const Json tool = MessagesOf({Tool("c", "n", arguments, text)});
  EXPECT_EQ(tool[1]["tool_calls"][0]["function"]["arguments"], "{}");
  EXPECT_EQ(tool[2]["content"].get<std::string>().size(),
            kMaxConversationBytes - 1);
}

}  // namespace
}  // namespace trunkline::protocol
