#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "support/world/sound.h"

namespace trunkline::test {

// What is behind a text of base64 as two of them; nullopt for none, and for a
// single byte.
inline std::optional<std::array<std::string, 2>> HalveBase64(
    std::string_view text) {
  const std::optional<std::string> bytes = FromBase64(text);
  if (!bytes || bytes->size() < 2) return std::nullopt;
  const std::string_view all = *bytes;
  const size_t half = all.size() / 2;
  return {{ToBase64(all.substr(0, half)), ToBase64(all.substr(half))}};
}

}  // namespace trunkline::test
