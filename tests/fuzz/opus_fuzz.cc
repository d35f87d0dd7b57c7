// The Opus decoder on any packets. The first byte chooses the rate; each packet
// has its length, with the highest bit for one that was lost, before it.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "audio/opus_decoder.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using trunkline::audio::OpusDecoder;
  constexpr std::array<int, 5> kRates = {8000, 12000, 16000, 24000, 48000};
  std::span<const uint8_t> input(bytes, size);
  if (input.empty()) return 0;
  OpusDecoder decoder(kRates[input[0] % kRates.size()]);
  input = input.subspan(1);
  std::array<int16_t, OpusDecoder::kMaxPacketSamples> out;
  while (!input.empty()) {
    const bool lost = (input[0] & 0x80) != 0;
    const size_t length = std::min<size_t>(input[0] & 0x7F, input.size() - 1);
    const auto packet = input.subspan(1, length);
    const size_t samples =
        lost ? decoder.Conceal(packet, out) : decoder.Process(packet, out);
    TL_CHECK(samples > 0 && samples <= decoder.MaxSamples());
    input = input.subspan(1 + length);
  }
  return 0;
}
