#include "base/json_scanner.h"

#include <bit>

#include "base/check.h"
#include "base/json.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace trunkline {
namespace {

// Which of sixteen characters are a quote or a backslash, a bit for each.
#if defined(__wasm_simd128__)
inline uint32_t MarksOf(const char* text) {
  const v128_t chars = wasm_v128_load(text);
  return wasm_i8x16_bitmask(
      wasm_v128_or(wasm_i8x16_eq(chars, wasm_i8x16_const_splat('"')),
                   wasm_i8x16_eq(chars, wasm_i8x16_const_splat('\\'))));
}
#elif defined(__SSE2__)
inline uint32_t MarksOf(const char* text) {
  const __m128i chars = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  return static_cast<uint32_t>(_mm_movemask_epi8(
      _mm_or_si128(_mm_cmpeq_epi8(chars, _mm_set1_epi8('"')),
                   _mm_cmpeq_epi8(chars, _mm_set1_epi8('\\')))));
}
#else
inline uint32_t MarksOf(const char* text) {
  uint32_t marks = 0;
  for (uint32_t i = 0; i < 16; ++i) {
    if (text[i] == '"' || text[i] == '\\') marks |= 1U << i;
  }
  return marks;
}
#endif

// The first quote or backslash in [at, end); `end` if none is.
const char* FindMark(const char* at, const char* end) {
  for (; end - at >= 16; at += 16) {
    const uint32_t found = MarksOf(at);
    if (found != 0) return at + std::countr_zero(found);
  }
  while (at != end && *at != '"' && *at != '\\') ++at;
  return at;
}

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace

JsonScanner::JsonScanner(std::string_view text)
    : at_(text.data()), end_(text.data() + text.size()) {}

bool JsonScanner::Fail() {
  state_ = State::kFailed;
  return false;
}

inline void JsonScanner::SkipSpace() {
  while (at_ != end_ &&
         (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) {
    ++at_;
  }
}

inline bool JsonScanner::Consume(char expected) {
  // Space is rare.
  if (at_ == end_ || *at_ != expected) {
    SkipSpace();
    if (at_ == end_ || *at_ != expected) return false;
  }
  ++at_;
  return true;
}

inline bool JsonScanner::ReadString(std::string_view& out) {
  if (!Consume('"')) return false;
  const char* const mark = FindMark(at_, end_);
  if (mark == end_ || *mark != '"') return false;
  out = Between(at_, mark);
  at_ = mark + 1;
  return true;
}

bool JsonScanner::SkipNested() {
  int depth = 0;
  while (at_ != end_) {
    const char c = *at_;
    if (c == '"') {
      std::string_view ignored;
      if (!ReadString(ignored)) return false;
      continue;
    }
    ++at_;
    if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return false;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return true;
    }
  }
  return false;
}

// After the bracket that closes an object.
bool JsonScanner::FinishObject() {
  if (depth_ > 0) {
    --depth_;
    return false;
  }
  SkipSpace();
  if (at_ != end_) return Fail();
  state_ = State::kDone;
  return false;
}

void JsonScanner::Enter() {
  TL_CHECK(is_nested_ && kind_ == Kind::kObject);
  is_nested_ = false;
  ++at_;
  ++depth_;
  state_ = State::kStart;
}

bool JsonScanner::Next() {
  if (is_nested_) {
    is_nested_ = false;
    if (!SkipNested()) return Fail();
  }
  switch (state_) {
    case State::kMembers:
      if (!Consume(',')) return Consume('}') ? FinishObject() : Fail();
      break;
    case State::kBegin:
      if (!Consume('{')) return Fail();
      [[fallthrough]];
    case State::kStart:
      state_ = State::kMembers;
      if (Consume('}')) return FinishObject();
      break;
    case State::kDone:
    case State::kFailed:
      return false;
  }
  if (!ReadString(key_) || !Consume(':')) return Fail();
  SkipSpace();
  if (at_ == end_) return Fail();
  switch (*at_) {
    case '"':
      kind_ = Kind::kString;
      return ReadString(value_) || Fail();
    case '{':
    case '[':
      kind_ = *at_ == '{' ? Kind::kObject : Kind::kArray;
      value_ = {};
      is_nested_ = true;
      return true;
    default:
      break;
  }
  kind_ = Kind::kScalar;
  const char* const begin = at_;
  while (at_ != end_) {
    const char c = *at_;
    const bool part = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '+' || c == '.' || c == 'E';
    if (!part) break;
    ++at_;
  }
  value_ = Between(begin, at_);
  return at_ != begin || Fail();
}

std::optional<int64_t> JsonScanner::integer_value() const {
  if (kind_ != Kind::kString && kind_ != Kind::kScalar) return std::nullopt;
  return ParseDecimal(value_);
}

}  // namespace trunkline
