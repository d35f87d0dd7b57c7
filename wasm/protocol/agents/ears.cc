#include "protocol/agents/ears.h"

#include <utility>
#include <variant>

namespace trunkline::protocol {
namespace {

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\n\r") == std::string_view::npos;
}

std::string NameOfTurn(uint32_t turn) { return "turn-" + std::to_string(turn); }

}  // namespace

void Ears::Begin(Instant now) {
  stt_->SetNow(now);
  stt_->Begin();
}

void Ears::End(Instant now, std::string_view reason) {
  events_.Clear();
  stt_->SetNow(now);
  stt_->End(reason);
  turn_open_ = discarded_ = false;
  hint_ = TurnHint::kNone;
  heard_.clear();
  due_.clear();
  understood_ = true;
}

void Ears::Listen(Instant now, std::span<const uint8_t> audio) {
  stt_->SetNow(now);
  stt_->Listen(audio);
}

void Ears::TurnStarted(Instant now, Duration ago) {
  stt_->SetNow(now);
  stt_->TurnStarted(ago);
  hint_ = TurnHint::kNone;
  if (std::exchange(turn_open_, true) || detects_turns()) return;
  turn_name_ = NameOfTurn(++turns_);
  heard_.clear();
}

void Ears::Pause(Instant now, Duration ago) {
  if (detects_turns() || !turn_open_) return;
  stt_->SetNow(now);
  stt_->Pause(ago);
}

TurnHint Ears::turn_hint() const {
  if (detects_turns() || !turn_open_) return TurnHint::kNone;
  // The reply would have to wait for them anyway.
  return stt_->finds_out() ? TurnHint::kUnfinished : hint_;
}

void Ears::Finish(Instant now, Duration ago) {
  if (detects_turns() || !std::exchange(turn_open_, false)) return;
  due_.push_back(turns_);
  stt_->SetNow(now);
  stt_->Finish(ago);
}

void Ears::DiscardTurn(Instant now) {
  const bool was_open = std::exchange(turn_open_, false);
  if (detects_turns()) {
    discarded_ = true;
    heard_.clear();
  } else if (!was_open) {
    return;
  }
  stt_->SetNow(now);
  stt_->Forget();
}

std::optional<AgentEvent> Ears::NextEvent() {
  while (auto event = events_.Take()) {
    const auto* text = std::get_if<AgentTranscript>(&*event);
    const bool is_of_turn =
        text != nullptr || std::holds_alternative<AgentTurnCommitted>(*event);
    if (!discarded_ || !is_of_turn) return event;
  }
  discarded_ = false;
  return std::nullopt;
}

Ears::Heard Ears::Hear() {
  const std::optional<SttEvent> event = stt_->NextEvent();
  if (!event) return Heard::kNothing;
  if (std::holds_alternative<SttReady>(*event)) {
    events_.Push(AgentReady{});
  } else if (const auto* text = std::get_if<SttText>(&*event)) {
    if (text->state == TranscriptState::kFinal) return OnFinal(*text);
    OnPart(text->text);
  } else if (const auto* none = std::get_if<SttTextFailed>(&*event)) {
    return OnTextFailed(none->why);
  } else if (const auto* failed = std::get_if<ServiceFailed>(&*event)) {
    events_.Push(AgentFailed{failed->loss, failed->why});
  } else if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
    events_.Push(AgentFaulted{fault->fault, fault->why});
  } else if (const auto* speech = std::get_if<SttSpeech>(&*event)) {
    const bool starts = speech->edge == SttSpeech::Edge::kStarted;
    events_.Push(AgentSpeech{starts ? AgentSpeech::Edge::kStarted
                                    : AgentSpeech::Edge::kStopped});
    heard_.clear();
    if (!starts) return Heard::kResumed;
  } else if (const auto* eager = std::get_if<SttEager>(&*event)) {
    text_ = eager->text;
    return Heard::kEager;
  } else if (std::holds_alternative<SttResumed>(*event)) {
    return Heard::kResumed;
  } else if (const auto* ended = std::get_if<SttTurnEnded>(&*event)) {
    OnTurnEnded(ended->text);
    return Heard::kTurnEnded;
  }
  return Heard::kEvents;
}

Ears::Heard Ears::OnFinal(const SttText& text) {
  if (due_.empty()) return Heard::kEvents;
  text_ = text.text;
  text_name_ = NameOfTurn(due_.front());
  due_.erase(due_.begin());
  understood_ = !IsBlank(text_);
  events_.Push(AgentTranscript{Role::kCaller, text_name_, /*part=*/0, text_,
                               TranscriptState::kFinal});
  return Heard::kTurnKnown;
}

Ears::Heard Ears::OnTextFailed(const Failure& why) {
  if (due_.empty()) return Heard::kEvents;
  text_name_ = NameOfTurn(due_.front());
  due_.erase(due_.begin());
  understood_ = false;
  events_.Push(AgentFaulted{Fault::kPeerError, why});
  events_.Push(AgentTextFailed{Role::kCaller, text_name_, /*part=*/0});
  return Heard::kTurnKnown;
}

void Ears::OnPart(std::string_view text) {
  hint_ = JudgeTurnWords(text, question_, rules_);
  TellPart(text);
}

void Ears::TellPart(std::string_view text) {
  // Parts are additions here: one that changes what was told before waits for
  // the last text.
  if (!turn_open_ || !text.starts_with(heard_) ||
      text.size() == heard_.size()) {
    return;
  }
  part_ = text.substr(heard_.size());
  heard_ += part_;
  text_name_ = detects_turns() ? NameOfTurn(turns_ + 1) : turn_name_;
  events_.Push(AgentTranscript{Role::kCaller, text_name_, /*part=*/0, part_,
                               TranscriptState::kPart});
}

void Ears::OnTurnEnded(std::string_view text) {
  // Words of his prove that he has interrupted, if he has.
  turn_open_ = true;
  TellPart(text);
  turn_open_ = false;
  heard_.clear();
  text_ = text;
  text_name_ = NameOfTurn(++turns_);
  events_.Push(AgentSpeech{AgentSpeech::Edge::kStopped});
  events_.Push(AgentTurnCommitted{text_name_});
  events_.Push(AgentTranscript{Role::kCaller, text_name_, /*part=*/0, text_,
                               TranscriptState::kFinal});
}

}  // namespace trunkline::protocol
