#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "protocol/wire.h"

namespace trunkline::media {

// What the caller hears of the agent, sample by sample, on the session's clock:
// what a recording has beside the caller, and what may come back as an echo.
// Holds the last kSpan; where nothing was played is silence. Positions count
// samples since the clock's zero.
//
// Allocates nothing after construction; kSpan of audio in the leg's format.
class HeardTrack {
 public:
  // What is played ahead (a lead of 1 s at most, and the way to the leg), and
  // what is read late (the recorder's lag and its batch, 0.7 s, 0.25 by which
  // the caller's frames may be late, another 0.75 until it looks after them,
  // and the way back) together stay below it: round trips up to 500 ms.
  static constexpr Duration kSpan = Duration::Millis(3'200);

  explicit HeardTrack(protocol::AudioFormat format);

  // `audio`, whole samples in the leg's format, is heard from `begins` on. What
  // was to be heard from there on is replaced.
  void Play(std::span<const uint8_t> audio, Instant begins);
  // The leg's buffer was dropped: nothing is heard from `at` on.
  void Cut(Instant at);

  // What is heard from `position` on, linear. Silence before the clock's zero.
  void Read(int64_t position, std::span<int16_t> out) const;
  // Whether nothing at all is heard from `position` on.
  bool IsSilentFrom(int64_t position) const { return position >= end_; }
  // Whether [position, position + count) touches what was played last without
  // a pause.
  bool IsWithinRun(int64_t position, int64_t count) const;

  int64_t PositionAt(Instant at) const;
  int sample_rate_hz() const { return format_.sample_rate_hz; }

 private:
  // Precondition: end - begin <= capacity_.
  void FillSilence(int64_t begin, int64_t end);
  size_t RingIndex(int64_t position) const;

  const protocol::AudioFormat format_;
  const size_t sample_bytes_;
  const int64_t capacity_;  // samples
  std::vector<uint8_t> ring_;
  // Behind the last sample that is known, and the first of the run it ends.
  int64_t end_ = 0;
  int64_t run_begin_ = 0;
};

}  // namespace trunkline::media
