#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

// Speakers of whom the detector's net never learned: it is measured on them.
// They are not blind. Its false triggers on them, at the end of long pauses,
// led to the long pauses of its training, and they were measured again after
// each change since.

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
