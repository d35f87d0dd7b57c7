// Sequences of inputs through the C boundary: no trap, whole effects, nothing
// after the end. The session checks its own consistency after each.

#include "support/input_script.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  trunkline::test::RunInputScript({bytes, size});
  return 0;
}
