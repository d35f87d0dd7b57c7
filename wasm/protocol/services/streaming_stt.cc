#include "protocol/services/streaming_stt.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"

namespace trunkline::protocol {

StreamingStt::StreamingStt(AudioFormat format, Channels& channels)
    : format_(format), channels_(channels) {}

void StreamingStt::Reset() {
  phase_ = Phase::kNone;
  open_by_ = quiet_at_ = Instant::Never();
  unsent_.clear();
  kept_.clear();
  kept_overflowed_ = false;
  was_open_ = false;
  reopens_ = 0;
  heard_bytes_ = unanswered_bytes_ = 0;
  Restart();
}

void StreamingStt::Begin() {
  End("again");
  const std::optional<ChannelId> channel = channels_.Connect(Request());
  if (!channel) {
    Fail(Loss::kRetryable, "channels", {});
    return;
  }
  channel_ = *channel;
  phase_ = Phase::kConnecting;
  open_by_ = now() + kOpenPatience;
}

void StreamingStt::End(std::string_view reason) {
  events_.Clear();
  if (is_open()) Send(R"({"type":"CloseStream"})");
  if (phase_ != Phase::kNone) channels_.Close(channel_, kCloseNormal, reason);
  Reset();
}

void StreamingStt::Lose(Loss loss, std::string_view code,
                        std::string_view message) {
  failure_code_ = CutText(code, kMaxFailureBytes);
  failure_message_ = CutText(message, kMaxFailureBytes);
  if (loss == Loss::kFatal || !Reopen()) Fail(loss, code, message);
}

void StreamingStt::Fail(Loss loss, std::string_view code,
                        std::string_view message) {
  failure_code_ = CutText(code, kMaxFailureBytes);
  failure_message_ = CutText(message, kMaxFailureBytes);
  if (phase_ != Phase::kNone) {
    channels_.Close(channel_, kCloseNormal, failure_code_);
  }
  Reset();
  // What it has heard is worth nothing any more.
  events_.Clear();
  Push(ServiceFailed{loss,
                     {.code = failure_code_, .message = failure_message_}});
}

void StreamingStt::OnLoss() {
  if (is_open() && now() - opened_at_ >= kSteady) reopens_ = 0;
}

bool StreamingStt::Reopen() {
  if (!was_open_) return false;
  OnLoss();
  if (reopens_ == kMaxReopens) return false;
  ++reopens_;
  if (phase_ != Phase::kNone) {
    channels_.Close(channel_, kCloseNormal, failure_code_);
  }
  phase_ = Phase::kNone;
  const std::optional<ChannelId> channel = channels_.Connect(Request());
  if (!channel) return false;
  channel_ = *channel;
  phase_ = Phase::kReopening;
  open_by_ = now() + kReopenPatience;
  quiet_at_ = Instant::Never();
  unsent_.clear();
  Push(ServiceFaulted{Fault::kPeerError,
                      {.code = failure_code_, .message = failure_message_}});
  return true;
}

void StreamingStt::OnSocketOpened(ChannelId channel) {
  const bool reopens = phase_ == Phase::kReopening;
  if (!IsOf(channel) || (phase_ != Phase::kConnecting && !reopens)) return;
  phase_ = Phase::kOpen;
  was_open_ = true;
  open_by_ = Instant::Never();
  opened_at_ = heard_at_ = now();
  quiet_at_ = now() + quiet_after();
  if (!reopens) {
    Push(SttReady{});
    return;
  }
  const int64_t former_ms = heard_ms();
  heard_bytes_ = kept_.size();
  unanswered_bytes_ = 0;
  unsent_ = kept_;
  SendRest();
  OnReopened(former_ms - heard_ms());
}

void StreamingStt::KeepFrom(int64_t stream_ms) {
  const int64_t ms = std::max<int64_t>(heard_ms() - stream_ms, 0);
  const size_t bytes = std::min(
      kept_.size(),
      BytesOf(format_, static_cast<int>(std::min<int64_t>(ms, kMaxKeptMs))));
  kept_.erase(kept_.begin(), kept_.end() - static_cast<ptrdiff_t>(bytes));
  kept_overflowed_ = false;
}

// A second more than is kept: it is not moved with each frame.
void StreamingStt::Keep(std::span<const uint8_t> audio) {
  const bool has_turn = in_turn();
  const size_t most = BytesOf(format_, has_turn ? kMaxKeptMs : kMaxKeptQuietMs);
  const size_t slack = BytesOf(format_, 1'000);
  if (kept_.size() + audio.size() > most + slack) {
    const size_t left = std::min(kept_.size(), most);
    kept_.erase(kept_.begin(), kept_.end() - static_cast<ptrdiff_t>(left));
    if (has_turn && !std::exchange(kept_overflowed_, true)) {
      Report(Fault::kTooLarge);
    }
  }
  const size_t size = kept_.size() + audio.size();
  if (size > kept_.capacity()) {
    kept_.reserve(std::max(size, std::min(2 * size, most + slack)));
  }
  kept_.insert(kept_.end(), audio.begin(), audio.end());
}

void StreamingStt::OnSocketClosed(ChannelId channel, uint16_t code,
                                  uint16_t http_status,
                                  std::string_view reason) {
  if (!IsOf(channel)) return;
  OnLoss();
  // There is nothing left to close.
  phase_ = Phase::kNone;
  if (http_status != 0) {
    const bool fatal = http_status >= 400 && http_status <= 404;
    Lose(fatal ? Loss::kFatal : Loss::kRetryable,
         "http" + std::to_string(http_status), reason);
  } else {
    constexpr uint16_t kPolicyViolation = 1008;
    Lose(code == kPolicyViolation ? Loss::kFatal : Loss::kRetryable,
         "closed" + std::to_string(code), reason);
  }
}

void StreamingStt::OnBinary(ChannelId channel,
                            std::span<const uint8_t> /*bytes*/) {
  if (IsOf(channel)) Report(Fault::kUnexpectedBinary);
}

void StreamingStt::OnOversize(ChannelId channel) {
  if (IsOf(channel)) Report(Fault::kTooLarge);
}

void StreamingStt::OnText(ChannelId channel, std::string_view text) {
  if (!IsOf(channel) || !is_open()) return;
  unanswered_bytes_ = 0;
  const std::optional<Json> message = ParseJson(text);
  if (!message || !message->is_object()) {
    Report(Fault::kMalformed);
    return;
  }
  OnMessage(*message);
}

int64_t StreamingStt::heard_ms() const {
  return static_cast<int64_t>(heard_bytes_ / BytesOf(format_, 1));
}

// All whole chunks, and what is left beyond them if it is not less than
// `least`.
void StreamingStt::SendChunks(size_t least) {
  const size_t chunk = BytesOf(format_, kChunkMs);
  size_t sent = 0;
  for (;;) {
    const size_t size = std::min(unsent_.size() - sent, chunk);
    if (size == 0 || (size < chunk && size < least)) break;
    channels_.SendBinary(channel_,
                         std::span<const uint8_t>(unsent_).subspan(sent, size));
    sent += size;
  }
  unsent_.erase(unsent_.begin(),
                unsent_.begin() + static_cast<ptrdiff_t>(sent));
}

void StreamingStt::SendRest() { SendChunks(0); }

void StreamingStt::SendSilence(Duration length) {
  const size_t bytes = BytesOf(format_, static_cast<int>(length.ms()));
  unsent_.resize(unsent_.size() + bytes);
  heard_bytes_ += bytes;
  SendRest();
}

void StreamingStt::Listen(std::span<const uint8_t> audio) {
  if (audio.empty()) return;
  if (!hears()) return;
  Keep(audio);
  heard_bytes_ += audio.size();
  if (!is_open()) return;
  unsent_.insert(unsent_.end(), audio.begin(), audio.end());
  unanswered_bytes_ += audio.size();
  heard_at_ = now();
  SendChunks(BytesOf(format_, kChunkMs));
  if (!in_turn()) {
    unanswered_bytes_ = 0;
  } else if (unanswered_bytes_ > BytesOf(format_, kStallMs)) {
    Lose(Loss::kRetryable, "stalled", {});
  }
}

Instant StreamingStt::deadline() const { return std::min(open_by_, quiet_at_); }

void StreamingStt::OnDeadline() {
  if (now() >= open_by_) {
    Lose(Loss::kRetryable, "timeout", {});
  } else if (now() >= quiet_at_) {
    // Moved here and not with each frame: a deadline is an effect.
    const bool is_quiet = now() - heard_at_ >= quiet_after();
    quiet_at_ = (is_quiet ? now() : heard_at_) + quiet_after();
    if (is_quiet) OnQuiet();
  }
}

}  // namespace trunkline::protocol
