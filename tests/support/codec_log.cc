#include "support/codec_log.h"

#include <algorithm>
#include <type_traits>
#include <variant>

namespace trunkline::test {
namespace {

using protocol::ChannelId;

std::string Number(ChannelId channel) {
  return std::to_string(static_cast<uint16_t>(channel));
}

std::string Join(std::initializer_list<std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

// What is known of a failure, each behind a blank.
std::string Because(const protocol::Failure& why) {
  std::string words;
  for (const std::string_view word : {why.code, why.param, why.message}) {
    if (!word.empty()) (words += ' ') += word;
  }
  if (why.retry_after) {
    words += " after " + std::to_string(why.retry_after->ms());
  }
  return words;
}

// The number that names a message for its answers is no part of what it says.
std::string WithoutEventId(std::string_view text) {
  constexpr std::string_view kKey = R"("event_id":")";
  std::string rest(text);
  const size_t at = rest.find(kKey);
  if (at == std::string::npos) return rest;
  // In the order of the alphabet "type" is behind it.
  const size_t end = rest.find("\",", at + kKey.size());
  if (end != std::string::npos) rest.erase(at, end + 2 - at);
  return rest;
}

}  // namespace

std::string ToText(protocol::AudioFormat format) {
  return std::string(ToString(format.encoding)) + '/' +
         std::to_string(format.sample_rate_hz);
}

std::string ToHex(std::span<const uint8_t> bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const uint8_t byte : bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string ToText(const protocol::LegTraits& traits) {
  using Traits = protocol::LegTraits;
  std::string text = ToText(traits.heard) + ' ' + ToText(traits.spoken);
  switch (traits.playback) {
    case Traits::Playback::kMarks:
      text += traits.marks_on_clear == Traits::MarksOnClear::kEchoed
                  ? " marks-echoed"
                  : " marks-dropped";
      break;
    case Traits::Playback::kReports:
      text += " reports";
      break;
    case Traits::Playback::kClock:
      text += " clock";
      break;
  }
  if (traits.flow_control == Traits::FlowControl::kPauses) text += " pauses";
  if (traits.max_message_bytes != 0) {
    text += " max-" + std::to_string(traits.max_message_bytes);
  }
  if (traits.message_multiple_bytes != 0) {
    text += " multiple-" + std::to_string(traits.message_multiple_bytes);
  }
  return text;
}

void LegLog::Take(protocol::Leg& leg) {
  while (const std::optional<protocol::LegEvent> next = leg.NextEvent()) {
    std::visit(
        [this](const auto& event) {
          using Event = std::decay_t<decltype(event)>;
          if constexpr (std::is_same_v<Event, protocol::LegStarted>) {
            starts.push_back({std::string(event.carrier_call_id),
                              std::string(event.stream_id),
                              std::string(event.token), event.traits});
            lines.push_back(
                Join({"started", event.carrier_call_id, event.stream_id,
                      event.token, ToText(event.traits)}));
          } else if constexpr (std::is_same_v<Event, protocol::LegAudio>) {
            timestamps.push_back(event.timestamp_ms);
            audios.emplace_back(event.audio.begin(), event.audio.end());
            lines.push_back(Join(
                {"audio",
                 event.timestamp_ms ? std::to_string(*event.timestamp_ms) : "-",
                 ToHex(event.audio)}));
          } else if constexpr (std::is_same_v<Event, protocol::LegDigit>) {
            digits += event.digit;
            lines.push_back(std::string("digit ") + event.digit);
          } else if constexpr (std::is_same_v<Event, protocol::LegMarkEchoed>) {
            marks.push_back(event.mark);
            lines.push_back("mark g" + std::to_string(event.mark.generation) +
                            ':' + std::to_string(event.mark.position));
          } else if constexpr (std::is_same_v<Event, protocol::LegPlayed>) {
            lines.push_back("played " + std::to_string(event.samples));
          } else if constexpr (std::is_same_v<Event, protocol::LegFlow>) {
            lines.emplace_back(event.state == protocol::LegFlow::State::kPaused
                                   ? "paused"
                                   : "ready");
          } else if constexpr (std::is_same_v<Event, protocol::LegStopped>) {
            ++stops;
            lines.emplace_back("stopped");
          } else {
            static_assert(std::is_same_v<Event, protocol::LegFaulted>);
            faults.push_back(event.fault);
            lines.push_back(std::string("fault ") + ToString(event.fault));
          }
        },
        *next);
  }
}

void AgentLog::Take(protocol::Agent& agent) {
  for (;;) {
    std::optional<protocol::AgentEvent> next = agent.NextEvent();
    if (!next) {
      agent.Proceed();
      next = agent.NextEvent();
    }
    if (!next) break;
    Add(*next);
  }
}

void AgentLog::Add(const protocol::AgentEvent& told) {
  std::visit(
      [this](const auto& event) {
        using Event = std::decay_t<decltype(event)>;
        if constexpr (std::is_same_v<Event, protocol::AgentReady>) {
          lines.emplace_back("ready");
        } else if constexpr (std::is_same_v<Event, protocol::AgentSpeech>) {
          lines.emplace_back(event.edge == protocol::AgentSpeech::Edge::kStarted
                                 ? "speech started"
                                 : "speech stopped");
        } else if constexpr (std::is_same_v<Event,
                                            protocol::AgentTurnCommitted>) {
          lines.push_back(Join({"committed", event.item}));
        } else if constexpr (std::is_same_v<Event, protocol::AgentTranscript>) {
          std::string line =
              event.role == protocol::Role::kCaller ? "caller " : "agent ";
          line += event.item;
          line += event.state == protocol::TranscriptState::kPart ? '+' : '=';
          line += event.text;
          if (event.dropped > Duration()) {
            line += " dropped " + std::to_string(event.dropped.ms());
          }
          lines.push_back(std::move(line));
        } else if constexpr (std::is_same_v<Event, protocol::AgentTextFailed>) {
          lines.push_back(Join({"no text", event.item}));
        } else if constexpr (std::is_same_v<Event, protocol::AgentAudio>) {
          const auto item = static_cast<uint32_t>(event.item);
          audio[item].insert(audio[item].end(), event.audio.begin(),
                             event.audio.end());
          lines.push_back(
              Join({"audio", std::to_string(item), ToHex(event.audio)}));
        } else if constexpr (std::is_same_v<Event, protocol::AgentToolCall>) {
          lines.push_back(
              Join({"tool", event.tool_call_id, event.name, event.arguments}));
        } else if constexpr (std::is_same_v<Event, protocol::AgentReplyDone>) {
          constexpr const char* kEnds[] = {"complete", "cancelled",
                                           "incomplete", "failed", "refused"};
          std::string line = "done ";
          line += kEnds[static_cast<size_t>(event.end)];
          if (event.after == protocol::AgentReplyDone::After::kAwaitsTools) {
            line += " tools";
          }
          line += ' ' + std::to_string(event.usage.input_tokens) + '/' +
                  std::to_string(event.usage.output_tokens);
          if (event.usage.dropped_answers > 0) {
            line += " dropped " + std::to_string(event.usage.dropped_answers) +
                    '/' + std::to_string(event.usage.dropped_tokens);
          }
          line += Because(event.why);
          lines.push_back(std::move(line));
        } else if constexpr (std::is_same_v<Event, protocol::AgentPutOff>) {
          lines.emplace_back("put off");
        } else if constexpr (std::is_same_v<Event,
                                            protocol::AgentNeedsConversation>) {
          lines.emplace_back("needs conversation");
        } else if constexpr (std::is_same_v<Event, protocol::AgentWords>) {
          std::string line = Join({"words", event.item});
          for (const protocol::SpokenWord& word : event.words) {
            line += ' ' + std::to_string(word.text_end) + '@' +
                    std::to_string(word.end_ms);
          }
          lines.push_back(std::move(line));
        } else if constexpr (std::is_same_v<Event, protocol::AgentFailed>) {
          lines.push_back(
              Join({event.loss == protocol::AgentFailed::Loss::kFatal ? "fatal"
                                                                      : "lost",
                    event.why.code}) +
              Because({{},
                       event.why.param,
                       event.why.message,
                       event.why.retry_after}));
        } else {
          static_assert(std::is_same_v<Event, protocol::AgentFaulted>);
          faults.push_back(event.fault);
          if (!event.why.code.empty()) {
            std::string error(event.why.code);
            for (const std::string_view more :
                 {event.why.param, event.why.message, event.tool_call_id}) {
              error += ' ';
              error += more;
            }
            errors.push_back(error);
          }
          lines.push_back(std::string("fault ") + ToString(event.fault));
        }
      },
      told);
}

std::vector<std::string> AgentLog::Words() const {
  std::vector<std::string> words;
  for (const std::string& line : lines) {
    if (line.rfind("audio ", 0) != 0 && line.rfind("fault ", 0) != 0) {
      words.push_back(line);
    }
  }
  return words;
}

void RecordingWire::SendText(std::string_view text) { sent.emplace_back(text); }

void RecordingWire::SendBinary(std::span<const uint8_t> bytes) {
  sent.push_back("binary " + ToHex(bytes));
}

std::optional<ChannelId> RecordingChannels::Open() {
  if (full) return std::nullopt;
  open_.push_back(++opened_);
  return ChannelId{opened_};
}

void RecordingChannels::Forget(ChannelId channel) {
  std::erase(open_, static_cast<uint16_t>(channel));
}

std::optional<ChannelId> RecordingChannels::Connect(
    const protocol::ConnectRequest& request) {
  const std::optional<ChannelId> channel = Open();
  if (channel) {
    lines.push_back(
        Join({"connect", Number(*channel), request.upstream, request.path,
              request.protocols.empty() ? std::string()
                                        : request.protocols.front()}));
  }
  return channel;
}

std::optional<ChannelId> RecordingChannels::Fetch(
    const protocol::FetchRequest& request) {
  const std::optional<ChannelId> channel = Open();
  if (channel) {
    const std::string body(request.body.begin(), request.body.end());
    lines.push_back(Join({"fetch", Number(*channel), request.method,
                          request.upstream, request.path, body}));
  }
  return channel;
}

void RecordingChannels::SendText(ChannelId channel, std::string_view text) {
  texts_.push_back(WithoutEventId(text));
  raw_texts.emplace_back(text);
  lines.push_back(Number(channel) + "< " + texts_.back());
}

void RecordingChannels::SendBinary(ChannelId channel,
                                   std::span<const uint8_t> bytes) {
  lines.push_back(Number(channel) + "< binary " + ToHex(bytes));
}

void RecordingChannels::Close(ChannelId channel, uint16_t code,
                              std::string_view reason) {
  Forget(channel);
  lines.push_back(
      Join({"close", Number(channel), std::to_string(code), reason}));
}

void RecordingChannels::Abort(ChannelId channel) {
  Forget(channel);
  lines.push_back("abort " + Number(channel));
}

void RecordingChannels::Credit(ChannelId channel, uint32_t bytes) {
  lines.push_back(Join({"credit", Number(channel), std::to_string(bytes)}));
}

std::vector<std::string> RecordingChannels::Texts() const { return texts_; }

}  // namespace trunkline::test
