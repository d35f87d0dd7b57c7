// The WAV reader on any file, whole and in pieces of the first byte's size: the
// same samples, format and verdict.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/wav.h"
#include "base/check.h"

namespace {

using trunkline::audio::WavReader;

std::vector<int16_t> Read(WavReader& reader, std::span<const uint8_t> file,
                          size_t longest) {
  std::vector<int16_t> samples;
  std::vector<int16_t> out(longest);
  while (!file.empty()) {
    auto in = file.first(std::min(longest, file.size()));
    file = file.subspan(in.size());
    while (!in.empty()) {
      const size_t count = reader.Process(in, out);
      TL_CHECK(count <= out.size());
      samples.insert(samples.end(), out.begin(),
                     out.begin() + static_cast<ptrdiff_t>(count));
    }
  }
  return samples;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::span<const uint8_t> input(bytes, size);
  if (input.empty()) return 0;
  WavReader whole;
  WavReader pieces;
  const auto samples = Read(whole, input.subspan(1), input.size());
  TL_CHECK(Read(pieces, input.subspan(1), input[0] % 64U + 1) == samples);
  TL_CHECK(pieces.error() == whole.error() && pieces.done() == whole.done());
  TL_CHECK(samples.empty() || whole.format().has_value());
  return 0;
}
