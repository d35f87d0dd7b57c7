#include "support/plain_leg.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trunkline::test {
namespace {

using protocol::Encoding;
using protocol::Fault;
using protocol::LegTraits;

std::string NameOf(protocol::MarkId mark) {
  return std::to_string(mark.generation) + ':' + std::to_string(mark.position);
}

// Reads member `key` as one of `names`; false if it is none of them.
template <typename Enum, size_t kCount>
bool Choose(const Json& message, const char* key,
            const std::pair<std::string_view, Enum> (&names)[kCount],
            Enum& out) {
  if (FindMember(message, key) == nullptr) return true;
  const std::string_view value = StringMember(message, key);
  for (const auto& [name, choice] : names) {
    if (value != name) continue;
    out = choice;
    return true;
  }
  return false;
}

bool ReadFormat(const Json& message, const char* key,
                protocol::AudioFormat& out) {
  if (FindMember(message, key) == nullptr) return true;
  const auto format = ParseFormat(StringMember(message, key));
  if (format) out = *format;
  return format.has_value();
}

bool ReadSize(const Json& message, const char* key, size_t& out) {
  if (FindMember(message, key) == nullptr) return true;
  const std::optional<int64_t> size = IntegerMember(message, key);
  if (size) out = static_cast<size_t>(*size);
  return size.has_value();
}

bool ReadManner(const Json& message, LegTraits& traits) {
  using Playback = LegTraits::Playback;
  using MarksOnClear = LegTraits::MarksOnClear;
  using FlowControl = LegTraits::FlowControl;
  constexpr std::pair<std::string_view, Playback> kPlaybacks[] = {
      {"marks", Playback::kMarks},
      {"reports", Playback::kReports},
      {"clock", Playback::kClock}};
  constexpr std::pair<std::string_view, MarksOnClear> kMarksOnClear[] = {
      {"echoed", MarksOnClear::kEchoed}, {"dropped", MarksOnClear::kDropped}};
  constexpr std::pair<std::string_view, FlowControl> kFlowControls[] = {
      {"none", FlowControl::kNone}, {"pauses", FlowControl::kPauses}};
  return Choose(message, "playback", kPlaybacks, traits.playback) &&
         Choose(message, "marksOnClear", kMarksOnClear,
                traits.marks_on_clear) &&
         Choose(message, "flowControl", kFlowControls, traits.flow_control) &&
         ReadSize(message, "maxMessageBytes", traits.max_message_bytes) &&
         ReadSize(message, "messageMultipleBytes",
                  traits.message_multiple_bytes);
}

}  // namespace

std::optional<protocol::AudioFormat> ParseFormat(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<int64_t> rate = ParseDecimal(text.substr(slash + 1));
  for (const Encoding encoding :
       {Encoding::kMuLaw, Encoding::kALaw, Encoding::kLinear16,
        Encoding::kLinear16Big}) {
    if (text.substr(0, slash) != ToString(encoding)) continue;
    for (const int known : {8000, 16000, 24000, 48000}) {
      if (rate == known) return protocol::AudioFormat{encoding, known};
    }
  }
  return std::nullopt;
}

LegTraits PlainLeg::DefaultTraits() {
  LegTraits traits;
  traits.heard = {Encoding::kLinear16, 16000};
  traits.spoken = {Encoding::kLinear16, 16000};
  traits.playback = LegTraits::Playback::kClock;
  traits.marks_on_clear = LegTraits::MarksOnClear::kDropped;
  traits.flow_control = LegTraits::FlowControl::kPauses;
  // At most 200 ms, in frames.
  traits.max_message_bytes = BytesOf(traits.spoken, 200);
  traits.message_multiple_bytes = BytesOf(traits.spoken, 20);
  return traits;
}

PlainLeg::PlainLeg(protocol::Wire& wire, LegTraits traits)
    : wire_(wire), usual_(traits), traits_(traits) {}

void PlainLeg::OnSocketOpened(std::string_view /*subprotocol*/) {
  events_.Clear();
  started_ = false;
  timestamp_ms_.reset();
  pending_marks_.clear();
}

void PlainLeg::OnText(std::string_view text) {
  if (text.size() > kMaxMessageBytes) {
    Report(Fault::kTooLarge);
    return;
  }
  const std::optional<Json> message = ParseJson(text);
  if (!message || !message->is_object()) {
    Report(Fault::kMalformed);
    return;
  }
  const std::string_view type = StringMember(*message, "type");
  if (type.empty()) {
    Report(Fault::kMissingField);
    return;
  }
  if (type == "start") {
    HandleStart(*message);
    return;
  }
  constexpr std::string_view kKnown[] = {"at",    "digit",  "mark", "played",
                                         "pause", "resume", "stop"};
  if (std::find(std::begin(kKnown), std::end(kKnown), type) ==
      std::end(kKnown)) {
    Report(Fault::kUnknownEvent);
    return;
  }
  if (!started_) {
    Report(Fault::kOutOfOrder);
    return;
  }
  const std::string_view stream = StringMember(*message, "streamId");
  if (!stream.empty() && stream != stream_id_) {
    Report(Fault::kForeignStream);
    return;
  }
  if (type == "at") {
    timestamp_ms_ = IntegerMember(*message, "ms");
    if (!timestamp_ms_) Report(Fault::kMissingField);
  } else if (type == "digit") {
    const std::string_view digit = StringMember(*message, "digit");
    if (digit.size() == 1) {
      events_.Push(protocol::LegDigit{digit[0]});
    } else {
      Report(digit.empty() ? Fault::kMissingField : Fault::kWrongType);
    }
  } else if (type == "mark") {
    HandleMark(StringMember(*message, "name"));
  } else if (type == "played") {
    const std::optional<int64_t> samples = IntegerMember(*message, "samples");
    if (!samples) {
      Report(Fault::kMissingField);
    } else if (traits_.playback != LegTraits::Playback::kReports) {
      Report(Fault::kOutOfOrder);
    } else {
      events_.Push(protocol::LegPlayed{static_cast<uint64_t>(*samples)});
    }
  } else if (type == "stop") {
    started_ = false;
    events_.Push(protocol::LegStopped{});
  } else if (traits_.flow_control == LegTraits::FlowControl::kNone) {
    Report(Fault::kOutOfOrder);
  } else {
    events_.Push(protocol::LegFlow{type == "pause"
                                       ? protocol::LegFlow::State::kPaused
                                       : protocol::LegFlow::State::kReady});
  }
}

void PlainLeg::HandleStart(const Json& message) {
  if (started_) {
    Report(Fault::kDuplicateStart);
    return;
  }
  LegTraits traits = usual_;
  if (!ReadFormat(message, "heard", traits.heard) ||
      !ReadFormat(message, "spoken", traits.spoken)) {
    Report(Fault::kUnsupportedFormat);
    return;
  }
  if (!ReadManner(message, traits)) {
    Report(Fault::kWrongType);
    return;
  }
  started_ = true;
  traits_ = traits;
  call_id_ = StringMember(message, "callId");
  stream_id_ = StringMember(message, "streamId");
  token_ = StringMember(message, "token");
  events_.Push(protocol::LegStarted{call_id_, stream_id_, token_, traits_});
}

void PlainLeg::HandleMark(std::string_view name) {
  const auto pending = std::find_if(
      pending_marks_.begin(), pending_marks_.end(),
      [name](protocol::MarkId mark) { return NameOf(mark) == name; });
  if (pending == pending_marks_.end()) {
    Report(Fault::kUnknownMark);
    return;
  }
  const protocol::MarkId mark = *pending;
  pending_marks_.erase(pending);
  events_.Push(protocol::LegMarkEchoed{mark});
}

void PlainLeg::OnBinary(std::span<const uint8_t> bytes) {
  const std::optional<int64_t> timestamp_ms =
      std::exchange(timestamp_ms_, std::nullopt);
  if (!started_) {
    Report(Fault::kOutOfOrder);
  } else if (bytes.size() > kMaxMessageBytes) {
    Report(Fault::kTooLarge);
  } else if (bytes.size() % BytesPerSample(traits_.heard.encoding) != 0) {
    Report(Fault::kBadPayload);
  } else if (!bytes.empty()) {
    audio_.assign(bytes.begin(), bytes.end());
    events_.Push(protocol::LegAudio{timestamp_ms, audio_});
  }
}

protocol::LegClose PlainLeg::OnSocketClosed(uint16_t code) {
  return code == 1000 || code == 1001 || code == 1005
             ? protocol::LegClose::kHungUp
             : protocol::LegClose::kBroken;
}

void PlainLeg::Play(std::span<const uint8_t> audio) {
  if (!started_) return;
  TL_CHECK(!audio.empty());
  TL_CHECK(audio.size() % BytesPerSample(traits_.spoken.encoding) == 0);
  TL_CHECK(traits_.max_message_bytes == 0 ||
           audio.size() <= traits_.max_message_bytes);
  wire_.SendBinary(audio);
}

void PlainLeg::Mark(protocol::MarkId mark) {
  if (!started_ || traits_.playback != LegTraits::Playback::kMarks) return;
  pending_marks_.push_back(mark);
  wire_.SendText(PrintJson({{"type", "mark"}, {"name", NameOf(mark)}}));
}

void PlainLeg::Clear() {
  if (!started_) return;
  if (traits_.marks_on_clear == LegTraits::MarksOnClear::kDropped) {
    pending_marks_.clear();
  }
  wire_.SendText(PrintJson({{"type", "clear"}}));
}

}  // namespace trunkline::test
