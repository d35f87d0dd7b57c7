#pragma once

#include <string>
#include <string_view>

namespace trunkline::speech {

// `text`, UTF-8, as printable ASCII: what flite and the dictionary know.
// Typographic quotes, dashes and dots become those of ASCII, letters lose their
// accents, a few signs become their names with a space before or around them;
// other characters are dropped, control characters among them.
std::string ToAscii(std::string_view text);

}  // namespace trunkline::speech
