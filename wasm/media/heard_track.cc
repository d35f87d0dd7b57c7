#include "media/heard_track.h"

#include <algorithm>
#include <cstring>

#include "media/transcoder.h"

namespace trunkline::media {

HeardTrack::HeardTrack(protocol::AudioFormat format)
    : format_(format),
      sample_bytes_(protocol::BytesPerSample(format.encoding)),
      capacity_(kSpan.ms() * format.sample_rate_hz / 1000),
      ring_(static_cast<size_t>(capacity_) * sample_bytes_,
            SilenceByte(format.encoding)) {}

int64_t HeardTrack::PositionAt(Instant at) const {
  // Seconds and their rest apart: no product overflows.
  constexpr int64_t kSecondUs = 1'000'000;
  const int64_t rate = format_.sample_rate_hz;
  return at.us() / kSecondUs * rate + at.us() % kSecondUs * rate / kSecondUs;
}

size_t HeardTrack::RingIndex(int64_t position) const {
  return static_cast<size_t>(position % capacity_) * sample_bytes_;
}

void HeardTrack::Play(std::span<const uint8_t> audio, Instant begins) {
  auto samples = static_cast<int64_t>(audio.size() / sample_bytes_);
  int64_t begin = PositionAt(begins);
  // Chunks of one run differ by the rounding of times to microseconds.
  if (begin >= end_ - 1 && begin <= end_ + 1) begin = end_;
  if (begin != end_) {
    // A new run, with silence before it.
    FillSilence(std::max(end_, begin - capacity_), begin);
    run_begin_ = begin;
  }
  if (samples > capacity_) {
    audio = audio.last(static_cast<size_t>(capacity_) * sample_bytes_);
    begin += samples - capacity_;
    samples = capacity_;
  }
  const size_t index = RingIndex(begin);
  const size_t bytes = static_cast<size_t>(samples) * sample_bytes_;
  const size_t head = std::min(bytes, ring_.size() - index);
  std::memcpy(ring_.data() + index, audio.data(), head);
  std::memcpy(ring_.data(), audio.data() + head, bytes - head);
  end_ = begin + samples;
}

void HeardTrack::FillSilence(int64_t begin, int64_t end) {
  if (begin >= end) return;
  const size_t index = RingIndex(begin);
  const size_t bytes = static_cast<size_t>(end - begin) * sample_bytes_;
  const size_t head = std::min(bytes, ring_.size() - index);
  const uint8_t silence = SilenceByte(format_.encoding);
  std::memset(ring_.data() + index, silence, head);
  std::memset(ring_.data(), silence, bytes - head);
}

void HeardTrack::Cut(Instant at) {
  const int64_t position = PositionAt(at);
  if (position >= end_) return;
  // Nothing that lies behind is known to have been played.
  end_ = std::max(position, end_ - capacity_);
  run_begin_ = std::min(run_begin_, end_);
}

void HeardTrack::Read(int64_t position, std::span<int16_t> out) const {
  std::fill(out.begin(), out.end(), int16_t{0});
  // Audio of the caller may have begun before the clock did.
  const int64_t first = std::max({position, end_ - capacity_, int64_t{0}});
  const int64_t last =
      std::min(position + static_cast<int64_t>(out.size()), end_);
  for (int64_t at = first; at < last;) {
    const size_t index = RingIndex(at);
    const auto run = std::min(static_cast<size_t>(last - at),
                              (ring_.size() - index) / sample_bytes_);
    DecodeAudio(
        format_.encoding,
        std::span<const uint8_t>(ring_).subspan(index, run * sample_bytes_),
        out.subspan(static_cast<size_t>(at - position)));
    at += static_cast<int64_t>(run);
  }
}

bool HeardTrack::IsWithinRun(int64_t position, int64_t count) const {
  return position < end_ && position + count > run_begin_;
}

}  // namespace trunkline::media
