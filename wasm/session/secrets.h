#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trunkline::session {

// A provider's message is cut after so many bytes.
inline constexpr size_t kMaxMessageBytes = 300;

// `text` for a log: well-formed UTF-8, at most kMaxMessageBytes, and "***" in
// the place of every word that may be a key: what begins with "sk-", "ek_" or
// "Bearer ", and words of 24 characters and more with a digit in them.
// Providers quote the key that they refuse.
std::string WithoutSecrets(std::string_view text);

}  // namespace trunkline::session
