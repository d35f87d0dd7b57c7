#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/channels.h"
#include "protocol/services/openai_http.h"

namespace trunkline::protocol {

// How long the first byte of a vendor's answer is waited for. At first not
// longer than a caller sits in silence; who has answered later than that is
// slow and not stalled, and has twice as long the next time.
class AnswerPatience {
 public:
  static constexpr Duration kShortest = Duration::Millis(1'500);
  // Nobody on a telephone waits longer.
  static constexpr Duration kLongest = Duration::Millis(6'000);

  Duration length() const { return length_; }
  // The first byte came so long after the request.
  void OnAnswered(Duration after);
  // It did not. What is asked for next may have to wait for a slow one.
  void OnStalled() { length_ = kLongest; }

 private:
  Duration length_ = kShortest;
};

// One request to a vendor at a time, and what comes of it, as far as that is
// the same whatever was asked for: its channel, an answer that is an error, one
// that breaks off, one that does not come.
//
// The codes of a failure are the vendor's, those of OpenAiFailure, or
//
//   channels   no channel was free
//   truncated  it ended without an answer
//   stalled    no byte of it came in time
class HttpExchange {
 public:
  // What an input comes to.
  enum class Step : uint8_t {
    kNothing,  // it is of another exchange, or more of an error
    kAnswer,   // the headers of an answer
    kBytes,    // the next bytes of it
    kEnd,      // its end; the exchange is over
    kFailed,   // failure() says why; the exchange is over
  };
  // Whether an answer of this media type cannot be what was asked for, whatever
  // its status.
  using IsForeign = bool (*)(std::string_view media_type);

  // From the request to the headers.
  static constexpr Duration kPatience = AnswerPatience::kLongest;
  // Between two pieces of an answer that has begun: whoever listens hears that
  // it has stopped.
  static constexpr Duration kIdlePatience = Duration::Millis(4'000);

  // `channels` is borrowed for the life of the object.
  explicit HttpExchange(Channels& channels) : channels_(&channels) {}

  // Aborts the former one, and sends `fetch`, whose times and headers to be
  // told are set here. The first byte has `patience` and `more`; it is borrowed
  // until the exchange is over. False if it could not be sent: it has failed.
  bool Send(Instant now, FetchRequest fetch, AnswerPatience& patience,
            Duration more = {});
  // Ends it, if there is one; nothing more comes of it.
  void Abort();
  // Gives the channel away, whose end somebody else waits for.
  std::optional<ChannelId> Release();

  Step OnHeaders(ChannelId channel, uint16_t status, const Json& headers,
                 IsForeign is_foreign);
  Step OnChunk(Instant now, ChannelId channel, std::span<const uint8_t> bytes);
  Step OnDone(ChannelId channel);
  Step OnFailed(ChannelId channel, HttpFailure failure,
                std::string_view reason);
  // By then a byte has to be there; never where one is.
  Instant deadline() const { return answer_by_; }
  // kFailed if none is.
  Step OnDeadline(Instant now);

  // The answer that has come so far, its beginning, is an error.
  Step Refuse(std::span<const uint8_t> beginning);
  // It is worth nothing, for a reason of whoever reads it.
  void Fail(std::string_view code, Loss loss);

  // Until its end, or its failure.
  std::optional<ChannelId> channel() const { return channel_; }
  const OpenAiFailure& failure() const { return failure_; }
  OpenAiFailure& failure() { return failure_; }

 private:
  enum class Phase : uint8_t {
    kNone,
    kAsked,    // no headers yet
    kAnswer,   // a good one comes
    kRefused,  // an error does
  };
  bool IsOf(ChannelId channel) const { return channel == channel_; }
  Step EndWithError();

  Channels* channels_;
  Phase phase_ = Phase::kNone;
  std::optional<ChannelId> channel_;
  AnswerPatience* patience_ = nullptr;
  Instant asked_at_;
  Instant answer_by_ = Instant::Never();
  OpenAiFailure failure_;
};

}  // namespace trunkline::protocol
