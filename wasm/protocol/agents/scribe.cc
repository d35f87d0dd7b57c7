#include "protocol/agents/scribe.h"

#include <utility>

namespace trunkline::protocol {

Scribe::Scribe(std::unique_ptr<Stt> stt)
    : ears_(std::move(stt)),
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

Stt& Scribe::stt() {
  ears_.stt().SetNow(now());
  return ears_.stt();
}

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

void Scribe::OnSocketOpened(ChannelId channel) {
  stt().OnSocketOpened(channel);
}

void Scribe::OnText(ChannelId channel, std::string_view text) {
  stt().OnText(channel, text);
}

void Scribe::OnBinary(ChannelId channel, std::span<const uint8_t> bytes) {
  stt().OnBinary(channel, bytes);
}

void Scribe::OnSocketClosed(ChannelId channel, uint16_t code,
                            uint16_t http_status, std::string_view reason) {
  stt().OnSocketClosed(channel, code, http_status, reason);
}

void Scribe::OnOversize(ChannelId channel) { stt().OnOversize(channel); }

void Scribe::OnHttpHeaders(ChannelId channel, uint16_t status,
                           const Json& headers) {
  stt().OnHttpHeaders(channel, status, headers);
}

void Scribe::OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) {
  stt().OnHttpChunk(channel, bytes);
}

void Scribe::OnHttpDone(ChannelId channel) { stt().OnHttpDone(channel); }

void Scribe::OnHttpFailed(ChannelId channel, HttpFailure failure,
                          std::string_view reason) {
  stt().OnHttpFailed(channel, failure, reason);
}

void Scribe::OnDeadline() {
  if (now() >= deadline()) stt().OnDeadline();
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
