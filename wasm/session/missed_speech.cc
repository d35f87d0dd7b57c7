#include "session/missed_speech.h"

#include <algorithm>

namespace trunkline::session {
namespace {

protocol::AudioFormat KeptOf(protocol::AudioFormat leg) {
  return {
      protocol::Encoding::kMuLaw,
      std::min(leg.sample_rate_hz, MissedSpeech::kWidestKept.sample_rate_hz)};
}

}  // namespace

MissedSpeech::MissedSpeech(protocol::AudioFormat leg,
                           protocol::AudioFormat source)
    : kept_(KeptOf(leg)),
      source_(source),
      to_kept_(std::make_unique<media::Transcoder>(source, kept_)) {}

void MissedSpeech::SetSource(protocol::AudioFormat source) {
  if (source == source_) return;
  source_ = source;
  to_kept_ = std::make_unique<media::Transcoder>(source, kept_);
}

void MissedSpeech::Add(std::span<const uint8_t> frame, Turn turn) {
  const std::span<const uint8_t> audio = to_kept_->Process(frame);
  if (turn == Turn::kOut && holds_) {
    left_out_ = left_out_ + Duration::Millis(static_cast<int64_t>(
                                frame.size() / protocol::BytesOf(source_, 1)));
    return;
  }
  if (turn == Turn::kOut) {
    // At twice the length, so that not every frame moves all of it.
    if (audio_.size() + audio.size() > 2 * Bytes(kLeadMs)) {
      DropFront(audio_.size() - std::min(audio_.size(), Bytes(kLeadMs)));
    }
    audio_.insert(audio_.end(), audio.begin(), audio.end());
    return;
  }
  if (!holds_ && audio_.size() > Bytes(kLeadMs)) {
    DropFront(audio_.size() - Bytes(kLeadMs));
  }
  holds_ = true;
  left_out_ = Duration();
  if (audio_.size() + audio.size() > Bytes(kMaxMs)) {
    DropFront(std::min(audio_.size(), Bytes(kDropMs)));
    dropped_ms_ += kDropMs;
  }
  // Once, at the size that it may have: its bound is that of the memory.
  audio_.reserve(Bytes(kMaxMs));
  audio_.insert(audio_.end(), audio.begin(), audio.end());
}

void MissedSpeech::DropFront(size_t bytes) {
  audio_.erase(audio_.begin(), audio_.begin() + static_cast<ptrdiff_t>(bytes));
}

void MissedSpeech::Forget() {
  if (!holds_) return;
  holds_ = false;
  left_out_ = Duration();
  if (audio_.size() > Bytes(kLeadMs)) {
    DropFront(audio_.size() - Bytes(kLeadMs));
  }
}

Duration MissedSpeech::length() const {
  return Duration::Millis(static_cast<int64_t>(audio_.size() / Bytes(1)));
}

}  // namespace trunkline::session
