#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/wire.h"

namespace trunkline::protocol {

// A playback acknowledgement: everything queued before it has been played.
struct MarkId {
  // Counts the clears of a call. A carrier echoes every pending mark when its
  // buffer is cleared, so an echo of a former generation is not playback.
  uint32_t generation = 0;
  // Samples of the playout clock that lie before the mark.
  uint64_t position = 0;

  bool operator==(const MarkId&) const = default;
};

// What the leg's `start` told of itself.
struct LegStart {
  // The carrier's own names of the call, may be empty, and of the stream.
  std::string carrier_call_id;
  std::string stream_id;
  // The single-use token of the stream; empty if it brought none.
  std::string token;
  AudioFormat format;
};

// The neutral events of the caller's side. Spans and views are valid during the
// call only.
class LegListener {
 public:
  virtual void OnLegStarted(const LegStart& start) = 0;
  // Encoded audio in the format of `start`. `timestamp_ms` is the carrier's
  // clock at the first sample, nullopt where the carrier sends none.
  virtual void OnLegAudio(std::optional<int64_t> timestamp_ms,
                          std::span<const uint8_t> audio) = 0;
  virtual void OnLegDtmf(char digit) = 0;
  virtual void OnLegMark(MarkId mark) = 0;
  virtual void OnLegStopped() = 0;
  virtual void OnLegFault(Fault fault) = 0;

 protected:
  ~LegListener() = default;
};

// One carrier's protocol: bytes of the leg's socket <-> neutral events and
// commands. Knows nothing of turns or agents.
class Leg {
 public:
  virtual ~Leg() = default;

  // Forgets the stream; the next message must open a new one.
  virtual void OnSocketOpened() = 0;
  virtual void OnText(std::string_view text) = 0;
  virtual void OnBinary(std::span<const uint8_t> bytes) = 0;

  // Commands. Valid from OnLegStarted on; before it they do nothing.
  // `audio` is in the format of `start`, not empty.
  virtual void Play(std::span<const uint8_t> audio) = 0;
  virtual void Mark(MarkId mark) = 0;
  virtual void Clear() = 0;
};

}  // namespace trunkline::protocol
