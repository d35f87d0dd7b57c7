#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/call_recorder.h"
#include "media/caller_audio.h"

namespace trunkline::media {

// When the caller spoke what comes of him: frames that were held up came later
// than that by more than their way.
//
// Counts the frames of the stream's own time, and tells by the bounds of
// CallRecorder what was held up from what was lost, so that what it says is
// where a recording has it: frames that come again after a time without any
// were held up when they come faster than time passes; time is missing before
// them when they all stay late, and before frames that come but fewer than time
// passes. Until that is known, a frame was spoken when it came.
// Allocates nothing.
class SpokenClock {
 public:
  // The stream begins anew.
  void OnStreamStarted();
  // The next frame that CallerAudio delivers.
  void OnFrame(CallerAudio::Source source, Instant now);

  // So many frames of the stream's time have come.
  int64_t frames() const { return frames_; }
  // When the first `frames` of them had been spoken, and had had the shortest
  // way here, as far as is known by now. Precondition: one has come.
  Instant EndOf(int64_t frames) const;
  // The same of the beginning of the frame behind them, which is later where
  // time is missing between.
  Instant BeginBehind(int64_t frames) const;

 private:
  struct Return {
    int64_t first_frame;
    Duration first_late;
    Duration least_late;
    Instant since;
  };

  void WatchReturn(Duration late, Instant now);
  void WatchPace(Instant now);
  // Time is missing before frame `index`, and those before it are as they were.
  void Shift(int64_t index, Duration missing);

  int64_t frames_ = 0;
  // When the first frame's begin would have come over the shortest way, as of
  // frames from since_frame_ on, and before.
  std::optional<Instant> origin_;
  Instant origin_before_;
  int64_t since_frame_ = 0;
  Instant last_came_;
  std::optional<Return> return_;
  // As of CallRecorder.
  std::array<Instant, CallRecorder::kPaces> paces_{};
  size_t pace_ = 0;
  Instant pace_since_;
};

}  // namespace trunkline::media
