#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trunkline::speech {

// Telephone speech for a model that was trained on 16 kHz: 8 kHz doubled, with
// the mirror image that doubling makes above 4 kHz left in, 6 dB below what it
// mirrors. The model takes an upper band that is empty for another sound than
// it knows; with the image it understands several times as many words.
//
// Doubling by putting a zero behind each sample leaves the image whole; the
// mean of that and of its lower half (a half-band low-pass) leaves half. Every
// other sample then is the input's own, up to a factor, and the ones between
// are a third of what lies there. The scale is that the input's own remain as
// they are. Delays by kDelaySamples.
class Upsampler {
 public:
  // Of the input, to each side of the sample that is made: the low-pass falls
  // off from 3.6 kHz on.
  static constexpr size_t kReach = 8;
  // Of the output.
  static constexpr size_t kDelaySamples = 2 * kReach;

  // Appends two samples for each of `input`.
  void Process(std::span<const int16_t> input, std::vector<int16_t>& output);
  void Reset() { history_ = {}; }

 private:
  // The newest last.
  std::array<int16_t, 2 * kReach> history_ = {};
};

}  // namespace trunkline::speech
