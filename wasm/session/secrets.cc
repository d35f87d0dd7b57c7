#include "session/secrets.h"

#include <algorithm>

#include "base/utf8.h"

namespace trunkline::session {
namespace {

constexpr size_t kKeyBytes = 24;

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*' ||
         c == '+' || c == '/' || c == '=';
}

bool MayBeKey(std::string_view word) {
  return word.starts_with("sk-") || word.starts_with("ek_") ||
         (word.size() >= kKeyBytes &&
          std::any_of(word.begin(), word.end(),
                      [](char c) { return c >= '0' && c <= '9'; }));
}

}  // namespace

std::string WithoutSecrets(std::string_view text) {
  // A key at the end is seen whole before the text is cut.
  text = text.substr(0, size_t{4} * kMaxMessageBytes);
  std::string masked;
  bool after_bearer = false;
  while (!text.empty()) {
    size_t size = 0;
    while (size < text.size() && IsWordCharacter(text[size])) ++size;
    if (size == 0) {
      if (text.front() != ' ') after_bearer = false;
      masked += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view word = text.substr(0, size);
    masked += after_bearer || MayBeKey(word) ? std::string_view("***") : word;
    after_bearer = word == "Bearer" || word == "bearer";
    text.remove_prefix(size);
  }
  std::string kept;
  AppendWellFormed(kept, masked, kMaxMessageBytes);
  return kept;
}

}  // namespace trunkline::session
