#include "speech/recognizer/upsampler.h"

#include <algorithm>
#include <cstring>

namespace trunkline::speech {
namespace {

constexpr size_t kTaps = Upsampler::kReach;
constexpr int kShift = 14;
constexpr int32_t kOne = 1 << kShift;

// sin(pi t) / (pi t) at t = 1/2, 3/2, ..., the half-band filter between two
// samples, times (1 + cos(pi t / 8.5)) / 2; scaled to a sum of kOne / 6, half
// of the third that is left. Integers, so that every build makes the same
// samples.
constexpr std::array<int32_t, kTaps> kHalf = {3447, -1072, 557, -316,
                                              175,  -88,   35,  -8};
constexpr int32_t SumOf(const std::array<int32_t, kTaps>& taps) {
  int32_t sum = 0;
  for (const int32_t tap : taps) sum += tap;
  return sum;
}
// A constant stays one, a third as large.
static_assert(6 * SumOf(kHalf) > kOne - 12 && 6 * SumOf(kHalf) < kOne + 12);

}  // namespace

void Upsampler::Process(std::span<const int16_t> input,
                        std::vector<int16_t>& output) {
  for (const int16_t sample : input) {
    std::memmove(history_.data(), history_.data() + 1,
                 (history_.size() - 1) * sizeof(history_[0]));
    history_.back() = sample;
    output.push_back(history_[kReach - 1]);
    int32_t sum = kOne / 2;
    for (size_t k = 0; k < kTaps; ++k) {
      sum += kHalf[k] * (history_[kReach - 1 - k] + history_[kReach + k]);
    }
    output.push_back(
        static_cast<int16_t>(std::clamp(sum >> kShift, -32768, 32767)));
  }
}

}  // namespace trunkline::speech
