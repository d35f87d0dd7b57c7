// The speech detector beside those that are at hand, on the same lines.

#include <speex/speex_preprocess.h>
#include <unistd.h>
#include <webrtc_vad.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audio/level.h"
#include "audio/resampler.h"
#include "audio/speech_detector.h"
#include "quality/plot.h"
#include "quality/report.h"
#include "quality/voices.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/labelled_speech.h"

namespace trunkline::quality {
namespace {

using test::kLabelFrame;
using test::Noise;

using Decisions = std::vector<uint8_t>;
using Line = std::vector<int16_t>;

// Whoever is measured is read once.
const std::vector<Voice>& Voices() {
  static const auto* const voices = new std::vector<Voice>(UnknownVoices());
  return *voices;
}

// A detector as a function of a whole line: a decision for each frame.
struct Candidate {
  std::string name;
  std::function<Decisions(const Line&)> detect;
};

template <typename Decide>
Decisions EachFrame(const Line& line, Decide decide) {
  Decisions decisions;
  for (size_t at = 0; at + kLabelFrame <= line.size(); at += kLabelFrame) {
    decisions.push_back(
        decide(std::span<const int16_t>(line).subspan(at, kLabelFrame)) ? 1
                                                                        : 0);
  }
  return decisions;
}

Decisions Ours(const Line& line) {
  audio::SpeechDetector detector({});
  return EachFrame(line, [&](std::span<const int16_t> frame) {
    return detector.Process(frame).speech;
  });
}

Decisions OursVoiced(const Line& line) {
  audio::SpeechDetector detector({});
  return EachFrame(line, [&](std::span<const int16_t> frame) {
    return detector.Process(frame).voiced;
  });
}

Decisions WebRtc(const Line& line, int mode) {
  const std::unique_ptr<VadInst, void (*)(VadInst*)> vad(WebRtcVad_Create(),
                                                         WebRtcVad_Free);
  WebRtcVad_Init(vad.get());
  WebRtcVad_set_mode(vad.get(), mode);
  return EachFrame(line, [&](std::span<const int16_t> frame) {
    return WebRtcVad_Process(vad.get(), 8000, frame.data(), frame.size()) == 1;
  });
}

class SpeexPreprocess {
 public:
  SpeexPreprocess() : state_(speex_preprocess_state_init(kLabelFrame, 8000)) {
    int on = 1;
    speex_preprocess_ctl(state_, SPEEX_PREPROCESS_SET_DENOISE, &on);
  }
  ~SpeexPreprocess() { speex_preprocess_state_destroy(state_); }
  SpeexPreprocess(const SpeexPreprocess&) = delete;
  SpeexPreprocess& operator=(const SpeexPreprocess&) = delete;

  // In place; returns its decision. SPEEX_PREPROCESS_SET_VAD would return the
  // same, and print a warning: 35 % starts speech, 20 % keeps it.
  bool Run(int16_t* frame) {
    speex_preprocess_run(state_, frame);
    int percent = 0;
    speex_preprocess_ctl(state_, SPEEX_PREPROCESS_GET_PROB, &percent);
    speech_ = percent > (speech_ ? 20 : 35);
    return speech_;
  }

 private:
  SpeexPreprocessState* const state_;
  bool speech_ = false;
};

Line SpeexDenoised(Line line) {
  SpeexPreprocess preprocess;
  for (size_t at = 0; at + kLabelFrame <= line.size(); at += kLabelFrame) {
    preprocess.Run(line.data() + at);
  }
  return line;
}

Decisions SpeexVad(const Line& line) {
  SpeexPreprocess preprocess;
  return EachFrame(line, [&](std::span<const int16_t> frame) {
    std::array<int16_t, kLabelFrame> copy;
    std::ranges::copy(frame, copy.begin());
    return preprocess.Run(copy.data());
  });
}

// Level against a floor that falls at once and rises by 3 dB/s, eight frames of
// hangover.
Decisions EnergyGate(const Line& line, int margin_tenths) {
  double floor = -600;
  int hold = 0;
  return EachFrame(line, [&](std::span<const int16_t> frame) {
    const double level = audio::LevelDbfsTenths(audio::MeanSquare(frame));
    floor = level < floor ? level : floor + 0.6;
    hold = level > std::max(floor, -600.0) + margin_tenths && level > -550
               ? 9
               : std::max(0, hold - 1);
    return hold > 0;
  });
}

// RNNoise as npm packages it (@jitsi/rnnoise-wasm), which wants 48 kHz: its own
// probability, the larger of the frame's two.
Decisions RnNoise(const Line& line) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("rnnoise." + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::filesystem::path samples = folder / "samples";
  const std::filesystem::path percents = folder / "percents";
  audio::Resampler resampler(8000, 48000);
  std::vector<int16_t> wide(resampler.MaxOutputSamples(line.size()));
  wide.resize(resampler.Process(line, wide));
  std::ofstream(samples, std::ios::binary)
      .write(reinterpret_cast<const char*>(wide.data()),
             static_cast<std::streamsize>(wide.size() * sizeof(int16_t)));
  const std::string command =
      "node '" TRUNKLINE_SOURCE_DIR "/tests/quality/rnnoise.ts' '" +
      samples.string() + "' '" + percents.string() + "'";
  // Both paths are this function's own.
  const int status = std::system(command.c_str());  // NOLINT(cert-env33-c)
  std::ifstream in(percents, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove_all(folder);
  Decisions decisions(line.size() / kLabelFrame);
  if (status != 0 || bytes.size() < 2 * decisions.size()) {
    std::cerr << "RNNoise cannot be run\n";
    std::exit(2);
  }
  for (size_t f = 0; f < decisions.size(); ++f) {
    decisions[f] = bytes[2 * f] >= 50 || bytes[2 * f + 1] >= 50 ? 1 : 0;
  }
  return decisions;
}

std::vector<Candidate> Candidates(Extent extent) {
  std::vector<Candidate> all = {{"ours", Ours},
                                {"ours, net alone", OursVoiced}};
  for (int mode = 0; mode < 4; ++mode) {
    all.push_back({"WebRTC mode " + std::to_string(mode),
                   [=](const Line& line) { return WebRtc(line, mode); }});
  }
  for (int mode = 0; mode < 4; ++mode) {
    all.push_back(
        {"speexdsp's suppressor, WebRTC mode " + std::to_string(mode),
         [=](const Line& line) { return WebRtc(SpeexDenoised(line), mode); }});
  }
  all.push_back({"speexdsp", SpeexVad});
  // A minute for each hour of line.
  if (extent == Extent::kFull) all.push_back({"RNNoise", RnNoise});
  for (const int margin : {60, 90}) {
    all.push_back({"energy, floor + " + std::to_string(margin / 10) + " dB",
                   [=](const Line& line) { return EnergyGate(line, margin); }});
  }
  return all;
}
constexpr size_t kOwnCandidates = 2;

// Whether 5 of the last 8 frames are speech, per frame.
Decisions Trigger(const Decisions& decisions) {
  Decisions trigger(decisions.size());
  for (size_t f = 0; f < decisions.size(); ++f) {
    int sum = 0;
    for (size_t n = f < 7 ? 0 : f - 7; n <= f; ++n) sum += decisions[n];
    trigger[f] = sum >= 5 ? 1 : 0;
  }
  return trigger;
}

struct Figures {
  double frames = 0;
  double missed = 0;
  double false_alarms = 0;
  double quiet_frames = 0;
  double false_triggers = 0;
  // From onset to trigger, and to the first speech frame, in frames.
  std::vector<double> delays;
  std::vector<double> first;
  // From the last speech frame to the first that is none, less one.
  std::vector<double> hangovers;
  double lost_prompts = 0;

  double error_percent() const {
    return 100 * (missed + false_alarms) / frames;
  }
  double false_triggers_per_minute() const {
    return false_triggers / (quiet_frames / 3000);
  }
};

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 1e9;
  std::ranges::sort(values);
  return values[static_cast<size_t>(share *
                                    static_cast<double>(values.size() - 1))];
}

double MedianMs(const std::vector<double>& frames) {
  return 20 * Quantile(frames, 0.5);
}

void Add(Figures& figures, const test::CleanSpeech& clean,
         const Decisions& decisions) {
  const std::vector<uint8_t>& labels = clean.labels;
  const Decisions trigger = Trigger(decisions);
  size_t since_speech = 1000;
  for (size_t f = 0; f < labels.size(); ++f) {
    figures.frames += 1;
    if (labels[f] != 0 && decisions[f] == 0) figures.missed += 1;
    if (labels[f] == 0 && decisions[f] != 0) figures.false_alarms += 1;
    since_speech = labels[f] != 0 ? 0 : since_speech + 1;
    // What goes on for the eight frames after speech is hangover.
    if (since_speech <= 8) continue;
    figures.quiet_frames += 1;
    if (trigger[f] != 0 && trigger[f - 1] == 0) figures.false_triggers += 1;
  }
  for (size_t i = 0; i < clean.onsets.size(); ++i) {
    const size_t onset = clean.onsets[i];
    const size_t end =
        i + 1 < clean.onsets.size() ? clean.onsets[i + 1] : labels.size();
    size_t f = onset;
    while (f < end && trigger[f] == 0) ++f;
    if (f == end) {
      figures.lost_prompts += 1;
    } else {
      figures.delays.push_back(static_cast<double>(f - onset));
    }
    f = onset;
    while (f < end && decisions[f] == 0) ++f;
    figures.first.push_back(static_cast<double>(f - onset));
    size_t last = end;
    while (last > onset && labels[last - 1] == 0) --last;
    f = last;
    while (f < end && decisions[f] != 0) ++f;
    figures.hangovers.push_back(static_cast<double>(f - last));
  }
}

struct Condition {
  std::string name;
  std::vector<Noise> noises;
  double snr_db;
};

const std::vector<Condition>& Conditions() {
  static const auto* const conditions = new std::vector<Condition>{
      {"clean", {Noise::kNone}, 0},
      {"20 dB", {Noise::kWhite, Noise::kPink}, 20},
      {"10 dB", {Noise::kWhite, Noise::kPink}, 10},
      {"5 dB", {Noise::kWhite, Noise::kPink}, 5},
      {"0 dB", {Noise::kWhite, Noise::kPink}, 0},
      {"babble 20 dB", {Noise::kBabble}, 20},
      {"babble 10 dB", {Noise::kBabble}, 10},
      {"babble 0 dB", {Noise::kBabble}, 0},
  };
  return *conditions;
}
// Babble as loud as the voice is not among those that count.
constexpr size_t kCounted = 7;
constexpr size_t kClean = 0;
constexpr size_t kAt5Db = 3;

void MeasureSpeech(const Scope& scope, Report& report) {
  const bool full = scope.extent == Extent::kFull;
  const size_t prompts = full ? 40 : 10;
  const std::vector<Candidate> candidates = Candidates(scope.extent);
  std::vector<std::vector<Figures>> figures(
      candidates.size(), std::vector<Figures>(Conditions().size()));
  std::vector<std::vector<int16_t>> everyone;
  for (const Voice& voice : Voices()) {
    everyone.insert(everyone.end(), voice.begin(), voice.end());
  }
  double seconds = 0;
  double speech = 0;
  for (size_t s = 0; s < Voices().size(); ++s) {
    constexpr double kDbfs[] = {-20, -26};
    const double dbfs = kDbfs[s % std::size(kDbfs)];
    const test::CleanSpeech clean =
        test::Prompts(Voices()[s], prompts, dbfs, 90 + s);
    seconds += static_cast<double>(clean.labels.size()) / 50;
    speech += static_cast<double>(std::ranges::count(clean.labels, 1)) / 50;
    for (size_t c = 0; c < Conditions().size(); ++c) {
      const Condition& condition = Conditions()[c];
      for (const Noise noise : condition.noises) {
        const std::vector<float> samples = test::MakeNoise(
            noise, clean.samples.size(), everyone, 70 + 10 * c + s);
        const double gain =
            noise == Noise::kNone
                ? 0
                : 32768 * std::pow(10, (dbfs - condition.snr_db) / 20);
        const Line line = test::OnLine(clean.samples, samples, gain);
        for (size_t n = 0; n < candidates.size(); ++n) {
          Add(figures[n][c], clean, candidates[n].detect(line));
        }
      }
    }
  }

  report.Text(
      "Recordings of speakers of whom the net learned nothing, though a fault "
      "that showed on them, false triggers at the end of long pauses, led to "
      "longer pauses in its training: prompts of three women (Colombian "
      "Spanish and French through GSM's codec, Italian), and a woman and men "
      "at the microphones of computers (English), with pauses of 0.6 to 2.5 s, "
      "noise "
      "added at the ratio to the level of the speech, through mu-law: " +
      Fixed(seconds, 0) + " s for each noise, " +
      Fixed(100 * speech / seconds, 0) +
      " % of it speech. A frame is speech when the clean recording is within "
      "32 dB of its loud frames; gaps of up to 60 ms belong to it. White and "
      "pink noise are averaged. Frames that are wrong, %:");
  std::vector<std::string> header = {"detector"};
  for (const Condition& condition : Conditions()) {
    header.push_back(condition.name);
  }
  header.emplace_back("mean without babble 0 dB");
  std::vector<std::vector<std::string>> rows;
  std::vector<double> means;
  for (size_t n = 0; n < candidates.size(); ++n) {
    std::vector<std::string> row = {candidates[n].name};
    double sum = 0;
    for (size_t c = 0; c < Conditions().size(); ++c) {
      const double error = figures[n][c].error_percent();
      row.push_back(Fixed(error, 1));
      if (c < kCounted) sum += error;
    }
    means.push_back(sum / kCounted);
    row.push_back(Fixed(means.back(), 2));
    rows.push_back(row);
  }
  report.Table(header, rows);

  report.Text(
      "A trigger of 5 of the last 8 frames: median delay from the start of a "
      "prompt's first speech frame to that of the frame that decides, ms / "
      "false triggers per minute without speech / prompts without a trigger, "
      "%. Hangover: time after the last speech frame, clean, median / 90th "
      "percentile, ms; first: "
      "median time to the first frame that is told to be speech, clean, ms.");
  rows.clear();
  for (size_t n = 0; n < candidates.size(); ++n) {
    std::vector<std::string> row = {candidates[n].name};
    for (size_t c = 0; c < Conditions().size(); ++c) {
      const Figures& figure = figures[n][c];
      const double all = static_cast<double>(figure.first.size());
      row.push_back(
          (figure.delays.empty() ? "-" : Fixed(MedianMs(figure.delays), 0)) +
          " / " + Fixed(figure.false_triggers_per_minute(), 2) + " / " +
          Fixed(100 * figure.lost_prompts / all, 0));
    }
    row.push_back(Fixed(MedianMs(figures[n][kClean].hangovers), 0) + " / " +
                  Fixed(20 * Quantile(figures[n][kClean].hangovers, 0.9), 0));
    row.push_back(Fixed(MedianMs(figures[n][kClean].first), 0));
    rows.push_back(row);
  }
  header.back() = "hangover";
  header.emplace_back("first");
  report.Table(header, rows);

  const double best_mean =
      *std::min_element(means.begin() + kOwnCandidates, means.end());
  report.AtMost("mean error less that of the best other, points",
                means[0] - best_mean, -0.01);
  double worst = -100;
  for (size_t c = 0; c < kCounted; ++c) {
    double best = 100;
    for (size_t n = kOwnCandidates; n < candidates.size(); ++n) {
      best = std::min(best, figures[n][c].error_percent());
    }
    worst = std::max(worst, figures[0][c].error_percent() - best);
  }
  report.AtMost("error above the best other's of the same noise, points", worst,
                3);
  report.AtMost("trigger's median delay at 5 dB, ms",
                MedianMs(figures[0][kAt5Db].delays), 120);
  report.AtMost("false triggers a minute at 5 dB",
                figures[0][kAt5Db].false_triggers_per_minute(), 0.5);
  report.AtMost("hangover on a clean line, median, ms",
                MedianMs(figures[0][kClean].hangovers), 20);
  report.AtMost("hangover on a clean line, 90th percentile, ms",
                20 * Quantile(figures[0][kClean].hangovers, 0.9), 60);
}

// Speech without a pause in it for a minute and more: no floor may climb into
// it. Counts what is within 20 dB of the speech's level: whether what is
// fainter is speech, its level alone does not tell.
void MeasureFluentSpeech(const Scope& scope, Report& report) {
  constexpr double kDbfs = -22;
  const size_t prompts = scope.extent == Extent::kFull ? 30 : 10;
  double missed = 0;
  double frames = 0;
  for (const Voice& voice : Voices()) {
    const test::CleanSpeech clean = test::Prompts(voice, prompts, kDbfs, 17);
    Line line;
    for (size_t f = 0; f < clean.labels.size(); ++f) {
      if (clean.labels[f] == 0) continue;
      const auto begin =
          clean.samples.begin() + static_cast<ptrdiff_t>(f * kLabelFrame);
      line.insert(line.end(), begin, begin + kLabelFrame);
    }
    line = test::OnLine(line, {}, 0);
    const Decisions decisions = Ours(line);
    for (size_t f = 0; f < decisions.size(); ++f) {
      const auto frame =
          std::span<const int16_t>(line).subspan(f * kLabelFrame, kLabelFrame);
      const int level = audio::LevelDbfsTenths(audio::MeanSquare(frame));
      if (level < 10 * (kDbfs - 20)) continue;
      frames += 1;
      if (decisions[f] == 0) missed += 1;
    }
  }
  report.Text("The same speakers with every pause cut out, " +
              Fixed(frames / 50, 0) +
              " s of frames within 20 dB of the speech's level: " +
              Fixed(100 * missed / frames, 1) + " % of them are missed.");
  report.AtMost("frames missed in speech without pauses, %",
                100 * missed / frames, 3);
}

void MeasureOthers(const Scope& scope, Report& report) {
  const size_t count = (scope.extent == Extent::kFull ? 120 : 40) * 8000;
  struct Sound {
    std::string name;
    Line line;
  };
  std::vector<Sound> sounds;
  constexpr test::Disturbance kDisturbances[] = {test::Disturbance::kCoughs,
                                                 test::Disturbance::kClicks,
                                                 test::Disturbance::kDtmf};
  for (const test::Disturbance disturbance : kDisturbances) {
    sounds.push_back({std::string(test::DisturbanceName(disturbance)),
                      test::MakeDisturbance(disturbance, count, -20, 55)});
  }
  const auto files = test::MusicFiles();
  Line music;
  for (size_t track = 3; track < files.size(); ++track) {
    const Line all = test::ReadWavFile(files[track]);
    const size_t begin = std::min<size_t>(all.size() / 4, 8 * 8000);
    const size_t length = std::min(count / 2, all.size() - begin);
    music.insert(music.end(), all.begin() + static_cast<ptrdiff_t>(begin),
                 all.begin() + static_cast<ptrdiff_t>(begin + length));
  }
  sounds.push_back({"hold music", music});
  const auto& agent = Voices()[1];
  for (const int loss_db : {20, 30, 40}) {
    test::CleanSpeech echo =
        test::Prompts(agent, count / 40000, -20.0 - loss_db, 12);
    echo.samples.resize(count);
    sounds.push_back(
        {"agent's echo, -" + std::to_string(loss_db) + " dB", echo.samples});
  }

  report.Text(
      "What is no caller, alone on a line with noise at -60 dBFS: frames told "
      "to be speech, % / triggers (5 of 8) a minute. Coughs, clicks (1 to 8 "
      "ms) and DTMF are synthesised at -20 dBFS, one in two seconds, by what "
      "made those the net learned from, with other seeds; the music is of "
      "tracks it did not learn from. The agent speaks at -20 dBFS, and its "
      "echo is that much quieter: a voice it is, and only its level tells.");
  std::vector<std::string> header = {"detector"};
  for (const Sound& sound : sounds) header.push_back(sound.name);
  std::vector<std::vector<std::string>> rows;
  std::map<std::string, double> own;
  bool first = true;
  for (const Candidate& candidate : Candidates(scope.extent)) {
    std::vector<std::string> row = {candidate.name};
    for (const Sound& sound : sounds) {
      const std::vector<float> noise =
          test::MakeNoise(Noise::kWhite, sound.line.size(), {}, 31);
      const Decisions decisions = candidate.detect(
          test::OnLine(sound.line, noise, 32768 * std::pow(10, -60.0 / 20)));
      const Decisions trigger = Trigger(decisions);
      double triggers = 0;
      for (size_t f = 1; f < trigger.size(); ++f) {
        if (trigger[f] != 0 && trigger[f - 1] == 0) triggers += 1;
      }
      const auto frames = static_cast<double>(decisions.size());
      const double share =
          100 * static_cast<double>(std::ranges::count(decisions, 1)) / frames;
      triggers /= frames / 3000;
      row.push_back(Fixed(share, 1) + " / " + Fixed(triggers, 1));
      if (first) own[sound.name] = triggers;
    }
    first = false;
    rows.push_back(row);
  }
  report.Table(header, rows);
  report.AtMost("triggers by clicks, a minute", own["clicks"], 0);
  report.AtMost("triggers by DTMF, a minute", own["DTMF"], 0.5);
}

void Picture(const Scope& scope, Report& report) {
  Panel line_panel{.title =
                       "Speech with pink noise 5 dB below it; shaded: "
                       "what is speech",
                   .y_range = Range{-1, 1}};
  Panel probability{.title = "Probability of speech, as the detector has it",
                    .x_label = "s",
                    .y_range = Range{0, 1},
                    .height = 0.7};
  if (!scope.plots.empty()) {
    constexpr double kSeconds = 16;
    constexpr double kDbfs = -20;
    test::CleanSpeech clean = test::Prompts(Voices()[1], 8, kDbfs, 7);
    clean.samples.resize(static_cast<size_t>(kSeconds) * 8000);
    const Line line =
        test::OnLine(clean.samples,
                     test::MakeNoise(Noise::kPink, clean.samples.size(), {}, 3),
                     32768 * std::pow(10, (kDbfs - 5) / 20));
    std::vector<Range> speech;
    std::vector<double> times;
    std::vector<double> shares;
    audio::SpeechDetector detector({});
    for (size_t f = 0; f < line.size() / kLabelFrame; ++f) {
      const double at = static_cast<double>(f) / 50;
      const auto frame =
          std::span<const int16_t>(line).subspan(f * kLabelFrame, kLabelFrame);
      times.push_back(at);
      shares.push_back(detector.Process(frame).probability_per_mille / 1000.0);
      if (clean.labels[f] == 0) continue;
      if (speech.empty() || speech.back().to < at) speech.push_back({at, at});
      speech.back().to = at + 0.02;
    }
    line_panel.x_range = Range{0, kSeconds};
    line_panel.Bands("", speech);
    line_panel.Waveform("", line, 8000);
    probability.x_range = Range{0, kSeconds};
    probability.Steps("", times, shares);
  }
  const Panel panels[] = {line_panel, probability};
  Draw(scope, report, "speech-detection.png", "Speech in noise, and found",
       panels, 800, 480);
}

void Measure(const Scope& scope, Report& report) {
  MeasureSpeech(scope, report);
  Picture(scope, report);
  MeasureFluentSpeech(scope, report);
  MeasureOthers(scope, report);
}

const Section kSection(50, "Speech detection", Measure);

}  // namespace
}  // namespace trunkline::quality
