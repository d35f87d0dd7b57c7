#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/wire.h"
#include "support/world/agent.h"
#include "support/world/agent_adapter.h"
#include "support/world/upstreams.h"

namespace trunkline::test {

// A Realtime server, from the vendor's documents: one socket of JSON texts, GA
// shapes only.
class RealtimeAdapter final : public Provider, public AgentAdapter {
 public:
  RealtimeAdapter(Upstreams& upstreams, Agent& agent)
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

  // What the server sends goes by it; empty for straight on.
  std::function<void(Message, const std::function<void(Message)>&)> tamper;

  // Any event of the server, by a test.
  void Send(const Json& event);
  void SendText(const std::string& text);

  // What came, but for audio.
  const std::vector<Json>& received() const { return received_; }
  int CountReceived(std::string_view type) const;
  const Json* LastReceived(std::string_view type) const;
  // The caller's audio that came in all, ms.
  int64_t listened_ms() const { return listened_ms_; }
  // The latest socket, or the first that there would be.
  protocol::ChannelId channel() const { return channel_; }

 private:
  void Listen(std::string_view base64);
  void Configure(const Json& session);
  void Error(const std::string& code, const std::string& message);
  void Do(const Json& message, std::string_view type);

  Upstreams& upstreams_;
  Agent& agent_;
  protocol::ChannelId channel_{1};
  // Both ways the same.
  protocol::AudioFormat format_;
  int64_t listened_ms_ = 0;
  std::vector<Json> received_;
  // The last piece of audio: most pieces are the one before.
  std::vector<int16_t> piece_;
  std::string piece_base64_;
};

}  // namespace trunkline::test
