#include "protocol/services/http_voice.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

// The longest WAV head: a few words about the program may be in it.
constexpr size_t kMaxHeadBytes = 4096;
// Every container's name.
constexpr size_t kNameBytes = 4;

// What servers call "pcm", or a WAV file of it.
constexpr std::string_view kAudioTypes[] = {
    "audio/pcm", "audio/x-pcm", "audio/l16",  "audio/raw",     "audio/x-raw",
    "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"};

// The rate that a content type names is another one.
bool IsOtherRate(std::string_view content_type, int rate_hz) {
  constexpr std::string_view kRate = "rate=";
  const size_t at = content_type.find(kRate);
  if (at == std::string_view::npos) return false;
  std::string_view rate = content_type.substr(at + kRate.size());
  rate = rate.substr(0, rate.find_first_of("; "));
  return ParseDecimal(rate) != rate_hz;
}

// The first bytes of what may begin with `name`.
bool BeginsWith(std::span<const uint8_t> bytes, std::string_view name) {
  return std::equal(
      bytes.begin(),
      bytes.begin() +
          static_cast<ptrdiff_t>(std::min(bytes.size(), name.size())),
      name.begin(),
      [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); });
}

enum class Likeness : uint8_t { kNo, kYes, kUnknown };

// Whether the first bytes are those of {"error": ...}, or of what else vendors
// call it ("errors", "err_code"), however it is written.
// No speech begins like that, so that it is none whatever it was called.
Likeness LikeAnError(std::span<const uint8_t> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()),
                              head.size());
  if (text.front() != '{') return Likeness::kNo;
  const size_t begin = text.find_first_not_of(" \t\r\n", 1);
  const std::string_view member =
      begin == std::string_view::npos ? std::string_view() : text.substr(begin);
  Likeness likeness = Likeness::kNo;
  for (const std::string_view known :
       {"\"error\"", "\"errors\"", "\"err_code\""}) {
    if (member.starts_with(known)) return Likeness::kYes;
    // Not beyond the longest head: there is always an end to it.
    if (known.starts_with(member) && text.size() < kMaxHeadBytes) {
      likeness = Likeness::kUnknown;
    }
  }
  return likeness;
}

// What a voice does not answer with.
bool IsNoVoice(std::string_view media_type) {
  return IsJsonType(media_type) || IsMarkupType(media_type) ||
         media_type.starts_with("text/");
}

}  // namespace

HttpVoice::HttpVoice(Endpoint endpoint, Channels& channels)
    : endpoint_(std::move(endpoint)),
      channels_(channels),
      exchange_(channels) {}

void HttpVoice::Reset() {
  phase_ = Phase::kNothing;
  is_audio_said_ = false;
  head_.clear();
  samples_left_.reset();
  odd_.reset();
  credited_ms_ = 0;
  credit_at_ = Instant::Never();
  fault_.reset();
  audio_.clear();
  end_ = End::kNone;
  has_audio_ = false;
}

std::string_view HttpVoice::Bounded(std::string_view text) {
  size_t at = 0;
  size_t word_end = 0;
  for (size_t count = 0; at < text.size(); ++count) {
    if (text[at] == ' ') word_end = at;
    if (count == endpoint_.max_characters) {
      Report(Fault::kTooLarge);
      return text.substr(0, word_end > 0 ? word_end : at);
    }
    at += CodePointAt(text, at).bytes;
  }
  return text;
}

void HttpVoice::Speak(std::string_view text) {
  Abort();
  const std::string body = PrintJson(Request(Bounded(text)));
  FetchRequest fetch;
  fetch.upstream = endpoint_.upstream;
  fetch.path = endpoint_.path;
  fetch.headers = {{"content-type", "application/json"}};
  fetch.max_bytes = static_cast<uint32_t>(
      kMaxHeadBytes + BytesOf(endpoint_.format, kMaxAudioMs));
  fetch.window = static_cast<uint32_t>(BytesOf(endpoint_.format, kWindowMs));
  fetch.body = {reinterpret_cast<const uint8_t*>(body.data()), body.size()};
  if (!exchange_.Send(now(), std::move(fetch), patience_)) Fail();
}

void HttpVoice::Abort() {
  exchange_.Abort();
  Reset();
}

void HttpVoice::OnHttpHeaders(ChannelId channel, uint16_t status,
                              const Json& headers) {
  if (exchange_.OnHeaders(channel, status, headers, IsNoVoice) !=
      HttpExchange::Step::kAnswer) {
    return;
  }
  const std::string type = MediaTypeOf(headers);
  is_audio_said_ = type.starts_with("audio/");
  const bool is_known =
      std::find(std::begin(kAudioTypes), std::end(kAudioTypes), type) !=
      std::end(kAudioTypes);
  if ((is_audio_said_ && !is_known) ||
      IsOtherRate(StringMember(headers, "content-type"),
                  endpoint_.format.sample_rate_hz)) {
    // The server has no PCM to give, or another.
    Fail("audioFormat", Loss::kFatal);
    return;
  }
  phase_ = Phase::kHead;
}

void HttpVoice::OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) {
  const HttpExchange::Step step = exchange_.OnChunk(now(), channel, bytes);
  if (step != HttpExchange::Step::kBytes) {
    Take(step);
    return;
  }
  switch (phase_) {
    case Phase::kNothing:
      break;
    case Phase::kHead:
      OnHead(bytes);
      break;
    case Phase::kAudio:
      OnAudio(bytes);
      break;
  }
}

void HttpVoice::OnHead(std::span<const uint8_t> bytes) {
  head_.insert(head_.end(), bytes.begin(), bytes.end());
  if (head_.size() < kNameBytes) return;
  const std::span<const uint8_t> head = head_;
  // A body of this kind that is not called so. As samples these would be a
  // bang, which no speech begins with.
  const Likeness error = LikeAnError(head);
  if (error == Likeness::kUnknown) return;
  if (error == Likeness::kYes ||
      (!is_audio_said_ && (BeginsWith(head, "{\"") || BeginsWith(head, "<!") ||
                           BeginsWith(head, "<htm")))) {
    phase_ = Phase::kNothing;
    Take(exchange_.Refuse(head));
    return;
  }
  for (const char* name : {"ID3", "OggS", "fLaC"}) {
    if (!BeginsWith(head, name)) continue;
    Fail("audioFormat", Loss::kFatal);
    return;
  }
  size_t begin = 0;
  if (BeginsWith(head, "RIFF")) {
    const WavHeadReading wav =
        ReadWavHead(head, endpoint_.format.sample_rate_hz, kMaxHeadBytes);
    switch (wav.verdict) {
      case WavHeadReading::Verdict::kMore:
        return;
      case WavHeadReading::Verdict::kForeign:
        Fail("audioFormat", Loss::kFatal);
        return;
      case WavHeadReading::Verdict::kOk:
        begin = wav.begin;
        samples_left_ = wav.bytes;
        break;
    }
  }
  phase_ = Phase::kAudio;
  OnAudio(head.subspan(begin));
  head_.clear();
}

void HttpVoice::OnAudio(std::span<const uint8_t> bytes) {
  if (samples_left_) {
    // What is behind the samples of a file is about them.
    bytes = bytes.first(std::min(bytes.size(), *samples_left_));
    *samples_left_ -= bytes.size();
  }
  if (bytes.empty()) return;
  if (credit_at_.is_never()) {
    first_audio_ = now();
    credit_at_ = now() + Duration::Millis(kCreditEveryMs);
  }
  if (odd_) audio_.push_back(*odd_);
  odd_.reset();
  audio_.insert(audio_.end(), bytes.begin(), bytes.end());
  if (audio_.size() % 2 == 1) {
    odd_ = audio_.back();
    audio_.pop_back();
  }
  has_audio_ = has_audio_ || !audio_.empty();
}

void HttpVoice::OnDeadline() {
  Take(exchange_.OnDeadline(now()));
  const std::optional<ChannelId> channel = exchange_.channel();
  if (!channel || now() < credit_at_) return;
  const int64_t since_ms = (now() - first_audio_).ms();
  // Late by hours is as late as the whole text is long.
  const int64_t due_ms = std::min<int64_t>(since_ms, kMaxAudioMs);
  if (due_ms > credited_ms_) {
    channels_.Credit(*channel, static_cast<uint32_t>(BytesOf(
                                   endpoint_.format,
                                   static_cast<int>(due_ms - credited_ms_))));
    credited_ms_ = due_ms;
  }
  credit_at_ = now() + Duration::Millis(kCreditEveryMs);
}

void HttpVoice::OnHttpDone(ChannelId channel) {
  Take(exchange_.OnDone(channel));
}

void HttpVoice::OnHttpFailed(ChannelId channel, HttpFailure failure,
                             std::string_view reason) {
  Take(exchange_.OnFailed(channel, failure, reason));
}

void HttpVoice::Take(HttpExchange::Step step) {
  if (step == HttpExchange::Step::kFailed) Fail();
  if (step == HttpExchange::Step::kEnd) OnEnd();
}

void HttpVoice::OnEnd() {
  switch (phase_) {
    case Phase::kNothing:
      break;
    case Phase::kHead:
      // Less than a name is long, less than a WAV head, or than an error.
      Fail("empty", Loss::kRetryable);
      break;
    case Phase::kAudio:
      if (odd_) Report(Fault::kBadPayload);
      if (!has_audio_) {
        Fail("empty", Loss::kRetryable);
        break;
      }
      phase_ = Phase::kNothing;
      credit_at_ = Instant::Never();
      end_ = End::kDone;
      break;
  }
}

void HttpVoice::Fail(std::string_view code, Loss loss) {
  exchange_.Fail(code, loss);
  Fail();
}

void HttpVoice::Fail() {
  phase_ = Phase::kNothing;
  credit_at_ = Instant::Never();
  end_ = End::kFailed;
}

std::optional<TtsEvent> HttpVoice::NextEvent() {
  if (const auto fault = std::exchange(fault_, std::nullopt)) {
    return ServiceFaulted{*fault};
  }
  if (!audio_.empty()) {
    told_.swap(audio_);
    audio_.clear();
    return TtsAudio{told_};
  }
  switch (std::exchange(end_, End::kNone)) {
    case End::kNone:
      return std::nullopt;
    case End::kDone:
      return TtsDone{};
    case End::kFailed:
      break;
  }
  return exchange_.failure().Read();
}

}  // namespace trunkline::protocol
