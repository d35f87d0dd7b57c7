#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/check.h"

namespace trunkline::protocol {

// What a codec has to tell, in order. Its owner takes all of it after each call
// of the codec, so a queue holds no more than one call makes of events.
//
// Overflow is a fault of the codec: each says why its calls make at most
// `kCapacity` events.
template <class Event, size_t kCapacity>
class EventQueue {
 public:
  void Push(Event event) {
    // INVARIANT: one call of a codec makes at most kCapacity events.
    TL_CHECK(count_ < kCapacity);
    events_[(first_ + count_) % kCapacity] = std::move(event);
    ++count_;
  }

  std::optional<Event> Take() {
    if (count_ == 0) return std::nullopt;
    Event event = std::move(events_[first_]);
    first_ = (first_ + 1) % kCapacity;
    --count_;
    return event;
  }

  bool empty() const { return count_ == 0; }
  void Clear() { count_ = 0; }

 private:
  std::array<Event, kCapacity> events_{};
  size_t first_ = 0;
  size_t count_ = 0;
};

}  // namespace trunkline::protocol
