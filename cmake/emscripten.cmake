# The Emscripten at EMSDK when that is set, else the system's.
if(DEFINED ENV{EMSDK})
  set(emscripten "$ENV{EMSDK}/upstream/emscripten")
  set(TRUNKLINE_WASM_LD "$ENV{EMSDK}/upstream/bin/wasm-ld")
else()
  set(emscripten /usr/share/emscripten)
  set(TRUNKLINE_WASM_LD wasm-ld-14)
endif()
include("${emscripten}/cmake/Modules/Platform/Emscripten.cmake")

# Emscripten's own link order of a reactor without exceptions, less its host
# (libstandalonewasm): wasm/abi/wasm_stubs.cc and the module's
# own wasm_libc.cc take its place.
set(libraries "${emscripten}/cache/sysroot/lib/wasm32-emscripten")
set(TRUNKLINE_WASM_LIBRARIES
  "${libraries}/crt1_reactor.o -L${libraries} -lc++-noexcept -lc++abi-noexcept -lc -ldlmalloc -lc -lcompiler_rt")

# What clang-22 takes for granted. wasm_stubs.cc relies on bulk memory.
set(CMAKE_C_FLAGS_INIT "-mbulk-memory -msign-ext -mnontrapping-fptoint")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
