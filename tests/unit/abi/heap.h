#pragma once

#include <cstddef>

namespace trunkline::test {

// What the test binary `abi` has allocated by the operator new.
struct Heap {
  size_t allocations = 0;
  size_t bytes = 0;
  size_t most_bytes = 0;
};
extern Heap heap;

}  // namespace trunkline::test
