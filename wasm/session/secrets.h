#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trunkline::session {

// A provider's message is cut after so many bytes.
inline constexpr size_t kMaxMessageBytes = 300;

// `text` for a log: well-formed UTF-8, at most kMaxMessageBytes, and "***" in
// the place of what may be a key: from "sk-" or "ek_" to the end of the word,
// the word after "Bearer", and runs of 24 letters, digits, hyphens and
// underscores with a digit among them. Providers quote the key that they
// refuse.
std::string WithoutSecrets(std::string_view text);

}  // namespace trunkline::session
