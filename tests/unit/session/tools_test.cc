// Calls of tools that the gateway makes itself: each is made once, whatever
// happens to the caller, the leg, the agent and the object, and its result is
// told once. Results that an operator brings are in call_test.cc and others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocol/services/tool_requests.h"
#include "session/state.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using protocol::ChannelId;
using protocol::HttpFailure;
using session::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kBegan = 1'000'000;

VirtualWorld::Options Options() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.epoch_ms = kBegan;
  options.profile = Json::parse(R"({"builtInTools":["get_weather"],"tools":[
      {"type":"function","name":"lookup","webhook":true,"timeoutMs":5000},
      {"type":"function","name":"ask","timeoutMs":20000}]})");
  options.config = {{"callId", "call-1"}};
  return options;
}

// The tools' server, which a test plays.
struct Server {
  struct Asked {
    ChannelId channel{};
    protocol::FetchRequest request;
    std::string body;
  };

  explicit Server(VirtualWorld& world) : world(world) {
    world.upstreams.tools = [this](ChannelId channel,
                                   const protocol::FetchRequest& request,
                                   const std::string& body) {
      asked.push_back({channel, request, body});
    };
  }
  void Answer(const std::string& text, uint16_t status = 200) {
    world.upstreams.Answer(asked.back().channel, status,
                           {{"content-type", "text/plain"}}, text, Duration());
    world.Advance(Duration::Millis(200));
  }
  bool awaited() const {
    return world.upstreams.IsAwaited(asked.back().channel);
  }
  std::string key() const { return asked.back().request.headers.at(1).value; }

  VirtualWorld& world;
  std::vector<Asked> asked;
};

void Start(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 1; }));
}

// The caller asks, and the agent calls a tool in place of an answer.
void CallTool(VirtualWorld& world, const std::string& id,
              const std::string& name = "lookup",
              const std::string& arguments = R"({"day":"friday"})") {
  world.agent.stalled = false;
  world.line.Say(Speech(700));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  // From here on the test answers.
  world.agent.stalled = true;
  const std::string response = "of-" + id;
  world.realtime.Send(
      {{"type", "response.created"}, {"response", {{"id", response}}}});
  world.realtime.Send({{"type", "response.output_item.done"},
                       {"response_id", response},
                       {"item",
                        {{"type", "function_call"},
                         {"status", "completed"},
                         {"call_id", id},
                         {"name", name},
                         {"arguments", arguments}}}});
  world.realtime.Send(
      {{"type", "response.done"},
       {"response", {{"id", response}, {"status", "completed"}}}});
  world.Advance(Duration::Millis(200));
}

// The results that the agent was given, in order.
std::vector<std::string> Given(const VirtualWorld& world) {
  std::vector<std::string> outputs;
  for (const Json& message : world.realtime.received()) {
    const Json* item = FindMember(message, "item");
    if (item == nullptr ||
        StringMember(*item, "type") != "function_call_output")
      continue;
    outputs.emplace_back(StringMember(*item, "output"));
  }
  return outputs;
}

// "STATE RESULT [FAILURE] STATUS LATENCY" of the lines of tools.
std::vector<std::string> Lines(const VirtualWorld& world) {
  std::vector<std::string> lines;
  for (const Json& line : world.EventsOf("line")) {
    if (StringMember(line, "role") != "tool") continue;
    std::string text(StringMember(line, "state"));
    for (const char* key : {"result", "failure"}) {
      const std::string_view more = StringMember(line, key);
      if (!more.empty()) (text += ' ') += more;
    }
    for (const char* key : {"status", "latencyMs"}) {
      if (const auto value = IntegerMember(line, key)) {
        text += ' ' + std::to_string(*value);
      }
    }
    lines.push_back(text);
  }
  return lines;
}

int64_t NowMs(const VirtualWorld& world) {
  return IntegerMember(world.events().back(), "atMs").value_or(0);
}

VirtualWorld::Options After(VirtualWorld& first) {
  const int64_t alive_ms = NowMs(first);
  VirtualWorld::Options options = Options();
  options.snapshot = first.snapshot();
  options.first_seq = static_cast<int64_t>(first.events().size());
  options.epoch_ms = kBegan + alive_ms + 300;
  options.config["callEpochMs"] = kBegan;
  options.config["aliveMs"] = alive_ms;
  return options;
}

TEST(ToolsTest, AWebhookIsAskedAndItsAnswerIsTheResult) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  ASSERT_THAT(server.asked, SizeIs(1));
  EXPECT_EQ(server.asked[0].request.upstream, "tool:lookup");
  EXPECT_EQ(server.key(), "call-1:k1");
  const Json body = Json::parse(server.asked[0].body);
  EXPECT_EQ(body["arguments"], Json::parse(R"({"day":"friday"})"));
  EXPECT_EQ(body["toolCallId"], "k1");
  EXPECT_EQ(world.state(), State::kThinking);
  EXPECT_THAT(Given(world), IsEmpty());
  EXPECT_EQ(world.realtime.CountReceived("response.create"), 1);
  server.Answer("at nine");
  EXPECT_THAT(Given(world), ElementsAre("at nine"));
  EXPECT_EQ(world.realtime.CountReceived("response.create"), 2);
  const std::vector<std::string> lines = Lines(world);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], testing::StartsWith("answered at nine 200 "));
  EXPECT_THAT(server.asked, SizeIs(1));
  EXPECT_EQ(world.upstreams.dangling(), 1);  // the agent's socket
}

// What only the gateway has to know is no provider's.
TEST(ToolsTest, TheAgentSeesAToolAndNoMore) {
  VirtualWorld world(Options());
  Start(world);
  Json tools;
  for (const Json& message : world.realtime.received()) {
    if (StringMember(message, "type") == "session.update") {
      tools = message["session"]["tools"];
    }
  }
  std::string names;
  for (const Json& tool : tools) {
    names += std::string(StringMember(tool, "name")) + ' ';
    EXPECT_EQ(FindMember(tool, "timeoutMs"), nullptr);
    EXPECT_EQ(FindMember(tool, "webhook"), nullptr);
    EXPECT_EQ(FindMember(tool, "builtIn"), nullptr);
  }
  EXPECT_EQ(names, "lookup ask get_weather end_call take_message ");
}

TEST(ToolsTest, WhatTheWebhookDoesNotAnswerIsToldByName) {
  struct Case {
    HttpFailure failure;
    const char* reason;
    const char* error;
    const char* code;
  };
  constexpr Case kCases[] = {
      {HttpFailure::kUpstream, "", "the tool is not configured", "upstream"},
      {HttpFailure::kNetwork, "", "the tool was not reached", "network"},
      {HttpFailure::kRefused, "arguments: day: is missing",
       "arguments: day: is missing", "refused"},
  };
  for (const auto& [failure, reason, error, code] : kCases) {
    VirtualWorld world(Options());
    Server server(world);
    Start(world);
    CallTool(world, "k1");
    ASSERT_THAT(server.asked, SizeIs(1));
    world.upstreams.Fail(server.asked[0].channel, failure, reason);
    world.Advance(Duration::Millis(200));
    const std::string output = PrintJson({{"error", error}});
    EXPECT_THAT(Given(world), ElementsAre(output));
    EXPECT_THAT(Lines(world),
                ElementsAre(HasSubstr("failed " + output + ' ' + code)));
  }
}

TEST(ToolsTest, ATimeOutIsTheToolsOwnAndAborts) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  world.Advance(Duration::Millis(4'600));
  EXPECT_TRUE(server.awaited());
  EXPECT_THAT(Given(world), IsEmpty());
  world.Advance(Duration::Millis(300));
  EXPECT_FALSE(server.awaited());
  EXPECT_THAT(Given(world),
              ElementsAre(R"({"error":"the tool did not answer in time"})"));
  EXPECT_THAT(Lines(world), ElementsAre(HasSubstr(" timeout 5000")));
}

TEST(ToolsTest, TheGatewaysOwnWeather) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1", "get_weather",
           R"({"latitude":52.52,"longitude":13.4})");
  ASSERT_THAT(server.asked, SizeIs(1));
  EXPECT_EQ(server.asked[0].request.upstream, "weather");
  world.upstreams.Answer(server.asked[0].channel, 200,
                         {{"content-type", "application/json"}},
                         R"({"current":{"temperature_2m":4.5}})", Duration());
  world.Advance(Duration::Millis(200));
  EXPECT_THAT(Given(world), ElementsAre(R"({"temperatureC":4.5})"));
}

TEST(ToolsTest, AWeatherThatNobodyAskedForIsNoTool) {
  VirtualWorld::Options options = Options();
  options.profile.erase("builtInTools");
  VirtualWorld world(options);
  Server server(world);
  Start(world);
  CallTool(world, "k1", "get_weather", R"({"latitude":1,"longitude":1})");
  EXPECT_THAT(server.asked, IsEmpty());
  EXPECT_THAT(Given(world),
              ElementsAre(R"({"error":"there is no such tool"})"));
}

TEST(ToolsTest, AnInterruptionChangesNothing) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  world.line.Say(Speech(900));
  world.Advance(Duration::Millis(1'500));
  EXPECT_TRUE(server.awaited());
  server.Answer("at nine");
  world.agent.think = Duration::Millis(100);
  EXPECT_TRUE(world.RunUntil([&] { return !Given(world).empty(); },
                             Duration::Millis(5'000)));
  EXPECT_THAT(Given(world), ElementsAre("at nine"));
  EXPECT_THAT(server.asked, SizeIs(1));
}

TEST(ToolsTest, TheEndOfTheCallAborts) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  world.line.HangUp();
  world.Advance(Duration::Millis(300));
  EXPECT_EQ(world.EndReason(), "callerHangUp");
  EXPECT_FALSE(server.awaited());
  EXPECT_THAT(Lines(world), ElementsAre("unanswered"));
  EXPECT_EQ(world.upstreams.dangling(), 0);
}

TEST(ToolsTest, AStreamThatIsReplacedChangesNothing) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  world.line.Drop();
  world.Advance(Duration::Millis(500));
  EXPECT_EQ(world.state(), State::kLegLost);
  EXPECT_TRUE(server.awaited());
  server.Answer("at nine");
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.state() != State::kLegLost; }));
  world.Advance(Duration::Millis(300));
  EXPECT_EQ(world.realtime.CountReceived("response.create"), 2);
  EXPECT_THAT(Given(world), ElementsAre("at nine"));
  EXPECT_THAT(server.asked, SizeIs(1));
}

TEST(ToolsTest, TheAgentThatSpeaksNextIsGivenTheResult) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  world.agent.Drop(1006);
  world.Advance(Duration::Millis(100));
  EXPECT_TRUE(server.awaited());
  server.Answer("at nine");
  world.agent.stalled = false;
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(Given(world), ElementsAre("at nine"));
  EXPECT_THAT(server.asked, SizeIs(1));
}

TEST(ToolsTest, ACallThatComesTwiceIsMadeOnce) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  world.realtime.Send({{"type", "response.output_item.done"},
                       {"response_id", "of-k1"},
                       {"item",
                        {{"type", "function_call"},
                         {"status", "completed"},
                         {"call_id", "k1"},
                         {"name", "lookup"},
                         {"arguments", "{}"}}}});
  world.Advance(Duration::Millis(200));
  server.Answer("at nine");
  EXPECT_THAT(server.asked, SizeIs(1));
  EXPECT_THAT(Given(world), ElementsAre("at nine"));
}

// It is not known whether the tool has heard of it: it is asked again, with the
// key and the body by which it can tell.
TEST(ToolsTest, AfterALossTheSameCallIsMadeAgainWithTheSameKey) {
  VirtualWorld first(Options());
  Server before(first);
  Start(first);
  CallTool(first, "k1");
  ASSERT_THAT(before.asked, SizeIs(1));
  VirtualWorld second(After(first));
  Server server(second);
  // Not before the stream is back and proven.
  second.Advance(Duration::Millis(500));
  EXPECT_THAT(server.asked, IsEmpty());
  Start(second);
  ASSERT_TRUE(second.RunUntil([&] { return !server.asked.empty(); }));
  EXPECT_EQ(server.key(), before.key());
  EXPECT_EQ(server.asked[0].body, before.asked[0].body);
  EXPECT_LT(server.asked[0].request.timeout.ms(), 5'000);
  server.Answer("at nine");
  second.Advance(Duration::Millis(500));
  EXPECT_THAT(Given(second), ElementsAre("at nine"));
  EXPECT_THAT(server.asked, SizeIs(1));
}

TEST(ToolsTest, AfterALossWhatWasAnsweredIsNotAskedForAgain) {
  VirtualWorld first(Options());
  Server before(first);
  Start(first);
  CallTool(first, "k1");
  first.agent.Drop(1006);
  first.Advance(Duration::Millis(50));
  before.Answer("at nine");
  VirtualWorld second(After(first));
  Server server(second);
  Start(second);
  second.Advance(Duration::Millis(500));
  EXPECT_THAT(server.asked, IsEmpty());
  EXPECT_THAT(Given(second), ElementsAre("at nine"));
  EXPECT_THAT(Lines(second),
              ElementsAre(testing::StartsWith("answered at nine 200 ")));
}

TEST(ToolsTest, AfterALossACallWhoseTimeIsOverIsNotMade) {
  VirtualWorld::Options options = Options();
  options.profile["tools"][0]["timeoutMs"] = 2'000;
  VirtualWorld first(options);
  Server before(first);
  Start(first);
  CallTool(first, "k1");
  VirtualWorld::Options after = After(first);
  after.profile = options.profile;
  VirtualWorld second(after);
  Server server(second);
  second.Advance(Duration::Millis(2'100));
  Start(second);
  second.Advance(Duration::Millis(500));
  EXPECT_THAT(server.asked, IsEmpty());
  EXPECT_THAT(Given(second),
              ElementsAre(R"({"error":"the tool did not answer in time"})"));
}

TEST(ToolsTest, WhatTheGatewayCallsNobodyElseAnswers) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1");
  const Json result = world.Command(
      {{"type", "toolResult"}, {"toolCallId", "k1"}, {"output", "at ten"}});
  EXPECT_EQ(result["code"], "conflict");
  server.Answer("at nine");
  EXPECT_THAT(Given(world), ElementsAre("at nine"));
  EXPECT_EQ(world.Command({{"type", "toolResult"},
                           {"toolCallId", "k1"},
                           {"output", "at ten"}})["code"],
            "unknown");
}

TEST(ToolsTest, ResultsAreGivenInTheOrderOfTheCalls) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  world.agent.stalled = false;
  world.line.Say(Speech(700));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  // From here on the test answers.
  world.agent.stalled = true;
  world.realtime.Send(
      {{"type", "response.created"}, {"response", {{"id", "r"}}}});
  for (const auto& [id, name] :
       {std::pair("k1", "ask"), std::pair("k2", "lookup")}) {
    world.realtime.Send({{"type", "response.output_item.done"},
                         {"response_id", "r"},
                         {"item",
                          {{"type", "function_call"},
                           {"status", "completed"},
                           {"call_id", id},
                           {"name", name},
                           {"arguments", "{}"}}}});
  }
  world.realtime.Send({{"type", "response.done"},
                       {"response", {{"id", "r"}, {"status", "completed"}}}});
  world.Advance(Duration::Millis(200));
  server.Answer("from the webhook");
  EXPECT_THAT(Given(world), IsEmpty());
  EXPECT_EQ(world.Command({{"type", "toolResult"},
                           {"toolCallId", "k1"},
                           {"output", "by hand"}})["status"],
            "done");
  world.Advance(Duration::Millis(200));
  EXPECT_THAT(Given(world), ElementsAre("by hand", "from the webhook"));
}

// Of arguments that are longer only a beginning is kept.
TEST(ToolsTest, ArgumentsThatAreNotWholeAreNotSent) {
  VirtualWorld world(Options());
  Server server(world);
  Start(world);
  CallTool(world, "k1", "lookup",
           R"({"day":")" + std::string(9'000, 'x') + "\"}");
  EXPECT_THAT(server.asked, IsEmpty());
  EXPECT_THAT(Given(world),
              ElementsAre(R"({"error":"arguments: they are no JSON object"})"));
}

// A message that nobody answers is answered by the gateway, and is in the log.
TEST(ToolsTest, AMessageIsTakenWithItsWords) {
  VirtualWorld world(Options());
  Start(world);
  CallTool(world, "k1", "take_message", R"({"text":"call me back"})");
  EXPECT_THAT(Given(world), ElementsAre(R"({"ok":true})"));
  ASSERT_THAT(world.EventsOf("toolCall"), SizeIs(1));
  const auto lines = world.EventsOf("line");
  const auto line = std::find_if(
      lines.begin(), lines.end(),
      [](const Json& one) { return StringMember(one, "role") == "tool"; });
  ASSERT_NE(line, lines.end());
  EXPECT_EQ((*line)["arguments"], R"({"text":"call me back"})");
  EXPECT_EQ((*line)["state"], "answered");
}

}  // namespace
}  // namespace trunkline::test
