#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/channels.h"

namespace trunkline::session {

// What the session wants done, in order. Implemented by abi/ (bytes for the
// shim) and by the test harness (values). Views are valid during the call only.
class EffectSink {
 public:
  // Sockets. Only ChannelTable calls these and those of HTTP.
  virtual void SendText(protocol::ChannelId channel, std::string_view text) = 0;
  virtual void SendBinary(protocol::ChannelId channel,
                          std::span<const uint8_t> bytes) = 0;
  virtual void Connect(protocol::ChannelId channel,
                       const protocol::ConnectRequest& request) = 0;
  virtual void Close(protocol::ChannelId channel, uint16_t code,
                     std::string_view reason) = 0;
  // HTTP.
  virtual void Fetch(protocol::ChannelId channel,
                     const protocol::FetchRequest& request) = 0;
  virtual void AbortFetch(protocol::ChannelId channel) = 0;
  // `bytes` more of the response have been used up.
  virtual void Credit(protocol::ChannelId channel, uint32_t bytes) = 0;
  // Answered by OnResource with the same name.
  virtual void LoadResource(std::string_view name) = 0;
  // Replaces the former deadline; Instant::Never() clears it.
  virtual void SetDeadline(Instant at) = 0;
  virtual void Authorize(const Json& credentials) = 0;
  // Exactly one for each command.
  virtual void CommandResult(const Json& result) = 0;
  virtual void Event(const Json& event) = 0;
  // Whole Ogg pages of the recording, in order, about a second's worth. The
  // granule position, 48 kHz, is the one at their end; the last has EOS.
  virtual void Record(int64_t granule, std::span<const uint8_t> pages) = 0;
  // What a session that follows a lost object is to know; replaces the former.
  virtual void Snapshot(std::string_view text) = 0;
  // Exactly once, and nothing after it.
  virtual void Ended(const Json& summary) = 0;

 protected:
  ~EffectSink() = default;
};

}  // namespace trunkline::session
