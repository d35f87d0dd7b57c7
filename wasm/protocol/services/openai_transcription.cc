#include "protocol/services/openai_transcription.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "protocol/agents/parrot.h"

namespace trunkline::protocol {
namespace {

// The fields beside the file and the prompt: names and a language.
constexpr size_t kFieldBytes = 4096;
static_assert(kWavHeadBytes +
                  BytesOf({Encoding::kLinear16, 16000},
                          OpenAiTranscription::kMaxTurnMs) +
                  OpenAiTranscription::kMaxPromptBytes + kFieldBytes <=
              FetchRequest::kMaxBodyBytes);

// An agent's part of the memory is what the parrot's two turns are, with what
// one was before it grew. Here that is a turn, and one that is kept.
constexpr size_t kLongestTurnBytes =
    BytesOf({Encoding::kLinear16, 16000}, OpenAiTranscription::kMaxTurnMs);
static_assert(kWavHeadBytes + kLongestTurnBytes + kLongestTurnBytes / 4 +
                  BytesOf({Encoding::kLinear16, 16000},
                          OpenAiTranscription::kMaxKeptMs) <=
              2 * Parrot::kMaxTurnBytes + Parrot::kMaxTurnBytes / 4);

// What a vendor takes for a turn, at least, of the time that it lasts.
constexpr int64_t kPartOfTurn = 20;

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
  for (Turn& turn : turns_) turn.exchange.Abort();
  turns_.clear();
  if (pausing_ && pausing_->turn) pausing_->turn->exchange.Abort();
  pausing_.reset();
  trouble_.reset();
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
  if (pausing_ && !pausing_->turn && !pausing_->told &&
      heard_bytes() >= pausing_->early_at_bytes) {
    Send(pausing_->turn.emplace(channels_), AudioUpTo(pausing_->speech_bytes));
  }
}

void OpenAiTranscription::TurnStarted(Duration ago) {
  DropPause();
  if (in_turn_) return;
  in_turn_ = true;
  KeepLast(BytesBack(ago + Duration::Millis(kMarginBeforeMs)));
}

size_t OpenAiTranscription::AudioUpTo(size_t speech_bytes) const {
  return std::min(heard_bytes(),
                  speech_bytes + BytesOf(config_.format, kMarginAfterMs));
}

void OpenAiTranscription::Pause(Duration ago) {
  // Beyond the bound nothing is heard, so that it is not known where he
  // stopped.
  if (!in_turn_ || beyond_bytes_ > 0 || dropped_texts_ == kMaxDroppedTexts) {
    return;
  }
  DropPause();
  Pausing& pausing = pausing_.emplace();
  pausing.speech_bytes = heard_bytes() - BytesBack(ago);
  pausing.early_at_bytes =
      pausing.speech_bytes + BytesOf(config_.format, kEarlyMs);
  // Too little to be anything.
  pausing.told =
      AudioUpTo(pausing.speech_bytes) < BytesOf(config_.format, kMinTurnMs);
}

bool OpenAiTranscription::finds_out() const {
  if (!pausing_ || pausing_->told) return false;
  return !pausing_->turn || pausing_->turn->phase == Turn::Phase::kAsked;
}

void OpenAiTranscription::DropPause() {
  if (!pausing_) return;
  if (pausing_->turn) {
    pausing_->turn->exchange.Abort();
    ++dropped_texts_;
    ++untold_dropped_texts_;
  }
  pausing_.reset();
}

std::optional<OpenAiTranscription::Turn> OpenAiTranscription::TakeEarly(
    size_t speech_bytes) {
  if (!pausing_ || !pausing_->turn ||
      pausing_->turn->phase == Turn::Phase::kFailed ||
      speech_bytes >
          pausing_->speech_bytes + BytesOf(config_.format, kMinTurnMs)) {
    DropPause();
    return std::nullopt;
  }
  std::optional<Turn> turn = std::move(pausing_->turn);
  pausing_.reset();
  return turn;
}

void OpenAiTranscription::Finish(Duration ago) {
  if (!std::exchange(in_turn_, false)) return;
  // Of the silence behind the turn, what lies beyond the bound is not kept.
  const size_t back = BytesBack(ago);
  const size_t speech_bytes =
      heard_bytes() - (back > beyond_bytes_ ? back - beyond_bytes_ : 0);
  if (turns_.size() == kMaxTurns) {
    // Those that are known have been told: the first one is out.
    Fail(turns_.front(), "overtaken");
  }
  const size_t early_bytes = pausing_ ? pausing_->speech_bytes : 0;
  if (auto early = TakeEarly(speech_bytes)) {
    turns_.push_back(*std::move(early));
    Keep(AudioUpTo(early_bytes));
  } else {
    const size_t audio = speech_bytes == 0 ? 0 : AudioUpTo(speech_bytes);
    Turn& turn = turns_.emplace_back(channels_);
    if (audio < BytesOf(config_.format, kMinTurnMs)) {
      turn.phase = Turn::Phase::kKnown;
    } else {
      Send(turn, audio);
      Keep(audio);
    }
  }
  CloseTurn();
}

void OpenAiTranscription::Keep(size_t audio) {
  for (Turn& turn : turns_) turn.file = {};
  Turn& turn = turns_.back();
  const bool is_wanted = turn.phase == Turn::Phase::kAsked;
  if (!is_wanted || audio > BytesOf(config_.format, kMaxKeptMs)) return;
  const auto file =
      std::span<const uint8_t>(heard_).first(kWavHeadBytes + audio);
  turn.file.assign(file.begin(), file.end());
}

void OpenAiTranscription::Send(Turn& turn, size_t audio) {
  const auto head = WavHead(config_.format.sample_rate_hz, audio);
  std::copy(head.begin(), head.end(), heard_.begin());
  Send(turn, std::span<const uint8_t>(heard_).first(kWavHeadBytes + audio));
}

void OpenAiTranscription::Send(Turn& turn, std::span<const uint8_t> file) {
  turn.phase = Turn::Phase::kAsked;
  turn.send_at = Instant::Never();
  FetchRequest fetch;
  fetch.upstream = config_.upstream;
  fetch.path = config_.path;
  fetch.max_bytes = kMaxAnswerBytes;
  std::string body;
  Fill(fetch, file, body);
  // A longer turn takes longer, and one that is not kept is waited for.
  const auto turn_ms =
      static_cast<int64_t>(file.size() / BytesOf(config_.format, 1));
  const Duration more = turn_ms > kMaxKeptMs
                            ? AnswerPatience::kLongest
                            : Duration::Millis(turn_ms / kPartOfTurn);
  if (!turn.exchange.Send(now(), std::move(fetch), patience_, more)) {
    turn.phase = Turn::Phase::kFailed;
  }
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
  DropPause();
  if (std::exchange(in_turn_, false)) {
    CloseTurn();
    return;
  }
  if (turns_.empty()) return;
  turns_.back().exchange.Abort();
  turns_.pop_back();
}

OpenAiTranscription::Turn* OpenAiTranscription::TurnOf(ChannelId channel) {
  if (pausing_) {
    std::optional<Turn>& asked = pausing_->turn;
    if (asked && asked->exchange.channel() == channel) return &*asked;
  }
  const auto turn = std::find_if(
      turns_.begin(), turns_.end(),
      [&](const Turn& each) { return each.exchange.channel() == channel; });
  return turn == turns_.end() ? nullptr : &*turn;
}

void OpenAiTranscription::Fail(Turn& turn, std::string_view code) {
  turn.exchange.Fail(code, Loss::kRetryable);
  turn.phase = Turn::Phase::kFailed;
}

void OpenAiTranscription::OnFailed(Turn& turn) {
  turn.phase = Turn::Phase::kFailed;
  const ServiceFailed failed = turn.exchange.failure().Read();
  const Duration wait = failed.why.retry_after.value_or(Duration());
  const bool is_early = pausing_ && pausing_->turn && &turn == &*pausing_->turn;
  // It is sent again with the turn.
  if (is_early) trouble_ = turn.exchange.failure();
  if (failed.loss == Loss::kFatal || turn.was_sent_again || turn.file.empty() ||
      wait > kMaxRetryWait) {
    return;
  }
  turn.was_sent_again = true;
  trouble_ = turn.exchange.failure();
  turn.text.clear();
  if (wait > Duration()) {
    turn.phase = Turn::Phase::kWaits;
    turn.send_at = now() + wait;
  } else {
    Send(turn, turn.file);
  }
}

Instant OpenAiTranscription::deadline() const {
  Instant due = Instant::Never();
  for (const Turn& turn : turns_) {
    due = std::min({due, turn.send_at, turn.exchange.deadline()});
  }
  if (!pausing_ || !pausing_->turn) return due;
  return std::min(due, pausing_->turn->exchange.deadline());
}

void OpenAiTranscription::OnDeadline() {
  for (Turn& turn : turns_) {
    if (now() >= turn.send_at) Send(turn, turn.file);
    Take(turn, turn.exchange.OnDeadline(now()));
  }
  if (!pausing_ || !pausing_->turn) return;
  Take(*pausing_->turn, pausing_->turn->exchange.OnDeadline(now()));
}

void OpenAiTranscription::Take(Turn& turn, HttpExchange::Step step) {
  if (step == HttpExchange::Step::kFailed) OnFailed(turn);
  if (step == HttpExchange::Step::kEnd) OnEnd(turn);
}

void OpenAiTranscription::OnHttpHeaders(ChannelId channel, uint16_t status,
                                        const Json& headers) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  turn->is_json = IsJsonType(MediaTypeOf(headers));
  turn->exchange.OnHeaders(channel, status, headers, IsMarkupType);
}

void OpenAiTranscription::OnHttpChunk(ChannelId channel,
                                      std::span<const uint8_t> bytes) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  const HttpExchange::Step step = turn->exchange.OnChunk(now(), channel, bytes);
  if (step == HttpExchange::Step::kBytes) {
    turn->text.append(reinterpret_cast<const char*>(bytes.data()),
                      bytes.size());
  } else {
    Take(*turn, step);
  }
}

void OpenAiTranscription::OnHttpDone(ChannelId channel) {
  Turn* turn = TurnOf(channel);
  if (turn != nullptr) Take(*turn, turn->exchange.OnDone(channel));
}

void OpenAiTranscription::OnHttpFailed(ChannelId channel, HttpFailure failure,
                                       std::string_view reason) {
  Turn* turn = TurnOf(channel);
  if (turn == nullptr) return;
  Take(*turn, turn->exchange.OnFailed(channel, failure, reason));
}

void OpenAiTranscription::OnEnd(Turn& turn) {
  using Phase = Turn::Phase;
  // Some servers send JSON by another name, and some whatever was asked for.
  const std::string body = std::exchange(turn.text, {});
  const bool is_json = turn.is_json || body.starts_with('{');
  if (!is_json) {
    AppendWellFormed(turn.text, WithoutBlanks(body), kMaxAnswerBytes);
    turn.phase = Phase::kKnown;
    turn.file = {};
    return;
  }
  const Json json = ParseJson(body).value_or(Json());
  const Json* text = FindMember(json, "text");
  if (text != nullptr && text->is_string()) {
    turn.text = WithoutBlanks(StringMember(json, "text"));
    turn.phase = Phase::kKnown;
    turn.file = {};
  } else if (FindMember(json, "error") != nullptr) {
    turn.exchange.failure().OnError(json);
    OnFailed(turn);
  } else {
    turn.exchange.Fail("malformed", Loss::kRetryable);
    OnFailed(turn);
  }
}

std::optional<SttEvent> OpenAiTranscription::NextEvent() {
  if (std::exchange(ready_, false)) return SttReady{};
  if (const auto fault = std::exchange(fault_, std::nullopt)) {
    return ServiceFaulted{*fault};
  }
  if (const auto trouble = std::exchange(trouble_, std::nullopt)) {
    told_trouble_ = *trouble;
    return ServiceFaulted{Fault::kPeerError, told_trouble_.Read().why};
  }
  if (pausing_ && pausing_->turn && !pausing_->told &&
      pausing_->turn->phase == Turn::Phase::kKnown) {
    pausing_->told = true;
    if (!pausing_->turn->text.empty()) {
      return SttText{pausing_->turn->text, TranscriptState::kPart};
    }
  }
  if (turns_.empty()) return std::nullopt;
  const Turn::Phase phase = turns_.front().phase;
  if (phase != Turn::Phase::kKnown && phase != Turn::Phase::kFailed) {
    return std::nullopt;
  }
  told_ = std::move(turns_.front());
  turns_.pop_front();
  if (phase == Turn::Phase::kFailed) {
    const ServiceFailed failed = told_->exchange.failure().Read();
    if (failed.loss == Loss::kFatal) return failed;
    return SttTextFailed{failed.why};
  }
  return SttText{told_->text, TranscriptState::kFinal};
}

}  // namespace trunkline::protocol
