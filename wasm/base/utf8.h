#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// UTF-8 that may be malformed, character by character: never beyond its end,
// and every byte belongs to exactly one character.

namespace trunkline {

struct CodePoint {
  // U+FFFD for what is malformed.
  uint32_t value = 0;
  // [1, 4].
  size_t bytes = 0;
};

// The character at `at`. A byte that begins no whole character, surrogates and
// overlong forms among them, is one by itself. Precondition: at < text.size().
CodePoint CodePointAt(std::string_view text, size_t at);

// The longest beginning of `text` of at most `max_bytes` that ends between two
// characters.
std::string_view CutText(std::string_view text, size_t max_bytes);

enum class Appended : uint8_t { kAll, kPart };

// Appends `text` to `out` as far as `out` stays within `max_bytes`, in whole
// characters; U+FFFD in the place of what is malformed.
Appended AppendWellFormed(std::string& out, std::string_view text,
                          size_t max_bytes);

}  // namespace trunkline
