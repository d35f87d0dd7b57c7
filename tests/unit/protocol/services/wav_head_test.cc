#include "protocol/services/wav_head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audio/wav.h"

namespace trunkline::protocol {
namespace {

using Verdict = WavHeadReading::Verdict;

constexpr size_t kLongestHead = 256;

std::string Little(size_t value, int size) {
  std::string bytes;
  for (; size > 0; --size, value >>= 8) bytes += static_cast<char>(value);
  return bytes;
}

std::string Chunk4(const std::string& name, const std::string& body) {
  return name + Little(body.size(), 4) + body;
}

std::string Format(size_t tag, size_t channels, size_t rate, size_t bits) {
  return Little(tag, 2) + Little(channels, 2) + Little(rate, 4) +
         Little(rate * channels * bits / 8, 4) +
         Little(channels * bits / 8, 2) + Little(bits, 2);
}

std::string Riff(const std::string& chunks) {
  return "RIFF" + Little(4 + chunks.size(), 4) + "WAVE" + chunks;
}

WavHeadReading ReadHead(std::string_view file) {
  return ReadWavHead(
      {reinterpret_cast<const uint8_t*>(file.data()), file.size()}, 24000,
      kLongestHead);
}

// Our other writer and reader of WAV files judge.
TEST(WavHeadTest, WritesWhatWavReadersRead) {
  for (const int rate : {8000, 16000, 24000}) {
    const auto head = WavHead(rate, 4);
    std::array<uint8_t, audio::kMaxWavHeaderBytes> expected{};
    const size_t size = audio::WriteWavHeader(
        {audio::WavFormat::Encoding::kPcm16, 1, rate}, 4, expected);
    ASSERT_EQ(size, head.size());
    EXPECT_TRUE(std::equal(head.begin(), head.end(), expected.begin()));

    std::vector<uint8_t> file(head.begin(), head.end());
    file.insert(file.end(), {1, 0, 2, 0, 9, 9});
    std::span<const uint8_t> in = file;
    std::array<int16_t, 4> samples{};
    audio::WavReader reader;
    EXPECT_EQ(reader.Process(in, samples), 2U);
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(reader.format()->sample_rate_hz, rate);

    const WavHeadReading read = ReadWavHead(file, rate, kLongestHead);
    EXPECT_EQ(read.verdict, Verdict::kOk);
    EXPECT_EQ(read.begin, kWavHeadBytes);
    EXPECT_EQ(read.bytes, 4U);
  }
}

TEST(WavHeadTest, OtherChunksAreSkipped) {
  const std::string file = Riff(
      Chunk4("LIST", "odd") + '\0' + Chunk4("fmt ", Format(1, 1, 24000, 16)) +
      Chunk4("fact", Little(2, 4)) + Chunk4("data", "abcd"));
  for (size_t size = 0; size < file.size() - 4; ++size) {
    EXPECT_EQ(ReadHead(file.substr(0, size)).verdict, Verdict::kMore) << size;
  }
  const WavHeadReading read = ReadHead(file);
  EXPECT_EQ(read.verdict, Verdict::kOk);
  EXPECT_EQ(file.substr(read.begin), "abcd");
  EXPECT_EQ(read.bytes, 4U);
}

TEST(WavHeadTest, WhoWritesAsItComesKnowsNoLength) {
  for (const size_t size :
       {size_t{0}, size_t{0x7FFFFFFF}, size_t{0xFFFFFFFF}}) {
    const WavHeadReading read = ReadHead(
        "RIFF" + Little(size, 4) + "WAVE" +
        Chunk4("fmt ", Format(1, 1, 24000, 16)) + "data" + Little(size, 4));
    EXPECT_EQ(read.verdict, Verdict::kOk);
    EXPECT_FALSE(read.bytes);
  }
}

TEST(WavHeadTest, TheExtensibleFormatIsReadByWhatItCarries) {
  const auto extensible = [](size_t tag) {
    return Riff(Chunk4("fmt ", Format(0xFFFE, 1, 24000, 16) + Little(22, 2) +
                                   Little(16, 2) + Little(4, 4) +
                                   Little(tag, 2) + std::string(14, 'g')) +
                Chunk4("data", "ab"));
  };
  EXPECT_EQ(ReadHead(extensible(1)).verdict, Verdict::kOk);
  EXPECT_EQ(ReadHead(extensible(3)).verdict, Verdict::kForeign);
  // Too short to say.
  EXPECT_EQ(ReadHead(Riff(Chunk4("fmt ", Format(0xFFFE, 1, 24000, 16)) +
                          Chunk4("data", "ab")))
                .verdict,
            Verdict::kForeign);
}

TEST(WavHeadTest, OtherFormatsAreForeign) {
  const std::string data = Chunk4("data", "abcd");
  for (const std::string& file :
       {Riff(Chunk4("fmt ", Format(1, 2, 24000, 16)) + data),
        Riff(Chunk4("fmt ", Format(1, 1, 22050, 16)) + data),
        Riff(Chunk4("fmt ", Format(1, 1, 24000, 8)) + data),
        Riff(Chunk4("fmt ", Format(3, 1, 24000, 32)) + data),
        Riff(Chunk4("fmt ", Format(7, 1, 24000, 8)) + data),
        Riff(Chunk4("fmt ", "short") + data), Riff(data),
        std::string("RIFF....AVI LIST"), std::string("OggS........."),
        Riff(Chunk4("LIST", std::string(kLongestHead + 1, 'x'))),
        Riff("LIST" + Little(0xFFFFFFFF, 4)),
        Riff("fmt " + Little(0xFFFFFFFF, 4))}) {
    EXPECT_EQ(ReadHead(file).verdict, Verdict::kForeign) << file;
  }
  // And so is a head without an end.
  std::string endless = Riff("");
  while (endless.size() < 2 * kLongestHead) endless += Chunk4("LIST", "four");
  EXPECT_EQ(ReadHead(endless).verdict, Verdict::kForeign);
}

}  // namespace
}  // namespace trunkline::protocol
