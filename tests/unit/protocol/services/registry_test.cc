#include "protocol/services/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/agents/registry.h"
#include "protocol/services/local_services.h"
#include "protocol/services/openai_services.h"
#include "protocol/services/options.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;

AgentSettings Settings(const char* stt, const char* llm, const char* tts) {
  AgentSettings settings;
  settings.stt = Json::parse(stt);
  settings.llm = Json::parse(llm);
  settings.tts = Json::parse(tts);
  return settings;
}

TEST(ServicesTest, EachIsMadeOfWhatTheProfileSays) {
  AgentSettings settings = Settings(
      R"({"service":"openai","model":"t","prompt":"ramen"})",
      R"({"service":"openai","model":"m","temperature":0,"maxTokens":9})",
      R"({"service":"openai","model":"v","voice":"alloy","speed":1.5,
          "instructions":"Warm."})");
  settings.instructions = "Be brief.";
  settings.language = "pt-BR";
  settings.tools = Json::array({{{"name", "a"}}});
  settings.leg_format = {Encoding::kMuLaw, 8000};
  ASSERT_TRUE(AcceptsServices(settings));
  const auto stt = ReadOpenAiTranscription(settings.stt, settings);
  EXPECT_EQ("t", stt->model);
  EXPECT_EQ("ramen", stt->prompt);
  // All that the vendor takes of a language's tag.
  EXPECT_EQ("pt", stt->language);
  EXPECT_EQ(8000, stt->format.sample_rate_hz);
  const auto llm = ReadOpenAiChat(settings.llm, settings);
  EXPECT_EQ("m", llm->model);
  EXPECT_EQ(0, llm->temperature);
  EXPECT_EQ(9, llm->max_reply_tokens);
  EXPECT_EQ("Be brief.", llm->instructions);
  EXPECT_EQ(settings.tools, llm->tools);
  const auto tts = ReadOpenAiSpeech(settings.tts, settings);
  EXPECT_EQ("v", tts->model);
  EXPECT_EQ("alloy", tts->voice);
  EXPECT_EQ(1.5, tts->speed);
  EXPECT_EQ("Warm.", tts->instructions);
  settings.leg_format = {Encoding::kLinear16, 48000};
  EXPECT_EQ(
      16000,
      ReadOpenAiTranscription(settings.stt, settings)->format.sample_rate_hz);
  test::RecordingChannels channels;
  MakeTts(settings, channels)->Speak("Hello.");
  EXPECT_THAT(channels.lines,
              ElementsAre("fetch 1 POST openai /v1/audio/speech "
                          R"({"input":"Hello.","instructions":"Warm.",)"
                          R"("model":"v","response_format":"pcm",)"
                          R"("speed":1.5,"voice":"alloy"})"));
}

TEST(ServicesTest, TheLocalOnesAreToldTheSentencesOfProfileAndHouse) {
  AgentSettings settings =
      Settings(R"({"service":"local","sentences":["one ramen"]})",
               R"({"service":"house"})", R"({"service":"local","speed":1.25})");
  ASSERT_TRUE(AcceptsServices(settings));
  test::RecordingChannels channels;
  const auto listen = [&] {
    channels = {};
    const auto stt = MakeStt(settings, channels);
    stt->Begin();
    stt->OnSocketOpened(ChannelId{1});
    return channels.Texts().back();
  };
  EXPECT_THAT(listen(), testing::HasSubstr(R"("sentences":["one ramen",")"));
  settings.stt.erase("sentences");
  ASSERT_TRUE(AcceptsServices(settings));
  EXPECT_THAT(listen(), testing::Not(testing::HasSubstr("ramen")));
  settings.stt["sentences"] = {"one ramen"};
  settings.llm = {{"service", "openai"}, {"model", "m"}};
  EXPECT_THAT(listen(), testing::HasSubstr(R"("sentences":["one ramen"],)"));
  EXPECT_EQ(125, ReadLocalTts(settings.tts, settings)->pace);
}

// What each asks for at once, of settings with a leg of `rate_hz`.
std::vector<std::string> AskedAtOnce(const char* stt, const char* tts,
                                     int rate_hz, const char* language = "") {
  AgentSettings settings = Settings(stt, "null", tts);
  settings.leg_format = {Encoding::kMuLaw, rate_hz};
  settings.language = language;
  EXPECT_TRUE(AcceptsServices(settings));
  test::RecordingChannels channels;
  if (!settings.stt.is_null()) MakeStt(settings, channels)->Begin();
  if (!settings.tts.is_null()) MakeTts(settings, channels)->Speak("Hello.");
  return channels.lines;
}

TEST(ServicesTest, DeepgramIsAFluxOrANovaByTheNameOfTheModel) {
  EXPECT_THAT(
      AskedAtOnce(
          R"({"service":"deepgram","model":"flux-general-en","eager":0.4,
                "endOfTurn":0.8,"endOfTurnMs":3000,"terms":["ramen"]})",
          R"({"service":"deepgram","model":"aura-2-thalia-en"})", 8000, "en"),
      ElementsAre("connect 1 deepgram /v2/listen?model=flux-general-en"
                  "&encoding=linear16&sample_rate=8000&eager_eot_threshold=0.4"
                  "&eot_threshold=0.8&eot_timeout_ms=3000&keyterm=ramen ",
                  "fetch 2 POST deepgram /v1/speak?model=aura-2-thalia-en"
                  "&encoding=linear16&sample_rate=8000&container=none "
                  R"({"text":"Hello."})"));
  EXPECT_THAT(
      AskedAtOnce(R"({"service":"deepgram","model":"flux-general-multi"})",
                  "null", 16000, "es-MX"),
      ElementsAre("connect 1 deepgram /v2/listen?model=flux-general-multi"
                  "&encoding=linear16&sample_rate=16000&language_hint=es "));
  EXPECT_THAT(
      AskedAtOnce(R"({"service":"deepgram","model":"nova-3"})",
                  R"({"service":"deepgram","model":"aura-2-thalia-en"})", 48000,
                  "de"),
      ElementsAre("connect 1 deepgram /v1/listen?model=nova-3"
                  "&encoding=linear16&sample_rate=16000"
                  "&interim_results=true&smart_format=true&language=de ",
                  "fetch 2 POST deepgram /v1/speak"
                  "?model=aura-2-thalia-en&encoding=linear16"
                  "&sample_rate=24000&container=none "
                  R"({"text":"Hello."})"));
}

TEST(ServicesTest, ModelsOfWorkersAiAreThoseOfTheirPaths) {
  EXPECT_THAT(
      AskedAtOnce(R"({"service":"workers-ai","model":"@cf/deepgram/flux"})",
                  R"({"service":"workers-ai","model":"@cf/deepgram/aura-1",
                "voice":"asteria"})",
                  8000),
      ElementsAre(
          "connect 1 workers-ai /run/@cf/deepgram/flux"
          "?encoding=linear16&sample_rate=16000 ",
          "fetch 2 POST workers-ai /run/@cf/deepgram/aura-1 "
          R"({"container":"none","encoding":"linear16",)"
          R"("sample_rate":8000,"speaker":"asteria","text":"Hello."})"));
  EXPECT_THAT(
      AskedAtOnce(R"({"service":"workers-ai","model":"@cf/deepgram/nova-3"})",
                  "null", 8000),
      ElementsAre("connect 1 workers-ai /run/@cf/deepgram/nova-3"
                  "?encoding=linear16&sample_rate=16000"
                  "&interim_results=true&smart_format=true "));
  AgentSettings settings = Settings(
      R"({"service":"workers-ai","model":"@cf/openai/whisper-large-v3-turbo"})",
      R"({"service":"workers-ai","model":"@cf/meta/llama"})", "null");
  ASSERT_TRUE(AcceptsServices(settings));
  test::RecordingChannels channels;
  const auto stt = MakeStt(settings, channels);
  stt->Begin();
  stt->TurnStarted({});
  stt->Listen(std::vector<uint8_t>(16'000));
  stt->Finish({});
  EXPECT_THAT(channels.lines,
              ElementsAre(testing::StartsWith(
                  "fetch 1 POST workers-ai "
                  "/run/@cf/openai/whisper-large-v3-turbo {\"audio\":")));
  MakeLlm(settings, channels)->Ask({});
  EXPECT_THAT(
      channels.lines.back(),
      testing::StartsWith("fetch 2 POST workers-ai /run/@cf/meta/llama "));
}

TEST(ServicesTest, WhatIsMissingOrWrongIsRefused) {
  const char* stt = R"({"service":"openai","model":"t"})";
  const char* llm = R"({"service":"openai","model":"m"})";
  const char* tts = R"({"service":"openai","model":"v","voice":"alloy"})";
  EXPECT_TRUE(AcceptsServices(Settings(stt, llm, tts)));
  // What is not named is none.
  EXPECT_TRUE(AcceptsServices(Settings("null", "null", "null")));
  const std::string long_prompt =
      R"({"service":"openai","model":"t","prompt":")" + std::string(2049, 'a') +
      "\"}";
  const std::string long_sentence = R"({"service":"local","sentences":[")" +
                                    std::string(kMaxSentencesBytes + 1, 'a') +
                                    "\"]}";
  for (const char* bad :
       {R"({})",
        R"({"service":"house","model":"t"})",
        R"({"service":5})",
        R"({"service":"openai"})",
        R"({"service":"openai","model":""})",
        R"({"service":"openai","model":1})",
        long_prompt.c_str(),
        R"({"service":"local"})",
        R"({"service":"local","sentences":[]})",
        R"({"service":"local","sentences":[""]})",
        R"({"service":"local","sentences":[1]})",
        R"({"service":"local","sentences":"a"})",
        long_sentence.c_str(),
        R"({"service":"deepgram"})",
        R"({"service":"deepgram","model":"flux","eager":0.95})",
        R"({"service":"deepgram","model":"flux","endOfTurn":1.1})",
        R"({"service":"deepgram","model":"flux","endOfTurnMs":100})",
        R"({"service":"deepgram","model":"nova-3","terms":[]})",
        R"({"service":"workers-ai"})",
        R"({"service":"workers-ai","model":"@cf/x/flux","eager":1})",
        R"({"service":"workers-ai","model":"@cf/x/nova","terms":"a"})",
        R"({"service":"workers-ai","model":"@cf/x","prompt":1})"}) {
    EXPECT_FALSE(AcceptsServices(Settings(bad, llm, tts))) << bad;
  }
  for (const char* bad :
       {R"({"service":"local"})", R"({"service":"openai"})",
        R"({"service":"openai","model":"m","temperature":-0.1})",
        R"({"service":"openai","model":"m","temperature":"1"})",
        R"({"service":"openai","model":"m","temperature":2.5})",
        R"({"service":"openai","model":"m","maxTokens":0})",
        R"({"service":"openai","model":"m","maxTokens":1.5})",
        R"({"service":"openai","model":"m","maxTokens":100001})",
        R"({"service":"workers-ai"})", R"({"service":"deepgram","model":"m"})",
        R"({"service":"workers-ai","model":"m","maxTokens":0})"}) {
    EXPECT_FALSE(AcceptsServices(Settings(stt, bad, tts))) << bad;
  }
  for (const char* bad :
       {R"({"service":"house"})", R"({"service":"openai","model":"v"})",
        R"({"service":"openai","voice":"alloy"})",
        R"({"service":"openai","model":"v","voice":"a","speed":4.5})",
        R"({"service":"openai","model":"v","voice":"a","instructions":1})",
        R"({"service":"local","speed":0.4})",
        R"({"service":"local","speed":null})", R"({"service":"deepgram"})",
        R"({"service":"workers-ai"})",
        R"({"service":"workers-ai","model":"m","voice":1})"}) {
    EXPECT_FALSE(AcceptsServices(Settings(stt, llm, bad))) << bad;
  }
}

// Those that know English alone.
TEST(ServicesTest, ALanguageThatAServiceDoesNotKnowIsRefused) {
  const char* stt = R"({"service":"openai","model":"t"})";
  const char* llm = R"({"service":"openai","model":"m"})";
  const char* tts = R"({"service":"openai","model":"v","voice":"alloy"})";
  for (const char* language : {"", "en", "EN-gb", "de", "eng"}) {
    AgentSettings settings = Settings(stt, llm, tts);
    settings.language = language;
    EXPECT_TRUE(AcceptsServices(settings)) << language;
    const bool is_english =
        PrimaryLanguage(language) != "de" && PrimaryLanguage(language) != "eng";
    settings.llm = {{"service", "house"}};
    EXPECT_EQ(is_english, AcceptsServices(settings)) << language;
    settings.llm = Json();
    settings.tts = {{"service", "local"}};
    EXPECT_EQ(is_english, AcceptsServices(settings)) << language;
    settings.tts = Json();
    settings.stt = {{"service", "local"}, {"sentences", {"hello"}}};
    EXPECT_EQ(is_english, AcceptsServices(settings)) << language;
  }
}

}  // namespace
}  // namespace trunkline::protocol
