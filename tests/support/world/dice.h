#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::test {

// Chance by seed: the same seed throws the same (SplitMix64, which seeds one
// after the other throw independently).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  // Another one, whose throws do not depend on how often this one is thrown.
  Dice Fork(uint64_t name) const { return Dice(Mix(state_ ^ Mix(name))); }

  // Uniform in [0, bound); 0 for no bound.
  uint32_t Below(uint32_t bound) {
    return bound == 0 ? 0 : static_cast<uint32_t>((Next() >> 33) % bound);
  }
  // Uniform in [from, to].
  int64_t Between(int64_t from, int64_t to) {
    return from + int64_t{Below(static_cast<uint32_t>(to - from + 1))};
  }
  bool Chance(uint32_t per_mille) { return Below(1000) < per_mille; }
  template <typename T, size_t kCount>
  const T& Pick(const T (&from)[kCount]) {
    return from[Below(static_cast<uint32_t>(kCount))];
  }

 private:
  static uint64_t Mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
  }
  uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15U); }

  uint64_t state_;
};

}  // namespace trunkline::test
