#include <gtest/gtest.h>

// SILK's headers, of which not all know C++.
extern "C" {
#include <API.h>
#include <main.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
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

// Noise of a line: the neighbouring samples of `colour` 0 have nothing in
// common, those of 1 nearly all.
Samples LineNoise(size_t count, int dbfs_tenths, double colour) {
  Samples noise = test::NoiseSignal(count, -200, 7);
  double low = 0;
  for (int16_t& sample : noise) {
    low = colour * low + (1 - colour) * sample;
    sample = static_cast<int16_t>(low);
  }
  const double gain =
      test::GainOfTenths(dbfs_tenths - LevelDbfsTenths(MeanSquare(noise)));
  for (int16_t& sample : noise) {
    sample = static_cast<int16_t>(std::lround(gain * sample));
  }
  return noise;
}

// How alike neighbours are, -1 to 1.
double Colour(std::span<const int16_t> samples) {
  double product = 0;
  double squares = 0;
  for (size_t i = 1; i < samples.size(); ++i) {
    product += double{1} * samples[i] * samples[i - 1];
    squares += double{1} * samples[i] * samples[i];
  }
  return product / squares;
}

// What a decoder makes of `noise` without its first second, of which one frame
// in `every` is encoded and the encoder makes the others.
Samples CodedNoise(const Samples& noise, int rate, size_t every) {
  OpusEncoder encoder({.sample_rate_hz = rate});
  OpusDecoder decoder(rate);
  Samples out(decoder.MaxSamples());
  Samples made;
  Bytes packet(OpusEncoder::kMaxPacketBytes);
  const size_t frame = encoder.frame_samples();
  for (size_t i = 0; (i + 1) * frame <= noise.size(); ++i) {
    const size_t size =
        i < 50 || i % every == 0
            ? encoder.Process(std::span(noise).subspan(i * frame, frame),
                              OpusEncoder::Activity::kNoise, packet)
            : encoder.Noise(packet);
    const size_t count = decoder.Process(std::span(packet).first(size), out);
    if (i < 50) continue;
    made.insert(made.end(), out.begin(),
                out.begin() + static_cast<ptrdiff_t>(count));
  }
  EXPECT_EQ(decoder.concealed(), 0U);
  return made;
}

TEST(OpusTest, NoiseIsAsLoudAndOfTheSpectrumOfTheLast) {
  for (const int rate : {8000, 16000}) {
    for (const int level : {-500, -560, -620, -680}) {
      for (const double colour : {0.0, 0.5, 0.8}) {
        const Samples noise =
            LineNoise(static_cast<size_t>(rate) * 6, level, colour);
        // At its low rate the codec itself takes 3 dB from noise.
        const Samples encoded = CodedNoise(noise, rate, 1);
        const Samples made = CodedNoise(noise, rate, 20);
        EXPECT_NEAR(LevelDbfsTenths(MeanSquare(made)),
                    LevelDbfsTenths(MeanSquare(encoded)), 15)
            << rate << " " << level << " " << colour;
        EXPECT_NEAR(Colour(made), Colour(encoded), 0.15)
            << rate << " " << level << " " << colour;
      }
    }
  }
}

TEST(OpusTest, NoiseIsNotTheSameAgainAndAgain) {
  const Samples made = CodedNoise(LineNoise(8000 * 21, -550, 0), 8000, 20);
  // The mean of frames that have nothing in common is that much quieter than
  // they are; of four noises in turns it would be 6 dB.
  Samples mean(160);
  for (size_t i = 0; i < mean.size(); ++i) {
    int sum = 0;
    for (size_t at = i; at < made.size(); at += mean.size()) sum += made[at];
    mean[i] = static_cast<int16_t>(sum * 160 / static_cast<int>(made.size()));
  }
  EXPECT_LT(LevelDbfsTenths(MeanSquare(mean)), -550 - 100);
}

TEST(OpusTest, NoiseThatNobodyHearsIsSilentAndShort) {
  for (const int rate : {8000, 16000}) {
    const Samples silence(static_cast<size_t>(rate) * 3);
    EXPECT_LT(LevelDbfsTenths(MeanSquare(CodedNoise(silence, rate, 20))), -800);
    OpusEncoder encoder({.sample_rate_hz = rate});
    Bytes packet(OpusEncoder::kMaxPacketBytes);
    for (int i = 0; i < 10; ++i) {
      encoder.Process(std::span(silence).first(encoder.frame_samples()),
                      OpusEncoder::Activity::kNoise, packet);
    }
    EXPECT_LE(encoder.Noise(packet), rate == 8000 ? 5U : 7U);
  }
}

// Nothing is left of what a decoder played, however loud it was, and speech
// behind it is what it is without it.
TEST(OpusTest, SilenceIsShortAndAtOnceSilentBehindAFade) {
  for (const int rate : {8000, 16000}) {
    const Samples voice =
        test::VoiceSignal(static_cast<size_t>(rate) * 3, -60, 5);
    const Samples silence(static_cast<size_t>(rate / 50));
    OpusEncoder encoder({.sample_rate_hz = rate});
    OpusDecoder decoder(rate);
    Samples out(decoder.MaxSamples());
    Bytes packet(OpusEncoder::kMaxPacketBytes);
    const auto decode = [&](size_t size) {
      const size_t count = decoder.Process(std::span(packet).first(size), out);
      return LevelDbfsTenths(MeanSquare(std::span(out).first(count)));
    };
    const size_t frame = encoder.frame_samples();
    int64_t heard = 0;
    int64_t said = 0;
    for (size_t i = 0; (i + 1) * frame <= voice.size(); ++i) {
      const auto here = std::span(voice).subspan(i * frame, frame);
      const int level = decode(
          encoder.Process(here, OpusEncoder::Activity::kUnknown, packet));
      said += LevelDbfsTenths(MeanSquare(here));
      heard += level;
      if (i % 25 != 24) continue;
      for (int k = 0; k < 3; ++k) {
        decode(encoder.Process(silence, OpusEncoder::Activity::kNoise, packet));
      }
      for (int k = 0; k < 5; ++k) {
        const size_t size = encoder.Silence(packet);
        EXPECT_EQ(size, rate == 8000 ? 5U : 7U);
        EXPECT_LT(decode(size), k == 0 ? -700 : -800) << rate << " " << i;
      }
    }
    EXPECT_NEAR(static_cast<double>(heard), static_cast<double>(said),
                150.0 * 15);
    EXPECT_EQ(decoder.concealed(), 0U);
    EXPECT_EQ(decoder.bad_packets(), 0U);
  }
}

// FFmpeg's own decoder departed from libopus by up to 13 dB behind frames with
// two spectral lines that are all but one. What SILK's own decoder makes of the
// packets is asked for the lines.
TEST(OpusTest, HardlyTwoSpectralLinesOfSpeechAreAllButOne) {
  constexpr int kLeastSpacing = 8;
  opus_int bytes = 0;
  ASSERT_EQ(silk_Get_Decoder_Size(&bytes), 0);
  for (const int rate : {8000, 16000}) {
    std::vector<std::max_align_t> memory(
        static_cast<size_t>(bytes) / sizeof(std::max_align_t) + 1);
    ASSERT_EQ(silk_InitDecoder(memory.data()), 0);
    // The decoder's first member is the state of its first channel.
    const auto& state =
        *reinterpret_cast<const silk_decoder_state*>(memory.data());
    silk_DecControlStruct control{};
    control.nChannelsAPI = 1;
    control.nChannelsInternal = 1;
    control.API_sampleRate = rate;
    control.internalSampleRate = rate;
    control.payloadSize_ms = 20;
    int frames = 0;
    int narrow_frames = 0;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Samples voice =
          test::VoiceSignal(static_cast<size_t>(rate) * 5, -200, seed);
      for (Bytes& packet : Encode(voice, rate)) {
        ec_dec range_decoder;
        ec_dec_init(&range_decoder, packet.data() + 1,
                    static_cast<opus_uint32>(packet.size() - 1));
        Samples out(static_cast<size_t>(rate / 50));
        opus_int32 count = 0;
        ASSERT_EQ(silk_Decode(memory.data(), &control, FLAG_DECODE_NORMAL,
                              /*newPacketFlag=*/1, &range_decoder, out.data(),
                              &count, /*arch=*/0),
                  0);
        int narrowest = 32768;
        for (int i = 1; i < state.LPC_order; ++i) {
          narrowest = std::min(
              narrowest, state.prevNLSF_Q15[i] - state.prevNLSF_Q15[i - 1]);
        }
        ++frames;
        narrow_frames += narrowest < kLeastSpacing ? 1 : 0;
      }
    }
    // Of what the codec does by itself it is one frame in 15.
    EXPECT_LE(narrow_frames, frames / 200) << rate;
  }
}

// What keeps lines apart must leave tones as loud as they are.
TEST(OpusTest, TonesKeepTheirLevel) {
  for (const int rate : {8000, 16000}) {
    double sum = 0;
    int frames = 0;
    for (const double amplitude : {1000.0, 9000.0}) {
      for (double hz = 150; hz < rate * 0.45; hz += 111) {
        const Samples tone =
            test::SineSignal(static_cast<size_t>(rate), hz, rate, amplitude);
        const int level = LevelDbfsTenths(MeanSquare(tone));
        OpusDecoder decoder(rate);
        Samples out(decoder.MaxSamples());
        int frame = 0;
        for (const Bytes& packet : Encode(tone, rate)) {
          const size_t count = decoder.Process(packet, out);
          // The first few are where the tone begins.
          if (frame++ < 3) continue;
          const int heard =
              LevelDbfsTenths(MeanSquare(std::span(out).first(count)));
          EXPECT_LT(heard, level + 60) << rate << " " << hz << " " << frame;
          sum += std::abs(heard - level);
          ++frames;
        }
      }
    }
    EXPECT_LT(sum / frames, rate == 8000 ? 33 : 18) << rate;
  }
}

// Decoders read on behind a frame, and not all read zeros there.
TEST(OpusTest, NoPacketDependsOnWhatIsBehindIt) {
  for (const int rate : {8000, 16000}) {
    Samples line = LineNoise(static_cast<size_t>(rate) * 12, -600, 0.3);
    std::fill_n(line.begin(), rate, int16_t{0});
    test::Mix(std::span(line).subspan(static_cast<size_t>(rate) * 2),
              test::VoiceSignal(static_cast<size_t>(rate) * 8, -200, 4));
    OpusEncoder encoder({.sample_rate_hz = rate});
    std::array<OpusDecoder, 3> decoders = {OpusDecoder(rate), OpusDecoder(rate),
                                           OpusDecoder(rate)};
    constexpr std::array<uint8_t, 3> kBehind = {0x00, 0xFF, 0x48};
    const size_t frame = encoder.frame_samples();
    for (size_t i = 0; (i + 1) * frame <= line.size(); ++i) {
      Bytes packet(OpusEncoder::kMaxPacketBytes);
      const bool speech = i >= 100 && i < 500;
      packet.resize(
          speech || i % 10 < 3
              ? encoder.Process(std::span(line).subspan(i * frame, frame),
                                speech ? OpusEncoder::Activity::kUnknown
                                       : OpusEncoder::Activity::kNoise,
                                packet)
          : i % 10 < 7 ? encoder.Noise(packet)
                       : encoder.Silence(packet));
      // An empty frame, or one of a byte, is a lost one to libopus.
      EXPECT_GE(packet.size(), 5U);
      Samples first;
      for (size_t k = 0; k < decoders.size(); ++k) {
        Bytes longer = packet;
        longer.push_back(kBehind[k]);
        Samples out(decoders[k].MaxSamples());
        decoders[k].Process(longer, out);
        if (k == 0) first = out;
        ASSERT_EQ(out, first) << rate << " " << i << " " << k;
      }
    }
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
