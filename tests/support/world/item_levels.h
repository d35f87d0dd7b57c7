#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::test {

// Whose the audio is that a caller hears: every item of a simulated agent is a
// steady level of its own, and levels are told apart behind every encoding and
// resampler. There are kItemLevels of them, which come round again.
inline constexpr size_t kItemLevels = 40;
int16_t LevelOfItem(size_t item);

// Counts the samples that are heard of each level. Samples between two levels,
// as a resampler makes at an edge, count for the later one; what is no level
// for longer, speech or a tone, for none. Exact where nothing is resampled.
class LevelCounter {
 public:
  explicit LevelCounter(int sample_rate_hz)
      : least_(sample_rate_hz / 500), longest_edge_(sample_rate_hz / 250) {}

  void Hear(std::span<const int16_t> samples);
  // So far, of LevelOfItem(item).
  int64_t SamplesOf(size_t item) const;

 private:
  static constexpr int kNone = -1;

  // So many samples in a row make another level the one that is heard: 2 ms.
  const int64_t least_;
  // An edge is no longer: 4 ms.
  const int64_t longest_edge_;
  std::array<int64_t, kItemLevels> counts_{};
  int heard_ = kNone;
  // Samples that are not, or not yet, those of `heard_`; the last of them are
  // in a row of `next_`.
  int64_t undecided_ = 0;
  int next_ = kNone;
  int64_t in_row_ = 0;
};

}  // namespace trunkline::test
