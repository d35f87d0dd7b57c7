#include "media/spoken_clock.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::media {
namespace {

constexpr Duration kFrame = Duration::Millis(CallerAudio::kFrameMs);

constexpr Duration Frames(int64_t count) {
  return Duration::Micros(count * kFrame.us());
}

}  // namespace

// INVARIANT: origin_ is known from the first frame on, and what reads it is
// called for frames.
// NOLINTBEGIN(bugprone-unchecked-optional-access)

void SpokenClock::OnStreamStarted() {
  if (!origin_) return;
  origin_before_ = *origin_;
  since_frame_ = frames_;
  origin_.reset();
  return_.reset();
}

void SpokenClock::OnFrame(CallerAudio::Source source, Instant now) {
  // What ends a turn while frames stay out is none of the stream's time.
  if (source == CallerAudio::Source::kStall) return;
  ++frames_;
  const Instant origin = now - Frames(frames_);
  if (!origin_) {
    origin_ = origin;
    if (frames_ == 1) origin_before_ = origin;
    last_came_ = pace_since_ = now;
    paces_.fill(origin);
  }
  // What was put in for the caller's audio came at no time of its own.
  if (source != CallerAudio::Source::kCarrier) return;
  origin_ = std::min(*origin_, origin);
  WatchReturn(origin - *origin_, now);
  WatchPace(now);
}

void SpokenClock::WatchReturn(Duration late, Instant now) {
  const bool returns = now - last_came_ >= CallRecorder::kStall;
  last_came_ = now;
  if (returns) return_ = Return{frames_ - 1, late, late, now};
  if (!return_) return;
  return_->least_late = std::min(return_->least_late, late);
  if (return_->first_late - late >= CallRecorder::kLongestMessage) {
    // Those before it were held up, and came at once.
    return_ = Return{frames_ - 1, late, late, now};
    return;
  }
  if (now - return_->since < CallRecorder::kDecide) return;
  const Return over = *return_;
  return_.reset();
  if (over.least_late < CallRecorder::kLeastGap) return;
  Shift(over.first_frame, over.least_late);
}

void SpokenClock::WatchPace(Instant now) {
  paces_[pace_] = std::min(paces_[pace_], now - Frames(frames_));
  if (now - pace_since_ < CallRecorder::kPace) return;
  const Instant earliest = *std::min_element(paces_.begin(), paces_.end());
  pace_ = (pace_ + 1) % paces_.size();
  paces_[pace_] = Instant::Never();
  pace_since_ = now;
  const Duration late = earliest - *origin_;
  if (late < CallRecorder::kLeastLoss) return;
  return_.reset();
  // Where the recorder has not written yet.
  Shift(frames_ - CallRecorder::kLag.us() / kFrame.us(), late);
}

void SpokenClock::Shift(int64_t index, Duration missing) {
  origin_before_ = *origin_;
  since_frame_ = index;
  origin_ = *origin_ + missing;
}

Instant SpokenClock::EndOf(int64_t frames) const {
  // INVARIANT: who asks for a frame has had one.
  TL_CHECK(frames_ > 0);
  if (frames <= since_frame_ || !origin_) {
    return std::min(origin_before_ + Frames(frames), last_came_);
  }
  const bool is_open = return_ && frames > return_->first_frame;
  return std::min(
      *origin_ + Frames(frames) + (is_open ? return_->least_late : Duration()),
      last_came_);
}

Instant SpokenClock::BeginBehind(int64_t frames) const {
  return frames < frames_ ? EndOf(frames + 1) - kFrame : EndOf(frames);
}

// NOLINTEND(bugprone-unchecked-optional-access)

}  // namespace trunkline::media
