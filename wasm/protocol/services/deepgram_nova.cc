#include "protocol/services/deepgram_nova.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "protocol/query.h"

namespace trunkline::protocol {
namespace {

// A time of the stream, which comes in seconds.
int64_t MsOf(const Json& message, const char* key) {
  constexpr double kLongestS = 86'400;
  const Json* time = FindMember(message, key);
  if (time == nullptr || !time->is_number()) return 0;
  const double seconds = std::clamp(time->get<double>(), 0.0, kLongestS);
  return static_cast<int64_t>(seconds * 1'000);
}

bool IsTrue(const Json& message, const char* key) {
  const Json* flag = FindMember(message, key);
  return flag != nullptr && flag->is_boolean() && flag->get<bool>();
}

// The likeliest text; nullopt if the message has none.
std::optional<std::string_view> TextOf(const Json& message) {
  const Json* channel = FindMember(message, "channel");
  if (channel == nullptr) return std::nullopt;
  const Json* alternatives = FindMember(*channel, "alternatives");
  if (alternatives == nullptr || !alternatives->is_array() ||
      alternatives->empty()) {
    return std::nullopt;
  }
  return StringMember(alternatives->front(), "transcript");
}

// `text` behind what was said before it.
void JoinStretch(std::string& said, std::string_view text) {
  const bool has_room = said.size() < DeepgramNova::kMaxTextBytes;
  if (!said.empty() && !text.empty() && has_room) said += ' ';
  AppendWellFormed(said, text, DeepgramNova::kMaxTextBytes);
}

}  // namespace

DeepgramNova::DeepgramNova(Config config, Channels& channels)
    : StreamingStt(config.format, channels), config_(std::move(config)) {}

ConnectRequest DeepgramNova::Request() const {
  Query query(config_.path);
  if (!config_.model.empty()) query.Add("model", config_.model);
  query.Add("encoding", "linear16");
  query.Add("sample_rate", std::to_string(config_.format.sample_rate_hz));
  query.Add("interim_results", "true");
  query.Add("smart_format", "true");
  if (!config_.language.empty()) query.Add("language", config_.language);
  for (const std::string& term : config_.terms) query.Add("keyterm", term);
  return {config_.upstream, query.path(), {}};
}

void DeepgramNova::Restart() {
  turn_.reset();
  owed_.clear();
  known_.clear();
}

void DeepgramNova::OnReopened(int64_t shift_ms) {
  const auto hear_again = [shift_ms](Turn& turn) {
    turn.from_ms = std::max<int64_t>(turn.from_ms - shift_ms, 0);
    turn.to_ms = std::max<int64_t>(turn.to_ms - shift_ms, 0);
    turn.text.clear();
    turn.more.clear();
  };
  if (turn_) hear_again(*turn_);
  for (Turn& turn : owed_) {
    hear_again(turn);
    turn.due = now() + kFinalPatience;
  }
  part_.clear();
  if (!owed_.empty()) Send(R"({"type":"Finalize"})");
}

void DeepgramNova::OnQuiet() { Send(R"({"type":"KeepAlive"})"); }

void DeepgramNova::TurnStarted(Duration ago) {
  if (!hears() || turn_) return;
  turn_.emplace();
  turn_->from_ms =
      std::max<int64_t>(heard_ms() - std::max<int64_t>(ago.ms(), 0) - kMarginMs,
                        owed_.empty() ? 0 : owed_.back().to_ms);
}

void DeepgramNova::Finish(Duration /*ago*/) {
  if (!turn_) return;
  if (owed_.size() == kMaxOwed) {
    Fail(Loss::kRetryable, "finals", {});
    return;
  }
  if (is_open()) {
    SendRest();
    Send(R"({"type":"Finalize"})");
  }
  if (std::optional<Turn> turn = std::exchange(turn_, {})) {
    turn->to_ms = heard_ms();
    turn->due = now() + kFinalPatience;
    owed_.push_back(*std::move(turn));
  }
}

void DeepgramNova::Forget() {
  if (turn_) {
    turn_.reset();
    return;
  }
  for (Turn& turn : owed_) turn.wanted = false;
}

void DeepgramNova::OnMessage(const Json& message) {
  const std::string_view type = StringMember(message, "type");
  if (type == "Results") {
    OnResults(message);
  } else if (type == "Error") {
    const std::string_view code = StringMember(message, "variant");
    std::string_view why = StringMember(message, "description");
    if (why.empty()) why = StringMember(message, "message");
    Lose(Loss::kRetryable, code.empty() ? "error" : code, why);
  } else if (type.empty()) {
    Report(Fault::kMissingField);
  } else if (type != "Metadata" && type != "SpeechStarted" &&
             type != "UtteranceEnd") {
    Report(Fault::kUnknownEvent);
  }
}

void DeepgramNova::OnResults(const Json& message) {
  const auto text = TextOf(message);
  if (!text) {
    Report(Fault::kMissingField);
    return;
  }
  const int64_t start_ms = MsOf(message, "start");
  const int64_t end_ms = start_ms + MsOf(message, "duration");
  // What begins behind a turn says that all of it has come.
  while (!owed_.empty() && start_ms >= owed_.front().to_ms) CloseOldest();
  Turn* turn = nullptr;
  if (!owed_.empty()) {
    turn = &owed_.front();
  } else if (turn_) {
    turn = &*turn_;
  }
  if (turn == nullptr || end_ms <= turn->from_ms) return;
  if (IsTrue(message, "is_final")) {
    JoinStretch(turn->text, *text);
    turn->more.clear();
  } else {
    turn->more = CutText(*text, kMaxTextBytes);
  }
  if (!owed_.empty()) {
    turn->is_known = turn->is_known || end_ms >= turn->to_ms;
    if (IsTrue(message, "from_finalize")) CloseOldest();
    return;
  }
  std::string whole = turn->text;
  JoinStretch(whole, turn->more);
  if (whole.empty() || whole == part_) return;
  part_ = std::move(whole);
  Push(SttText{part_, TranscriptState::kPart});
}

void DeepgramNova::CloseOldest() {
  Turn turn = std::move(owed_.front());
  owed_.pop_front();
  part_.clear();
  KeepFrom(turn.to_ms);
  if (!turn.wanted) return;
  JoinStretch(turn.text, turn.more);
  turn.is_known = turn.is_known || !turn.text.empty() || now() < turn.due;
  known_.push_back(std::move(turn));
}

std::optional<SttEvent> DeepgramNova::NextEvent() {
  if (auto event = StreamingStt::NextEvent()) return event;
  if (known_.empty()) return std::nullopt;
  const bool is_known = known_.front().is_known;
  told_ = std::move(known_.front().text);
  known_.pop_front();
  if (!is_known) return SttTextFailed{{.code = "timeout"}};
  return SttText{told_, TranscriptState::kFinal};
}

Instant DeepgramNova::deadline() const {
  const Instant due = StreamingStt::deadline();
  return owed_.empty() || !is_open() ? due : std::min(due, owed_.front().due);
}

void DeepgramNova::OnDeadline() {
  // While there is no socket, that is waited for.
  while (is_open() && !owed_.empty() && now() >= owed_.front().due) {
    CloseOldest();
  }
  StreamingStt::OnDeadline();
}

}  // namespace trunkline::protocol
