#include "protocol/registry.h"

namespace trunkline::protocol {

// Alone in this file: see the header.
Registry LinkedRegistry() { return Registry::BuiltIn(); }

}  // namespace trunkline::protocol
