#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace trunkline::protocol {

// Where a codec puts the bytes for its peer. The bytes are copied before the
// call returns.
class Wire {
 public:
  virtual void SendText(std::string_view text) = 0;
  virtual void SendBinary(std::span<const uint8_t> bytes) = 0;

 protected:
  ~Wire() = default;
};

// How samples are written on a wire. All formats are mono.
enum class Encoding : uint8_t {
  kMuLaw,        // G.711 mu-law, one byte a sample
  kALaw,         // G.711 A-law, one byte a sample
  kLinear16,     // signed 16 bit, little-endian
  kLinear16Big,  // signed 16 bit, big-endian
};

struct AudioFormat {
  Encoding encoding = Encoding::kMuLaw;
  // 8000, 16000, 24000 or 48000.
  int sample_rate_hz = 8000;

  bool operator==(const AudioFormat&) const = default;
};

constexpr bool IsLinear(Encoding encoding) {
  return encoding == Encoding::kLinear16 || encoding == Encoding::kLinear16Big;
}

constexpr size_t BytesPerSample(Encoding encoding) {
  return IsLinear(encoding) ? 2 : 1;
}

// Bytes of `ms` milliseconds.
constexpr size_t BytesOf(AudioFormat format, int ms) {
  return static_cast<size_t>(format.sample_rate_hz / 1000) *
         BytesPerSample(format.encoding) * static_cast<size_t>(ms);
}

// Which rule of its protocol a peer broke. The session counts them; the message
// has no other effect unless said. Values are append-only.
enum class Fault : uint8_t {
  kMalformed,          // not JSON, not an object, or beyond the JSON bounds
  kMissingField,       // a field that the event needs is absent
  kWrongType,          // a field has a type or value it cannot have
  kUnknownEvent,       // an event this build does not know; ignored by design
  kOutOfOrder,         // where it cannot be: media before `start`, a second end
  kDuplicateStart,     // a second `start` on one stream; the first one holds
  kForeignStream,      // names another stream than `start` did
  kBadPayload,         // base64 that is none, or an odd number of PCM bytes
  kUnexpectedBinary,   // a binary frame where the protocol has only text
  kTooLarge,           // longer than the protocol ever sends
  kUnsupportedFormat,  // an audio format this build cannot carry
  kUnknownMark,        // a mark that was never sent
  kLostMessages,       // the peer's sequence numbers jump
  kPeerError,          // the peer reported an error that is harmless
};
inline constexpr size_t kFaultCount =
    static_cast<size_t>(Fault::kPeerError) + 1;

const char* ToString(Fault fault);
const char* ToString(Encoding encoding);

}  // namespace trunkline::protocol
