#pragma once

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "speech/tl_recognizer.h"

namespace trunkline::speech {

// The files of the pinned acoustic model, by their numbers.
inline constexpr std::array<const char*, TL_RECOGNIZER_FILES> kModelFiles = {
    "en-us/mdef",      "en-us/means",
    "en-us/variances", "en-us/transition_matrices",
    "en-us/sendump",   "en-us/feat.params",
    "en-us/noisedict"};

inline constexpr const char* kDictionaryFile = "cmudict-en-us.dict";

inline std::string ReadModelFile(const std::string& name) {
  std::ifstream file(std::string(TRUNKLINE_SPEECH_MODEL "/") + name,
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace trunkline::speech
