#include "session/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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

// "" for a configuration that is read.
std::string Refusal(const std::string& members) {
  std::string refused;
  const auto config = ParseConfig(R"({"callId":"c",)" + members + "}",
                                  protocol::Registry::BuiltIn(), &refused);
  EXPECT_EQ(config.has_value(), refused.empty()) << members;
  return refused;
}

TEST(ConfigTest, ReadsAListOfAgents) {
  const auto config = Parse(R"({"callId":"c","agent":"parrot","skipped":[1],
      "profile":{"instructions":"i","lastResort":"house","agents":[
        {"agent":"openai-realtime","voice":"v"},
        {"agent":"parrot","model":"n","unknown":1}]}})");
  ASSERT_TRUE(config.has_value());
  // The list has the last word.
  EXPECT_EQ(config->agent, "openai-realtime");
  ASSERT_EQ(config->agents.size(), 3U);
  EXPECT_EQ(config->agents[0].name, "openai-realtime");
  EXPECT_FALSE(config->agents[0].skipped);
  EXPECT_EQ(config->agents[1].name, "parrot");
  EXPECT_TRUE(config->agents[1].skipped);
  EXPECT_FALSE(config->agents[1].last_resort);
  EXPECT_EQ(config->agents[2].name, "house");
  EXPECT_TRUE(config->agents[2].last_resort);
}

TEST(ConfigTest, TheFormerSingleAgentIsNoListUnlessItHasALastResort) {
  EXPECT_TRUE(Parse(R"({"callId":"c"})")->agents.empty());
  EXPECT_TRUE(Parse(R"({"callId":"c","profile":{"lastResort":"none"}})")
                  ->agents.empty());
  const auto config = Parse(R"({"callId":"c","agent":"openai-realtime",
                "profile":{"lastResort":"house"}})");
  ASSERT_EQ(config->agents.size(), 2U);
  EXPECT_EQ(config->agents[0].name, "openai-realtime");
  EXPECT_EQ(config->agents[1].name, "house");
  // It is there already.
  EXPECT_TRUE(Parse(R"({"callId":"c","agent":"house",
                        "profile":{"lastResort":"house"}})")
                  ->agents.empty());
  EXPECT_EQ(Parse(R"({"callId":"c","profile":{"lastResort":"house",
                      "agents":[{"agent":"parrot"},{"agent":"house"}]}})")
                ->agents.size(),
            2U);
}

TEST(ConfigTest, TheFirstOfAListHasTheGreeting) {
  const auto of = [](const char* first) {
    return Parse(
               std::string(R"({"callId":"c","profile":{"agents":[{"agent":")") +
               first + R"("},{"agent":"parrot"}]}})")
        ->profile.greeting;
  };
  EXPECT_EQ(of("openai-realtime"), "");
  EXPECT_NE(of("house"), "");
}

TEST(ConfigTest, WhatIsWrongInAListIsNamed) {
  const auto profile = [](const std::string& members) {
    return Refusal(R"("profile":{)" + members + "}");
  };
  EXPECT_EQ(profile(R"("agents":{})"),
            "profile.agents: must be a list of 1 to 4 agents");
  EXPECT_EQ(profile(R"("agents":[])"),
            "profile.agents: must be a list of 1 to 4 agents");
  const std::string parrot = R"({"agent":"parrot"})";
  const std::string four = parrot + "," + parrot + "," + parrot + "," + parrot;
  EXPECT_EQ(profile(R"("agents":[)" + four + "]"), "");
  EXPECT_EQ(profile(R"("agents":[)" + four + "," + parrot + "]"),
            "profile.agents: must be a list of 1 to 4 agents");
  EXPECT_EQ(profile(R"("agents":["parrot"])"),
            "profile.agents[0]: must be an object");
  EXPECT_EQ(profile(R"("agents":[)" + parrot + R"(,{"agent":"cat"}])"),
            "profile.agents[1].agent: must be the name of an agent");
  EXPECT_EQ(profile(R"("agents":[{"voice":"v"}])"),
            "profile.agents[0].agent: must be the name of an agent");
  EXPECT_EQ(profile(R"("agents":[{"agent":"parrot","voice":1}])"),
            "profile.agents[0]: has a setting of a type or value it cannot "
            "have");
  EXPECT_EQ(profile(R"("agents":[{"agent":"cascade"}])"),
            "profile.agents[0]: lacks a service that the agent is made of");
  EXPECT_EQ(
      profile(R"("agents":[{"agent":"parrot","stt":{"service":"none"}}])"),
      "profile.agents[0]: has services that do not fit each other");
  EXPECT_EQ(profile(R"("lastResort":"parrot")"),
            "profile.lastResort: must be house or none");
  EXPECT_EQ(profile(R"("lastResort":1)"),
            "profile.lastResort: must be house or none");
  const std::string list = R"("profile":{"agents":[)" + parrot + "," + parrot +
                           R"(],"lastResort":"house"},"skipped":)";
  EXPECT_EQ(Refusal(list + "[0,1]"), "");
  EXPECT_EQ(Refusal(list + "0"), "skipped: must be a list of indices");
  for (const char* wrong : {"[2]", "[-1]", "[\"parrot\"]", "[0.5]"}) {
    EXPECT_EQ(Refusal(list + wrong),
              "skipped: must have indices of profile.agents")
        << wrong;
  }
  const std::string half(size_t{32} * 1024 + 1, 'i');
  const std::string entry =
      R"({"agent":"parrot","instructions":")" + half + R"("})";
  EXPECT_EQ(profile(R"("agents":[)" + entry + "]"), "");
  EXPECT_EQ(profile(R"("agents":[)" + entry + "," + entry + "]"),
            "profile.agents[1].instructions: those of all agents together must "
            "have at most 65536 bytes");
}

}  // namespace
}  // namespace trunkline::session
