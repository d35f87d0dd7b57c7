// What the speech modules have in place of the C library's: a memory that grows
// to the module's maximum, and assertions that trap.

#include <cstddef>
#include <cstdint>

extern "C" {

[[noreturn]] void __assert_fail(const char*, const char*, int, const char*) {
  __builtin_trap();
}

#if defined(__EMSCRIPTEN__)
// Beyond the maximum sbrk fails, and malloc with it.
int emscripten_resize_heap(size_t size) {
  constexpr size_t kPageBytes = 65536;
  const size_t pages = (size + kPageBytes - 1) / kPageBytes;
  const size_t now = __builtin_wasm_memory_size(0);
  if (pages <= now) return 1;
  return __builtin_wasm_memory_grow(0, pages - now) != SIZE_MAX ? 1 : 0;
}
#endif

}  // extern "C"
