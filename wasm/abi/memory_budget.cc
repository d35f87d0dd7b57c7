// The module's memory never grows: the compiler sees that all of it fits.

#include <cstddef>

#include "abi/effect_encoder.h"
#include "abi/trunkline.h"
#include "session/memory.h"

namespace trunkline::abi {
namespace {

constexpr size_t kStack = TRUNKLINE_WASM_STACK_BYTES;
// Tables and variables, 45 KB today, and the inbox.
constexpr size_t kStatics = size_t{128} * 1024 + TL_MAX_INPUT_BYTES;
// While they grow to their bound they are there twice.
constexpr size_t kEffects =
    EffectEncoder::kMaxBytes + EffectEncoder::kSmallBytes;
// The audio of a leg's longest message, decoded.
constexpr size_t kLegAudio = TL_MAX_INPUT_BYTES;

static_assert(kStack + kStatics + kEffects + kLegAudio + session::kMostBytes <=
              TRUNKLINE_WASM_MEMORY_BYTES);
static_assert(session::kMostLegEffectBytes <= EffectEncoder::kMaxBytes);

}  // namespace
}  // namespace trunkline::abi
