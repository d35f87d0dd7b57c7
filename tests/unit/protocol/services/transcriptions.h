#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "audio/wav.h"
#include "exchanges.h"
#include "protocol/services/openai_transcription.h"

namespace trunkline::protocol {

inline constexpr AudioFormat kWide = {Encoding::kLinear16, 16000};
inline constexpr AudioFormat kNarrow = {Encoding::kLinear16, 8000};

inline std::string SttLine(const SttEvent& event) {
  return std::visit(
      [](const auto& each) -> std::string {
        using Each = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Each, ServiceFaulted>) {
          return std::string("fault ") + ToString(each.fault);
        } else if constexpr (std::is_same_v<Each, SttReady>) {
          return "ready";
        } else if constexpr (std::is_same_v<Each, SttText>) {
          return (each.state == TranscriptState::kFinal ? "= " : "+ ") +
                 std::string(each.text);
        } else if constexpr (std::is_same_v<Each, SttTextFailed>) {
          return "no text: " + ToLine({Loss::kRetryable, each.why});
        } else if constexpr (std::is_same_v<Each, ServiceFailed>) {
          return ToLine(each);
        } else {
          return "of who detects turns";
        }
      },
      event);
}

class OpenAiTranscriptionTest : public testing::Test {
 protected:
  explicit OpenAiTranscriptionTest(AudioFormat format = kWide)
      : stt(MakeConfig(format), channels) {
    stt.Begin();
    Take();
    lines.clear();
  }
  static OpenAiTranscription::Config MakeConfig(AudioFormat format) {
    OpenAiTranscription::Config config;
    config.model = "gpt-transcribe";
    config.format = format;
    return config;
  }
  void Take() {
    while (const std::optional<SttEvent> event = stt.NextEvent()) {
      lines.push_back(SttLine(*event));
    }
  }
  // Frame number n has 20 ms of samples n.
  void Hear(int from, int to) {
    const size_t bytes = BytesOf(stt.format(), 20);
    for (int n = from; n < to; ++n) {
      std::vector<uint8_t> frame(bytes);
      for (size_t i = 0; i < bytes; i += 2) {
        frame[i] = static_cast<uint8_t>(n);
        frame[i + 1] = static_cast<uint8_t>(n >> 8);
      }
      stt.Listen(frame);
      Take();
    }
  }
  void Finish(int64_t ago_ms = 0) {
    stt.Finish(Duration::Millis(ago_ms));
    Take();
  }
  // A turn of ten frames.
  void Turn() {
    stt.TurnStarted({});
    Hear(0, 10);
    Finish();
  }
  void Answer(ChannelId channel, std::string_view body,
              const char* type = "application/json", uint16_t status = 200) {
    stt.OnHttpHeaders(channel, status, {{"content-type", type}});
    stt.OnHttpChunk(channel, ToBytes(body.substr(0, body.size() / 2)));
    Take();
    stt.OnHttpChunk(channel, ToBytes(body.substr(body.size() / 2)));
    Take();
    stt.OnHttpDone(channel);
    Take();
  }
  static std::string Text(const std::string& text) {
    return Json{{"text", text}, {"usage", {{"type", "tokens"}}}}.dump();
  }
  // The samples of the file that was sent last, as a reader of ours reads it.
  std::vector<int16_t> Sent() {
    const std::string& file = channels.requests.back().parts.at(0).bytes;
    std::vector<int16_t> samples(file.size());
    std::span<const uint8_t> in = ToBytes(file);
    audio::WavReader reader;
    samples.resize(reader.Process(in, samples));
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(reader.format()->sample_rate_hz, stt.format().sample_rate_hz);
    EXPECT_EQ(reader.format()->channels, 1);
    return samples;
  }
  double SentMs() {
    return static_cast<double>(Sent().size()) /
           (stt.format().sample_rate_hz / 1000);
  }

  Exchanges channels;
  OpenAiTranscription stt;
  std::vector<std::string> lines;
};

}  // namespace trunkline::protocol
