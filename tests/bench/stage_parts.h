#pragma once

#include <cstdint>
#include <span>
#include <vector>

// What the stages are built from.

namespace trunkline::bench {

// The optimiser must take it that all of memory was read and written.
inline void Keep(const void* what) {
  asm volatile("" : : "r"(what) : "memory");
}

// Constructs a stage at the first call. A program has one of each.
template <typename Stage>
void Run(size_t frames) {
  static Stage stage;
  for (size_t i = 0; i < frames; ++i) stage.Frame();
}

// Two seconds at 8 kHz as a telephone brings them, a voice and then only noise;
// other rates take the same samples for theirs.
std::vector<int16_t> LineSignal();
std::vector<uint8_t> LineMuLaw();

// Frames of a signal, one after the other, without an end.
template <typename T>
class Frames {
 public:
  Frames(std::vector<T> all, size_t frame)
      : all_(std::move(all)), frame_(frame) {}
  std::span<const T> Next() {
    if (at_ + frame_ > all_.size()) at_ = 0;
    const auto frame = std::span<const T>(all_).subspan(at_, frame_);
    at_ += frame_;
    return frame;
  }

 private:
  std::vector<T> all_;
  size_t frame_;
  size_t at_ = 0;
};

}  // namespace trunkline::bench
