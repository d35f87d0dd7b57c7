#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "session/effect_sink.h"

namespace trunkline::abi {

// Writes effects as the records that trunkline.h describes, into one linear
// arena that rewinds when it is empty. A record never wraps.
class EffectEncoder final : public session::EffectSink {
 public:
  // All effects of one input, bytes. The most that one input brings is a
  // message of TL_MAX_INPUT_BYTES whose text comes back in two events, with
  // JSON escapes, beside a second of audio. More is a fault of ours: it traps.
  // A request's body has the bound FetchRequest::kMaxBodyBytes.
  static constexpr size_t kMaxBytes = size_t{4} * 1024 * 1024;
  // What outgrows this takes all that it may at once: while memory is moved it
  // is there twice.
  static constexpr size_t kSmallBytes = size_t{256} * 1024;

  EffectEncoder();

  void SendText(protocol::ChannelId channel, std::string_view text) override;
  void SendBinary(protocol::ChannelId channel,
                  std::span<const uint8_t> bytes) override;
  void Connect(protocol::ChannelId channel,
               const protocol::ConnectRequest& request) override;
  void Close(protocol::ChannelId channel, uint16_t code,
             std::string_view reason) override;
  void Fetch(protocol::ChannelId channel,
             const protocol::FetchRequest& request) override;
  void AbortFetch(protocol::ChannelId channel) override;
  void Credit(protocol::ChannelId channel, uint32_t bytes) override;
  void LoadResource(std::string_view name) override;
  void SetDeadline(Instant at) override;
  void Authorize(const Json& credentials) override;
  void CommandResult(const Json& result) override;
  void Event(const Json& event) override;
  void Record(int64_t granule, std::span<const uint8_t> pages) override;
  void Snapshot(std::string_view text) override;
  void Ended(const Json& summary) override;

  // What has not been consumed.
  std::span<const uint8_t> pending() const {
    return std::span<const uint8_t>(arena_).subspan(consumed_);
  }
  // Drops the first `length` bytes if a record ends there; else drops nothing.
  void Consume(size_t length);

 private:
  // Adds a record and returns where its body of `body_bytes` goes.
  uint8_t* Begin(uint16_t tag, uint64_t arg, size_t body_bytes);
  void Append(uint16_t tag, uint64_t arg, std::span<const uint8_t> body);
  void AppendText(uint16_t tag, uint64_t arg, std::string_view body);

  std::vector<uint8_t> arena_;
  size_t consumed_ = 0;
};

}  // namespace trunkline::abi
