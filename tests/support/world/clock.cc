#include "support/world/clock.h"

#include <algorithm>
#include <utility>

namespace trunkline::test {

Clock::Clock(uint64_t seed)
    : random_(seed * 2654435761U + 88172645463325252ULL) {}

void Clock::At(Instant at, std::function<void()> action) {
  happenings_.push_back({at, made_++, std::move(action)});
  std::push_heap(happenings_.begin(), happenings_.end());
}

void Clock::RunNext() {
  std::pop_heap(happenings_.begin(), happenings_.end());
  const Happening happening = std::move(happenings_.back());
  happenings_.pop_back();
  GoTo(happening.at);
  happening.action();
}

uint32_t Clock::Random(uint32_t bound) {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return bound == 0 ? 0 : static_cast<uint32_t>(random_ >> 33) % bound;
}

Duration Clock::RandomDelay(Duration most) {
  return Duration::Micros(
      int64_t{Random(static_cast<uint32_t>(most.us()) + 1)});
}

}  // namespace trunkline::test
