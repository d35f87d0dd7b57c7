#include "support/world/agent.h"

#include <algorithm>
#include <utility>

#include "support/world/item_levels.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

constexpr int64_t kPieceMs = 200;
// -41 dBFS.
constexpr int64_t kLoudPower = int64_t{300} * 300;

}  // namespace

void Agent::OnConnected() {
  replying_ = false;
  cancelled_ = false;
  in_speech_ = false;
  frame_power_ = 0;
  frame_samples_ = 0;
  heard_loud_ms_ = 0;
}

// ---------------------------------------------------------------------------
// Hears

void Agent::Hear(std::span<const int16_t> samples, int sample_rate_hz) {
  if (stalled) return;
  const int64_t frame = sample_rate_hz / 50;
  for (const int16_t sample : samples) {
    frame_power_ += int64_t{sample} * sample;
    if (++frame_samples_ < frame) continue;
    HearFrame(frame_power_ / frame);
    frame_power_ = 0;
    frame_samples_ = 0;
  }
}

void Agent::HearFrame(int64_t power) {
  ++heard_frames_;
  const bool loud = power > kLoudPower;
  if (loud) heard_loud_ms_ += 20;
  if (!has_vad) return;
  loud_frames_ = loud ? loud_frames_ + 1 : 0;
  quiet_frames_ = loud ? 0 : quiet_frames_ + 1;
  if (!in_speech_ && loud_frames_ >= 3) {
    in_speech_ = true;
    adapter_->SpeechStarted();
  } else if (in_speech_ && quiet_frames_ * 20 >= silence_ms_) {
    in_speech_ = false;
    adapter_->SpeechStopped();
    Commit();
  }
}

void Agent::Commit() {
  adapter_->Committed("user_" + std::to_string(++committed_));
}

void Agent::Transcribe(const std::string& item, const std::string& text) {
  adapter_->CallerText(item, text);
}

void Agent::TakeToolResult(std::string_view id, std::string_view output) {
  tool_results_.push_back(std::string(id) + "=" + std::string(output));
}

// ---------------------------------------------------------------------------
// Speaks

bool Agent::Ask() {
  ++asked_;
  if (replying_) return false;
  if (next_calls.empty()) {
    Respond();
  } else {
    replying_ = true;
    cancelled_ = false;
    adapter_->ReplyBegan(++replies_);
    clock_.After(think, [this, reply = replies_] {
      if (reply == replies_ && replying_) CallNext();
    });
  }
  return true;
}

void Agent::CallNext() {
  if (cancelled_) return Finish(AgentAdapter::End::kCancelled);
  for (const std::string& id : std::exchange(next_calls, {})) {
    adapter_->ToolCall(replies_, id, next_tool);
  }
  Finish(AgentAdapter::End::kComplete);
}

void Agent::Respond() {
  replying_ = true;
  cancelled_ = false;
  const uint64_t reply = BeginReply();
  BeginItem();
  adapter_->ReplyBegan(reply);
  clock_.After(think, [this, reply] { SendPiece(reply, 0); });
}

void Agent::SendPiece(uint64_t reply, int64_t sent_ms) {
  if (reply != replies_ || !replying_) return;
  if (cancelled_ && (late_left_-- <= 0 || sent_ms >= reply_ms)) {
    return Finish(AgentAdapter::End::kCancelled);
  }
  if (sent_ms >= reply_ms) return Finish(AgentAdapter::End::kComplete);
  const int64_t piece_ms = std::min(kPieceMs, reply_ms - sent_ms);
  Say(reply, piece_ms);
  clock_.After(Duration::Millis(piece_ms / speed),
               [this, reply, sent_ms, piece_ms] {
                 SendPiece(reply, sent_ms + piece_ms);
               });
}

const Agent::Item& Agent::BeginItem(std::string name, std::string id) {
  const size_t number = items_.size();
  if (name.empty()) id = name = "item_" + std::to_string(number + 1);
  items_.push_back({.id = std::move(id),
                    .name = std::move(name),
                    .number = number,
                    .generated_ms = 0,
                    .whole_at = {},
                    .truncated_at_ms = {},
                    .heard_before = heard_(number)});
  return items_.back();
}

void Agent::EndItems(size_t from, size_t to) {
  for (size_t i = from; i < to; ++i) {
    if (!items_[i].whole_at) items_[i].whole_at = clock_.now();
  }
}

void Agent::Say(uint64_t reply, int64_t ms, size_t number) {
  Item& item = items_[number];
  const int64_t from_ms = item.generated_ms;
  item.generated_ms += ms;
  const auto count = static_cast<size_t>(ms) * 8;
  std::vector<int16_t> piece(count, LevelOfItem(item.number));
  if (speaks) {
    const std::vector<int16_t> speech = Speech(static_cast<int>(from_ms + ms));
    const auto begin =
        std::min(speech.size(), static_cast<size_t>(from_ms) * 8);
    piece.assign(speech.begin() + static_cast<ptrdiff_t>(begin), speech.end());
    piece.resize(count);
  }
  adapter_->ItemAudio(reply, item.name, piece);
}

void Agent::Finish(AgentAdapter::End end) {
  replying_ = false;
  if (end == AgentAdapter::End::kComplete && !items_.empty()) {
    EndItems(items_.size() - 1, items_.size());
  }
  adapter_->ReplyDone(replies_, end);
}

void Agent::CallTools(const std::vector<std::string>& ids,
                      const std::string& name) {
  const uint64_t reply = ++replies_;
  adapter_->ReplyBegan(reply);
  for (const std::string& id : ids) adapter_->ToolCall(reply, id, name);
  adapter_->ReplyDone(reply, AgentAdapter::End::kComplete);
}

void Agent::CallTool(const std::string& id, const std::string& name) {
  adapter_->ToolCall(replies_, id, name);
}

bool Agent::Cancel() {
  if (!replying_ || cancelled_) return false;
  ++cancels_;
  cancelled_ = true;
  late_left_ = late_pieces;
  return true;
}

bool Agent::Truncate(std::string_view id, int64_t audio_end_ms) {
  ++truncations_;
  // The latest of that name.
  const auto item = std::find_if(items_.rbegin(), items_.rend(),
                                 [&](const Item& i) { return i.name == id; });
  if (item == items_.rend() || audio_end_ms > item->generated_ms) return false;
  item->truncated_at_ms = audio_end_ms;
  return true;
}

void Agent::Drop(uint16_t code) {
  replying_ = false;
  adapter_->Drop(code);
}

}  // namespace trunkline::test
