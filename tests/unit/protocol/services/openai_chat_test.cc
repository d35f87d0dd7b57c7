#include "protocol/services/openai_chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "exchanges.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string ChatLine(const LlmEvent& event) {
  return std::visit(
      [](const auto& each) -> std::string {
        using Event = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Event, ServiceFaulted>) {
          return std::string("fault ") + ToString(each.fault);
        } else if constexpr (std::is_same_v<Event, LlmText>) {
          return "text " + std::string(each.text);
        } else if constexpr (std::is_same_v<Event, LlmToolCall>) {
          return "tool " + std::string(each.tool_call_id) + ' ' +
                 std::string(each.name) + ' ' + std::string(each.arguments);
        } else if constexpr (std::is_same_v<Event, LlmDone>) {
          constexpr const char* kEnds[] = {"complete", "tooLong", "refused"};
          return std::string("done ") + kEnds[static_cast<size_t>(each.end)] +
                 ' ' + std::to_string(each.usage.input_tokens) + '/' +
                 std::to_string(each.usage.output_tokens);
        } else {
          return ToLine(each);
        }
      },
      event);
}

// A chunk of a stream, with all that OpenAI has in it.
std::string Chunk(const std::string& delta, const std::string& reason = "null",
                  const std::string& usage = "null") {
  return R"(data: {"id":"chatcmpl-9","object":"chat.completion.chunk",)"
         R"("created":1790000000,"model":"gpt-5.4-mini-2026-03-05",)"
         R"("service_tier":"default","system_fingerprint":"fp_1",)"
         R"("choices":[{"index":0,"delta":)" +
         delta + R"(,"logprobs":null,"finish_reason":)" + reason +
         R"(}],"usage":)" + usage + R"(,"obfuscation":"x8Kq"})" + "\n\n";
}

std::string Words(const std::string& text) {
  return Chunk(R"({"content":")" + text + R"("})");
}

std::string ToolFragment(const std::string& fragment) {
  return Chunk(R"({"tool_calls":[)" + fragment + "]}");
}

std::string Finished(const std::string& reason) {
  return Chunk("{}", '"' + reason + '"');
}

std::string FirstChunk() {
  return Chunk(R"({"role":"assistant","content":"","refusal":null})");
}
std::string ChatUsage() {
  return R"(data: {"id":"chatcmpl-9","object":"chat.completion.chunk",)"
         R"("created":1790000000,"model":"gpt-5.4-mini-2026-03-05","choices":[],)"
         R"("usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,)"
         R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
         R"("completion_tokens_details":{"reasoning_tokens":0}}})"
         "\n\n";
}
std::string ChatDone() { return "data: [DONE]\n\n"; }

class OpenAiChatTest : public testing::Test {
 protected:
  static OpenAiChat::Config MakeConfig() {
    OpenAiChat::Config config;
    config.model = "gpt-5.4-mini";
    config.instructions = "Be brief.";
    return config;
  }
  void Take() {
    while (const std::optional<LlmEvent> event = chat.NextEvent()) {
      lines.push_back(ChatLine(*event));
    }
  }
  void Ask() {
    ConversationLine line;
    line.text = "Hello.";
    chat.Ask({std::span(&line, 1), ""});
    Take();
  }
  void Headers(uint16_t status, const Json& headers) {
    chat.OnHttpHeaders(channels.newest(), status, headers);
    Take();
  }
  void Open() {
    Ask();
    Headers(200, {{"content-type", "text/event-stream; charset=utf-8"}});
  }
  void Bytes(std::string_view bytes) {
    chat.OnHttpChunk(channels.newest(), ToBytes(bytes));
    Take();
  }
  void Done() {
    chat.OnHttpDone(channels.newest());
    Take();
  }
  void Failed(HttpFailure failure) {
    chat.OnHttpFailed(channels.newest(), failure, "reason");
    Take();
  }
  // A whole exchange.
  std::vector<std::string> Answer(std::string_view stream) {
    lines.clear();
    Open();
    Bytes(stream);
    Done();
    return lines;
  }
  std::vector<std::string> AnswerJson(std::string_view body) {
    lines.clear();
    Ask();
    Headers(200, {{"content-type", "application/json"}});
    Bytes(body);
    Done();
    return lines;
  }

  Exchanges channels;
  OpenAiChat chat{MakeConfig(), channels};
  std::vector<std::string> lines;
};

TEST_F(OpenAiChatTest, AsksByPost) {
  Ask();
  ASSERT_EQ(channels.requests.size(), 1U);
  const FetchRequest& fetch = channels.requests[0].fetch;
  EXPECT_EQ(fetch.upstream, "openai");
  EXPECT_EQ(fetch.method, "POST");
  EXPECT_EQ(fetch.path, "/v1/chat/completions");
  ASSERT_EQ(fetch.headers.size(), 2U);
  EXPECT_EQ(fetch.headers[0].name, "content-type");
  EXPECT_EQ(fetch.headers[0].value, "application/json");
  EXPECT_THAT(fetch.wants,
              ElementsAre("content-type", "retry-after", "retry-after-ms"));
  EXPECT_EQ(fetch.timeout, HttpExchange::kPatience);
  EXPECT_EQ(fetch.idle, HttpExchange::kIdlePatience);
  EXPECT_EQ(fetch.max_bytes, OpenAiChat::kMaxAnswerBytes);
  EXPECT_EQ(fetch.window, 0U);
  EXPECT_EQ(channels.NewestJson().at("messages").size(), 2U);
  EXPECT_THAT(lines, IsEmpty());
}

TEST_F(OpenAiChatTest, TextComesAsItIsWritten) {
  Open();
  Bytes(FirstChunk());
  Bytes(Words("Good"));
  EXPECT_THAT(lines, ElementsAre("text Good"));
  Bytes(Words(" morn") + Words("ing."));
  Bytes(Finished("stop"));
  Bytes(ChatUsage());
  EXPECT_THAT(lines, ElementsAre("text Good", "text  morning."));
  Bytes(ChatDone());
  EXPECT_EQ(lines.back(), "done complete 19/10");
  Done();
  EXPECT_EQ(lines.size(), 3U);
  EXPECT_FALSE(channels.requests[0].aborted);
}

// Bytes are cut anywhere, within a character as well.
TEST_F(OpenAiChatTest, NoCutChangesTheReply) {
  const auto lean = [](const std::string& delta) {
    return R"(data: {"choices":[{"delta":)" + delta + "}]}\r\n\r\n";
  };
  const auto fragment = [&](const std::string& of_call) {
    return lean(R"({"tool_calls":[{"index":0,)" + of_call + "}]}");
  };
  const std::string stream =
      ": ping\r\n\r\n" +
      lean("{\"content\":\"\xE2\x82\xAC \xF0\x9F\x98\x80\"}") +
      fragment(R"("id":"c","function":{"name":"pay","arguments":""})") +
      fragment(R"("function":{"arguments":"{\"a\":"})") +
      fragment(R"("function":{"arguments":"1}"})") +
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n" + ChatDone();
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    lines.clear();
    Open();
    Bytes(std::string_view(stream).substr(0, cut));
    Bytes(std::string_view(stream).substr(cut));
    Done();
    ASSERT_THAT(lines,
                ElementsAre("text \xE2\x82\xAC \xF0\x9F\x98\x80",
                            R"(tool c pay {"a":1})", "done complete 1/0"))
        << cut;
  }
}

TEST_F(OpenAiChatTest, ARefusalOfTheModelIsText) {
  EXPECT_THAT(
      Answer(Chunk(R"({"content":null,"refusal":"I can't"})") +
             Chunk(R"({"refusal":" say."})") + Finished("stop") + ChatDone()),
      ElementsAre("text I can't say.", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, TheEndSaysHowItCame) {
  for (const auto& [reason, end] : {std::pair{"stop", "complete"},
                                    {"length", "tooLong"},
                                    {"content_filter", "refused"},
                                    {"tool_calls", "complete"},
                                    {"function_call", "complete"},
                                    {"eos", "complete"}}) {
    EXPECT_THAT(Answer(Words("a") + Finished(reason) + ChatDone()),
                ElementsAre("text a", "done " + std::string(end) + " 0/0"));
  }
  EXPECT_THAT(Answer(Words("a") + Finished("error") + ChatDone()),
              ElementsAre("text a", "lost error"));
}

TEST_F(OpenAiChatTest, FragmentsOfToolCallsAreJoinedByIndex) {
  EXPECT_THAT(
      Answer(ToolFragment(R"({"index":0,"id":"call_a","type":"function",)"
                          R"("function":{"name":"weather","arguments":""}})") +
             ToolFragment(R"({"index":1,"id":"call_b","type":"function",)"
                          R"("function":{"name":"time","arguments":""}})") +
             ToolFragment(R"({"index":1,"function":{"arguments":"{\"b\":"}},)"
                          R"({"index":0,"function":{"arguments":"{\"a\":"}})") +
             ToolFragment(R"({"index":0,"function":{"arguments":"1}"}})") +
             ToolFragment(R"({"index":1,"function":{"arguments":"2}"}})") +
             Finished("tool_calls") + ChatUsage() + ChatDone()),
      ElementsAre(R"(tool call_a weather {"a":1})",
                  R"(tool call_b time {"b":2})", "done complete 19/10"));
}

TEST_F(OpenAiChatTest, ToolCallsComeAtTheFinish) {
  Open();
  Bytes(ToolFragment(R"({"index":0,"id":"c","function":{"name":"n"}})"));
  EXPECT_THAT(lines, IsEmpty());
  Bytes(Finished("tool_calls"));
  EXPECT_THAT(lines, ElementsAre("tool c n {}"));
  // What comes too late is of none.
  Bytes(ToolFragment(R"({"index":0,"function":{"arguments":"{}"}})"));
  Bytes(ChatDone());
  EXPECT_THAT(lines, ElementsAre("tool c n {}", "fault outOfOrder",
                                 "done complete 0/0"));
}

TEST_F(OpenAiChatTest, ToolCallsOfOtherServersAreRead) {
  // Id and name in every fragment.
  EXPECT_THAT(Answer(ToolFragment(R"({"index":0,"id":"c","function":)"
                                  R"({"name":"n","arguments":"{\"a\""}})") +
                     ToolFragment(R"({"index":0,"id":"c","function":)"
                                  R"({"name":"n","arguments":":1}"}})") +
                     Finished("stop")),
              ElementsAre(R"(tool c n {"a":1})", "done complete 0/0"));
  // All of them with the same index, or with none: the id tells.
  for (const char* index : {R"("index":0,)", ""}) {
    EXPECT_THAT(
        Answer(ToolFragment("{" + std::string(index) +
                            R"("id":"c","function":{"name":"n","arguments":)"
                            R"("{}"}},{)" +
                            index +
                            R"("id":"d","function":{"name":"m","arguments":)"
                            R"("{\"b\""}})") +
               ToolFragment("{" + std::string(index) +
                            R"("function":{"arguments":":1}"}})") +
               Finished("tool_calls") + ChatDone()),
        ElementsAre("tool c n {}", R"(tool d m {"b":1})", "done complete 0/0"));
  }
  // Arguments that are no text.
  EXPECT_THAT(Answer(ToolFragment(R"({"index":0,"id":"c","function":)"
                                  R"({"name":"n","arguments":{"a":[1]}}})") +
                     Finished("stop")),
              ElementsAre(R"(tool c n {"a":[1]})", "done complete 0/0"));
  // The former name, with the finish in the same chunk.
  EXPECT_THAT(
      Answer(Chunk(R"({"function_call":{"name":"n","arguments":"{\"a\""}})") +
             Chunk(R"({"function_call":{"arguments":":1}"}})",
                   R"("function_call")") +
             ChatDone()),
      ElementsAre(R"(tool tool-1 n {"a":1})", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, IdsThatAreMissingAreGiven) {
  const std::string call =
      ToolFragment(R"({"index":0,"function":{"name":"n"}},)"
                   R"({"index":1,"id":"","function":{"name":"m"}})") +
      Finished("tool_calls") + ChatDone();
  EXPECT_THAT(Answer(call), ElementsAre("tool tool-1 n {}", "tool tool-2 m {}",
                                        "done complete 0/0"));
  EXPECT_EQ(Answer(call)[0], "tool tool-3 n {}");
  // None that the conversation has already.
  OpenAiChat other(MakeConfig(), channels);
  ConversationLine line;
  line.kind = ConversationLine::Kind::kTool;
  line.call_id = "tool-41";
  other.Ask({std::span(&line, 1), ""});
  other.OnHttpHeaders(channels.newest(), 200, {});
  other.OnHttpChunk(channels.newest(), ToBytes(call));
  EXPECT_EQ(ChatLine(*other.NextEvent()), "tool tool-42 n {}");
}

TEST_F(OpenAiChatTest, AnIdThatIsTooLongIsNone) {
  for (const size_t more : {size_t{0}, size_t{1}, size_t{500}}) {
    const std::string id(kMaxCallIdBytes + more, 'x');
    EXPECT_THAT(
        Answer(ToolFragment(R"({"index":0,"id":")" + id +
                            R"(","function":{"name":"n"}})") +
               Finished("tool_calls") + ChatDone()),
        testing::Contains(
            "tool " +
            (more == 0 ? id : "tool-" + std::string(more == 1 ? "1" : "2")) +
            " n {}"));
  }
}

TEST_F(OpenAiChatTest, ACallWithoutANameIsNone) {
  EXPECT_THAT(
      Answer(ToolFragment(R"({"index":0,"id":"c","function":{}})") +
             ToolFragment(R"({"index":1,"id":"d","function":{"name":"m"}})") +
             Finished("tool_calls") + ChatDone()),
      ElementsAre("fault missingField", "tool d m {}", "done complete 0/0"));
  EXPECT_THAT(Answer(ToolFragment(R"({"index":0,"id":"c"})") +
                     Finished("tool_calls") + ChatDone()),
              ElementsAre("fault missingField", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, AReplyThatWasCutShortCallsNothing) {
  for (const auto& [reason, end] :
       {std::pair{"length", "tooLong"}, {"content_filter", "refused"}}) {
    EXPECT_THAT(Answer(ToolFragment(R"({"index":0,"id":"c","function":)"
                                    R"({"name":"n","arguments":"{\"a\""}})") +
                       Finished(reason) + ChatDone()),
                ElementsAre("done " + std::string(end) + " 0/0"));
  }
}

TEST_F(OpenAiChatTest, AStreamWithoutAnEndIsTruncated) {
  EXPECT_THAT(Answer(FirstChunk() + Words("Half a")),
              ElementsAre("text Half a", "lost truncated"));
  EXPECT_THAT(Answer(""), ElementsAre("lost truncated"));
  // The last event is dropped with what it says.
  EXPECT_THAT(Answer(Words("a") + "data: [DONE]\n"),
              ElementsAre("text a", "lost truncated"));
  // A call of a tool that may be half of one is none.
  EXPECT_THAT(Answer(ToolFragment(R"({"index":0,"id":"c","function":)"
                                  R"({"name":"n","arguments":"{}"}})")),
              ElementsAre("lost truncated"));
}

TEST_F(OpenAiChatTest, EitherEndIsEnough) {
  EXPECT_THAT(Answer(Words("a") + ChatDone()),
              ElementsAre("text a", "done complete 0/0"));
  EXPECT_THAT(Answer(Words("a") + Finished("stop")),
              ElementsAre("text a", "done complete 0/0"));
  EXPECT_THAT(Answer(Words("a") + Finished("stop") + "data: [DO"),
              ElementsAre("text a", "done complete 0/0"));
  // The connection breaks behind the finish.
  lines.clear();
  Open();
  Bytes(Words("a") + Finished("stop"));
  Failed(HttpFailure::kTimeout);
  EXPECT_THAT(lines, ElementsAre("text a", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, BehindTheEndNothingIsRead) {
  EXPECT_THAT(Answer(Words("a") + ChatDone() + Words("b") + "data: {\n\n"),
              ElementsAre("text a", "done complete 0/0"));
  lines.clear();
  Open();
  Bytes(Words("a") + ChatDone());
  Bytes(Words("b"));
  Failed(HttpFailure::kNetwork);
  EXPECT_THAT(lines, ElementsAre("text a", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, TheNextReplyDoesNotWaitForTheEndOfAnExchange) {
  Open();
  Bytes(Words("a") + ChatDone());
  const ChannelId first = channels.newest();
  EXPECT_FALSE(channels.requests[0].aborted);
  lines.clear();
  Open();
  EXPECT_TRUE(channels.requests[0].aborted);
  // What crosses with that is of nobody.
  chat.OnHttpChunk(first, ToBytes(Words("late")));
  chat.OnHttpDone(first);
  Take();
  Bytes(Words("b") + ChatDone());
  Done();
  EXPECT_THAT(lines, ElementsAre("text b", "done complete 0/0"));
  // One that has ended is not aborted.
  Ask();
  EXPECT_FALSE(channels.requests[1].aborted);
}

TEST_F(OpenAiChatTest, ErrorsInsideOfAStreamEndIt) {
  for (const char* error :
       {"data: {\"error\":{\"message\":\"no\",\"type\":\"server_error\","
        "\"param\":null,\"code\":null}}\n\n",
        "event: error\ndata: {\"error\":{\"message\":\"no\","
        "\"type\":\"server_error\"}}\n\n",
        "event: error\ndata: {\"message\":\"no\",\"code\":\"server_error\"}"
        "\n\n",
        "data: {\"object\":\"error\",\"message\":\"no\","
        "\"type\":\"server_error\"}\n\n"}) {
    EXPECT_THAT(Answer(Words("a") + error + Words("b") + ChatDone()),
                ElementsAre("text a", "lost server_error no"))
        << error;
    EXPECT_TRUE(channels.requests.back().aborted);
  }
  EXPECT_THAT(Answer("event: error\ndata: overloaded\n\n"),
              ElementsAre("lost error"));
  EXPECT_THAT(Answer("data: {\"error\":{\"code\":\"insufficient_quota\"}}\n\n"),
              ElementsAre("fatal insufficient_quota"));
  // A member that says there is none.
  EXPECT_THAT(Answer("data: {\"error\":null,\"choices\":[]}\n\n" + ChatDone()),
              ElementsAre("done complete 0/0"));
}

TEST_F(OpenAiChatTest, StatusesAreFailures) {
  Ask();
  Headers(429, {{"content-type", "application/json"}, {"retry-after", "2"}});
  EXPECT_THAT(lines, IsEmpty());
  Bytes(R"({"error":{"message":"slow down","type":"requests","param":null,)");
  Bytes(R"("code":"rate_limit_exceeded"}})");
  Done();
  EXPECT_THAT(lines,
              ElementsAre("lost rate_limit_exceeded slow down after 2000"));
  lines.clear();
  Ask();
  Headers(401, {{"content-type", "application/json"}});
  Bytes(R"({"error":{"message":"bad key","code":"invalid_api_key"}})");
  Done();
  EXPECT_THAT(lines, ElementsAre("fatal invalid_api_key bad key"));
  lines.clear();
  Ask();
  Headers(502, {{"content-type", "text/html"}});
  Bytes("<html><title>Bad gateway</title></html>");
  // The status has said it already.
  Failed(HttpFailure::kNetwork);
  EXPECT_THAT(lines, ElementsAre("lost http502 Bad gateway"));
}

TEST_F(OpenAiChatTest, OfAnErrorBodyNoMoreIsReadThanItTakes) {
  Ask();
  Headers(500, {{"content-type", "text/plain"}});
  for (int i = 0; i < 20; ++i) Bytes(std::string(1024, 'x'));
  EXPECT_TRUE(channels.requests[0].aborted);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("lost http500 xxx"));
}

TEST_F(OpenAiChatTest, APageIsNoReply) {
  Ask();
  Headers(200, {{"content-type", "text/html; charset=utf-8"}});
  Bytes("<!DOCTYPE html><html><head><title>Log in</title></head></html>");
  Done();
  EXPECT_THAT(lines, ElementsAre("lost contentType Log in"));
}

TEST_F(OpenAiChatTest, WhatTheFilterRefusesToReadIsRefused) {
  Ask();
  Headers(400, {{"content-type", "application/json"}});
  Bytes(R"({"error":{"message":"filtered","param":"prompt",)"
        R"("code":"content_filter","status":400}})");
  Done();
  EXPECT_THAT(lines, ElementsAre("done refused 0/0"));
}

TEST_F(OpenAiChatTest, AServerThatDoesNotStreamIsRead) {
  const std::string body =
      R"({"id":"chatcmpl-9","object":"chat.completion","created":1,)"
      R"("model":"m","choices":[{"index":0,"message":{"role":"assistant",)"
      R"("content":"One moment.","refusal":null,"annotations":[],)"
      R"("tool_calls":[{"id":"call_1","type":"function","function":)"
      R"({"name":"weather","arguments":"{}"}},{"id":"call_2",)"
      R"("type":"function","function":{"name":"time","arguments":"{}"}}]},)"
      R"("logprobs":null,"finish_reason":"tool_calls"}],)"
      R"("usage":{"prompt_tokens":5,"completion_tokens":7}})";
  EXPECT_THAT(AnswerJson(body),
              ElementsAre("text One moment.", "tool call_1 weather {}",
                          "tool call_2 time {}", "done complete 5/7"));
  // Ids that are missing make no one call of two.
  EXPECT_THAT(
      AnswerJson(R"({"choices":[{"message":{"content":null,"tool_calls":[)"
                 R"({"function":{"name":"a","arguments":"{}"}},)"
                 R"({"function":{"name":"b","arguments":"{}"}}]},)"
                 R"("finish_reason":"stop"}]})"),
      ElementsAre("tool tool-1 a {}", "tool tool-2 b {}", "done complete 0/0"));
  EXPECT_THAT(AnswerJson(R"({"choices":[{"message":{"content":"a"}}]})"),
              ElementsAre("text a", "lost truncated"));
  EXPECT_THAT(AnswerJson(R"({"error":{"message":"m","type":"t"}})"),
              ElementsAre("lost t m"));
  EXPECT_THAT(AnswerJson(R"({"choices":)"),
              ElementsAre("fault malformed", "lost malformed"));
  EXPECT_THAT(AnswerJson(std::string(OpenAiChat::kMaxWholeBytes + 1, ' ')),
              ElementsAre("lost tooLarge"));
  EXPECT_TRUE(channels.requests.back().aborted);
}

TEST_F(OpenAiChatTest, WhatCannotBeReadEndsTheReply) {
  EXPECT_THAT(Answer(Words("a") + "data: {\"choices\":\n\n" + Words("b")),
              ElementsAre("fault malformed", "text a", "lost malformed"));
  EXPECT_THAT(Answer("data: 7\n\n"),
              ElementsAre("fault malformed", "lost malformed"));
  EXPECT_THAT(Answer("data: " + std::string(SseParser::kMaxLineBytes, 'x')),
              ElementsAre("lost tooLarge"));
  EXPECT_TRUE(channels.requests.back().aborted);
}

TEST_F(OpenAiChatTest, WhatIsOfNoUseIsPassedOver) {
  EXPECT_THAT(
      Answer(": OPENROUTER PROCESSING\n\nevent: ping\ndata\n\n"
             "data: {}\n\ndata: {\"choices\":null}\n\n"
             "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"x\"}},"
             "{\"delta\":{\"content\":\"a\",\"reasoning_content\":\"y\"}},"
             "{\"index\":0,\"delta\":null}, 7]}\n\n"
             "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\","
             "\"text\":\"b\"},{\"type\":\"thinking\"}]}}]}\n\n" +
             ChatDone()),
      ElementsAre("text ab", "done complete 0/0"));
  EXPECT_THAT(Answer("data: {\"choices\":7}\n\n" + ChatDone()),
              ElementsAre("fault wrongType", "done complete 0/0"));
  EXPECT_THAT(Answer("data: {\"choices\":[{\"delta\":{\"content\":7}}]}\n\n" +
                     ChatDone()),
              ElementsAre("fault wrongType", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, ToolCallsHaveBounds) {
  std::string many;
  for (size_t i = 0; i <= OpenAiChat::kMaxToolCalls; ++i) {
    many += ToolFragment(R"({"index":)" + std::to_string(i) +
                         R"(,"function":{"name":"n"}})");
  }
  EXPECT_THAT(Answer(many + Finished("stop")), ElementsAre("lost tooLarge"));
  std::string large;
  for (size_t bytes = 0; bytes <= OpenAiChat::kMaxToolCallBytes;
       bytes += 1024) {
    large += ToolFragment(R"({"index":0,"function":{"name":"n","arguments":")" +
                          std::string(1024, 'x') + "\"}}");
  }
  EXPECT_THAT(Answer(large + Finished("stop")), ElementsAre("lost tooLarge"));
}

TEST_F(OpenAiChatTest, ExchangesThatFailAreFailures) {
  Ask();
  Failed(HttpFailure::kTimeout);
  EXPECT_THAT(lines, ElementsAre("lost timeout reason"));
  lines.clear();
  Ask();
  Failed(HttpFailure::kUpstream);
  EXPECT_THAT(lines, ElementsAre("fatal upstream reason"));
  lines.clear();
  Open();
  Bytes(Words("a"));
  Failed(HttpFailure::kNetwork);
  EXPECT_THAT(lines, ElementsAre("text a", "lost network reason"));
  lines.clear();
  Ask();
  Done();
  EXPECT_THAT(lines, ElementsAre("lost truncated"));
  channels.full = true;
  lines.clear();
  Ask();
  EXPECT_THAT(lines, ElementsAre("lost channels"));
}

TEST_F(OpenAiChatTest, OfAnAbortedReplyNothingComes) {
  Open();
  chat.OnHttpChunk(channels.newest(),
                   ToBytes(Words("not taken") +
                           ToolFragment(R"({"id":"c","function":)"
                                        R"({"name":"n"}})") +
                           Finished("tool_calls")));
  chat.Abort();
  EXPECT_TRUE(channels.requests[0].aborted);
  Take();
  Bytes(Words("late") + ChatDone());
  Done();
  EXPECT_THAT(lines, IsEmpty());
  // Nor of one that has failed already.
  Ask();
  chat.OnHttpFailed(channels.newest(), HttpFailure::kNetwork, "");
  chat.Abort();
  EXPECT_FALSE(channels.requests[1].aborted);
  Take();
  EXPECT_THAT(lines, IsEmpty());
  // And the next one has nothing of it.
  EXPECT_THAT(Answer(Words("b") + Finished("stop") + ChatDone()),
              ElementsAre("text b", "done complete 0/0"));
}

TEST_F(OpenAiChatTest, WhatIsOnOtherChannelsIsOfOthers) {
  Open();
  const ChannelId other{99};
  chat.OnHttpHeaders(other, 500, {});
  chat.OnHttpChunk(other, ToBytes(Words("x")));
  chat.OnHttpDone(other);
  chat.OnHttpFailed(other, HttpFailure::kNetwork, "");
  Take();
  EXPECT_THAT(lines, IsEmpty());
  Bytes(Words("a") + ChatDone());
  EXPECT_THAT(lines, ElementsAre("text a", "done complete 0/0"));
}

}  // namespace
}  // namespace trunkline::protocol
