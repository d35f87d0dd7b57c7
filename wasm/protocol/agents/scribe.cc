#include "protocol/agents/scribe.h"

#include <utility>

namespace trunkline::protocol {

Scribe::Scribe(std::unique_ptr<Stt> stt)
    : ServiceAgent({stt.get()}),
      ears_(std::move(stt)),
      traits_{.input = ears_.stt().format(),
              .output = ears_.stt().format(),
              .turn_detection = ears_.detects_turns()
                                    ? AgentTraits::TurnDetection::kProvider
                                    : AgentTraits::TurnDetection::kLocal,
              .default_end_of_turn = Duration::Millis(700),
              .can_say = false,
              .replies = false,
              .has_caller_texts = true,
              .has_agent_texts = false,
              .remembers = false} {}

void Scribe::Begin() {
  End("again");
  running_ = true;
  ears_.Begin(now());
}

void Scribe::End(std::string_view reason) {
  ears_.End(now(), reason);
  running_ = false;
  replies_over_ = 0;
}

std::optional<AgentEvent> Scribe::NextEvent() {
  do {
    if (auto event = ears_.NextEvent()) return event;
    if (replies_over_ > 0) {
      --replies_over_;
      return AgentReplyDone{};
    }
  } while (ears_.Hear() != Ears::Heard::kNothing);
  return std::nullopt;
}

void Scribe::Listen(std::span<const uint8_t> audio) {
  if (running_) ears_.Listen(now(), audio);
}

void Scribe::TurnStarted(Duration ago) {
  if (running_) ears_.TurnStarted(now(), ago);
}

void Scribe::Respond(Duration ago) {
  if (!running_) return;
  ears_.Finish(now(), ago);
  ++replies_over_;
}

void Scribe::DiscardTurn() { ears_.DiscardTurn(now()); }

}  // namespace trunkline::protocol
