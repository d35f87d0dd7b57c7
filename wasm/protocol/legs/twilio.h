#pragma once

#include <string>
#include <vector>

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

  // Both are borrowed for the life of the object.
  TwilioLeg(Wire& wire, LegListener& listener);

  void OnSocketOpened() override;
  void OnText(std::string_view text) override;
  void OnBinary(std::span<const uint8_t> bytes) override;
  void Play(std::span<const uint8_t> audio) override;
  void Mark(MarkId mark) override;
  void Clear() override;

 private:
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
  void HandleMedia(const Media& media);
  void CheckSequence(std::optional<int64_t> sequence);
  bool IsForeign(std::string_view stream_sid);

  Wire& wire_;
  LegListener& listener_;
  // Empty until `start`.
  std::string stream_sid_;
  std::optional<int64_t> last_sequence_;
  std::vector<MarkId> pending_marks_;
  // Scratch, sized once: decoded audio of one message, one outbound message.
  std::vector<uint8_t> audio_;
  std::string message_;
  std::string media_prefix_;
};

}  // namespace trunkline::protocol
