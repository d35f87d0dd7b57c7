#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

// JSON of control messages: a bounded parse, readers that never throw, and one
// way to print. Media frames, fifty a second, take base/json_scanner.h.

namespace trunkline {

using Json = nlohmann::json;

// Bounds of one message. The deepest documented message of any peer nests 8
// levels, the widest (a session with tools) holds some hundred values.
inline constexpr size_t kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonValues = 16384;

// Parses `text`; nullopt if it is not JSON or exceeds a bound above. Memory is
// bounded by the bounds, not by the length of `text`.
//
// An escape of half a surrogate pair becomes U+FFFD: who cuts a text between
// its UTF-16 units, as senders of deltas do, spoils a character and not the
// message around it.
std::optional<Json> ParseJson(std::string_view text);

// Prints without spaces; ill-formed UTF-8 becomes U+FFFD.
std::string PrintJson(const Json& value);

// The member `key` of `object` as a string: "" when absent, null or of another
// type. The view lives as long as `object`.
std::string_view StringMember(const Json& object, const char* key);

// The member `key`: nullptr when `object` is no object or has no such member.
const Json* FindMember(const Json& object, const char* key);

// The member `key` as an integer. Accepts a number and a string of decimal
// digits, since carriers differ in which of the two they send. nullopt when
// absent, fractional, negative or above 2^53 - 1.
std::optional<int64_t> IntegerMember(const Json& object, const char* key);

// The decimal digits in `text` as an integer; nullopt if there is anything
// else, nothing, or a value above 2^53 - 1.
std::optional<int64_t> ParseDecimal(std::string_view text);

}  // namespace trunkline
