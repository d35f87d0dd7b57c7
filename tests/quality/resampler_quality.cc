// The resampler's response for every pair of rates, beside others'.

#include <soxr.h>
#include <speex/speex_resampler.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "audio/resampler.h"
#include "quality/plot.h"
#include "quality/report.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::quality {
namespace {

constexpr int kRatesHz[] = {8000, 16000, 24000, 48000};
// -3 dBFS.
constexpr double kAmplitude = 23000;
// What a power of zero counts as.
constexpr double kLeastDb = -120;

struct Pair {
  int in_hz;
  int out_hz;
  int lower_hz() const { return std::min(in_hz, out_hz); }
  bool is_up() const { return out_hz > in_hz; }
  std::string name() const {
    return std::to_string(in_hz / 1000) + " to " +
           std::to_string(out_hz / 1000);
  }
};

// Converts a whole signal.
using Converter = std::vector<int16_t> (*)(Pair, std::span<const int16_t>);

std::vector<int16_t> Ours(Pair pair, std::span<const int16_t> in) {
  audio::Resampler resampler(pair.in_hz, pair.out_hz);
  std::vector<int16_t> out(resampler.MaxOutputSamples(in.size()));
  out.resize(resampler.Process(in, out));
  return out;
}

size_t OutputSize(Pair pair, size_t in_size) {
  return in_size * static_cast<size_t>(pair.out_hz) /
         static_cast<size_t>(pair.in_hz);
}

std::vector<int16_t> Speex(Pair pair, std::span<const int16_t> in) {
  SpeexResamplerState* const state = speex_resampler_init(
      1, static_cast<uint32_t>(pair.in_hz), static_cast<uint32_t>(pair.out_hz),
      SPEEX_RESAMPLER_QUALITY_VOIP + 2, nullptr);
  std::vector<int16_t> out(OutputSize(pair, in.size()) + 16);
  auto in_count = static_cast<uint32_t>(in.size());
  auto out_count = static_cast<uint32_t>(out.size());
  speex_resampler_process_int(state, 0, in.data(), &in_count, out.data(),
                              &out_count);
  speex_resampler_destroy(state);
  out.resize(out_count);
  return out;
}

// As a whole, so that it can look ahead.
std::vector<int16_t> Soxr(Pair pair, std::span<const int16_t> in) {
  const soxr_io_spec_t io = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  std::vector<int16_t> out(OutputSize(pair, in.size()));
  size_t written = 0;
  soxr_oneshot(pair.in_hz, pair.out_hz, 1, in.data(), in.size(), nullptr,
               out.data(), out.size(), &written, &io, &quality, nullptr);
  out.resize(written);
  return out;
}

std::vector<int16_t> Linear(Pair pair, std::span<const int16_t> in) {
  std::vector<int16_t> out(OutputSize(pair, in.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const double at = static_cast<double>(i) * pair.in_hz / pair.out_hz;
    const auto whole = static_cast<size_t>(at);
    const double part = at - static_cast<double>(whole);
    const double next = whole + 1 < in.size() ? in[whole + 1] : in[whole];
    out[i] =
        static_cast<int16_t>(std::lround(in[whole] * (1 - part) + next * part));
  }
  return out;
}

struct Method {
  const char* name;
  Converter convert;
};
constexpr Method kMethods[] = {{"ours", Ours},
                               {"speexdsp q5", Speex},
                               {"soxr HQ, offline", Soxr},
                               {"linear", Linear}};

double Decibels(double power) {
  const double full = kAmplitude * kAmplitude / 2;
  return power > 0 ? std::max(kLeastDb, 10 * std::log10(power / full))
                   : kLeastDb;
}

// What half a second of a tone becomes, from 50 ms to where the longest of the
// filters sees its end: 400 ms, which hold whole periods of 20 Hz.
std::vector<int16_t> Response(Converter convert, Pair pair,
                              double frequency_hz) {
  const std::vector<int16_t> out =
      convert(pair, test::SineSignal(static_cast<size_t>(pair.in_hz) / 2,
                                     frequency_hz, pair.in_hz, kAmplitude));
  const auto rate = static_cast<size_t>(pair.out_hz);
  const auto part = std::span(out).subspan(rate / 20, rate * 2 / 5);
  return {part.begin(), part.end()};
}

double Whole20Hz(double hz) { return std::round(hz / 20) * 20; }

// How much of a tone gets through, dB.
double Gain(Converter convert, Pair pair, double frequency_hz) {
  const double amplitude = test::AmplitudeAt(
      Response(convert, pair, frequency_hz), frequency_hz, pair.out_hz);
  return amplitude > 0 ? 20 * std::log10(amplitude / kAmplitude) : kLeastDb;
}

// Everything that is not the tone, dB of it.
double Residual(Converter convert, Pair pair, double frequency_hz) {
  return Decibels(test::PowerBeside(Response(convert, pair, frequency_hz),
                                    frequency_hz, pair.out_hz));
}

// What is heard of a frequency that should not be, in (0.5, 1) of the lower
// rate or above it: as the image of the tone that mirrors it, where the rate
// rises, or as its alias, where it falls.
double Rejected(Converter convert, Pair pair, double frequency_hz) {
  if (pair.is_up()) {
    return Residual(convert, pair, pair.in_hz - frequency_hz);
  }
  return Decibels(test::PowerOf(Response(convert, pair, frequency_hz)));
}

double LatencyMs(Converter convert, Pair pair) {
  const auto at = static_cast<size_t>(pair.in_hz) / 10;
  std::vector<int16_t> in(2 * at);
  in[at] = 30000;
  const std::vector<int16_t> out = convert(pair, in);
  double energy = 0;
  double moment = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const double power = double{1} * out[i] * out[i];
    energy += power;
    moment += power * static_cast<double>(i);
  }
  const double late = moment / energy - pair.out_hz / 10.0;
  // Without what rounding leaves of none.
  return std::abs(late) < 1e-3 ? 0 : late * 1000 / pair.out_hz;
}

struct Figures {
  double ripple_db = 0;
  double edge_db = 0;
  double rejected_42_db = 0;
  double rejected_46_db = 0;
  double rejected_50_db = kLeastDb;
  double residual_db = kLeastDb;
  double latency_ms = 0;
};

Figures Measure(Converter convert, Pair pair) {
  // A frequency at 8 kHz, where the lower rate is another.
  const auto scaled = [&](double hz) {
    return Whole20Hz(hz * pair.lower_hz() / 8000);
  };
  Figures figures;
  for (double hz = 100; hz <= 3400; hz += 100) {
    figures.ripple_db =
        std::max(figures.ripple_db, std::abs(Gain(convert, pair, scaled(hz))));
    figures.residual_db =
        std::max(figures.residual_db, Residual(convert, pair, scaled(hz)));
  }
  figures.edge_db = Gain(convert, pair, scaled(3700));
  figures.rejected_42_db = Rejected(convert, pair, scaled(4200));
  figures.rejected_46_db = Rejected(convert, pair, scaled(4600));
  const double end_hz =
      pair.is_up() ? 7900 : 8000.0 * pair.in_hz / pair.lower_hz() / 2 - 100;
  for (double hz = 5000; hz <= end_hz; hz += 100) {
    figures.rejected_50_db =
        std::max(figures.rejected_50_db, Rejected(convert, pair, scaled(hz)));
  }
  figures.latency_ms = LatencyMs(convert, pair);
  return figures;
}

// How many samples depend on how the input is cut.
double SplitDependent(Pair pair) {
  const std::vector<int16_t> in = test::RandomSamples(24000, 1);
  const std::vector<int16_t> whole = Ours(pair, in);
  test::Random random(2);
  audio::Resampler resampler(pair.in_hz, pair.out_hz);
  // Each call wants room for a sample that begins in its part.
  std::vector<int16_t> parts(whole.size() + 1);
  size_t read = 0;
  size_t written = 0;
  for (const size_t part : test::RandomSplit(in.size(), 999, random)) {
    written += resampler.Process(std::span(in).subspan(read, part),
                                 std::span(parts).subspan(written));
    read += part;
  }
  double different = std::abs(static_cast<double>(written) -
                              static_cast<double>(whole.size()));
  for (size_t i = 0; i < whole.size(); ++i) different += parts[i] != whole[i];
  return different;
}

void Picture(const Scope& scope, Report& report) {
  constexpr Pair kUp{8000, 24000};
  constexpr Pair kDown{24000, 8000};
  Panel up{.title =
               "8 to 24 kHz: what is heard of a frequency that was not "
               "there",
           .y_label = "dB",
           .y_range = Range{-100, 5}};
  Panel down{.title =
                 "24 to 8 kHz: what is heard of a tone, above 4 kHz its "
                 "alias",
             .x_label = "Hz",
             .y_label = "dB",
             .y_range = Range{-100, 5}};
  if (!scope.plots.empty()) {
    for (const Method& method : kMethods) {
      std::vector<double> xs;
      std::vector<double> ys;
      for (double hz = 4020; hz < 7990; hz += 40) {
        xs.push_back(hz);
        ys.push_back(Rejected(method.convert, kUp, hz));
      }
      up.Line(method.name, xs, ys);
      xs.clear();
      ys.clear();
      for (double hz = 20; hz < 12000; hz += 40) {
        xs.push_back(hz);
        ys.push_back(Rejected(method.convert, kDown, hz));
      }
      down.Line(method.name, xs, ys);
    }
  }
  const Panel panels[] = {up, down};
  Draw(scope, report, "resampler.png",
       "Images and aliases of the resampler and of others", panels, 800, 640);
}

void MeasureResampler(const Scope& scope, Report& report) {
  report.Text(
      "Tones of -3 dBFS, in 16 bits. Frequencies are those of 8 kHz as the "
      "lower rate, and scale with it. The columns from 4.2 kHz on are what is "
      "heard of a frequency above half of the lower rate: as the image of the "
      "tone that mirrors it, where the rate rises, or as its alias, where it "
      "falls. Residual: all that is not the tone, up to 3.4 kHz. Latency: the "
      "centre of an impulse's energy.");
  const std::string header[] = {
      "kHz",         "by",          "ripple to 3.4 kHz, dB", "3.7 kHz, dB",
      "4.2 kHz, dB", "4.6 kHz, dB", "from 5 kHz, dB",        "residual, dB",
      "latency, ms"};
  std::vector<std::vector<std::string>> rows;
  for (const int in_hz : kRatesHz) {
    for (const int out_hz : kRatesHz) {
      if (in_hz == out_hz) continue;
      const Pair pair{in_hz, out_hz};
      for (const Method& method : kMethods) {
        const bool ours = method.convert == Ours;
        // In the subset others are there for the most used pairs only.
        if (!ours && scope.extent == Extent::kSubset &&
            in_hz + out_hz != 8000 + 24000) {
          continue;
        }
        const Figures figures = Measure(method.convert, pair);
        rows.push_back(
            {pair.name(), method.name, Fixed(figures.ripple_db, 2),
             Fixed(figures.edge_db, 1), Fixed(figures.rejected_42_db, 0),
             Fixed(figures.rejected_46_db, 0), Fixed(figures.rejected_50_db, 0),
             Fixed(figures.residual_db, 0), Fixed(figures.latency_ms, 2)});
        if (!ours) continue;
        const std::string name = pair.name() + " kHz: ";
        report.AtMost(name + "ripple to 3.4 kHz, dB", figures.ripple_db, 0.1);
        report.AtMost(name + "images and aliases from 4.6 kHz, dB",
                      std::max(figures.rejected_46_db, figures.rejected_50_db),
                      -70);
        report.AtMost(name + "residual, dB", figures.residual_db, -70);
        report.AtMost(name + "latency at 8 kHz, ms",
                      figures.latency_ms * pair.lower_hz() / 8000, 3);
        report.Exactly(name + "samples that depend on the split",
                       SplitDependent(pair), 0);
      }
    }
  }
  report.Table(header, rows);
  Picture(scope, report);
}

const Section kSection(20, "Resampler", MeasureResampler);

}  // namespace
}  // namespace trunkline::quality
