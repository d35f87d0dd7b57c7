#include "protocol/services/deepgram_flux.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"
#include "protocol/query.h"

namespace trunkline::protocol {
namespace {

size_t CountWords(std::string_view text) {
  size_t words = 0;
  bool in_word = false;
  for (const char c : text) {
    if (!std::exchange(in_word, c != ' ') && c != ' ') ++words;
  }
  return words;
}

}  // namespace

DeepgramFlux::DeepgramFlux(Config config, Channels& channels)
    : StreamingStt(config.format, channels), config_(std::move(config)) {}

ConnectRequest DeepgramFlux::Request() const {
  Query query(config_.path);
  if (!config_.model.empty()) query.Add("model", config_.model);
  query.Add("encoding", "linear16");
  query.Add("sample_rate", std::to_string(config_.format.sample_rate_hz));
  if (config_.eager_threshold) {
    query.Add("eager_eot_threshold", PrintJson(*config_.eager_threshold));
  }
  if (config_.end_of_turn_threshold) {
    query.Add("eot_threshold", PrintJson(*config_.end_of_turn_threshold));
  }
  if (config_.end_of_turn_timeout) {
    query.Add("eot_timeout_ms",
              std::to_string(config_.end_of_turn_timeout->ms()));
  }
  for (const std::string& term : config_.terms) query.Add("keyterm", term);
  for (const std::string& one : config_.languages) {
    query.Add("language_hint", one);
  }
  return {config_.upstream, query.path(), {}};
}

void DeepgramFlux::Restart() {
  OnTurnOver();
  next_message_.reset();
}

void DeepgramFlux::OnReopened(int64_t /*shift_ms*/) {
  next_message_.reset();
  lost_text_ = text_;
}

void DeepgramFlux::OnQuiet() { SendSilence(kQuiet); }

void DeepgramFlux::Forget() {
  if (turn_ != Turn::kOpen) return;
  turn_ = Turn::kForgotten;
  KeepFrom(heard_ms());
}

void DeepgramFlux::OnMessage(const Json& message) {
  const std::string_view type = StringMember(message, "type");
  const std::string_view event = StringMember(message, "event");
  if (type == "Error") {
    OnError(message);
    return;
  }
  if (const auto number = IntegerMember(message, "sequence_id")) {
    if (next_message_ && *number != *next_message_) {
      Report(Fault::kLostMessages);
    }
    next_message_ = *number + 1;
  }
  // Workers AI may leave the type out.
  if (type == "TurnInfo" || (type.empty() && !event.empty())) {
    OnTurn(event, StringMember(message, "transcript"));
  } else if (type.empty()) {
    Report(Fault::kMissingField);
  } else if (type != "Connected") {
    Report(Fault::kUnknownEvent);
  }
}

void DeepgramFlux::OnTurn(std::string_view event, std::string_view transcript) {
  const bool is_end = event == "EndOfTurn";
  const bool is_eager = event == "EagerEndOfTurn";
  const bool is_resumed = event == "TurnResumed";
  const bool is_start = event == "StartOfTurn";
  if (!is_end && !is_eager && !is_resumed && !is_start && event != "Update") {
    Report(event.empty() ? Fault::kMissingField : Fault::kUnknownEvent);
    return;
  }
  std::string text;
  if (AppendWellFormed(text, transcript, kMaxTextBytes) == Appended::kPart) {
    Report(Fault::kTooLarge);
  }
  // The end of a turn that was forgotten was lost.
  if (is_start && turn_ == Turn::kForgotten) OnTurnOver();
  // What the former socket has understood was said, whatever this one makes of
  // it.
  if (is_end && text.empty()) text = lost_text_;
  // A last change of what was forgotten is mostly a sign or a capital letter.
  if (turn_ == Turn::kForgotten && CountWords(text) <= CountWords(text_)) {
    if (is_end) OnTurnOver();
    return;
  }
  const bool has_more = !text.empty() && text != text_;
  // A beginning may be lost, and a turn be forgotten too early.
  const bool begins = turn_ == Turn::kForgotten ||
                      (turn_ == Turn::kNone && (is_start || has_more));
  text_ = text;
  told_ = std::move(text);
  if (begins) {
    turn_ = Turn::kOpen;
    Push(SttSpeech{SttSpeech::Edge::kStarted});
  }
  if (turn_ == Turn::kOpen) {
    if (is_end && told_.empty()) {
      Push(SttSpeech{SttSpeech::Edge::kStopped});
    } else if (is_end) {
      Push(SttTurnEnded{told_});
    } else {
      if (has_more) Push(SttText{told_, TranscriptState::kPart});
      if (is_eager && !told_.empty()) Push(SttEager{told_});
      if (is_resumed) Push(SttResumed{});
    }
  }
  if (is_end) OnTurnOver();
}

void DeepgramFlux::OnTurnOver() {
  turn_ = Turn::kNone;
  text_.clear();
  lost_text_.clear();
  KeepFrom(heard_ms());
}

void DeepgramFlux::OnError(const Json& message) {
  constexpr std::array<std::string_view, 7> kOurFault = {
      "BAD_REQUEST",
      "INVALID_AUTH",
      "INSUFFICIENT_PERMISSIONS",
      "PROJECT_NOT_FOUND",
      "ASR_PAYMENT_REQUIRED",
      "MODEL_NOT_FOUND",
      "INVALID_QUERY_PARAMETER"};
  const std::string_view code = StringMember(message, "code");
  const bool is_fatal =
      std::find(kOurFault.begin(), kOurFault.end(), code) != kOurFault.end();
  Lose(is_fatal ? Loss::kFatal : Loss::kRetryable,
       code.empty() ? "error" : code, StringMember(message, "description"));
}

}  // namespace trunkline::protocol
