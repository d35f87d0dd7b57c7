// What the core's module has in place of the C library's: a memory that never
// grows, and printing as far as JSON needs it.

#include <cstdarg>
#include <cstddef>

#include "base/check.h"

extern "C" {

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

#if defined(__EMSCRIPTEN__)
// sbrk fails, and malloc with it.
int emscripten_resize_heap(size_t) { return 0; }
#endif

}  // extern "C"
