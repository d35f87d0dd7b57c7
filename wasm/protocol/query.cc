#include "protocol/query.h"

namespace trunkline::protocol {

std::string PercentEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                       (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
                       c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

void Query::Add(std::string_view name, std::string_view value) {
  path_ += path_.find('?') == std::string::npos ? '?' : '&';
  path_ += name;
  path_ += '=';
  path_ += PercentEncode(value);
}

}  // namespace trunkline::protocol
