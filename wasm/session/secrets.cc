#include "session/secrets.h"

#include <utility>

#include "base/utf8.h"

namespace trunkline::session {
namespace {

constexpr size_t kKeyBytes = 24;
constexpr std::string_view kPrefixes[] = {"sk-", "ek_"};
// What no key holds.
constexpr std::string_view kBetween = " \t\r\n\"'`,;()[]{}<>";
constexpr std::string_view kMask = "***";

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

bool IsOfKey(char c) {
  return IsAlphanumeric(c) || c == '-' || c == '_' || c == '*';
}

// Where a key with a prefix begins in `word`, or its end.
size_t PrefixIn(std::string_view word) {
  for (size_t at = 0; at < word.size(); ++at) {
    if (at > 0 && IsAlphanumeric(word[at - 1])) continue;
    for (const std::string_view prefix : kPrefixes) {
      if (word.substr(at).starts_with(prefix)) return at;
    }
  }
  return word.size();
}

// `word` with every run in it masked that is long and has a digit.
std::string WithoutLongRuns(std::string_view word) {
  std::string kept;
  while (!word.empty()) {
    size_t size = 0;
    bool digit = false;
    while (size < word.size() && IsOfKey(word[size])) {
      digit = digit || (word[size] >= '0' && word[size] <= '9');
      ++size;
    }
    if (size == 0) {
      kept += word.front();
      word.remove_prefix(1);
      continue;
    }
    kept += size >= kKeyBytes && digit ? kMask : word.substr(0, size);
    word.remove_prefix(size);
  }
  return kept;
}

bool IsBearer(std::string_view word) {
  if (word.ends_with(':')) word.remove_suffix(1);
  return word == "Bearer" || word == "bearer";
}

// A full stop behind a word is the sentence's.
std::string Masked(std::string_view word) {
  std::string masked(kMask);
  if (word.ends_with('.')) masked += '.';
  return masked;
}

}  // namespace

std::string WithoutSecrets(std::string_view text) {
  // More than is kept, so that a key that the cut goes through is seen whole.
  text = text.substr(0, size_t{4} * kMaxMessageBytes);
  std::string masked;
  bool after_bearer = false;
  while (!text.empty()) {
    const size_t between = text.find_first_not_of(kBetween);
    masked += text.substr(0, between);
    if (between == std::string_view::npos) break;
    text.remove_prefix(between);
    const std::string_view word = text.substr(0, text.find_first_of(kBetween));
    text.remove_prefix(word.size());
    if (std::exchange(after_bearer, IsBearer(word))) {
      masked += Masked(word);
      continue;
    }
    const size_t key = PrefixIn(word);
    masked += WithoutLongRuns(word.substr(0, key));
    if (key < word.size()) masked += Masked(word);
  }
  std::string kept;
  AppendWellFormed(kept, masked, kMaxMessageBytes);
  return kept;
}

}  // namespace trunkline::session
