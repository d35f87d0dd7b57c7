// DTMF: talk-off on speech, and how often digits are heard, beside spandsp.

#include <spandsp.h>

#include <algorithm>
#include <string>
#include <vector>

#include "audio/dtmf_detector.h"
#include "audio/dtmf_generator.h"
#include "quality/report.h"
#include "support/audio_signals.h"
#include "support/corpus.h"

namespace trunkline::quality {
namespace {

constexpr std::string_view kDigits = audio::kDtmfDigits;

std::string Ours(std::span<const int16_t> line) {
  audio::DtmfDetector detector;
  std::vector<audio::DtmfDetector::Event> events(
      audio::DtmfDetector::MaxEvents(line.size()));
  events.resize(detector.Process(line, events));
  std::string digits;
  for (const auto& event : events) {
    if (event.kind == audio::DtmfDetector::Event::Kind::kBegan) {
      digits += event.digit;
    }
  }
  return digits;
}

std::string Spandsp(std::span<const int16_t> line) {
  dtmf_rx_state_t* state = dtmf_rx_init(nullptr, nullptr, nullptr);
  std::string digits;
  for (size_t at = 0; at < line.size(); at += 160) {
    const size_t count = std::min<size_t>(160, line.size() - at);
    dtmf_rx(state, line.data() + at, static_cast<int>(count));
    char some[64];
    digits.append(some, dtmf_rx_get(state, some, sizeof(some) - 1));
  }
  dtmf_rx_free(state);
  return digits;
}

struct Condition {
  std::string name;
  int tone_ms = 50;
  int pause_ms = 50;
  int row_dbfs_tenths = -120;  // below a full-scale sine
  int column_dbfs_tenths = -100;
  double off = 0;
  int noise_below_tenths = 0;  // 0 for none
  // Share of the digits that must be heard, and that may be.
  double at_least = 0;
  double at_most = 1;
};

// Each digit alone in its place, so that a miss is a digit's own.
double HitRate(const Condition& condition, int rounds,
               std::string (*listen)(std::span<const int16_t>)) {
  int hits = 0;
  int digits = 0;
  test::Random random(1);
  for (int round = 0; round < rounds; ++round) {
    for (size_t digit = 0; digit < kDigits.size(); ++digit, ++digits) {
      const auto count = static_cast<size_t>(condition.tone_ms) * 8;
      const double low = 32767 * test::GainOfTenths(condition.row_dbfs_tenths);
      const double high =
          32767 * test::GainOfTenths(condition.column_dbfs_tenths);
      std::vector<int16_t> tone = test::SineSignal(
          count, audio::kDtmfRowHz[digit / 4] * (1 + condition.off), 8000, low);
      test::Mix(tone, test::SineSignal(
                          count,
                          audio::kDtmfColumnHz[digit % 4] * (1 + condition.off),
                          8000, high));
      std::vector<int16_t> line(400 + random.Below(160));
      line.insert(line.end(), tone.begin(), tone.end());
      line.resize(line.size() +
                  static_cast<size_t>(std::max(condition.pause_ms, 60)) * 8);
      if (condition.noise_below_tenths != 0) {
        // Both tones' power over full-scale square: 3 dB below that of sines.
        const int level =
            std::max(condition.row_dbfs_tenths, condition.column_dbfs_tenths) -
            10 - condition.noise_below_tenths;
        test::Mix(line, test::NoiseSignal(line.size(), level, random.Next()));
      }
      hits += listen(test::ThroughMuLaw(line)) == std::string(1, kDigits[digit])
                  ? 1
                  : 0;
    }
  }
  return static_cast<double>(hits) / digits;
}

void Measure(const Scope& scope, Report& report) {
  const bool full = scope.extent == Extent::kFull;
  const Condition conditions[] = {
      {.name = "100 ms", .tone_ms = 100, .pause_ms = 100, .at_least = 1},
      {.name = "50 ms", .at_least = 1},
      {.name = "40 ms", .tone_ms = 40, .pause_ms = 40, .at_least = 1},
      {.name = "23 ms", .tone_ms = 23, .at_most = 0},
      {.name = "0 dBm0",
       .row_dbfs_tenths = -62,
       .column_dbfs_tenths = -62,
       .at_least = 1},
      {.name = "-25 dBm0",
       .row_dbfs_tenths = -282,
       .column_dbfs_tenths = -282,
       .at_least = 1},
      {.name = "noise 20 dB below", .noise_below_tenths = 200, .at_least = 1},
      {.name = "noise 10 dB below",
       .noise_below_tenths = 100,
       .at_least = 0.98},
      {.name = "column 8 dB louder", .row_dbfs_tenths = -180, .at_least = 1},
      {.name = "row 8 dB louder",
       .row_dbfs_tenths = -100,
       .column_dbfs_tenths = -180,
       .at_least = 1},
      {.name = "+1.5 %", .off = 0.015, .at_least = 1},
      {.name = "-1.5 %", .off = -0.015, .at_least = 1},
      {.name = "+3.5 %", .off = 0.035, .at_most = 0},
      {.name = "-3.5 %", .off = -0.035, .at_most = 0},
  };
  const std::string header[] = {"digits, through mu-law", "heard, %",
                                "spandsp, %"};
  std::vector<std::vector<std::string>> rows;
  for (const Condition& condition : conditions) {
    const int rounds = full ? 60 : 10;
    const double ours = HitRate(condition, rounds, Ours);
    rows.push_back({condition.name, Fixed(100 * ours, 1),
                    Fixed(100 * HitRate(condition, rounds, Spandsp), 1)});
    const std::string what = condition.name + ", share of digits heard";
    if (condition.at_least > 0) report.AtLeast(what, ours, condition.at_least);
    if (condition.at_most < 1) report.AtMost(what, ours, condition.at_most);
  }
  report.Table(header, rows);

  // An hour of prompts, over and over at other gains; five minutes of them in
  // the subset.
  const size_t wanted = size_t{8000} * 60 * (full ? 60 : 5);
  size_t heard = 0;
  size_t ours = 0;
  size_t spandsp = 0;
  for (int pass = 0; heard < wanted && pass < 8; ++pass) {
    for (const std::string_view language : test::kPromptLanguages) {
      const size_t until =
          full ? wanted : heard + wanted / std::size(test::kPromptLanguages);
      for (const auto& file : test::PromptFiles(language)) {
        if (heard >= until) break;
        std::vector<int16_t> prompt = test::ReadWavFile(file);
        const double gain = test::GainOfTenths(-60 * pass);
        for (int16_t& sample : prompt) {
          sample = static_cast<int16_t>(sample * gain);
        }
        heard += prompt.size();
        ours += Ours(prompt).size();
        spandsp += Spandsp(prompt).size();
      }
    }
  }
  const double minutes = static_cast<double>(heard) / 8000 / 60;
  report.Text("Talk-off: " + std::to_string(ours) + " false digits in " +
              Fixed(minutes, 1) + " minutes of prompts in five languages; " +
              std::to_string(spandsp) + " of spandsp.");
  report.AtLeast("speech listened to, minutes", minutes, full ? 60 : 5);
  report.AtMost("false digits in it", static_cast<double>(ours), full ? 1 : 0);
}

const Section kSection(50, "DTMF", Measure);

}  // namespace
}  // namespace trunkline::quality
