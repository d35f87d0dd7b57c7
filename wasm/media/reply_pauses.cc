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
      frame_(protocol::BytesOf(format, kFrameMs)),
      samples_(frame_.size() / protocol::BytesPerSample(format.encoding)) {}

void ReplyPauses::Append(protocol::ItemId item,
                         std::span<const uint8_t> audio) {
  if (count_ == 0 || replies_[newest_].item != item) {
    newest_ = (newest_ + 1) % kMaxItems;
    count_ = std::min(count_ + 1, kMaxItems);
    frame_size_ = 0;
    Reply& reply = replies_[newest_];
    reply.item = item;
    reply.length_ms = 0;
    reply.quiet_from_ms = kLoud;
    reply.loudest = 0;
    reply.pause_count = 0;
  }
  while (!audio.empty()) {
    const size_t take = std::min(audio.size(), frame_.size() - frame_size_);
    std::copy(audio.begin(), audio.begin() + static_cast<ptrdiff_t>(take),
              frame_.begin() + static_cast<ptrdiff_t>(frame_size_));
    frame_size_ += take;
    audio = audio.subspan(take);
    if (frame_size_ < frame_.size()) return;
    frame_size_ = 0;
    TakeFrame(replies_[newest_], frame_);
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
