// The Twilio codec on any text: the first byte chooses whether a stream is
// open, a line break separates messages.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "protocol/legs/twilio.h"

namespace {

using trunkline::protocol::Fault;
using trunkline::protocol::LegStart;
using trunkline::protocol::MarkId;
using trunkline::protocol::TwilioLeg;

class Nobody final : public trunkline::protocol::Wire,
                     public trunkline::protocol::LegListener {
 public:
  void SendText(std::string_view /*text*/) override {}
  void SendBinary(std::span<const uint8_t> /*bytes*/) override {}
  void OnLegStarted(const LegStart& start) override {
    TL_CHECK(!start.stream_id.empty());
    started = true;
  }
  void OnLegAudio(std::optional<int64_t> timestamp_ms,
                  std::span<const uint8_t> audio) override {
    TL_CHECK(started && !audio.empty());
    TL_CHECK(!timestamp_ms || *timestamp_ms >= 0);
  }
  void OnLegDtmf(char digit) override { TL_CHECK(started && digit != 0); }
  void OnLegMark(MarkId mark) override {
    TL_CHECK(started && mark.position == 1280);
  }
  void OnLegStopped() override { TL_CHECK(started); }
  void OnLegFault(Fault fault) override {
    TL_CHECK(static_cast<size_t>(fault) < trunkline::protocol::kFaultCount);
  }
  bool started = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  Nobody nobody;
  TwilioLeg leg(nobody, nobody);
  leg.OnSocketOpened();
  if (!text.empty() && text[0] != 'x') {
    leg.OnText(
        R"({"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}})");
    leg.Mark({0, 1280});
  }
  while (!text.empty()) {
    const size_t end = text.find('\n');
    leg.OnText(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
