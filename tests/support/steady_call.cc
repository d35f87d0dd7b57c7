#include "support/steady_call.h"

#include <cstdio>
#include <cstring>

#include "base/base64.h"
#include "base/check.h"

namespace trunkline::test {
namespace {

// 12 s: when they come round, their timestamps jump back by more than the core
// takes for late audio, as a carrier's clock does that starts over.
constexpr size_t kFrames = 600;
constexpr uint64_t kReplyFrames = 1000;
// The first channel that a call asks for.
constexpr uint32_t kAgentChannel = 1;

// Line noise at about -60 dBFS: mu-law codes next to zero. Never speech.
std::string QuietPayload(uint32_t seed) {
  uint8_t audio[160];
  for (uint8_t& byte : audio) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(0xFC | seed >> 30);
  }
  std::string payload(Base64EncodedSize(sizeof audio), ' ');
  Base64Encode(audio, payload.data());
  return payload;
}

}  // namespace

SteadyCall::SteadyCall(const std::string& agent, Kind kind) : kind_(kind) {
  const std::string config =
      R"({"callId":"steady","agent":")" + agent +
      R"(","limits":{"maxCallMs":86400000,"deadAirMs":86400000,"replyMs":86400000}})";
  std::memcpy(tl_inbox(static_cast<uint32_t>(config.size())), config.data(),
              config.size());
  session_ = tl_session_create(now_us_, static_cast<uint32_t>(config.size()));
  TL_CHECK(session_ != 0);
  tl_effects_consume(session_, tl_effects_len(session_));
  Feed(TL_INPUT_SOCKET_OPENED, "");
  Feed(
      TL_INPUT_SOCKET_TEXT,
      R"({"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}})");
  Feed(TL_INPUT_AUTHORIZED, std::string(1, '\0'));
  if (agent == "openai-realtime") {
    Feed(TL_INPUT_SOCKET_OPENED | kAgentChannel << 16, "");
    Feed(TL_INPUT_SOCKET_TEXT | kAgentChannel << 16,
         R"({"type":"session.created"})");
    Feed(TL_INPUT_SOCKET_TEXT | kAgentChannel << 16,
         R"({"type":"session.updated"})");
  }
  for (size_t i = 0; i < kFrames; ++i) {
    const std::string number = std::to_string(i + 2);
    frames_.push_back(
        R"({"event":"media","sequenceNumber":")" + number +
        R"(","streamSid":"MZ1","media":{"track":"inbound","chunk":")" + number +
        R"(","timestamp":")" + std::to_string(i * 20) + R"(","payload":")" +
        QuietPayload(static_cast<uint32_t>(i)) + R"("}})");
  }
  // Past the first growth of every buffer, and into the reply.
  for (int i = 0; i < 200; ++i) Frame();
}

SteadyCall::~SteadyCall() { tl_session_destroy(session_); }

void SteadyCall::Feed(uint32_t tag, const std::string& body) {
  std::memcpy(tl_inbox(static_cast<uint32_t>(body.size())), body.data(),
              body.size());
  TL_CHECK(tl_session_input(session_, now_us_, tag,
                            static_cast<uint32_t>(body.size())) >= 0);
  tl_effects_consume(session_, tl_effects_len(session_));
}

// A reply of 20 s, at once, as Realtime would send it.
void SteadyCall::Refill() {
  const std::string delta(1600 / 3 * 4, '/');
  for (uint64_t i = 0; i < kReplyFrames / 10; ++i) {
    Feed(
        TL_INPUT_SOCKET_TEXT | kAgentChannel << 16,
        R"({"type":"response.output_audio.delta","response_id":"r","item_id":"i","content_index":0,"delta":")" +
            delta + R"("})");
  }
  Feed(
      TL_INPUT_SOCKET_TEXT | kAgentChannel << 16,
      R"({"type":"response.done","response":{"id":"r","status":"completed"}})");
}

size_t SteadyCall::Frame() {
  if (kind_ == Kind::kSpeaking && frames_fed_ % (kReplyFrames + 200) == 0) {
    Refill();
  }
  ++frames_fed_;
  now_us_ += 20'000;
  const std::string& text = frames_[next_];
  next_ = (next_ + 1) % kFrames;
  std::memcpy(tl_inbox(static_cast<uint32_t>(text.size())), text.data(),
              text.size());
  TL_CHECK(tl_session_input(session_, now_us_, TL_INPUT_SOCKET_TEXT,
                            static_cast<uint32_t>(text.size())) >= 0);
  const size_t effects = tl_effects_len(session_);
  tl_effects_consume(session_, static_cast<uint32_t>(effects));
  return effects;
}

}  // namespace trunkline::test
