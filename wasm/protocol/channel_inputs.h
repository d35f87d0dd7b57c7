#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/json.h"
#include "protocol/channels.h"

namespace trunkline::protocol {

// What comes on channels. Who has opened some takes what is of those, and
// ignores the rest.
class ChannelInputs {
 public:
  virtual ~ChannelInputs() = default;

  virtual void OnSocketOpened(ChannelId /*channel*/) {}
  virtual void OnText(ChannelId /*channel*/, std::string_view /*text*/) {}
  virtual void OnBinary(ChannelId /*channel*/,
                        std::span<const uint8_t> /*bytes*/) {}
  // `http_status` is 0 unless the upgrade was refused.
  virtual void OnSocketClosed(ChannelId /*channel*/, uint16_t /*code*/,
                              uint16_t /*http_status*/,
                              std::string_view /*reason*/) {}
  // A message was too long to be delivered.
  virtual void OnOversize(ChannelId /*channel*/) {}
  // `headers` holds those that the request wanted, as an object of strings.
  virtual void OnHttpHeaders(ChannelId /*channel*/, uint16_t /*status*/,
                             const Json& /*headers*/) {}
  virtual void OnHttpChunk(ChannelId /*channel*/,
                           std::span<const uint8_t> /*bytes*/) {}
  virtual void OnHttpDone(ChannelId /*channel*/) {}
  virtual void OnHttpFailed(ChannelId /*channel*/, HttpFailure /*failure*/,
                            std::string_view /*reason*/) {}
};

}  // namespace trunkline::protocol
