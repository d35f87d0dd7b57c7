#include "media/reply_queue.h"

#include <algorithm>
#include <cstring>

namespace trunkline::media {

ReplyQueue::ReplyQueue(protocol::AudioFormat format)
    : sample_rate_hz_(format.sample_rate_hz),
      sample_bytes_(protocol::BytesPerSample(format.encoding)),
      capacity_(CapacityBytes(format) / sample_bytes_),
      ring_(new uint8_t[capacity_ * sample_bytes_]) {
  segments_.reserve(kMaxSegments);
  known_.reserve(kMaxItems + kMaxForgotten);
  cuts_.reserve(kMaxItems);
  parts_.reserve(kMaxSegments);
}

size_t ReplyQueue::RingIndex(uint64_t position) const {
  return static_cast<size_t>((position - origin_) % capacity_);
}

bool ReplyQueue::HasRoom(protocol::ItemId item, size_t samples) const {
  if (samples == 0) return true;
  if (end_ + samples > begin_ + capacity_) return false;
  if (Continues(item)) return true;
  if (segments_.size() == kMaxSegments) return false;
  const Known* known = Find(item);
  const bool waits = known != nullptr && known->waiting > 0;
  return waits || CountWaiting() < kMaxItems;
}

const ReplyQueue::Known* ReplyQueue::Find(protocol::ItemId item) const {
  const auto known =
      std::find_if(known_.begin(), known_.end(),
                   [item](const Known& one) { return one.item == item; });
  return known == known_.end() ? nullptr : &*known;
}

ReplyQueue::Known& ReplyQueue::Get(protocol::ItemId item) {
  const Known* known = Find(item);
  if (known == nullptr) {
    known_.push_back({item});
    known = &known_.back();
  }
  return known_[static_cast<size_t>(known - known_.data())];
}

size_t ReplyQueue::CountWaiting() const {
  return static_cast<size_t>(
      std::count_if(known_.begin(), known_.end(),
                    [](const Known& one) { return one.waiting > 0; }));
}

bool ReplyQueue::Append(protocol::ItemId item, std::span<const uint8_t> audio) {
  const size_t samples = audio.size() / sample_bytes_;
  if (samples == 0) return true;
  if (!HasRoom(item, samples)) return false;
  const bool continues = Continues(item);
  if (!continues) segments_.push_back({item, end_, end_, 0});
  // Sounds of our own are no item that could go on.
  if (item != protocol::ItemId{}) {
    Known& known = Get(item);
    if (!continues) {
      segments_.back().before = known.received;
      ++known.waiting;
    }
    known.received += samples;
  }
  const size_t index = RingIndex(end_);
  const size_t head = std::min(samples, capacity_ - index);
  std::memcpy(ring_.get() + index * sample_bytes_, audio.data(),
              head * sample_bytes_);
  std::memcpy(ring_.get(), audio.data() + head * sample_bytes_,
              (samples - head) * sample_bytes_);
  end_ += samples;
  segments_.back().end = end_;
  return true;
}

std::span<const uint8_t> ReplyQueue::Read(uint64_t position,
                                          size_t samples) const {
  const size_t index = RingIndex(position);
  const size_t count = std::min(samples, capacity_ - index);
  return {ring_.get() + index * sample_bytes_, count * sample_bytes_};
}

void ReplyQueue::Retire(uint64_t heard, uint64_t keep) {
  if (heard > begin_ + keep) begin_ = heard - keep;
  while (segments_.size() > 1 && segments_.front().end <= heard) {
    Remember(segments_.front());
    segments_.erase(segments_.begin());
  }
}

void ReplyQueue::Remember(const Segment& segment) {
  if (segment.item == protocol::ItemId{}) return;
  --Get(segment.item).waiting;
  if (known_.size() - CountWaiting() <= kMaxForgotten) return;
  const auto oldest =
      std::find_if(known_.begin(), known_.end(),
                   [](const Known& one) { return one.waiting == 0; });
  known_.erase(oldest);
}

void ReplyQueue::Restart(uint64_t position) {
  for (const Segment& segment : segments_) Remember(segment);
  segments_.clear();
  origin_ = begin_ = end_ = position;
}

int64_t ReplyQueue::Ms(uint64_t samples) const {
  // By way of microseconds, as the clock has it.
  return static_cast<int64_t>(samples * 1'000'000 /
                              static_cast<uint64_t>(sample_rate_hz_)) /
         1000;
}

ReplyQueue::Cut ReplyQueue::CutOf(const Segment& segment,
                                  uint64_t heard) const {
  const uint64_t end = std::clamp(heard, segment.begin, segment.end);
  const Known* known = Find(segment.item);
  const uint64_t received =
      known != nullptr ? known->received : segment.end - segment.begin;
  return {segment.item, Ms(segment.before + end - segment.begin), Ms(received)};
}

std::span<const ReplyQueue::Cut> ReplyQueue::CutsAt(uint64_t heard) {
  cuts_.clear();
  for (const Segment& segment : segments_) {
    if (segment.end <= heard) continue;
    // What comes behind the first of its segments that is not heard is not
    // either.
    const bool has_begun = std::any_of(
        cuts_.begin(), cuts_.end(),
        [&segment](const Cut& cut) { return cut.item == segment.item; });
    if (!has_begun) cuts_.push_back(CutOf(segment, heard));
  }
  return cuts_;
}

std::span<const ReplyQueue::Part> ReplyQueue::PartsIn(uint64_t from,
                                                      uint64_t to) {
  parts_.clear();
  for (const Segment& segment : segments_) {
    if (segment.end > from && segment.begin < to) {
      parts_.push_back({segment.item, std::max(segment.begin, from)});
    }
  }
  return parts_;
}

ReplyQueue::Cut ReplyQueue::At(uint64_t heard) const {
  for (const Segment& segment : segments_) {
    if (segment.end > heard || &segment == &segments_.back()) {
      return CutOf(segment, heard);
    }
  }
  return {};
}

}  // namespace trunkline::media
