#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "audio/gain_control.h"
#include "audio/loudness.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/line_conditions.h"

namespace trunkline::quality {
namespace {

using audio::GainControl;
using audio::LoudnessMeter;
using Samples = std::vector<int16_t>;

constexpr size_t kFrame = 160;
constexpr double kFramesPerSecond = 50;

double LoudnessOf(std::span<const int16_t> samples) {
  LoudnessMeter meter(8000);
  meter.Process(samples);
  return double{meter.integrated_lufs()};
}

// Prompts with pauses of 0.6 s at `lufs`, over noise 35 dB below.
Samples TalkerLine(std::string_view language, int seconds, double lufs) {
  Samples line = test::PromptLine(language, seconds);
  const double gain = std::pow(10, (lufs - LoudnessOf(line)) / 20);
  for (int16_t& sample : line) {
    sample = static_cast<int16_t>(
        std::clamp(std::round(sample * gain), -32768.0, 32767.0));
  }
  test::Mix(line, test::NoiseSignal(line.size(),
                                    static_cast<int>((lufs - 35) * 10), 3));
  return line;
}

struct Figures {
  double settled_s = 0;       // until within 2 dB of where it stays
  double out_lufs = 0;        // after that
  double in_sentence_db = 0;  // the gain's widest range, in later ones
  double in_pause_db = 0;     // its largest rise in a pause of 0.6 s
  double peak_dbfs = 0;
};

Figures MeasureTalker(std::string_view language, int seconds, double lufs) {
  // Where speech is, as the clean prompts tell.
  const Samples clean = test::PromptLine(language, seconds);
  Samples line = TalkerLine(language, seconds, lufs);
  GainControl control(GainControl::Config{});
  std::vector<double> gains;
  for (size_t at = 0; at + kFrame <= line.size(); at += kFrame) {
    gains.push_back(double{
        control.Process(std::span<int16_t>(line).subspan(at, kFrame)).gain_db});
  }
  Figures figures;
  size_t settled = gains.size();
  while (settled > 0 && std::abs(gains[settled - 1] - gains.back()) <= 2) {
    --settled;
  }
  figures.settled_s = static_cast<double>(settled) / kFramesPerSecond;
  figures.out_lufs =
      LoudnessOf(std::span<const int16_t>(line).subspan(settled * kFrame));
  const auto is_pause = [&](size_t frame) {
    return std::ranges::all_of(
        std::span<const int16_t>(clean).subspan(frame * kFrame, kFrame),
        [](int16_t sample) { return sample == 0; });
  };
  // From the first pause after that on: the rest of the sentence in which it
  // settles is part of the settling.
  size_t begin = settled;
  while (begin < gains.size() && !is_pause(begin)) ++begin;
  for (size_t f = begin + 1; f < gains.size(); ++f) {
    if (f + 1 < gains.size() && is_pause(f) == is_pause(begin)) continue;
    const std::span<const double> part =
        std::span<const double>(gains).subspan(begin, f - begin);
    if (!is_pause(begin)) {
      const auto [least, most] = std::ranges::minmax(part);
      figures.in_sentence_db = std::max(figures.in_sentence_db, most - least);
    } else if (part.size() > 10) {
      // Past the last block that the word before still counts in.
      figures.in_pause_db =
          std::max(figures.in_pause_db, part.back() - part[9]);
    }
    begin = f;
  }
  int peak = 1;
  for (const int16_t sample : line) peak = std::max(peak, std::abs(sample));
  figures.peak_dbfs = 20 * std::log10(peak / 32768.0);
  return figures;
}

double GainAfterNoise(int dbfs_tenths) {
  Samples line(16000, 0);
  const Samples noise = test::NoiseSignal(160000, dbfs_tenths, 5);
  line.insert(line.end(), noise.begin(), noise.end());
  GainControl control(GainControl::Config{});
  double most = 0;
  for (size_t at = 0; at + kFrame <= line.size(); at += kFrame) {
    most = std::max(
        most,
        double{control.Process(std::span<int16_t>(line).subspan(at, kFrame))
                   .gain_db});
  }
  return most;
}

void Measure(const Scope& scope, Report& report) {
  const bool full = scope.extent == Extent::kFull;
  const size_t languages = full ? std::size(test::kPromptLanguages) : 2;
  const int seconds = full ? 90 : 40;
  report.Text(
      "Prompts of a language with pauses of 0.6 s at a loudness, over noise 35 "
      "dB below, through the gain control with its target of -23 LUFS. "
      "\"Settled\" is the time until the gain stays within 2 dB of where it "
      "ends; the loudness that comes out is from then on, and the widest range "
      "of the gain within a sentence and its largest rise in a pause from the "
      "next pause on. All by the loudness meter of wasm/audio/loudness.h, "
      "which its "
      "unit tests hold to the signals of EBU Tech 3341. The worst of the "
      "languages stands.");
  std::vector<std::vector<std::string>> rows;
  for (const int lufs : {-40, -34, -28, -23, -18, -10}) {
    Figures worst;
    double off = 0;
    for (size_t i = 0; i < languages; ++i) {
      const Figures f = MeasureTalker(test::kPromptLanguages[i], seconds, lufs);
      worst.settled_s = std::max(worst.settled_s, f.settled_s);
      worst.in_sentence_db = std::max(worst.in_sentence_db, f.in_sentence_db);
      worst.in_pause_db = std::max(worst.in_pause_db, f.in_pause_db);
      worst.peak_dbfs =
          i == 0 ? f.peak_dbfs : std::max(worst.peak_dbfs, f.peak_dbfs);
      if (std::abs(f.out_lufs + 23) >= off) {
        off = std::abs(f.out_lufs + 23);
        worst.out_lufs = f.out_lufs;
      }
    }
    rows.push_back({std::to_string(lufs), Fixed(worst.settled_s, 1),
                    Fixed(worst.out_lufs, 1), Fixed(worst.in_sentence_db, 1),
                    Fixed(worst.in_pause_db, 2), Fixed(worst.peak_dbfs, 2)});
    const std::string name = ", talker at " + std::to_string(lufs) + " LUFS";
    report.AtMost("settled, s" + name, worst.settled_s, 10);
    report.AtMost("off the target, LU" + name, off, 1.5);
    report.AtMost("gain's range in a sentence, dB" + name, worst.in_sentence_db,
                  2.5);
    report.AtMost("gain's rise in a pause, dB" + name, worst.in_pause_db, 0.1);
    report.AtMost("peak, dBFS" + name, worst.peak_dbfs, -0.99);
  }
  report.Table(std::vector<std::string>{"talker LUFS", "settled s", "out LUFS",
                                        "range in a sentence dB",
                                        "rise in a pause dB", "peak dBFS"},
               rows);
  for (const int tenths : {-600, -400, -200}) {
    report.AtMost("gain after 20 s of noise at " + std::to_string(tenths / 10) +
                      " dBov, dB",
                  GainAfterNoise(tenths), 0);
  }
}

const Section kSection(65, "Gain control", Measure);

}  // namespace
}  // namespace trunkline::quality
