#pragma once

#include <cstdint>

namespace trunkline::test {

// What this program has allocated; 0 under a sanitizer, which has its own
// allocator.
class MemoryCount {
 public:
  static int64_t live();
  static int64_t peak();
  static void ResetPeak();
};

}  // namespace trunkline::test
