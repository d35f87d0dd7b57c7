#include "session/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trunkline::session {
namespace {

std::optional<Config> Parse(std::string_view text) {
  return ParseConfig(text, protocol::Registry::BuiltIn());
}

TEST(ConfigTest, ReadsWhatTheBoundaryDocuments) {
  const auto config = Parse(R"({"callId":"c-1","seed":7,"epochMs":9,
      "leg":"twilio","agent":"openai-realtime","authorization":"none",
      "profile":{"model":"m","agentAudio":"pcm","unknown":1},
      "limits":{"endOfTurnMs":400,"leadMs":120},"unknown":{},
      "recordingSoFar":{"serial":4294967295,"pages":3,"granule":48000,
                        "ageMs":1700,"pauses":["digits","consent"]}})");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->call_id, "c-1");
  EXPECT_EQ(config->agent, "openai-realtime");
  EXPECT_EQ(config->authorization, Config::Authorization::kNone);
  EXPECT_EQ(config->profile.agent.model, "m");
  EXPECT_EQ(config->profile.agent.audio,
            protocol::AgentSettings::Audio::kLinear);
  EXPECT_EQ(config->limits.end_of_turn, Duration::Millis(400));
  EXPECT_EQ(config->limits.lead, Duration::Millis(120));
  EXPECT_EQ(config->limits.mark, Duration::Millis(160));
  ASSERT_TRUE(config->recording_so_far.has_value());
  EXPECT_EQ(config->recording_so_far->serial, 4294967295U);
  EXPECT_EQ(config->recording_so_far->pages, 3U);
  EXPECT_EQ(config->recording_so_far->granule, 48000U);
  EXPECT_EQ(config->recording_so_far->age, Duration::Millis(1700));
  EXPECT_EQ(config->recording_so_far->pauses,
            (media::RecordingPauses{true, false, true}));
}

TEST(ConfigTest, RefusesKnownKeysOfAWrongTypeOrRange) {
  for (const char* text :
       {"",
        "[]",
        "{}",
        R"({"callId":""})",
        R"({"callId":"a b"})",
        R"({"callId":5})",
        R"({"callId":"c","leg":"fax"})",
        R"({"callId":"c","agent":""})",
        R"({"callId":"c","seed":-1})",
        R"({"callId":"c","seed":"x"})",
        R"({"callId":"c","profile":[]})",
        R"({"callId":"c","profile":{"voice":1}})",
        R"({"callId":"c","profile":{"tools":{}}})",
        R"({"callId":"c","profile":{"builtInTools":"get_weather"}})",
        R"({"callId":"c","profile":{"builtInTools":["end_call"]}})",
        R"({"callId":"c","profile":{"builtInTools":[1]}})",
        R"({"callId":"c","limits":{"leadMs":10}})",
        R"({"callId":"c","limits":{"maxCallMs":0}})",
        R"({"callId":"c","limits":{"maxCallMs":1.5}})",
        R"({"callId":"c","limits":{"replyMs":999999999999}})",
        R"({"callId":"c","recordingSoFar":null})"}) {
    EXPECT_FALSE(Parse(text).has_value()) << text;
  }
}

// The shim tells by name what is wrong: tests/unit/shim/services.test.ts.
TEST(ConfigTest, RefusesServicesThatACascadeCannotBeMadeOf) {
  const Json good = {
      {"stt", {{"service", "openai"}, {"model", "t"}}},
      {"llm", {{"service", "openai"}, {"model", "m"}}},
      {"tts", {{"service", "openai"}, {"model", "v"}, {"voice", "alloy"}}}};
  const auto parse = [](const Json& profile, const char* agent = "cascade") {
    return Parse(
        Json{{"callId", "c"}, {"agent", agent}, {"profile", profile}}.dump());
  };
  const auto config = parse(good);
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->profile.agent.llm, good["llm"]);
  for (const char* kind : {"stt", "llm", "tts"}) {
    Json bad = good;
    bad.erase(kind);
    EXPECT_FALSE(parse(bad).has_value()) << bad;
    // Another agent is made of nothing.
    EXPECT_TRUE(parse(bad, "parrot").has_value()) << bad;
    bad[kind] = "openai";
    EXPECT_FALSE(parse(bad, "parrot").has_value()) << bad;
    bad[kind] = {{"service", "nobody"}, {"model", "m"}};
    EXPECT_FALSE(parse(bad).has_value()) << bad;
    bad = good;
    bad[kind].erase("model");
    EXPECT_FALSE(parse(bad).has_value()) << bad;
  }
  EXPECT_FALSE(Parse(R"({"callId":"c","agent":"cascade"})").has_value());
}

TEST(ConfigTest, RefusesToGoOnBehindARecordingThatIsNone) {
  const Json good = {{"serial", 1},
                     {"pages", 2},
                     {"granule", 0},
                     {"ageMs", 0},
                     {"pauses", Json::array()}};
  const auto parse = [](const Json& recording) {
    return Parse(Json{{"callId", "c"}, {"recordingSoFar", recording}}.dump());
  };
  EXPECT_TRUE(parse(good).has_value());
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{
           {"serial", int64_t{1} << 32},
           {"serial", nullptr},
           {"pages", 1},
           {"pages", int64_t{1} << 32},
           {"granule", 961},
           {"granule", -960},
           {"ageMs", -1},
           {"ageMs", int64_t{25} * 3600 * 1000},
           {"pauses", "command"},
           {"pauses", {"command", "lunch"}},
           {"pauses", Json::array({1})}}) {
    Json bad = good;
    bad[key] = value;
    EXPECT_FALSE(parse(bad).has_value()) << bad;
    bad.erase(key);
    EXPECT_FALSE(parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace trunkline::session
