// Lost audio: what the concealer puts in, beside silence and the last frame
// over again.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "audio/gap_concealer.h"
#include "audio/spectrum.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/line_conditions.h"

namespace trunkline::quality {
namespace {

using Samples = std::vector<int16_t>;

constexpr size_t kFrame = 160;
// What of a gap's surroundings belongs to it: the cross-fade back.
constexpr size_t kEdge = 80;

struct Loss {
  std::string name;
  double share = 0;
  size_t shortest = 1;  // frames
  size_t longest = 1;
};

// Which frames are lost; none of the first second.
std::vector<bool> LostFrames(const Loss& loss, size_t frames, uint64_t seed) {
  test::Random random(seed);
  std::vector<bool> lost(frames, false);
  const double mean = static_cast<double>(loss.shortest + loss.longest) / 2;
  // That a frame which could be good begins a burst.
  const double chance = loss.share / (mean * (1 - loss.share) + loss.share);
  for (size_t f = 50; f < frames;) {
    if ((random.Symmetric() + 1) / 2 >= chance) {
      ++f;
      continue;
    }
    const size_t length =
        loss.shortest + random.Below(loss.longest - loss.shortest + 1);
    for (size_t i = 0; i < length && f < frames; ++i, ++f) lost[f] = true;
  }
  return lost;
}

enum class Method : uint8_t { kConceal, kZero, kRepeat };

Samples Fill(Method method, std::span<const int16_t> line,
             const std::vector<bool>& lost) {
  Samples out(line.begin(), line.end());
  audio::GapConcealer concealer(8000);
  for (size_t f = 0; f < lost.size(); ++f) {
    const auto frame = std::span(out).subspan(f * kFrame, kFrame);
    switch (method) {
      case Method::kConceal:
        if (lost[f]) {
          concealer.Lost(frame);
        } else {
          concealer.Good(frame);
        }
        break;
      case Method::kZero:
        if (lost[f]) std::ranges::fill(frame, int16_t{0});
        break;
      case Method::kRepeat:
        if (lost[f]) {
          std::ranges::copy(std::span(out).subspan((f - 1) * kFrame, kFrame),
                            frame.begin());
        }
        break;
    }
  }
  return out;
}

struct Sum {
  double sum = 0;
  double count = 0;
  void Add(double value) {
    sum += value;
    count += 1;
  }
  double mean() const { return count == 0 ? 0 : sum / count; }
};

struct Figures {
  Sum snr_db;
  Sum distance_db;
  Sum clicks;  // 1 for an edge with one, else 0
  void Add(const Figures& other) {
    for (const auto sum :
         {&Figures::snr_db, &Figures::distance_db, &Figures::clicks}) {
      (this->*sum).sum += (other.*sum).sum;
      (this->*sum).count += (other.*sum).count;
    }
  }
};

// Shorter than a lost frame, so that what is around it cannot speak for it.
constexpr size_t kWindow = 128;

// Power spectrum of 16 ms in dB, none below what the line's own noise has.
std::array<double, audio::kSpectrumBins> SpectrumDb(
    std::span<const int16_t> samples) {
  std::array<float, audio::kSpectrumSamples> windowed{};
  for (size_t i = 0; i < kWindow; ++i) {
    const double window =
        0.5 -
        0.5 * std::cos(2 * M_PI * (static_cast<double>(i) + 0.5) / kWindow);
    windowed[i] = static_cast<float>(samples[i] * window);
  }
  audio::Spectrum spectrum;
  audio::Transform(windowed, spectrum);
  std::array<double, audio::kSpectrumBins> decibels;
  for (size_t k = 0; k < decibels.size(); ++k) {
    const double re = double{spectrum.re[k]};
    const double im = double{spectrum.im[k]};
    // White noise at -66 dBov, 16 of 32768, through a Hann window.
    decibels[k] =
        10 * std::log10(re * re + im * im + 16 * 16 * 0.375 * kWindow);
  }
  return decibels;
}

// Root mean square of the difference of the spectra from 200 to 3400 Hz.
double Distance(std::span<const int16_t> a, std::span<const int16_t> b) {
  const auto one = SpectrumDb(a);
  const auto other = SpectrumDb(b);
  double sum = 0;
  constexpr size_t kFirst = 7;
  constexpr size_t kLast = 108;
  for (size_t k = kFirst; k <= kLast; ++k) {
    sum += (one[k] - other[k]) * (one[k] - other[k]);
  }
  return std::sqrt(sum / (kLast - kFirst + 1));
}

double Bend(std::span<const int16_t> samples, size_t i) {
  return std::abs(double{1} * samples[i - 1] - 2.0 * samples[i] +
                  samples[i + 1]);
}

double SharpestBend(std::span<const int16_t> samples, size_t from, size_t to) {
  double most = 0;
  for (size_t i = from; i < to; ++i) most = std::max(most, Bend(samples, i));
  return most;
}

// Whether the second difference from `from` to `to` stands out of the 15 ms on
// either side, the longest pitch period: by a factor of 1.5 and by 32, the step
// of mu-law at -40 dBFS. These are the 1 ms of a gap at one of its edges: what
// crackles outside of it is the line's own.
bool Clicks(std::span<const int16_t> samples, size_t from, size_t to) {
  const double around = std::max(SharpestBend(samples, from - 120, from),
                                 SharpestBend(samples, to, to + 120));
  return SharpestBend(samples, from, to) > 1.5 * around + 32;
}

Figures Compare(std::span<const int16_t> clean, std::span<const int16_t> out,
                const std::vector<bool>& lost) {
  Figures figures;
  const double least = test::ActivePower(clean) * 1e-3;
  for (size_t f = 50; f + 3 < lost.size(); ++f) {
    if (!lost[f]) continue;
    const bool begins = !lost[f - 1];
    const bool ends = !lost[f + 1];
    const size_t begin = f * kFrame;
    const size_t end = begin + kFrame;
    if (begins) figures.clicks.Add(Clicks(out, begin - 1, begin + 8) ? 1 : 0);
    if (ends) figures.clicks.Add(Clicks(out, end - 8, end + 1) ? 1 : 0);
    // In steps of 5 ms, the first half before the gap, the last half behind.
    for (size_t at = begin; at < end + (ends ? 1 : 0); at += 40) {
      const size_t first = at - kWindow / 2;
      figures.distance_db.Add(
          Distance(clean.subspan(first, kWindow), out.subspan(first, kWindow)));
    }
    double power = 0;
    double error = 0;
    const size_t until = end + (ends ? kEdge : 0);
    for (size_t i = begin; i < until; ++i) {
      const double apart = double{1} * out[i] - clean[i];
      error += apart * apart;
      power += double{1} * clean[i] * clean[i];
    }
    if (power < least * static_cast<double>(until - begin)) continue;
    figures.snr_db.Add(
        std::clamp(10 * std::log10(power / (error + 1e-9)), -10.0, 35.0));
  }
  return figures;
}

Figures MeasureLine(Method method, std::span<const int16_t> line,
                    const std::vector<bool>& lost) {
  return Compare(line, Fill(method, line, lost), lost);
}

double LevelDb(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += double{1} * sample * sample;
  return 10 * std::log10((sum / static_cast<double>(samples.size()) + 0.01) /
                         0x1p30);
}

// How much louder than the noise of a line is what stands in for it in gaps of
// so many frames, dB.
double NoiseLevelOff(test::Noise noise, double dbov, size_t gap_frames) {
  // Noise as it is added to speech at -26 dBov, without the speech.
  const Samples speech = test::PromptLine("en", 40);
  Samples line = test::WithNoise(speech, noise, -26 - dbov, 7);
  for (size_t i = 0; i < line.size(); ++i) {
    line[i] = static_cast<int16_t>(line[i] - speech[i]);
  }
  line = test::ThroughMuLaw(line);
  audio::GapConcealer concealer(8000);
  double wanted = 0;
  double got = 0;
  size_t frames = 0;
  for (size_t f = 0; (f + 1) * kFrame <= line.size(); ++f) {
    const auto frame = std::span(line).subspan(f * kFrame, kFrame);
    if (f < 100 || f % (gap_frames + 75) >= gap_frames) {
      concealer.Good(frame);
      continue;
    }
    wanted += std::pow(10, LevelDb(frame) / 10);
    concealer.Lost(frame);
    got += std::pow(10, LevelDb(frame) / 10);
    ++frames;
  }
  return frames == 0 ? 99 : 10 * std::log10(got / wanted);
}

void Measure(const Scope& scope, Report& report) {
  const bool full = scope.extent == Extent::kFull;
  const int seconds = full ? 180 : 90;
  report.Text(
      "Prompts in five languages over noise 35 dB below, through mu-law, of "
      "which frames of 20 ms are lost. SNR: mean over the lost frames with "
      "speech. Distance: of the log spectra from 200 to 3400 Hz, in windows of "
      "16 ms whose middle is lost. Clicks: edges of gaps whose second "
      "difference stands out of the 15 ms around, for 1000; the line as it was "
      "may have some as well. \"Zero\" leaves silence, \"repeat\" plays the "
      "last "
      "frame again.");
  const Loss losses[] = {{.name = "1 %", .share = 0.01},
                         {.name = "2 %", .share = 0.02},
                         {.name = "5 %", .share = 0.05},
                         {.name = "10 %", .share = 0.10},
                         {.name = "5 % in bursts of 3 to 5",
                          .share = 0.05,
                          .shortest = 3,
                          .longest = 5}};
  std::vector<Samples> lines;
  for (const std::string_view language : test::kPromptLanguages) {
    lines.push_back(test::ThroughMuLaw(test::WithNoise(
        test::PromptLine(language, seconds), test::Noise::kWhite, 35, 11)));
  }
  std::vector<std::vector<std::string>> rows;
  for (const Loss& loss : losses) {
    Figures ours;
    Figures zero;
    Figures repeat;
    Figures line;
    for (size_t l = 0; l < lines.size(); ++l) {
      // As many lost frames at 1 % as at 10.
      const int passes = static_cast<int>(0.2 / loss.share);
      for (int pass = 0; pass < passes; ++pass) {
        const auto lost = LostFrames(loss, lines[l].size() / kFrame,
                                     100 * l + static_cast<uint64_t>(pass));
        ours.Add(MeasureLine(Method::kConceal, lines[l], lost));
        zero.Add(MeasureLine(Method::kZero, lines[l], lost));
        repeat.Add(MeasureLine(Method::kRepeat, lines[l], lost));
        line.Add(Compare(lines[l], lines[l], lost));
      }
    }
    rows.push_back(
        {loss.name, Fixed(ours.snr_db.mean(), 2), Fixed(zero.snr_db.mean(), 2),
         Fixed(repeat.snr_db.mean(), 2), Fixed(ours.distance_db.mean(), 2),
         Fixed(zero.distance_db.mean(), 2), Fixed(repeat.distance_db.mean(), 2),
         Fixed(1000 * ours.clicks.mean(), 1),
         Fixed(1000 * zero.clicks.mean(), 1),
         Fixed(1000 * repeat.clicks.mean(), 1),
         Fixed(1000 * line.clicks.mean(), 1)});
    const std::string name = ", " + loss.name + " lost";
    report.AtLeast("gaps" + name, ours.clicks.count / 2, 1000);
    // Over bursts nothing is in phase any more, and silence has the better SNR
    // of all that has the level of speech.
    if (loss.longest == 1) {
      report.AtLeast("SNR above silence's, dB" + name,
                     ours.snr_db.mean() - zero.snr_db.mean(), 0);
    }
    report.AtLeast("SNR above the repeated frame's, dB" + name,
                   ours.snr_db.mean() - repeat.snr_db.mean(), 0);
    report.AtMost("distance less silence's, dB" + name,
                  ours.distance_db.mean() - zero.distance_db.mean(), 0);
    report.AtMost("distance less the repeated frame's, dB" + name,
                  ours.distance_db.mean() - repeat.distance_db.mean(), 0);
    // One more in 1000 is within what chance makes of so few.
    report.AtMost("clicks less the line's own, for 1000 edges" + name,
                  1000 * (ours.clicks.mean() - line.clicks.mean()), 1);
  }
  report.Table(std::vector<std::string>{"lost", "SNR dB", "zero", "repeat",
                                        "distance dB", "zero", "repeat",
                                        "clicks", "zero", "repeat", "line"},
               rows);

  std::vector<std::vector<std::string>> levels;
  for (const test::Noise noise : {test::Noise::kWhite, test::Noise::kPink}) {
    for (const double dbov : {-65.0, -55.0, -45.0, -35.0}) {
      std::vector<std::string> row = {std::string(test::NoiseName(noise)) +
                                      " at " + Fixed(dbov, 0) + " dBov"};
      for (const size_t frames : {size_t{2}, size_t{5}, size_t{50}}) {
        const double off = NoiseLevelOff(noise, dbov, frames);
        row.push_back(Fixed(off, 2));
        report.AtMost("level off, dB, " + row[0] + ", gaps of " +
                          std::to_string(20 * frames) + " ms",
                      std::abs(off), 2);
      }
      levels.push_back(row);
    }
  }
  report.Text(
      "Lines of nothing but noise: the level of what stands in, dB from what "
      "was lost.");
  report.Table(
      std::vector<std::string>{"noise", "gaps of 40 ms", "100 ms", "1 s"},
      levels);
}

const Section kSection(60, "Gap concealment", Measure);

}  // namespace
}  // namespace trunkline::quality
