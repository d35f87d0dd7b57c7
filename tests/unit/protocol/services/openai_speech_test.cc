#include "protocol/services/openai_speech.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "exchanges.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string SpeechLine(const TtsEvent& event) {
  return std::visit(
      [](const auto& each) -> std::string {
        using Event = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Event, ServiceFaulted>) {
          return std::string("fault ") + ToString(each.fault);
        } else if constexpr (std::is_same_v<Event, TtsWords>) {
          return "words";
        } else if constexpr (std::is_same_v<Event, TtsAudio>) {
          return "audio " + ToString(each.audio);
        } else if constexpr (std::is_same_v<Event, TtsDone>) {
          return "done";
        } else {
          return ToLine(each);
        }
      },
      event);
}

class OpenAiSpeechTest : public testing::Test {
 protected:
  static OpenAiSpeech::Config MakeConfig() {
    OpenAiSpeech::Config config;
    config.model = "gpt-4o-mini-tts";
    config.voice = "marin";
    return config;
  }
  void Take() {
    while (const std::optional<TtsEvent> event = speech.NextEvent()) {
      lines.push_back(SpeechLine(*event));
      if (const auto* audio = std::get_if<TtsAudio>(&*event)) {
        EXPECT_FALSE(audio->audio.empty());
        EXPECT_EQ(audio->audio.size() % 2, 0U);
        heard += ToString(audio->audio);
      }
    }
  }
  void Speak(std::string_view text = "Hello.") {
    lines.clear();
    heard.clear();
    speech.Speak(text);
    Take();
  }
  void Headers(uint16_t status, const Json& headers) {
    speech.OnHttpHeaders(channels.newest(), status, headers);
    Take();
  }
  void Open(const char* type = "audio/pcm") {
    Speak();
    Headers(200, {{"content-type", type}, {"transfer-encoding", "chunked"}});
  }
  void Bytes(std::string_view bytes) {
    speech.OnHttpChunk(channels.newest(), ToBytes(bytes));
    Take();
  }
  void Done() {
    speech.OnHttpDone(channels.newest());
    Take();
  }
  void At(int64_t ms) {
    speech.SetNow(Instant::Micros(static_cast<uint64_t>(ms) * 1000));
  }
  // A whole exchange.
  std::vector<std::string> Answer(std::string_view body,
                                  const char* type = "audio/pcm") {
    Open(type);
    Bytes(body);
    Done();
    return lines;
  }

  Exchanges channels;
  OpenAiSpeech speech{MakeConfig(), channels};
  std::vector<std::string> lines;
  std::string heard;
};

TEST_F(OpenAiSpeechTest, AsksForPcmByPost) {
  Speak("Good morning.");
  ASSERT_EQ(channels.requests.size(), 1U);
  const FetchRequest& fetch = channels.requests[0].fetch;
  EXPECT_EQ(fetch.upstream, "openai");
  EXPECT_EQ(fetch.method, "POST");
  EXPECT_EQ(fetch.path, "/v1/audio/speech");
  EXPECT_EQ(fetch.timeout, HttpExchange::kPatience);
  EXPECT_EQ(fetch.window, 960'000U);
  EXPECT_EQ(channels.NewestJson(), Json::parse(R"({
      "model":"gpt-4o-mini-tts","voice":"marin","input":"Good morning.",
      "response_format":"pcm"})"));
  EXPECT_EQ(speech.format(), (AudioFormat{Encoding::kLinear16, 24000}));
  EXPECT_EQ(speech.deadline(), Instant() + AnswerPatience::kShortest);
}

TEST_F(OpenAiSpeechTest, WhatIsConfiguredIsSaid) {
  OpenAiSpeech::Config config = MakeConfig();
  config.voice = "voice_1234";
  config.instructions = "Whisper.";
  config.speed = 1.25;
  OpenAiSpeech other(config, channels);
  other.Speak("Hello.");
  EXPECT_EQ(channels.NewestJson(), Json::parse(R"({
      "model":"gpt-4o-mini-tts","voice":{"id":"voice_1234"},"input":"Hello.",
      "response_format":"pcm","instructions":"Whisper.","speed":1.25})"));
}

TEST_F(OpenAiSpeechTest, AudioComesAsItIsMade) {
  Open();
  Bytes("abcd");
  EXPECT_THAT(lines, ElementsAre("audio abcd"));
  Bytes("efgh");
  Done();
  EXPECT_THAT(lines, ElementsAre("audio abcd", "audio efgh", "done"));
  EXPECT_FALSE(channels.requests[0].aborted);
  EXPECT_TRUE(speech.deadline().is_never());
}

// A byte too many or too few makes noise of everything behind it.
TEST_F(OpenAiSpeechTest, NoCutChangesTheSamples) {
  const std::string samples = "0123456789abcdef";
  for (size_t first = 0; first <= samples.size(); ++first) {
    for (size_t second = first; second <= samples.size(); ++second) {
      Open();
      Bytes(samples.substr(0, first));
      Bytes(samples.substr(first, second - first));
      Bytes(samples.substr(second));
      Done();
      ASSERT_EQ(heard, samples) << first << ' ' << second;
      ASSERT_EQ(lines.back(), "done");
    }
  }
}

TEST_F(OpenAiSpeechTest, HalfASampleIsDroppedAndTold) {
  EXPECT_THAT(Answer("abcde"),
              ElementsAre("audio abcd", "fault badPayload", "done"));
  // The next text has nothing of it.
  EXPECT_THAT(Answer("fghi"), ElementsAre("audio fghi", "done"));
}

TEST_F(OpenAiSpeechTest, ErrorsAreNotPlayed) {
  Speak();
  Headers(429,
          {{"content-type", "application/json"}, {"retry-after-ms", "900"}});
  Bytes(R"({"error":{"message":"slow down","type":"requests",)");
  Bytes(R"("code":"rate_limit_exceeded"}})");
  EXPECT_THAT(lines, IsEmpty());
  Done();
  EXPECT_THAT(lines,
              ElementsAre("lost rate_limit_exceeded slow down after 900"));
  // Whatever the type says of it.
  Speak();
  Headers(500, {{"content-type", "audio/pcm"}});
  Bytes("samples?");
  speech.OnHttpFailed(channels.newest(), HttpFailure::kNetwork, "gone");
  Take();
  EXPECT_THAT(lines, ElementsAre("lost http500 samples?"));
  // Of a long one the front is enough.
  Speak();
  Headers(404, {{"content-type", "text/html"}});
  for (int i = 0; i < 9; ++i)
    Bytes("<title>No</title>" + std::string(1024, 'x'));
  EXPECT_THAT(lines, ElementsAre("fatal http404 No"));
  EXPECT_TRUE(channels.requests.back().aborted);
}

TEST_F(OpenAiSpeechTest, ErrorsWithAGoodStatusAreNotPlayed) {
  const std::string error = R"({"error":{"message":"no","code":"overloaded"}})";
  for (const char* type :
       {"application/json; charset=utf-8", "application/problem+json",
        "text/plain", "application/octet-stream", ""}) {
    EXPECT_THAT(Answer(error, type), ElementsAre("lost overloaded no")) << type;
  }
  const std::string page = "<!DOCTYPE html><title>Log in</title>";
  for (const char* type : {"text/html", "application/xhtml+xml", ""}) {
    EXPECT_THAT(Answer(page, type), ElementsAre("lost contentType Log in"))
        << type;
  }
  EXPECT_THAT(Answer("<html><title>Log in</title>", ""),
              ElementsAre("lost contentType Log in"));
  EXPECT_THAT(Answer("try again in 2s", "text/plain"),
              ElementsAre("lost contentType try again in 2s"));
  // In pieces as well.
  Open("");
  for (const char c : error) Bytes({&c, 1});
  Done();
  EXPECT_THAT(lines, ElementsAre("lost overloaded no"));
  // What is called audio may begin with anything.
  EXPECT_THAT(Answer("{\"ab"), ElementsAre("audio {\"ab", "done"));
}

TEST_F(OpenAiSpeechTest, PcmHasManyNames) {
  for (const char* type :
       {"", "audio/pcm", "AUDIO/PCM; rate=24000; channels=1", "audio/L16",
        "audio/wav", "application/octet-stream", "binary/octet-stream"}) {
    EXPECT_THAT(Answer("abcd", type), ElementsAre("audio abcd", "done"))
        << type;
  }
}

TEST_F(OpenAiSpeechTest, OtherFormatsAreRefusedByName) {
  for (const char* type :
       {"audio/mpeg", "audio/ogg", "audio/flac", "audio/aac",
        "audio/pcm;rate=16000", "audio/L16; rate=8000; channels=1"}) {
    EXPECT_THAT(Answer("abcd", type), ElementsAre("fatal audioFormat")) << type;
    EXPECT_TRUE(channels.requests.back().aborted);
  }
  for (const char* head : {"ID3\x04", "OggS", "fLaC"}) {
    EXPECT_THAT(Answer(std::string(head) + "abcd"),
                ElementsAre("fatal audioFormat"));
    EXPECT_TRUE(channels.requests.back().aborted);
  }
}

TEST_F(OpenAiSpeechTest, AnErrorThatIsCalledAudioIsNotPlayed) {
  for (const std::string error :
       {R"({"error":{"message":"Overloaded"}})",
        "{\n  \"error\": {\n    \"message\": \"Overloaded\"\n  }\n}"}) {
    for (size_t cut = 0; cut <= error.size(); ++cut) {
      Open("audio/pcm");
      Bytes(error.substr(0, cut));
      Bytes(error.substr(cut));
      Done();
      ASSERT_EQ(heard, "") << cut;
      ASSERT_EQ(lines.back(), "lost contentType Overloaded") << cut;
    }
  }
  // Samples that begin like one.
  EXPECT_THAT(Answer("{\"erratic!", "audio/pcm"),
              ElementsAre("audio {\"erratic!", "done"));
  EXPECT_THAT(Answer("{   ab", "audio/pcm"),
              ElementsAre("audio {   ab", "done"));
}

std::string WavFile(int rate, const std::string& samples) {
  return ToString(WavHead(rate, samples.size())) + samples;
}

TEST_F(OpenAiSpeechTest, AWavHeadIsSkipped) {
  const std::string file = WavFile(24000, "abcdef") + "LIST....";
  for (size_t cut = 0; cut <= file.size(); ++cut) {
    Open("audio/wav");
    Bytes(file.substr(0, cut));
    Bytes(file.substr(cut));
    Done();
    ASSERT_EQ(heard, "abcdef") << cut;
    ASSERT_EQ(lines.back(), "done") << cut;
  }
  // Whatever it is called.
  Answer(WavFile(24000, "abcdef"), "audio/pcm");
  EXPECT_EQ(heard, "abcdef");
  EXPECT_THAT(Answer(WavFile(22050, "abcdef")),
              ElementsAre("fatal audioFormat"));
  // A sample that begins like it.
  EXPECT_THAT(Answer("RIFE"), ElementsAre("audio RIFE", "done"));
}

TEST_F(OpenAiSpeechTest, NoAudioIsAFailure) {
  EXPECT_THAT(Answer(""), ElementsAre("lost empty"));
  EXPECT_THAT(Answer("a"), ElementsAre("lost empty"));
  EXPECT_THAT(Answer(WavFile(24000, "")), ElementsAre("lost empty"));
  EXPECT_THAT(Answer(WavFile(24000, "ab").substr(0, 40)),
              ElementsAre("lost empty"));
  Speak();
  Done();
  EXPECT_THAT(lines, ElementsAre("lost truncated"));
}

TEST_F(OpenAiSpeechTest, ExchangesThatFailAreFailures) {
  Open();
  Bytes("abcd");
  speech.OnHttpFailed(channels.newest(), HttpFailure::kTimeout, "late");
  Take();
  EXPECT_THAT(lines, ElementsAre("audio abcd", "lost timeout late"));
  EXPECT_TRUE(speech.deadline().is_never());
  channels.full = true;
  Speak();
  EXPECT_THAT(lines, ElementsAre("lost channels"));
}

TEST_F(OpenAiSpeechTest, OfAnAbortedTextNothingComes) {
  Open();
  speech.OnHttpChunk(channels.newest(), ToBytes("abcde"));
  speech.Abort();
  EXPECT_TRUE(channels.requests[0].aborted);
  EXPECT_TRUE(speech.deadline().is_never());
  Take();
  Bytes("late");
  Done();
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_THAT(Answer("fghi"), ElementsAre("audio fghi", "done"));
  // What is over is not aborted.
  speech.Abort();
  EXPECT_FALSE(channels.requests[1].aborted);
}

TEST_F(OpenAiSpeechTest, CreditComesAtThePaceOfTheVoice) {
  At(5'000);
  Open();
  At(6'000);
  // A first byte is waited for.
  EXPECT_EQ(speech.deadline(), Instant::Micros(6'500'000));
  Bytes("abcd");
  ASSERT_EQ(speech.deadline(), Instant::Micros(7'000'000));
  // More audio puts nothing off.
  At(6'500);
  Bytes("abcd");
  ASSERT_EQ(speech.deadline(), Instant::Micros(7'000'000));
  // Early, nothing happens.
  speech.OnDeadline();
  EXPECT_EQ(channels.requests[0].credit, 0U);
  At(7'000);
  speech.OnDeadline();
  EXPECT_EQ(channels.requests[0].credit, 48'000U);
  // Late, there is more of it.
  ASSERT_EQ(speech.deadline(), Instant::Micros(8'000'000));
  At(9'500);
  speech.OnDeadline();
  EXPECT_EQ(channels.requests[0].credit, 168'000U);
  // However late, no more than a text is long.
  At(900'000'000);
  speech.OnDeadline();
  EXPECT_EQ(channels.requests[0].credit,
            BytesOf(OpenAiSpeech::kFormat, OpenAiSpeech::kMaxAudioMs));
  At(900'001'000);
  speech.OnDeadline();
  EXPECT_EQ(channels.requests[0].credit,
            BytesOf(OpenAiSpeech::kFormat, OpenAiSpeech::kMaxAudioMs));
  Done();
  speech.OnDeadline();
  EXPECT_TRUE(speech.deadline().is_never());
  // The next one begins anew.
  Open();
  Bytes("abcd");
  At(900'002'000);
  speech.OnDeadline();
  EXPECT_EQ(channels.requests[1].credit, 48'000U);
}

TEST_F(OpenAiSpeechTest, ATextThatIsTooLongIsCutBehindAWord) {
  // Characters, not bytes.
  std::string longest;
  for (size_t i = 0; i < OpenAiSpeech::kMaxTextCharacters / 4; ++i) {
    longest +=
        "\xC3\xA9\xE2\x82\xAC"
        "a ";
  }
  Speak(longest);
  EXPECT_THAT(lines, IsEmpty());
  EXPECT_EQ(channels.NewestJson().at("input"), longest);
  Speak(longest + "x");
  EXPECT_THAT(lines, ElementsAre("fault tooLarge"));
  EXPECT_EQ(channels.NewestJson().at("input"),
            longest.substr(0, longest.size() - 1));
  Speak(std::string(OpenAiSpeech::kMaxTextCharacters, 'x') + " y");
  EXPECT_EQ(channels.NewestJson().at("input"),
            std::string(OpenAiSpeech::kMaxTextCharacters, 'x'));
  Speak(std::string(OpenAiSpeech::kMaxTextCharacters + 9, 'x'));
  EXPECT_EQ(channels.NewestJson().at("input"),
            std::string(OpenAiSpeech::kMaxTextCharacters, 'x'));
}

TEST_F(OpenAiSpeechTest, WhatIsOnOtherChannelsIsOfOthers) {
  Open();
  const ChannelId other{99};
  speech.OnHttpHeaders(other, 500, {});
  speech.OnHttpChunk(other, ToBytes("xxxx"));
  speech.OnHttpDone(other);
  speech.OnHttpFailed(other, HttpFailure::kNetwork, "");
  Take();
  EXPECT_THAT(lines, IsEmpty());
}

// One that says nothing is given up soon; the next has its time.
TEST_F(OpenAiSpeechTest, AVoiceThatSaysNothingIsGivenUp) {
  At(1'000);
  Speak("Good morning.");
  At(2'499);
  speech.OnDeadline();
  EXPECT_FALSE(channels.requests[0].aborted);
  At(2'500);
  speech.OnDeadline();
  Take();
  EXPECT_TRUE(channels.requests[0].aborted);
  EXPECT_THAT(lines, ElementsAre("lost stalled"));
  EXPECT_TRUE(speech.deadline().is_never());
  lines.clear();
  Speak("Good morning.");
  At(2'500 + 5'900);
  speech.OnDeadline();
  EXPECT_FALSE(channels.requests[1].aborted);
}

}  // namespace
}  // namespace trunkline::protocol
