#pragma once

#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/event_queue.h"

namespace trunkline::protocol {

// Answers with what it heard, after the caller's turn: no upstream, no key. The
// keyless default, the load generator's partner and the latency yardstick.
//
// What it hears is kept byte for byte in the leg's own format, so the caller's
// words come back unchanged.
class Parrot final : public Agent {
 public:
  // The longest turn that is remembered. Speech beyond it is not repeated.
  static constexpr int kMaxTurnMs = 60'000;
  // And never more than this: a minute of linear 16 at 16 kHz, 20 s at 48 kHz.
  // Two such turns, one heard and one said, fit the module's memory.
  static constexpr size_t kMaxTurnBytes =
      BytesOf({Encoding::kLinear16, 16000}, kMaxTurnMs);
  // What is kept before and after the speech of a turn, since consonants begin
  // and end below the level at which speech is detected. Little before it: that
  // much silence delays the answer.
  static constexpr int kMarginBeforeMs = 20;
  static constexpr int kMarginAfterMs = 120;
  // What is remembered while nobody speaks. Detection looks back at most 200
  // ms; the margin and a frame come on top.
  static constexpr int kPreRollMs = 400;

  // `format` is that of what it hears and of what it says.
  explicit Parrot(AudioFormat format);

  const AgentTraits& traits() const override { return traits_; }

  void Begin() override;
  void End(std::string_view reason) override;
  std::optional<AgentEvent> NextEvent() override { return events_.Take(); }
  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void Respond(Duration ago) override;
  void Say(std::string_view text) override;
  void DiscardTurn() override;
  void Cancel() override;
  int64_t Truncate(ItemId item, int64_t heard_ms) override;
  void ToolResult(std::string_view tool_call_id,
                  std::string_view output) override;
  std::string_view item_name(ItemId item) const override;

 private:
  // The words of a reply, and its end.
  static constexpr size_t kMaxEvents = 2;

  // Bytes before the end of what was heard, at most all that is kept.
  size_t BytesBack(Duration ago) const;
  void KeepPreRollOnly();
  size_t max_turn_bytes() const;

  const AudioFormat format_;
  const AgentTraits traits_;
  EventQueue<AgentEvent, kMaxEvents> events_;
  // Audio of the turn, or the pre-roll while there is none.
  std::vector<uint8_t> heard_;
  // What the last reply was made of; it lasts until the next one.
  std::vector<uint8_t> reply_;
  bool in_turn_ = false;
  uint32_t replies_ = 0;
  std::string item_name_;
};

}  // namespace trunkline::protocol
