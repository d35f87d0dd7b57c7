#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/agents/agent.h"
#include "protocol/agents/ears.h"
#include "protocol/agents/service_agent.h"
#include "protocol/services/stt.h"

namespace trunkline::protocol {

// An agent that writes down what the caller says, and says nothing: a
// recogniser alone. A reply that it is asked for is over at once, without a
// word.
class Scribe final : public ServiceAgent {
 public:
  // Precondition: there is one.
  explicit Scribe(std::unique_ptr<Stt> stt);

  const AgentTraits& traits() const override { return traits_; }

  void Begin() override;
  void End(std::string_view reason) override;
  std::optional<AgentEvent> NextEvent() override;

  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void Respond(Duration ago) override;
  void Say(std::string_view /*text*/) override {}
  void DiscardTurn() override;
  void Cancel() override {}
  int64_t Truncate(ItemId /*id*/, int64_t /*heard_ms*/) override { return 0; }
  void ToolResult(std::string_view /*tool_call_id*/,
                  std::string_view /*output*/) override {}
  std::string_view item_name(ItemId /*id*/) const override { return {}; }
  std::string_view turn_name() const override { return ears_.turn_name(); }

 private:
  Ears ears_;
  const AgentTraits traits_;
  bool running_ = false;
  // Replies that were asked for, and are over.
  int replies_over_ = 0;
};

}  // namespace trunkline::protocol
