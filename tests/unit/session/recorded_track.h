#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "audio/level.h"
#include "support/world/world.h"

namespace trunkline::test {

// A call that is recorded, as its profile says.
inline VirtualWorld::Options RecordedOptions(const char* recording = "on") {
  VirtualWorld::Options options;
  options.leg_delay = Duration::Millis(25);
  options.profile = {{"recording", recording}};
  return options;
}

// Level of [from_ms, to_ms) of a track at `hz`, tenths of dBFS.
inline int Level(const std::vector<int16_t>& track, int64_t from_ms,
                 int64_t to_ms, int hz) {
  const auto at = [hz](int64_t ms) {
    return static_cast<size_t>(ms) * static_cast<size_t>(hz) / 1000;
  };
  EXPECT_LE(at(to_ms), track.size());
  return audio::LevelDbfsTenths(audio::MeanSquare(
      std::span(track).subspan(at(from_ms), at(to_ms - from_ms))));
}

// The first 10 ms from `from_ms` on that are louder than -40 dBFS, ms; -1 for
// none.
inline int64_t Onset(const std::vector<int16_t>& track, int64_t from_ms,
                     int hz) {
  const auto end = static_cast<int64_t>(track.size()) * 1000 / hz - 10;
  for (int64_t ms = from_ms; ms <= end; ++ms) {
    if (Level(track, ms, ms + 10, hz) > -400) return ms;
  }
  return -1;
}

}  // namespace trunkline::test
