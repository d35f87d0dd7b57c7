#pragma once

#include <cstdint>

namespace trunkline::session {

// Close codes of the leg's socket and of the agent's; docs/boundary.md.
inline constexpr uint16_t kCloseNormal = 1000;
inline constexpr uint16_t kCloseTooBig = 1009;
inline constexpr uint16_t kCloseProtocol = 4400;
inline constexpr uint16_t kCloseNoStart = 4401;
inline constexpr uint16_t kCloseForeign = 4403;
inline constexpr uint16_t kCloseUsed = 4409;
inline constexpr uint16_t kCloseExpired = 4410;

}  // namespace trunkline::session
