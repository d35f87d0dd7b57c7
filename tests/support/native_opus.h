#pragma once

#include <dlfcn.h>
#include <opus/opus.h>

#include <cstdio>
#include <cstdlib>

namespace trunkline::test {

// The system's libopus, which computes in floating point. Loaded at run time:
// its functions have the names of those that the core is linked with.
struct NativeOpus {
  decltype(&opus_encoder_create) encoder_create;
  decltype(&opus_encoder_ctl) encoder_ctl;
  decltype(&opus_encode) encode;
  decltype(&opus_encoder_destroy) encoder_destroy;
  decltype(&opus_decoder_create) decoder_create;
  decltype(&opus_decode) decode;
  decltype(&opus_decoder_destroy) decoder_destroy;
  decltype(&opus_get_version_string) version;

  // Ends the process with a message when there is none.
  static NativeOpus Load() {
    // Kept to itself, so that neither library calls the other.
    void* const library = dlopen("libopus.so.0", RTLD_NOW | RTLD_LOCAL);
    const auto symbol = [library]<typename Function>(const char* name,
                                                     Function& function) {
      function = library == nullptr
                     ? nullptr
                     : reinterpret_cast<Function>(dlsym(library, name));
      if (function != nullptr) return;
      std::fprintf(stderr, "libopus.so.0 has no %s: %s\n", name, dlerror());
      std::exit(1);
    };
    NativeOpus opus;
    symbol("opus_encoder_create", opus.encoder_create);
    symbol("opus_encoder_ctl", opus.encoder_ctl);
    symbol("opus_encode", opus.encode);
    symbol("opus_encoder_destroy", opus.encoder_destroy);
    symbol("opus_decoder_create", opus.decoder_create);
    symbol("opus_decode", opus.decode);
    symbol("opus_decoder_destroy", opus.decoder_destroy);
    symbol("opus_get_version_string", opus.version);
    return opus;
  }
};

}  // namespace trunkline::test
