#include "protocol/services/local_stt.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

constexpr AudioFormat kEarsFormat{Encoding::kLinear16, 8000};
// A word may seem to end a little behind the audio that it was heard in: the
// recogniser counts in frames of 10 ms and looks around each.
constexpr int64_t kWordSlackMs = 100;

constexpr size_t kSampleBytes = BytesPerSample(kEarsFormat.encoding);

// Whole samples.
size_t BytesBack(Duration ago, size_t most) {
  constexpr int64_t kLongestMs = 60'000;
  const int64_t ms = std::clamp<int64_t>(ago.ms(), 0, kLongestMs);
  return std::min(BytesOf(kEarsFormat, static_cast<int>(ms)),
                  most / kSampleBytes * kSampleBytes);
}

// `text` behind what was said before it.
void Join(std::string& said, std::string_view text) {
  const bool has_room = said.size() < LocalStt::kMaxTextBytes;
  if (!said.empty() && !text.empty() && has_room) said += ' ';
  AppendWellFormed(said, text, LocalStt::kMaxTextBytes);
}

// Where the last word of a partial text ends in its utterance; 0 without words.
int64_t LastWordMs(const Json& message) {
  constexpr size_t kFields = 5;
  constexpr size_t kTo = 3;
  const Json* words = FindMember(message, "words");
  if (words == nullptr || !words->is_array() || words->empty()) return 0;
  const Json& row = words->back();
  if (!row.is_array() || row.size() != kFields) return 0;
  const Json& to = row[kTo];
  return to.is_number_integer() ? to.get<int64_t>() : 0;
}

}  // namespace

LocalStt::LocalStt(std::vector<std::string> sentences, Channels& channels)
    : sentences_(std::move(sentences)), channels_(channels) {
  // Trimmed once a pre-roll, not once a frame.
  heard_.reserve(2 * BytesOf(kEarsFormat, kPreRollMs) +
                 BytesOf(kEarsFormat, kMaxMessageMs));
}

AudioFormat LocalStt::format() const { return kEarsFormat; }

void LocalStt::Reset() {
  phase_ = Phase::kNone;
  ready_by_ = Instant::Never();
  heard_.clear();
  unsent_bytes_ = 0;
  turn_.reset();
  owed_.clear();
}

void LocalStt::Begin() {
  End("again");
  const std::optional<ChannelId> channel =
      channels_.Connect({"speech", "/listen", {}});
  if (!channel) {
    Fail(Loss::kRetryable, "channels", {});
    return;
  }
  channel_ = *channel;
  phase_ = Phase::kConnecting;
  ready_by_ = now() + kReadyPatience;
}

void LocalStt::End(std::string_view reason) {
  events_.Clear();
  if (phase_ != Phase::kNone) channels_.Close(channel_, kCloseNormal, reason);
  Reset();
}

// The last event until Begin().
void LocalStt::Fail(Loss loss, std::string_view code,
                    std::string_view message) {
  failure_code_ = CutText(code, kMaxFailureBytes);
  failure_message_ = CutText(message, kMaxFailureBytes);
  if (phase_ != Phase::kNone) {
    channels_.Close(channel_, kCloseNormal, failure_code_);
  }
  Reset();
  events_.Push(ServiceFailed{
      loss, {.code = failure_code_, .message = failure_message_}});
}

void LocalStt::OnSocketOpened(ChannelId channel) {
  if (!IsOf(channel) || phase_ != Phase::kConnecting) return;
  const std::string listen = PrintJson({{"type", "listen"},
                                        {"rateHz", kEarsFormat.sample_rate_hz},
                                        {"kind", "words"},
                                        {"sentences", sentences_}});
  if (listen.size() > kMaxListenBytes) {
    Fail(Loss::kFatal, "sentences", "longer than the ears take");
    return;
  }
  phase_ = Phase::kPreparing;
  channels_.SendText(channel_, listen);
}

void LocalStt::OnSocketClosed(ChannelId channel, uint16_t code,
                              uint16_t http_status, std::string_view reason) {
  if (!IsOf(channel)) return;
  // There is nothing left to close.
  phase_ = Phase::kNone;
  if (http_status != 0) {
    const bool fatal = http_status >= 401 && http_status <= 404;
    Fail(fatal ? Loss::kFatal : Loss::kRetryable,
         "http" + std::to_string(http_status), reason);
  } else {
    Fail(Loss::kRetryable, "closed" + std::to_string(code), reason);
  }
}

void LocalStt::OnBinary(ChannelId channel, std::span<const uint8_t> /*bytes*/) {
  if (IsOf(channel)) Report(Fault::kUnexpectedBinary);
}

void LocalStt::OnOversize(ChannelId channel) {
  if (IsOf(channel)) Report(Fault::kTooLarge);
}

void LocalStt::OnText(ChannelId channel, std::string_view text) {
  if (!IsOf(channel)) return;
  const std::optional<Json> message = ParseJson(text);
  if (!message || !message->is_object()) {
    Report(Fault::kMalformed);
    return;
  }
  const std::string_view type = StringMember(*message, "type");
  if (type.empty()) {
    Report(Fault::kMissingField);
  } else if (type == "ready") {
    OnReady(*message);
  } else if (type == "partial") {
    OnPartial(*message);
  } else if (type == "final") {
    OnFinal(*message);
  } else if (type == "error") {
    OnError(*message);
  } else {
    Report(Fault::kUnknownEvent);
  }
}

void LocalStt::OnReady(const Json& message) {
  if (phase_ != Phase::kPreparing) {
    Report(Fault::kOutOfOrder);
    return;
  }
  phase_ = Phase::kReady;
  ready_by_ = Instant::Never();
  events_.Push(SttReady{});
  const Json* unknown = FindMember(message, "unknown");
  // It hears all the others.
  if (unknown != nullptr && !unknown->empty()) Report(Fault::kPeerError);
}

int64_t LocalStt::SentMs(const Turn& turn) const {
  constexpr auto kBytesPerMs = static_cast<int64_t>(BytesOf(kEarsFormat, 1));
  return turn.sent_bytes / kBytesPerMs;
}

void LocalStt::OnPartial(const Json& message) {
  // The Worker hears one utterance after the other: until a text that is owed
  // has come, this is of an older turn, or of none.
  if (!turn_ || !owed_.empty()) return;
  // Nor does a turn hear words later than it is long: they crossed with the
  // `drop` of another.
  if (LastWordMs(message) > SentMs(*turn_) - turn_->over_ms + kWordSlackMs) {
    return;
  }
  text_ = turn_->text;
  Join(text_, StringMember(message, "text"));
  events_.Push(SttText{text_, TranscriptState::kPart});
}

void LocalStt::OnFinal(const Json& message) {
  const std::string_view text = StringMember(message, "text");
  if (StringMember(message, "why") == "full") {
    Turn* turn = nullptr;
    if (!owed_.empty()) {
      turn = &owed_.front();
    } else if (turn_) {
      turn = &*turn_;
    }
    const int64_t ms = IntegerMember(message, "ms").value_or(0);
    // Of none that we know, or longer than this one: it crossed with the `drop`
    // of another.
    if (turn == nullptr || SentMs(*turn) - turn->over_ms < ms) return;
    turn->over_ms += ms;
    Join(turn->text, text);
    return;
  }
  if (owed_.empty()) {
    Report(Fault::kOutOfOrder);
    return;
  }
  Turn turn = std::move(owed_.front());
  owed_.pop_front();
  if (!turn.wanted) return;
  text_ = std::move(turn.text);
  Join(text_, text);
  events_.Push(SttText{text_, TranscriptState::kFinal});
}

void LocalStt::OnError(const Json& message) {
  const std::string_view code = StringMember(message, "code");
  const bool fatal = code == "language" || code == "request";
  Fail(fatal ? Loss::kFatal : Loss::kRetryable, code.empty() ? "error" : code,
       StringMember(message, "message"));
}

// The next `bytes` of what is not sent, in messages that the Worker takes.
void LocalStt::SendAudio(Turn& turn, size_t bytes) {
  while (bytes > 0) {
    const size_t size = std::min(bytes, BytesOf(kEarsFormat, kMaxMessageMs));
    channels_.SendBinary(channel_, std::span<const uint8_t>(heard_).subspan(
                                       heard_.size() - unsent_bytes_, size));
    unsent_bytes_ -= size;
    bytes -= size;
    turn.sent_bytes += static_cast<int64_t>(size);
  }
}

void LocalStt::TrimPreRoll() {
  constexpr size_t kKeep = BytesOf(kEarsFormat, kPreRollMs);
  if (heard_.size() <= kKeep) return;
  // Whole samples, so that what is left begins with one.
  const size_t drop = (heard_.size() - kKeep) / kSampleBytes * kSampleBytes;
  heard_.erase(heard_.begin(), heard_.begin() + static_cast<ptrdiff_t>(drop));
}

void LocalStt::Listen(std::span<const uint8_t> audio) {
  if (phase_ != Phase::kReady) return;
  constexpr size_t kGather = BytesOf(kEarsFormat, kGatherMs);
  constexpr size_t kStep = BytesOf(kEarsFormat, kMaxMessageMs);
  while (!audio.empty()) {
    const auto next = audio.first(std::min(audio.size(), kStep));
    audio = audio.subspan(next.size());
    if (heard_.size() + next.size() > heard_.capacity()) TrimPreRoll();
    heard_.insert(heard_.end(), next.begin(), next.end());
    if (!turn_) continue;
    unsent_bytes_ += next.size();
    if (unsent_bytes_ >= kGather) {
      SendAudio(*turn_, unsent_bytes_ / kSampleBytes * kSampleBytes);
    }
  }
}

void LocalStt::TurnStarted(Duration ago) {
  if (phase_ != Phase::kReady || turn_) return;
  TrimPreRoll();
  // What is not a whole sample yet comes with its other half.
  const size_t half = heard_.size() % kSampleBytes;
  const size_t back =
      BytesBack(ago + Duration::Millis(kMarginBeforeMs), heard_.size());
  unsent_bytes_ = back + half;
  SendAudio(turn_.emplace(), back);
}

void LocalStt::Finish(Duration ago) {
  if (!turn_) return;
  if (owed_.size() == kMaxOwed) {
    Fail(Loss::kRetryable, "finals", {});
    return;
  }
  Turn turn = std::move(*turn_);
  turn_.reset();
  const size_t half = unsent_bytes_ % kSampleBytes;
  const size_t silence =
      BytesBack(ago - Duration::Millis(kMarginAfterMs), unsent_bytes_);
  SendAudio(turn, unsent_bytes_ - half - silence);
  channels_.SendText(channel_, R"({"type":"finish"})");
  turn.due = now() + kFinalPatience;
  owed_.push_back(std::move(turn));
  unsent_bytes_ = 0;
  // The speech of this turn is not the beginning of the next one.
  const size_t keep =
      std::min(BytesBack(ago, heard_.size()) + heard_.size() % kSampleBytes,
               heard_.size());
  heard_.erase(heard_.begin(), heard_.end() - static_cast<ptrdiff_t>(keep));
}

void LocalStt::Forget() {
  if (turn_) {
    turn_.reset();
    unsent_bytes_ = 0;
    channels_.SendText(channel_, R"({"type":"drop"})");
    return;
  }
  for (Turn& turn : owed_) turn.wanted = false;
}

Instant LocalStt::deadline() const {
  return owed_.empty() ? ready_by_ : std::min(ready_by_, owed_.front().due);
}

void LocalStt::OnDeadline() {
  if (now() < deadline()) return;
  Fail(Loss::kRetryable, "timeout", {});
}

}  // namespace trunkline::protocol
