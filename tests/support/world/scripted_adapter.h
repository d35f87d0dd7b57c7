#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "support/world/agent.h"
#include "support/world/agent_adapter.h"
#include "support/world/upstreams.h"

namespace trunkline::test {

// The agent of several parts (support/scripted_agent.h): ears and a voice, each
// with a socket, and a mind that is asked for the words by HTTP.
class ScriptedAdapter final : public Provider, public AgentAdapter {
 public:
  ScriptedAdapter(Upstreams& upstreams, Agent& agent)
      : upstreams_(upstreams), agent_(agent) {}

  void OnConnect(protocol::ChannelId channel,
                 const protocol::ConnectRequest& request) override;
  void OnFetch(protocol::ChannelId channel, const std::string& upstream,
               const std::string& body) override;
  void OnMessage(protocol::ChannelId channel, const Message& message) override;
  void OnClosed(protocol::ChannelId channel) override;

  void SpeechStarted() override;
  void SpeechStopped() override;
  void Committed(const std::string& item) override;
  void CallerText(const std::string& item, const std::string& text) override;
  void ReplyBegan(uint64_t reply) override;
  void ItemAudio(uint64_t reply, const std::string& item,
                 const std::vector<int16_t>& samples) override;
  void ToolCall(uint64_t reply, const std::string& id,
                const std::string& name) override;
  void ReplyDone(uint64_t reply, End end) override;
  void Drop(uint16_t code) override;

  // The words of each reply: a line for each time the voice is to speak.
  std::string words = "The first of some words.\nAnd the others.\n";
  // From the question for the words to the answer.
  Duration ponders;
  // The socket that a drop is of.
  enum class Part : uint8_t { kEars, kVoice };
  Part dropped = Part::kEars;
  // Lines that the voice was told to say.
  const std::vector<std::string>& said() const { return said_; }

 private:
  void SendEars(const Json& message);
  void SendVoice(const Json& message);
  void DoEars(const Json& message, std::string_view type);
  void DoVoice(const Json& message, std::string_view type);

  Upstreams& upstreams_;
  Agent& agent_;
  std::optional<protocol::ChannelId> ears_;
  std::optional<protocol::ChannelId> voice_;
  std::string item_;
  std::vector<std::string> said_;
};

}  // namespace trunkline::test
