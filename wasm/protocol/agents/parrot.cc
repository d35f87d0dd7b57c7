#include "protocol/agents/parrot.h"

#include <algorithm>

namespace trunkline::protocol {

Parrot::Parrot(AudioFormat format, AgentListener& listener)
    : format_(format), listener_(listener) {
  // Twice the pre-roll, so that it is moved to the front once per pre-roll and
  // not once per frame. Grows when a turn does.
  heard_.reserve(2 * BytesOf(format, kPreRollMs));
}

void Parrot::Begin() { listener_.OnAgentReady(); }

void Parrot::OnText(std::string_view /*text*/) {}
void Parrot::OnBinary(std::span<const uint8_t> /*bytes*/) {}
void Parrot::OnSocketClosed(uint16_t /*code*/, uint16_t /*http_status*/) {}

size_t Parrot::BytesBack(Duration ago) const {
  const int64_t ms = std::clamp<int64_t>(ago.ms(), 0, kMaxTurnMs);
  return std::min(heard_.size(), BytesOf(format_, static_cast<int>(ms)));
}

void Parrot::KeepPreRollOnly() {
  const size_t keep = std::min(heard_.size(), BytesOf(format_, kPreRollMs));
  heard_.erase(heard_.begin(), heard_.end() - static_cast<ptrdiff_t>(keep));
}

void Parrot::Listen(std::span<const uint8_t> audio) {
  if (in_turn_) {
    const size_t room = BytesOf(format_, kMaxTurnMs) - heard_.size();
    audio = audio.first(std::min(audio.size(), room));
  } else if (heard_.size() + audio.size() > heard_.capacity()) {
    KeepPreRollOnly();
  }
  heard_.insert(heard_.end(), audio.begin(), audio.end());
}

void Parrot::TurnStarted(Duration ago) {
  if (in_turn_) return;
  in_turn_ = true;
  const size_t keep = BytesBack(ago + Duration::Millis(kMarginBeforeMs));
  heard_.erase(heard_.begin(), heard_.end() - static_cast<ptrdiff_t>(keep));
}

void Parrot::Respond(Duration ago) {
  if (!in_turn_) return;
  in_turn_ = false;
  const size_t silence = ago.ms() > kMarginAfterMs
                             ? BytesBack(ago - Duration::Millis(kMarginAfterMs))
                             : 0;
  const auto words =
      std::span<const uint8_t>(heard_).first(heard_.size() - silence);
  ++replies_;
  item_name_ = "parrot-" + std::to_string(replies_);
  if (!words.empty()) listener_.OnAgentAudio(ItemId{replies_}, words);
  KeepPreRollOnly();
  listener_.OnAgentReplyDone(ReplyEnd::kComplete,
                             AgentListener::AfterReply::kCallersTurn, {});
}

void Parrot::Say(std::string_view /*text*/) {}

void Parrot::DiscardTurn() {
  in_turn_ = false;
  KeepPreRollOnly();
}

// A reply is complete the moment it is asked for: nothing is left to cancel.
void Parrot::Cancel() {}

int64_t Parrot::Truncate(ItemId /*item*/, int64_t heard_ms) { return heard_ms; }

void Parrot::ToolResult(std::string_view /*tool_call_id*/,
                        std::string_view /*output*/) {}

std::string_view Parrot::item_name(ItemId item) const {
  return item == ItemId{replies_} ? std::string_view(item_name_)
                                  : std::string_view();
}

}  // namespace trunkline::protocol
