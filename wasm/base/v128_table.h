#pragma once

#if defined(__wasm_simd128__)

#include <wasm_simd128.h>

#include <array>
#include <cstddef>
#include <cstdint>

// Constants of loops in wasm SIMD. V8 keeps no v128.const in a register from
// one turn of a loop to the next but makes it anew, in up to four instructions;
// what was loaded from memory before the loop stays.

namespace trunkline {

struct alignas(16) V128Table {
  std::array<uint8_t, 16> bytes;
};

constexpr V128Table SplatTable(uint8_t byte) {
  V128Table table{};
  for (uint8_t& each : table.bytes) each = byte;
  return table;
}

constexpr V128Table SplatTable16(uint16_t value) {
  V128Table table{};
  for (size_t i = 0; i < table.bytes.size(); ++i) {
    table.bytes[i] = static_cast<uint8_t>(i % 2 == 0 ? value : value >> 8);
  }
  return table;
}

// The table as a value that the compiler cannot tell to be constant.
inline v128_t Loaded(const V128Table& table) {
  const V128Table* address = &table;
  asm("" : "+r"(address));
  return wasm_v128_load(address->bytes.data());
}

}  // namespace trunkline

#endif
