#include "protocol/services/local_tts.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/utf8.h"
#include "protocol/services/sentences.h"

namespace trunkline::protocol {
namespace {

constexpr AudioFormat kVoiceFormat{Encoding::kLinear16, 8000};
constexpr uint16_t kHttpOk = 200;
// Fields of a row of words: index, begin, end, from, to.
constexpr size_t kWordFields = 5;

bool IsFatalStatus(uint16_t status) {
  return status >= 400 && status < 500 && status != 408 && status != 429;
}

std::optional<int64_t> FieldAt(const Json& row, size_t index) {
  const Json& value = row[index];
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<int64_t>();
  constexpr int64_t kMax = int64_t{1} << 40;
  if (number < 0 || number > kMax) return std::nullopt;
  return number;
}

}  // namespace

LocalTts::LocalTts(Config config, Channels& channels)
    : config_(config), channels_(channels) {}

AudioFormat LocalTts::format() const { return kVoiceFormat; }

void LocalTts::Forget() {
  channel_.reset();
  incoming_.clear();
  read_ = 0;
  ended_ = false;
}

void LocalTts::Speak(std::string_view text) {
  Abort();
  text_bytes_ = text.size();
  has_words_ = HasWords(text);
  status_ = 0;
  unasked_bytes_ = 0;
  samples_ = 0;
  began_ = Instant::Never();
  last_word_ = {};
  if (text.size() > kMaxTextBytes) {
    Fail(Loss::kFatal, "text", "longer than the voice takes");
    return;
  }
  const std::string body = PrintJson({{"text", text}, {"pace", config_.pace}});
  FetchRequest fetch;
  fetch.upstream = "speech";
  fetch.path = "/speak";
  fetch.headers = {{"content-type", "application/json"}};
  fetch.max_bytes = kMaxAnswerBytes;
  fetch.window = kWindowBytes;
  fetch.body = {reinterpret_cast<const uint8_t*>(body.data()), body.size()};
  channel_ = channels_.Fetch(fetch);
  if (!channel_) Fail(Loss::kRetryable, "channels", {});
}

void LocalTts::Abort() {
  events_.Clear();
  if (channel_ && !ended_) channels_.Abort(*channel_);
  Forget();
}

// The last event of a text.
void LocalTts::Fail(Loss loss, std::string_view code,
                    std::string_view message) {
  // Views of a message that Forget() clears.
  failure_code_ = CutText(code, kMaxFailureBytes);
  failure_message_ = CutText(message, kMaxFailureBytes);
  if (channel_ && !ended_) channels_.Abort(*channel_);
  Forget();
  events_.Push(ServiceFailed{
      loss, {.code = failure_code_, .message = failure_message_}});
}

void LocalTts::Fail(Fault fault, std::string_view code) {
  events_.Push(ServiceFaulted{fault});
  Fail(fault == Fault::kUnsupportedFormat ? Loss::kFatal : Loss::kRetryable,
       code, {});
}

void LocalTts::OnHttpHeaders(ChannelId channel, uint16_t status,
                             const Json& /*headers*/) {
  if (IsOf(channel)) status_ = status;
}

void LocalTts::OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) {
  if (!IsOf(channel)) return;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size());
  unasked_bytes_ += static_cast<uint32_t>(bytes.size());
  if (status_ != kHttpOk) {
    incoming_ += text.substr(0, kMaxRefusalBytes - incoming_.size());
    AskForMore();
    return;
  }
  incoming_ += text;
}

void LocalTts::OnHttpDone(ChannelId channel) {
  if (!IsOf(channel)) return;
  ended_ = true;
  if (status_ != kHttpOk) FailAsRefused();
}

void LocalTts::OnHttpFailed(ChannelId channel, HttpFailure failure,
                            std::string_view reason) {
  if (!IsOf(channel)) return;
  ended_ = true;
  Fail(Loss::kRetryable, ToString(failure), reason);
}

void LocalTts::FailAsRefused() {
  const std::optional<Json> refusal = ParseJson(incoming_);
  const std::string status = "http" + std::to_string(status_);
  std::string_view code = refusal ? StringMember(*refusal, "code") : "";
  if (code.empty()) code = status;
  Fail(IsFatalStatus(status_) ? Loss::kFatal : Loss::kRetryable, code,
       refusal ? StringMember(*refusal, "message") : "");
}

std::optional<TtsEvent> LocalTts::NextEvent() {
  while (events_.empty() && channel_ && status_ == kHttpOk) {
    const std::string_view left = std::string_view(incoming_).substr(read_);
    const size_t end = left.find('\n');
    if (std::min(end, left.size()) > kMaxLineBytes) {
      Fail(Fault::kTooLarge, "line");
    } else if (end != std::string_view::npos) {
      // Before the line is looked at: that may be the last one.
      read_ += end + 1;
      OnLine(left.substr(0, end));
    } else {
      incoming_.erase(0, std::exchange(read_, 0));
      if (ended_) Fail(Loss::kRetryable, "truncated", {});
      AskForMore();
      break;
    }
  }
  return events_.Take();
}

void LocalTts::OnLine(std::string_view line) {
  if (line.empty()) return;
  const std::optional<Json> message = ParseJson(line);
  if (!message || !message->is_object()) {
    // What it said is missing from the speech.
    Fail(Fault::kMalformed, "malformed");
    return;
  }
  const std::string_view type = StringMember(*message, "type");
  if (type == "audio") {
    OnAudio(*message);
  } else if (type == "done") {
    OnDone(*message);
  } else if (type == "error") {
    const std::string_view code = StringMember(*message, "code");
    Fail(code == "request" ? Loss::kFatal : Loss::kRetryable,
         code.empty() ? "error" : code, StringMember(*message, "message"));
  } else {
    events_.Push(ServiceFaulted{Fault::kUnknownEvent});
  }
}

void LocalTts::OnAudio(const Json& message) {
  const Json* audio = FindMember(message, "audio");
  if (audio == nullptr || !audio->is_string()) {
    Fail(Fault::kMissingField, "malformed");
    return;
  }
  const int64_t rate_hz = IntegerMember(message, "rateHz").value_or(0);
  if (rate_hz != kVoiceFormat.sample_rate_hz) {
    Fail(Fault::kUnsupportedFormat, "format");
    return;
  }
  const std::string_view text = StringMember(message, "audio");
  audio_.resize(Base64DecodedMaxSize(text.size()));
  const std::optional<size_t> size = Base64Decode(text, audio_);
  if (!size || *size % BytesPerSample(kVoiceFormat.encoding) != 0) {
    Fail(Fault::kBadPayload, "payload");
    return;
  }
  if (const Json* words = FindMember(message, "words")) {
    OnWords(*words, rate_hz);
  }
  if (*size == 0) return;
  if (began_.is_never()) began_ = now();
  samples_ +=
      static_cast<int64_t>(*size / BytesPerSample(kVoiceFormat.encoding));
  events_.Push(TtsAudio{std::span<const uint8_t>(audio_).first(*size)});
}

// Words that are none cost no speech: they are left out, and the fault says so.
void LocalTts::OnWords(const Json& rows, int64_t rate_hz) {
  words_.clear();
  bool all_well = rows.is_array();
  for (size_t i = 0; all_well && i < rows.size(); ++i) {
    const Json& row = rows[i];
    if (!row.is_array() || row.size() != kWordFields) {
      all_well = false;
      break;
    }
    const std::optional<int64_t> end = FieldAt(row, 2);
    const std::optional<int64_t> to = FieldAt(row, 4);
    const SpokenWord word{static_cast<uint32_t>(std::min<int64_t>(
                              end.value_or(0), int64_t{UINT32_MAX})),
                          to.value_or(0) * 1000 / rate_hz};
    all_well = end && to && word.text_end <= text_bytes_ &&
               word.text_end >= last_word_.text_end &&
               word.end_ms >= last_word_.end_ms;
    if (!all_well) break;
    last_word_ = word;
    words_.push_back(word);
  }
  if (!all_well) events_.Push(ServiceFaulted{Fault::kWrongType});
  if (!words_.empty()) events_.Push(TtsWords{words_});
}

void LocalTts::OnDone(const Json& message) {
  if (IntegerMember(message, "samples") != samples_) {
    Fail(Loss::kRetryable, "samples", {});
    return;
  }
  if (samples_ == 0 && has_words_) {
    Fail(Loss::kRetryable, "empty", {});
    return;
  }
  // The exchange ends by itself, unless credit is what it waits for.
  if (channel_ && !ended_ && unasked_bytes_ > 0) {
    channels_.Credit(*channel_, std::exchange(unasked_bytes_, 0));
  }
  Forget();
  events_.Push(TtsDone{});
}

Instant LocalTts::deadline() const {
  if (!channel_ || ended_ || unasked_bytes_ == 0) return Instant::Never();
  const Duration here =
      Duration::Micros(samples_ * 1'000'000 / kVoiceFormat.sample_rate_hz);
  return began_.is_never() ? now() : began_ + here - kAhead;
}

// In place of what has come, unless enough of it is still to be heard.
void LocalTts::AskForMore() {
  if (!channel_ || now() < deadline()) return;
  channels_.Credit(*channel_, std::exchange(unasked_bytes_, 0));
}

}  // namespace trunkline::protocol
