#pragma once

#include <cstdint>
#include <span>

#include "media/heard_track.h"
#include "media/level_meter.h"
#include "session/call_context.h"

namespace trunkline::session {

// Tells how loud both sides are while somebody watches: the event `levels`,
// which is for the moment, and so has no number of its own. At most one with an
// input.
class LevelWatch {
 public:
  enum class Watching : uint8_t { kNo, kYes };

  // `context` is borrowed for the life of the object.
  explicit LevelWatch(CallContext& context) : context_(context) {}

  void Set(Watching watching);
  // A frame of 20 ms of the caller's.
  void OnCallerFrame(std::span<const int16_t> samples) {
    if (watching_ == Watching::kYes) meter_.OnCallerFrame(samples);
  }
  // Ends an input: tells what there is to tell.
  void Tell(const media::HeardTrack& heard);

 private:
  CallContext& context_;
  media::LevelMeter meter_;
  Watching watching_ = Watching::kNo;
};

}  // namespace trunkline::session
