#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/agents/registry.h"
#include "protocol/registry.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/config.h"
#include "session/leg_link.h"
#include "session/transcript.h"
#include "support/codec_log.h"
#include "support/world/call_log.h"

namespace trunkline::test {

// An agent that does nothing and writes down its commands, a line each:
//
//   tell LINES | turn 60 | respond 500 | say WORDS | discard | cancel
//   truncate 1 300 | result k1 OUTPUT
//
// What it listens to it keeps. It hears and speaks mu-law at 8 kHz. The model's
// words say what it can do: "cannot-say", "provider-turns".
class PuppetAgent final : public protocol::Agent {
 public:
  explicit PuppetAgent(const std::string& abilities);

  const protocol::AgentTraits& traits() const override { return traits_; }
  void Begin() override {}
  void End(std::string_view /*reason*/) override {}
  std::optional<protocol::AgentEvent> NextEvent() override {
    return std::exchange(says, {});
  }
  void Tell(std::span<const protocol::ConversationLine> lines) override;
  void Listen(std::span<const uint8_t> audio) override {
    heard.insert(heard.end(), audio.begin(), audio.end());
  }
  void TurnStarted(Duration ago) override;
  void Respond(Duration ago) override;
  void Say(std::string_view text) override;
  void DiscardTurn() override { commands.emplace_back("discard"); }
  void Cancel() override { commands.emplace_back("cancel"); }
  int64_t Truncate(protocol::ItemId item, int64_t heard_ms) override;
  void ToolResult(std::string_view call_id, std::string_view output) override;
  // "i1" of item 1.
  std::string_view item_name(protocol::ItemId item) const override;

  std::vector<std::string> commands;
  std::vector<uint8_t> heard;
  // Its next event.
  std::optional<protocol::AgentEvent> says;

 private:
  protocol::AgentTraits traits_;
  mutable std::string name_;
};

// The events of a part that is tested without a session.
class PartsLog final : public CallLog {
 public:
  PartsLog() : CallLog(0) {}
  // "type" of each event so far, in order.
  std::vector<std::string> Types() const;

 private:
  void SendText(protocol::ChannelId, std::string_view) override {}
  void SendBinary(protocol::ChannelId, std::span<const uint8_t>) override {}
  void Connect(protocol::ChannelId, const protocol::ConnectRequest&) override {}
  void Close(protocol::ChannelId, uint16_t, std::string_view) override {}
  void Fetch(protocol::ChannelId, const protocol::FetchRequest&) override {}
  void AbortFetch(protocol::ChannelId) override {}
  void Credit(protocol::ChannelId, uint32_t) override {}
  void LoadResource(std::string_view) override {}
  void Authorize(const Json&) override {}
};

// What the parts of a session share, with a PuppetAgent and a plain leg that
// plays mu-law at 8 kHz by the clock alone. Time is a number.
class SessionParts {
 public:
  // The configuration, with the plain leg and the puppet in it.
  static session::Config MakeConfig();
  explicit SessionParts(session::Config config = MakeConfig());

  // The agent is made, started and ready.
  void MakeAgentReady();
  PuppetAgent& puppet() { return static_cast<PuppetAgent&>(agent.agent()); }
  // Its commands since the last time.
  std::vector<std::string> TakeCommands();
  // The leg's stream is granted.
  void BringLegUp();
  void Advance(Duration by) { context.SetNow(context.now() + by); }
  bool IsSet(session::Timer timer) const;
  // In how many milliseconds it is due; -1 if it is not set.
  int64_t DueInMs(session::Timer timer) const;

  const session::Config config;
  PartsLog log;
  // mutable: who looks at a deadline does not change it.
  mutable session::CallContext context;
  // What reaches the leg, and the agent's channels.
  RecordingChannels channels;
  session::LegLink leg;
  session::AgentLink agent;
  session::Transcript transcript;
};

}  // namespace trunkline::test
