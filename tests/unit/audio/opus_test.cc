#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "audio/level.h"
#include "audio/opus_decoder.h"
#include "audio/opus_encoder.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using Bytes = std::vector<uint8_t>;
using Samples = std::vector<int16_t>;

std::vector<Bytes> Encode(const Samples& samples, int rate) {
  OpusEncoder encoder({.sample_rate_hz = rate});
  std::vector<Bytes> packets;
  const size_t frame = encoder.frame_samples();
  for (size_t at = 0; at + frame <= samples.size(); at += frame) {
    Bytes packet(OpusEncoder::kMaxPacketBytes);
    packet.resize(encoder.Process(std::span(samples).subspan(at, frame),
                                  OpusEncoder::Activity::kUnknown, packet));
    packets.push_back(packet);
  }
  return packets;
}

TEST(OpusTest, ADecoderGivesBackSpeechAtEveryRate) {
  const Samples voice = test::VoiceSignal(8000 * 4, -200, 1);
  const std::vector<Bytes> packets = Encode(voice, 8000);
  for (const int rate : {8000, 12000, 16000, 24000, 48000}) {
    OpusDecoder decoder(rate);
    Samples decoded;
    Samples out(decoder.MaxSamples());
    for (const Bytes& packet : packets) {
      ASSERT_EQ(decoder.Process(packet, out), static_cast<size_t>(rate / 50));
      decoded.insert(decoded.end(), out.begin(), out.begin() + rate / 50);
    }
    EXPECT_NEAR(LevelDbfsTenths(MeanSquare(decoded)),
                LevelDbfsTenths(MeanSquare(voice)), 15);
    EXPECT_EQ(decoder.bad_packets(), 0U);
    EXPECT_EQ(decoder.concealed(), 0U);
  }
  EXPECT_FALSE(OpusDecoder::Supports(11025));
  EXPECT_FALSE(OpusDecoder::Supports(0));
}

TEST(OpusTest, TheDelayIsThePreSkip) {
  for (const int rate : {8000, 16000}) {
    const Samples voice = test::VoiceSignal(static_cast<size_t>(rate), -200, 1);
    OpusDecoder decoder(48000);
    Samples out(decoder.MaxSamples());
    Samples decoded;
    for (const Bytes& packet : Encode(voice, rate)) {
      const size_t count = decoder.Process(packet, out);
      decoded.insert(decoded.end(), out.begin(),
                     out.begin() + static_cast<ptrdiff_t>(count));
    }
    // Where the two are most alike.
    const auto step = static_cast<size_t>(48000 / rate);
    double best = 0;
    size_t best_delay = 0;
    for (size_t delay = 0; delay < 960; ++delay) {
      double sum = 0;
      for (size_t i = 0; i * step + delay < decoded.size(); ++i) {
        sum += static_cast<double>(voice[i]) * decoded[i * step + delay];
      }
      if (sum > best) {
        best = sum;
        best_delay = delay;
      }
    }
    EXPECT_NEAR(static_cast<double>(best_delay), OpusEncoder::kDelay48kHz, 12)
        << rate;
  }
}

TEST(OpusTest, BadPacketsAreCountedAndConcealed) {
  const std::vector<Bytes> packets =
      Encode(test::VoiceSignal(8000, -200, 1), 8000);
  OpusDecoder decoder(8000);
  Samples out(decoder.MaxSamples());
  // Nothing; a length that is missing; 49 frames of 2.5 ms: RFC 6716, 3.4.
  const std::vector<Bytes> bad = {{}, {0x0A}, {0x83, 49}, {0x0B, 0}};
  for (const Bytes& packet : bad) {
    EXPECT_EQ(decoder.Process(packet, out), 160U);
    EXPECT_EQ(Peak(std::span(out).first(160)), 0);
  }
  EXPECT_EQ(decoder.bad_packets(), bad.size());
  EXPECT_EQ(decoder.concealed(), bad.size());
  for (const Bytes& packet : packets) decoder.Process(packet, out);
  // In the midst of speech something like it goes on, and then fades.
  EXPECT_EQ(decoder.Process(bad[1], out), 160U);
  EXPECT_GT(Peak(std::span(out).first(160)), 300);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(decoder.Conceal({}, out), 160U);
  EXPECT_LT(Peak(std::span(out).first(160)), 100);
  // A next packet without redundancy is no help and does no harm.
  EXPECT_EQ(decoder.Conceal(packets[3], out), 160U);
  decoder.Reset();
  EXPECT_EQ(decoder.bad_packets(), 0U);
  EXPECT_EQ(decoder.concealed(), 0U);
}

TEST(OpusTest, CopiesGoOnAlike) {
  const Samples voice = test::VoiceSignal(16000, -200, 1);
  const std::vector<Bytes> packets = Encode(voice, 8000);
  OpusEncoder encoder({});
  OpusDecoder decoder(16000);
  Samples out(decoder.MaxSamples());
  Bytes packet(OpusEncoder::kMaxPacketBytes);
  const auto frame = [&voice](size_t i) {
    return std::span(voice).subspan(i * 160, 160);
  };
  for (size_t i = 0; i < 41; ++i) {
    encoder.Process(frame(i), OpusEncoder::Activity::kUnknown, packet);
    decoder.Process(packets[i], out);
  }
  OpusEncoder encoder_copy = encoder;
  OpusDecoder decoder_copy = decoder;
  encoder.Reset();
  decoder.Reset();
  OpusDecoder whole(16000);
  for (size_t i = 0; i < 41; ++i) whole.Process(packets[i], out);
  for (size_t i = 41; i < 100; ++i) {
    const size_t size =
        encoder_copy.Process(frame(i), OpusEncoder::Activity::kUnknown, packet);
    EXPECT_EQ(
        Bytes(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(size)),
        packets[i]);
    Samples expected(whole.MaxSamples());
    whole.Process(packets[i], expected);
    Samples copied(whole.MaxSamples());
    decoder_copy.Process(packets[i], copied);
    EXPECT_EQ(copied, expected) << i;
    // Reset: as at the beginning.
    const size_t again =
        encoder.Process(frame(i - 41), OpusEncoder::Activity::kUnknown, packet);
    EXPECT_EQ(
        Bytes(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(again)),
        packets[i - 41]);
  }
}

TEST(OpusTest, AnyBytesDecodeToSomething) {
  test::Random random(1);
  for (const int rate : {8000, 48000}) {
    OpusDecoder decoder(rate);
    Samples out(decoder.MaxSamples());
    for (int i = 0; i < 3000; ++i) {
      Bytes packet(random.Below(80));
      for (uint8_t& byte : packet) {
        byte = static_cast<uint8_t>(random.Next() >> 40);
      }
      const size_t count = random.Below(8) == 0 ? decoder.Conceal(packet, out)
                                                : decoder.Process(packet, out);
      ASSERT_GE(count, static_cast<size_t>(rate / 400));
      ASSERT_LE(count, decoder.MaxSamples());
    }
    EXPECT_GT(decoder.bad_packets(), 0U);
  }
}

}  // namespace
}  // namespace trunkline::audio
