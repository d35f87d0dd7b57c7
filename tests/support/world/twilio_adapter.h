#pragma once

#include <cstdint>

#include "support/world/leg_adapter.h"

namespace trunkline::test {

// Twilio Media Streams, from the vendor's documents.
class TwilioAdapter final : public LegAdapter {
 public:
  // Mu-law at 8 kHz, marks that are echoed on a clear as well.
  static protocol::LegTraits DefaultTraits();

  const char* codec() const override { return "twilio"; }
  void Start(const std::string& token, const protocol::LegTraits& traits,
             const Send& send) override;
  void Audio(int64_t timestamp_ms, std::string_view audio,
             const Send& send) override;
  void LoseAudio() override;
  void Echo(const std::string& mark, const Send& send) override;
  void Digit(char digit, const Send& send) override;
  void Stop(const Send& send) override;
  void Played(uint64_t samples, const Send& send) override;
  void Flow(protocol::LegFlow::State state, const Send& send) override;
  void Receive(const Message& message, LineControl& line) override;

 private:
  std::string Begin(std::string_view event);

  uint64_t sequence_ = 0;
  uint64_t chunk_ = 0;
};

}  // namespace trunkline::test
