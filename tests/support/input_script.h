#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace trunkline::test {

// Feeds a byte string as a sequence of structured calls of the C boundary to
// one session, checks the contract after each, and destroys it. Returns an
// FNV-1a hash over every effect byte, so that two builds can be compared.
//
// The bytes: u8 configuration, then calls of {u8 kind, u8 port and time, body},
// where a body is one of the messages a peer sends, mutated by what follows, or
// raw bytes. Any byte string is a valid script.
uint64_t RunInputScript(std::span<const uint8_t> script);

}  // namespace trunkline::test
