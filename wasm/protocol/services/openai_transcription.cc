#include "protocol/services/openai_transcription.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

// The fields beside the file and the prompt: names and a language.
constexpr size_t kFieldBytes = 4096;
static_assert(kWavHeadBytes +
                  BytesOf({Encoding::kLinear16, 16000},
                          OpenAiTranscription::kMaxTurnMs) +
                  OpenAiTranscription::kMaxPromptBytes + kFieldBytes <=
              FetchRequest::kMaxBodyBytes);

std::string_view WithoutBlanks(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

FetchRequest::Part Field(std::string name, std::string_view value) {
  return {std::move(name),
          std::nullopt,
          "text/plain",
          {reinterpret_cast<const uint8_t*>(value.data()), value.size()}};
}

}  // namespace

OpenAiTranscription::OpenAiTranscription(Config config, Channels& channels)
    : config_(std::move(config)), channels_(channels) {
  // Twice the pre-roll, so that it is moved to the front once per pre-roll and
  // not once per frame. Grows when a turn does.
  heard_.reserve(kWavHeadBytes + 2 * BytesOf(config_.format, kPreRollMs));
  heard_.resize(kWavHeadBytes);
}

size_t OpenAiTranscription::max_turn_bytes() const {
  return BytesOf(config_.format, config_.max_turn_ms);
}

size_t OpenAiTranscription::BytesBack(Duration ago) const {
  const int64_t ms = std::clamp<int64_t>(ago.ms(), 0, kMaxTurnMs);
  return std::min(heard_bytes(), BytesOf(config_.format, static_cast<int>(ms)));
}

void OpenAiTranscription::KeepLast(size_t bytes) {
  heard_.erase(
      heard_.begin() + kWavHeadBytes,
      heard_.end() - static_cast<ptrdiff_t>(std::min(heard_bytes(), bytes)));
}

void OpenAiTranscription::CloseTurn() {
  const bool is_last = std::exchange(beyond_bytes_, 0) == 0;
  KeepLast(is_last ? BytesOf(config_.format, kPreRollMs) : 0);
}

void OpenAiTranscription::ClearTurns() {
  for (Turn& turn : turns_) AbortExchange(channels_, turn.channel);
  turns_.clear();
}

void OpenAiTranscription::Begin() {
  ClearTurns();
  KeepLast(0);
  in_turn_ = false;
  beyond_bytes_ = 0;
  fault_.reset();
  // There is nothing to wait for: each turn has an exchange of its own.
  ready_ = true;
}

void OpenAiTranscription::End(std::string_view /*reason*/) {
  ClearTurns();
  in_turn_ = false;
  beyond_bytes_ = 0;
  fault_.reset();
  ready_ = false;
}

void OpenAiTranscription::Listen(std::span<const uint8_t> audio) {
  if (in_turn_) {
    const size_t room = max_turn_bytes() - heard_bytes();
    if (audio.size() > room) {
      // Told once a turn.
      if (beyond_bytes_ == 0) fault_ = Fault::kTooLarge;
      beyond_bytes_ += audio.size() - room;
      audio = audio.first(room);
    }
    // Not beyond the bound, as growth by itself would; and there at once from a
    // quarter of it on, since memory that is moved is there twice.
    const size_t size = heard_.size() + audio.size();
    if (size > heard_.capacity()) {
      const size_t most = kWavHeadBytes + max_turn_bytes();
      const size_t doubled = std::max(size, 2 * heard_.capacity());
      heard_.reserve(doubled > most / 4 ? most : doubled);
    }
  } else if (heard_.size() + audio.size() > heard_.capacity()) {
    KeepLast(BytesOf(config_.format, kPreRollMs));
  }
  heard_.insert(heard_.end(), audio.begin(), audio.end());
}

void OpenAiTranscription::TurnStarted(Duration ago) {
  if (in_turn_) return;
  in_turn_ = true;
  KeepLast(BytesBack(ago + Duration::Millis(kMarginBeforeMs)));
}

void OpenAiTranscription::Finish(Duration ago) {
  if (!std::exchange(in_turn_, false)) return;
  // Of the silence behind the turn, what lies beyond the bound is not kept.
  const size_t silence = BytesBack(ago - Duration::Millis(kMarginAfterMs));
  const size_t audio =
      heard_bytes() - (silence > beyond_bytes_ ? silence - beyond_bytes_ : 0);
  if (turns_.size() == kMaxTurns) {
    // Those that are known have been told: the first one is out.
    Fail(turns_.front(), "overtaken");
  }
  turns_.emplace_back();
  Turn& turn = turns_.back();
  if (audio < BytesOf(config_.format, kMinTurnMs)) {
    turn.phase = Turn::Phase::kKnown;
  } else {
    turn.channel = Send(audio);
    if (!turn.channel) Fail(turn, "channels");
  }
  CloseTurn();
}

std::optional<ChannelId> OpenAiTranscription::Send(size_t audio) {
  const auto head = WavHead(config_.format.sample_rate_hz, audio);
  std::copy(head.begin(), head.end(), heard_.begin());
  FetchRequest fetch;
  fetch.upstream = config_.upstream;
  fetch.path = config_.path;
  fetch.wants = OpenAiResponseHeaders();
  fetch.timeout = kPatience;
  fetch.idle = kPatience;
  fetch.max_bytes = kMaxAnswerBytes;
  std::string body;
  Fill(fetch, std::span<const uint8_t>(heard_).first(kWavHeadBytes + audio),
       body);
  return channels_.Fetch(fetch);
}

void OpenAiTranscription::Fill(FetchRequest& fetch,
                               std::span<const uint8_t> file,
                               std::string& /*body*/) const {
  fetch.parts = {
      {"file", "audio.wav", "audio/wav", file},
      Field("model", config_.model),
      Field("response_format",
            config_.response_format == Config::ResponseFormat::kJson ? "json"
                                                                     : "text"),
      // What is most likely said, each time the same.
      Field("temperature", "0")};
  if (!config_.language.empty()) {
    fetch.parts.push_back(Field("language", config_.language));
  }
  if (!config_.prompt.empty()) {
    fetch.parts.push_back(
        Field("prompt", CutText(config_.prompt, kMaxPromptBytes)));
  }
}

void OpenAiTranscription::Forget() {
  if (std::exchange(in_turn_, false)) {
    CloseTurn();
    return;
  }
  if (turns_.empty()) return;
  AbortExchange(channels_, turns_.back().channel);
  turns_.pop_back();
}

OpenAiTranscription::Turn* OpenAiTranscription::TurnOf(ChannelId channel) {
  const auto turn =
      std::find_if(turns_.begin(), turns_.end(),
                   [&](const Turn& each) { return each.channel == channel; });
  return turn == turns_.end() ? nullptr : &*turn;
}

void OpenAiTranscription::Fail(Turn& turn, std::string_view code) {
  AbortExchange(channels_, turn.channel);
  turn.failure.Set(code, Loss::kRetryable);
  turn.phase = Turn::Phase::kFailed;
}

void OpenAiTranscription::OnHttpHeaders(ChannelId channel, uint16_t status,
                                        const Json& headers) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  const std::string type = MediaTypeOf(headers);
  turn->is_json = IsJsonType(type);
  if (IsGoodStatus(status) && !IsMarkupType(type)) {
    turn->phase = Turn::Phase::kText;
    return;
  }
  turn->phase = Turn::Phase::kRefused;
  turn->failure.Begin(status, headers);
}

void OpenAiTranscription::OnHttpChunk(ChannelId channel,
                                      std::span<const uint8_t> bytes) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  if (turn->phase == Turn::Phase::kText) {
    turn->text.append(reinterpret_cast<const char*>(bytes.data()),
                      bytes.size());
  } else if (turn->phase == Turn::Phase::kRefused &&
             !turn->failure.OnBody(bytes)) {
    AbortExchange(channels_, turn->channel);
    OnEnd(*turn);
  }
}

void OpenAiTranscription::OnHttpDone(ChannelId channel) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  turn->channel.reset();
  OnEnd(*turn);
}

void OpenAiTranscription::OnHttpFailed(ChannelId channel, HttpFailure failure,
                                       std::string_view reason) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  turn->channel.reset();
  // The status has said why.
  if (turn->phase == Turn::Phase::kRefused) {
    OnEnd(*turn);
    return;
  }
  turn->failure.OnExchange(failure, reason);
  turn->phase = Turn::Phase::kFailed;
}

void OpenAiTranscription::OnEnd(Turn& turn) {
  using Phase = Turn::Phase;
  const Phase phase = std::exchange(turn.phase, Phase::kFailed);
  if (phase == Phase::kRefused) {
    turn.failure.OnAnswer();
    return;
  }
  if (phase == Phase::kAsked) {
    turn.failure.Set("truncated", Loss::kRetryable);
    return;
  }
  // Some servers send JSON by another name, and some whatever was asked for.
  const std::string body = std::exchange(turn.text, {});
  const bool is_json = turn.is_json || body.starts_with('{');
  if (!is_json) {
    AppendWellFormed(turn.text, WithoutBlanks(body), kMaxAnswerBytes);
    turn.phase = Phase::kKnown;
    return;
  }
  const Json json = ParseJson(body).value_or(Json());
  const Json* text = FindMember(json, "text");
  if (text != nullptr && text->is_string()) {
    turn.text = WithoutBlanks(StringMember(json, "text"));
    turn.phase = Phase::kKnown;
  } else if (FindMember(json, "error") != nullptr) {
    turn.failure.OnError(json);
  } else {
    turn.failure.Set("malformed", Loss::kRetryable);
  }
}

std::optional<SttEvent> OpenAiTranscription::NextEvent() {
  if (std::exchange(ready_, false)) return SttReady{};
  if (const auto fault = std::exchange(fault_, std::nullopt)) {
    return ServiceFaulted{*fault};
  }
  if (turns_.empty()) return std::nullopt;
  const Turn::Phase phase = turns_.front().phase;
  if (phase != Turn::Phase::kKnown && phase != Turn::Phase::kFailed) {
    return std::nullopt;
  }
  told_ = std::move(turns_.front());
  turns_.pop_front();
  if (phase == Turn::Phase::kFailed) {
    const ServiceFailed failed = told_.failure.Read();
    if (failed.loss == Loss::kFatal) return failed;
    return SttTextFailed{failed.why};
  }
  return SttText{told_.text, TranscriptState::kFinal};
}

}  // namespace trunkline::protocol
