#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storm/judge.h"

namespace trunkline::test {

struct Verdict {
  std::vector<std::string> complaints;
  Figures figures;
};

// Plays the call of a seed to its end and judges it. `verbose`: everything that
// happens goes to the standard output.
enum class Telling : uint8_t { kNothing, kAll };
Verdict PlayCall(uint64_t seed, Telling telling);

}  // namespace trunkline::test
