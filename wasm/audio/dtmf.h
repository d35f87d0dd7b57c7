#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace trunkline::audio {

// The tones of ITU-T Q.23: row r and column c stand for kDtmfDigits[4 * r + c].
inline constexpr std::array<int, 4> kDtmfRowHz = {697, 770, 852, 941};
inline constexpr std::array<int, 4> kDtmfColumnHz = {1209, 1336, 1477, 1633};
inline constexpr std::string_view kDtmfDigits = "123A456B789C*0#D";

}  // namespace trunkline::audio
