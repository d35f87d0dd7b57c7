#pragma once

#include <cstdint>

#include "base/time.h"

namespace trunkline::test {

// How much a session may do in a world: beyond it, it works without end. Each
// is many times what the busiest calls need.
class WorkBounds {
 public:
  // Effects of one step, that is of one input or one happening.
  static constexpr int64_t kMostEffects = 10'000;
  // Steps while no time passes, and of a call.
  static constexpr int64_t kMostStepsAtOnce = 10'000;
  static constexpr int64_t kMostSteps = 400'000;

  // What is too much; nullptr if nothing is.
  const char* OnStep(Instant now) {
    effects_ = 0;
    at_once_ = now == now_ ? at_once_ + 1 : 1;
    now_ = now;
    if (at_once_ > kMostStepsAtOnce) return "hangs: steps without time";
    if (++steps_ > kMostSteps) return "hangs: steps";
    return nullptr;
  }
  const char* OnEffect() {
    return ++effects_ > kMostEffects ? "hangs: effects of one step" : nullptr;
  }

 private:
  Instant now_;
  int64_t effects_ = 0;
  int64_t at_once_ = 0;
  int64_t steps_ = 0;
};

}  // namespace trunkline::test
