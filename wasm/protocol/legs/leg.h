#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "protocol/wire.h"

namespace trunkline::protocol {

// A playback acknowledgement: everything queued before it has been played.
struct MarkId {
  // Counts the clears of a call: an echo of a former generation is not
  // playback.
  uint32_t generation = 0;
  // Samples of the playout clock that lie before the mark.
  uint64_t position = 0;

  bool operator==(const MarkId&) const = default;
};

// What a leg is like. Constant from its start to its end.
struct LegTraits {
  // How the gateway learns what was played.
  enum class Playback : uint8_t {
    kMarks,    // the leg echoes a mark when it has played what was before it
    kReports,  // the leg says how much it has played
    kClock,    // nothing: it plays what it gets at real time
  };
  // What becomes of the marks that wait when the leg's buffer is cleared.
  enum class MarksOnClear : uint8_t {
    kEchoed,   // each comes back at once, though nothing was played
    kDropped,  // none comes back
  };
  // Whether the leg says when its buffer is full.
  enum class FlowControl : uint8_t { kNone, kPauses };

  AudioFormat heard;   // from the caller
  AudioFormat spoken;  // to the caller
  Playback playback = Playback::kMarks;
  MarksOnClear marks_on_clear = MarksOnClear::kEchoed;
  FlowControl flow_control = FlowControl::kNone;
  // The longest piece of audio in one message, and what its length must be a
  // multiple of, bytes; 0 = any. Only the last piece of a reply may be shorter.
  size_t max_message_bytes = 0;
  size_t message_multiple_bytes = 0;

  bool operator==(const LegTraits&) const = default;
};

// The neutral events of the caller's side. Views are valid until the next call
// of the leg.

// A stream has begun.
struct LegStarted {
  std::string_view carrier_call_id;  // the carrier's name of the call, or ""
  std::string_view stream_id;
  // The single-use token of the stream; empty if it brought none.
  std::string_view token;
  LegTraits traits;
};
// Encoded audio in the format of `heard`, never empty. `timestamp_ms` is the
// carrier's clock at the first sample, nullopt where the carrier sends none.
struct LegAudio {
  std::optional<int64_t> timestamp_ms;
  std::span<const uint8_t> audio;
};
struct LegDigit {
  char digit = 0;
};
struct LegMarkEchoed {
  MarkId mark;
};
// The leg has played so many samples of `spoken` since its start.
struct LegPlayed {
  uint64_t samples = 0;
};
// The leg's buffer is full, or takes audio again.
struct LegFlow {
  enum class State : uint8_t { kPaused, kReady };
  State state = State::kReady;
};
// The caller hung up.
struct LegStopped {};
struct LegFaulted {
  Fault fault = Fault::kMalformed;
};

using LegEvent = std::variant<LegFaulted, LegStarted, LegAudio, LegDigit,
                              LegMarkEchoed, LegPlayed, LegFlow, LegStopped>;

// How the leg's socket came to its end, as far as its protocol tells.
enum class LegClose : uint8_t {
  kHungUp,
  kBroken,
};

// One carrier's protocol: bytes of the leg's socket <-> neutral events and
// commands. Knows nothing of turns or agents. Nothing calls it from inside of
// one of its calls.
class Leg {
 public:
  virtual ~Leg() = default;

  // Inputs. After each, NextEvent() is called until it has none.

  // Forgets the stream; the next message must open a new one. `subprotocol` is
  // the one that was chosen, may be empty.
  virtual void OnSocketOpened(std::string_view subprotocol) = 0;
  virtual void OnText(std::string_view text) = 0;
  virtual void OnBinary(std::span<const uint8_t> bytes) = 0;
  virtual LegClose OnSocketClosed(uint16_t code) = 0;

  virtual std::optional<LegEvent> NextEvent() = 0;

  // Commands. Valid from LegStarted on; before it they do nothing. `audio` is
  // in the format of `spoken`, not empty, and keeps to the traits' lengths.
  virtual void Play(std::span<const uint8_t> audio) = 0;
  virtual void Mark(MarkId mark) = 0;
  virtual void Clear() = 0;
};

}  // namespace trunkline::protocol
