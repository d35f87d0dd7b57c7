#include "support/world/hostile_realtime.h"

#include <algorithm>
#include <utility>

namespace trunkline::test {
namespace {

using protocol::ChannelId;

constexpr uint16_t kStatuses[] = {400, 401, 403, 404, 408, 429,
                                  500, 502, 503, 504, 301, 200};
constexpr uint16_t kCodes[] = {1000, 1001, 1005, 1006, 1007, 1008, 1009,
                               1011, 1012, 1013, 3000, 4000, 4999};
constexpr const char* kErrors[] = {"server_error",
                                   "invalid_value",
                                   "rate_limit_exceeded",
                                   "something_new",
                                   "",
                                   "session_expired",
                                   "insufficient_quota",
                                   "invalid_api_key",
                                   "model_not_found",
                                   "response_cancel_not_active",
                                   "conversation_already_has_active_response",
                                   "item_truncate_invalid_item_id"};
constexpr const char* kRetryTexts[] = {
    "Rate limit reached. Please try again in 3.1s.",
    "Please try again in 20ms.",
    "Please try again in 300ms. Visit the page.",
    "try again in 1h2m3s",
    "try again in soon",
    "try again in -5s",
    "try again in 99999999999999999999s",
    "try again in ",
    "nothing of the kind"};
constexpr const char* kUpdated = R"({"type":"session.updated"})";
// What a peer may send in the place of an event.
constexpr const char* kGarbage[] = {
    "",
    "{",
    "null",
    "[]",
    "\"text\"",
    "{}",
    R"({"type":5})",
    R"({"type":"response.new_thing","x":[1,2,{"y":null}]})",
    R"({"type":"response.output_audio.delta"})",
    R"({"type":"response.output_audio.delta","response_id":"resp_1","item_id":"item_1","delta":"***"})",
    R"({"type":"response.output_audio.delta","response_id":"resp_1","delta":"////"})",
    R"({"type":"response.done"})",
    R"({"type":"response.done","response":5})",
    R"({"type":"response.done","response":{"id":"resp_none","status":"completed"}})",
    R"({"type":"response.done","response":{"id":"resp_none","status":"failed"}})",
    R"({"type":"response.created"})",
    R"({"type":"error"})",
    R"({"type":"error","error":"no"})",
    R"({"type":"response.output_audio_transcript.delta","item_id":"item_1","delta":"\ud83d"})",
    R"({"type":"response.output_audio_transcript.done","item_id":"item_99","transcript":"words of nobody"})",
    R"({"type":"response.output_audio_transcript.done","item_id":"item_1","transcript":"words of a former item"})",
    R"({"type":"conversation.item.input_audio_transcription.completed","item_id":"user_1","transcript":"\ud83d\ude00 \udc00 late"})",
    R"({"type":"conversation.item.input_audio_transcription.completed","item_id":"user_77","transcript":"whose?"})",
    R"({"type":"conversation.item.input_audio_transcription.delta","item_id":"user_1","delta":"stop"})",
    R"({"type":"conversation.item.input_audio_transcription.failed","item_id":"user_1"})",
    R"({"type":"response.output_item.done","response_id":"resp_1","item":{"type":"function_call","status":"completed","name":"lookup"}})",
    R"({"type":"response.output_item.done","response_id":"resp_1","item":{"type":"function_call","status":"incomplete","call_id":"x","name":"lookup"}})",
    R"({"type":"rate_limits.updated","rate_limits":[{"name":"tokens","remaining":0,"reset_seconds":1e9}]})",
    R"({"type":"session.created"})",
    kUpdated,
    R"({"type":"input_audio_buffer.timeout_triggered"})",
    R"({"type":"response.done","response":{"id":"","status":"completed","usage":{"input_tokens":-9223372036854775808,"output_tokens":"x"}}})"};

template <size_t kCount>
size_t Throw(Dice& dice, const std::array<uint32_t, kCount>& weights) {
  uint32_t sum = 0;
  for (const uint32_t weight : weights) sum += weight;
  uint32_t at = dice.Below(sum);
  for (size_t i = 0; i < kCount; ++i) {
    if (at < weights[i]) return i;
    at -= weights[i];
  }
  return 0;
}

}  // namespace

HostileRealtime::HostileRealtime(Clock& clock, Upstreams& upstreams,
                                 Agent& agent, RealtimeAdapter& honest,
                                 Dice dice, const Temper& temper)
    : clock_(clock),
      upstreams_(upstreams),
      agent_(agent),
      honest_(honest),
      dice_(dice),
      temper_(temper) {
  honest.tamper = [this](Message message,
                         const std::function<void(Message)>& deliver) {
    Tampered(std::move(message), deliver);
  };
  upstreams.SetProvider(*this);
}

const char* HostileRealtime::PickError() { return dice_.Pick(kErrors); }

const char* HostileRealtime::PickRetryText() { return dice_.Pick(kRetryTexts); }

HostileRealtime::Start HostileRealtime::ThrowStart() {
  if (next_starts.empty()) {
    return static_cast<Start>(Throw(dice_, temper_.starts));
  }
  const Start start = next_starts.front();
  next_starts.pop_front();
  return start;
}

HostileRealtime::Reply HostileRealtime::ThrowReply() {
  if (!next_replies.empty()) {
    last_ = next_replies.front();
    next_replies.pop_front();
  } else if (always) {
    last_ = *always;
  } else if (last_ == Reply::kHonest || !dice_.Chance(temper_.same_again)) {
    last_ = static_cast<Reply>(Throw(dice_, temper_.replies));
  }
  return last_;
}

std::optional<HostileRealtime::Oddity> HostileRealtime::ThrowOddity() {
  if (temper_.odd == 0 || !dice_.Chance(temper_.odd)) return std::nullopt;
  return static_cast<Oddity>(dice_.Below(kOddities));
}

// ---------------------------------------------------------------------------
// Sockets

void HostileRealtime::OnConnect(ChannelId channel,
                                const protocol::ConnectRequest& request) {
  start_ = ThrowStart();
  Deed(std::string("socket: ") + ToString(start_));
  ++connection_;
  ++run_;
  EndActive();
  steps_.clear();
  known_names_.clear();
  held_back_.reset();
  busy_ = 0;
  configured_ = false;
  switch (start_) {
    case Start::kRefused:
      agent_.CountConnection();
      return upstreams_.Refuse(channel, dice_.Pick(kStatuses));
    case Start::kNeverOpens:
      agent_.CountConnection();
      return;
    case Start::kSilent:
      agent_.CountConnection();
      return upstreams_.Open(channel, "realtime");
    case Start::kCloses:
      agent_.CountConnection();
      upstreams_.Open(channel, "realtime");
      clock_.After(dice_.Chance(500) ? Duration() : Duration::Millis(70),
                   [this, channel] {
                     upstreams_.Drop(channel, dice_.Pick(kCodes), "bye");
                   });
      return;
    case Start::kHonest:
    case Start::kNeverReady:
    case Start::kConfigRefused:
    case Start::kSlow:
    case Start::kTwice:
    case Start::kDeaf:
      break;
  }
  honest_.OnConnect(channel, request);
  if (start_ == Start::kTwice) Raw(R"({"type":"session.created"})");
  if (temper_.whim_every > Duration()) {
    clock_.After(clock_.RandomDelay(temper_.whim_every + temper_.whim_every),
                 [this, connection = connection_] { Whim(connection); });
  }
}

void HostileRealtime::OnFetch(ChannelId channel, const std::string& upstream,
                              const std::string& body) {
  honest_.OnFetch(channel, upstream, body);
}

void HostileRealtime::OnClosed(ChannelId channel) {
  ++connection_;
  ++run_;
  EndActive();
  honest_.OnClosed(channel);
}

void HostileRealtime::Close() {
  const uint16_t code = close_code.value_or(dice_.Pick(kCodes));
  Deed("closes with " + std::to_string(code));
  const bool making = active_.has_value() || agent_.replying();
  ++run_;
  ++connection_;
  EndActive();
  const ChannelId channel = honest_.channel();
  agent_.OnConnected();
  const bool lost = making && was_asked_ && !was_cancelled_;
  if (lost && on_reply_lost && upstreams_.IsOpen(channel)) on_reply_lost();
  upstreams_.Drop(channel, code, "the server says \"so\" sk-abcdefgh12345678");
}

void HostileRealtime::Tampered(Message message,
                               const std::function<void(Message)>& deliver) {
  if (start_ == Start::kDeaf &&
      message.bytes.find("session.") == std::string::npos) {
    return;
  }
  if (dice_.Chance(temper_.lost)) {
    Deed("loses " + message.bytes.substr(0, 60));
    return;
  }
  if (!held_back_ && dice_.Chance(temper_.reordered)) {
    held_back_ = std::move(message);
    return;
  }
  if (dice_.Chance(temper_.split)) {
    const size_t at = message.bytes.size() / 2;
    Deed("splits " + message.bytes.substr(0, 60));
    deliver(Message::Text(message.bytes.substr(0, at)));
    deliver(Message::Text(message.bytes.substr(at)));
  } else {
    if (dice_.Chance(temper_.doubled)) {
      Deed("doubles " + message.bytes.substr(0, 60));
      deliver(message);
    }
    deliver(std::move(message));
  }
  if (held_back_) deliver(*std::exchange(held_back_, {}));
}

// ---------------------------------------------------------------------------
// From the gateway

void HostileRealtime::OnMessage(ChannelId channel, const Message& message) {
  constexpr std::string_view kAudio = R"({"type":"input_audio_buffer.append")";
  if (message.bytes.starts_with(kAudio)) {
    if (start_ != Start::kDeaf && start_ != Start::kSilent) {
      honest_.OnMessage(channel, message);
    }
    return;
  }
  const Json request = Json::parse(message.bytes, nullptr, false);
  if (on_request) on_request(request);
  if (start_ == Start::kSilent) return;
  const std::string_view type = StringMember(request, "type");
  if (type == "session.update") {
    DoUpdate(channel, message, request);
  } else if (start_ == Start::kDeaf) {
    return;
  } else if (type == "response.create") {
    DoCreate(channel, message, request);
  } else if (type == "response.cancel") {
    DoCancel(channel, message, request);
  } else {
    honest_.OnMessage(channel, message);
  }
}

void HostileRealtime::DoUpdate(ChannelId channel, const Message& message,
                               const Json& request) {
  switch (start_) {
    case Start::kNeverReady:
      return;
    case Start::kConfigRefused:
      return Refuse(request, dice_.Chance(500), PickError(), PickRetryText());
    case Start::kSlow:
      clock_.After(Duration::Millis(dice_.Between(50, 1500)),
                   [this, channel, message, connection = connection_] {
                     if (connection == connection_) Configure(channel, message);
                   });
      return;
    case Start::kTwice:
      Configure(channel, message);
      [[fallthrough]];
    case Start::kHonest:
    case Start::kDeaf:
      Configure(channel, message);
      return;
    case Start::kRefused:
    case Start::kNeverOpens:
    case Start::kSilent:
    case Start::kCloses:
      return;
  }
}

void HostileRealtime::Configure(ChannelId channel, const Message& message) {
  configured_ = true;
  honest_.OnMessage(channel, message);
}

void HostileRealtime::DoCancel(ChannelId channel, const Message& message,
                               const Json& request) {
  was_cancelled_ = true;
  // The gateway may have heard none of them.
  known_names_.clear();
  if (dice_.Chance(temper_.cancel_ignored)) {
    Deed("ignores a cancel");
    return;
  }
  if (dice_.Chance(temper_.cancel_denied)) {
    Deed("denies a cancel");
    return Refuse(request, dice_.Chance(500), "response_cancel_not_active",
                  "Cancellation failed: no active response found");
  }
  if (!active_) return honest_.OnMessage(channel, message);
  steps_.clear();
  ++run_;
  Steps steps;
  AddDone(steps, "cancelled", {});
  if (temper_.late_words != 0 && dice_.Chance(temper_.late_words)) {
    Deed("words behind a cancel");
    AddLateWords(steps);
  }
  const size_t first_item = first_item_;
  Play(std::move(steps));
  first_item_ = first_item;
}

void HostileRealtime::DoCreate(ChannelId channel, const Message& message,
                               const Json& request) {
  if (active_ || !steps_.empty() || agent_.replying()) {
    return Refuse(request, true, "conversation_already_has_active_response",
                  "Conversation already has an active response");
  }
  was_asked_ = true;
  was_cancelled_ = false;
  if (const std::optional<Oddity> oddity = ThrowOddity()) {
    Deed(std::string("reply: ") + ToString(*oddity));
    return Play(StepsOf(*oddity, request));
  }
  const Reply reply = ThrowReply();
  Deed(std::string("reply: ") + ToString(reply));
  if (reply == Reply::kHonest) {
    honest_.OnMessage(channel, message);
    if (on_item) on_item(agent_.items().back().id);
    return;
  }
  Play(StepsOf(reply, request));
}

void HostileRealtime::Refuse(const Json& request, bool named,
                             const std::string& code, const std::string& text) {
  Json error = {{"type", "invalid_request_error"}, {"message", text}};
  if (!code.empty()) error["code"] = code;
  if (named) error["event_id"] = StringMember(request, "event_id");
  honest_.Send(
      {{"type", "error"}, {"event_id", "e"}, {"error", std::move(error)}});
}

// ---------------------------------------------------------------------------
// What nobody asked for

void HostileRealtime::Whim(uint64_t connection) {
  if (connection != connection_) return;
  DoWhim();
  clock_.After(clock_.RandomDelay(temper_.whim_every + temper_.whim_every),
               [this, connection] { Whim(connection); });
}

void HostileRealtime::DoWhim() {
  if (dice_.Chance(temper_.whims_that_close)) return Close();
  switch (dice_.Below(12)) {
    case 0:
      Deed("whim: error");
      return Refuse(Json::object(), false, PickError(), PickRetryText());
    case 1:
      Deed("whim: speech started");
      return honest_.SpeechStarted();
    case 2:
      Deed("whim: speech stopped");
      return honest_.SpeechStopped();
    case 3:
      Deed("whim: committed");
      return agent_.Commit();
    case 4:
      Deed("whim: commits in a row");
      for (int i = 0; i < 5; ++i) agent_.Commit();
      return;
    case 5:
      if (active_ || !steps_.empty() || agent_.replying()) return;
      Deed("whim: a reply of its own");
      was_asked_ = false;
      return Play(StepsOf(static_cast<Reply>(dice_.Below(kReplies)), {}));
    case 6:
      Deed("whim: words of the caller");
      return agent_.Transcribe("user_" + std::to_string(dice_.Below(4)),
                               dice_.Chance(500) ? "hello?" : "");
    case 7:
      Deed("whim: binary");
      return upstreams_.Tell(honest_.channel(),
                             Message::Binary(std::string(7, '\xFF')));
    case 8:
      Deed("whim: huge");
      return Raw(R"({"type":"response.new","text":")" +
                 std::string(dice_.Below(60'000), 'x') + "\"}");
    case 9:
      Deed("whim: a stale response.done");
      return honest_.Send({{"type", "response.done"},
                           {"response",
                            {{"id", "resp_" + std::to_string(dice_.Below(5))},
                             {"status", "completed"}}}});
    default: {
      const std::string text = dice_.Pick(kGarbage);
      // Taken at its word, it would speak in another format than was asked for.
      if (!configured_ && text == kUpdated) return;
      Deed("whim: " + text.substr(0, 80));
      return Raw(text);
    }
  }
}

const char* ToString(HostileRealtime::Reply reply) {
  using R = HostileRealtime::Reply;
  switch (reply) {
    case R::kHonest:
      return "honest";
    case R::kIgnored:
      return "ignored";
    case R::kRefused:
      return "refused";
    case R::kRefusedUnnamed:
      return "refusedUnnamed";
    case R::kLimited:
      return "limited";
    case R::kCallsTool:
      return "callsTool";
    case R::kCallsUndeclared:
      return "callsUndeclared";
    case R::kCallsTwice:
      return "callsTwice";
    case R::kEndsCall:
      return "endsCall";
    case R::kPreamble:
      return "preamble";
    case R::kItems:
      return "items";
    case R::kText:
      return "text";
    case R::kEmpty:
      return "empty";
    case R::kFailed:
      return "failed";
    case R::kFailedInAudio:
      return "failedInAudio";
    case R::kIncomplete:
      return "incomplete";
    case R::kCutShort:
      return "cutShort";
    case R::kCancelled:
      return "cancelled";
    case R::kStalls:
      return "stalls";
    case R::kStallsInAudio:
      return "stallsInAudio";
    case R::kDrops:
      return "drops";
    case R::kDropsInAudio:
      return "dropsInAudio";
    case R::kTrickle:
      return "trickle";
    case R::kNameless:
      return "nameless";
    case R::kDoubled:
      return "doubled";
    case R::kUnannounced:
      return "unannounced";
    case R::kBusy:
      return "busy";
  }
  return "unknown";
}

const char* ToString(HostileRealtime::Oddity oddity) {
  using O = HostileRealtime::Oddity;
  switch (oddity) {
    case O::kMingled:
      return "mingled";
    case O::kErrorBehindCreated:
      return "errorBehindCreated";
    case O::kCallWithoutStatus:
      return "callWithoutStatus";
    case O::kCallInPieces:
      return "callInPieces";
    case O::kCallInDone:
      return "callInDone";
    case O::kWordsAfterDone:
      return "wordsAfterDone";
  }
  return "unknown";
}

const char* ToString(HostileRealtime::Start start) {
  using S = HostileRealtime::Start;
  switch (start) {
    case S::kHonest:
      return "honest";
    case S::kRefused:
      return "refused";
    case S::kNeverOpens:
      return "neverOpens";
    case S::kSilent:
      return "silent";
    case S::kCloses:
      return "closes";
    case S::kNeverReady:
      return "neverReady";
    case S::kConfigRefused:
      return "configRefused";
    case S::kSlow:
      return "slow";
    case S::kTwice:
      return "twice";
    case S::kDeaf:
      return "deaf";
  }
  return "unknown";
}

}  // namespace trunkline::test
