#include "base/json.h"

namespace trunkline {
namespace {

constexpr int64_t kMaxExactInteger = (int64_t{1} << 53) - 1;

// Counts what the parser would have to hold, without parsing: an opening
// bracket or a comma announces one value.
bool WithinBounds(std::string_view text) {
  size_t depth = 0;
  size_t values = 1;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    switch (c) {
      case '"':
        in_string = true;
        break;
      case '{':
      case '[':
        if (++depth > kMaxJsonDepth) return false;
        ++values;
        break;
      case '}':
      case ']':
        // More closing than opening brackets: the parser says what is wrong.
        if (depth > 0) --depth;
        break;
      case ',':
        ++values;
        break;
      default:
        break;
    }
    if (values > kMaxJsonValues) return false;
  }
  return true;
}

// The code unit of the escape `\uXXXX` at the beginning of `text`; nullopt if
// there is none.
std::optional<uint32_t> CodeUnit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') {
    return std::nullopt;
  }
  uint32_t unit = 0;
  for (const char c : text.substr(2, 4)) {
    unit <<= 4;
    if (c >= '0' && c <= '9') {
      unit |= static_cast<uint32_t>(c - '0');
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      unit |= static_cast<uint32_t>((c | 0x20) - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return unit;
}

// `text` with U+FFFD for each half of a surrogate pair that stands alone. "" if
// there is none.
std::string MendSurrogates(std::string_view text) {
  std::string mended;
  size_t copied = 0;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      ++i;
      continue;
    }
    const std::optional<uint32_t> unit = CodeUnit(text.substr(i));
    if (!unit) {
      // Another escape, of two characters as far as it matters here.
      i += 2;
      continue;
    }
    if (*unit >= 0xD800 && *unit < 0xDC00) {
      const std::optional<uint32_t> next = CodeUnit(text.substr(i + 6));
      if (next && *next >= 0xDC00 && *next < 0xE000) {
        i += 12;
        continue;
      }
    }
    if (*unit >= 0xD800 && *unit < 0xE000) {
      mended += text.substr(copied, i - copied);
      mended += "\\ufffd";
      copied = i + 6;
    }
    i += 6;
  }
  if (copied == 0) return {};
  mended += text.substr(copied);
  return mended;
}

Json ParseWithoutExceptions(std::string_view text) {
  return Json::parse(text.begin(), text.end(), /*cb=*/nullptr,
                     /*allow_exceptions=*/false);
}

}  // namespace

std::optional<Json> ParseJson(std::string_view text) {
  if (!WithinBounds(text)) return std::nullopt;
  Json value = ParseWithoutExceptions(text);
  if (value.is_discarded()) {
    const std::string mended = MendSurrogates(text);
    if (mended.empty()) return std::nullopt;
    value = ParseWithoutExceptions(mended);
  }
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::string PrintJson(const Json& value) {
  return value.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                    Json::error_handler_t::replace);
}

const Json* FindMember(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

std::string_view StringMember(const Json& object, const char* key) {
  const Json* member = FindMember(object, key);
  if (member == nullptr || !member->is_string()) return {};
  return *member->get_ptr<const std::string*>();
}

std::optional<int64_t> IntegerMember(const Json& object, const char* key) {
  const Json* member = FindMember(object, key);
  if (member == nullptr) return std::nullopt;
  if (member->is_string()) {
    return ParseDecimal(*member->get_ptr<const std::string*>());
  }
  // Above INT64_MAX an unsigned one turns negative here.
  if (!member->is_number_integer()) return std::nullopt;
  const auto value = member->get<int64_t>();
  if (value < 0 || value > kMaxExactInteger) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseDecimal(std::string_view text) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > kMaxExactInteger) return std::nullopt;
  return value;
}

}  // namespace trunkline
