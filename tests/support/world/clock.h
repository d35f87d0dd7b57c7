#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"

namespace trunkline::test {

// The time of a simulated world, and what will happen in it: in order of time,
// of equal times in order of their making. Nothing sleeps, and nothing is
// random but by seed.
class Clock {
 public:
  explicit Clock(uint64_t seed);

  Instant now() const { return now_; }
  void At(Instant at, std::function<void()> action);
  void After(Duration delay, std::function<void()> action) {
    At(now_ + delay, std::move(action));
  }
  // When the next thing happens; Instant::Never() if nothing will.
  Instant next() const {
    return happenings_.empty() ? Instant::Never() : happenings_.front().at;
  }
  // Goes to the next happening and lets it happen. Precondition: there is one.
  void RunNext();
  // Never goes back.
  void GoTo(Instant at) { now_ = std::max(now_, at); }

  // Uniform in [0, bound); 0 for no bound.
  uint32_t Random(uint32_t bound);
  // Uniform in [0, most].
  Duration RandomDelay(Duration most);

 private:
  struct Happening {
    Instant at;
    uint64_t order;
    std::function<void()> action;
    bool operator<(const Happening& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  Instant now_ = Instant::Micros(1'000'000);
  // A heap, the next one at its front.
  std::vector<Happening> happenings_;
  uint64_t made_ = 0;
  uint64_t random_;
};

}  // namespace trunkline::test
