#include "protocol/agents/parrot.h"

#include <algorithm>

namespace trunkline::protocol {

Parrot::Parrot(AudioFormat format)
    : format_(format),
      traits_{.input = format,
              .output = format,
              .turn_detection = AgentTraits::TurnDetection::kLocal,
              .default_end_of_turn = Duration::Millis(700),
              .can_say = false} {
  // Twice the pre-roll, so that it is moved to the front once per pre-roll and
  // not once per frame. Grows when a turn does.
  heard_.reserve(2 * BytesOf(format, kPreRollMs));
  reply_.reserve(2 * BytesOf(format, kPreRollMs));
}

void Parrot::Begin() {
  events_.Clear();
  events_.Push(AgentReady{});
}

void Parrot::End(std::string_view /*reason*/) { events_.Clear(); }

size_t Parrot::BytesBack(Duration ago) const {
  const int64_t ms = std::clamp<int64_t>(ago.ms(), 0, kMaxTurnMs);
  return std::min(heard_.size(), BytesOf(format_, static_cast<int>(ms)));
}

size_t Parrot::max_turn_bytes() const {
  return std::min(BytesOf(format_, kMaxTurnMs), kMaxTurnBytes);
}

void Parrot::KeepPreRollOnly() {
  const size_t keep = std::min(heard_.size(), BytesOf(format_, kPreRollMs));
  heard_.erase(heard_.begin(), heard_.end() - static_cast<ptrdiff_t>(keep));
}

void Parrot::Listen(std::span<const uint8_t> audio) {
  if (in_turn_) {
    const size_t room = max_turn_bytes() - heard_.size();
    audio = audio.first(std::min(audio.size(), room));
    // Not beyond the bound, as growth by itself would; and there at once from a
    // quarter of it on, since memory that is moved is there twice.
    const size_t size = heard_.size() + audio.size();
    if (size > heard_.capacity()) {
      const size_t doubled = std::max(size, 2 * heard_.capacity());
      heard_.reserve(doubled > max_turn_bytes() / 4 ? max_turn_bytes()
                                                    : doubled);
    }
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
  ++replies_;
  item_name_ = "parrot-" + std::to_string(replies_);
  // The turn becomes the reply as it is, and the end of it the next pre-roll.
  reply_.swap(heard_);
  const size_t keep = std::min(reply_.size(), BytesOf(format_, kPreRollMs));
  heard_.assign(reply_.end() - static_cast<ptrdiff_t>(keep), reply_.end());
  const auto words =
      std::span<const uint8_t>(reply_).first(reply_.size() - silence);
  if (!words.empty()) events_.Push(AgentAudio{ItemId{replies_}, words});
  events_.Push(AgentReplyDone{});
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
