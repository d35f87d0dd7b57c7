// The Realtime codec on any text, a line a message, with commands in between.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "protocol/agents/openai_realtime.h"

namespace {

using namespace trunkline::protocol;  // NOLINT(google-build-using-namespace)

class Nobody final : public Wire, public AgentListener {
 public:
  void SendText(std::string_view text) override {
    TL_CHECK(trunkline::ParseJson(text).has_value());
  }
  void SendBinary(std::span<const uint8_t> /*bytes*/) override {
    TL_CHECK(false);
  }
  void OnAgentReady() override {}
  void OnAgentSpeechStarted() override {}
  void OnAgentSpeechStopped() override {}
  void OnAgentTurnCommitted() override {}
  void OnAgentTranscript(Role, std::string_view, std::string_view,
                         TranscriptState) override {}
  void OnAgentAudio(ItemId item, std::span<const uint8_t> audio) override {
    TL_CHECK(!audio.empty());
    last = item;
  }
  void OnAgentToolCall(std::string_view id, std::string_view,
                       std::string_view) override {
    call = id;
  }
  void OnAgentReplyDone(ReplyEnd, AfterReply, const Usage&) override {}
  void OnAgentFailed(Loss, std::string_view) override {}
  void OnAgentFault(Fault) override {}
  ItemId last{};
  std::string call;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  Nobody nobody;
  OpenAiRealtime::Config config;
  config.format = {Encoding::kMuLaw, 8000};
  OpenAiRealtime agent(std::move(config), nobody, nobody);
  agent.Begin();
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
        agent.Truncate(nobody.last, 100);
        break;
      case 'd':
        agent.DiscardTurn();
        break;
      case 'o':
        agent.ToolResult(std::string(nobody.call), "ok");
        break;
      case 's':
        agent.Say("hello");
        break;
      case 'b':
        agent.Begin();
        break;
      default:
        agent.OnText(line);
        break;
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
