// What keeps the speech modules free of imports: every way to stop is a trap,
// and what the C library would ask of its host is answered here.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <version>

#if __has_include(<__verbose_abort>)
#include <__verbose_abort>
#endif

#include <wasi/api.h>

#include "base/check.h"

namespace {

void* AllocateOrTrap(std::size_t size) {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  TL_CHECK(memory != nullptr);
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return AllocateOrTrap(size); }
void* operator new[](std::size_t size) { return AllocateOrTrap(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

#if defined(_LIBCPP___VERBOSE_ABORT)
void std::__libcpp_verbose_abort(const char*, ...) noexcept {
  __builtin_trap();
}
#endif

extern "C" {

void abort() { __builtin_trap(); }
[[noreturn]] void __assert_fail(const char*, const char*, int, const char*) {
  __builtin_trap();
}
[[noreturn]] void __abort_message(const char*, ...) { __builtin_trap(); }
[[noreturn]] void abort_message(const char*, ...) { __builtin_trap(); }

// What of the C library could reach a file links these. Nothing of ours calls
// them: the files that there are lie in memory.
__wasi_errno_t __wasi_fd_close(__wasi_fd_t) { __builtin_trap(); }
__wasi_errno_t __wasi_fd_seek(__wasi_fd_t, __wasi_filedelta_t, __wasi_whence_t,
                              __wasi_filesize_t*) {
  __builtin_trap();
}
__wasi_errno_t __wasi_fd_write(__wasi_fd_t, const __wasi_ciovec_t*, size_t,
                               __wasi_size_t*) {
  __builtin_trap();
}

#if defined(__EMSCRIPTEN__)
// Up to the module's maximum; beyond it sbrk fails, and malloc with it.
int emscripten_resize_heap(size_t size) {
  constexpr size_t kPageBytes = 65536;
  const size_t pages = (size + kPageBytes - 1) / kPageBytes;
  const size_t now = __builtin_wasm_memory_size(0);
  if (pages <= now) return 1;
  return __builtin_wasm_memory_grow(0, pages - now) != SIZE_MAX ? 1 : 0;
}
void* emscripten_memcpy_big(void* to, const void* from, size_t size) {
  return std::memcpy(to, from, size);
}
#endif

}  // extern "C"
