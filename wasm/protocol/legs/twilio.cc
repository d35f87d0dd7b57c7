#include "protocol/legs/twilio.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/json.h"
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

TwilioLeg::TwilioLeg(Wire& wire, LegListener& listener)
    : wire_(wire),
      listener_(listener),
      audio_(Base64DecodedMaxSize(kMaxMessageBytes)) {
  pending_marks_.reserve(kMaxPendingMarks);
}

void TwilioLeg::OnSocketOpened() {
  stream_sid_.clear();
  last_sequence_.reset();
  pending_marks_.clear();
}

void TwilioLeg::OnText(std::string_view text) {
  if (text.size() > kMaxMessageBytes) {
    listener_.OnLegFault(Fault::kTooLarge);
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
  listener_.OnLegFault(Fault::kUnexpectedBinary);
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
    listener_.OnLegFault(Fault::kMalformed);
    return;
  }
  const std::string_view event = StringMember(*message, "event");
  if (event.empty()) {
    listener_.OnLegFault(Fault::kMissingField);
    return;
  }
  // The first message; it has neither a sequence number nor a stream.
  if (event == "connected") return;

  if (event == "start") {
    if (!stream_sid_.empty()) {
      listener_.OnLegFault(Fault::kDuplicateStart);
      return;
    }
    const Json* start = FindMember(*message, "start");
    if (start == nullptr || !start->is_object()) {
      listener_.OnLegFault(Fault::kMissingField);
      return;
    }
    LegStart neutral;
    neutral.stream_id = StringMember(*start, "streamSid");
    if (neutral.stream_id.empty()) {
      neutral.stream_id = StringMember(*message, "streamSid");
    }
    neutral.carrier_call_id = StringMember(*start, "callSid");
    if (!IsPlainIdentifier(neutral.stream_id) ||
        (!neutral.carrier_call_id.empty() &&
         !IsPlainIdentifier(neutral.carrier_call_id))) {
      listener_.OnLegFault(neutral.stream_id.empty() ? Fault::kMissingField
                                                     : Fault::kWrongType);
      return;
    }
    const std::optional<AudioFormat> format = ParseMediaFormat(*start);
    if (!format) {
      listener_.OnLegFault(Fault::kUnsupportedFormat);
      return;
    }
    neutral.format = *format;
    if (const Json* parameters = FindMember(*start, "customParameters")) {
      neutral.token = StringMember(*parameters, "token");
    }
    stream_sid_ = neutral.stream_id;
    media_prefix_ = R"({"event":"media","streamSid":")" + stream_sid_ +
                    R"(","media":{"payload":")";
    CheckSequence(IntegerMember(*message, "sequenceNumber"));
    listener_.OnLegStarted(neutral);
    return;
  }

  const bool known =
      event == "media" || event == "mark" || event == "dtmf" || event == "stop";
  if (!known) {
    listener_.OnLegFault(Fault::kUnknownEvent);
    return;
  }
  if (stream_sid_.empty()) {
    listener_.OnLegFault(Fault::kOutOfOrder);
    return;
  }
  if (IsForeign(StringMember(*message, "streamSid"))) return;
  CheckSequence(IntegerMember(*message, "sequenceNumber"));
  if (event == "stop") {
    listener_.OnLegStopped();
    return;
  }
  const Json* body = FindMember(*message, std::string(event).c_str());
  if (body == nullptr || !body->is_object()) {
    listener_.OnLegFault(Fault::kMissingField);
    return;
  }
  if (event == "media") {
    const Json* payload = FindMember(*body, "payload");
    if (payload == nullptr || !payload->is_string()) {
      listener_.OnLegFault(payload == nullptr ? Fault::kMissingField
                                              : Fault::kWrongType);
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
      listener_.OnLegFault(Fault::kUnknownMark);
      return;
    }
    pending_marks_.erase(pending);
    listener_.OnLegMark(*mark);
  } else {
    const std::string_view digit = StringMember(*body, "digit");
    constexpr std::string_view kDigits = "0123456789*#ABCD";
    if (digit.size() != 1 || kDigits.find(digit[0]) == kDigits.npos) {
      listener_.OnLegFault(digit.empty() ? Fault::kMissingField
                                         : Fault::kWrongType);
      return;
    }
    listener_.OnLegDtmf(digit[0]);
  }
}

void TwilioLeg::HandleMedia(const Media& media) {
  if (stream_sid_.empty()) {
    listener_.OnLegFault(Fault::kOutOfOrder);
    return;
  }
  if (IsForeign(media.stream_sid)) return;
  CheckSequence(media.sequence);
  // A fork may carry our own voice back; the bridge needs the caller's only.
  if (!media.inbound) return;
  const std::optional<size_t> size = Base64Decode(media.payload, audio_);
  if (!size) {
    listener_.OnLegFault(Fault::kBadPayload);
    return;
  }
  if (*size == 0) return;
  listener_.OnLegAudio(media.timestamp_ms,
                       std::span<const uint8_t>(audio_).first(*size));
}

void TwilioLeg::CheckSequence(std::optional<int64_t> sequence) {
  if (!sequence) return;
  if (last_sequence_ && *sequence != *last_sequence_ + 1) {
    listener_.OnLegFault(Fault::kLostMessages);
  }
  last_sequence_ = sequence;
}

// Some lookalikes leave the identifier out; only a different one is foreign.
bool TwilioLeg::IsForeign(std::string_view stream_sid) {
  if (stream_sid.empty() || Equal(stream_sid, stream_sid_)) return false;
  listener_.OnLegFault(Fault::kForeignStream);
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
