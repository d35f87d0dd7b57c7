#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/channels.h"
#include "protocol/legs/leg.h"
#include "protocol/wire.h"

namespace trunkline::test {

// What a leg told, copied: in order as lines, and by kind.
//
//   started CA1 MZ1 token mulaw/8000 mulaw/8000 marks-echoed
//     also: marks-dropped | reports | clock, pauses, max-6400, multiple-640
//   audio 20 010203        the timestamp, "-" without one, and the bytes
//   digit 5 | mark g0:160 | played 320 | paused | ready | stopped
//   fault malformed
class LegLog {
 public:
  struct Start {
    std::string carrier_call_id;
    std::string stream_id;
    std::string token;
    protocol::LegTraits traits;
  };

  // Takes all events of `leg`, as its owner does after each call.
  void Take(protocol::Leg& leg);

  std::vector<std::string> lines;
  std::vector<Start> starts;
  std::vector<std::optional<int64_t>> timestamps;
  std::vector<std::vector<uint8_t>> audios;
  std::string digits;
  std::vector<protocol::MarkId> marks;
  int stops = 0;
  std::vector<protocol::Fault> faults;
};

// What an agent told, copied: in order as lines, and by kind.
//
//   ready | speech started | speech stopped | committed u1
//   caller u1+some words | agent i1=all words     + for a part, = for the whole
//     also: agent i1=all words dropped 200          ms
//   audio 1 010203         the number of the item and the bytes
//   tool call_1 name arguments
//   done complete|cancelled|failed [tools] INPUT/OUTPUT   tokens
//     also: dropped ANSWERS/TOKENS
//   lost CODE | fatal CODE
//   fault malformed
class AgentLog {
 public:
  // Takes all events of `agent` and lets it go on, as its owner does after each
  // call.
  void Take(protocol::Agent& agent);
  // One event that somebody else has taken.
  void Add(const protocol::AgentEvent& told);

  // All lines but those of audio and faults.
  std::vector<std::string> Words() const;

  std::vector<std::string> lines;
  std::map<uint32_t, std::vector<uint8_t>> audio;
  std::vector<protocol::Fault> faults;
  // Of those that the provider says: its code, parameter and message, and the
  // call whose result it refused.
  std::vector<std::string> errors;
};

// What was sent on a leg's socket: texts as they are, binaries as "binary
// 010203".
class RecordingWire final : public protocol::Wire {
 public:
  void SendText(std::string_view text) override;
  void SendBinary(std::span<const uint8_t> bytes) override;

  std::vector<std::string> sent;
};

// What an agent did with the outside. Channels are numbered from 1.
//
//   connect 1 UPSTREAM PATH PROTOCOL
//   fetch 1 METHOD UPSTREAM PATH BODY
//   1< text, without its "event_id" | 1< binary 010203
//   close 1 1000 reason | abort 1 | credit 1 640
class RecordingChannels final : public protocol::Channels {
 public:
  std::optional<protocol::ChannelId> Connect(
      const protocol::ConnectRequest& request) override;
  std::optional<protocol::ChannelId> Fetch(
      const protocol::FetchRequest& request) override;
  void SendText(protocol::ChannelId channel, std::string_view text) override;
  void SendBinary(protocol::ChannelId channel,
                  std::span<const uint8_t> bytes) override;
  void Close(protocol::ChannelId channel, uint16_t code,
             std::string_view reason) override;
  void Abort(protocol::ChannelId channel) override;
  void Credit(protocol::ChannelId channel, uint32_t bytes) override;

  // The number of the newest channel.
  protocol::ChannelId newest() const { return protocol::ChannelId{opened_}; }
  // Channels that were opened and neither closed nor aborted by the agent.
  const std::vector<uint16_t>& open() const { return open_; }
  // The texts among what was sent, on any channel.
  std::vector<std::string> Texts() const;

  std::vector<std::string> lines;
  // The texts with their event ids, which the lines leave out.
  std::vector<std::string> raw_texts;
  // As if too many channels were open.
  bool full = false;

 private:
  std::optional<protocol::ChannelId> Open();
  void Forget(protocol::ChannelId channel);

  uint16_t opened_ = 0;
  std::vector<uint16_t> open_;
  std::vector<std::string> texts_;
};

// "mulaw/8000".
std::string ToText(protocol::AudioFormat format);
// As LegLog's line has them.
std::string ToText(const protocol::LegTraits& traits);
std::string ToHex(std::span<const uint8_t> bytes);

}  // namespace trunkline::test
