#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::protocol {

// What the parts of HouseRules have in common of texts. How a text of a
// dialogue is filled is of HouseRules itself (house_text.cc).

// Around words that are others a moment later; in no text of a dialogue.
inline constexpr char kClockMark = '\x01';

// Changes with the text: which of several texts is said. FNV-1a.
uint32_t DiceOf(std::string_view text);

// What a voice can say of a text, at most HouseRules::kMaxReplyBytes: printable
// ASCII.
std::string Spoken(std::string_view text);

// A space between them, if neither is empty.
void AddSentence(std::string& text, std::string_view more);

// Whether a tool's answer says that nothing came of it.
bool IsFailure(std::string_view result);

}  // namespace trunkline::protocol
