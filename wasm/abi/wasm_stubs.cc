// What keeps every module free of imports: its own allocation functions and its
// own ways to stop. The libraries' versions print before they stop, which drags
// in stdio and, with it, the system calls of WASI. cmake/wasm_module.cmake adds
// it to each.
//
// Every way to stop is a trap: running out of memory as any other broken
// invariant.

#include <cstddef>
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
  // malloc may answer 0 bytes with null, operator new may not.
  void* const memory = std::malloc(size == 0 ? 1 : size);
  TL_CHECK(memory != nullptr);
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return AllocateOrTrap(size); }
void* operator new[](std::size_t size) { return AllocateOrTrap(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

#if defined(_LIBCPP___VERBOSE_ABORT)
// libc++: a failed assertion and what would be an exception.
void std::__libcpp_verbose_abort(const char*, ...) noexcept {
  __builtin_trap();
}
#endif

extern "C" {

void abort() { __builtin_trap(); }

// libc++abi: pure virtual call, failed static initialisation; the second name
// is the one of releases before 20.
[[noreturn]] void __abort_message(const char*, ...) { __builtin_trap(); }
[[noreturn]] void abort_message(const char*, ...) { __builtin_trap(); }

// What of the C library could reach a file links these. Nothing of ours calls
// them: what files a module has lie in memory.
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
// For copies of 512 bytes and more; one memory.copy instruction.
void* emscripten_memcpy_big(void* to, const void* from, size_t size) {
  return std::memcpy(to, from, size);
}
#endif

}  // extern "C"
