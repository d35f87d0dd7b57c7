#pragma once

#include <cstdint>

namespace trunkline::audio {

// A gain in Q15 that moves in straight lines. 16 bytes.
class GainRamp {
 public:
  static constexpr int32_t kUnity = 1 << 15;
  static constexpr uint32_t kMaxSamples = uint32_t{1} << 20;

  // Moves to `gain_q15` over the next `samples`, at most kMaxSamples, from
  // wherever it is; at once for 0.
  void MoveTo(int32_t gain_q15, uint32_t samples) {
    from_ = this->gain_q15();
    to_ = gain_q15;
    position_ = 0;
    length_ = samples;
  }
  int32_t gain_q15() const {
    if (length_ == 0) return to_;
    return from_ +
           static_cast<int32_t>(int64_t{to_ - from_} * position_ / length_);
  }
  // Goes on by a sample.
  void Step() {
    if (length_ != 0 && ++position_ == length_) length_ = 0;
  }
  bool at_rest() const { return length_ == 0; }

 private:
  int32_t from_ = kUnity;
  int32_t to_ = kUnity;
  uint32_t position_ = 0;
  uint32_t length_ = 0;  // 0 at rest
};

}  // namespace trunkline::audio
