#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

// Speakers of whom nothing in the tree was made or tuned: what learns from
// speech is measured on them, and they are looked at for nothing else.

namespace trunkline::quality {

// Recordings of 2 to 8 s, mono S16 at 8 kHz.
using Voice = std::vector<std::vector<int16_t>>;

// Women from Debian's asterisk-prompt-es-co and -fr-armelle, through GSM's
// codec, and from asterisk-prompt-it-menardi-wav; men and a woman at the
// microphones of computers from pocketsphinx-testdata. Only recordings whose
// quietest frames lie 38 dB below their loudest: in others what is speech
// cannot be told by level. Dies when they are not installed.
std::vector<Voice> UnknownVoices();

}  // namespace trunkline::quality
