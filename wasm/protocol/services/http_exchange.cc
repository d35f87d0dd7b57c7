#include "protocol/services/http_exchange.h"

#include <algorithm>
#include <utility>

namespace trunkline::protocol {

void AnswerPatience::OnAnswered(Duration after) {
  length_ = std::clamp(after + after, kShortest, kLongest);
}

bool HttpExchange::Send(Instant now, FetchRequest fetch,
                        AnswerPatience& patience, Duration more) {
  Abort();
  fetch.wants = OpenAiResponseHeaders();
  fetch.timeout = kPatience;
  fetch.idle = kIdlePatience;
  channel_ = channels_->Fetch(fetch);
  if (!channel_) {
    failure_.Set("channels", Loss::kRetryable);
    return false;
  }
  phase_ = Phase::kAsked;
  patience_ = &patience;
  asked_at_ = now;
  answer_by_ = now + patience.length() + more;
  return true;
}

void HttpExchange::Abort() {
  AbortExchange(*channels_, channel_);
  Release();
}

std::optional<ChannelId> HttpExchange::Release() {
  phase_ = Phase::kNone;
  answer_by_ = Instant::Never();
  return std::exchange(channel_, std::nullopt);
}

HttpExchange::Step HttpExchange::EndWithError() {
  Abort();
  failure_.OnAnswer();
  return Step::kFailed;
}

void HttpExchange::Fail(std::string_view code, Loss loss) {
  Abort();
  failure_.Set(code, loss);
}

HttpExchange::Step HttpExchange::OnHeaders(ChannelId channel, uint16_t status,
                                           const Json& headers,
                                           IsForeign is_foreign) {
  if (!IsOf(channel)) return Step::kNothing;
  if (IsGoodStatus(status) && !is_foreign(MediaTypeOf(headers))) {
    phase_ = Phase::kAnswer;
    return Step::kAnswer;
  }
  phase_ = Phase::kRefused;
  failure_.Begin(status, headers);
  return Step::kNothing;
}

HttpExchange::Step HttpExchange::OnChunk(Instant now, ChannelId channel,
                                         std::span<const uint8_t> bytes) {
  if (!IsOf(channel)) return Step::kNothing;
  if (!answer_by_.is_never()) patience_->OnAnswered(now - asked_at_);
  answer_by_ = Instant::Never();
  switch (phase_) {
    case Phase::kNone:
    case Phase::kAsked:
      break;
    case Phase::kAnswer:
      return Step::kBytes;
    case Phase::kRefused:
      if (!failure_.OnBody(bytes)) return EndWithError();
      break;
  }
  return Step::kNothing;
}

HttpExchange::Step HttpExchange::OnDone(ChannelId channel) {
  if (!IsOf(channel)) return Step::kNothing;
  const Phase phase = phase_;
  Release();
  switch (phase) {
    case Phase::kNone:
    case Phase::kAsked:
      failure_.Set("truncated", Loss::kRetryable);
      return Step::kFailed;
    case Phase::kAnswer:
      return Step::kEnd;
    case Phase::kRefused:
      break;
  }
  return EndWithError();
}

HttpExchange::Step HttpExchange::OnFailed(ChannelId channel,
                                          HttpFailure failure,
                                          std::string_view reason) {
  if (!IsOf(channel)) return Step::kNothing;
  const Phase phase = phase_;
  Release();
  // The status has said why.
  if (phase == Phase::kRefused) return EndWithError();
  failure_.OnExchange(failure, reason);
  return Step::kFailed;
}

HttpExchange::Step HttpExchange::OnDeadline(Instant now) {
  if (now < answer_by_) return Step::kNothing;
  patience_->OnStalled();
  if (phase_ == Phase::kRefused) return EndWithError();
  Fail("stalled", Loss::kRetryable);
  return Step::kFailed;
}

HttpExchange::Step HttpExchange::Refuse(std::span<const uint8_t> beginning) {
  phase_ = Phase::kRefused;
  failure_.Begin(200, {});
  return failure_.OnBody(beginning) ? Step::kNothing : EndWithError();
}

}  // namespace trunkline::protocol
