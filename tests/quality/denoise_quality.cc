#include <speex/speex_preprocess.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "audio/denoiser.h"
#include "quality/plot.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/line_conditions.h"

namespace trunkline::quality {
namespace {

using audio::Denoiser;

constexpr size_t kFrame = Denoiser::kFrameSamples;

std::vector<int16_t> Ours(std::vector<int16_t> line,
                          Denoiser::Strength strength) {
  Denoiser denoiser(Denoiser::Config{.strength = strength});
  for (size_t at = 0; at + kFrame <= line.size(); at += kFrame) {
    denoiser.Process(std::span<int16_t>(line).subspan(at, kFrame));
  }
  return line;
}

std::vector<int16_t> Speex(std::vector<int16_t> line, int suppress_db) {
  SpeexPreprocessState* state =
      speex_preprocess_state_init(static_cast<int>(kFrame), 8000);
  int on = 1;
  speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_DENOISE, &on);
  speex_preprocess_ctl(state, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS,
                       &suppress_db);
  for (size_t at = 0; at + kFrame <= line.size(); at += kFrame) {
    speex_preprocess_run(state, line.data() + at);
  }
  speex_preprocess_state_destroy(state);
  return line;
}

struct Figures {
  double si_sdr_db = 0;
  double segmental_db = 0;
  double pause_db = 0;
};

struct Condition {
  test::Noise noise;
  double snr_db;
};

// kDemands has all but the first, in this order.
constexpr Condition kConditions[] = {
    {test::Noise::kNone, 0},    {test::Noise::kWhite, 20},
    {test::Noise::kWhite, 10},  {test::Noise::kWhite, 0},
    {test::Noise::kPink, 10},   {test::Noise::kPink, 5},
    {test::Noise::kBabble, 10},
};

struct Stage {
  std::string name;
  size_t delay;
  std::vector<int16_t> (*run)(std::vector<int16_t>);
};

const Stage kStages[] = {
    {"none", 0, [](std::vector<int16_t> line) { return line; }},
    {"light", Denoiser::kDelaySamples,
     [](std::vector<int16_t> line) {
       return Ours(std::move(line), Denoiser::Strength::kLight);
     }},
    {"strong", Denoiser::kDelaySamples,
     [](std::vector<int16_t> line) {
       return Ours(std::move(line), Denoiser::Strength::kStrong);
     }},
    {"speexdsp -15 dB", 160,
     [](std::vector<int16_t> line) { return Speex(std::move(line), -15); }},
    {"speexdsp -30 dB", 160,
     [](std::vector<int16_t> line) { return Speex(std::move(line), -30); }},
};

// What a stage is held to, gains and losses in dB.
struct Demand {
  Condition condition;
  double light_segmental_db;
  double strong_segmental_db;
  double light_pauses_db;
  double strong_pauses_db;
};

constexpr Demand kDemands[] = {
    {{test::Noise::kWhite, 20}, 1.0, 0.8, -10, -18},
    {{test::Noise::kWhite, 10}, 3.8, 4.0, -10, -17},
    {{test::Noise::kWhite, 0}, 5.0, 6.0, -10, -17},
    {{test::Noise::kPink, 10}, 3.2, 3.5, -9, -15},
    {{test::Noise::kPink, 5}, 3.8, 4.2, -9, -15},
    {{test::Noise::kBabble, 10}, 0.6, 0.6, -2, -2},
};
constexpr double kMostCleanLossDb = 2.5;

std::string Name(const Condition& condition) {
  const std::string noise(test::NoiseName(condition.noise));
  return condition.noise == test::Noise::kNone
             ? noise
             : noise + " " + Fixed(condition.snr_db, 0) + " dB";
}

// Where an impulse on a loud background comes out.
double MeasuredDelayMs(Denoiser::Strength strength) {
  std::vector<int16_t> line(8000, 0);
  line[4000] = 30000;
  const auto out = Ours(line, strength);
  const auto peak = std::ranges::max_element(out);
  return (static_cast<double>(peak - out.begin()) - 4000) / 8;
}

Figures Mean(const Condition& condition, const Stage& stage,
             const std::vector<std::vector<int16_t>>& speech) {
  Figures mean;
  const auto count = static_cast<double>(speech.size());
  for (size_t i = 0; i < speech.size(); ++i) {
    const auto out = stage.run(test::ThroughMuLaw(test::WithNoise(
        speech[i], condition.noise, condition.snr_db, 100 + i)));
    mean.si_sdr_db += test::SiSdrDb(speech[i], out, stage.delay) / count;
    mean.segmental_db +=
        test::SegmentalSnrDb(speech[i], out, stage.delay) / count;
    mean.pause_db += test::PauseLevelDb(speech[i], out, stage.delay) / count;
  }
  return mean;
}

void Measure(const Scope& scope, Report& report) {
  const bool full = scope.extent == Extent::kFull;
  const size_t languages = full ? std::size(test::kPromptLanguages) : 2;
  std::vector<std::vector<int16_t>> speech;
  for (size_t i = 0; i < languages; ++i) {
    speech.push_back(
        test::PromptLine(test::kPromptLanguages[i], full ? 60 : 20));
  }
  report.Text(
      "Prompts at -26 dBov with pauses of 0.6 s, noise added at an SNR against "
      "the active speech, all through mu-law. Each figure is a gain over the "
      "line without denoising, against the prompts before mu-law: SI-SDR, the "
      "mean SNR of 20 ms segments, and the level in the pauses. The rows of "
      "speexdsp are its preprocessor with frames of 20 ms, which delays by 20 "
      "ms; ours delays by 10 ms. \"clean\" is the line in mu-law alone, whose "
      "SI-SDR is " +
      Fixed(Mean({test::Noise::kNone, 0}, kStages[0], speech).si_sdr_db, 1) +
      " dB.");
  std::vector<std::vector<std::string>> rows;
  std::vector<Figures> gains;
  for (const Condition& condition : kConditions) {
    const Figures before = Mean(condition, kStages[0], speech);
    for (const Stage& stage : std::span(kStages).subspan(1)) {
      const Figures after = Mean(condition, stage, speech);
      const Figures gain{after.si_sdr_db - before.si_sdr_db,
                         after.segmental_db - before.segmental_db,
                         after.pause_db - before.pause_db};
      gains.push_back(gain);
      rows.push_back({Name(condition), stage.name, Fixed(gain.si_sdr_db, 1),
                      Fixed(gain.segmental_db, 1),
                      condition.noise == test::Noise::kNone
                          ? "-"
                          : Fixed(gain.pause_db, 1)});
    }
  }
  report.Table(std::vector<std::string>{"line", "stage", "SI-SDR dB",
                                        "segmental SNR dB", "pauses dB"},
               rows);

  constexpr size_t kStagesMeasured = std::size(kStages) - 1;
  report.AtMost("loss of SI-SDR on clean speech, light, dB",
                -gains[0].si_sdr_db, kMostCleanLossDb);
  report.AtMost("loss of SI-SDR on clean speech, strong, dB",
                -gains[1].si_sdr_db, kMostCleanLossDb);
  for (size_t i = 0; i < std::size(kDemands); ++i) {
    const Demand& demand = kDemands[i];
    const Figures& light = gains[(i + 1) * kStagesMeasured];
    const Figures& strong = gains[(i + 1) * kStagesMeasured + 1];
    const std::string name = Name(demand.condition);
    report.AtLeast("segmental SNR, light, " + name + ", dB", light.segmental_db,
                   demand.light_segmental_db);
    report.AtLeast("segmental SNR, strong, " + name + ", dB",
                   strong.segmental_db, demand.strong_segmental_db);
    report.AtMost("pauses, light, " + name + ", dB", light.pause_db,
                  demand.light_pauses_db);
    report.AtMost("pauses, strong, " + name + ", dB", strong.pause_db,
                  demand.strong_pauses_db);
  }
  report.Exactly("delay, light, ms",
                 MeasuredDelayMs(Denoiser::Strength::kLight), 10);
  report.Exactly("delay, strong, ms",
                 MeasuredDelayMs(Denoiser::Strength::kStrong), 10);
}

void Picture(const Scope& scope, Report& report) {
  std::vector<Panel> panels;
  if (!scope.plots.empty()) {
    constexpr Range kSeconds{0, 6};
    const auto clean = test::PromptLine(test::kPromptLanguages[0], 12);
    const auto line =
        test::ThroughMuLaw(test::WithNoise(clean, test::Noise::kPink, 10, 5));
    // From 2 s on, when it knows the noise.
    const auto denoised = Ours(line, Denoiser::Strength::kStrong);
    for (const auto& [title, samples] :
         {std::pair("Pink noise 10 dB below the speech", &line),
          std::pair("The same, denoised (strong)", &denoised)}) {
      Panel panel{.title = title, .x_label = "s", .y_label = "kHz"};
      const auto part = std::span<const int16_t>(*samples).subspan(
          2 * 8000, static_cast<size_t>(kSeconds.to) * 8000);
      panel.Heat(Spectrogram(part, 8000, 180), kSeconds, Range{0, 4},
                 Range{-90, -30});
      panels.push_back(std::move(panel));
    }
  }
  Draw(scope, report, "denoising.png", "A line before and after the denoiser",
       panels, 800, 560);
}

void MeasureAndDraw(const Scope& scope, Report& report) {
  Measure(scope, report);
  Picture(scope, report);
}

const Section kSection(60, "Denoising", MeasureAndDraw);

}  // namespace
}  // namespace trunkline::quality
