#include "support/world/scripted_adapter.h"

#include "base/check.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

using protocol::AudioFormat;
using protocol::ChannelId;
using protocol::Encoding;

constexpr AudioFormat kHeard = {Encoding::kLinear16, 16000};
constexpr AudioFormat kSpoken = {Encoding::kLinear16, 24000};

}  // namespace

void ScriptedAdapter::OnConnect(ChannelId channel,
                                const protocol::ConnectRequest& request) {
  const bool is_ears = request.upstream == "scripted-ears";
  TL_CHECK(is_ears || request.upstream == "scripted-voice");
  if (is_ears) agent_.CountConnection();
  if (agent_.refuses) return upstreams_.Refuse(channel, agent_.refuses_with);
  (is_ears ? ears_ : voice_) = channel;
  if (is_ears) agent_.OnConnected();
  item_.clear();
  // A part that opens nothing is what a stalled agent is here.
  if (!agent_.stalled) upstreams_.Open(channel, is_ears ? "ears" : "");
}

void ScriptedAdapter::OnClosed(ChannelId channel) {
  if (ears_ == channel) ears_.reset();
  if (voice_ == channel) voice_.reset();
}

void ScriptedAdapter::OnFetch(ChannelId channel, const std::string& upstream,
                              const std::string& /*body*/) {
  TL_CHECK(upstream == "scripted-mind");
  if (agent_.stalled) return;
  upstreams_.Answer(channel, 200, {{"content-type", "text/plain"}}, words,
                    ponders);
}

void ScriptedAdapter::Drop(uint16_t code) {
  const std::optional<ChannelId> channel =
      dropped == Part::kEars ? ears_ : voice_;
  if (channel) upstreams_.Drop(*channel, code);
}

void ScriptedAdapter::SendEars(const Json& message) {
  if (ears_) upstreams_.Tell(*ears_, Message::Text(message.dump()));
}

void ScriptedAdapter::SendVoice(const Json& message) {
  if (voice_) upstreams_.Tell(*voice_, Message::Text(message.dump()));
}

// ---------------------------------------------------------------------------
// From the gateway

void ScriptedAdapter::OnMessage(ChannelId channel, const Message& message) {
  if (message.kind == Message::Kind::kBinary) {
    if (channel != ears_) return agent_.Complain("audio to the voice");
    agent_.Hear(DecodeSound(kHeard.encoding, message.bytes),
                kHeard.sample_rate_hz);
    return;
  }
  const Json json = Json::parse(message.bytes, nullptr, false);
  const std::string_view type = StringMember(json, "type");
  if (agent_.stalled) return;
  if (channel == ears_) {
    DoEars(json, type);
  } else if (channel == voice_) {
    DoVoice(json, type);
  }
}

void ScriptedAdapter::DoEars(const Json& message, std::string_view type) {
  if (type == "heard") {
    const auto ms = IntegerMember(message, "ms");
    if (!ms || !agent_.Truncate(StringMember(message, "item"), *ms)) {
      agent_.Complain("heard more than was said");
    }
  } else if (type == "forget") {
    agent_.Discard();
  } else if (type == "toolResult") {
    agent_.TakeToolResult(StringMember(message, "id"),
                          StringMember(message, "output"));
  } else if (type == "history") {
    agent_.TakeText(message.dump());
  } else if (type != "begin" && type != "turn" && type != "ping") {
    agent_.Complain("ears: " + std::string(type));
  }
}

void ScriptedAdapter::DoVoice(const Json& message, std::string_view type) {
  if (type == "say") {
    said_.emplace_back(StringMember(message, "text"));
    agent_.TakeText(said_.back());
  } else if (type == "flush") {
    if (!agent_.Ask()) agent_.Complain("flush while it speaks");
  } else if (type == "stop") {
    // A reply that is being made ends by and by.
    if (!agent_.Cancel()) SendVoice({{"type", "done"}, {"stopped", true}});
  } else {
    agent_.Complain("voice: " + std::string(type));
  }
}

// ---------------------------------------------------------------------------
// To the gateway

void ScriptedAdapter::SpeechStarted() {
  SendEars({{"type", "speech"}, {"edge", "started"}});
}

void ScriptedAdapter::SpeechStopped() {
  SendEars({{"type", "speech"}, {"edge", "stopped"}});
}

void ScriptedAdapter::Committed(const std::string& item) {
  SendEars({{"type", "committed"}, {"item", item}});
}

void ScriptedAdapter::CallerText(const std::string& item,
                                 const std::string& text) {
  SendEars({{"type", "transcript"},
            {"role", "caller"},
            {"item", item},
            {"text", text},
            {"final", true}});
}

void ScriptedAdapter::ReplyBegan(uint64_t /*reply*/) { item_.clear(); }

void ScriptedAdapter::ItemAudio(uint64_t /*reply*/, const std::string& item,
                                const std::vector<int16_t>& samples) {
  if (item_ != item) {
    item_ = item;
    SendVoice({{"type", "item"}, {"name", item}});
  }
  if (voice_) {
    upstreams_.Tell(*voice_, Message::Binary(EncodeSound(
                                 kSpoken.encoding,
                                 AtRate(kSpoken.sample_rate_hz, samples))));
  }
}

void ScriptedAdapter::ToolCall(uint64_t /*reply*/, const std::string& id,
                               const std::string& name) {
  SendEars({{"type", "tool"}, {"id", id}, {"name", name}, {"arguments", "{}"}});
}

void ScriptedAdapter::ReplyDone(uint64_t /*reply*/, End end) {
  Json done = {{"type", "done"}};
  if (end == End::kCancelled) done["stopped"] = true;
  SendVoice(done);
}

}  // namespace trunkline::test
