// The speech detector beside those that are at hand, on the same lines.

#include <speex/speex_preprocess.h>
#include <webrtc_vad.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audio/level.h"
#include "audio/speech_detector.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/labelled_speech.h"

namespace trunkline::quality {
namespace {

using test::kLabelFrame;
using test::Noise;

using Decisions = std::vector<uint8_t>;
using Line = std::vector<int16_t>;

// With these pauses two thirds of the line are speech.
constexpr int kShortestPromptMs = 2500;

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

std::vector<Candidate> Candidates() {
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
  const size_t prompts = full ? 50 : 16;
  const std::vector<Candidate> candidates = Candidates();
  std::vector<std::vector<Figures>> figures(
      candidates.size(), std::vector<Figures>(Conditions().size()));
  std::vector<std::vector<std::vector<int16_t>>> speakers;
  std::vector<std::vector<int16_t>> everyone;
  for (const std::string_view language : test::kTestLanguages) {
    speakers.push_back(test::Recordings(language, kShortestPromptMs));
    everyone.insert(everyone.end(), speakers.back().begin(),
                    speakers.back().end());
  }
  double seconds = 0;
  double speech = 0;
  for (size_t s = 0; s < speakers.size(); ++s) {
    constexpr double kDbfs[] = {-20, -26};
    const double dbfs = kDbfs[s % std::size(kDbfs)];
    const test::CleanSpeech clean =
        test::Prompts(speakers[s], prompts, dbfs, 90 + s);
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
      "Prompts of two speakers of whom the net learned nothing (French, a "
      "woman; Italian, a man), with pauses of 0.6 to 2.5 s, noise added at the "
      "ratio to the level of the speech, through mu-law: " +
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
// it.
void MeasureFluentSpeech(const Scope& scope, Report& report) {
  const size_t prompts = scope.extent == Extent::kFull ? 60 : 20;
  double missed = 0;
  double frames = 0;
  for (const std::string_view language : test::kTestLanguages) {
    const test::CleanSpeech clean = test::Prompts(
        test::Recordings(language, kShortestPromptMs), prompts, -22, 17);
    Line line;
    for (size_t f = 0; f < clean.labels.size(); ++f) {
      if (clean.labels[f] == 0) continue;
      const auto begin =
          clean.samples.begin() + static_cast<ptrdiff_t>(f * kLabelFrame);
      line.insert(line.end(), begin, begin + kLabelFrame);
    }
    const Decisions decisions = Ours(test::OnLine(line, {}, 0));
    missed += static_cast<double>(std::ranges::count(decisions, 0));
    frames += static_cast<double>(decisions.size());
  }
  report.Text("The same speakers with every pause cut out, " +
              Fixed(frames / 50, 0) + " s: " + Fixed(100 * missed / frames, 1) +
              " % of the frames are missed.");
  report.AtMost("frames missed in speech without pauses, %",
                100 * missed / frames, 5);
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
  const auto agent =
      test::Recordings(test::kTestLanguages[0], kShortestPromptMs);
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
  for (const Candidate& candidate : Candidates()) {
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

void Measure(const Scope& scope, Report& report) {
  MeasureSpeech(scope, report);
  MeasureFluentSpeech(scope, report);
  MeasureOthers(scope, report);
}

const Section kSection(50, "Speech detection", Measure);

}  // namespace
}  // namespace trunkline::quality
