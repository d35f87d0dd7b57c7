#pragma once

#include "support/world/leg_adapter.h"

namespace trunkline::test {

// The leg for tests, of any format and manner (support/plain_leg.h).
class PlainAdapter final : public LegAdapter {
 public:
  const char* codec() const override { return "plain"; }
  void Start(const std::string& token, const protocol::LegTraits& traits,
             const Send& send) override;
  void Audio(int64_t timestamp_ms, std::string_view audio,
             const Send& send) override;
  void LoseAudio() override {}
  void Echo(const std::string& mark, const Send& send) override;
  void Digit(char digit, const Send& send) override;
  void Stop(const Send& send) override;
  void Played(uint64_t samples, const Send& send) override;
  void Flow(protocol::LegFlow::State state, const Send& send) override;
  void Receive(const Message& message, LineControl& line) override;
};

}  // namespace trunkline::test
