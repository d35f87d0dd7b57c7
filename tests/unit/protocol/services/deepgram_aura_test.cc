#include "protocol/services/deepgram_aura.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "exchanges.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;

class DeepgramAuraTest : public testing::Test {
 protected:
  void Take() {
    while (const std::optional<TtsEvent> event = aura.NextEvent()) {
      if (const auto* audio = std::get_if<TtsAudio>(&*event)) {
        lines.push_back("audio " + ToString(audio->audio));
      } else if (std::holds_alternative<TtsDone>(*event)) {
        lines.emplace_back("done");
      } else if (const auto* failed = std::get_if<ServiceFailed>(&*event)) {
        lines.push_back(ToLine(*failed));
      } else if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
        lines.push_back(std::string("fault ") + ToString(fault->fault));
      }
    }
  }
  // A whole exchange.
  std::vector<std::string> Answer(uint16_t status, const char* type,
                                  std::string_view body) {
    lines.clear();
    aura.Speak("Hello.");
    aura.OnHttpHeaders(channels.newest(), status, {{"content-type", type}});
    aura.OnHttpChunk(channels.newest(), ToBytes(body));
    aura.OnHttpDone(channels.newest());
    Take();
    return lines;
  }

  Exchanges channels;
  DeepgramAura aura{{.model = "aura-2-thalia-en"}, channels};
  std::vector<std::string> lines;
};

TEST_F(DeepgramAuraTest, AsksForSamplesWithoutAHead) {
  aura.Speak("Good morning.");
  const FetchRequest& fetch = channels.requests.at(0).fetch;
  EXPECT_EQ(fetch.upstream, "deepgram");
  EXPECT_EQ(fetch.method, "POST");
  EXPECT_EQ(fetch.path,
            "/v1/speak?model=aura-2-thalia-en&encoding=linear16"
            "&sample_rate=24000&container=none");
  EXPECT_EQ(channels.NewestJson(), Json::parse(R"({"text":"Good morning."})"));
  EXPECT_EQ(aura.format(), (AudioFormat{Encoding::kLinear16, 24000}));

  DeepgramAura narrow({.model = "m", .format = {Encoding::kLinear16, 8000}},
                      channels);
  narrow.Speak("Hello.");
  EXPECT_EQ(channels.requests.back().fetch.path,
            "/v1/speak?model=m&encoding=linear16&sample_rate=8000"
            "&container=none");
  // 20 s of it.
  EXPECT_EQ(channels.requests.back().fetch.window, 320'000u);
  EXPECT_EQ(narrow.format().sample_rate_hz, 8000);
}

TEST_F(DeepgramAuraTest, SpeaksAndNothingElse) {
  EXPECT_THAT(Answer(200, "audio/l16;rate=24000;channels=1", "abcd"),
              ElementsAre("audio abcd", "done"));
  // Another rate would be another voice.
  EXPECT_THAT(Answer(200, "audio/l16;rate=8000", "abcd"),
              ElementsAre("fatal audioFormat"));
  EXPECT_THAT(Answer(200, "audio/mpeg", "abcd"),
              ElementsAre("fatal audioFormat"));
  EXPECT_THAT(Answer(200, "application/json", R"({"err_code":"X"})"),
              ElementsAre("lost X"));
}

TEST_F(DeepgramAuraTest, ErrorsAreReadAsDeepgramWritesThem) {
  EXPECT_THAT(Answer(401, "application/json",
                     R"({"err_code":"INVALID_AUTH",)"
                     R"("err_msg":"Invalid credentials.","request_id":"r"})"),
              ElementsAre("fatal INVALID_AUTH Invalid credentials."));
  EXPECT_THAT(
      Answer(429, "application/json",
             R"({"category":"TOO_MANY_REQUESTS","message":"Slow down.",)"
             R"("details":"100 at a time","request_id":"r"})"),
      ElementsAre("lost TOO_MANY_REQUESTS Slow down."));
  // By a good status, and called what was asked for.
  EXPECT_THAT(
      Answer(200, "audio/l16;rate=24000", R"({"err_code":"X","err_msg":"y"})"),
      ElementsAre("lost X y"));
  EXPECT_THAT(Answer(503, "text/plain", "no healthy upstream"),
              ElementsAre("lost http503 no healthy upstream"));
}

TEST_F(DeepgramAuraTest, ALongTextIsCutBehindAWord) {
  std::string text;
  while (text.size() < 2'100) text += "word ";
  aura.Speak(text);
  Take();
  EXPECT_THAT(lines, ElementsAre("fault tooLarge"));
  EXPECT_EQ(1'999u, channels.NewestJson()["text"].get<std::string>().size());
}

TEST_F(DeepgramAuraTest, AnAbortClosesTheExchange) {
  aura.Speak("Hello.");
  aura.Abort();
  EXPECT_TRUE(channels.requests.at(0).aborted);
}

}  // namespace
}  // namespace trunkline::protocol
