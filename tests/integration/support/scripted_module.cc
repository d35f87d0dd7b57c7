#include "protocol/registry.h"
#include "support/test_registry.h"

namespace trunkline::protocol {

// In place of the shipped module's, with what is for tests only.
Registry LinkedRegistry() { return test::TestRegistry(); }

}  // namespace trunkline::protocol
