#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/time.h"
#include "protocol/agents/agent.h"
#include "protocol/wire.h"

namespace trunkline::media {

// What waits to be said, in the order in which it came. An item may go on
// behind others. Positions count samples since the call began; what lies before
// begin() is forgotten.
//
// Allocates its ring once and nothing after; the memory is touched as far as
// the longest queue went.
class ReplyQueue {
 public:
  // The longest reply that a provider gives (4,096 tokens at 20 a second) and
  // its farewell. Overflow, here and below: the newest is refused.
  static constexpr int kMaxMs = 240'000;
  // What the module has room for: 50 s of linear 16 at 24 kHz, 75 s at 16 kHz,
  // 240 s of companded audio at 8 kHz.
  static constexpr size_t kMaxBytes =
      protocol::BytesOf({protocol::Encoding::kLinear16, 24000}, 50'000);
  // Items whose audio may wait; more are refused likewise.
  static constexpr size_t kMaxItems = 64;
  // Stretches of them, of items that go on behind others: 50 s of two that come
  // by turns, 100 ms each.
  static constexpr size_t kMaxSegments = 512;
  // Items that are heard and may go on: a response has a few at a time. The
  // oldest is forgotten, and would be counted from where it goes on.
  static constexpr size_t kMaxForgotten = 8;

  // What was heard of an item that will not be played on. Both count from the
  // item's beginning, also where its audio goes on after it was forgotten.
  struct Cut {
    protocol::ItemId item{};
    int64_t heard_ms = 0;
    int64_t received_ms = 0;
  };

  // What `format` may take of it, bytes.
  static constexpr size_t CapacityBytes(protocol::AudioFormat format) {
    const size_t most = std::min(protocol::BytesOf(format, kMaxMs), kMaxBytes);
    const size_t second = protocol::BytesOf(format, 1'000);
    return most / second * second;
  }

  explicit ReplyQueue(protocol::AudioFormat format);

  // Whether Append() will take so many samples.
  bool HasRoom(protocol::ItemId item, size_t samples) const;
  // Adds whole samples. False, and nothing is added, at one of the bounds.
  bool Append(protocol::ItemId item, std::span<const uint8_t> audio);

  // Up to `samples` of audio from `position` on, fewer where the ring ends.
  // Precondition: begin() <= position <= end().
  std::span<const uint8_t> Read(uint64_t position, size_t samples) const;

  // `heard` samples were heard, and all but the last `keep` of them, and the
  // items that ended before, are not asked for any more.
  void Retire(uint64_t heard, uint64_t keep);
  // What lies before `position` is not asked for any more.
  void ForgetBefore(uint64_t position) { begin_ = std::max(begin_, position); }
  // Forgets all; what comes next begins at `position`, at the ring's front.
  void Restart(uint64_t position);

  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

  // Of the items that were not heard to their end, once each, in order. Valid
  // until the next call.
  std::span<const Cut> CutsAt(uint64_t heard);
  // The item at `heard` and how much of it was heard.
  Cut At(uint64_t heard) const;
  // Whose what lies from `from` to `to` is, in order, each with the first of
  // its positions there. Valid until the next call.
  struct Part {
    protocol::ItemId item{};
    uint64_t begin = 0;
  };
  std::span<const Part> PartsIn(uint64_t from, uint64_t to);

 private:
  // What lies in a row of an item.
  struct Segment {
    protocol::ItemId item{};
    uint64_t begin = 0;
    uint64_t end = 0;
    // Of the item, in segments before it.
    uint64_t before = 0;
  };
  // Of an agent's item: how much of it came in all, in samples, and how many of
  // its segments wait.
  struct Known {
    protocol::ItemId item{};
    uint64_t received = 0;
    size_t waiting = 0;
  };

  int64_t Ms(uint64_t samples) const;
  Cut CutOf(const Segment& segment, uint64_t heard) const;
  void Remember(const Segment& segment);
  size_t RingIndex(uint64_t position) const;
  // nullptr if nothing is known of it, as of sounds of our own.
  const Known* Find(protocol::ItemId item) const;
  // The same, of one that audio came of.
  Known& Get(protocol::ItemId item);
  size_t CountWaiting() const;
  bool Continues(protocol::ItemId item) const {
    return !segments_.empty() && segments_.back().item == item;
  }

  const int sample_rate_hz_;
  const size_t sample_bytes_;
  const size_t capacity_;  // samples
  std::unique_ptr<uint8_t[]> ring_;
  // The position that lies at index 0 of the ring.
  uint64_t origin_ = 0;
  // INVARIANT: begin_ <= end_ <= begin_ + capacity_.
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  std::vector<Segment> segments_;
  // In the order in which they began.
  std::vector<Known> known_;
  std::vector<Cut> cuts_;
  std::vector<Part> parts_;
};

}  // namespace trunkline::media
