#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/event_queue.h"
#include "protocol/legs/leg.h"

namespace trunkline::protocol {

// Twilio Media Streams, bidirectional (<Connect><Stream>): JSON text frames,
// mu-law 8 kHz in base64. Source: twilio.com/docs/voice/media-streams/
// websocket-messages. Counters are decimal strings on Twilio and numbers on its
// lookalikes; both are read, and what Twilio emits is emitted.
//
// Media of one frame takes a scanner; every other message, and every message
// that the scanner finds unusual, goes through the JSON parser.
class TwilioLeg final : public Leg {
 public:
  // The longest message that is read, bytes. Twilio's media is under 400; 64
  // KiB leaves room for lookalikes that bundle seconds of audio.
  static constexpr size_t kMaxMessageBytes = size_t{64} * 1024;
  // Marks that may wait for their echo: at one every 160 ms and 200 ms of lead
  // there are 3. More are sent, but no longer told apart from foreign ones.
  static constexpr size_t kMaxPendingMarks = 64;

  // `wire` is borrowed for the life of the object.
  explicit TwilioLeg(Wire& wire);

  void OnSocketOpened(std::string_view subprotocol) override;
  void OnText(std::string_view text) override;
  void OnBinary(std::span<const uint8_t> bytes) override;
  LegClose OnSocketClosed(uint16_t code) override;
  std::optional<LegEvent> NextEvent() override { return events_.Take(); }
  void Play(std::span<const uint8_t> audio) override;
  void Mark(MarkId mark) override;
  void Clear() override;

 private:
  // A message is one event, with a fault for what was lost before it.
  static constexpr size_t kMaxEvents = 2;

  // A media message as the scanner found it; views into the message.
  struct Media {
    std::string_view stream_sid;
    std::string_view payload;
    std::optional<int64_t> sequence;
    std::optional<int64_t> timestamp_ms;
    bool inbound = true;
  };

  static bool ScanMedia(std::string_view text, Media& media);
  void ParseMessage(std::string_view text);
  void HandleStart(const Json& message);
  void HandleMedia(const Media& media);
  void CheckSequence(std::optional<int64_t> sequence);
  bool IsForeign(std::string_view stream_sid);

  void Report(Fault fault) { events_.Push(LegFaulted{fault}); }

  Wire& wire_;
  EventQueue<LegEvent, kMaxEvents> events_;
  // Empty until `start`.
  std::string stream_sid_;
  std::string call_sid_;
  std::string token_;
  std::optional<int64_t> last_sequence_;
  std::vector<MarkId> pending_marks_;
  // Scratch, sized once: decoded audio of one message, one outbound message.
  std::vector<uint8_t> audio_;
  std::string message_;
  std::string media_prefix_;
};

}  // namespace trunkline::protocol
