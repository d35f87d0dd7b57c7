#include "base/json_scanner.h"

#include <cstring>

#include "base/json.h"

namespace trunkline {

JsonScanner::JsonScanner(std::string_view text) : text_(text) {}

bool JsonScanner::Fail() {
  state_ = State::kFailed;
  return false;
}

void JsonScanner::SkipSpace() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
    ++position_;
  }
}

bool JsonScanner::Consume(char expected) {
  SkipSpace();
  if (position_ >= text_.size() || text_[position_] != expected) return false;
  ++position_;
  return true;
}

bool JsonScanner::ReadString(std::string_view& out) {
  if (!Consume('"')) return false;
  const char* begin = text_.data() + position_;
  const size_t rest = text_.size() - position_;
  const void* quote = std::memchr(begin, '"', rest);
  if (quote == nullptr) return false;
  const size_t length =
      static_cast<size_t>(static_cast<const char*>(quote) - begin);
  if (std::memchr(begin, '\\', length) != nullptr) return false;
  out = std::string_view(begin, length);
  position_ += length + 1;
  return true;
}

bool JsonScanner::SkipNested() {
  int depth = 0;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '"') {
      std::string_view ignored;
      if (!ReadString(ignored)) return false;
      continue;
    }
    ++position_;
    if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return false;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return true;
    }
  }
  return false;
}

bool JsonScanner::Next() {
  switch (state_) {
    case State::kStart:
      if (!Consume('{')) return Fail();
      state_ = State::kMembers;
      if (Consume('}')) {
        SkipSpace();
        if (position_ != text_.size()) return Fail();
        state_ = State::kDone;
        return false;
      }
      break;
    case State::kMembers:
      if (Consume('}')) {
        SkipSpace();
        if (position_ != text_.size()) return Fail();
        state_ = State::kDone;
        return false;
      }
      if (!Consume(',')) return Fail();
      break;
    case State::kDone:
    case State::kFailed:
      return false;
  }
  if (!ReadString(key_) || !Consume(':')) return Fail();
  SkipSpace();
  if (position_ >= text_.size()) return Fail();
  const size_t begin = position_;
  switch (text_[position_]) {
    case '"':
      kind_ = Kind::kString;
      return ReadString(value_) || Fail();
    case '{':
    case '[':
      kind_ = text_[position_] == '{' ? Kind::kObject : Kind::kArray;
      if (!SkipNested()) return Fail();
      break;
    default:
      kind_ = Kind::kScalar;
      while (position_ < text_.size()) {
        const char c = text_[position_];
        const bool part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          c == '-' || c == '+' || c == '.' || c == 'E';
        if (!part) break;
        ++position_;
      }
      if (position_ == begin) return Fail();
      break;
  }
  value_ = text_.substr(begin, position_ - begin);
  return true;
}

std::optional<std::string_view> JsonScanner::string_value() const {
  if (kind_ != Kind::kString) return std::nullopt;
  return value_;
}

std::optional<int64_t> JsonScanner::integer_value() const {
  if (kind_ != Kind::kString && kind_ != Kind::kScalar) return std::nullopt;
  return ParseDecimal(value_);
}

}  // namespace trunkline
