#include "abi/effect_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "abi/trunkline.h"

namespace trunkline::abi {
namespace {

TEST(EffectEncoderTest, PagesOfTheRecordingKeepTheirGranuleAndBytes) {
  EffectEncoder encoder;
  const std::vector<uint8_t> pages = {'O', 'g', 'g', 'S', 0, 2, 255};
  constexpr int64_t kGranule = int64_t{48'000} * 3600 * 24 + 312;
  encoder.Record(kGranule, pages);
  const std::vector<uint8_t> bytes(encoder.pending().begin(),
                                   encoder.pending().end());
  ASSERT_EQ(bytes.size(), 24U);
  EXPECT_EQ(bytes[0], TL_EFFECT_RECORD);
  EXPECT_EQ(bytes[4], pages.size());
  uint64_t granule = 0;
  for (size_t i = 0; i < 8; ++i) {
    granule |= uint64_t{bytes[8 + i]} << (8 * i);
  }
  EXPECT_EQ(granule, static_cast<uint64_t>(kGranule));
  EXPECT_TRUE(std::equal(pages.begin(), pages.end(), bytes.begin() + 16));
  EXPECT_EQ(bytes[23], 0) << "padding";
  encoder.Consume(bytes.size());
  EXPECT_TRUE(encoder.pending().empty());
}

// The first record that waits: its tag, argument and body.
struct Record {
  uint64_t tag = 0;
  uint64_t arg = 0;
  std::string body;
};

uint64_t Number(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= uint64_t{bytes[i]} << (8 * i);
  }
  return value;
}

Record Take(EffectEncoder& encoder) {
  const std::span<const uint8_t> bytes = encoder.pending();
  const size_t length = Number(bytes.subspan(4, 4));
  const std::span<const uint8_t> body = bytes.subspan(16, length);
  Record record = {Number(bytes.first(2)),
                   Number(bytes.subspan(8, 8)),
                   {body.begin(), body.end()}};
  encoder.Consume(16 + (length + 7) / 8 * 8);
  return record;
}

// The JSON of a FETCH, and what follows it.
std::pair<Json, std::string> ReadFetch(const std::string& body) {
  const size_t length =
      Number({reinterpret_cast<const uint8_t*>(body.data()), 4});
  return {Json::parse(body.substr(4, length)), body.substr(4 + length)};
}

TEST(EffectEncoderTest, ARequestIsItsJsonAndThenItsBody) {
  EffectEncoder encoder;
  const std::vector<uint8_t> bytes = {'{', '}', 0, 255};
  protocol::FetchRequest request;
  request.upstream = "speech";
  request.path = "/v1/speak?x=1";
  request.headers = {{"content-type", "application/json"}};
  request.wants = {"content-type", "retry-after"};
  request.timeout = Duration::Millis(3'000);
  request.idle = Duration::Millis(500);
  request.max_bytes = 4096;
  request.window = 1024;
  request.body = bytes;
  encoder.Fetch(protocol::ChannelId{0xFFFF}, request);
  const Record record = Take(encoder);
  EXPECT_EQ(record.tag, TL_EFFECT_FETCH);
  EXPECT_EQ(record.arg, 0xFFFFU);
  const auto [json, body] = ReadFetch(record.body);
  EXPECT_EQ(json, Json::parse(R"({
    "upstream": "speech", "method": "POST", "path": "/v1/speak?x=1",
    "headers": {"content-type": "application/json"},
    "wants": ["content-type", "retry-after"],
    "timeoutMs": 3000, "idleMs": 500, "maxBytes": 4096, "window": 1024})"));
  EXPECT_EQ(body, std::string(bytes.begin(), bytes.end()));
}

TEST(EffectEncoderTest, TheBodyOfAFormIsItsPartsOneBehindTheOther) {
  EffectEncoder encoder;
  const std::vector<uint8_t> wav = {'R', 'I', 'F', 'F', 0};
  const std::vector<uint8_t> model = {'m', '1'};
  protocol::FetchRequest request;
  request.upstream = "speech";
  request.body = wav;  // the parts stand in its place
  request.parts = {{"file", "a.wav", "audio/wav", wav},
                   {"model", std::nullopt, "text/plain", model}};
  encoder.Fetch(protocol::ChannelId{2}, request);
  const auto [json, body] = ReadFetch(Take(encoder).body);
  EXPECT_EQ(json["multipart"], Json::parse(R"([
    {"name": "file", "filename": "a.wav", "contentType": "audio/wav",
     "length": 5},
    {"name": "model", "contentType": "text/plain", "length": 2}])"));
  EXPECT_EQ(body, std::string("RIFF\0m1", 7));
}

TEST(EffectEncoderTest, ChannelsAreInTheArgument) {
  EffectEncoder encoder;
  constexpr protocol::ChannelId kChannel{0xABCD};
  encoder.Connect(kChannel, {"openai", "/v1", {"realtime"}});
  Record record = Take(encoder);
  EXPECT_EQ(record.arg, 0xABCDU);
  EXPECT_EQ(record.body,
            R"({"path":"/v1","protocols":["realtime"],"upstream":"openai"})");
  encoder.Close(kChannel, 4401, "no");
  record = Take(encoder);
  EXPECT_EQ(record.arg, uint64_t{4401} << 32 | 0xABCD);
  EXPECT_EQ(record.body, "no");
  encoder.AbortFetch(kChannel);
  record = Take(encoder);
  EXPECT_EQ(record.tag, TL_EFFECT_FETCH_ABORT);
  EXPECT_EQ(record.arg, 0xABCDU);
  encoder.Credit(kChannel, UINT32_MAX);
  record = Take(encoder);
  EXPECT_EQ(record.tag, TL_EFFECT_FETCH_CREDIT);
  EXPECT_EQ(record.arg, uint64_t{UINT32_MAX} << 32 | 0xABCD);
  encoder.SendBinary(kChannel, std::vector<uint8_t>{1});
  EXPECT_EQ(Take(encoder).arg, 0xABCDU);
}

TEST(EffectEncoderTest, TextsAreVerbatim) {
  EffectEncoder encoder;
  encoder.LoadResource("music/one.wav");
  Record record = Take(encoder);
  EXPECT_EQ(record.tag, TL_EFFECT_LOAD_RESOURCE);
  EXPECT_EQ(record.body, "music/one.wav");
  encoder.Snapshot("{ \"version\": 1 }");
  record = Take(encoder);
  EXPECT_EQ(record.tag, TL_EFFECT_SNAPSHOT);
  EXPECT_EQ(record.body, "{ \"version\": 1 }");
  encoder.CommandResult({{"id", 1}, {"status", "done"}});
  record = Take(encoder);
  EXPECT_EQ(record.tag, TL_EFFECT_COMMAND_RESULT);
  EXPECT_EQ(record.body, R"({"id":1,"status":"done"})");
  EXPECT_TRUE(encoder.pending().empty());
}

}  // namespace
}  // namespace trunkline::abi
