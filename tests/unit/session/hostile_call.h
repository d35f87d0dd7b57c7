#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/world/hostile_realtime.h"
#include "support/world/sound.h"
#include "support/world/world.h"

namespace trunkline::test {

// Calls with a provider that keeps to a script of what no honest one does.

inline constexpr int64_t kHostileReplyMs = 4'000;
inline constexpr int64_t kHostileReadyMs = 3'000;

// With a tool that may take its time and one that may not, and those limits.
inline VirtualWorld::Options HostileOptions() {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  options.epoch_ms = 1'000'000;
  options.profile = {{"tools", Json::array({Json{{"type", "function"},
                                                 {"name", "lookup"},
                                                 {"timeoutMs", 3'000}},
                                            Json{{"type", "function"},
                                                 {"name", "quick"},
                                                 {"timeoutMs", 100}}})}};
  options.limits = {{"replyMs", kHostileReplyMs},
                    {"agentReadyMs", kHostileReadyMs}};
  return options;
}

// A call's options, and what its provider keeps to.
struct HostileScript {
  VirtualWorld::Options options = HostileOptions();
  // Between its messages.
  Duration pause = {};
  // What comes of each request in turn, and of each after those; honest replies
  // without it.
  std::deque<HostileRealtime::Reply> next = {};
  std::optional<HostileRealtime::Reply> always = {};
  // Out of 1000 items, so many have the name of one in a former reply.
  uint32_t same_name = 0;
};

// A call with a hostile provider, before it begins.
struct HostileCall {
  explicit HostileCall(const HostileScript& script = {})
      : world(script.options) {
    HostileRealtime::Temper temper;
    temper.pause = script.pause;
    temper.same_name = script.same_name;
    provider = std::make_unique<HostileRealtime>(world.clock, world.upstreams,
                                                 world.agent, world.realtime,
                                                 Dice(1), temper);
    provider->next_replies = script.next;
    provider->always = script.always;
    provider->on_request = [this](const Json& request) {
      if (StringMember(request, "type") != "response.create") return;
      last_request = StringMember(request, "event_id");
      const Json* response = FindMember(request, "response");
      asked.emplace_back(
          response == nullptr ? "" : StringMember(*response, "instructions"));
    };
    world.agent.reply_ms = 800;
  }

  // A turn of the caller that the provider takes.
  void Turn() {
    const size_t turns = world.Count("turnEnded");
    world.line.Say(Speech(700));
    EXPECT_TRUE(
        world.RunUntil([&] { return world.Count("turnEnded") > turns; }));
  }
  // A text by command, which is taken.
  void Say(const std::string& text) { EXPECT_EQ(SayStatus(text), "done"); }
  std::string SayStatus(const std::string& text) {
    return std::string(StringMember(
        world.Command({{"type", "say"}, {"text", text}}), "status"));
  }
  void AnswerTool(const std::string& id) {
    world.Command(
        {{"type", "toolResult"}, {"toolCallId", id}, {"output", "nine"}});
  }
  // The provider wants to be asked later.
  void PutOff(const std::string& message) {
    world.realtime.Send(
        {{"type", "error"},
         {"error", {{"code", "rate_limit_exceeded"}, {"message", message}}}});
  }
  // Until the conversation is there; whether it was.
  bool Reaches(session::State state,
               Duration limit = Duration::Millis(60'000)) {
    return world.RunUntil([&] { return world.state() == state; }, limit);
  }
  // Until so many replies were heard; whether they were.
  bool Hears(size_t replies, Duration limit = Duration::Millis(60'000)) {
    return world.RunUntil([&] { return world.Count("replyDone") == replies; },
                          limit);
  }
  // Until so much of the first one was heard; whether it was.
  bool HearsMs(int64_t ms) {
    world.agent.reply_ms = 3'000;
    return world.RunUntil([&] { return world.line.heard_ms() >= ms; });
  }
  // Until the call has ended, ms.
  int64_t MsToTheEnd() {
    const Instant from = world.now();
    EXPECT_TRUE(world.RunUntil([&] { return !world.ended().empty(); },
                               Duration::Millis(200'000)));
    return (world.now() - from).ms();
  }
  std::string LastFailure() const {
    const auto failures = world.EventsOf("agentFailed");
    return failures.empty() ? "" : failures.back()["code"].get<std::string>();
  }
  int Asked(const std::string& text) const {
    int count = 0;
    for (const std::string& one : asked) {
      if (one.find(text) != std::string::npos) ++count;
    }
    return count;
  }

  VirtualWorld world;
  std::unique_ptr<HostileRealtime> provider;
  // The instructions of each response.create, and the last one's event_id.
  std::vector<std::string> asked;
  std::string last_request;
};

// A call whose agent is ready.
struct ReadyHostileCall : HostileCall {
  explicit ReadyHostileCall(const HostileScript& script = {})
      : HostileCall(script) {
    world.line.Call();
    EXPECT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 1; }));
  }
};

// A call whose agent was asked for a reply to the caller's turn.
struct AskedHostileCall : ReadyHostileCall {
  explicit AskedHostileCall(const HostileScript& script = {})
      : ReadyHostileCall(script) {
    Turn();
  }
};

}  // namespace trunkline::test
