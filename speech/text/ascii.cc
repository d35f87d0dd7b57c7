#include "speech/text/ascii.h"

#include <cstddef>
#include <cstdint>

#include "base/utf8.h"

namespace trunkline::speech {
namespace {

// Letters of Latin-1 and Latin Extended-A, U+00C0 to U+017F, without what is
// above or below them.
constexpr std::string_view kLatin =
    "AAAAAAACEEEEIIII"
    "DNOOOOO OUUUUYTs"
    "aaaaaaaceeeeiiii"
    "dnooooo ouuuuyty"
    "AaAaAaCcCcCcCcDd"
    "DdEeEeEeEeEeGgGg"
    "GgGgHhHhIiIiIiIi"
    "IiJjJjKkkLlLlLlL"
    "lLlNnNnNnnNnOoOo"
    "OoOoRrRrRrSsSsSs"
    "SsTtTtTtUuUuUuUu"
    "UuUuWwYyYZzZzZzs";
static_assert(kLatin.size() == 0x180 - 0xc0);

std::string_view Named(uint32_t c) {
  switch (c) {
    case 0x2018:
    case 0x2019:
    case 0x201a:
    case 0x201b:
    case 0x2032:
      return "'";
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0x201f:
    case 0x2033:
    case 0xab:
    case 0xbb:
      return "\"";
    case 0x2010:
    case 0x2011:
      return "-";
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
    case 0x2212:
      return " - ";
    case 0x2026:
      return "...";
    case 0xdf:
      return "ss";
    case 0xc6:
      return "Ae";
    case 0xe6:
      return "ae";
    case 0x152:
      return "Oe";
    case 0x153:
      return "oe";
    case 0x20ac:
      return " euros";
    case 0xa3:
      return " pounds";
    case 0xb0:
      return " degrees";
    case 0xbd:
      return " one half";
    case 0xbc:
      return " one quarter";
    case 0xbe:
      return " three quarters";
    case 0xd7:
      return " times ";
    default:
      return {};
  }
}

}  // namespace

std::string ToAscii(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = CodePointAt(text, at);
    at += point.bytes;
    const uint32_t c = point.value;
    if (c >= 0x20 && c < 0x7f) {
      out.push_back(static_cast<char>(c));
    } else if (const std::string_view name = Named(c); !name.empty()) {
      out += name;
    } else if (c >= 0xc0 && c < 0x180) {
      out.push_back(kLatin[c - 0xc0]);
    }
  }
  return out;
}

}  // namespace trunkline::speech
