#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/echo_guard.h"
#include "audio/speech_detector.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/line_conditions.h"

namespace trunkline::quality {
namespace {

using audio::EchoGuard;
using Samples = std::vector<int16_t>;

constexpr size_t kFrame = EchoGuard::kFrameSamples;
constexpr size_t kFramesPerSecond = 50;
// The loss that stands for no echo at all.
constexpr int kNoEcho = 99;

struct Path {
  int loss_db;
  int delay_ms;
};

// What a room and a handset make of `played`: the direct sound and reflections
// over 60 ms that fade by 20 dB, all of them `loss_db` below the original.
Samples EchoOf(std::span<const int16_t> played, const Path& path,
               uint64_t seed) {
  Samples echo(played.size(), 0);
  if (path.loss_db == kNoEcho) return echo;
  struct Reflection {
    size_t delay;
    double gain;
  };
  test::Random random(seed);
  std::vector<Reflection> reflections = {{0, 1}};
  for (size_t i = 0; i < 12; ++i) {
    const size_t delay = 8 + random.Below(472);
    reflections.push_back(
        {delay, 0.4 * random.Symmetric() *
                    std::pow(10, -static_cast<double>(delay) / 480)});
  }
  const auto delay = 8 * static_cast<size_t>(path.delay_ms);
  std::vector<double> sum(played.size());
  double power = 0;
  double original = 0;
  for (size_t i = 0; i < played.size(); ++i) {
    for (const Reflection& reflection : reflections) {
      const size_t back = delay + reflection.delay;
      if (i >= back) sum[i] += reflection.gain * played[i - back];
    }
    power += sum[i] * sum[i];
    original += double{1} * played[i] * played[i];
  }
  const double gain =
      std::sqrt(original / (power + 1)) * std::pow(10, -path.loss_db / 20.0);
  for (size_t i = 0; i < echo.size(); ++i) {
    echo[i] = static_cast<int16_t>(std::lround(sum[i] * gain));
  }
  return echo;
}

// A caller's words over an agent's monologue.
struct Interruptions {
  Samples line;
  // Frames in which the words begin, as their level tells.
  std::vector<size_t> onsets;
};

// The first begins after `lead_frames`.
Interruptions MakeInterruptions(std::string_view language, size_t count,
                                double level_dbov, size_t lead_frames) {
  constexpr size_t kEachFrames = 5 * kFramesPerSecond;
  Interruptions made;
  made.line.assign((lead_frames + count * kEachFrames) * kFrame, 0);
  std::vector<Samples> prompts;
  for (const auto& file : test::PromptFiles(language)) {
    Samples prompt = test::ReadWavFile(file);
    if (prompt.size() < 8000 || prompt.size() > 24000) continue;
    prompts.push_back(std::move(prompt));
  }
  for (size_t i = 0; i < count; ++i) {
    const Samples& prompt = prompts[i * prompts.size() / count];
    const double active = test::ActivePower(prompt);
    const double gain =
        std::sqrt(0x1p30 * std::pow(10, level_dbov / 10) / active);
    // At any phase of a frame.
    const size_t at =
        (lead_frames + i * kEachFrames) * kFrame + i * 37 % kFrame;
    std::optional<size_t> onset;
    for (size_t k = 0; k < prompt.size(); ++k) {
      const double value = std::clamp(prompt[k] * gain, -32768.0, 32767.0);
      made.line[at + k] = static_cast<int16_t>(value);
    }
    for (size_t f = at / kFrame + 1; !onset; ++f) {
      const auto frame =
          std::span<const int16_t>(made.line).subspan(f * kFrame, kFrame);
      double power = 0;
      for (const int16_t sample : frame) power += double{1} * sample * sample;
      // 20 dB below the words' own level: what follows is more than a breath.
      if (power / kFrame > active * gain * gain / 100) onset = f;
    }
    made.onsets.push_back(*onset);
  }
  return made;
}

enum class Guard : uint8_t { kOff, kOn };

struct Heard {
  // Frames in which speech began, as the session would have it.
  std::vector<size_t> triggers;
  std::vector<EchoGuard::Result> results;
};

Heard Listen(std::span<const int16_t> played, std::span<const int16_t> line,
             Guard guard) {
  audio::SpeechDetector detector(audio::SpeechDetector::Config{});
  EchoGuard echo_guard;
  Heard heard;
  uint32_t recent = 0;
  size_t quiet = 100;
  for (size_t f = 0; (f + 1) * kFrame <= line.size(); ++f) {
    const auto frame = line.subspan(f * kFrame, kFrame);
    const EchoGuard::Result result =
        echo_guard.Process(played.subspan(f * kFrame, kFrame), frame);
    heard.results.push_back(result);
    const bool speech = detector.Process(frame).speech &&
                        (guard == Guard::kOff || !result.explained);
    // As session/turn_detector.h has it: 3 of 4 frames, and 200 ms of quiet
    // before the next.
    recent = (recent << 1 | (speech ? 1U : 0U)) & 15U;
    const bool onset = std::popcount(recent) >= 3;
    if (onset && quiet >= 10) heard.triggers.push_back(f);
    quiet = onset || (speech && quiet < 10) ? 0 : quiet + 1;
  }
  return heard;
}

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<size_t>(share *
                                    static_cast<double>(values.size() - 1))];
}

struct Material {
  std::vector<std::string_view> agents;
  std::vector<int> delays_ms;
  int seconds;
  size_t interruptions;
};

constexpr int kLossesDb[] = {6, 12, 20, 30};
constexpr int kNoisesDbov[] = {-65, -45};
// Before the agent speaks: the detector learns the noise.
constexpr size_t kLeadFrames = 3 * kFramesPerSecond;
constexpr size_t kFirstFrames = 2 * kFramesPerSecond;

Samples AgentLine(std::string_view language, int seconds) {
  Samples line(kLeadFrames * kFrame, 0);
  const Samples prompts = test::PromptLine(language, seconds);
  line.insert(line.end(), prompts.begin(), prompts.end());
  line.resize(line.size() / kFrame * kFrame);
  return test::ThroughMuLaw(line);
}

Samples CallerLine(const Samples& played, const Path& path, int noise_dbov,
                   uint64_t seed) {
  Samples line = EchoOf(played, path, seed);
  test::Mix(line, test::NoiseSignal(line.size(), noise_dbov * 10, seed + 50));
  return line;
}

struct EchoFigures {
  double unguarded = 0;  // a minute
  double first = 0;      // a call, within 2 s of the agent's first word
  double later = 0;      // a minute
  double found_s = 0;    // seconds of the agent until the delay is known
  double right = 0;      // share of calls that end with the delay, +-20 ms
  double loss_error_db = 0;
};

// An agent speaks, and nobody else.
EchoFigures MeasureEcho(const Material& material, int loss_db, int noise_dbov) {
  EchoFigures figures;
  double calls = 0;
  double minutes = 0;
  for (const std::string_view agent : material.agents) {
    const Samples played = AgentLine(agent, material.seconds);
    for (const int delay_ms : material.delays_ms) {
      const Samples line =
          test::ThroughMuLaw(CallerLine(played, {loss_db, delay_ms}, noise_dbov,
                                        static_cast<uint64_t>(delay_ms)));
      const Heard guarded = Listen(played, line, Guard::kOn);
      for (const size_t at : guarded.triggers) {
        if (at < kLeadFrames) continue;
        (at < kLeadFrames + kFirstFrames ? figures.first : figures.later) += 1;
      }
      for (const size_t at : Listen(played, line, Guard::kOff).triggers) {
        if (at >= kLeadFrames) figures.unguarded += 1;
      }
      const auto found = std::ranges::find_if(
          guarded.results, [](const EchoGuard::Result& result) {
            return result.delay_ms != EchoGuard::kUnknownDelay;
          });
      figures.found_s +=
          static_cast<double>(found - guarded.results.begin() -
                              static_cast<ptrdiff_t>(kLeadFrames)) /
          kFramesPerSecond;
      const EchoGuard::Result& last = guarded.results.back();
      figures.right += std::abs(last.delay_ms - delay_ms) <= 20 ? 1 : 0;
      figures.loss_error_db += double{last.loss_db} - loss_db;
      calls += 1;
      minutes += static_cast<double>(line.size()) / 8000 / 60;
    }
  }
  figures.unguarded /= minutes;
  figures.later /= minutes;
  figures.first /= calls;
  figures.found_s /= calls;
  figures.right /= calls;
  figures.loss_error_db /= calls;
  return figures;
}

struct InterruptionFigures {
  double median_ms = 0;
  double p90_ms = 0;
  double missed_percent = 0;
};

// A caller talks over the agent, first after `lead_frames`. A trigger within a
// second of the first frame of the words counts, and one on the breath before.
InterruptionFigures MeasureInterruptions(const Material& material, int loss_db,
                                         double caller_dbov, int noise_dbov,
                                         Guard guard, size_t count,
                                         size_t lead_frames) {
  constexpr size_t kBreathFrames = 10;
  std::vector<double> delays;
  double words = 0;
  for (const std::string_view agent : material.agents) {
    const Interruptions caller =
        MakeInterruptions("en", count, caller_dbov, lead_frames);
    Samples played =
        AgentLine(agent, static_cast<int>(caller.line.size() / 8000) + 1);
    played.resize(caller.line.size());
    for (const int delay_ms : material.delays_ms) {
      Samples line = CallerLine(played, {loss_db, delay_ms}, noise_dbov,
                                static_cast<uint64_t>(delay_ms));
      test::Mix(line, caller.line);
      const Heard heard = Listen(played, test::ThroughMuLaw(line), guard);
      for (const size_t onset : caller.onsets) {
        words += 1;
        for (const size_t at : heard.triggers) {
          if (at + kBreathFrames < onset || at > onset + kFramesPerSecond) {
            continue;
          }
          delays.push_back(
              (static_cast<double>(at) + 1 - static_cast<double>(onset)) *
              EchoGuard::kFrameMs);
          break;
        }
      }
    }
  }
  return {
      .median_ms = Quantile(delays, 0.5),
      .p90_ms = Quantile(delays, 0.9),
      .missed_percent = 100 * (1 - static_cast<double>(delays.size()) / words)};
}

std::string Decibels(int value) { return std::to_string(value); }

void Measure(const Scope& scope, Report& report) {
  const bool full = scope.extent == Extent::kFull;
  const Material material = full ? Material{{"es", "fr", "it", "ru"},
                                            {0, 60, 137, 250, 380, 590},
                                            60,
                                            12}
                                 : Material{{"fr"}, {60, 137, 500}, 40, 8};
  report.Text(
      "An agent's prompts at -26 dBov come back with a loss and a delay of 0 "
      "to "
      "590 ms over twelve reflections within 60 ms, in white noise, through "
      "mu-law. A trigger is what starts a turn: three of four frames that the "
      "speech detector calls speech and the guard does not explain. \"First\" "
      "are those within two seconds of the agent's first word in a call, while "
      "the echo is still unknown; \"found\" is when its delay is known.");
  std::vector<std::vector<std::string>> rows;
  for (const int noise : kNoisesDbov) {
    for (const int loss : kLossesDb) {
      const EchoFigures f = MeasureEcho(material, loss, noise);
      rows.push_back({Decibels(noise), Decibels(loss), Fixed(f.unguarded, 1),
                      Fixed(f.first, 2), Fixed(f.later, 2), Fixed(f.found_s, 1),
                      Fixed(100 * f.right, 0), Fixed(f.loss_error_db, 1)});
      const std::string name = ", loss " + Decibels(loss) + " dB, noise " +
                               Decibels(noise) + " dBov";
      report.AtMost("triggers a minute after the first 2 s" + name, f.later,
                    0.5);
      // Before it is found, a louder echo than lines have passes for a caller.
      if (loss >= 20) {
        report.AtMost("triggers a call in the first 2 s" + name, f.first, 0.2);
      }
      // An echo 9 dB below the noise is none.
      if (loss <= 20) {
        report.AtLeast("calls with the right delay, %" + name, 100 * f.right,
                       95);
      }
    }
  }
  report.Table(
      std::vector<std::string>{"noise dBov", "loss dB", "unguarded a minute",
                               "first 2 s a call", "later a minute", "found s",
                               "right delay %", "loss found, error dB"},
      rows);

  report.Text(
      "A caller's words over the agent, who goes on. The caller is as loud as "
      "the echo or at -26 dBov; \"alone\" is the same caller without an echo "
      "and without the guard: what the detector itself takes. \"At once\" are "
      "words half a second after the agent's first in a call, before the guard "
      "knows whether there is an echo; the others come later.");
  rows.clear();
  constexpr size_t kLaterFrames = kLeadFrames + 5 * kFramesPerSecond;
  constexpr size_t kAtOnceFrames = kLeadFrames + 55;
  for (const int noise : kNoisesDbov) {
    for (const int loss : {6, 12, 20, 30, kNoEcho}) {
      for (const int level : {-26 - loss, -26}) {
        // Quieter callers drown in the noise.
        if (level < -40) continue;
        const auto measure = [&](int loss_db, Guard guard, size_t count,
                                 size_t lead_frames) {
          return MeasureInterruptions(material, loss_db, level, noise, guard,
                                      count, lead_frames);
        };
        const auto alone =
            measure(kNoEcho, Guard::kOff, material.interruptions, kLaterFrames);
        const auto f =
            measure(loss, Guard::kOn, material.interruptions, kLaterFrames);
        const auto at_once = measure(loss, Guard::kOn, 1, kAtOnceFrames);
        const std::string loss_name =
            loss == kNoEcho ? "none" : Decibels(loss) + " dB";
        rows.push_back({Decibels(noise), loss_name, Decibels(level),
                        Fixed(alone.median_ms, 0), Fixed(f.median_ms, 0),
                        Fixed(f.p90_ms, 0), Fixed(alone.missed_percent, 1),
                        Fixed(f.missed_percent, 1),
                        Fixed(at_once.missed_percent, 0)});
        const std::string name = ", echo " + loss_name + ", caller " +
                                 Decibels(level) + " dBov, noise " +
                                 Decibels(noise) + " dBov";
        report.AtMost("median delay of an interruption, ms" + name, f.median_ms,
                      noise == kNoisesDbov[0] ? 100 : 160);
        report.AtMost("interruptions missed, %" + name, f.missed_percent,
                      noise == kNoisesDbov[0] ? 5 : 10);
      }
    }
  }
  report.Table(std::vector<std::string>{"noise dBov", "echo", "caller dBov",
                                        "alone median ms", "median ms",
                                        "90 % ms", "alone missed %", "missed %",
                                        "at once missed %"},
               rows);
}

const Section kSection(70, "Echo guard", Measure);

}  // namespace
}  // namespace trunkline::quality
