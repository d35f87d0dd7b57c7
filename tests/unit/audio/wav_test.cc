#include "audio/wav.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using Bytes = std::vector<uint8_t>;
using Samples = std::vector<int16_t>;

constexpr WavFormat::Encoding kEncodings[] = {WavFormat::Encoding::kPcm16,
                                              WavFormat::Encoding::kALaw,
                                              WavFormat::Encoding::kMuLaw};

Bytes Write(const WavFormat& format, const Samples& samples,
            std::optional<uint64_t> data_bytes) {
  Bytes file(kMaxWavHeaderBytes + samples.size() * 2);
  size_t size = WriteWavHeader(format, data_bytes, file);
  size += WriteWavSamples(format, samples, std::span(file).subspan(size));
  file.resize(size);
  return file;
}

// Reads `file` in pieces of at most `longest` bytes, with room for as many
// samples.
Samples Read(WavReader& reader, const Bytes& file, size_t longest) {
  Samples samples;
  Samples out(longest);
  for (size_t at = 0; at < file.size(); at += longest) {
    std::span<const uint8_t> in =
        std::span(file).subspan(at, std::min(longest, file.size() - at));
    while (!in.empty()) {
      const size_t count = reader.Process(in, out);
      samples.insert(samples.end(), out.begin(),
                     out.begin() + static_cast<ptrdiff_t>(count));
    }
  }
  return samples;
}

TEST(WavTest, WhatIsWrittenIsReadInPiecesOfAnySize) {
  for (const WavFormat::Encoding encoding : kEncodings) {
    for (const int channels : {1, 2}) {
      const WavFormat format{encoding, channels, 16000};
      Samples samples = test::RandomSamples(1000, 1);
      // What G.711 gives back of itself.
      if (encoding != WavFormat::Encoding::kPcm16) {
        WavReader reader;
        samples = Read(reader, Write(format, samples, 1000), 4096);
        ASSERT_EQ(samples.size(), 1000U);
      }
      const uint64_t bytes = samples.size() * format.bytes_per_sample();
      for (const auto length :
           {std::optional<uint64_t>(bytes), std::optional<uint64_t>()}) {
        const Bytes file = Write(format, samples, length);
        for (const size_t longest : {1UL, 2UL, 3UL, 7UL, 4096UL}) {
          WavReader reader;
          EXPECT_EQ(Read(reader, file, longest), samples);
          ASSERT_TRUE(reader.format().has_value());
          EXPECT_EQ(reader.format()->encoding, encoding);
          EXPECT_EQ(reader.format()->channels, channels);
          EXPECT_EQ(reader.format()->sample_rate_hz, 16000);
          EXPECT_EQ(reader.done(), length.has_value());
        }
      }
    }
  }
}

Bytes FromText(std::string_view text) { return {text.begin(), text.end()}; }

TEST(WavTest, OtherChunksAreSkippedAndWhatFollowsTheDataIsNoSound) {
  const Bytes written = Write({}, {1, -2, 3}, 6);
  Bytes file(written.begin(), written.begin() + 36);
  // An odd chunk, with the byte that makes it even.
  const Bytes list = {'L', 'I', 'S', 'T', 3, 0, 0, 0, 'a', 'b', 'c', 0};
  file.insert(file.end(), list.begin(), list.end());
  file.insert(file.end(), written.begin() + 36, written.end());
  file.insert(file.end(), list.begin(), list.end());
  WavReader reader;
  EXPECT_EQ(Read(reader, file, 5), (Samples{1, -2, 3}));
  EXPECT_TRUE(reader.done());
}

TEST(WavTest, ExtensibleIsReadByWhatItCarries) {
  const Bytes written =
      Write({WavFormat::Encoding::kPcm16, 2, 48000}, {1, 2, 3, 4}, 8);
  Bytes file(written.begin(), written.begin() + 36);
  file[16] = 40;
  file[20] = 0xFE;
  file[21] = 0xFF;
  const Bytes extension = {22,   0,    16,   0,    3,    0,    0,    0,
                           1,    0,    0x00, 0x00, 0x00, 0x00, 0x10, 0x00,
                           0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};
  file.insert(file.end(), extension.begin(), extension.end());
  file.insert(file.end(), written.begin() + 36, written.end());
  WavReader reader;
  EXPECT_EQ(Read(reader, file, 4096), (Samples{1, 2, 3, 4}));
  // Another GUID is another format.
  file[59] = 0;
  WavReader other;
  EXPECT_TRUE(Read(other, file, 4096).empty());
  EXPECT_EQ(other.error(), WavError::kUnsupported);
}

TEST(WavTest, SaysWhatIsWrong) {
  const Bytes good = Write({}, {1, 2}, 4);
  const auto error_of = [](const Bytes& file) {
    WavReader reader;
    EXPECT_TRUE(Read(reader, file, 7).empty());
    EXPECT_FALSE(reader.format().has_value());
    return reader.error();
  };
  const auto with = [&good](size_t at, uint8_t byte) {
    Bytes file = good;
    file.at(at) = byte;
    return file;
  };
  EXPECT_EQ(error_of(FromText("RIFX....WAVEfmt ")), WavError::kNotWav);
  EXPECT_EQ(error_of(FromText("<html><body>no</body>")), WavError::kNotWav);
  EXPECT_EQ(error_of(with(16, 15)), WavError::kBadFormat);
  EXPECT_EQ(error_of(with(20, 3)), WavError::kUnsupported);   // float
  EXPECT_EQ(error_of(with(34, 24)), WavError::kUnsupported);  // 24 bits
  EXPECT_EQ(error_of(with(22, 0)), WavError::kBadFormat);     // no channel
  EXPECT_EQ(error_of(with(22, 9)), WavError::kBadFormat);
  EXPECT_EQ(error_of(with(26, 0xFF)), WavError::kBadFormat);  // 16 MHz
  EXPECT_EQ(error_of(with(32, 4)), WavError::kBadFormat);     // two channels'
  Bytes no_format = good;
  no_format.erase(no_format.begin() + 12, no_format.begin() + 36);
  EXPECT_EQ(error_of(no_format), WavError::kNoFormat);
  for (const WavError error :
       {WavError::kNone, WavError::kNotWav, WavError::kBadFormat,
        WavError::kUnsupported, WavError::kNoFormat}) {
    EXPECT_FALSE(ToString(error).empty());
  }
}

TEST(WavTest, HalfASampleAtTheEndIsNone) {
  Bytes file = Write({}, {1, 2}, 3);
  WavReader reader;
  EXPECT_EQ(Read(reader, file, 4096), (Samples{1}));
  EXPECT_TRUE(reader.done());
}

TEST(WavTest, LengthsBeyond32BitsAreUnknown) {
  Bytes header(kMaxWavHeaderBytes);
  ASSERT_EQ(WriteWavHeader({}, uint64_t{1} << 32, header), 44U);
  for (const size_t at : {4UL, 40UL}) {
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(header[at + i], 0xFF);
  }
  EXPECT_EQ(WriteWavHeader({WavFormat::Encoding::kALaw, 1, 8000}, 7, header),
            58U);
}

}  // namespace
}  // namespace trunkline::audio
