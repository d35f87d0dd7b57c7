#include "support/world/realtime_adapter.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

using protocol::ChannelId;
using protocol::Encoding;

// What the gateway says of an item that is no message: a call's result.
const Json* FunctionOutput(const Json& message) {
  const Json* item = FindMember(message, "item");
  return item != nullptr &&
                 StringMember(*item, "type") == "function_call_output"
             ? item
             : nullptr;
}

// The audio of an append as the gateway writes it; empty for what has to be
// read. Most of what a server is sent is this.
std::string_view PlainAudio(std::string_view text) {
  constexpr std::string_view kHead =
      R"({"type":"input_audio_buffer.append","audio":")";
  constexpr std::string_view kTail = R"("})";
  if (!text.starts_with(kHead) || !text.ends_with(kTail)) return {};
  text.remove_prefix(kHead.size());
  text.remove_suffix(kTail.size());
  const bool is_plain = text.find_first_of("\"\\") == std::string_view::npos;
  return is_plain ? text : std::string_view();
}

}  // namespace

void RealtimeAdapter::OnConnect(ChannelId channel,
                                const protocol::ConnectRequest& request) {
  TL_CHECK(request.upstream == "openai");
  // It speaks as who was asked last.
  agent_.SetAdapter(*this);
  channel_ = channel;
  agent_.CountConnection();
  if (agent_.refuses) return upstreams_.Refuse(channel, agent_.refuses_with);
  agent_.OnConnected();
  upstreams_.Open(channel, "realtime");
  if (agent_.stalled) return;
  Send({{"type", "session.created"},
        {"event_id", "e"},
        {"session", {{"id", "sess_1"}, {"type", "realtime"}}}});
}

// Realtime is one socket.
void RealtimeAdapter::OnFetch(ChannelId /*channel*/,
                              const std::string& /*upstream*/,
                              const std::string& /*body*/) {
  TL_CHECK(false);
}

void RealtimeAdapter::OnClosed(ChannelId /*channel*/) {}

void RealtimeAdapter::Drop(uint16_t code) { upstreams_.Drop(channel_, code); }

void RealtimeAdapter::Send(const Json& event) { SendText(event.dump()); }

void RealtimeAdapter::SendText(const std::string& text) {
  if (!tamper) return upstreams_.Tell(channel_, Message::Text(text));
  tamper(Message::Text(text), [this, channel = channel_](Message message) {
    upstreams_.Tell(channel, std::move(message));
  });
}

void RealtimeAdapter::Error(const std::string& code,
                            const std::string& message) {
  agent_.Complain(code);
  Send({{"type", "error"},
        {"event_id", "e"},
        {"error",
         {{"type", "invalid_request_error"},
          {"code", code},
          {"message", message}}}});
}

int RealtimeAdapter::CountReceived(std::string_view type) const {
  return static_cast<int>(std::count_if(
      received_.begin(), received_.end(),
      [&](const Json& m) { return StringMember(m, "type") == type; }));
}

const Json* RealtimeAdapter::LastReceived(std::string_view type) const {
  for (auto it = received_.rbegin(); it != received_.rend(); ++it) {
    if (StringMember(*it, "type") == type) return &*it;
  }
  return nullptr;
}

// ---------------------------------------------------------------------------
// From the gateway

void RealtimeAdapter::OnMessage(ChannelId channel, const Message& message) {
  if (channel != channel_) return;
  const std::string_view plain = PlainAudio(message.bytes);
  if (!plain.empty()) return Listen(plain);
  Json json = Json::parse(message.bytes, nullptr, false);
  const std::string type(StringMember(json, "type"));
  if (type == "input_audio_buffer.append") {
    return Listen(StringMember(json, "audio"));
  }
  received_.push_back(json);
  if (!agent_.stalled) Do(json, type);
}

void RealtimeAdapter::Listen(std::string_view base64) {
  const std::optional<std::string> audio = FromBase64(base64);
  if (!audio) return agent_.Complain("no base64");
  listened_ms_ +=
      static_cast<int64_t>(audio->size() / protocol::BytesOf(format_, 1));
  agent_.Hear(DecodeSound(format_.encoding, *audio), format_.sample_rate_hz);
}

void RealtimeAdapter::Configure(const Json& session) {
  if (StringMember(session, "type") != "realtime" ||
      session.contains("voice") || session.contains("turn_detection") ||
      session.contains("input_audio_format") ||
      session.contains("modalities")) {
    return Error("unknown_parameter", "not GA");
  }
  const Json& format = session["audio"]["input"]["format"];
  const std::string_view name = StringMember(format, "type");
  if ((name == "audio/pcm") != format.contains("rate")) {
    return Error("missing_required_parameter", "rate");
  }
  format_ =
      name == "audio/pcm"    ? protocol::AudioFormat{Encoding::kLinear16, 24000}
      : name == "audio/pcma" ? protocol::AudioFormat{Encoding::kALaw, 8000}
                             : protocol::AudioFormat{Encoding::kMuLaw, 8000};
  piece_.clear();
  agent_.SetSilence(
      session["audio"]["input"]["turn_detection"]["silence_duration_ms"]
          .get<int64_t>());
  Send({{"type", "session.updated"}, {"event_id", "e"}, {"session", session}});
}

void RealtimeAdapter::Do(const Json& message, std::string_view type) {
  if (type == "session.update") {
    Configure(message["session"]);
  } else if (type == "response.create") {
    const Json* response = FindMember(message, "response");
    if (response != nullptr) {
      agent_.TakeText(StringMember(*response, "instructions"));
    }
    if (!agent_.Ask()) {
      Error("conversation_already_has_active_response", "busy");
    }
  } else if (type == "response.cancel") {
    if (!agent_.Cancel()) Error("response_cancel_not_active", "idle");
  } else if (type == "conversation.item.truncate") {
    const auto end = IntegerMember(message, "audio_end_ms");
    if (!end || !agent_.Truncate(StringMember(message, "item_id"), *end)) {
      Error("invalid_value", "Audio content is already shorter");
    }
  } else if (type == "conversation.item.delete") {
    agent_.Discard();
  } else if (type == "conversation.item.create") {
    const Json* output = FunctionOutput(message);
    if (output != nullptr) {
      agent_.TakeToolResult(StringMember(*output, "call_id"),
                            StringMember(*output, "output"));
    } else {
      agent_.TakeText(message.dump());
    }
  }
}

// ---------------------------------------------------------------------------
// To the gateway

void RealtimeAdapter::SpeechStarted() {
  Send({{"type", "input_audio_buffer.speech_started"}, {"event_id", "e"}});
}

void RealtimeAdapter::SpeechStopped() {
  Send({{"type", "input_audio_buffer.speech_stopped"}, {"event_id", "e"}});
}

void RealtimeAdapter::Committed(const std::string& item) {
  Send({{"type", "input_audio_buffer.committed"},
        {"event_id", "e"},
        {"item_id", item}});
}

void RealtimeAdapter::CallerText(const std::string& item,
                                 const std::string& text) {
  Send({{"type", "conversation.item.input_audio_transcription.completed"},
        {"event_id", "e"},
        {"item_id", item},
        {"transcript", text}});
}

void RealtimeAdapter::ReplyBegan(uint64_t reply) {
  Send(
      {{"type", "response.created"},
       {"event_id", "e"},
       {"response",
        {{"id", "resp_" + std::to_string(reply)}, {"status", "in_progress"}}}});
}

void RealtimeAdapter::ItemAudio(uint64_t reply, const std::string& item,
                                const std::vector<int16_t>& samples) {
  if (piece_ != samples) {
    piece_ = samples;
    piece_base64_ = ToBase64(
        EncodeSound(format_.encoding, AtRate(format_.sample_rate_hz, samples)));
  }
  SendText(
      R"({"type":"response.output_audio.delta","event_id":"e","response_id":"resp_)" +
      std::to_string(reply) + R"(","item_id":")" + item +
      R"(","output_index":0,"content_index":0,"delta":")" + piece_base64_ +
      R"("})");
}

void RealtimeAdapter::ToolCall(uint64_t reply, const std::string& id,
                               const std::string& name) {
  Send({{"type", "response.output_item.done"},
        {"event_id", "e"},
        {"response_id", "resp_" + std::to_string(reply)},
        {"item",
         {{"type", "function_call"},
          {"status", "completed"},
          {"call_id", id},
          {"name", name},
          {"arguments", "{}"}}}});
}

void RealtimeAdapter::ReplyDone(uint64_t reply, End end) {
  Send({{"type", "response.done"},
        {"event_id", "e"},
        {"response",
         {{"id", "resp_" + std::to_string(reply)},
          {"status", end == End::kComplete ? "completed" : "cancelled"},
          {"usage", {{"input_tokens", 10}, {"output_tokens", 20}}}}}});
}

}  // namespace trunkline::test
