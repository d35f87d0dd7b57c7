#include "protocol/legs/twilio.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/json_scanner.h"
#include "base/text.h"

namespace trunkline::protocol {
namespace {

constexpr std::string_view kMediaSuffix = "\"}}";
// "g<generation>:<position>", both decimal: letters that survive every
// carrier's echo.
constexpr size_t kMaxMarkName = 1 + 10 + 1 + 20;

// Identifiers of Twilio are 34 characters; lookalikes use UUIDs. They are
// repeated inside our JSON, so anything that would need escaping is refused.
bool IsPlainIdentifier(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

void AppendMarkName(std::string& out, MarkId mark) {
  char digits[20];
  out += 'g';
  auto end = std::to_chars(digits, digits + sizeof digits, mark.generation);
  out.append(digits, end.ptr);
  out += ':';
  end = std::to_chars(digits, digits + sizeof digits, mark.position);
  out.append(digits, end.ptr);
}

std::optional<MarkId> ParseMarkName(std::string_view name) {
  if (name.size() < 4 || name.size() > kMaxMarkName || name[0] != 'g') {
    return std::nullopt;
  }
  MarkId mark;
  const char* const last = name.data() + name.size();
  auto end = std::from_chars(name.data() + 1, last, mark.generation);
  if (end.ec != std::errc() || end.ptr == last || *end.ptr != ':') {
    return std::nullopt;
  }
  end = std::from_chars(end.ptr + 1, last, mark.position);
  if (end.ec != std::errc() || end.ptr != last) return std::nullopt;
  return mark;
}

std::optional<AudioFormat> ParseMediaFormat(const Json& start) {
  const Json* format = FindMember(start, "mediaFormat");
  if (format == nullptr) return std::nullopt;
  const std::string_view encoding = StringMember(*format, "encoding");
  const std::optional<int64_t> rate = IntegerMember(*format, "sampleRate");
  const std::optional<int64_t> channels = IntegerMember(*format, "channels");
  if (rate != 8000 || channels.value_or(1) != 1) return std::nullopt;
  if (encoding == "audio/x-mulaw") return AudioFormat{Encoding::kMuLaw, 8000};
  if (encoding == "audio/x-alaw") return AudioFormat{Encoding::kALaw, 8000};
  return std::nullopt;
}

}  // namespace

TwilioLeg::TwilioLeg(Wire& wire)
    : wire_(wire), audio_(Base64DecodedMaxSize(kMaxMessageBytes)) {
  pending_marks_.reserve(kMaxPendingMarks);
}

void TwilioLeg::OnSocketOpened(std::string_view /*subprotocol*/) {
  events_.Clear();
  stream_sid_.clear();
  last_sequence_.reset();
  pending_marks_.clear();
}

void TwilioLeg::OnText(std::string_view text) {
  if (text.size() > kMaxMessageBytes) {
    Report(Fault::kTooLarge);
    return;
  }
  Media media;
  if (ScanMedia(text, media)) {
    HandleMedia(media);
  } else {
    ParseMessage(text);
  }
}

void TwilioLeg::OnBinary(std::span<const uint8_t> /*bytes*/) {
  Report(Fault::kUnexpectedBinary);
}

// 1000, 1001 and 1005 are a peer's own decision; everything else broke.
LegClose TwilioLeg::OnSocketClosed(uint16_t code) {
  return code == 1000 || code == 1001 || code == 1005 ? LegClose::kHungUp
                                                      : LegClose::kBroken;
}

// True only for a sound media message with nothing unusual in it; the parser
// judges all others.
bool TwilioLeg::ScanMedia(std::string_view text, Media& media) {
  JsonScanner message(text);
  bool is_media = false;
  bool has_body = false;
  bool has_payload = false;
  while (message.Next()) {
    if (Equal(message.key(), "event")) {
      is_media = message.kind() == JsonScanner::Kind::kString &&
                 Equal(message.value(), "media");
      if (!is_media) return false;
    } else if (Equal(message.key(), "media")) {
      // The parser takes the last of two.
      if (has_body || message.kind() != JsonScanner::Kind::kObject) {
        return false;
      }
      has_body = true;
      message.Enter();
      while (message.Next()) {
        if (Equal(message.key(), "payload")) {
          if (!message.string_value()) return false;
          media.payload = message.value();
          has_payload = true;
        } else if (Equal(message.key(), "timestamp")) {
          media.timestamp_ms = message.integer_value();
          if (!media.timestamp_ms) return false;
        } else if (Equal(message.key(), "track")) {
          if (!message.string_value()) return false;
          media.inbound = Equal(message.value(), "inbound");
        }
      }
    } else if (Equal(message.key(), "streamSid")) {
      if (!message.string_value()) return false;
      media.stream_sid = message.value();
    } else if (Equal(message.key(), "sequenceNumber")) {
      media.sequence = message.integer_value();
      if (!media.sequence) return false;
    }
  }
  return message.ok() && is_media && has_payload;
}

void TwilioLeg::ParseMessage(std::string_view text) {
  const std::optional<Json> message = ParseJson(text);
  if (!message || !message->is_object()) {
    Report(Fault::kMalformed);
    return;
  }
  const std::string_view event = StringMember(*message, "event");
  if (event.empty()) {
    Report(Fault::kMissingField);
    return;
  }
  // The first message; it has neither a sequence number nor a stream.
  if (event == "connected") return;

  if (event == "start") {
    HandleStart(*message);
    return;
  }

  const bool known =
      event == "media" || event == "mark" || event == "dtmf" || event == "stop";
  if (!known) {
    Report(Fault::kUnknownEvent);
    return;
  }
  if (stream_sid_.empty()) {
    Report(Fault::kOutOfOrder);
    return;
  }
  if (IsForeign(StringMember(*message, "streamSid"))) return;
  CheckSequence(IntegerMember(*message, "sequenceNumber"));
  if (event == "stop") {
    events_.Push(LegStopped{});
    return;
  }
  const Json* body = FindMember(*message, std::string(event).c_str());
  if (body == nullptr || !body->is_object()) {
    Report(Fault::kMissingField);
    return;
  }
  if (event == "media") {
    const Json* payload = FindMember(*body, "payload");
    if (payload == nullptr || !payload->is_string()) {
      Report(payload == nullptr ? Fault::kMissingField : Fault::kWrongType);
      return;
    }
    Media media;
    media.stream_sid = stream_sid_;
    media.payload = StringMember(*body, "payload");
    media.timestamp_ms = IntegerMember(*body, "timestamp");
    const std::string_view track = StringMember(*body, "track");
    media.inbound = track.empty() || track == "inbound";
    HandleMedia(media);
  } else if (event == "mark") {
    const std::optional<MarkId> mark =
        ParseMarkName(StringMember(*body, "name"));
    const auto pending =
        std::find(pending_marks_.begin(), pending_marks_.end(), mark);
    if (!mark || pending == pending_marks_.end()) {
      Report(Fault::kUnknownMark);
      return;
    }
    pending_marks_.erase(pending);
    events_.Push(LegMarkEchoed{*mark});
  } else {
    const std::string_view digit = StringMember(*body, "digit");
    constexpr std::string_view kDigits = "0123456789*#ABCD";
    if (digit.size() != 1 || kDigits.find(digit[0]) == kDigits.npos) {
      Report(digit.empty() ? Fault::kMissingField : Fault::kWrongType);
      return;
    }
    events_.Push(LegDigit{digit[0]});
  }
}

void TwilioLeg::HandleStart(const Json& message) {
  if (!stream_sid_.empty()) {
    Report(Fault::kDuplicateStart);
    return;
  }
  const Json* start = FindMember(message, "start");
  if (start == nullptr || !start->is_object()) {
    Report(Fault::kMissingField);
    return;
  }
  std::string_view stream_sid = StringMember(*start, "streamSid");
  if (stream_sid.empty()) stream_sid = StringMember(message, "streamSid");
  const std::string_view call_sid = StringMember(*start, "callSid");
  if (!IsPlainIdentifier(stream_sid) ||
      (!call_sid.empty() && !IsPlainIdentifier(call_sid))) {
    Report(stream_sid.empty() ? Fault::kMissingField : Fault::kWrongType);
    return;
  }
  const std::optional<AudioFormat> format = ParseMediaFormat(*start);
  if (!format) {
    Report(Fault::kUnsupportedFormat);
    return;
  }
  stream_sid_ = stream_sid;
  call_sid_ = call_sid;
  const Json* parameters = FindMember(*start, "customParameters");
  token_ = parameters != nullptr ? StringMember(*parameters, "token") : "";
  media_prefix_ = R"({"event":"media","streamSid":")" + stream_sid_ +
                  R"(","media":{"payload":")";
  CheckSequence(IntegerMember(message, "sequenceNumber"));
  LegStarted started;
  started.carrier_call_id = call_sid_;
  started.stream_id = stream_sid_;
  started.token = token_;
  // Marks are echoed when what was before them has played, and all at once when
  // the buffer is cleared: the defaults.
  started.traits.heard = *format;
  started.traits.spoken = *format;
  events_.Push(started);
}

void TwilioLeg::HandleMedia(const Media& media) {
  if (stream_sid_.empty()) {
    Report(Fault::kOutOfOrder);
    return;
  }
  if (IsForeign(media.stream_sid)) return;
  CheckSequence(media.sequence);
  // A fork may carry our own voice back; the bridge needs the caller's only.
  if (!media.inbound) return;
  const std::optional<size_t> size = Base64Decode(media.payload, audio_);
  if (!size) {
    Report(Fault::kBadPayload);
    return;
  }
  if (*size == 0) return;
  events_.Push(LegAudio{media.timestamp_ms,
                        std::span<const uint8_t>(audio_).first(*size)});
}

void TwilioLeg::CheckSequence(std::optional<int64_t> sequence) {
  if (!sequence) return;
  if (last_sequence_ && *sequence != *last_sequence_ + 1) {
    Report(Fault::kLostMessages);
  }
  last_sequence_ = sequence;
}

// Some lookalikes leave the identifier out; only a different one is foreign.
bool TwilioLeg::IsForeign(std::string_view stream_sid) {
  if (stream_sid.empty() || Equal(stream_sid, stream_sid_)) return false;
  Report(Fault::kForeignStream);
  return true;
}

void TwilioLeg::Play(std::span<const uint8_t> audio) {
  if (stream_sid_.empty()) return;
  message_.assign(media_prefix_);
  const size_t head = message_.size();
  message_.resize(head + Base64EncodedSize(audio.size()));
  Base64Encode(audio, message_.data() + head);
  message_ += kMediaSuffix;
  wire_.SendText(message_);
}

void TwilioLeg::Mark(MarkId mark) {
  if (stream_sid_.empty()) return;
  // Overflow: the oldest is forgotten; its echo then counts as unknown.
  if (pending_marks_.size() == kMaxPendingMarks) {
    pending_marks_.erase(pending_marks_.begin());
  }
  pending_marks_.push_back(mark);
  message_.assign(R"({"event":"mark","streamSid":")");
  message_ += stream_sid_;
  message_ += R"(","mark":{"name":")";
  AppendMarkName(message_, mark);
  message_ += kMediaSuffix;
  wire_.SendText(message_);
}

void TwilioLeg::Clear() {
  if (stream_sid_.empty()) return;
  message_.assign(R"({"event":"clear","streamSid":")");
  message_ += stream_sid_;
  message_ += "\"}";
  wire_.SendText(message_);
}

}  // namespace trunkline::protocol
