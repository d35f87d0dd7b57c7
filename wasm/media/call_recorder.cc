#include "media/call_recorder.h"

#include <algorithm>

namespace trunkline::media {
namespace {

constexpr Duration kFrame = Duration::Millis(CallerAudio::kFrameMs);

constexpr size_t FrameSamples(int sample_rate_hz) {
  return static_cast<size_t>(sample_rate_hz / 1000) * CallerAudio::kFrameMs;
}

constexpr Duration Frames(int64_t count) {
  return Duration::Micros(count * kFrame.us());
}

}  // namespace

CallRecorder::CallRecorder(int caller_hz, const HeardTrack& heard,
                           Listener& listener)
    : frame_samples_(FrameSamples(caller_hz)),
      heard_(heard),
      listener_(listener),
      held_(frame_samples_ * kHeldFrames),
      agent_(FrameSamples(heard.sample_rate_hz())),
      silence_(frame_samples_) {}

void CallRecorder::OnStreamStarted(Instant now) {
  if (!origin_) return;
  FillSilence((now - (*origin_ + Frames(frames_))).us() / kFrame.us());
  // Another stream, another way.
  window_origin_ = Instant::Never();
  window_frames_ = 0;
}

void CallRecorder::OnCallerFrame(std::span<const int16_t> frame,
                                 CallerAudio::Source source, Instant now,
                                 std::optional<Duration> round_trip) {
  if (round_trip) round_trip_ = *round_trip;
  Push(frame);
  // What was put in for the caller's audio came at no time of its own.
  if (source == CallerAudio::Source::kCarrier) MeasureWay(now);
}

void CallRecorder::MeasureWay(Instant now) {
  const Instant origin = now - Frames(frames_);
  origin_ = std::min(origin_.value_or(origin), origin);
  window_origin_ = std::min(window_origin_, origin);
  if (++window_frames_ < kWindow.us() / kFrame.us()) return;
  // Frames that all come later than before: their clock is slower than ours,
  // or time is missing that no timestamp told of.
  const int64_t lost = (window_origin_ - *origin_).us() / kFrame.us();
  origin_ = window_origin_ - Frames(lost);
  FillSilence(lost);
  window_origin_ = Instant::Never();
  window_frames_ = 0;
}

void CallRecorder::FillSilence(int64_t frames) {
  frames = std::min(frames, kMaxCatchUp.us() / kFrame.us());
  for (int64_t i = 0; i < frames; ++i) Push(silence_);
}

void CallRecorder::Push(std::span<const int16_t> frame) {
  const size_t slot = static_cast<size_t>(frames_) % kHeldFrames;
  std::copy(frame.begin(), frame.end(),
            held_.begin() + static_cast<ptrdiff_t>(slot * frame_samples_));
  held_muted_[slot] = muted_;
  ++frames_;
  if (frames_ - delivered_ < static_cast<int64_t>(kHeldFrames)) return;
  for (size_t i = 0; i < kBatchFrames; ++i) DeliverOldest();
}

void CallRecorder::MuteHeld() {
  held_muted_.fill(true);
  muted_ = true;
}

void CallRecorder::DeliverOldest() {
  const size_t slot = static_cast<size_t>(delivered_) % kHeldFrames;
  const bool muted = held_muted_[slot];
  const auto caller = muted ? std::span<const int16_t>(silence_)
                            : std::span<const int16_t>(held_).subspan(
                                  slot * frame_samples_, frame_samples_);
  std::fill(agent_.begin(), agent_.end(), int16_t{0});
  if (origin_) {
    const auto count = static_cast<int64_t>(agent_.size());
    const int64_t wanted =
        heard_.PositionAt(*origin_ + Frames(delivered_) - round_trip_);
    // Within what was played without a pause only a large error is worth a
    // seam.
    const int64_t position = agent_position_.value_or(wanted);
    const int64_t off = wanted - position;
    const int64_t jump = kJump.ms() * heard_.sample_rate_hz() / 1000;
    const bool keeps =
        heard_.IsWithinRun(position, count) && off >= -jump && off <= jump;
    const int64_t begin = keeps ? position : wanted;
    if (!muted) heard_.Read(begin, agent_);
    agent_position_ = begin + count;
  }
  ++delivered_;
  listener_.OnRecordedFrame(caller, agent_);
}

void CallRecorder::Finish() {
  while (delivered_ < frames_) DeliverOldest();
}

}  // namespace trunkline::media
