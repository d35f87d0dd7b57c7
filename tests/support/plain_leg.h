#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/event_queue.h"
#include "protocol/legs/leg.h"

namespace trunkline::test {

// A leg that is whatever a test needs: any format, any trait. Without a word of
// a test it is what Twilio is not: wide, binary, without marks, with flow
// control and with messages of a fixed multiple.
//
// Texts are JSON objects with a `type`; audio is binary, both ways.
//
//   in   {"type":"start","callId","streamId","token", and traits that differ:
//         "heard":"pcm16/16000","spoken":"alaw/8000",
//         "playback":"marks|reports|clock","marksOnClear":"echoed|dropped",
//         "flowControl":"none|pauses","maxMessageBytes":N,
//         "messageMultipleBytes":N}
//        {"type":"at","ms":N}         of the next piece of audio
//        {"type":"digit","digit":"5"} {"type":"mark","name":"0:320"}
//        {"type":"played","samples":N} {"type":"pause"} {"type":"resume"}
//        {"type":"stop"}
//   out  {"type":"mark","name":"0:320"} {"type":"clear"}
//
// After `stop` it takes and sends nothing until a new socket.
class PlainLeg final : public protocol::Leg {
 public:
  static constexpr size_t kMaxMessageBytes = size_t{64} * 1024;

  static protocol::LegTraits DefaultTraits();

  // `wire` is borrowed for the life of the object.
  explicit PlainLeg(protocol::Wire& wire,
                    protocol::LegTraits traits = DefaultTraits());

  void OnSocketOpened(std::string_view subprotocol) override;
  void OnText(std::string_view text) override;
  void OnBinary(std::span<const uint8_t> bytes) override;
  protocol::LegClose OnSocketClosed(uint16_t code) override;
  std::optional<protocol::LegEvent> NextEvent() override {
    return events_.Take();
  }
  // Stops the program if `audio` does not keep to the traits' lengths, but for
  // the multiple: the last piece of a reply may be shorter.
  void Play(std::span<const uint8_t> audio) override;
  void Mark(protocol::MarkId mark) override;
  void Clear() override;

 private:
  // A message is one event.
  static constexpr size_t kMaxEvents = 1;

  void Report(protocol::Fault fault) {
    events_.Push(protocol::LegFaulted{fault});
  }
  void HandleStart(const Json& message);
  void HandleMark(std::string_view name);

  protocol::Wire& wire_;
  const protocol::LegTraits usual_;
  protocol::LegTraits traits_;
  protocol::EventQueue<protocol::LegEvent, kMaxEvents> events_;
  bool started_ = false;
  std::string call_id_;
  std::string stream_id_;
  std::string token_;
  std::optional<int64_t> timestamp_ms_;
  std::vector<protocol::MarkId> pending_marks_;
  std::vector<uint8_t> audio_;
};

// "pcm16/16000"; nullopt for what no leg can have.
std::optional<protocol::AudioFormat> ParseFormat(std::string_view text);

}  // namespace trunkline::test
