#include "protocol/services/local_tts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class LocalTtsTest : public testing::Test {
 protected:
  static constexpr int kSecond = 8000;

  // One line of `samples` samples, each of them `sample`.
  static std::string AudioLine(int samples, uint8_t sample,
                               const std::string& words = "[]",
                               int rate_hz = 8000) {
    const std::vector<uint8_t> bytes(static_cast<size_t>(samples) * 2, sample);
    std::string text(Base64EncodedSize(bytes.size()), '\0');
    Base64Encode(bytes, text.data());
    return R"({"type":"audio","rateHz":)" + std::to_string(rate_hz) +
           R"(,"words":)" + words + R"(,"audio":")" + text + "\"}\n";
  }
  static std::string DoneLine(int samples) {
    return R"({"type":"done","rateHz":8000,"samples":)" +
           std::to_string(samples) + "}\n";
  }

  void Take() {
    while (const std::optional<TtsEvent> next = tts.NextEvent()) {
      if (const auto* fault = std::get_if<ServiceFaulted>(&*next)) {
        lines.push_back(std::string("fault ") + ToString(fault->fault));
      } else if (const auto* words = std::get_if<TtsWords>(&*next)) {
        std::string line = "words";
        for (const SpokenWord& word : words->words) {
          line += ' ' + std::to_string(word.text_end) + '@' +
                  std::to_string(word.end_ms);
        }
        lines.push_back(line);
      } else if (const auto* sound = std::get_if<TtsAudio>(&*next)) {
        audio.insert(audio.end(), sound->audio.begin(), sound->audio.end());
        lines.push_back("audio " + std::to_string(sound->audio.size()));
      } else if (std::holds_alternative<TtsDone>(*next)) {
        lines.emplace_back("done");
      } else if (const auto* failed = std::get_if<ServiceFailed>(&*next)) {
        lines.push_back(
            std::string(failed->loss == Loss::kFatal ? "fatal " : "failed ") +
            std::string(failed->why.code) +
            (failed->why.message.empty() ? "" : ": ") +
            std::string(failed->why.message));
      }
    }
  }
  void At(int64_t ms) {
    tts.SetNow(Instant::Micros(static_cast<uint64_t>(ms) * 1000));
    tts.OnDeadline();
    Take();
  }
  void Speak(std::string_view text, uint16_t status = 200) {
    tts.Speak(text);
    Take();
    tts.OnHttpHeaders(channels.newest(), status, Json::object());
    Take();
  }
  void Chunk(std::string_view text) {
    tts.OnHttpChunk(
        channels.newest(),
        {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    Take();
  }
  void Done() {
    tts.OnHttpDone(channels.newest());
    Take();
  }

  test::RecordingChannels channels;
  LocalTts tts{{}, channels};
  std::vector<std::string> lines;
  std::vector<uint8_t> audio;
};

TEST_F(LocalTtsTest, ATextIsAskedForWithItsPace) {
  tts.Speak("Good \"day\".");
  EXPECT_THAT(channels.lines,
              ElementsAre("fetch 1 POST speech /speak "
                          R"({"pace":100,"text":"Good \"day\"."})"));
  EXPECT_EQ(tts.format(), (AudioFormat{Encoding::kLinear16, 8000}));
}

TEST_F(LocalTtsTest, WordsComeBeforeTheAudioThatSaysThem) {
  Speak("Good day.");
  Chunk(AudioLine(4000, 1, "[[0,0,4,240,2000],[1,5,9,2000,3600]]"));
  Chunk(AudioLine(4000, 2));
  Chunk(DoneLine(8000));
  Done();
  EXPECT_THAT(lines, ElementsAre("words 4@250 9@450", "audio 8000",
                                 "audio 8000", "done"));
  EXPECT_THAT(channels.lines, Not(Contains("abort 1")));
}

// Lines are cut anywhere, and several come at once.
TEST_F(LocalTtsTest, TheSplitOfTheAnswerChangesNothing) {
  const std::string answer =
      AudioLine(50, 1, "[[0,0,4,0,20]]") + AudioLine(30, 2) + DoneLine(80);
  Speak("Good day.");
  Chunk(answer);
  const auto whole_lines = lines;
  const auto whole_audio = audio;
  EXPECT_THAT(whole_lines,
              ElementsAre("words 4@2", "audio 100", "audio 60", "done"));
  for (size_t cut = 1; cut < answer.size(); ++cut) {
    lines.clear();
    audio.clear();
    Speak("Good day.");
    Chunk(std::string_view(answer).substr(0, cut));
    Chunk(std::string_view(answer).substr(cut));
    ASSERT_EQ(lines, whole_lines) << cut;
    ASSERT_EQ(audio, whole_audio) << cut;
  }
  lines.clear();
  Speak("Good day.");
  for (const char byte : answer) Chunk({&byte, 1});
  EXPECT_EQ(lines, whole_lines);
}

TEST_F(LocalTtsTest, ManyShortLinesInOneChunkAreAllTold) {
  std::string answer;
  for (int i = 0; i < 500; ++i) answer += AudioLine(2, 1, "[[0,0,4,0,1]]");
  Speak("Good day.");
  Chunk(answer + DoneLine(1000));
  EXPECT_EQ(lines.size(), 1001U);
  EXPECT_EQ(audio.size(), 2000U);
  EXPECT_EQ(lines.back(), "done");
}

TEST_F(LocalTtsTest, AnotherRateIsNoFormatOfOurs) {
  Speak("Good day.");
  Chunk(AudioLine(16000, 1, "[]", 16000));
  EXPECT_THAT(lines, ElementsAre("fault unsupportedFormat", "fatal format"));
  EXPECT_THAT(channels.lines, Contains("abort 1"));
  EXPECT_THAT(audio, IsEmpty());
}

TEST_F(LocalTtsTest, ATextThatIsTooLongIsNotAskedFor) {
  tts.Speak(std::string(LocalTts::kMaxTextBytes + 1, 'a'));
  Take();
  EXPECT_THAT(lines, ElementsAre("fatal text: longer than the voice takes"));
  EXPECT_THAT(channels.lines, IsEmpty());
  tts.Speak(std::string(LocalTts::kMaxTextBytes, 'a'));
  EXPECT_EQ(channels.lines.size(), 1U);
}

TEST_F(LocalTtsTest, WithoutAChannelItFails) {
  channels.full = true;
  tts.Speak("Good day.");
  Take();
  EXPECT_THAT(lines, ElementsAre("failed channels"));
}

// An error body is no speech.
TEST_F(LocalTtsTest, ARefusalHasItsCode) {
  Speak("Good day.", 503);
  Chunk(R"({"type":"error","code":"busy",)");
  Chunk(R"("message":"8 texts are spoken"})");
  Done();
  EXPECT_THAT(lines, ElementsAre("failed busy: 8 texts are spoken"));
  EXPECT_THAT(channels.lines, Not(Contains("abort 1")));
}

TEST_F(LocalTtsTest, ARequestThatIsNoneIsFatal) {
  Speak("Good day.", 400);
  Chunk(R"({"type":"error","code":"request","message":"no"})");
  Done();
  EXPECT_THAT(lines, ElementsAre("fatal request: no"));
}

TEST_F(LocalTtsTest, ARefusalWithoutACodeHasTheStatus) {
  Speak("Good day.", 502);
  Chunk("<html>" + std::string(10000, 'x'));
  Done();
  Speak("Good day.", 404);
  Done();
  Speak("Good day.", 429);
  Done();
  EXPECT_THAT(lines,
              ElementsAre("failed http502", "fatal http404", "failed http429"));
}

TEST_F(LocalTtsTest, AnErrorLineEndsTheText) {
  Speak("Good day.");
  Chunk(AudioLine(100, 1));
  Chunk(R"({"type":"error","code":"trap","message":"speaking failed"})"
        "\n");
  Done();
  EXPECT_THAT(lines, ElementsAre("audio 200", "failed trap: speaking failed"));
}

TEST_F(LocalTtsTest, AnAnswerThatStopsIsTruncated) {
  Speak("Good day.");
  Chunk(AudioLine(100, 1));
  Done();
  EXPECT_THAT(lines, ElementsAre("audio 200", "failed truncated"));
  lines.clear();
  Speak("Good day.");
  Chunk(AudioLine(100, 1) + R"({"type":"do)");
  Done();
  EXPECT_THAT(lines, ElementsAre("audio 200", "failed truncated"));
}

TEST_F(LocalTtsTest, SamplesThatAreMissingAreNoticed) {
  Speak("Good day.");
  Chunk(AudioLine(100, 1) + DoneLine(200));
  EXPECT_THAT(lines, ElementsAre("audio 200", "failed samples"));
}

// It was taken for a sentence that was said.
TEST_F(LocalTtsTest, WordsOfWhichNoSampleComesAreAFailure) {
  for (const char* text : {"Good day.", "7", "\u4f60\u597d"}) {
    lines.clear();
    Speak(text);
    Chunk(DoneLine(0));
    EXPECT_THAT(lines, ElementsAre("failed empty")) << text;
  }
  for (const char* text : {"...", "\u2014", "\U0001f44d"}) {
    lines.clear();
    Speak(text);
    Chunk(DoneLine(0));
    EXPECT_THAT(lines, ElementsAre("done")) << text;
  }
}

TEST_F(LocalTtsTest, AnExchangeThatFailsSaysHow) {
  Speak("Good day.");
  Chunk(AudioLine(100, 1));
  tts.OnHttpFailed(channels.newest(), HttpFailure::kNetwork, "reset");
  Take();
  EXPECT_THAT(lines, ElementsAre("audio 200", "failed network: reset"));
}

TEST_F(LocalTtsTest, ALineThatNeverEndsFails) {
  Speak("Good day.");
  for (size_t i = 0; i <= LocalTts::kMaxLineBytes / 1000; ++i) {
    Chunk(std::string(1000, ' '));
  }
  EXPECT_THAT(lines, ElementsAre("fault tooLarge", "failed line"));
  EXPECT_THAT(channels.lines, Contains("abort 1"));
  lines.clear();
  Speak("Good day.");
  Chunk(std::string(LocalTts::kMaxLineBytes + 1, ' ') + "\n");
  EXPECT_THAT(lines, ElementsAre("fault tooLarge", "failed line"));
}

TEST_F(LocalTtsTest, WhatCannotBeReadFails) {
  const std::pair<const char*, const char*> cases[] = {
      {"nonsense\n", "fault malformed|failed malformed"},
      {"[]\n", "fault malformed|failed malformed"},
      {R"({"type":"audio","rateHz":8000,"words":[]})"
       "\n",
       "fault missingField|failed malformed"},
      {R"({"type":"audio","rateHz":8000,"words":[],"audio":"AAA"})"
       "\n",
       "audio 2"},
      {R"({"type":"audio","rateHz":8000,"words":[],"audio":"AA=="})"
       "\n",
       "fault badPayload|failed payload"},
      {R"({"type":"audio","rateHz":8000,"words":[],"audio":"*"})"
       "\n",
       "fault badPayload|failed payload"},
      {R"({"type":"audio","words":[],"audio":"AAAA"})"
       "\n",
       "fault unsupportedFormat|fatal format"},
      {R"({"type":"weather"})"
       "\n",
       "fault unknownEvent"},
  };
  for (const auto& [line, expected] : cases) {
    lines.clear();
    Speak("Good day.");
    Chunk(line);
    std::string told;
    for (const std::string& each : lines) {
      told += (told.empty() ? "" : "|") + each;
    }
    EXPECT_EQ(told, expected) << line;
  }
}

// They only inform: the speech is all there.
TEST_F(LocalTtsTest, WordsThatAreNoneAreLeftOut) {
  for (const char* words :
       {"7", "[[0,0,4,0]]", "[[0,0,10,0,80]]", "[[0,0,4,0,-1]]",
        "[[0,0,\"4\",0,8]]", "[7]", "[[0,0,4,0,99999999999999999999]]"}) {
    lines.clear();
    Speak("Good day.");
    Chunk(AudioLine(10, 1, words));
    EXPECT_THAT(lines, ElementsAre("fault wrongType", "audio 20")) << words;
  }
  lines.clear();
  Speak("Good day.");
  Chunk(AudioLine(10, 1, "[[0,0,9,0,80],[1,0,4,0,90]]"));
  EXPECT_THAT(lines, ElementsAre("fault wrongType", "words 9@10", "audio 20"));
}

TEST_F(LocalTtsTest, AbortEndsTheExchangeAndWhatIsLeftOfIt) {
  Speak("Good day.");
  tts.OnHttpChunk(channels.newest(), {});
  const std::string line = AudioLine(100, 1);
  tts.OnHttpChunk(channels.newest(),
                  {reinterpret_cast<const uint8_t*>(line.data()), line.size()});
  tts.Abort();
  Take();
  EXPECT_THAT(channels.lines, Contains("abort 1"));
  Chunk(line);
  Done();
  EXPECT_THAT(lines, IsEmpty());
  // Of the former text, which crossed with the abort.
  tts.Speak("Next.");
  tts.OnHttpHeaders(ChannelId{1}, 200, Json::object());
  tts.OnHttpDone(ChannelId{1});
  Take();
  EXPECT_THAT(lines, IsEmpty());
  // Nothing is left to be aborted.
  tts.Abort();
  tts.Abort();
  EXPECT_EQ(std::count(channels.lines.begin(), channels.lines.end(), "abort 2"),
            1);
}

TEST_F(LocalTtsTest, ALongTextIsNotMadeAheadOfNeed) {
  At(1000);
  Speak("A long text.");
  int64_t ms = 1000;
  int64_t credit = LocalTts::kWindowBytes;
  int64_t made_ms = 0;
  size_t seen = 0;
  std::string unsent;
  // A peer that sends whatever it may, at once.
  for (int step = 0; step < 40'000; ++step) {
    while (credit > 0 && made_ms < 120'000) {
      if (unsent.empty()) unsent = AudioLine(kSecond, 1);
      const size_t size =
          std::min({unsent.size(), static_cast<size_t>(credit), size_t{5000}});
      credit -= static_cast<int64_t>(size);
      Chunk(unsent.substr(0, size));
      unsent.erase(0, size);
      if (unsent.empty()) made_ms += 1000;
      for (; seen < channels.lines.size(); ++seen) {
        if (channels.lines[seen].starts_with("credit 1 ")) {
          credit += std::stoll(channels.lines[seen].substr(9));
        }
      }
    }
    if (made_ms == 120'000) break;
    const auto here_ms = static_cast<int64_t>(audio.size() / 16);
    // Never more than this, never so little that the line runs dry.
    ASSERT_LE(here_ms - (ms - 1000), 12'000) << ms;
    ASSERT_GE(here_ms - (ms - 1000), 4'000) << ms;
    ASSERT_FALSE(tts.deadline().is_never());
    ASSERT_GT(tts.deadline().us(), ms * 1000);
    ms = (tts.deadline().us() + 999) / 1000;
    At(ms);
    for (; seen < channels.lines.size(); ++seen) {
      if (channels.lines[seen].starts_with("credit 1 ")) {
        credit += std::stoll(channels.lines[seen].substr(9));
      }
    }
  }
  EXPECT_EQ(made_ms, 120'000);
  // Two minutes are made in two minutes but for what is ahead.
  EXPECT_GE(ms, 1000 + 120'000 - 12'000);
}

// Who waits for credit to say that it is over gets it.
TEST_F(LocalTtsTest, TheLastLineLeavesNoCreditOwed) {
  Speak("Good day.");
  for (int i = 0; i < 10; ++i) Chunk(AudioLine(kSecond, 1));
  EXPECT_FALSE(tts.deadline().is_never());
  const std::string done = DoneLine(10 * kSecond);
  Chunk(done);
  EXPECT_EQ(lines.back(), "done");
  EXPECT_TRUE(tts.deadline().is_never());
  size_t credit = 0;
  for (const std::string& line : channels.lines) {
    if (line.starts_with("credit 1 ")) credit += std::stoul(line.substr(9));
  }
  EXPECT_EQ(credit, 10 * AudioLine(kSecond, 1).size() + done.size());
}

}  // namespace
}  // namespace trunkline::protocol
