#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/services/llm.h"
#include "protocol/services/stt.h"
#include "protocol/services/tts.h"

namespace trunkline::protocol {

// What the services were asked for, in order.
using Asked = std::vector<std::string>;

// Services whose events a test pushes.
class FakeStt final : public Stt {
 public:
  enum class Turns : uint8_t { kTold, kDetected };
  explicit FakeStt(Asked& asked, Turns turns = Turns::kTold)
      : asked_(asked), turns_(turns) {}
  AudioFormat format() const override { return {Encoding::kLinear16, 8000}; }
  bool detects_turns() const override { return turns_ == Turns::kDetected; }
  void Begin() override { asked_.emplace_back("stt begin"); }
  void End(std::string_view reason) override {
    asked_.push_back("stt end " + std::string(reason));
    events.clear();
  }
  void Listen(std::span<const uint8_t> audio) override {
    heard_bytes += audio.size();
  }
  void TurnStarted(Duration ago) override {
    asked_.push_back("turn " + std::to_string(ago.ms()));
  }
  void Finish(Duration ago) override {
    asked_.push_back("finish " + std::to_string(ago.ms()));
  }
  void Forget() override { asked_.emplace_back("forget"); }
  std::optional<SttEvent> NextEvent() override {
    if (events.empty()) return std::nullopt;
    SttEvent event = events.front();
    events.pop_front();
    return event;
  }

  std::deque<SttEvent> events;
  size_t heard_bytes = 0;

 private:
  Asked& asked_;
  const Turns turns_;
};

class FakeLlm final : public Llm {
 public:
  explicit FakeLlm(Asked& asked) : asked_(asked) {}
  void Ask(const LlmRequest& request) override {
    std::string line = "ask";
    if (!request.understood) line += " (not understood)";
    for (const ConversationLine& one : request.conversation) {
      line += " | ";
      line += one.text;
    }
    asked_.push_back(std::move(line));
  }
  void Abort() override {
    asked_.emplace_back("llm abort");
    events.clear();
  }
  std::optional<LlmEvent> NextEvent() override {
    if (events.empty()) return std::nullopt;
    LlmEvent event = events.front();
    events.pop_front();
    return event;
  }

  std::deque<LlmEvent> events;

 private:
  Asked& asked_;
};

class FakeTts final : public Tts {
 public:
  explicit FakeTts(Asked& asked) : asked_(asked) {}
  AudioFormat format() const override { return {Encoding::kLinear16, 8000}; }
  void Speak(std::string_view text) override {
    asked_.push_back("speak " + std::string(text));
  }
  void Abort() override {
    asked_.emplace_back("tts abort");
    events.clear();
  }
  std::optional<TtsEvent> NextEvent() override {
    if (events.empty()) return std::nullopt;
    TtsEvent event = events.front();
    events.pop_front();
    return event;
  }

  std::deque<TtsEvent> events;

 private:
  Asked& asked_;
};

}  // namespace trunkline::protocol
