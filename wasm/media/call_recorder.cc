#include "media/call_recorder.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace trunkline::media {
namespace {

constexpr Duration kFrame = Duration::Millis(CallerAudio::kFrameMs);

constexpr Duration Frames(int64_t count) {
  return Duration::Micros(count * kFrame.us());
}

bool IsQuiet(std::span<const int16_t> frame) {
  return std::all_of(frame.begin(), frame.end(), [](int16_t sample) {
    return std::abs(int{sample}) <= CallRecorder::kQuiet;
  });
}

}  // namespace

// INVARIANT: origin_ is known from the first frame on, and what reads it is
// called for frames.
// NOLINTBEGIN(bugprone-unchecked-optional-access)

CallRecorder::CallRecorder(int caller_hz, const HeardTrack& heard,
                           Listener& listener)
    : frame_samples_(CallerAudio::FrameSamples(caller_hz)),
      heard_(heard),
      listener_(listener),
      held_(frame_samples_ * kHeldFrames),
      agent_(CallerAudio::FrameSamples(heard.sample_rate_hz())),
      silence_(frame_samples_) {}

void CallRecorder::Begin(Instant stream_began) {
  origin_ = stream_began;
  last_came_ = stream_began;
}

void CallRecorder::OnStreamStarted(Instant now) {
  if (!origin_) return;
  FillSilence(LateNow(now).us() / kFrame.us());
  // Another stream, another way.
  window_origin_ = Instant::Never();
  window_frames_ = 0;
  return_.reset();
  ahead_ = 0;
  made_up_ = 0;
  last_came_ = now;
  paces_.fill(*origin_);
  pace_since_ = now;
}

void CallRecorder::OnCallerFrame(std::span<const int16_t> frame,
                                 CallerAudio::Source source, Instant now,
                                 std::optional<Duration> round_trip) {
  if (round_trip) round_trip_ = *round_trip;
  // What ends a turn while frames stay out is none of the call's time.
  if (source == CallerAudio::Source::kStall) return;
  const bool came = source == CallerAudio::Source::kCarrier;
  if (IsTooLate(frame, source, now)) {
    if (came) {
      ++late_frames_;
      WatchReturn(now);
    }
    return;
  }
  if (came && slip_ == Slip::kLeaveOut && IsQuiet(frame)) {
    slip_ = Slip::kNone;
    origin_ = *origin_ + kFrame;
    Recount(-1);
    return;
  }
  Push(frame, IsMuted(frames_));
  // What was put in for the caller's audio came at no time of its own.
  if (!came) return;
  if (!any_came_ && origin_ && LateNow(now) < kLeastGap) {
    // The first frame's way is known better than that of the stream's start.
    origin_ = now - Frames(frames_);
    last_came_ = now;
  }
  WatchReturn(now);
  WatchPace(now);
  MeasureWay(now);
  if (slip_ == Slip::kPutIn && IsQuiet(frame)) {
    slip_ = Slip::kNone;
    origin_ = *origin_ - kFrame;
    FillSilence(1);
  }
  if (LateNow(now) >= kStall) KeepUp(now, WhenFull::kWait);
}

Duration CallRecorder::LateNow(Instant now) const {
  return origin_ ? now - (*origin_ + Frames(frames_)) : Duration();
}

bool CallRecorder::IsTooLate(std::span<const int16_t> frame,
                             CallerAudio::Source source, Instant now) {
  const bool is_told = source != CallerAudio::Source::kCarrier;
  // A carrier's clock that runs ahead of time tells of none that has passed.
  if (is_told && origin_ && LateNow(now) < Duration()) return true;
  // A whole frame before its time: silence stands in its place. Of a voice the
  // network's jitter may be before it.
  const Duration late = LateNow(now);
  if (made_up_ > 0 && late < Duration() &&
      (late < Duration() - kLeastGap || is_told || IsQuiet(frame))) {
    --made_up_;
    return true;
  }
  if (ahead_ == 0) return false;
  // More came at once than is of the time since: it is of the time before.
  const bool burst =
      return_ && return_->first_late - late > kLongestMessage - kFrame;
  // Timestamps tell of a gap that is silence already.
  if (!is_told && !burst) return false;
  --ahead_;
  return true;
}

void CallRecorder::WatchReturn(Instant now) {
  if (!origin_) origin_ = now - Frames(frames_);
  if (!any_came_) {
    paces_.fill(*origin_);
    pace_since_ = now;
  }
  const bool returns =
      last_came_ && (!any_came_ || now - *last_came_ >= kStall);
  any_came_ = true;
  last_came_ = now;
  const Duration late = LateNow(now);
  if (returns) return_ = Return{frames_ - 1, late, late, now};
  if (!return_) return;
  return_->least_late = std::min(return_->least_late, late);
  if (return_->first_late - late >= kLongestMessage) {
    // They were held up, and come at once.
    if (ahead_ == 0) *return_ = Return{frames_ - 1, late, late, now};
    return_->since = now;
    return;
  }
  if (now - return_->since < kDecide) return;
  const Return over = *return_;
  return_.reset();
  ahead_ = 0;
  if (over.least_late < kLeastGap) return;
  InsertSilence(over.first_frame, over.least_late.us() / kFrame.us());
  window_origin_ = Instant::Never();
  window_frames_ = 0;
}

void CallRecorder::InsertSilence(int64_t index, int64_t frames) {
  index = std::max(index, delivered_);
  const auto count = static_cast<size_t>(frames_ - index);
  const auto behind = std::make_unique<int16_t[]>(count * frame_samples_);
  std::array<bool, kHeldFrames> muted{};
  for (size_t i = 0; i < count; ++i) {
    const size_t slot = (static_cast<size_t>(index) + i) % kHeldFrames;
    std::copy_n(&held_[slot * frame_samples_], frame_samples_,
                &behind[i * frame_samples_]);
    muted[i] = held_muted_[slot];
  }
  frames_ = index;
  FillSilence(frames);
  made_up_ += frames;
  for (size_t i = 0; i < count; ++i) {
    Push({&behind[i * frame_samples_], frame_samples_}, muted[i]);
  }
}

void CallRecorder::WatchPace(Instant now) {
  paces_[pace_] = std::min(paces_[pace_], now - Frames(frames_));
  if (now - pace_since_ < kPace) return;
  const Instant earliest = *std::min_element(paces_.begin(), paces_.end());
  pace_ = (pace_ + 1) % kPaces;
  paces_[pace_] = Instant::Never();
  pace_since_ = now;
  const Duration late = earliest - *origin_;
  if (late < kLeastLoss) return;
  return_.reset();
  InsertSilence(delivered_, late.us() / kFrame.us());
  window_origin_ = Instant::Never();
  window_frames_ = 0;
}

void CallRecorder::MeasureWay(Instant now) {
  const Instant origin = now - Frames(frames_);
  // Frames in whose place silence stands tell of no shorter way.
  if (made_up_ == 0) origin_ = std::min(*origin_, origin);
  window_origin_ = std::min(window_origin_, origin);
  if (++window_frames_ < kWindow.us() / kFrame.us()) return;
  // Frames that all come later than before: their clock is slower than ours,
  // or time is missing that no timestamp told of.
  const Duration later = std::max(window_origin_ - *origin_, Duration());
  const int64_t lost = later.us() / kFrame.us();
  origin_ = *origin_ + (later - Frames(lost));
  FillSilence(lost);
  made_up_ += lost;
  window_origin_ = Instant::Never();
  window_frames_ = 0;
  MeasureDrift();
}

void CallRecorder::MeasureDrift() {
  if (!first_origin_) first_origin_ = last_origin_ = *origin_;
  const Duration moved = *origin_ - std::exchange(last_origin_, *origin_);
  const Duration drift = *origin_ - *first_origin_;
  slip_ = Slip::kNone;
  if (drift > kMostDrift) slip_ = Slip::kPutIn;
  // Frames that come much faster than time passes are no drift, and are all
  // kept.
  if (drift < Duration() - kMostDrift && moved > Duration() - kFrame) {
    slip_ = Slip::kLeaveOut;
  }
}

void CallRecorder::Recount(int64_t frames) {
  const Duration by = Frames(frames);
  for (Instant& pace : paces_) {
    if (!pace.is_never()) pace = pace - by;
  }
  if (!window_origin_.is_never()) window_origin_ = window_origin_ - by;
}

void CallRecorder::OnTime(Instant now) {
  if (!origin_ || LateNow(now) < kStall) return;
  const bool stays_out = last_came_ && now - *last_came_ >= kStall;
  KeepUp(now, stays_out ? WhenFull::kFillSilence : WhenFull::kWait);
}

void CallRecorder::KeepUp(Instant now, WhenFull when_full) {
  const int64_t heard = (now - *origin_ - kLag).us() / kFrame.us();
  int64_t most = kMaxCatchUp.us() / kFrame.us();
  while (agent_read_ < heard && most-- > 0) {
    if (waiting() < static_cast<int64_t>(kWaitingFrames)) {
      KeepAgent();
    } else if (when_full == WhenFull::kFillSilence) {
      FillSilence(1);
      ++ahead_;
    } else {
      return;
    }
  }
}

void CallRecorder::FillSilence(int64_t frames) {
  frames = std::min(frames, kMaxCatchUp.us() / kFrame.us());
  for (int64_t i = 0; i < frames; ++i) Push(silence_, IsMuted(frames_));
  if (frames > 0) Recount(frames);
}

void CallRecorder::Push(std::span<const int16_t> frame, bool muted) {
  const size_t slot = static_cast<size_t>(frames_) % kHeldFrames;
  std::copy(frame.begin(), frame.end(),
            held_.begin() + static_cast<ptrdiff_t>(slot * frame_samples_));
  held_muted_[slot] = muted;
  ++frames_;
  if (frames_ - delivered_ < static_cast<int64_t>(kHeldFrames)) return;
  for (size_t i = 0; i < kBatchFrames; ++i) DeliverOldest();
}

void CallRecorder::MuteHeld() {
  held_muted_.fill(true);
  if (agent_kept_) {
    std::fill_n(agent_kept_.get(), kWaitingFrames * agent_.size(), int16_t{0});
  }
  muted_ = true;
}

void CallRecorder::Unmute(Instant now) {
  muted_ = false;
  if (!origin_) return;
  const int64_t frame_us = kFrame.us();
  muted_until_ = ((now - *origin_).us() + frame_us - 1) / frame_us;
}

void CallRecorder::DeliverOldest() {
  const size_t slot = static_cast<size_t>(delivered_) % kHeldFrames;
  const bool muted = held_muted_[slot];
  const auto caller = muted ? std::span<const int16_t>(silence_)
                            : std::span<const int16_t>(held_).subspan(
                                  slot * frame_samples_, frame_samples_);
  if (waiting() > 0) {
    std::copy_n(KeptAgent(delivered_), agent_.size(), agent_.begin());
    if (muted) std::fill(agent_.begin(), agent_.end(), int16_t{0});
  } else {
    ReadAgent(delivered_, muted);
    agent_read_ = delivered_ + 1;
  }
  ++delivered_;
  listener_.OnRecordedFrame(caller, agent_);
}

void CallRecorder::KeepAgent() {
  if (!agent_kept_) {
    agent_kept_ = std::make_unique<int16_t[]>(kWaitingFrames * agent_.size());
  }
  ReadAgent(agent_read_, IsMuted(agent_read_));
  std::copy_n(agent_.begin(), agent_.size(), KeptAgent(agent_read_));
  ++agent_read_;
}

int16_t* CallRecorder::KeptAgent(int64_t index) {
  return &agent_kept_[static_cast<size_t>(index) % kWaitingFrames *
                      agent_.size()];
}

void CallRecorder::ReadAgent(int64_t index, bool muted) {
  std::fill(agent_.begin(), agent_.end(), int16_t{0});
  if (!origin_) return;
  const auto count = static_cast<int64_t>(agent_.size());
  const int64_t wanted =
      heard_.PositionAt(*origin_ + Frames(index) - round_trip_);
  // Within what was played without a pause only a large error is worth a seam.
  const int64_t position = agent_position_.value_or(wanted);
  const int64_t off = wanted - position;
  const int64_t jump = kJump.ms() * heard_.sample_rate_hz() / 1000;
  const bool keeps =
      heard_.IsWithinRun(position, count) && off >= -jump && off <= jump;
  const int64_t begin = keeps ? position : wanted;
  if (!muted) heard_.Read(begin, agent_);
  agent_position_ = begin + count;
}

void CallRecorder::Finish(Instant now) {
  if (origin_) FillSilence(LateNow(now).us() / kFrame.us());
  while (delivered_ < frames_) DeliverOldest();
}

// NOLINTEND(bugprone-unchecked-optional-access)

}  // namespace trunkline::media
