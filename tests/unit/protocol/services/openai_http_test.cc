#include "protocol/services/openai_http.h"

#include <gtest/gtest.h>

#include <string>

#include "exchanges.h"

namespace trunkline::protocol {
namespace {

std::string FailureOf(int status, const Json& headers, std::string_view body) {
  OpenAiFailure failure;
  failure.Begin(static_cast<uint16_t>(status), headers);
  failure.OnBody(ToBytes(body));
  failure.OnAnswer();
  return ToLine(failure.Read());
}

std::string ErrorOf(const Json& body) {
  OpenAiFailure failure;
  failure.OnError(body);
  return ToLine(failure.Read());
}

TEST(OpenAiHttpTest, TheContentTypeIsReadWithoutItsParameters) {
  EXPECT_EQ(MediaTypeOf({{"content-type", "Text/Event-Stream; charset=UTF-8"}}),
            "text/event-stream");
  EXPECT_EQ(MediaTypeOf({{"content-type", " audio/pcm ;rate=24000"}}),
            "audio/pcm");
  EXPECT_EQ(MediaTypeOf(Json::object()), "");
  EXPECT_TRUE(IsJsonType("application/json"));
  EXPECT_TRUE(IsJsonType("application/problem+json"));
  EXPECT_FALSE(IsJsonType("text/event-stream"));
  EXPECT_TRUE(IsMarkupType("text/html"));
  EXPECT_TRUE(IsMarkupType("application/xml"));
  EXPECT_TRUE(IsMarkupType("application/xhtml+xml"));
  EXPECT_FALSE(IsMarkupType("text/plain"));
}

TEST(OpenAiHttpTest, HeadersSayHowLongToWait) {
  struct Case {
    Json headers;
    int64_t ms;
  };
  for (const auto& [headers, ms] :
       {Case{{{"retry-after", "20"}}, 20'000},
        Case{{{"retry-after", " 1.9 "}}, 1'000},
        Case{{{"retry-after", "0"}}, 0},
        Case{{{"retry-after", "99999999"}}, 3'600'000},
        Case{{{"retry-after-ms", "1500"}, {"retry-after", "2"}}, 1'500},
        Case{{{"retry-after-ms", "812.25"}}, 812},
        Case{{{"retry-after-ms", "9007199254740991"}}, 3'600'000},
        Case{{{"retry-after-ms", "soon"}, {"retry-after", "2"}}, 2'000}}) {
    const auto wait = RetryAfterHeader(headers);
    ASSERT_TRUE(wait) << headers;
    EXPECT_EQ(wait->ms(), ms) << headers;
  }
  for (const char* value : {"", "-1", "1e3", "0x10", "1.x", ".5",
                            "Fri, 31 Dec 1999 23:59:59 GMT"}) {
    EXPECT_FALSE(RetryAfterHeader({{"retry-after", value}})) << value;
  }
  EXPECT_FALSE(RetryAfterHeader(Json::object()));
}

TEST(OpenAiHttpTest, TheStatusSaysWhetherToAskAgain) {
  for (const int status : {400, 401, 402, 403, 404, 405, 413, 422, 302}) {
    EXPECT_EQ(FailureOf(status, {}, ""), "fatal http" + std::to_string(status));
  }
  for (const int status : {408, 409, 429, 500, 501, 502, 503, 504, 520, 529}) {
    EXPECT_EQ(FailureOf(status, {}, ""), "lost http" + std::to_string(status));
  }
}

TEST(OpenAiHttpTest, ErrorObjectsAreRead) {
  EXPECT_EQ(FailureOf(401, {},
                      R"({"error":{"message":"Incorrect API key provided",
                      "type":"invalid_request_error","param":null,
                      "code":"invalid_api_key"}})"),
            "fatal invalid_api_key Incorrect API key provided");
  EXPECT_EQ(FailureOf(429, {{"retry-after", "7"}},
                      R"({"error":{"message":"Slow down, try again in 20s.",
                      "type":"requests","param":null,
                      "code":"rate_limit_exceeded"}})"),
            "lost rate_limit_exceeded Slow down, try again in 20s. after 7000");
  EXPECT_EQ(FailureOf(429, {},
                      R"({"error":{"message":"try again in 250ms",
                      "type":"tokens","code":null}})"),
            "lost tokens try again in 250ms after 250");
  // The account is at fault, whatever the status says.
  EXPECT_EQ(FailureOf(429, {},
                      R"({"error":{"type":"insufficient_quota",
                      "code":"insufficient_quota"}})"),
            "fatal insufficient_quota");
  EXPECT_EQ(FailureOf(400, {},
                      R"({"error":{"message":"bad","param":"messages[0]",
                      "type":"invalid_request_error"}})"),
            "fatal invalid_request_error messages[0] bad");
  // A server error that calls itself one is passing, also without a status.
  EXPECT_EQ(ErrorOf({{"error", {{"type", "server_error"}}}}),
            "lost server_error");
}

TEST(OpenAiHttpTest, ErrorsOfOtherServersAreRead) {
  EXPECT_EQ(FailureOf(500, {}, R"({"error":"out of memory"})"),
            "lost http500 out of memory");
  EXPECT_EQ(FailureOf(404, {},
                      R"({"object":"error","message":"no such model",
                      "type":"NotFoundError","code":404})"),
            "fatal NotFoundError no such model");
  EXPECT_EQ(FailureOf(422, {}, R"({"detail":"field required"})"),
            "fatal http422 field required");
  EXPECT_EQ(FailureOf(503, {}, R"([{"error":{"code":503,"message":"busy"}}])"),
            "lost http503 busy");
  EXPECT_EQ(FailureOf(500, {}, "[]"), "lost http500 []");
  EXPECT_EQ(FailureOf(500, {}, "null"), "lost http500 null");
  EXPECT_EQ(ErrorOf({{"error", {{"code", 502}, {"message", "gone"}}}}),
            "lost http502 gone");
  EXPECT_EQ(ErrorOf({{"error", {{"code", 403}, {"message", "no"}}}}),
            "fatal http403 no");
  EXPECT_EQ(ErrorOf({{"error", "text"}}), "lost error text");
  EXPECT_EQ(ErrorOf(Json::array()), "lost error");
}

TEST(OpenAiHttpTest, PagesAndTextsAreMessages) {
  EXPECT_EQ(FailureOf(502, {},
                      "<html>\r\n<head><title>502 Bad Gateway</title></head>"
                      "<body>...</body></html>"),
            "lost http502 502 Bad Gateway");
  EXPECT_EQ(FailureOf(502, {}, "<!DOCTYPE html><p>no title"), "lost http502");
  EXPECT_EQ(FailureOf(503, {}, "upstream connect error\n"),
            "lost http503 upstream connect error");
  EXPECT_EQ(FailureOf(200, {}, "<html><title>Log in</title>"),
            "lost contentType Log in");
  // Whatever the bytes are, the message is well-formed and has an end.
  const std::string line = FailureOf(500, {}, std::string(4'000, '\xFF'));
  EXPECT_LE(line.size(), OpenAiFailure::kMaxMessageBytes + 16);
  EXPECT_TRUE(line.starts_with("lost http500 \xEF\xBF\xBD"));
}

TEST(OpenAiHttpTest, OfABodyOnlyTheFrontIsRead) {
  OpenAiFailure failure;
  failure.Begin(500, {});
  const std::string piece(1024, 'x');
  for (size_t bytes = piece.size(); bytes < OpenAiFailure::kMaxBodyBytes;
       bytes += piece.size()) {
    EXPECT_TRUE(failure.OnBody(ToBytes(piece)));
  }
  EXPECT_FALSE(failure.OnBody(ToBytes(piece)));
  EXPECT_FALSE(failure.OnBody(ToBytes(piece)));
  failure.OnAnswer();
  EXPECT_EQ(
      ToLine(failure.Read()).size(),
      OpenAiFailure::kMaxMessageBytes + std::string("lost http500 ").size());
}

TEST(OpenAiHttpTest, ExchangesThatFailSayHow) {
  OpenAiFailure failure;
  // Of what came before nothing is left.
  failure.Begin(429, {{"retry-after", "7"}});
  failure.OnExchange(HttpFailure::kTimeout, "no headers in time");
  EXPECT_EQ(ToLine(failure.Read()), "lost timeout no headers in time");
  failure.OnExchange(HttpFailure::kUpstream, "not configured");
  EXPECT_EQ(ToLine(failure.Read()), "fatal upstream not configured");
  failure.OnExchange(HttpFailure::kNetwork, "");
  EXPECT_EQ(ToLine(failure.Read()), "lost network");
  failure.Set("truncated", Loss::kRetryable);
  EXPECT_EQ(ToLine(failure.Read()), "lost truncated");
}

}  // namespace
}  // namespace trunkline::protocol
