#include "protocol/agents/service_agent.h"

#include <algorithm>

namespace trunkline::protocol {

template <class Input>
void ServiceAgent::ForAll(Input input) {
  for (Service* service : services_) {
    service->SetNow(now());
    input(*service);
  }
}

void ServiceAgent::TellTime() {
  ForAll([](Service&) {});
}

void ServiceAgent::OnSocketOpened(ChannelId channel) {
  ForAll([=](Service& one) { one.OnSocketOpened(channel); });
}

void ServiceAgent::OnText(ChannelId channel, std::string_view text) {
  ForAll([=](Service& one) { one.OnText(channel, text); });
}

void ServiceAgent::OnBinary(ChannelId channel, std::span<const uint8_t> bytes) {
  ForAll([=](Service& one) { one.OnBinary(channel, bytes); });
}

void ServiceAgent::OnSocketClosed(ChannelId channel, uint16_t code,
                                  uint16_t http_status,
                                  std::string_view reason) {
  ForAll([=](Service& one) {
    one.OnSocketClosed(channel, code, http_status, reason);
  });
}

void ServiceAgent::OnOversize(ChannelId channel) {
  ForAll([=](Service& one) { one.OnOversize(channel); });
}

void ServiceAgent::OnHttpHeaders(ChannelId channel, uint16_t status,
                                 const Json& headers) {
  ForAll([=, &headers](Service& one) {
    one.OnHttpHeaders(channel, status, headers);
  });
}

void ServiceAgent::OnHttpChunk(ChannelId channel,
                               std::span<const uint8_t> bytes) {
  ForAll([=](Service& one) { one.OnHttpChunk(channel, bytes); });
}

void ServiceAgent::OnHttpDone(ChannelId channel) {
  ForAll([=](Service& one) { one.OnHttpDone(channel); });
}

void ServiceAgent::OnHttpFailed(ChannelId channel, HttpFailure failure,
                                std::string_view reason) {
  ForAll([=](Service& one) { one.OnHttpFailed(channel, failure, reason); });
}

Instant ServiceAgent::deadline() const {
  Instant due = Instant::Never();
  for (const Service* service : services_) {
    due = std::min(due, service->deadline());
  }
  return due;
}

void ServiceAgent::OnDeadline() {
  ForAll([this](Service& one) {
    if (now() >= one.deadline()) one.OnDeadline();
  });
}

}  // namespace trunkline::protocol
