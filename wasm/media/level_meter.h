#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "media/heard_track.h"

namespace trunkline::media {

// How loud both sides are, for somebody who watches: a level for each frame of
// 20 ms, ten of a side at a time, so five times a second. Runs on the caller's
// frames: when none come it says nothing.
//
// Allocates nothing.
class LevelMeter {
 public:
  static constexpr size_t kFrames = 10;
  // Of one frame, by its largest sample: 255 is full scale, each step less is
  // 0.4 dB, and 0 is nothing at all.
  using Levels = std::array<uint8_t, kFrames>;
  // Oldest first.
  struct Reading {
    Levels caller{};
    Levels agent{};
  };

  // As if no frame had come.
  void Reset() { frames_ = 0; }
  // `samples` of 20 ms.
  void OnCallerFrame(std::span<const int16_t> samples);
  // The last ten frames of both, if as many have come since it was asked last;
  // of more that came at once the last ones. The agent is as it was heard in
  // the 200 ms before `now`.
  std::optional<Reading> Take(const HeardTrack& heard, Instant now);

 private:
  // A ring: the newest is at (frames_ - 1) % kFrames.
  Levels caller_{};
  size_t frames_ = 0;
};

}  // namespace trunkline::media
