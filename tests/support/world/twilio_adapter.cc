#include "support/world/twilio_adapter.h"

#include <optional>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

using protocol::Encoding;

// The payload of a media message as the gateway writes it most of the time;
// empty for what has to be read. Most of what a line is sent is this.
std::string_view PlainPayload(std::string_view text) {
  constexpr std::string_view kHead =
      R"({"event":"media","streamSid":"MZ1","media":{"payload":")";
  constexpr std::string_view kTail = R"("}})";
  if (!text.starts_with(kHead) || !text.ends_with(kTail)) return {};
  text.remove_prefix(kHead.size());
  text.remove_suffix(kTail.size());
  return text.find_first_of("\"\\") == std::string_view::npos
             ? text
             : std::string_view();
}

}  // namespace

protocol::LegTraits TwilioAdapter::DefaultTraits() {
  protocol::LegTraits traits;
  traits.heard = traits.spoken = {Encoding::kMuLaw, 8000};
  traits.playback = protocol::LegTraits::Playback::kMarks;
  traits.marks_on_clear = protocol::LegTraits::MarksOnClear::kEchoed;
  return traits;
}

std::string TwilioAdapter::Begin(std::string_view event) {
  ++sequence_;
  std::string text = R"({"event":")";
  text += event;
  text += R"(","sequenceNumber":")" + std::to_string(sequence_) +
          R"(","streamSid":"MZ1")";
  return text;
}

void TwilioAdapter::Start(const std::string& token,
                          const protocol::LegTraits& traits, const Send& send) {
  const bool is_mu_law = traits.heard.encoding == Encoding::kMuLaw;
  TL_CHECK(traits.heard == traits.spoken);
  TL_CHECK(traits.heard.sample_rate_hz == 8000);
  TL_CHECK(is_mu_law || traits.heard.encoding == Encoding::kALaw);
  sequence_ = 0;
  chunk_ = 0;
  send(Message::Text(
      R"({"event":"connected","protocol":"Call","version":"1.0.0"})"));
  const char* encoding = is_mu_law ? "audio/x-mulaw" : "audio/x-alaw";
  send(Message::Text(
      Begin("start") +
      R"(,"start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":")" +
      encoding +
      R"(","sampleRate":8000,"channels":1},"customParameters":{"token":")" +
      token + R"("}}})"));
}

void TwilioAdapter::Audio(int64_t timestamp_ms, std::string_view audio,
                          const Send& send) {
  std::string text = Begin("media");
  text += R"(,"media":{"track":"inbound","chunk":")" +
          std::to_string(++chunk_) + R"(","timestamp":")" +
          std::to_string(timestamp_ms) + R"(","payload":")" + ToBase64(audio) +
          R"("}})";
  send(Message::Text(std::move(text)));
}

void TwilioAdapter::LoseAudio() {
  ++sequence_;
  ++chunk_;
}

void TwilioAdapter::Echo(const std::string& mark, const Send& send) {
  send(Message::Text(Begin("mark") + R"(,"mark":{"name":")" + mark + R"("}})"));
}

void TwilioAdapter::Digit(char digit, const Send& send) {
  send(Message::Text(Begin("dtmf") +
                     R"(,"dtmf":{"track":"inbound_track","digit":")" + digit +
                     R"("}})"));
}

void TwilioAdapter::Stop(const Send& send) {
  send(Message::Text(Begin("stop") +
                     R"(,"stop":{"accountSid":"AC1","callSid":"CA1"}})"));
}

// Twilio tells of marks alone, and takes all that comes.
void TwilioAdapter::Played(uint64_t /*samples*/, const Send& /*send*/) {
  TL_CHECK(false);
}

void TwilioAdapter::Flow(protocol::LegFlow::State /*state*/,
                         const Send& /*send*/) {
  TL_CHECK(false);
}

void TwilioAdapter::Receive(const Message& message, LineControl& line) {
  if (message.kind != Message::Kind::kText) {
    line.Complain("binary");
    return;
  }
  const std::string_view plain = PlainPayload(message.bytes);
  if (!plain.empty()) {
    const std::optional<std::string> audio = FromBase64(plain);
    if (audio && !audio->empty()) {
      line.Play(*audio);
      return;
    }
  }
  const Json json = Json::parse(message.bytes, nullptr, false);
  if (!json.is_object() || StringMember(json, "streamSid") != "MZ1") {
    line.Complain(message.bytes);
    return;
  }
  const std::string_view event = StringMember(json, "event");
  if (event == "media" && json.size() == 3 && json.contains("media") &&
      json["media"].size() == 1) {
    const std::optional<std::string> audio =
        FromBase64(StringMember(json["media"], "payload"));
    if (audio && !audio->empty()) {
      line.Play(*audio);
      return;
    }
  } else if (event == "mark" && json.size() == 3 && json.contains("mark") &&
             json["mark"].size() == 1) {
    const std::string name(StringMember(json["mark"], "name"));
    if (!name.empty()) {
      line.Mark(name);
      return;
    }
  } else if (event == "clear" && json.size() == 2) {
    line.Clear();
    return;
  }
  line.Complain(message.bytes);
}

}  // namespace trunkline::test
