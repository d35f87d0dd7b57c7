// The Realtime codec on any text, a line a message, with commands in between.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "protocol/agents/openai_realtime.h"

namespace {

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace trunkline::protocol;

class Nobody final : public Channels {
 public:
  std::optional<ChannelId> Connect(const ConnectRequest& request) override {
    TL_CHECK(request.upstream == "openai" && !open);
    open = true;
    return channel;
  }
  std::optional<ChannelId> Fetch(const FetchRequest& /*request*/) override {
    TL_CHECK(false);
    return std::nullopt;
  }
  void SendText(ChannelId to, std::string_view text) override {
    TL_CHECK(open && to == channel);
    TL_CHECK(trunkline::ParseJson(text).has_value());
  }
  void SendBinary(ChannelId /*channel*/,
                  std::span<const uint8_t> /*bytes*/) override {
    TL_CHECK(false);
  }
  void Close(ChannelId closed, uint16_t code,
             std::string_view /*reason*/) override {
    TL_CHECK(open && closed == channel && code == 1000);
    open = false;
  }
  void Abort(ChannelId /*channel*/) override { TL_CHECK(false); }
  void Credit(ChannelId /*channel*/, uint32_t /*bytes*/) override {
    TL_CHECK(false);
  }
  static constexpr ChannelId channel{1};
  bool open = false;
};

// Reads all that the views of an event show.
class Judge {
 public:
  void Take(Agent& agent) {
    while (const std::optional<AgentEvent> event = agent.NextEvent()) {
      std::visit([this](const auto& e) { See(e); }, *event);
    }
    agent.Proceed();
  }

  ItemId last{};
  std::string call;
  size_t seen = 0;

 private:
  void See(const AgentAudio& audio) {
    TL_CHECK(!audio.audio.empty());
    seen += audio.audio.back();
    last = audio.item;
  }
  void See(const AgentToolCall& tool) {
    TL_CHECK(!tool.tool_call_id.empty() && !tool.arguments.empty());
    call = tool.tool_call_id;
    Read(tool.name);
    Read(tool.arguments);
  }
  void See(const AgentTranscript& transcript) {
    Read(transcript.item);
    Read(transcript.text);
  }
  void See(const AgentTextFailed& failed) { Read(failed.item); }
  // Of agents of other kinds.
  void See(const AgentNeedsConversation& /*needs*/) { TL_CHECK(false); }
  void See(const AgentWords& /*words*/) { TL_CHECK(false); }
  void See(const AgentTurnCommitted& turn) { Read(turn.item); }
  void See(const AgentFailed& failed) {
    TL_CHECK(!failed.why.code.empty());
    See(failed.why);
  }
  void See(const Failure& why) {
    Read(why.code);
    Read(why.param);
    Read(why.message);
    if (why.retry_after) TL_CHECK(*why.retry_after >= trunkline::Duration());
  }
  void See(const AgentFaulted& faulted) {
    TL_CHECK(static_cast<size_t>(faulted.fault) < kFaultCount);
  }
  void See(const AgentReady& /*ready*/) {}
  void See(const AgentSpeech& /*speech*/) {}
  void See(const AgentPutOff& /*put_off*/) {}
  void See(const AgentReplyDone& done) {
    TL_CHECK(done.usage.input_tokens >= 0 && done.usage.output_tokens >= 0);
    See(done.why);
  }
  void Read(std::string_view text) {
    for (const char c : text) seen += static_cast<unsigned char>(c);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  Nobody nobody;
  Judge judge;
  OpenAiRealtime::Config config;
  config.format = {Encoding::kMuLaw, 8000};
  OpenAiRealtime agent(std::move(config), nobody);
  agent.Begin();
  agent.OnSocketOpened(Nobody::channel);
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    // A line of one character is a command.
    switch (line.size() == 1 ? line[0] : ' ') {
      case 'r':
        agent.Respond({});
        break;
      case 'c':
        agent.Cancel();
        break;
      case 't':
        agent.Truncate(judge.last, 100);
        break;
      case 'd':
        agent.DiscardTurn();
        break;
      case 'o':
        agent.ToolResult(judge.call, "ok");
        break;
      case 's':
        agent.Say("hello");
        break;
      case 'b':
        agent.End("again");
        agent.Begin();
        agent.OnSocketOpened(Nobody::channel);
        break;
      default:
        agent.OnText(Nobody::channel, line);
        break;
    }
    judge.Take(agent);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
