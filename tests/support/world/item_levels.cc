#include "support/world/item_levels.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace trunkline::test {
namespace {

constexpr size_t kMagnitudes = kItemLevels / 2;
// A fifth apart from each other, -35 to -2 dBFS: G.711 is within a twentieth.
constexpr double kStep = 1.2;
constexpr double kLowest = 580;
constexpr double kTolerance = 1.07;

double MagnitudeOf(size_t index) {
  double magnitude = kLowest;
  for (size_t i = 0; i < index; ++i) magnitude *= kStep;
  return magnitude;
}

// The level of each sample, by its bits; -1 for none.
const std::vector<int16_t>& Levels() {
  static const std::vector<int16_t> levels = [] {
    std::vector<int16_t> table(size_t{1} << 16, -1);
    for (size_t item = 0; item < kItemLevels; ++item) {
      const int level = LevelOfItem(item);
      const int magnitude = std::abs(level);
      const auto low = static_cast<int>(magnitude / kTolerance);
      const auto high = static_cast<int>(magnitude * kTolerance);
      for (int m = low; m <= high; ++m) {
        const int sample = level < 0 ? -m : m;
        table[static_cast<uint16_t>(sample)] = static_cast<int16_t>(item);
      }
    }
    return table;
  }();
  return levels;
}

}  // namespace

int16_t LevelOfItem(size_t item) {
  const size_t level = item % kItemLevels;
  // Items that follow each other are far apart.
  const size_t index = level / 2 * 7 % kMagnitudes;
  const auto magnitude = static_cast<int>(MagnitudeOf(index));
  return static_cast<int16_t>(level % 2 == 0 ? magnitude : -magnitude);
}

void LevelCounter::Hear(std::span<const int16_t> samples) {
  const std::vector<int16_t>& levels = Levels();
  for (const int16_t sample : samples) {
    const int level = levels[static_cast<uint16_t>(sample)];
    if (level == heard_ && level != kNone) {
      counts_[static_cast<size_t>(heard_)] += undecided_ + 1;
      undecided_ = 0;
      in_row_ = 0;
      next_ = kNone;
      continue;
    }
    ++undecided_;
    in_row_ = level == next_ ? in_row_ + 1 : 1;
    next_ = level;
    if (level != kNone && in_row_ == least_) {
      // An edge before it is its own.
      counts_[static_cast<size_t>(level)] +=
          std::min(undecided_, least_ + longest_edge_);
      heard_ = level;
      undecided_ = 0;
    } else if (level == kNone && in_row_ > longest_edge_) {
      heard_ = kNone;
      undecided_ = 0;
    }
  }
}

int64_t LevelCounter::SamplesOf(size_t item) const {
  const auto level = static_cast<int>(item % kItemLevels);
  const int64_t counted = counts_[static_cast<size_t>(level)];
  return level == next_ ? counted + in_row_ : counted;
}

}  // namespace trunkline::test
