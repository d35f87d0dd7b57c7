// Trains the net of wasm/audio/speech_net and prints its weights.
//
//   train_speech_net >wasm/audio/speech_net_weights.inc
//   train_speech_net --validate >WEIGHTS   learns from kTrainingLanguages only
//
// Lines of 20 s from the prompts of support/corpus, each speaker also slower
// and faster, and from voices of flite, espeak-ng and our own (scripts/setup
// installs them), with pauses, gains, filters, noise and sounds that are no
// speech, through mu-law; features by the core's own SpeechFeatures.
// Backpropagation through 2.5 s, Adam, the last part with rounded weights.
// Seeds are fixed. A few minutes.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/level.h"
#include "audio/resampler.h"
#include "audio/speech_features.h"
#include "audio/speech_net.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/labelled_speech.h"

namespace trunkline::test {
namespace {

namespace fs = std::filesystem;

using audio::SpeechFeatures;
using audio::SpeechNet;

constexpr size_t kIn = SpeechNet::kInputs;
constexpr size_t kDense = SpeechNet::kDense;
constexpr size_t kUnits = SpeechNet::kUnits;
constexpr size_t kGates = 3 * kUnits;

constexpr size_t kLanes = 16;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

constexpr size_t kLineFrames = 1000;
constexpr size_t kSegment = 125;
constexpr size_t kLines = 3072;
constexpr size_t kEpochs = 16;
constexpr size_t kRoundedEpochs = 6;

struct Example {
  std::vector<SpeechFeatures::Vector> features;
  std::vector<uint8_t> labels;
};

using Speaker = std::vector<std::vector<int16_t>>;

constexpr const char* kSentences[] = {
    "I would like to change my appointment to next Thursday, please.",
    "My order number is four seven one, nine zero two, eight.",
    "Could you tell me when the office opens tomorrow morning?",
    "No, that is not what I said. I need to speak with someone.",
    "Yes.",
    "The package was supposed to arrive on Monday, but it never came.",
    "Please hold on, I have to look for my card.",
    "It is for two people, at half past seven.",
    "Thank you very much, goodbye!",
    "Why has the price gone up again since last year?",
    "My name is Sarah Fitzgerald, with a capital F.",
    "Sixteen Church Street, the second floor, on the left.",
    "Hmm, let me think about that for a moment.",
    "The washing machine makes a strange noise when it spins.",
    "Okay, go ahead.",
    "She sells seashells; the shells she sells are surely seashells.",
};

// `speaker` played `faster` times as fast: another head and another larynx.
Speaker Warped(const Speaker& speaker, double faster) {
  Speaker warped;
  for (const std::vector<int16_t>& recording : speaker) {
    std::vector<int16_t>& samples = warped.emplace_back();
    for (double at = 0; at + 1 < static_cast<double>(recording.size());
         at += faster) {
      const auto n = static_cast<size_t>(at);
      const double share = at - static_cast<double>(n);
      samples.push_back(static_cast<int16_t>(
          std::lround((1 - share) * recording[n] + share * recording[n + 1])));
    }
  }
  return warped;
}

// Syllables of 110 to 230 ms at one pitch within 15 % of `hz`, three formants
// that move.
std::vector<int16_t> Monotone(double hz, size_t count, uint64_t seed) {
  constexpr double kTurn = 2 * std::numbers::pi / 8000;
  Random random(seed);
  hz *= 1 + 0.15 * random.Symmetric();
  const double depth = 0.6 + 0.2 * random.Symmetric();
  const double pace = 2 + random.Symmetric();
  std::vector<int16_t> samples(count);
  double begin = 0;
  double length = 0;
  for (size_t n = 0; n < count; ++n) {
    const auto at = static_cast<double>(n);
    if (at >= begin + length) {
      begin = at;
      length = 8000 * (0.17 + 0.06 * random.Symmetric());
    }
    const double syllable =
        1 - depth + depth * std::sin(std::numbers::pi * (at - begin) / length);
    double sum = 0.1 * random.Symmetric();
    for (int harmonic = 1; harmonic * hz < 3400; ++harmonic) {
      double gain = 0.02;
      for (const double formant :
           {500 + 190 * std::sin(kTurn * at * pace),
            1500 + 400 * std::sin(kTurn * at * 1.7), 2500.0}) {
        const double apart = (harmonic * hz - formant) / 130;
        gain += 1 / (1 + apart * apart);
      }
      sum += gain * std::sin(kTurn * at * hz * harmonic + harmonic * harmonic);
    }
    samples[n] = static_cast<int16_t>(std::lround(2000 * syllable * sum));
  }
  return samples;
}

std::vector<Speaker> TrainingSpeakers(
    std::span<const std::string_view> languages) {
  std::vector<Speaker> speakers;
  for (const std::string_view language : languages) {
    const Speaker speaker = Recordings(language, 700);
    for (const double faster : {0.85, 0.92, 1.0, 1.09, 1.18}) {
      speakers.push_back(Warped(speaker, faster));
    }
  }
  const fs::path wav =
      fs::temp_directory_path() /
      ("train_speech_net." + std::to_string(::getpid()) + ".wav");
  // `command` followed by a text in quotes makes the file.
  const auto synthetic = [&](const std::string& before,
                             const std::string& after) {
    Speaker speaker;
    for (const char* sentence : kSentences) {
      const std::string command = before + " \"" + sentence + "\" " + after;
      if (std::system(command.c_str()) != 0) {
        std::cerr << command << ": failed\n";
        std::exit(2);
      }
      speaker.push_back(ReadWavFile(wav));
    }
    speakers.push_back(std::move(speaker));
  };
  const std::string to_8_khz =
      "-v error -y -ar 8000 -ac 1 -c:a pcm_s16le " + wav.string();
  for (const std::string voice : {"kal16", "awb", "rms", "slt"}) {
    synthetic("flite -voice " + voice + " -t",
              "-o " + wav.string() + ".wide && ffmpeg -i " + wav.string() +
                  ".wide " + to_8_khz);
  }
  for (const std::string voice : {"en-us+m3", "en-gb+f2", "en-us+m7"}) {
    synthetic("espeak-ng -v " + voice + " --stdout",
              "| ffmpeg -i - " + to_8_khz);
  }
  fs::remove(wav.string() + ".wide");
  fs::remove(wav);
  // What the unit tests take for a voice, of other seeds than theirs.
  Speaker drone;
  for (uint64_t seed = 5000; seed < 5060; ++seed) {
    drone.push_back(VoiceSignal(8000 + seed % 7 * 4000, -200, seed));
  }
  speakers.push_back(std::move(drone));
  // A machine that does not modulate its voice is heard as well.
  for (const double hz : {90.0, 120.0, 150.0, 210.0}) {
    Speaker machine;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      machine.push_back(Monotone(hz, 8000 + seed % 7 * 4000, 6000 + seed));
    }
    speakers.push_back(std::move(machine));
  }
  return speakers;
}

// A line's tilt: one zero, by `amount` in (-1, 1), and the high-pass of a
// telephone.
void Tilt(std::vector<int16_t>& line, double amount, bool high_pass) {
  double last = 0;
  double low = 0;
  for (int16_t& sample : line) {
    const double x = sample;
    double y = (x + amount * last) / (1 + std::abs(amount) * 0.5);
    last = x;
    low += 0.17 * (y - low);  // 240 Hz
    if (high_pass) y -= low;
    sample = static_cast<int16_t>(std::clamp(std::lround(y), -32768L, 32767L));
  }
}

// Leaves no more than `longest` frames of each pause, and takes the first
// `skipped` frames away: callers talk on, and calls begin within a word.
void Shorten(CleanSpeech& clean, size_t longest, size_t skipped) {
  CleanSpeech shorter;
  size_t pause = 0;
  for (size_t f = 0; f < clean.labels.size(); ++f) {
    pause = clean.labels[f] != 0 ? 0 : pause + 1;
    if (pause > longest || f < skipped) continue;
    shorter.labels.push_back(clean.labels[f]);
    const auto begin =
        clean.samples.begin() + static_cast<ptrdiff_t>(f * kLabelFrame);
    shorter.samples.insert(shorter.samples.end(), begin, begin + kLabelFrame);
  }
  clean = std::move(shorter);
}

// Makes each pause longer by up to `most` frames of digital silence.
void Lengthen(CleanSpeech& clean, size_t most, Random& random) {
  CleanSpeech longer;
  for (size_t f = 0; f < clean.labels.size(); ++f) {
    const bool ends_pause =
        f > 20 && clean.labels[f] != 0 &&
        std::all_of(clean.labels.begin() + static_cast<ptrdiff_t>(f) - 20,
                    clean.labels.begin() + static_cast<ptrdiff_t>(f),
                    [](uint8_t label) { return label == 0; });
    const size_t added = ends_pause ? random.Below(most) : 0;
    longer.labels.resize(longer.labels.size() + added);
    longer.samples.resize(longer.samples.size() + added * kLabelFrame);
    longer.labels.push_back(clean.labels[f]);
    const auto begin =
        clean.samples.begin() + static_cast<ptrdiff_t>(f * kLabelFrame);
    longer.samples.insert(longer.samples.end(), begin, begin + kLabelFrame);
  }
  clean = std::move(longer);
}

Example MakeLine(const std::vector<Speaker>& speakers,
                 const std::vector<Speaker>& music,
                 const std::vector<std::vector<int16_t>>& everyone,
                 uint64_t seed) {
  Random random(seed);
  const auto uniform = [&](double from, double to) {
    return from + (to - from) * 0.5 * (random.Symmetric() + 1);
  };
  constexpr size_t kCount = kLineFrames * kLabelFrame;
  const double dbfs = uniform(-40, -12);
  CleanSpeech clean;
  const size_t kind = random.Below(20);
  if (kind >= 4) {
    const bool fluent = random.Below(3) == 0;
    clean = Prompts(speakers[random.Below(speakers.size())], fluent ? 20 : 8,
                    dbfs, random.Next() >> 8);
    Shorten(clean, fluent ? 3 + random.Below(25) : 1000,
            random.Below(2) == 0 ? random.Below(200) : 0);
    if (!fluent && random.Below(2) == 0) Lengthen(clean, 300, random);
    // The telephone is handed on, or held away.
    if (random.Below(3) == 0) {
      const double gain = std::pow(10, uniform(-20, 6) / 20);
      for (size_t n = random.Below(kCount); n < clean.samples.size(); ++n) {
        clean.samples[n] = static_cast<int16_t>(
            std::clamp(gain * clean.samples[n], -32768.0, 32767.0));
      }
    }
  } else if (kind < 2) {
    const Speaker& track = music[random.Below(music.size())];
    const std::vector<int16_t>& all = track[0];
    const size_t at = random.Below(all.size() - kCount);
    // Music begins and ends within the line, or outside it.
    const size_t begin = random.Below(2) == 0 ? random.Below(kCount / 2) : 0;
    const size_t end =
        random.Below(2) == 0 ? kCount / 2 + random.Below(kCount / 2) : kCount;
    clean.samples.resize(kCount);
    const double gain = std::pow(10, uniform(-18, 0) / 20);
    for (size_t n = begin; n < end; ++n) {
      clean.samples[n] = static_cast<int16_t>(gain * all[at + n]);
    }
  }
  clean.samples.resize(kCount);
  clean.labels.resize(kLineFrames);
  for (const Disturbance disturbance :
       {Disturbance::kCoughs, Disturbance::kClicks, Disturbance::kDtmf}) {
    const bool only = kind == 2;
    if (!only && random.Below(8) != 0) continue;
    const std::vector<int16_t> sounds = MakeDisturbance(
        disturbance, kCount, uniform(-34, -10), random.Next() >> 8);
    Mix(clean.samples, sounds);
  }
  if (random.Below(2) == 0) {
    Tilt(clean.samples, uniform(-0.7, 0.5), random.Below(2) == 0);
  }
  std::vector<float> noise;
  double gain = 0;
  // White and pink are what lines have most.
  constexpr Noise kNoises[] = {Noise::kNone,   Noise::kWhite,  Noise::kWhite,
                               Noise::kWhite,  Noise::kPink,   Noise::kPink,
                               Noise::kPink,   Noise::kBrown,  Noise::kBabble,
                               Noise::kBabble, Noise::kBabble, Noise::kHum,
                               Noise::kNone};
  const Noise noise_kind = kNoises[random.Below(std::size(kNoises))];
  if (noise_kind != Noise::kNone) {
    noise = MakeNoise(noise_kind, kCount, everyone, random.Next() >> 8);
    const double snr =
        noise_kind == Noise::kBabble ? uniform(8, 30) : uniform(-3, 30);
    gain = 32768 * std::pow(10, (dbfs - snr) / 20);
  }
  const std::vector<int16_t> line = OnLine(clean.samples, noise, gain);
  Example example;
  example.labels = std::move(clean.labels);
  SpeechFeatures features;
  for (size_t f = 0; f < kLineFrames; ++f) {
    const auto frame =
        std::span<const int16_t>(line).subspan(f * kLabelFrame, kLabelFrame);
    example.features.push_back(
        features.Process(frame, audio::MeanSquare(frame)));
  }
  return example;
}

template <typename T>
struct Net {
  std::array<std::array<T, kIn>, kDense> dense;
  std::array<T, kDense> dense_bias;
  std::array<std::array<T, kDense>, kGates> input;
  std::array<std::array<T, kUnits>, kGates> unit;
  std::array<T, kGates> gate_bias;
  std::array<T, kUnits> output;
  T output_bias;
};
constexpr size_t kParameters = sizeof(Net<float>) / sizeof(float);

float* Begin(Net<float>& net) { return &net.dense[0][0]; }

Lanes Apply(float (*function)(float), Lanes x) {
  for (size_t lane = 0; lane < kLanes; ++lane) x[lane] = function(x[lane]);
  return x;
}
float Sigmoid(float x) { return 1 / (1 + std::exp(-x)); }
float Tanh(float x) { return std::tanh(x); }

struct Step {
  std::array<Lanes, kIn> in;
  std::array<Lanes, kDense> dense;
  std::array<Lanes, kUnits> before, update, reset, candidate, from_units, after;
  Lanes probability, label;
};

void Forward(const Net<float>& net, Step& step) {
  for (size_t i = 0; i < kDense; ++i) {
    Lanes sum = Lanes{} + net.dense_bias[i];
    for (size_t j = 0; j < kIn; ++j) sum += net.dense[i][j] * step.in[j];
    step.dense[i] = Apply(Tanh, sum);
  }
  std::array<Lanes, kGates> a;
  std::array<Lanes, kGates> g;
  for (size_t i = 0; i < kGates; ++i) {
    Lanes sum = Lanes{} + net.gate_bias[i];
    for (size_t j = 0; j < kDense; ++j) sum += net.input[i][j] * step.dense[j];
    a[i] = sum;
    Lanes other{};
    for (size_t j = 0; j < kUnits; ++j)
      other += net.unit[i][j] * step.before[j];
    g[i] = other;
  }
  Lanes out = Lanes{} + net.output_bias;
  for (size_t i = 0; i < kUnits; ++i) {
    step.update[i] = Apply(Sigmoid, a[i] + g[i]);
    step.reset[i] = Apply(Sigmoid, a[kUnits + i] + g[kUnits + i]);
    step.from_units[i] = g[2 * kUnits + i];
    step.candidate[i] =
        Apply(Tanh, a[2 * kUnits + i] + step.reset[i] * step.from_units[i]);
    step.after[i] = step.candidate[i] +
                    step.update[i] * (step.before[i] - step.candidate[i]);
    out += net.output[i] * step.after[i];
  }
  step.probability = Apply(Sigmoid, out);
}

// `later` is the gradient of the units' state after the step; becomes that of
// the state before.
void Backward(const Net<float>& net, const Step& step,
              std::array<Lanes, kUnits>& later, Net<Lanes>& gradient) {
  const Lanes out = step.probability - step.label;
  gradient.output_bias += out;
  std::array<Lanes, kGates> a;
  std::array<Lanes, kGates> g;
  std::array<Lanes, kUnits> before;
  for (size_t i = 0; i < kUnits; ++i) {
    gradient.output[i] += out * step.after[i];
    const Lanes h = later[i] + net.output[i] * out;
    const Lanes z = step.update[i];
    const Lanes r = step.reset[i];
    const Lanes n = step.candidate[i];
    before[i] = h * z;
    a[i] = h * (step.before[i] - n) * z * (1 - z);
    const Lanes candidate = h * (1 - z) * (1 - n * n);
    a[2 * kUnits + i] = candidate;
    g[2 * kUnits + i] = candidate * r;
    a[kUnits + i] = candidate * step.from_units[i] * r * (1 - r);
    g[i] = a[i];
    g[kUnits + i] = a[kUnits + i];
  }
  std::array<Lanes, kDense> dense{};
  for (size_t i = 0; i < kGates; ++i) {
    gradient.gate_bias[i] += a[i];
    for (size_t j = 0; j < kDense; ++j) {
      gradient.input[i][j] += a[i] * step.dense[j];
      dense[j] += net.input[i][j] * a[i];
    }
    for (size_t j = 0; j < kUnits; ++j) {
      gradient.unit[i][j] += g[i] * step.before[j];
      before[j] += net.unit[i][j] * g[i];
    }
  }
  for (size_t i = 0; i < kDense; ++i) {
    const Lanes d = dense[i] * (1 - step.dense[i] * step.dense[i]);
    gradient.dense_bias[i] += d;
    for (size_t j = 0; j < kIn; ++j) gradient.dense[i][j] += d * step.in[j];
  }
  later = before;
}

template <size_t kColumns>
float Scale(const std::array<float, kColumns>& row) {
  float most = 1e-6F;
  for (const float weight : row) most = std::max(most, std::abs(weight));
  return most / 127;
}

template <size_t kRows, size_t kColumns>
void RoundRows(std::array<std::array<float, kColumns>, kRows>& matrix) {
  for (auto& row : matrix) {
    const float scale = Scale(row);
    for (float& weight : row) weight = std::round(weight / scale) * scale;
  }
}

Net<float> Rounded(Net<float> net) {
  RoundRows(net.dense);
  RoundRows(net.input);
  RoundRows(net.unit);
  return net;
}

std::string Literal(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.8e", value);
  return std::string(text) + "F";
}

template <size_t kCount>
void PrintVector(const char* name, const char* count,
                 const std::array<float, kCount>& values) {
  std::printf("constexpr std::array<float, %s> %s = {", count, name);
  for (size_t i = 0; i < kCount; ++i) {
    std::printf("%s%s,", i % 4 == 0 ? "\n    " : " ",
                Literal(values[i]).c_str());
  }
  std::printf("\n};\n\n");
}

template <size_t kRows, size_t kColumns>
void PrintMatrix(const char* name, const char* size,
                 const std::array<std::array<float, kColumns>, kRows>& matrix) {
  std::printf("constexpr Matrix<%s> %s = {\n    {{\n", size, name);
  for (const auto& row : matrix) {
    const float scale = Scale(row);
    std::printf("        {");
    for (size_t j = 0; j < kColumns; ++j) {
      std::printf("%s%d",
                  j == 0        ? ""
                  : j % 16 == 0 ? ",\n         "
                                : ", ",
                  static_cast<int>(std::lround(row[j] / scale)));
    }
    std::printf("},\n");
  }
  std::printf("    }},\n    {");
  for (size_t i = 0; i < kRows; ++i) {
    std::printf("%s%s,", i % 4 == 0 ? "\n        " : " ",
                Literal(Scale(matrix[i])).c_str());
  }
  std::printf("\n    }};\n\n");
}

void Print(const Net<float>& net) {
  std::printf(
      "// Generated by tests/training/train_speech_net.cc, not by hand.\n\n");
  PrintMatrix("kDenseWeights", "SpeechNet::kDense, SpeechNet::kInputs",
              net.dense);
  PrintVector("kDenseBias", "SpeechNet::kDense", net.dense_bias);
  PrintMatrix("kInputWeights", "kGates, SpeechNet::kDense", net.input);
  PrintMatrix("kUnitWeights", "kGates, SpeechNet::kUnits", net.unit);
  PrintVector("kGateBias", "kGates", net.gate_bias);
  PrintVector("kOutputWeights", "SpeechNet::kUnits", net.output);
  std::printf("constexpr float kOutputBias = %s;\n",
              Literal(net.output_bias).c_str());
}

// Prints how many frames the net gets wrong on lines of the validation
// speakers, by noise, when what is at least as likely as `threshold` is speech.
void Validate(const Net<float>& net, float threshold) {
  struct Condition {
    Noise noise;
    double snr_db;
  };
  constexpr Condition kConditions[] = {
      {Noise::kNone, 0},    {Noise::kWhite, 20},  {Noise::kPink, 20},
      {Noise::kWhite, 10},  {Noise::kPink, 10},   {Noise::kWhite, 5},
      {Noise::kPink, 5},    {Noise::kWhite, 0},   {Noise::kPink, 0},
      {Noise::kBabble, 20}, {Noise::kBabble, 10}, {Noise::kBabble, 0}};
  std::vector<Speaker> speakers;
  std::vector<std::vector<int16_t>> everyone;
  for (const std::string_view language : kValidationLanguages) {
    speakers.push_back(Recordings(language, 2500));
    everyone.insert(everyone.end(), speakers.back().begin(),
                    speakers.back().end());
  }
  for (const Condition& condition : kConditions) {
    size_t frames = 0;
    size_t missed = 0;
    size_t false_alarms = 0;
    // 5 speech frames of 8, more than 8 frames after the last word.
    size_t false_triggers = 0;
    size_t quiet_frames = 0;
    for (size_t s = 0; s < speakers.size(); ++s) {
      const double dbfs = -20 - 6.0 * static_cast<double>(s);
      const CleanSpeech clean = Prompts(speakers[s], 100, dbfs, 40 + s);
      const std::vector<float> noise =
          MakeNoise(condition.noise, clean.samples.size(), everyone, 20 + s);
      const std::vector<int16_t> line =
          OnLine(clean.samples, noise,
                 condition.noise == Noise::kNone
                     ? 0
                     : 32768 * std::pow(10, (dbfs - condition.snr_db) / 20));
      SpeechFeatures features;
      Step step{};
      size_t since_speech = 0;
      uint32_t recent = 0;
      bool triggered = false;
      for (size_t f = 0; f < clean.labels.size(); ++f) {
        const auto frame = std::span<const int16_t>(line).subspan(
            f * kLabelFrame, kLabelFrame);
        const SpeechFeatures::Vector vector =
            features.Process(frame, audio::MeanSquare(frame));
        for (size_t j = 0; j < kIn; ++j) step.in[j] = Lanes{} + vector[j];
        step.before = step.after;
        Forward(net, step);
        const bool speech = step.probability[0] >= threshold;
        ++frames;
        if (clean.labels[f] != 0 && !speech) ++missed;
        if (clean.labels[f] == 0 && speech) ++false_alarms;
        recent = (recent << 1 | (speech ? 1U : 0U)) & 255U;
        const bool triggers = std::popcount(recent) >= 5;
        since_speech = clean.labels[f] != 0 ? 0 : since_speech + 1;
        if (since_speech > 8) {
          ++quiet_frames;
          if (triggers && !triggered) ++false_triggers;
        }
        triggered = triggers;
      }
    }
    const auto percent = [&](size_t count) {
      return 100 * static_cast<double>(count) / static_cast<double>(frames);
    };
    std::cerr << threshold << ", " << NoiseName(condition.noise) << " "
              << condition.snr_db << " dB: " << percent(missed + false_alarms)
              << " %, of them " << percent(false_alarms) << " false alarms; "
              << 3000.0 * static_cast<double>(false_triggers) /
                     static_cast<double>(quiet_frames)
              << " false triggers a minute without speech\n";
  }
}

int Main(bool validate) {
  const std::vector<Speaker> speakers =
      validate ? TrainingSpeakers(kTrainingLanguages)
               : TrainingSpeakers(kPromptLanguages);
  std::vector<std::vector<int16_t>> everyone;
  for (const Speaker& speaker : speakers) {
    everyone.insert(everyone.end(), speaker.begin(), speaker.end());
  }
  // The first three tracks; the others are for the measurements.
  std::vector<Speaker> music;
  for (const fs::path& file : MusicFiles()) {
    if (music.size() < 3) music.push_back({ReadWavFile(file)});
  }
  std::vector<Example> examples;
  for (uint64_t line = 0; line < kLines; ++line) {
    examples.push_back(MakeLine(speakers, music, everyone, 1000 + line));
  }
  std::cerr << "lines are made\n";

  Random random(7);
  Net<float> net{};
  const auto fill = [&](auto& matrix) {
    for (auto& row : matrix) {
      const auto bound = std::sqrt(3.0 / static_cast<double>(row.size())) * 0.8;
      for (float& weight : row) {
        weight = static_cast<float>(bound * random.Symmetric());
      }
    }
  };
  fill(net.dense);
  fill(net.input);
  fill(net.unit);
  for (float& weight : net.output) {
    weight = static_cast<float>(0.3 * random.Symmetric());
  }
  for (size_t i = 0; i < kUnits; ++i) net.gate_bias[i] = 1;

  std::vector<float> mean(kParameters);
  std::vector<float> square(kParameters);
  std::vector<Step> steps(kSegment);
  const auto gradient = std::make_unique<Net<Lanes>>();
  std::vector<size_t> order(kLines);
  for (size_t i = 0; i < kLines; ++i) order[i] = i;
  constexpr size_t kStepsPerEpoch = kLines / kLanes * (kLineFrames / kSegment);
  size_t step_count = 0;
  for (size_t epoch = 0; epoch < kEpochs; ++epoch) {
    const bool rounded = epoch + kRoundedEpochs >= kEpochs;
    for (size_t i = kLines; i > 1; --i) {
      std::swap(order[i - 1], order[random.Below(i)]);
    }
    double loss = 0;
    double errors = 0;
    for (size_t batch = 0; batch < kLines; batch += kLanes) {
      std::array<Lanes, kUnits> state{};
      for (size_t at = 0; at < kLineFrames; at += kSegment) {
        const Net<float> used = rounded ? Rounded(net) : net;
        for (size_t t = 0; t < kSegment; ++t) {
          Step& step = steps[t];
          for (size_t lane = 0; lane < kLanes; ++lane) {
            const Example& example = examples[order[batch + lane]];
            for (size_t j = 0; j < kIn; ++j) {
              step.in[j][lane] = example.features[at + t][j];
            }
            step.label[lane] = example.labels[at + t];
          }
          step.before = state;
          Forward(used, step);
          state = step.after;
          for (size_t lane = 0; lane < kLanes; ++lane) {
            const float p = step.probability[lane];
            const bool speech = step.label[lane] > 0.5F;
            loss -= std::log((speech ? p : 1 - p) + 1e-7);
            errors += (p > 0.5F) == speech ? 0 : 1;
          }
        }
        *gradient = Net<Lanes>{};
        std::array<Lanes, kUnits> later{};
        for (size_t t = kSegment; t-- > 0;) {
          Backward(used, steps[t], later, *gradient);
        }
        // Adam, the rate along half a cosine.
        ++step_count;
        const double progress = static_cast<double>(step_count) /
                                static_cast<double>(kEpochs * kStepsPerEpoch);
        const double rate =
            3e-3 * 0.5 * (1 + std::cos(std::numbers::pi * progress)) + 1e-5;
        const double correction1 =
            1 - std::pow(0.9, static_cast<double>(step_count));
        const double correction2 =
            1 - std::pow(0.999, static_cast<double>(step_count));
        const Lanes* sums = &gradient->dense[0][0];
        std::vector<float> g(kParameters);
        double norm = 0;
        for (size_t i = 0; i < kParameters; ++i) {
          for (size_t lane = 0; lane < kLanes; ++lane) g[i] += sums[i][lane];
          g[i] /= kLanes * kSegment;
          norm += double{g[i]} * g[i];
        }
        const auto clip =
            static_cast<float>(std::min(1.0, 0.5 / (std::sqrt(norm) + 1e-9)));
        float* weights = Begin(net);
        for (size_t i = 0; i < kParameters; ++i) {
          g[i] *= clip;
          mean[i] += 0.1F * (g[i] - mean[i]);
          square[i] += 0.001F * (g[i] * g[i] - square[i]);
          weights[i] -=
              static_cast<float>(rate * (mean[i] / correction1) /
                                 (std::sqrt(square[i] / correction2) + 1e-7));
        }
      }
    }
    constexpr double kFrames = kLines * kLineFrames;
    std::cerr << "epoch " << epoch << ": loss " << loss / kFrames << ", errors "
              << 100 * errors / kFrames << " %\n";
  }
  Print(net);
  for (const float threshold : {0.5F, 0.6F, 0.7F}) {
    if (validate) Validate(Rounded(net), threshold);
  }
  return 0;
}

}  // namespace
}  // namespace trunkline::test

int main(int count, char** arguments) {
  return trunkline::test::Main(count > 1 &&
                               std::string_view(arguments[1]) == "--validate");
}
