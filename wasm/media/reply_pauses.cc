#include "media/reply_pauses.h"

#include <algorithm>

#include "audio/level.h"
#include "media/transcoder.h"

namespace trunkline::media {
namespace {

constexpr int32_t kLoud = -1;
// -55 dBFS, and 30 dB below the loudest frame so far: mean squares.
constexpr uint32_t kQuiet = 3395;
constexpr uint32_t kBelowLoudest = 1000;

}  // namespace

ReplyPauses::ReplyPauses(protocol::AudioFormat format)
    : format_(format),
      frame_bytes_(protocol::BytesOf(format, kFrameMs)),
      frames_(frame_bytes_ * kMaxItems),
      samples_(frame_bytes_ / protocol::BytesPerSample(format.encoding)) {}

size_t ReplyPauses::IndexOf(protocol::ItemId item) {
  // The newest first: mostly it is that.
  for (size_t i = 0; i < count_; ++i) {
    const size_t index = (newest_ + kMaxItems - i) % kMaxItems;
    if (replies_[index].item == item) return index;
  }
  newest_ = (newest_ + 1) % kMaxItems;
  count_ = std::min(count_ + 1, kMaxItems);
  Reply& reply = replies_[newest_];
  reply.item = item;
  reply.length_ms = 0;
  reply.quiet_from_ms = kLoud;
  reply.loudest = 0;
  reply.pause_count = 0;
  reply.frame_size = 0;
  return newest_;
}

void ReplyPauses::Append(protocol::ItemId item,
                         std::span<const uint8_t> audio) {
  const size_t index = IndexOf(item);
  Reply& reply = replies_[index];
  const auto frame =
      std::span(frames_).subspan(index * frame_bytes_, frame_bytes_);
  while (!audio.empty()) {
    const size_t take = std::min(audio.size(), frame.size() - reply.frame_size);
    std::copy(audio.begin(), audio.begin() + static_cast<ptrdiff_t>(take),
              frame.begin() + static_cast<ptrdiff_t>(reply.frame_size));
    reply.frame_size += take;
    audio = audio.subspan(take);
    if (reply.frame_size < frame.size()) return;
    reply.frame_size = 0;
    TakeFrame(reply, frame);
  }
}

void ReplyPauses::TakeFrame(Reply& reply, std::span<const uint8_t> frame) {
  DecodeAudio(format_.encoding, frame, samples_);
  const uint32_t power = audio::MeanSquare(samples_);
  reply.loudest = std::max(reply.loudest, power);
  const bool quiet = power < std::max(kQuiet, reply.loudest / kBelowLoudest);
  if (quiet && reply.quiet_from_ms == kLoud) {
    reply.quiet_from_ms = reply.length_ms;
  }
  if (!quiet && reply.quiet_from_ms != kLoud) {
    if (reply.length_ms - reply.quiet_from_ms >= kShortestMs &&
        reply.pause_count < kMaxPauses) {
      reply.pauses[reply.pause_count++] = {.from_ms = reply.quiet_from_ms,
                                           .to_ms = reply.length_ms};
    }
    reply.quiet_from_ms = kLoud;
  }
  reply.length_ms += kFrameMs;
}

std::span<const ReplyPauses::Pause> ReplyPauses::Of(
    protocol::ItemId item) const {
  for (size_t i = 0; i < count_; ++i) {
    const Reply& reply = replies_[(newest_ + kMaxItems - i) % kMaxItems];
    if (reply.item == item) {
      return std::span<const Pause>(reply.pauses).first(reply.pause_count);
    }
  }
  return {};
}

}  // namespace trunkline::media
