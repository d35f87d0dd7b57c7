// What keeps the module free of imports: its own allocation functions and its
// own ways to stop. The libraries' versions print before they stop, which drags
// in stdio and, with it, the system calls of WASI.
//
// Every way to stop is a trap. The memory is fixed, so running out of it stops
// the call that caused it as any other broken invariant does.

#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <version>

#if __has_include(<__verbose_abort>)
#include <__verbose_abort>
#endif

#if defined(__wasi__)
#include <wasi/api.h>
#endif

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

// nlohmann/json writes control characters with it, and what it could not parse,
// in hexadecimal and in nothing else. The library's own brings in all of
// stdio's formatting, with that of long double: 10 KB of code.
int snprintf(char* text, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t length = 0;
  const auto put = [&](char c) {
    if (length + 1 < size) text[length] = c;
    ++length;
  };
  while (*format != 0) {
    if (*format != '%') {
      put(*format++);
      continue;
    }
    // Width and precision both pad with zeros where the library uses them.
    unsigned digits = 0;
    for (++format; *format == '.' || (*format >= '0' && *format <= '9');
         ++format) {
      if (*format != '.') {
        digits = digits * 10 + static_cast<unsigned>(*format - '0');
      }
    }
    while (*format == 'h') ++format;
    TL_CHECK(*format == 'x' || *format == 'X');
    const char* const symbols =
        *format++ == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    const unsigned value = va_arg(arguments, unsigned);
    unsigned needed = 1;
    while (needed < 8 && value >> (4 * needed) != 0) ++needed;
    for (unsigned i = needed > digits ? needed : digits; i-- > 0;) {
      put(symbols[i < 8 ? (value >> (4 * i)) & 15 : 0]);
    }
  }
  va_end(arguments);
  if (size > 0) text[length < size ? length : size - 1] = 0;
  return static_cast<int>(length);
}

// libc++abi: pure virtual call, failed static initialisation; the second name
// is the one of releases before 20.
[[noreturn]] void __abort_message(const char*, ...) { __builtin_trap(); }
[[noreturn]] void abort_message(const char*, ...) { __builtin_trap(); }

#if defined(__wasi__)
// What of wasi-libc could print links these. Nothing of ours calls them.
__wasi_errno_t __wasi_fd_close(__wasi_fd_t) { __builtin_trap(); }
__wasi_errno_t __wasi_fd_seek(__wasi_fd_t, __wasi_filedelta_t, __wasi_whence_t,
                              __wasi_filesize_t*) {
  __builtin_trap();
}
__wasi_errno_t __wasi_fd_write(__wasi_fd_t, const __wasi_ciovec_t*, size_t,
                               __wasi_size_t*) {
  __builtin_trap();
}
#elif defined(__EMSCRIPTEN__)
// Emscripten's libc asks its host for these two. The memory is fixed: sbrk
// fails, and malloc with it.
int emscripten_resize_heap(size_t) { return 0; }
// For copies of 512 bytes and more; one memory.copy instruction.
void* emscripten_memcpy_big(void* to, const void* from, size_t size) {
  return std::memcpy(to, from, size);
}
#endif

}  // extern "C"
