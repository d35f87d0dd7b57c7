#include "storm/memory_count.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define TRUNKLINE_STORM_COUNTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRUNKLINE_STORM_COUNTS 0
#endif
#endif
#ifndef TRUNKLINE_STORM_COUNTS
#define TRUNKLINE_STORM_COUNTS 1
#endif

namespace trunkline::test {
namespace {

// One thread.
int64_t live_bytes = 0;
int64_t peak_bytes = 0;

}  // namespace

int64_t MemoryCount::live() { return live_bytes; }
int64_t MemoryCount::peak() { return peak_bytes; }
void MemoryCount::ResetPeak() { peak_bytes = live_bytes; }

#if TRUNKLINE_STORM_COUNTS
void* CountedNew(size_t size) {
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) std::abort();
  live_bytes += static_cast<int64_t>(malloc_usable_size(block));
  peak_bytes = std::max(peak_bytes, live_bytes);
  return block;
}

void CountedDelete(void* block) {
  if (block == nullptr) return;
  live_bytes -= static_cast<int64_t>(malloc_usable_size(block));
  std::free(block);
}
#endif

}  // namespace trunkline::test

#if TRUNKLINE_STORM_COUNTS
void* operator new(size_t size) { return trunkline::test::CountedNew(size); }
void* operator new[](size_t size) { return trunkline::test::CountedNew(size); }
void operator delete(void* block) noexcept {
  trunkline::test::CountedDelete(block);
}
void operator delete[](void* block) noexcept {
  trunkline::test::CountedDelete(block);
}
void operator delete(void* block, size_t /*size*/) noexcept {
  trunkline::test::CountedDelete(block);
}
void operator delete[](void* block, size_t /*size*/) noexcept {
  trunkline::test::CountedDelete(block);
}
#endif
