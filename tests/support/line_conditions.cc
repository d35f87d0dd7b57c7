#include "support/line_conditions.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "support/corpus.h"

namespace trunkline::test {
namespace {

constexpr size_t kFrame = 160;

double PowerOfSpan(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += double{1} * sample * sample;
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

std::vector<double> FramePowers(std::span<const int16_t> samples) {
  std::vector<double> powers;
  for (size_t at = 0; at + kFrame <= samples.size(); at += kFrame) {
    powers.push_back(PowerOfSpan(samples.subspan(at, kFrame)));
  }
  return powers;
}

double LeastActive(std::span<const double> powers) {
  return powers.empty() ? 0 : *std::ranges::max_element(powers) * 1e-4;
}

// A part of everyone's prompts: whom babble is mixed of.
const std::vector<std::vector<int16_t>>& Everyone() {
  static const auto* const everyone = [] {
    auto* all = new std::vector<std::vector<int16_t>>;
    for (const std::string_view language : kPromptLanguages) {
      const auto files = PromptFiles(language);
      for (size_t i = 0; i < files.size(); i += 8) {
        std::vector<int16_t> samples = ReadWavFile(files[i]);
        if (IsPrompt(files[i], samples, 1500)) {
          all->push_back(std::move(samples));
        }
      }
    }
    return all;
  }();
  return *everyone;
}

}  // namespace

double ActivePower(std::span<const int16_t> speech) {
  const std::vector<double> powers = FramePowers(speech);
  const double least = LeastActive(powers);
  double sum = 0;
  double count = 0;
  for (const double power : powers) {
    if (power <= least) continue;
    sum += power;
    count += 1;
  }
  return count == 0 ? 0 : sum / count;
}

std::vector<int16_t> PromptLine(std::string_view language, int seconds) {
  constexpr size_t kPause = 4800;
  std::vector<int16_t> line(kPause, 0);
  for (const auto& file : PromptFiles(language)) {
    if (line.size() >= static_cast<size_t>(seconds) * 8000) break;
    const std::vector<int16_t> prompt = ReadWavFile(file);
    // Single words and beeps tell little.
    if (prompt.size() < 12000) continue;
    line.insert(line.end(), prompt.begin(), prompt.end());
    line.insert(line.end(), kPause, 0);
  }
  const double gain =
      std::sqrt(0x1p30 * std::pow(10, -2.6) / std::max(ActivePower(line), 1.0));
  for (int16_t& sample : line) {
    sample = static_cast<int16_t>(
        std::clamp(std::round(sample * gain), -32768.0, 32767.0));
  }
  return line;
}

std::vector<int16_t> WithNoise(std::span<const int16_t> clean, Noise noise,
                               double snr_db, uint64_t seed) {
  std::vector<int16_t> line(clean.begin(), clean.end());
  const std::vector<float> added =
      MakeNoise(noise, clean.size(), Everyone(), seed);
  const double gain =
      std::sqrt(ActivePower(clean)) * std::pow(10, -snr_db / 20);
  for (size_t i = 0; i < line.size(); ++i) {
    line[i] = static_cast<int16_t>(
        std::clamp(std::round(line[i] + gain * added[i]), -32768.0, 32767.0));
  }
  return line;
}

double SiSdrDb(std::span<const int16_t> clean, std::span<const int16_t> out,
               size_t delay) {
  const size_t count = std::min(clean.size(), out.size() - delay);
  double cross = 0;
  double power = 0;
  for (size_t i = 0; i < count; ++i) {
    cross += double{1} * clean[i] * out[i + delay];
    power += double{1} * clean[i] * clean[i];
  }
  const double scale = cross / power;
  double error = 0;
  for (size_t i = 0; i < count; ++i) {
    const double apart = out[i + delay] - scale * clean[i];
    error += apart * apart;
  }
  return 10 * std::log10(scale * scale * power / (error + 1e-9));
}

double SegmentalSnrDb(std::span<const int16_t> clean,
                      std::span<const int16_t> out, size_t delay) {
  const std::vector<double> powers = FramePowers(clean);
  const double least = LeastActive(powers);
  double sum = 0;
  double frames = 0;
  for (size_t f = 0; f < powers.size(); ++f) {
    if (powers[f] <= least || (f + 1) * kFrame + delay > out.size()) continue;
    double error = 0;
    for (size_t i = f * kFrame; i < (f + 1) * kFrame; ++i) {
      const double apart = out[i + delay] - clean[i];
      error += apart * apart / kFrame;
    }
    sum += std::clamp(10 * std::log10(powers[f] / (error + 1e-9)), -10.0, 35.0);
    frames += 1;
  }
  return sum / frames;
}

double PauseLevelDb(std::span<const int16_t> clean,
                    std::span<const int16_t> out, size_t delay) {
  const std::vector<double> powers = FramePowers(clean);
  double sum = 0;
  double frames = 0;
  // Not the first second, in which the noise is learnt, and 100 ms from speech.
  for (size_t f = 50; f + 5 < powers.size(); ++f) {
    if (*std::max_element(powers.begin() + static_cast<ptrdiff_t>(f) - 5,
                          powers.begin() + static_cast<ptrdiff_t>(f) + 5) > 1 ||
        (f + 1) * kFrame + delay > out.size()) {
      continue;
    }
    sum += PowerOfSpan(out.subspan(f * kFrame + delay, kFrame));
    frames += 1;
  }
  return 10 * std::log10((sum / frames + 0.01) / 0x1p30);
}

}  // namespace trunkline::test
