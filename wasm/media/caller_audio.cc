#include "media/caller_audio.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "media/transcoder.h"

namespace trunkline::media {

CallerAudio::CallerAudio(protocol::AudioFormat format)
    : format_(format), frame_(protocol::BytesOf(format, kFrameMs)) {}

void CallerAudio::OnStreamStarted(Instant now) {
  began_ = now;
  delivered_ms_ = 0;
  next_ms_.reset();
  late_run_ms_ = 0;
  clock_is_dead_ = false;
  ahead_ = Duration();
  passed_ms_ = 0;
}

void CallerAudio::OnAudio(std::optional<int64_t> timestamp_ms,
                          std::span<const uint8_t> audio, Instant now) {
  // INVARIANT: one input is taken frame by frame before the next.
  TL_CHECK(audio_.empty() && silence_bytes_ == 0);
  if (!began_) began_ = now;
  const auto bytes_per_ms = static_cast<int64_t>(protocol::BytesOf(format_, 1));
  const size_t most =
      protocol::BytesOf(format_, static_cast<int>(kMaxAudio.ms()));
  if (audio.size() > most) {
    counters_.excess_ms +=
        (audio.size() - most) / static_cast<size_t>(bytes_per_ms);
    audio = audio.first(most);
  }
  const int64_t length_ms = static_cast<int64_t>(audio.size()) / bytes_per_ms;
  if (clock_is_dead_) timestamp_ms.reset();
  if (timestamp_ms && !next_ms_ && *timestamp_ms >= 0 &&
      *timestamp_ms <= kMaxLeadIn.ms()) {
    next_ms_ = 0;
  }
  if (timestamp_ms && next_ms_) {
    int64_t gap_ms = *timestamp_ms - *next_ms_;
    if (-gap_ms > kMaxGap.ms()) {
      // The carrier's clock started over.
      gap_ms = 0;
    }
    if (gap_ms > kTolerance.ms()) {
      CloseGap(gap_ms, length_ms, now - *began_);
    } else if (gap_ms < -kTolerance.ms() &&
               !ClockDies(std::min(-gap_ms, length_ms), now - *began_)) {
      const auto late =
          std::min(audio.size(), static_cast<size_t>(-gap_ms * bytes_per_ms));
      counters_.late_ms += late / static_cast<size_t>(bytes_per_ms);
      audio = audio.subspan(late);
      if (audio.empty()) return;
      timestamp_ms = *timestamp_ms - gap_ms;
      next_ms_ =
          *timestamp_ms + static_cast<int64_t>(audio.size()) / bytes_per_ms;
      ahead_ = Duration();
      audio_ = audio;
      delivered_ms_ += static_cast<int64_t>(audio.size()) / bytes_per_ms;
      return;
    }
  }
  ahead_ = Duration();
  late_run_ms_ = 0;
  if (clock_is_dead_) {
    next_ms_.reset();
  } else if (timestamp_ms) {
    next_ms_ = *timestamp_ms + length_ms;
  } else if (next_ms_) {
    next_ms_ = *next_ms_ + length_ms;
  }
  audio_ = audio;
  delivered_ms_ += length_ms;
}

void CallerAudio::CloseGap(int64_t gap_ms, int64_t length_ms,
                           Duration since_began) {
  const int64_t known_ms = std::min(gap_ms, ahead_.ms());
  const int64_t told_ms = std::min(gap_ms, kMaxGap.ms()) - known_ms;
  const int64_t more_ms = std::min(
      gap_ms - known_ms - std::max<int64_t>(told_ms, 0), kMaxPassed.ms());
  if (gap_ms > kMaxGap.ms()) ++counters_.shortened_gaps;
  // No more than time has passed for.
  const int64_t room_ms = std::max<int64_t>(
      (since_began + kAllowance).ms() - delivered_ms_ - length_ms, 0);
  const int64_t missing_ms = std::clamp<int64_t>(told_ms, 0, room_ms);
  const int64_t beyond_ms = std::min(more_ms, room_ms - missing_ms);
  counters_.unreal_ms +=
      static_cast<uint64_t>(std::max<int64_t>(told_ms, 0) - missing_ms);
  InsertSilence(missing_ms, Source::kFilled);
  delivered_ms_ += beyond_ms;
  passed_ms_ += known_ms + beyond_ms;
}

bool CallerAudio::ClockDies(int64_t late_ms, Duration since_began) {
  late_run_ms_ += late_ms;
  // What is repeated at once, or has overtaken what it follows, takes no time.
  const int64_t missing_ms = since_began.ms() - delivered_ms_;
  if (late_run_ms_ <= kMaxLate.ms() || missing_ms < kMaxLate.ms()) return false;
  clock_is_dead_ = true;
  ++counters_.dead_clocks;
  // In place of what was dropped in vain.
  InsertSilence(std::min(missing_ms - late_ms, kMaxGap.ms()), Source::kFilled);
  return true;
}

void CallerAudio::FillSilence(Duration duration) {
  ahead_ = ahead_ + duration;
  InsertSilence(duration.ms(), Source::kStall);
}

void CallerAudio::InsertSilence(int64_t ms, Source source) {
  counters_.filled_ms += static_cast<uint64_t>(ms);
  delivered_ms_ += ms;
  silence_bytes_ += protocol::BytesOf(format_, static_cast<int>(ms));
  silence_source_ = source;
}

std::optional<CallerAudio::Frame> CallerAudio::Next() {
  if (passed_ms_ >= kFrameMs) {
    passed_ms_ -= kFrameMs;
    return Frame{{}, Source::kPassed};
  }
  // A whole frame at a frame's start, as nearly all are, is not copied.
  if (silence_bytes_ == 0 && frame_size_ == 0 &&
      audio_.size() >= frame_.size()) {
    const std::span<const uint8_t> frame = audio_.first(frame_.size());
    audio_ = audio_.subspan(frame.size());
    return Frame{frame, Source::kCarrier};
  }
  const size_t silence = std::min(silence_bytes_, frame_.size() - frame_size_);
  if (silence > 0) {
    silence_bytes_ -= silence;
    std::memset(FillFrame(silence, silence_source_).data(),
                SilenceByte(format_.encoding), silence);
  }
  const size_t take = std::min(audio_.size(), frame_.size() - frame_size_);
  if (take > 0) {
    std::memcpy(FillFrame(take, Source::kCarrier).data(), audio_.data(), take);
    audio_ = audio_.subspan(take);
  }
  if (frame_size_ < frame_.size()) return std::nullopt;
  frame_size_ = 0;
  return Frame{frame_, frame_source_};
}

std::span<uint8_t> CallerAudio::FillFrame(size_t bytes, Source source) {
  if (frame_size_ == 0) frame_source_ = source;
  // A frame is what the weakest of its parts is.
  frame_source_ = std::max(frame_source_, source);
  frame_size_ += bytes;
  return std::span<uint8_t>(frame_).subspan(frame_size_ - bytes, bytes);
}

}  // namespace trunkline::media
