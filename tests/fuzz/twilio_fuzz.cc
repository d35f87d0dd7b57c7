// The Twilio codec on any text: the first byte chooses whether a stream is
// open, a line break separates messages.

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "protocol/legs/twilio.h"

namespace {

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace trunkline::protocol;

class Nobody final : public Wire {
 public:
  void SendText(std::string_view /*text*/) override {}
  void SendBinary(std::span<const uint8_t> /*bytes*/) override {
    TL_CHECK(false);
  }
};

// Judges each event by what came before it.
class Judge {
 public:
  void Take(Leg& leg) {
    while (const std::optional<LegEvent> event = leg.NextEvent()) {
      std::visit(*this, *event);
    }
  }
  void operator()(const LegStarted& start) {
    TL_CHECK(!start.stream_id.empty());
    started_ = true;
  }
  void operator()(const LegAudio& audio) const {
    TL_CHECK(started_ && !audio.audio.empty());
    TL_CHECK(!audio.timestamp_ms || *audio.timestamp_ms >= 0);
  }
  void operator()(const LegDigit& digit) const {
    TL_CHECK(started_ && digit.digit != 0);
  }
  void operator()(const LegMarkEchoed& echo) const {
    TL_CHECK(started_ && echo.mark.position == 1280);
  }
  void operator()(const LegPlayed& /*played*/) const { TL_CHECK(false); }
  void operator()(const LegFlow& /*flow*/) const { TL_CHECK(false); }
  void operator()(const LegStopped& /*stopped*/) const { TL_CHECK(started_); }
  void operator()(const LegFaulted& faulted) const {
    TL_CHECK(static_cast<size_t>(faulted.fault) < kFaultCount);
  }

 private:
  bool started_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(bytes), size);
  Nobody nobody;
  TwilioLeg leg(nobody);
  Judge judge;
  leg.OnSocketOpened({});
  if (!text.empty() && text[0] != 'x') {
    leg.OnText(
        R"({"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}})");
    judge.Take(leg);
    leg.Mark({0, 1280});
  }
  while (!text.empty()) {
    const size_t end = text.find('\n');
    leg.OnText(text.substr(0, end));
    judge.Take(leg);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
