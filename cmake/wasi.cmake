# clang for wasm32-wasi: the wasi-sdk at WASI_SDK_PATH when that is set, else
# clang-22 with the system's wasi-libc and libc++.
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}/modules")
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
if(DEFINED ENV{WASI_SDK_PATH})
  set(CMAKE_C_COMPILER "$ENV{WASI_SDK_PATH}/bin/clang")
  set(CMAKE_CXX_COMPILER "$ENV{WASI_SDK_PATH}/bin/clang++")
  set(CMAKE_AR "$ENV{WASI_SDK_PATH}/bin/llvm-ar")
  set(CMAKE_RANLIB "$ENV{WASI_SDK_PATH}/bin/llvm-ranlib")
  set(CMAKE_SYSROOT "$ENV{WASI_SDK_PATH}/share/wasi-sysroot")
else()
  set(CMAKE_C_COMPILER clang-22)
  set(CMAKE_CXX_COMPILER clang++-22)
  set(CMAKE_AR llvm-ar-22)
  set(CMAKE_RANLIB llvm-ranlib-22)
  # Debian installs its libraries under this name of the target only, which
  # the driver calls deprecated.
  set(CMAKE_C_FLAGS_INIT "-Wno-deprecated -Wdeprecated-declarations")
  set(CMAKE_CXX_FLAGS_INIT "-Wno-deprecated -Wdeprecated-declarations")
endif()
# A reactor has no main, so the compiler checks must not link.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
