#include "support/world/plain_adapter.h"

#include <string>

#include "base/json.h"

namespace trunkline::test {
namespace {

using protocol::LegTraits;

std::string NameOf(protocol::AudioFormat format) {
  return std::string(ToString(format.encoding)) + "/" +
         std::to_string(format.sample_rate_hz);
}

const char* NameOf(LegTraits::Playback playback) {
  switch (playback) {
    case LegTraits::Playback::kMarks:
      return "marks";
    case LegTraits::Playback::kReports:
      return "reports";
    case LegTraits::Playback::kClock:
      break;
  }
  return "clock";
}

Message Say(const Json& json) { return Message::Text(json.dump()); }

}  // namespace

void PlainAdapter::Start(const std::string& token, const LegTraits& traits,
                         const Send& send) {
  const bool echoes = traits.marks_on_clear == LegTraits::MarksOnClear::kEchoed;
  const bool pauses = traits.flow_control == LegTraits::FlowControl::kPauses;
  send(Say({{"type", "start"},
            {"callId", "CA1"},
            {"streamId", "MZ1"},
            {"token", token},
            {"heard", NameOf(traits.heard)},
            {"spoken", NameOf(traits.spoken)},
            {"playback", NameOf(traits.playback)},
            {"marksOnClear", echoes ? "echoed" : "dropped"},
            {"flowControl", pauses ? "pauses" : "none"},
            {"maxMessageBytes", traits.max_message_bytes},
            {"messageMultipleBytes", traits.message_multiple_bytes}}));
}

void PlainAdapter::Audio(int64_t timestamp_ms, std::string_view audio,
                         const Send& send) {
  send(Message::Text(R"({"type":"at","ms":)" + std::to_string(timestamp_ms) +
                     "}"));
  send(Message::Binary(std::string(audio)));
}

void PlainAdapter::Echo(const std::string& mark, const Send& send) {
  send(Say({{"type", "mark"}, {"name", mark}}));
}

void PlainAdapter::Digit(char digit, const Send& send) {
  send(Say({{"type", "digit"}, {"digit", std::string(1, digit)}}));
}

void PlainAdapter::Stop(const Send& send) { send(Say({{"type", "stop"}})); }

void PlainAdapter::Played(uint64_t samples, const Send& send) {
  send(Say({{"type", "played"}, {"samples", samples}}));
}

void PlainAdapter::Flow(protocol::LegFlow::State state, const Send& send) {
  const bool paused = state == protocol::LegFlow::State::kPaused;
  send(Say({{"type", paused ? "pause" : "resume"}}));
}

void PlainAdapter::Receive(const Message& message, LineControl& line) {
  if (message.kind == Message::Kind::kBinary) {
    line.Play(message.bytes);
    return;
  }
  const Json json = Json::parse(message.bytes, nullptr, false);
  const std::string_view type =
      json.is_object() ? StringMember(json, "type") : std::string_view();
  if (type == "clear" && json.size() == 1) {
    line.Clear();
  } else if (type == "mark" && json.size() == 2 &&
             !StringMember(json, "name").empty()) {
    line.Mark(std::string(StringMember(json, "name")));
  } else {
    line.Complain(message.bytes);
  }
}

}  // namespace trunkline::test
