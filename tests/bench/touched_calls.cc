// Takes a call through the C boundary and says by stores to three variables
// when the core is at work and when a frame is over, for scripts/bench-touched,
// which runs this under a tracer of memory. What the shim would do, and what
// this program does to know what to say, is outside of what is counted.
//
//   touched_calls silent|talking|recorded SPEECH.wav
//
// Prints the addresses of the variables, then a line for each counted frame:
// what happened in it.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/trunkline.h"
#include "audio/g711.h"
#include "base/base64.h"
#include "base/check.h"
#include "support/corpus.h"

namespace {

using trunkline::test::Die;

// The core begins to work, stops, and has done all of a frame.
volatile uint64_t core_begins = 0;
volatile uint64_t core_stops = 0;
volatile uint64_t frame_ends = 0;

constexpr size_t kFrameBytes = 160;
constexpr uint64_t kFrameUs = 20'000;
constexpr int kBytesPerMs = 8;
// Past the first growth of every buffer. The tracer takes a second for each
// recorded frame, which is why there are fewer of them.
constexpr int kWarmUpFrames = 100;
constexpr int kRecordedWarmUpFrames = 30;
constexpr size_t kRecordedSpeechBytes = 30 * kFrameBytes;
constexpr int kSilentFrames = 100;
// A reply that has not ended by then never will.
constexpr int kMaxFrames = 1500;
// After the reply: the pause to the next turn.
constexpr int kPauseFrames = 10;

class Call {
 public:
  explicit Call(bool recorded) {
    const std::string config =
        std::string(R"({"callId":"touched","agent":"parrot","profile":{)") +
        (recorded ? R"("recording":"on")" : "") +
        R"(},"limits":{"maxCallMs":86400000,"deadAirMs":86400000}})";
    Write(config);
    session_ = tl_session_create(now_us_, static_cast<uint32_t>(config.size()));
    TL_CHECK(session_ != 0);
    Drain();
    Feed(TL_INPUT_SOCKET_OPENED, "");
    Feed(
        TL_INPUT_SOCKET_TEXT,
        R"({"event":"start","sequenceNumber":"1","start":{"streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"streamSid":"MZ1"})");
    Feed(TL_INPUT_AUTHORIZED, std::string(1, '\0'));
  }
  ~Call() { tl_session_destroy(session_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // 20 ms of the caller, and all that follows of them.
  void Frame(const uint8_t (&audio)[kFrameBytes]) {
    now_us_ += kFrameUs;
    while (!marks_.empty() && marks_.front().first <= now_us_) {
      const std::string name = marks_.front().second;
      marks_.erase(marks_.begin());
      Feed(TL_INPUT_SOCKET_TEXT, R"({"event":"mark","sequenceNumber":")" +
                                     std::to_string(++sequence_) +
                                     R"(","streamSid":"MZ1","mark":{"name":")" +
                                     name + R"("}})");
    }
    if (deadline_us_ <= now_us_) {
      deadline_us_ = std::numeric_limits<uint64_t>::max();
      Feed(TL_INPUT_TIMER, "");
    }
    std::string payload(trunkline::Base64EncodedSize(kFrameBytes), ' ');
    trunkline::Base64Encode(audio, payload.data());
    ++frames_;
    Feed(TL_INPUT_SOCKET_TEXT,
         R"({"event":"media","sequenceNumber":")" +
             std::to_string(++sequence_) +
             R"(","media":{"track":"inbound","chunk":")" +
             std::to_string(frames_) + R"(","timestamp":")" +
             std::to_string((frames_ - 1) * 20) + R"(","payload":")" + payload +
             R"("},"streamSid":"MZ1"})");
    frame_ends = frames_;
  }

  // Whether something plays in the caller's ear.
  bool plays() const { return plays_until_us_ > now_us_; }

 private:
  void Write(const std::string& body) {
    uint8_t* const inbox = tl_inbox(static_cast<uint32_t>(body.size()));
    TL_CHECK(inbox != nullptr);
    std::ranges::copy(body, inbox);
  }

  void Feed(uint32_t tag, const std::string& body) {
    Write(body);
    core_begins = now_us_;
    const int32_t status = tl_session_input(session_, now_us_, tag,
                                            static_cast<uint32_t>(body.size()));
    core_stops = now_us_;
    TL_CHECK(status >= 0);
    Drain();
  }

  void Drain() {
    const uint8_t* at = tl_effects(session_);
    const uint32_t length = tl_effects_len(session_);
    for (const uint8_t* const end = at + length; at < end;) {
      uint16_t tag = 0;
      uint32_t size = 0;
      uint64_t argument = 0;
      std::memcpy(&tag, at, sizeof tag);
      std::memcpy(&size, at + 4, sizeof size);
      std::memcpy(&argument, at + 8, sizeof argument);
      Perform(tag, argument,
              std::string_view(reinterpret_cast<const char*>(at + 16), size));
      at += 16 + (size + 7) / 8 * 8;
    }
    core_begins = now_us_;
    tl_effects_consume(session_, length);
    core_stops = now_us_;
  }

  void Perform(uint16_t tag, uint64_t argument, std::string_view body) {
    if (tag == TL_EFFECT_DEADLINE) deadline_us_ = argument;
    if (tag != TL_EFFECT_SEND_TEXT) return;
    if (body.starts_with(R"({"event":"media")")) {
      const size_t bytes = Quoted(body, "payload").size() / 4 * 3;
      plays_until_us_ =
          std::max(plays_until_us_, now_us_) + bytes * 1000 / kBytesPerMs;
    } else if (body.starts_with(R"({"event":"mark")")) {
      marks_.emplace_back(std::max(plays_until_us_, now_us_),
                          Quoted(body, "name"));
    } else {
      plays_until_us_ = now_us_;
      for (auto& mark : marks_) mark.first = now_us_;
    }
  }

  static std::string_view Quoted(std::string_view json, std::string_view name) {
    const std::string key = '"' + std::string(name) + R"(":")";
    const size_t from = json.find(key);
    if (from == std::string_view::npos) return {};
    const std::string_view rest = json.substr(from + key.size());
    return rest.substr(0, rest.find('"'));
  }

  tl_handle session_ = 0;
  uint64_t now_us_ = 1'000'000;
  uint64_t deadline_us_ = std::numeric_limits<uint64_t>::max();
  uint64_t plays_until_us_ = 0;
  uint64_t sequence_ = 1;
  uint64_t frames_ = 0;
  std::vector<std::pair<uint64_t, std::string>> marks_;
};

// Line noise at about -60 dBFS: mu-law codes next to zero.
class Noise {
 public:
  void Fill(uint8_t (&audio)[kFrameBytes]) {
    for (uint8_t& byte : audio) {
      seed_ = seed_ * 1664525 + 1013904223;
      byte = static_cast<uint8_t>(0xFC | seed_ >> 30);
    }
  }

 private:
  uint32_t seed_ = 1;
};

void RunTurn(Call& call, Noise& noise, const std::vector<uint8_t>& speech) {
  uint8_t audio[kFrameBytes];
  for (size_t at = 0; at + kFrameBytes <= speech.size(); at += kFrameBytes) {
    std::copy_n(speech.begin() + static_cast<std::ptrdiff_t>(at), kFrameBytes,
                audio);
    call.Frame(audio);
    std::puts("caller");
  }
  bool replied = false;
  int pause = 0;
  for (int i = 0; i < kMaxFrames && pause < kPauseFrames; ++i) {
    noise.Fill(audio);
    call.Frame(audio);
    replied = replied || call.plays();
    if (replied && !call.plays()) ++pause;
    std::puts(call.plays() ? "agent" : "nobody");
  }
  if (!replied) Die("no reply", "touched_calls");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 3 ? argv[1] : "";
  if (kind != "silent" && kind != "talking" && kind != "recorded") {
    std::fputs("usage: touched_calls silent|talking|recorded SPEECH.wav\n",
               stderr);
    return 2;
  }
  const std::vector<int16_t> samples = trunkline::test::ReadWavFile(argv[2]);
  std::vector<uint8_t> speech(samples.size());
  trunkline::audio::EncodeMuLaw(samples, speech);
  const bool recorded = kind == "recorded";
  if (recorded) speech.resize(std::min(speech.size(), kRecordedSpeechBytes));
  const int warm_up_frames = recorded ? kRecordedWarmUpFrames : kWarmUpFrames;
  Call call(recorded);
  Noise noise;
  uint8_t audio[kFrameBytes];
  for (int i = 0; i < warm_up_frames; ++i) {
    noise.Fill(audio);
    call.Frame(audio);
  }
  std::printf("%p %p %p %d\n",
              const_cast<void*>(static_cast<volatile void*>(&core_begins)),
              const_cast<void*>(static_cast<volatile void*>(&core_stops)),
              const_cast<void*>(static_cast<volatile void*>(&frame_ends)),
              warm_up_frames);
  if (kind == "silent") {
    for (int i = 0; i < kSilentFrames; ++i) {
      noise.Fill(audio);
      call.Frame(audio);
      std::puts("nobody");
    }
  } else {
    RunTurn(call, noise, speech);
  }
  return 0;
}
