// The recorder's codec: what a round trip costs, whether quiet speech is kept,
// and our decoder beside the system's libopus.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "audio/opus_decoder.h"
#include "audio/opus_encoder.h"
#include "audio/recorder.h"
#include "audio/resampler.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/line_conditions.h"
#include "support/native_opus.h"

namespace trunkline::quality {
namespace {

using Samples = std::vector<int16_t>;

Samples Resample(const Samples& in, int in_hz, int out_hz) {
  if (in_hz == out_hz) return in;
  audio::Resampler resampler(in_hz, out_hz);
  Samples out(resampler.MaxOutputSamples(in.size()));
  out.resize(resampler.Process(in, out));
  return out;
}

double PowerOf(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += double{1} * sample * sample;
  return sum / static_cast<double>(std::max<size_t>(samples.size(), 1));
}

double Decibels(double ratio) { return 10 * std::log10(ratio); }

// Root mean square over bands of 250 Hz, to 3.5 kHz, and over the active 20 ms
// frames of the difference of their powers, dB.
double LogSpectralDistanceDb(std::span<const int16_t> clean,
                             std::span<const int16_t> out, int rate_hz) {
  const auto frame = static_cast<size_t>(rate_hz / 50);
  const double active = test::ActivePower(clean);
  std::vector<double> cosines(frame);
  for (size_t i = 0; i < frame; ++i) {
    cosines[i] = std::cos(2 * M_PI * static_cast<double>(i) /
                          static_cast<double>(frame));
  }
  // Five bins of 50 Hz each, from 100 Hz.
  const auto band_power = [&](std::span<const int16_t> part, size_t band) {
    double power = 0;
    for (size_t bin = 2 + 5 * band; bin < 7 + 5 * band; ++bin) {
      double real = 0;
      double imaginary = 0;
      for (size_t i = 0; i < frame; ++i) {
        const size_t at = bin * i % frame;
        real += part[i] * cosines[at];
        imaginary += part[i] * cosines[(at + frame / 4) % frame];
      }
      power += real * real + imaginary * imaginary;
    }
    // The rounding to 16 bits.
    return power + static_cast<double>(frame) * 5;
  };
  double sum = 0;
  size_t count = 0;
  for (size_t at = 0; at + frame <= std::min(clean.size(), out.size());
       at += frame) {
    const auto part = clean.subspan(at, frame);
    if (PowerOf(part) < active / 100) continue;
    for (size_t band = 0; band < 13; ++band) {
      const double difference = Decibels(
          band_power(out.subspan(at, frame), band) / band_power(part, band));
      sum += difference * difference;
      ++count;
    }
  }
  return std::sqrt(sum / static_cast<double>(count));
}

struct RoundTrip {
  double kbps = 0;
  double level_db = 0;
  double segmental_db = 0;
  double distance_db = 0;
  // Output than input, samples.
  double longer_by = 0;
};

// The lag in [0, most] at which `out` is most like `in` from `from` on.
size_t LagOf(std::span<const int16_t> in, std::span<const int16_t> out,
             size_t from, size_t count, size_t most) {
  double best = 0;
  size_t lag = 0;
  for (size_t candidate = 0; candidate <= most; ++candidate) {
    double sum = 0;
    for (size_t i = from; i < from + count; ++i) {
      sum += double{1} * in[i] * out[i + candidate];
    }
    if (sum > best) {
      best = sum;
      lag = candidate;
    }
  }
  return lag;
}

// What our encoder and our decoder make of a line.
Samples Through(const Samples& line, int rate_hz, int bitrate_bps,
                size_t& bytes) {
  audio::OpusEncoder encoder(
      {.sample_rate_hz = rate_hz, .bitrate_bps = bitrate_bps});
  audio::OpusDecoder decoder(rate_hz);
  std::vector<uint8_t> packet(audio::OpusEncoder::kMaxPacketBytes);
  Samples part(decoder.MaxSamples());
  Samples out;
  const size_t frame = encoder.frame_samples();
  for (size_t at = 0; at + frame <= line.size(); at += frame) {
    const size_t size =
        encoder.Process(std::span(line).subspan(at, frame),
                        audio::OpusEncoder::Activity::kUnknown, packet);
    bytes += size;
    const size_t count = decoder.Process(std::span(packet).first(size), part);
    out.insert(out.end(), part.begin(),
               part.begin() + static_cast<ptrdiff_t>(count));
  }
  return out;
}

RoundTrip MeasureRoundTrip(const Samples& line, int rate_hz, int bitrate_bps) {
  RoundTrip figures;
  size_t bytes = 0;
  const Samples whole = Through(line, rate_hz, bitrate_bps, bytes);
  const auto delay =
      static_cast<size_t>(audio::OpusEncoder::kDelay48kHz * rate_hz / 48000);
  const auto out = std::span(whole).subspan(delay);
  const auto in = std::span(line).first(out.size());
  const double seconds = static_cast<double>(line.size()) / rate_hz;
  figures.kbps = static_cast<double>(bytes) * 8 / 1000 / seconds;
  figures.level_db = Decibels(PowerOf(out) / PowerOf(in));
  figures.segmental_db = test::SegmentalSnrDb(line, whole, delay);
  figures.distance_db = LogSpectralDistanceDb(in, out, rate_hz);
  const size_t frame = static_cast<size_t>(rate_hz / 50);
  figures.longer_by = static_cast<double>(whole.size()) -
                      static_cast<double>(line.size() / frame * frame);
  return figures;
}

void MeasureRoundTrips(const Scope& scope, Report& report) {
  report.Text(
      "Prompts of five languages, there and back. SNR is the mean over active "
      "20 ms frames; the distance is that of the spectra in dB, in bands of "
      "250 Hz below 3.4 kHz. At 16 kHz the prompts are resampled ones of 8 "
      "kHz.");
  const int seconds = scope.extent == Extent::kFull ? 60 : 8;
  Samples narrow;
  for (const std::string_view language : test::kPromptLanguages) {
    const Samples line = test::PromptLine(language, seconds);
    narrow.insert(narrow.end(), line.begin(), line.end());
  }
  struct Row {
    int rate_hz;
    int bitrate_bps;
    double least_segmental_db;
    double most_distance_db;
  };
  constexpr Row kRows[] = {
      {8000, 8000, 7.5, 4},     {8000, 12000, 12, 2.8},
      {8000, 16000, 16, 2},     {8000, 24000, 21, 1.2},
      {16000, 12000, 9.5, 3.3}, {16000, 16000, 13, 2.5},
      {16000, 24000, 18, 1.6},
  };
  std::vector<std::vector<std::string>> rows;
  const Samples wide = Resample(narrow, 8000, 16000);
  for (const Row& row : kRows) {
    const Samples& line = row.rate_hz == 8000 ? narrow : wide;
    const RoundTrip trip = MeasureRoundTrip(line, row.rate_hz, row.bitrate_bps);
    const std::string name = std::to_string(row.rate_hz / 1000) + " kHz, " +
                             std::to_string(row.bitrate_bps / 1000) + " kbit/s";
    rows.push_back({name, Fixed(trip.kbps, 1), Fixed(trip.level_db, 2),
                    Fixed(trip.segmental_db, 1), Fixed(trip.distance_db, 1)});
    report.AtLeast("SNR at " + name + ", dB", trip.segmental_db,
                   row.least_segmental_db);
    report.AtMost("spectral distance at " + name + ", dB", trip.distance_db,
                  row.most_distance_db);
    report.AtMost("change of level at " + name + ", dB",
                  std::abs(trip.level_db), 1);
    report.Exactly("samples too many at " + name, trip.longer_by, 0);
  }
  const std::vector<std::string> header = {"rate", "kbit/s", "level, dB",
                                           "SNR, dB", "distance, dB"};
  report.Table(header, rows);

  // Ten minutes, at whose end the delay is what it was at the beginning.
  Samples call;
  while (call.size() < 8000 * 600) {
    call.insert(call.end(), narrow.begin(), narrow.end());
  }
  call.resize(8000 * 600);
  size_t bytes = 0;
  const Samples out = Through(call, 8000, 12000, bytes);
  const size_t first = LagOf(call, out, 8000, 8000 * 5, 160);
  const size_t last = LagOf(call, out, call.size() - 8000 * 6, 8000 * 5, 160);
  report.AtMost("delay, samples at 8 kHz off the 52 of the pre-skip",
                std::abs(static_cast<double>(first) - 52), 1);
  report.Exactly("drift over ten minutes, samples",
                 static_cast<double>(last) - static_cast<double>(first), 0);
}

// How much of what is said has noise in its place.
struct Lost {
  // Of the frames that stand out from the line's noise.
  double frames_percent = 0;
  // Of the energy of all frames.
  double energy_db = -120;
  // Frames encoded, of all.
  double encoded_percent = 0;
};

Lost MeasureLost(const Samples& clean, const Samples& noisy,
                 double noise_power) {
  constexpr size_t kFrame = 160;
  audio::Recorder recorder({});
  recorder.Start({});
  size_t heard = 0;
  size_t heard_lost = 0;
  double energy = 0;
  double energy_lost = 0;
  int64_t before = 0;
  for (size_t at = 0; at + kFrame <= clean.size(); at += kFrame) {
    const auto frame = std::span(noisy).subspan(at, kFrame);
    // Both sides alike: both are encoded or none.
    recorder.Process(frame, frame);
    const bool lost = recorder.encoded_frames() == before;
    before = recorder.encoded_frames();
    const double power = PowerOf(std::span(clean).subspan(at, kFrame));
    energy += power;
    if (lost) energy_lost += power;
    if (power <= noise_power) continue;
    ++heard;
    if (lost) ++heard_lost;
  }
  Lost figures;
  figures.frames_percent =
      100.0 * static_cast<double>(heard_lost) / static_cast<double>(heard);
  if (energy_lost > 0) {
    figures.energy_db = Decibels(energy_lost / energy);
  }
  figures.encoded_percent = 50.0 * static_cast<double>(before) /
                            static_cast<double>(recorder.frames());
  return figures;
}

void MeasureGate(const Scope& scope, Report& report) {
  report.Text(
      "Quiet speech: prompts at a level over a line's noise. What is lost is "
      "speech in frames for which the recorder writes noise: of the frames in "
      "which it is louder than the noise, and of its energy.");
  const int seconds = scope.extent == Extent::kFull ? 60 : 15;
  std::vector<std::vector<std::string>> rows;
  for (const int noise_dbfs : {-75, -65}) {
    for (const int level_dbfs : {-30, -40, -45, -50, -55, -60}) {
      // 6 dB above the noise there is little to understand.
      if (level_dbfs < noise_dbfs + 15) continue;
      Lost sum;
      sum.energy_db = 0;
      double energy = 0;
      for (const std::string_view language : test::kPromptLanguages) {
        Samples clean = test::PromptLine(language, seconds);
        const double gain =
            std::sqrt(std::pow(10.0, level_dbfs / 10.0) * 32768.0 * 32768.0 /
                      test::ActivePower(clean));
        for (int16_t& sample : clean) {
          sample = static_cast<int16_t>(std::lround(sample * gain));
        }
        Samples noisy = clean;
        const Samples noise =
            test::NoiseSignal(clean.size(), noise_dbfs * 10, 3);
        test::Mix(noisy, noise);
        const Lost lost =
            MeasureLost(clean, test::ThroughMuLaw(noisy), PowerOf(noise));
        sum.frames_percent += lost.frames_percent / 5;
        sum.encoded_percent += lost.encoded_percent / 5;
        energy += std::pow(10.0, lost.energy_db / 10) / 5;
      }
      sum.energy_db = Decibels(energy);
      const std::string name = std::to_string(level_dbfs) +
                               " dBFS over noise of " +
                               std::to_string(noise_dbfs);
      rows.push_back({name, Fixed(sum.frames_percent, 1),
                      Fixed(sum.energy_db, 1), Fixed(sum.encoded_percent, 0)});
      report.AtMost("frames lost, " + name + ", %", sum.frames_percent, 0.5);
      report.AtMost("energy lost, " + name + ", dB", sum.energy_db, -35);
    }
  }
  const std::vector<std::string> header = {"speech", "frames lost, %",
                                           "energy lost, dB", "encoded, %"};
  report.Table(header, rows);
}

// libopus's own control of the mode, which its public header leaves out.
constexpr int kForceMode = 11002;

struct Stream {
  const char* name;
  int mode;  // kForceMode's value
  int bandwidth;
  // Configurations of the TOC byte, RFC 6716, table 2: those of the mode and
  // the bandwidth.
  int first_configuration;
  std::vector<int> tenths_ms;
  int bitrate_bps;
};

const std::vector<Stream>& Streams() {
  static const std::vector<int> kSilk = {100, 200, 400, 600};
  static const std::vector<int> kHybrid = {100, 200};
  static const std::vector<int> kCelt = {25, 50, 100, 200};
  static const std::vector<Stream> kStreams = {
      {"SILK NB", 1000, OPUS_BANDWIDTH_NARROWBAND, 0, kSilk, 12000},
      {"SILK MB", 1000, OPUS_BANDWIDTH_MEDIUMBAND, 4, kSilk, 14000},
      {"SILK WB", 1000, OPUS_BANDWIDTH_WIDEBAND, 8, kSilk, 20000},
      {"hybrid SWB", 1001, OPUS_BANDWIDTH_SUPERWIDEBAND, 12, kHybrid, 32000},
      {"hybrid FB", 1001, OPUS_BANDWIDTH_FULLBAND, 14, kHybrid, 40000},
      {"CELT NB", 1002, OPUS_BANDWIDTH_NARROWBAND, 16, kCelt, 48000},
      {"CELT WB", 1002, OPUS_BANDWIDTH_WIDEBAND, 20, kCelt, 64000},
      {"CELT SWB", 1002, OPUS_BANDWIDTH_SUPERWIDEBAND, 24, kCelt, 64000},
      {"CELT FB", 1002, OPUS_BANDWIDTH_FULLBAND, 28, kCelt, 96000},
  };
  return kStreams;
}

enum class Conditions { kClean, kLossWithFec, kDtx };

struct Compared {
  double signal = 0;
  double noise = 0;
  size_t wrong_counts = 0;
  size_t wrong_modes = 0;
  size_t packets = 0;
  double snr_db() const { return noise > 0 ? Decibels(signal / noise) : 120; }
};

// Both decoders on a stream of the system's encoder, mono at `rate_hz`.
void Compare(const test::NativeOpus& opus, const Stream& stream, int tenths_ms,
             int channels, int rate_hz, Conditions conditions,
             const Samples& mono48, Compared& compared) {
  int error = OPUS_OK;
  ::OpusEncoder* const encoder =
      opus.encoder_create(48000, channels, OPUS_APPLICATION_VOIP, &error);
  ::OpusDecoder* const decoder = opus.decoder_create(rate_hz, 1, &error);
  opus.encoder_ctl(encoder, kForceMode, stream.mode);
  opus.encoder_ctl(encoder, OPUS_SET_BANDWIDTH(stream.bandwidth));
  const bool loses = conditions == Conditions::kLossWithFec;
  // With too few bits for redundancy the encoder would take another bandwidth.
  opus.encoder_ctl(encoder, OPUS_SET_BITRATE(stream.bitrate_bps * channels *
                                             (loses ? 2 : 1)));
  opus.encoder_ctl(encoder, OPUS_SET_FORCE_CHANNELS(channels));
  opus.encoder_ctl(encoder, OPUS_SET_COMPLEXITY(5));
  if (conditions == Conditions::kDtx) {
    opus.encoder_ctl(encoder, OPUS_SET_DTX(1));
  }
  if (loses) {
    opus.encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
    opus.encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(20));
  }
  audio::OpusDecoder ours(rate_hz);
  Samples our_part(ours.MaxSamples());
  Samples their_part(ours.MaxSamples());
  const auto frame = static_cast<size_t>(48 * tenths_ms / 10);
  const auto wanted =
      static_cast<size_t>(rate_hz / 1000) * static_cast<size_t>(tenths_ms) / 10;
  std::vector<uint8_t> packet(1500);
  Samples interleaved(frame * static_cast<size_t>(channels));
  bool last_lost = false;
  const auto take = [&](size_t our_count, int their_count) {
    if (our_count != wanted || their_count != static_cast<int>(wanted)) {
      ++compared.wrong_counts;
      return;
    }
    for (size_t i = 0; i < wanted; ++i) {
      const double difference = double{1} * our_part[i] - their_part[i];
      compared.signal += double{1} * their_part[i] * their_part[i];
      compared.noise += difference * difference;
    }
  };
  size_t number = 0;
  for (size_t at = 480; at + frame <= mono48.size(); at += frame, ++number) {
    for (size_t i = 0; i < frame; ++i) {
      // The right side is late and quieter.
      if (channels == 1) {
        interleaved[i] = mono48[at + i];
      } else {
        interleaved[2 * i] = mono48[at + i];
        interleaved[2 * i + 1] = static_cast<int16_t>(mono48[at + i - 480] / 2);
      }
    }
    const int size =
        opus.encode(encoder, interleaved.data(), static_cast<int>(frame),
                    packet.data(), static_cast<opus_int32>(packet.size()));
    if (size < 1) {
      ++compared.wrong_modes;
      continue;
    }
    ++compared.packets;
    const auto bytes = std::span(packet).first(static_cast<size_t>(size));
    const int configurations = stream.mode == 1001 ? 2 : 4;
    const int configuration = packet[0] >> 3;
    if (configuration < stream.first_configuration ||
        configuration >= stream.first_configuration + configurations ||
        ((packet[0] & 4) != 0) != (channels == 2)) {
      ++compared.wrong_modes;
    }
    const bool lost = loses && number % 5 == 3;
    if (last_lost) {
      const size_t count = ours.Conceal(bytes, our_part);
      take(count, opus.decode(decoder, bytes.data(), size, their_part.data(),
                              static_cast<int>(wanted), /*decode_fec=*/1));
    }
    last_lost = lost;
    if (lost) continue;
    const size_t count = ours.Process(bytes, our_part);
    take(count, opus.decode(decoder, bytes.data(), size, their_part.data(),
                            static_cast<int>(their_part.size()),
                            /*decode_fec=*/0));
  }
  opus.encoder_destroy(encoder);
  opus.decoder_destroy(decoder);
}

void MeasureDecoder(const Scope& scope, Report& report) {
  const test::NativeOpus opus = test::NativeOpus::Load();
  report.Text(
      "Our decoder, in fixed point, beside that of the system (" +
      std::string(opus.version()) +
      ", in floating point) on streams of the system's encoder, decoded to "
      "mono at all rates: SNR of ours with theirs as the signal; 120 dB "
      "stands for the same samples. With loss every fifth packet is missing "
      "and taken from the next one's redundancy. The test vectors of RFC 8251 "
      "come in no package, and so they are not among the streams.");
  const bool full = scope.extent == Extent::kFull;
  const int seconds = full ? 20 : 3;
  Samples signal = Resample(test::PromptLine("en", seconds), 8000, 48000);
  // What speech of 8 kHz lacks: something up to 24 kHz.
  test::Mix(signal, test::NoiseSignal(signal.size(), -500, 5));
  signal.resize(std::min(signal.size(), static_cast<size_t>(seconds) * 48000));
  std::vector<std::vector<std::string>> rows;
  const std::vector<int> rates =
      full ? std::vector<int>{8000, 12000, 16000, 24000, 48000}
           : std::vector<int>{8000, 48000};
  size_t wrong_counts = 0;
  size_t wrong_modes = 0;
  const auto row = [&](const Stream& stream, Conditions conditions,
                       const char* suffix, int channels, double least_db) {
    double worst_db = 120;
    size_t packets = 0;
    for (const int tenths_ms : stream.tenths_ms) {
      for (const int rate : rates) {
        Compared compared;
        Compare(opus, stream, tenths_ms, channels, rate, conditions, signal,
                compared);
        wrong_counts += compared.wrong_counts;
        wrong_modes += compared.wrong_modes;
        packets += compared.packets;
        worst_db = std::min(worst_db, compared.snr_db());
      }
    }
    const std::string name = std::string(stream.name) +
                             (channels == 2 ? ", stereo" : ", mono") + suffix;
    rows.push_back({name, std::to_string(packets), Fixed(worst_db, 1)});
    report.AtLeast("least SNR, " + name + ", dB", worst_db, least_db);
  };
  for (const Stream& stream : Streams()) {
    for (const int channels : {1, 2}) {
      row(stream, Conditions::kClean, "", channels,
          stream.mode == 1000   ? 120
          : stream.mode == 1001 ? 70
                                : 60);
    }
    if (stream.mode == 1000) {
      row(stream, Conditions::kLossWithFec, ", loss", 1, 120);
      row(stream, Conditions::kDtx, ", DTX", 1, 120);
    }
  }
  const std::vector<std::string> header = {"stream", "packets",
                                           "least SNR, dB"};
  report.Table(header, rows);
  report.Exactly("packets of another length than the stream's",
                 static_cast<double>(wrong_counts), 0);
  report.Exactly("packets of another mode than asked for",
                 static_cast<double>(wrong_modes), 0);
}

void MeasureOpus(const Scope& scope, Report& report) {
  MeasureRoundTrips(scope, report);
  MeasureGate(scope, report);
  MeasureDecoder(scope, report);
}

const Section kSection(80, "Opus and recordings", MeasureOpus);

}  // namespace
}  // namespace trunkline::quality
