#pragma once

#include <cstdint>
#include <span>

namespace trunkline::test {

// Feeds a byte string as a sequence of calls to a transcript and to a copy that
// went through its JSON whenever the bytes say so. Traps unless both do the
// same, hold what they promise, and no line is handed out twice. Returns how
// many lines became final.
//
// The bytes: calls of {u8 kind, u8 milliseconds passed, arguments}. Any byte
// string is a valid script.
uint64_t RunTranscriptScript(std::span<const uint8_t> script);

}  // namespace trunkline::test
