#include "protocol/agents/openai_error.h"

#include <gtest/gtest.h>

#include <string>

namespace trunkline::protocol {
namespace {

TEST(OpenAiErrorTest, HowLongToWaitIsInTheMessage) {
  struct Case {
    const char* message;
    int64_t ms;
  };
  for (const auto& [message, ms] : {
           Case{"Rate limit reached. Please try again in 3.1s. Visit us.",
                3100},
           Case{"Please try again in 20s.", 20'000},
           Case{"Please try again in 250ms.", 250},
           Case{"try again in 1m2.5s", 62'500},
           Case{"try again in 6m0s", 360'000},
           Case{"try again in 1.23456s", 1234},
           Case{"try again in 5 seconds", 5'000},
           Case{"try again in 2 minutes.", 120'000},
           Case{"try again in 1 hour", 3'600'000},
           Case{"try again in 700 milliseconds", 700},
           Case{"try again in 0s", 0},
           Case{"try again in 99h", 3'600'000},
           Case{"try again in 9999999h9999999h9999999h", 3'600'000},
       }) {
    const std::optional<Duration> wait = RetryAfterOf(message);
    ASSERT_TRUE(wait) << message;
    EXPECT_EQ(wait->ms(), ms) << message;
  }
}

TEST(OpenAiErrorTest, OtherMessagesSayNothingOfIt) {
  for (const char* message :
       {"", "try again later", "try again in a while", "try again in ",
        "try again in 3", "try again in 3 weeks", "try again in 99999999999s",
        "in 3s", "try again in -1s", "try again in s"}) {
    EXPECT_FALSE(RetryAfterOf(message)) << message;
  }
}

TEST(OpenAiErrorTest, WhatIsNullOrOfAnotherTypeIsEmpty) {
  const OpenAiError none = ReadOpenAiError(
      Json{{"code", nullptr}, {"param", 3}, {"message", Json::array()}});
  EXPECT_EQ(none.why.code, "error");
  EXPECT_EQ(none.why.param, "");
  EXPECT_EQ(none.why.message, "");
  EXPECT_FALSE(none.why.retry_after);
  EXPECT_FALSE(none.fatal);
  EXPECT_EQ(ReadOpenAiError(Json("text")).why.code, "error");
  EXPECT_EQ(ReadOpenAiError(Json(nullptr)).why.code, "error");
}

TEST(OpenAiErrorTest, TheTypeStandsForACodeThatIsNot) {
  const Json json = {{"type", "server_error"},
                     {"code", nullptr},
                     {"param", "session.tools[0].name"},
                     {"message", "no"},
                     {"event_id", "session.update-1"}};
  const OpenAiError error = ReadOpenAiError(json);
  EXPECT_EQ(error.why.code, "server_error");
  EXPECT_EQ(error.why.param, "session.tools[0].name");
  EXPECT_EQ(error.why.message, "no");
  EXPECT_EQ(error.event_id, "session.update-1");
}

TEST(OpenAiErrorTest, AccountsKeysAndModelsAreNotAskedAgain) {
  for (const char* code : {"insufficient_quota", "invalid_api_key",
                           "model_not_found", "account_deactivated"}) {
    EXPECT_TRUE(ReadOpenAiError(Json{{"code", code}}).fatal) << code;
  }
  EXPECT_FALSE(ReadOpenAiError(Json{{"code", "rate_limit_exceeded"}}).fatal);
}

}  // namespace
}  // namespace trunkline::protocol
