#pragma once

namespace trunkline {

// std::bit_cast, which the library of the second wasm builder lacks.
template <typename To, typename From>
constexpr To BitCast(From from) {
  return __builtin_bit_cast(To, from);
}

}  // namespace trunkline
