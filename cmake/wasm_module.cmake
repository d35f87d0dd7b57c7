# Makes <name>.wasm of the sources: a reactor without imports whose memory never
# grows, unless the calling directory sets TRUNKLINE_WASM_MAX_MEMORY_BYTES. It
# exports `memory`, `_initialize` and what its sources mark. A macro, because
# Emscripten's way to link is a variable of the calling directory.
macro(trunkline_wasm_module name)
  if(DEFINED TRUNKLINE_WASM_MAX_MEMORY_BYTES)
    set(max_memory ${TRUNKLINE_WASM_MAX_MEMORY_BYTES})
  else()
    set(max_memory ${TRUNKLINE_WASM_MEMORY_BYTES})
  endif()
  set(linker_flags
    --stack-first -z stack-size=${TRUNKLINE_WASM_STACK_BYTES}
    --initial-memory=${TRUNKLINE_WASM_MEMORY_BYTES}
    --max-memory=${max_memory}
    --gc-sections --strip-all --fatal-warnings)
  add_executable(${name} ${ARGN}
    "${PROJECT_SOURCE_DIR}/wasm/abi/wasm_stubs.cc")
  set_target_properties(${name} PROPERTIES
    SUFFIX .wasm RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  if(EMSCRIPTEN)
    # Straight to the linker: emcc would export what its JavaScript needs
    # (stackSave, __errno_location, the function table), and there is none.
    list(JOIN linker_flags " " flags)
    set(CMAKE_CXX_LINK_EXECUTABLE
      "${TRUNKLINE_WASM_LD} ${flags} --no-entry --export=_initialize -o <TARGET> <OBJECTS> <LINK_LIBRARIES> ${TRUNKLINE_WASM_LIBRARIES}")
  else()
    list(TRANSFORM linker_flags PREPEND "SHELL:-Xlinker ")
    list(TRANSFORM linker_flags REPLACE "-z " "-z -Xlinker ")
    # Without --no-wasm-opt the driver runs whatever wasm-opt is in PATH.
    target_link_options(${name} PRIVATE
      -mexec-model=reactor --no-wasm-opt ${linker_flags})
  endif()
endmacro()
