#pragma once

// Stops the program when `condition` is false: a broken invariant of ours,
// never the fault of a peer. In the module this is a wasm trap, which costs one
// call; the shim drops the instance and says so.
#define TL_CHECK(condition)             \
  do {                                  \
    if (!(condition)) __builtin_trap(); \
  } while (false)
