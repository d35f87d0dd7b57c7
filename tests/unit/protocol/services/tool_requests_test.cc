#include "protocol/services/tool_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/protocol/services/exchanges.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kTimeoutMs = 3'000;

Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

class ToolRequestsTest : public testing::Test {
 protected:
  ToolRequestsTest() { requests.SetNow(At(1'000)); }

  void Call(const std::string& id, std::string_view arguments = "{}",
            ToolRequests::To to = ToolRequests::To::kWebhook) {
    requests.Begin({.id = id,
                    .name = "lookup",
                    .arguments = arguments,
                    .at_ms = 900,
                    .due = At(1'000 + kTimeoutMs)},
                   to);
  }
  void Head(uint16_t status, const char* type) {
    requests.OnHttpHeaders(
        channels.newest(), status,
        type == nullptr ? Json::object() : Json{{"content-type", type}});
  }
  void Answer(uint16_t status, const char* type, std::string_view body) {
    Head(status, type);
    requests.OnHttpChunk(channels.newest(), ToBytes(body));
    requests.OnHttpDone(channels.newest());
  }
  // "ID OUTPUT [FAILURE] [STATUS] [LATENCY ms]" of each result.
  std::vector<std::string> Results() {
    std::vector<std::string> lines;
    while (const auto result = requests.NextResult()) {
      std::string line = result->call_id + ' ' + result->output;
      const ToolRequestFacts& facts = result->facts;
      if (!facts.failure.empty()) line += ' ' + facts.failure;
      if (facts.status != 0) line += ' ' + std::to_string(facts.status);
      if (facts.latency_ms != ToolRequestFacts::kNone) {
        line += ' ' + std::to_string(facts.latency_ms) + " ms";
      }
      lines.push_back(line);
    }
    return lines;
  }

  Exchanges channels;
  ToolRequests requests{"call-1", channels};
};

TEST_F(ToolRequestsTest, AWebhookIsToldWhatTheModelWants) {
  Call("call_7", R"({"day":"friday","day":"sunday","people":4})");
  ASSERT_EQ(channels.requests.size(), 1U);
  const Exchanges::Request& request = channels.requests.front();
  EXPECT_EQ(request.fetch.upstream, "tool:lookup");
  EXPECT_EQ(request.fetch.method, "POST");
  EXPECT_EQ(request.fetch.path, "/");
  EXPECT_EQ(request.fetch.timeout.ms(), kTimeoutMs);
  EXPECT_EQ(request.fetch.max_bytes, ToolRequests::kMaxAnswerBytes);
  EXPECT_EQ(request.fetch.headers[1].name, "idempotency-key");
  EXPECT_EQ(request.fetch.headers[1].value, "call-1:call_7");
  // Each name once: what the shim checks is what the tool reads.
  EXPECT_EQ(request.body,
            R"({"arguments":{"day":"sunday","people":4},"atMs":900,)"
            R"("callId":"call-1","name":"lookup","toolCallId":"call_7"})");
}

TEST_F(ToolRequestsTest, AnIdOfAnyKindIsAHeader) {
  Call("a b\r\nx: \xC3\xA9%");
  EXPECT_EQ(channels.requests.front().fetch.headers[1].value,
            "call-1:a%20b%0D%0Ax%3A%20%C3%A9%25");
}

TEST_F(ToolRequestsTest, WhatItAnswersIsTheResult) {
  struct Case {
    uint16_t status;
    const char* type;
    std::string body;
    std::string result;
  };
  const std::string long_text(ToolRequests::kMaxAnswerBytes, 'x');
  const Case kCases[] = {
      {200, "application/json", R"({ "free": [ "19:30" ], "n": 1.5 })",
       R"({"free":["19:30"],"n":1.5} 200 40 ms)"},
      {201, "application/problem+json; charset=utf-8", "null",
       "null 201 40 ms"},
      {299, "Text/Plain", " a table \n", " a table \n 299 40 ms"},
      {200, "text/csv", long_text, long_text + " 200 40 ms"},
      // Done, and nothing to say.
      {204, nullptr, "", "{} 204 40 ms"},
      {200, nullptr, "",
       R"({"error":"the tool's answer is neither JSON nor text"} type 200 40 ms)"},
      {200, "application/json", "  ",
       R"({"error":"the tool's answer is empty"} empty 200 40 ms)"},
      {200, "application/json", R"({"free":)",
       R"({"error":"the tool's answer is no JSON"} json 200 40 ms)"},
      {200, "text/html", "<h1>Sign in</h1>",
       R"({"error":"the tool's answer is neither JSON nor text"} type 200 40 ms)"},
      {200, "audio/ogg", "OggS",
       R"({"error":"the tool's answer is neither JSON nor text"} type 200 40 ms)"},
      {200, "text/plain", "\xFF\xFE",
       R"({"error":"the tool's answer is neither JSON nor text"} type 200 40 ms)"},
      {302, "text/plain", "elsewhere",
       R"({"error":"the tool answered with status 302"} status 302 40 ms)"},
      {500, "application/json", R"({"secret":"stack"})",
       R"({"error":"the tool answered with status 500"} status 500 40 ms)"},
      {200, "text/plain", long_text + "x",
       R"({"error":"the tool's answer is longer than 16384 bytes"} tooLarge 200 40 ms)"},
  };
  for (const Case& one : kCases) {
    requests.SetNow(At(1'000));
    Call("c");
    requests.SetNow(At(1'040));
    Answer(one.status, one.type, one.body);
    EXPECT_THAT(Results(), ElementsAre("c " + one.result)) << one.result;
    EXPECT_FALSE(requests.IsOpen("c"));
  }
}

TEST_F(ToolRequestsTest, WhatIsNoAnswerIsLetGo) {
  Call("a");
  Head(500, "text/plain");
  EXPECT_TRUE(channels.requests.back().aborted);
  Call("b");
  Head(200, "text/plain");
  requests.OnHttpChunk(
      channels.newest(),
      ToBytes(std::string(ToolRequests::kMaxAnswerBytes + 1, 'x')));
  EXPECT_TRUE(channels.requests.back().aborted);
  EXPECT_EQ(Results().size(), 2U);
  // It has crossed.
  requests.OnHttpDone(channels.newest());
  requests.OnHttpFailed(channels.newest(), HttpFailure::kNetwork, "");
  EXPECT_THAT(Results(), IsEmpty());
}

TEST_F(ToolRequestsTest, NoAnswerSaysWhy) {
  struct Case {
    HttpFailure failure;
    const char* reason;
    const char* result;
  };
  constexpr Case kCases[] = {
      {HttpFailure::kUpstream, "secret host",
       R"(c {"error":"the tool is not configured"} upstream 0 ms)"},
      {HttpFailure::kNetwork, "secret host",
       R"(c {"error":"the tool was not reached"} network 0 ms)"},
      {HttpFailure::kTimeout, "",
       R"(c {"error":"the tool did not answer in time"} timeout 0 ms)"},
      {HttpFailure::kTooLarge, "",
       R"(c {"error":"the tool's answer is longer than 16384 bytes"} tooLarge 0 ms)"},
      {HttpFailure::kRefused, "arguments: day: is missing",
       R"(c {"error":"arguments: day: is missing"} refused 0 ms)"},
  };
  for (const Case& one : kCases) {
    Call("c");
    requests.OnHttpFailed(channels.newest(), one.failure, one.reason);
    EXPECT_THAT(Results(), ElementsAre(one.result));
  }
}

TEST_F(ToolRequestsTest, ArgumentsThatAreNoneAreNotSent) {
  for (const char* wrong : {"", "{", "[]", "3", "null", R"("{}")"}) {
    Call("c", wrong);
    EXPECT_THAT(
        Results(),
        ElementsAre(
            R"(c {"error":"arguments: they are no JSON object"} refused)"));
  }
  Call("c", R"({"latitude":100,"longitude":0})", ToolRequests::To::kWeather);
  EXPECT_THAT(
      Results(),
      ElementsAre(
          R"(c {"error":"arguments: latitude must be a number from -90 to 90"} refused)"));
  EXPECT_THAT(channels.requests, IsEmpty());
}

TEST_F(ToolRequestsTest, TheWeatherIsAskedForByItsPath) {
  Call("c", R"({"latitude":52.52,"longitude":13.4})",
       ToolRequests::To::kWeather);
  const FetchRequest& fetch = channels.requests.back().fetch;
  EXPECT_EQ(fetch.upstream, "weather");
  EXPECT_EQ(fetch.method, "GET");
  EXPECT_TRUE(fetch.path.starts_with("/v1/forecast?latitude=52.5200&"));
  EXPECT_EQ(channels.requests.back().body, "");
  Answer(200, "application/json", R"({"current":{"temperature_2m":4}})");
  EXPECT_THAT(Results(), ElementsAre(R"(c {"temperatureC":4} 200 0 ms)"));
  Call("d", R"({"latitude":52.52,"longitude":13.4})",
       ToolRequests::To::kWeather);
  Answer(200, "application/json", R"({"current":{}})");
  EXPECT_THAT(
      Results(),
      ElementsAre(
          R"(d {"error":"the tool's answer is not what it must be"} json 200 0 ms)"));
}

TEST_F(ToolRequestsTest, ATimeIsAllThereIs) {
  Call("a");
  requests.SetNow(At(2'000));
  EXPECT_EQ(requests.deadline(), At(1'000 + kTimeoutMs));
  requests.OnDeadline();
  EXPECT_THAT(Results(), IsEmpty());
  // A body that trickles is late as well.
  Head(200, "text/plain");
  requests.OnHttpChunk(channels.newest(), ToBytes("x"));
  requests.SetNow(At(1'000 + kTimeoutMs));
  requests.OnDeadline();
  EXPECT_THAT(
      Results(),
      ElementsAre(
          R"(a {"error":"the tool did not answer in time"} timeout 200 3000 ms)"));
  EXPECT_TRUE(channels.requests.back().aborted);
  EXPECT_TRUE(requests.deadline().is_never());
  // One that has no time left is not begun.
  Call("b");
  EXPECT_EQ(channels.requests.size(), 1U);
  EXPECT_EQ(Results().size(), 1U);
}

TEST_F(ToolRequestsTest, AsManyAsTheBoundAreAskedAtATime) {
  for (size_t i = 0; i <= ToolRequests::kMaxOpen; ++i) {
    Call("c" + std::to_string(i));
    // The same call is the same one.
    Call("c" + std::to_string(i));
  }
  EXPECT_EQ(channels.requests.size(), ToolRequests::kMaxOpen);
  const std::string busy = R"( {"error":"too many tools at a time"} busy)";
  EXPECT_THAT(Results(), ElementsAre("c8" + busy, "c8" + busy));
  requests.End();
  for (const Exchanges::Request& request : channels.requests) {
    EXPECT_TRUE(request.aborted);
  }
  EXPECT_FALSE(requests.IsOpen("c0"));
  channels.full = true;
  Call("d");
  EXPECT_THAT(Results(), ElementsAre("d" + busy));
}

TEST_F(ToolRequestsTest, TheEndTakesResultsBack) {
  Call("a");
  Answer(200, "text/plain", "x");
  requests.End();
  EXPECT_THAT(Results(), IsEmpty());
}

}  // namespace
}  // namespace trunkline::protocol
