#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/services/service.h"

namespace trunkline::protocol {

// An agent that is made of services: each of them is told what comes on the
// channels, and knows what is its own. The first deadline of theirs is the
// agent's.
class ServiceAgent : public Agent {
 public:
  void OnSocketOpened(ChannelId channel) final;
  void OnText(ChannelId channel, std::string_view text) final;
  void OnBinary(ChannelId channel, std::span<const uint8_t> bytes) final;
  void OnSocketClosed(ChannelId channel, uint16_t code, uint16_t http_status,
                      std::string_view reason) final;
  void OnOversize(ChannelId channel) final;
  void OnHttpHeaders(ChannelId channel, uint16_t status,
                     const Json& headers) final;
  void OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) final;
  void OnHttpDone(ChannelId channel) final;
  void OnHttpFailed(ChannelId channel, HttpFailure failure,
                    std::string_view reason) final;
  Instant deadline() const override;
  void OnDeadline() override;

 protected:
  // `services` are borrowed for the life of the object.
  ServiceAgent(std::initializer_list<Service*> services)
      : services_(services) {}

  // Has each service know the time.
  void TellTime();

 private:
  // Has each service, which knows the time, take an input.
  template <class Input>
  void ForAll(Input input);

  const std::vector<Service*> services_;
};

}  // namespace trunkline::protocol
