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
           // As others write it.
           Case{"Please retry after 2 seconds.", 2'000},
           Case{"Please Try Again In 2.0 Seconds", 2'000},
           Case{"PLEASE TRY AGAIN IN 350MS", 350},
           Case{"try again in 350ms", 350},
           Case{"Try again in 1M2.5S", 62'500},
           Case{"try again in 2 s", 2'000},
           Case{"Requests have exceeded the rate limit. Please retry after 1 "
                "second. Please contact support.",
                1'000},
           Case{"Please retry in 34.074824224s.", 34'074},
           Case{"You may try again after 10 secs", 10'000},
           Case{"Please wait 20 seconds.", 20'000},
           Case{"You must wait for 3 mins", 180'000},
           Case{"try again in 2 minutes 30 seconds", 150'000},
           Case{"try again in 2 minutes, 30 seconds", 150'000},
           Case{"try again in 1 minute and 2.5 seconds.", 62'500},
           Case{"try again in 1 m 2 s", 62'000},
           Case{"try again in 1 day", 3'600'000},
           Case{"try again in 9999999 days", 3'600'000},
           // The first that says it.
           Case{"Do not try again in vain; retry after 4s, or retry in 9s.",
                4'000},
           Case{"try again in 3s, 5 requests at most", 3'000},
           Case{"Please try again in about 2 seconds.", 2'000},
           Case{"Please try again in  2s.", 2'000},
           Case{"Please try your request again in .5s", 500},
           Case{"Please retry your request after 2 seconds.", 2'000},
           Case{"Too many requests. Retry-After: 2", 2'000},
           Case{"Retry after: 2s", 2'000},
           Case{"retry-after=1.5, please", 1'500},
           Case{"Please try again in 1,5s.", 1'500},
           Case{"Please retry after 2", 2'000},
           Case{"(retry after 7)", 7'000},
           Case{"Limit 3. Retry later, or wait for 4 min", 240'000},
       }) {
    const std::optional<Duration> wait = RetryAfterOf(message);
    ASSERT_TRUE(wait) << message;
    EXPECT_EQ(wait->ms(), ms) << message;
  }
}

TEST(OpenAiErrorTest, OtherMessagesSayNothingOfIt) {
  for (const char* message :
       {"",
        "try again later",
        "try again in a while",
        "try again in ",
        "try again in 3",
        "try again in 2, or later",
        "try again in 3 weeks",
        "try again in 99999999999s",
        "in 3s",
        "try again in -1s",
        "try again in s",
        "try again in a few seconds",
        "retry after 2 more attempts",
        "retry 2",
        "retrying after 2s",
        "try again. You have 20s.",
        "await 3s",
        "retry with fewer tokens than those that you have asked for: 30 s",
        "try again in 3 messages",
        "Retry After Later",
        "waited 3s",
        "3s"}) {
    EXPECT_FALSE(RetryAfterOf(message)) << message;
  }
}

TEST(OpenAiErrorTest, ALimitWithoutATimeIsWaitedForToo) {
  for (const Json& error :
       {Json{{"code", "rate_limit_exceeded"}}, Json{{"code", "slow_down"}},
        Json{{"type", "rate_limit_error"}, {"code", nullptr}},
        Json{{"type", "rate_limit_error"}, {"code", "tokens"}},
        Json{{"type", "too_many_requests"},
             {"message", "Please try again in a few seconds."}}}) {
    const OpenAiError read = ReadOpenAiError(error);
    ASSERT_TRUE(read.why.retry_after) << error;
    EXPECT_EQ(read.why.retry_after->ms(), 2'000) << error;
    EXPECT_TRUE(IsPassing(read)) << error;
  }
  EXPECT_FALSE(
      ReadOpenAiError(Json{{"code", "invalid_value"}}).why.retry_after);
}

TEST(OpenAiErrorTest, SomeErrorsSayThatTheyAreOfNoResponse) {
  for (const Json& error :
       {Json{{"code", "item_truncate_invalid_item_id"}},
        Json{{"code", "item_delete_invalid_item_id"}},
        Json{{"code", "input_audio_buffer_commit_empty"}},
        Json{{"code", "response_cancel_not_active"}},
        Json{{"code", "invalid_value"}, {"param", "audio_end_ms"}},
        Json{{"code", "invalid_value"}, {"param", "item.call_id"}},
        Json{{"code", "invalid_value"},
             {"message",
              "Audio content of 900ms is already shorter than 1300ms"}}}) {
    EXPECT_TRUE(IsOfNoResponse(ReadOpenAiError(error))) << error;
  }
  for (const Json& error :
       {Json::object(), Json{{"code", "server_error"}},
        Json{{"code", "rate_limit_exceeded"}, {"message", "Try again in 1s"}},
        Json{{"code", "invalid_value"}, {"param", "response.instructions"}}}) {
    EXPECT_FALSE(IsOfNoResponse(ReadOpenAiError(error))) << error;
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
