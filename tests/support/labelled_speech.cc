#include "support/labelled_speech.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#include "support/audio_signals.h"
#include "support/corpus.h"

namespace trunkline::test {
namespace {

constexpr size_t kSecond = 8000;
constexpr double kFullScale = 32768;

double Power(std::span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += double{1.0} * sample * sample;
  return sum / std::max<double>(1, static_cast<double>(samples.size()));
}

double Db(double power) { return 10 * std::log10(power + 1e-12); }

int16_t Saturated(double value) {
  return static_cast<int16_t>(
      std::lround(std::clamp(value, -kFullScale, kFullScale - 1)));
}

double Gaussian(Random& random) {
  return random.Symmetric() + random.Symmetric() + random.Symmetric();
}

void Normalize(std::vector<float>& noise) {
  double sum = 0;
  for (const float value : noise) sum += double{value} * value;
  const auto gain = static_cast<float>(
      1 / std::sqrt(sum / static_cast<double>(noise.size()) + 1e-12));
  for (float& value : noise) value *= gain;
}

std::vector<float> Babble(size_t count,
                          std::span<const std::vector<int16_t>> voices,
                          Random& random) {
  constexpr int kVoices = 8;
  std::vector<float> babble(count);
  for (int voice = 0; voice < kVoices; ++voice) {
    for (size_t at = 0; at < count;) {
      const std::vector<int16_t>& recording =
          voices[random.Below(voices.size())];
      const std::vector<uint8_t> labels = LabelFrames(recording);
      const double level = SpeechLevelDbfs(recording, labels);
      const auto gain = static_cast<float>(std::pow(10, -level / 20));
      for (size_t f = 0; f < labels.size(); ++f) {
        if (labels[f] == 0) continue;
        for (size_t n = 0; n < kLabelFrame && at < count; ++n, ++at) {
          babble[at] += gain * recording[f * kLabelFrame + n];
        }
      }
    }
  }
  return babble;
}

// A burst of noise through a resonance, `samples` long, that rises within 10 ms
// and decays.
void AddBurst(std::vector<int16_t>& line, size_t at, size_t samples,
              double resonance_hz, double radius, double amplitude,
              double decay, Random& random) {
  const double turn = 2 * std::numbers::pi * resonance_hz / kSecond;
  double last = 0;
  double before = 0;
  for (size_t n = 0; n < samples && at + n < line.size(); ++n) {
    const double x = Gaussian(random);
    const double y =
        x + 2 * radius * std::cos(turn) * last - radius * radius * before;
    before = last;
    last = y;
    const double time = static_cast<double>(n);
    const double envelope =
        std::min(1.0, time / 80) *
        std::exp(-decay * time / static_cast<double>(samples));
    line[at + n] =
        Saturated(line[at + n] + amplitude * envelope * (1 - radius) * 2 * y);
  }
}

}  // namespace

std::vector<uint8_t> LabelFrames(std::span<const int16_t> clean) {
  constexpr double kRangeDb = 32;
  constexpr double kLeastDbfs = -58;
  constexpr size_t kLongestGap = 3;
  const size_t frames = clean.size() / kLabelFrame;
  std::vector<uint8_t> labels(frames);
  if (frames == 0) return labels;
  std::vector<double> levels(frames);
  for (size_t f = 0; f < frames; ++f) {
    levels[f] = Db(Power(clean.subspan(f * kLabelFrame, kLabelFrame)) /
                   (kFullScale * kFullScale));
  }
  std::vector<double> sorted = levels;
  std::ranges::sort(sorted);
  const double loud = sorted[(frames - 1) * 95 / 100];
  const double threshold = std::max(loud - kRangeDb, kLeastDbfs);
  for (size_t f = 0; f < frames; ++f) labels[f] = levels[f] > threshold ? 1 : 0;
  for (size_t f = 0; f < frames; ++f) {
    const bool alone = (f == 0 || labels[f - 1] == 0) &&
                       (f + 1 == frames || labels[f + 1] == 0);
    if (alone) labels[f] = 0;
  }
  size_t last_speech = frames;
  for (size_t f = 0; f < frames; ++f) {
    if (labels[f] == 0) continue;
    if (last_speech < f && f - last_speech - 1 <= kLongestGap) {
      std::fill(labels.begin() + static_cast<ptrdiff_t>(last_speech),
                labels.begin() + static_cast<ptrdiff_t>(f), uint8_t{1});
    }
    last_speech = f;
  }
  return labels;
}

double SpeechLevelDbfs(std::span<const int16_t> clean,
                       std::span<const uint8_t> labels) {
  double sum = 0;
  double frames = 0;
  for (size_t f = 0; f < labels.size(); ++f) {
    if (labels[f] == 0) continue;
    sum += Power(clean.subspan(f * kLabelFrame, kLabelFrame));
    ++frames;
  }
  if (frames == 0) return -100;
  return Db(sum / frames / (kFullScale * kFullScale));
}

bool IsPrompt(const std::filesystem::path& file,
              std::span<const int16_t> samples, int shortest_ms) {
  const size_t shortest = static_cast<size_t>(shortest_ms) * kSecond / 1000;
  if (samples.size() < shortest || samples.size() > 8 * kSecond) return false;
  constexpr std::string_view kNoWords[] = {"silence",   "beep",       "tone",
                                           "ascending", "descending", "tt-"};
  const std::string path = file.string();
  for (const std::string_view word : kNoWords) {
    if (path.find(word) != std::string::npos) return false;
  }
  const std::vector<uint8_t> labels = LabelFrames(samples);
  return std::accumulate(labels.begin(), labels.end(), 0) >= 20;
}

std::vector<std::vector<int16_t>> Recordings(std::string_view language,
                                             int shortest_ms) {
  std::vector<std::vector<int16_t>> recordings;
  for (const auto& file : PromptFiles(language)) {
    std::vector<int16_t> samples = ReadWavFile(file);
    if (IsPrompt(file, samples, shortest_ms)) {
      recordings.push_back(std::move(samples));
    }
  }
  return recordings;
}

CleanSpeech Prompts(std::span<const std::vector<int16_t>> recordings,
                    size_t prompts, double dbfs, uint64_t seed) {
  Random random(seed);
  CleanSpeech clean;
  const auto pause = [&] {
    const size_t frames = 30 + random.Below(96);  // 0.6 to 2.5 s
    clean.samples.resize(clean.samples.size() + frames * kLabelFrame);
    clean.labels.resize(clean.labels.size() + frames);
  };
  pause();
  for (size_t i = 0; i < prompts; ++i) {
    const std::vector<int16_t>& recording =
        recordings[random.Below(recordings.size())];
    const std::vector<uint8_t> labels = LabelFrames(recording);
    const double gain =
        std::pow(10, (dbfs - SpeechLevelDbfs(recording, labels)) / 20);
    const auto onset = std::ranges::find(labels, 1) - labels.begin();
    clean.onsets.push_back(clean.labels.size() + static_cast<size_t>(onset));
    for (size_t n = 0; n < labels.size() * kLabelFrame; ++n) {
      clean.samples.push_back(Saturated(gain * recording[n]));
    }
    clean.labels.insert(clean.labels.end(), labels.begin(), labels.end());
    pause();
  }
  return clean;
}

std::string_view NoiseName(Noise noise) {
  switch (noise) {
    case Noise::kNone:
      return "clean";
    case Noise::kWhite:
      return "white";
    case Noise::kPink:
      return "pink";
    case Noise::kBrown:
      return "brown";
    case Noise::kBabble:
      return "babble";
    case Noise::kHum:
      return "hum";
  }
  return "";
}

std::vector<float> MakeNoise(Noise noise, size_t count,
                             std::span<const std::vector<int16_t>> voices,
                             uint64_t seed) {
  Random random(seed);
  std::vector<float> samples(count);
  switch (noise) {
    case Noise::kNone:
      return samples;
    case Noise::kWhite:
      for (float& sample : samples) {
        sample = static_cast<float>(Gaussian(random));
      }
      break;
    case Noise::kPink: {
      // Voss: octaves of held random numbers, each half as fast as the last.
      double rows[12] = {};
      for (size_t n = 0; n < count; ++n) {
        double sum = Gaussian(random);
        for (size_t row = 0; row < std::size(rows); ++row) {
          if (n % (size_t{1} << row) == 0) rows[row] = Gaussian(random);
          sum += rows[row];
        }
        samples[n] = static_cast<float>(sum);
      }
      break;
    }
    case Noise::kBrown: {
      double sum = 0;
      double mean = 0;
      for (float& sample : samples) {
        sum = 0.98 * sum + Gaussian(random);
        mean += 0.05 * (sum - mean);
        sample = static_cast<float>(sum - mean);
      }
      break;
    }
    case Noise::kBabble:
      samples = Babble(count, voices, random);
      break;
    case Noise::kHum: {
      const double hz = random.Below(2) == 0 ? 50 : 60;
      for (size_t n = 0; n < count; ++n) {
        double sum = 0.1 * Gaussian(random);
        for (int harmonic = 2; harmonic < 12; ++harmonic) {
          sum += std::sin(2 * std::numbers::pi * hz * harmonic *
                          static_cast<double>(n) / kSecond) /
                 harmonic;
        }
        samples[n] = static_cast<float>(sum);
      }
      break;
    }
  }
  Normalize(samples);
  return samples;
}

std::vector<int16_t> OnLine(std::span<const int16_t> clean,
                            std::span<const float> noise, double gain) {
  std::vector<int16_t> line(clean.size());
  for (size_t n = 0; n < line.size(); ++n) {
    line[n] = Saturated(clean[n] + gain * (noise.empty() ? 0.0F : noise[n]));
  }
  return ThroughMuLaw(line);
}

std::string_view DisturbanceName(Disturbance disturbance) {
  switch (disturbance) {
    case Disturbance::kCoughs:
      return "coughs";
    case Disturbance::kClicks:
      return "clicks";
    case Disturbance::kDtmf:
      return "DTMF";
  }
  return "";
}

std::vector<int16_t> MakeDisturbance(Disturbance disturbance, size_t count,
                                     double dbfs, uint64_t seed) {
  constexpr double kRowsHz[] = {697, 770, 852, 941};
  constexpr double kColumnsHz[] = {1209, 1336, 1477, 1633};
  Random random(seed);
  std::vector<int16_t> line(count);
  const double amplitude = kFullScale * std::pow(10, dbfs / 20);
  for (size_t at = random.Below(2 * kSecond); at < count;
       at += kSecond + random.Below(2 * kSecond)) {
    switch (disturbance) {
      case Disturbance::kCoughs: {
        const double resonance = 400 + static_cast<double>(random.Below(900));
        const size_t length = 1200 + random.Below(1600);  // 150 to 350 ms
        AddBurst(line, at, 400, resonance * 1.5, 0.5, 1.5 * amplitude, 2,
                 random);
        AddBurst(line, at + 320, length, resonance, 0.85, 1.5 * amplitude, 5,
                 random);
        break;
      }
      case Disturbance::kClicks:
        AddBurst(line, at, 8 + random.Below(60), 2000, 0.3, 2 * amplitude, 3,
                 random);
        break;
      case Disturbance::kDtmf: {
        const double low = kRowsHz[random.Below(4)];
        const double high = kColumnsHz[random.Below(4)];
        const size_t length = 560 + random.Below(1040);  // 70 to 200 ms
        for (size_t n = 0; n < length && at + n < count; ++n) {
          const double turns =
              2 * std::numbers::pi * static_cast<double>(n) / kSecond;
          line[at + n] = Saturated(
              amplitude * (std::sin(turns * low) + std::sin(turns * high)));
        }
        break;
      }
    }
  }
  return line;
}

}  // namespace trunkline::test
