#include "session/caller_audio.h"

#include <algorithm>
#include <cstring>

#include "session/transcoder.h"

namespace trunkline::session {
CallerAudio::CallerAudio(protocol::AudioFormat format, Listener& listener)
    : format_(format),
      listener_(listener),
      frame_(protocol::BytesOf(format, kFrameMs)) {}

void CallerAudio::OnStreamStarted() {
  next_ms_.reset();
  ahead_ = Duration();
}

void CallerAudio::OnAudio(std::optional<int64_t> timestamp_ms,
                          std::span<const uint8_t> audio) {
  const auto bytes_per_ms = static_cast<int64_t>(protocol::BytesOf(format_, 1));
  const int64_t length_ms = static_cast<int64_t>(audio.size()) / bytes_per_ms;
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
      if (gap_ms > kMaxGap.ms()) {
        gap_ms = kMaxGap.ms();
        ++counters_.shortened_gaps;
      }
      const int64_t missing_ms = std::max<int64_t>(gap_ms - ahead_.ms(), 0);
      counters_.filled_ms += static_cast<uint64_t>(missing_ms);
      DeliverSilence(static_cast<size_t>(missing_ms * bytes_per_ms));
    } else if (gap_ms < -kTolerance.ms()) {
      const auto late =
          std::min(audio.size(), static_cast<size_t>(-gap_ms * bytes_per_ms));
      counters_.late_ms += late / static_cast<size_t>(bytes_per_ms);
      audio = audio.subspan(late);
      if (audio.empty()) return;
      timestamp_ms = *timestamp_ms - gap_ms;
      next_ms_ =
          *timestamp_ms + static_cast<int64_t>(audio.size()) / bytes_per_ms;
      ahead_ = Duration();
      Deliver(audio, Source::kCarrier);
      return;
    }
  }
  ahead_ = Duration();
  if (timestamp_ms) {
    next_ms_ = *timestamp_ms + length_ms;
  } else if (next_ms_) {
    next_ms_ = *next_ms_ + length_ms;
  }
  Deliver(audio, Source::kCarrier);
}

void CallerAudio::FillSilence(Duration duration) {
  ahead_ = ahead_ + duration;
  counters_.filled_ms += static_cast<uint64_t>(duration.ms());
  DeliverSilence(protocol::BytesOf(format_, static_cast<int>(duration.ms())));
}

void CallerAudio::Deliver(std::span<const uint8_t> audio, Source source) {
  while (!audio.empty()) {
    // A whole frame at a frame's start, as nearly all are, is not copied.
    if (frame_size_ == 0 && audio.size() >= frame_.size()) {
      listener_.OnCallerFrame(audio.first(frame_.size()), source);
      audio = audio.subspan(frame_.size());
      continue;
    }
    const size_t take = std::min(audio.size(), frame_.size() - frame_size_);
    if (frame_size_ == 0) frame_source_ = Source::kCarrier;
    if (source == Source::kFilled) frame_source_ = Source::kFilled;
    std::memcpy(frame_.data() + frame_size_, audio.data(), take);
    frame_size_ += take;
    audio = audio.subspan(take);
    if (frame_size_ == frame_.size()) {
      frame_size_ = 0;
      listener_.OnCallerFrame(frame_, frame_source_);
    }
  }
}

void CallerAudio::DeliverSilence(size_t bytes) {
  uint8_t silence[480];
  std::memset(silence, SilenceByte(format_.encoding), sizeof silence);
  while (bytes > 0) {
    const size_t take = std::min(bytes, sizeof silence);
    Deliver(std::span<const uint8_t>(silence).first(take), Source::kFilled);
    bytes -= take;
  }
}

}  // namespace trunkline::session
