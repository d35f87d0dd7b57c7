#include "base/utf8.h"

#include <algorithm>

namespace trunkline {
namespace {

constexpr CodePoint kMalformed = {0xFFFD, 1};

}  // namespace

CodePoint CodePointAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(at);
  if (first < 0x80) return {first, 1};
  size_t bytes = 0;
  // The smallest value that needs so many bytes.
  uint32_t smallest = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    bytes = 2;
    smallest = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    bytes = 3;
    smallest = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    bytes = 4;
    smallest = 0x10000;
  } else {
    return kMalformed;
  }
  if (text.size() - at < bytes) return kMalformed;
  uint32_t value = first & (0xFFU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return kMalformed;
    value = value << 6 | (byte(at + i) & 0x3FU);
  }
  if (value < smallest || value > 0x10FFFF ||
      (value >= 0xD800 && value <= 0xDFFF)) {
    return kMalformed;
  }
  return {value, bytes};
}

std::string_view CutText(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  // A character that crosses the limit begins at most three bytes before it.
  const size_t nearest = max_bytes > 3 ? max_bytes - 3 : 0;
  for (size_t at = nearest; at < max_bytes; ++at) {
    if (at + CodePointAt(text, at).bytes > max_bytes) return text.substr(0, at);
  }
  return text.substr(0, max_bytes);
}

Appended AppendWellFormed(std::string& out, std::string_view text,
                          size_t max_bytes) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  const auto room = [&] { return max_bytes - std::min(max_bytes, out.size()); };
  while (!text.empty()) {
    // What is well formed goes over in one piece.
    size_t whole = 0;
    bool malformed = false;
    while (whole < text.size() && whole <= room() && !malformed) {
      const CodePoint point = CodePointAt(text, whole);
      // One byte of 0x80 or above is no character.
      malformed = point.bytes == 1 && point.value == kMalformed.value;
      if (!malformed) whole += point.bytes;
    }
    const std::string_view piece = CutText(text.substr(0, whole), room());
    out += piece;
    if (piece.size() < whole) return Appended::kPart;
    text.remove_prefix(whole);
    if (!malformed) continue;
    if (kReplacement.size() > room()) return Appended::kPart;
    out += kReplacement;
    text.remove_prefix(1);
  }
  return Appended::kAll;
}

}  // namespace trunkline
