#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trunkline::session {

// A provider's message is cut after so many bytes.
inline constexpr size_t kMaxMessageBytes = 300;

// `text` for a log: well-formed UTF-8, at most kMaxMessageBytes, and "***" in
// the place of what may be a key. Providers quote the key that they refuse.
// Masked are, in upper and lower case:
//
// - from "sk-", "ek_" and the like to the end of the word;
// - runs of 24 letters, digits, hyphens and underscores with a digit in them;
// - what is assigned to a name such as api_key, accessToken or password, by
//   "=" or ":", as in a header, a URL's query, JSON, or JSON within JSON; what
//   is neither behind "=" nor in quotes only if it looks like a value;
// - the word after "Bearer", and after "Basic", "Digest" and "Token" what
//   looks like a value or stands in an Authorization header;
// - user and password in a URL.
//
// A value has letters and digits, or letters of both cases out of order, or
// signs that words have not, or is longer than any word. So "invalid token:
// expired" stays as it is, and so does a password of letters alone that is
// told in a sentence.
std::string WithoutSecrets(std::string_view text);

}  // namespace trunkline::session
