#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/dtmf.h"

namespace trunkline::audio {

// Finds DTMF digits in a telephone line at 8 kHz, after ITU-T Q.24.
//
// Goertzel filters at the eight frequencies over blocks of 102 samples
// (12.75 ms) that begin every 51. A block carries a digit when its two
// strongest tones, one of each group, are loud enough, are within the twist,
// and hold most of the block's energy; four such blocks in a row make a digit,
// four without it end it. So every digit of 40 ms or more is seen and an
// interruption of 10 ms does not split it.
//
// Chunk-invariant; a copy goes on with the same events. Allocates nothing;
// 256 bytes.
class DtmfDetector {
 public:
  struct Event {
    enum class Kind : uint8_t { kBegan, kEnded };
    Kind kind;
    char digit;
    // Where the digit begins, or the first sample behind it, counted from the
    // first sample of all. Estimates, rounded outwards: without noise between
    // the truth and 8 ms outside of it. What lies between the two is what a
    // recording mutes.
    uint64_t at_sample;
    bool operator==(const Event&) const = default;
  };

  static constexpr size_t kHopSamples = 51;
  static constexpr size_t kBlockSamples = 2 * kHopSamples;
  static constexpr int kBlocks = 4;
  // kBegan follows the true begin by at most this (45 ms).
  static constexpr size_t kDecisionSamples = (kBlocks + 3) * kHopSamples;

  // The most events that `in_samples` samples can bring.
  static constexpr size_t MaxEvents(size_t in_samples) {
    return 2 * (in_samples / kHopSamples + 1);
  }

  // Writes what `in` brings to `events`, which has room for
  // MaxEvents(in.size()); returns how many. A digit that another one follows
  // without a pause ends where that one begins.
  size_t Process(std::span<const int16_t> in, std::span<Event> events);
  void Reset() { *this = DtmfDetector(); }

  // The digit that has begun and not ended; 0 for none.
  char digit() const { return digit_; }

 private:
  char DigitOfBlock() const;

  std::array<int16_t, kBlockSamples> block_{};
  // How many of the block's samples are there.
  size_t filled_ = 0;
  uint64_t total_samples_ = 0;
  uint64_t candidate_began_ = 0;
  uint64_t last_hit_end_ = 0;
  int hits_ = 0;
  int misses_ = 0;
  char candidate_ = 0;
  char digit_ = 0;
};

}  // namespace trunkline::audio
