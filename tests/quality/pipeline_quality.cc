// Whether anything is lost, doubled or cut on the way to the caller: prompts
// and music through the stages in chunks of any size, held against the same in
// double precision from the positions alone.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "audio/fade.h"
#include "audio/g711.h"
#include "audio/mixer.h"
#include "audio/music_player.h"
#include "audio/resampler.h"
#include "quality/report.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"
#include "support/corpus.h"

namespace trunkline::quality {
namespace {

constexpr size_t kSecond = 8000;
constexpr size_t kMinute = 60 * kSecond;
constexpr size_t kMs = 8;
constexpr size_t kEdge = 10 * kMs;  // of a prompt's fades
constexpr int kSeamMs = 500;
constexpr size_t kSeam = kSeamMs * kMs;
constexpr float kDuckDb = 15;
constexpr int kDuckMs = 100;
constexpr int kBackMs = 400;
constexpr int kPlayMs = 1000;
// Of the music in the mixer.
constexpr double kMusicGain = 0.5;

struct Prompt {
  size_t begin;
  size_t end;
};

// What is played: prompts with pauses between them, and their places.
struct Programme {
  std::vector<int16_t> speech;
  std::vector<Prompt> prompts;
  std::vector<uint8_t> music;
};

Programme ProgrammeOf(size_t count) {
  std::vector<std::filesystem::path> files;
  for (const std::string_view language : test::kPromptLanguages) {
    const auto some = test::PromptFiles(language);
    files.insert(files.end(), some.begin(), some.end());
  }
  test::Random random(11);
  Programme programme;
  std::vector<int16_t>& speech = programme.speech;
  while (speech.size() < count) {
    // Longer than the ramps, so that one ends before the next begins.
    speech.resize(speech.size() + 600 * kMs + random.Below(2 * kSecond));
    const std::vector<int16_t> prompt =
        test::ReadWavFile(files[random.Below(files.size())]);
    if (prompt.size() < 2 * kEdge + kDuckMs * kMs) continue;
    programme.prompts.push_back({speech.size(), speech.size() + prompt.size()});
    speech.insert(speech.end(), prompt.begin(), prompt.end());
  }
  speech.resize(count);
  while (!programme.prompts.empty() && programme.prompts.back().end > count) {
    const size_t begin = programme.prompts.back().begin;
    std::fill(speech.begin() + static_cast<ptrdiff_t>(std::min(begin, count)),
              speech.end(), int16_t{0});
    programme.prompts.pop_back();
  }
  // Twenty seconds of a song, so that a seam comes every 19.5.
  const std::vector<int16_t> song = test::ReadWavFile(test::MusicFiles()[1]);
  programme.music.resize(20 * kSecond);
  audio::EncodeMuLaw(
      std::span(song).subspan(10 * kSecond, programme.music.size()),
      programme.music);
  return programme;
}

// Everything that a caller's side of a call has, in a row.
class Pipeline {
 public:
  explicit Pipeline(const Programme& programme)
      : programme_(programme),
        player_({.mu_law = programme.music, .seam_ms = kSeamMs}) {
    player_.Play(kPlayMs);
    mixer_.SetGain(1, static_cast<int32_t>(kMusicGain * audio::Mixer::kUnity),
                   0);
  }

  // Appends to `line` until it has `until` samples, in chunks of random size.
  void Run(size_t until, test::Random& random, std::vector<uint8_t>& line) {
    while (at_ < until) {
      // A prompt's begin and end are commands, which come between chunks.
      size_t next = until;
      if (prompt_ < programme_.prompts.size()) {
        const Prompt& prompt = programme_.prompts[prompt_];
        if (at_ == prompt.begin) player_.Duck(kDuckDb, kDuckMs);
        if (at_ == prompt.end) {
          player_.Duck(0, kBackMs);
          ++prompt_;
          continue;
        }
        next = std::min(next, at_ < prompt.begin ? prompt.begin : prompt.end);
      }
      // Half of the chunks are a frame, the others anything up to 120 ms.
      const size_t wanted = random.Below(2) == 0 ? 160 : 1 + random.Below(960);
      Chunk(std::min(wanted, next - at_), line);
    }
  }

  // Samples of the mixer that its limiting has bent.
  size_t limited() const { return limited_; }

 private:
  void Chunk(size_t count, std::vector<uint8_t>& line) {
    const auto source = std::span(programme_.speech).subspan(at_, count);
    std::vector<int16_t> speech(source.begin(), source.end());
    if (prompt_ < programme_.prompts.size() &&
        at_ >= programme_.prompts[prompt_].begin) {
      const Prompt& prompt = programme_.prompts[prompt_];
      audio::FadeIn(speech, at_ - prompt.begin, kEdge);
      const size_t falls = prompt.end - kEdge;
      const size_t before = at_ < falls ? std::min(count, falls - at_) : 0;
      audio::FadeOut(std::span(speech).subspan(before),
                     std::max(at_, falls) - falls, kEdge);
    }
    std::vector<uint8_t> codes(count);
    audio::EncodeMuLaw(speech, codes);
    audio::DecodeMuLaw(codes, speech);
    std::vector<int16_t> wide(up_.MaxOutputSamples(count));
    wide.resize(up_.Process(speech, wide));
    speech.resize(down_.MaxOutputSamples(wide.size()));
    speech.resize(down_.Process(wide, speech));
    std::vector<int16_t> music(speech.size());
    player_.Process(music);
    const std::span<const int16_t> inputs[] = {speech, music};
    std::vector<int16_t> mixed(speech.size());
    mixer_.Process(inputs, mixed);
    for (const int16_t sample : mixed) {
      if (std::abs(int{sample}) > audio::kSoftLimitKnee) ++limited_;
    }
    codes.resize(mixed.size());
    audio::EncodeMuLaw(mixed, codes);
    line.insert(line.end(), codes.begin(), codes.end());
    at_ += count;
  }

  const Programme& programme_;
  audio::MusicPlayer player_;
  audio::Resampler up_{8000, 24000};
  audio::Resampler down_{24000, 8000};
  audio::Mixer mixer_;
  size_t at_ = 0;
  size_t prompt_ = 0;  // the one that is heard or comes next
  size_t limited_ = 0;
};

// What the line should hold, from the positions, in double.
class Ideal {
 public:
  explicit Ideal(const Programme& programme) : music_(programme.music.size()) {
    for (size_t i = 0; i < music_.size(); ++i) {
      music_[i] = test::ReferenceDecodeMuLaw(programme.music[i]);
    }
    speech_.assign(programme.speech.begin(), programme.speech.end());
    ducking_.assign(speech_.size(), 1.0);
    const double low = std::pow(10, -double{kDuckDb} / 20);
    for (const Prompt& prompt : programme.prompts) {
      for (size_t i = 0; i < kEdge; ++i) {
        const double gain =
            std::sin(std::numbers::pi / 2 * static_cast<double>(i) / kEdge);
        Scale(prompt.begin + i, gain);
        Scale(prompt.end - 1 - i, gain);
      }
      const size_t down = kDuckMs * kMs;
      const size_t back = kBackMs * kMs;
      for (size_t i = prompt.begin; i < prompt.end; ++i) {
        const double done =
            std::min(1.0, static_cast<double>(i - prompt.begin) / down);
        ducking_[i] = 1 + done * (low - 1);
      }
      for (size_t i = 0; i < back && prompt.end + i < ducking_.size(); ++i) {
        ducking_[prompt.end + i] =
            low + static_cast<double>(i) / back * (1 - low);
      }
    }
  }

  struct Stretch {
    std::vector<double> samples;
    // How far off telephone codes may make each sample, and no further.
    std::vector<double> tolerance;
  };

  // The samples in [begin, begin + count).
  Stretch Of(size_t begin, size_t count) const {
    // What lies in the filters' past, in whole samples of 8 kHz.
    constexpr size_t kPast = 100;
    const size_t past = std::min(begin, kPast);
    std::vector<int16_t> source(past + count);
    for (size_t i = 0; i < source.size(); ++i) {
      source[i] = static_cast<int16_t>(std::lround(speech_[begin - past + i]));
    }
    const std::vector<double> wide =
        test::ReferenceResample(source, 8000, 24000);
    std::vector<int16_t> rounded(wide.size());
    for (size_t i = 0; i < wide.size(); ++i) {
      rounded[i] = static_cast<int16_t>(
          std::lround(std::clamp(wide[i], -32768.0, 32767.0)));
    }
    const std::vector<double> narrow =
        test::ReferenceResample(rounded, 24000, 8000);

    Stretch stretch{.samples = std::vector<double>(count),
                    .tolerance = std::vector<double>(count)};
    for (size_t i = 0; i < count; ++i) {
      stretch.samples[i] =
          SoftLimited(narrow[past + i] +
                      kMusicGain * MusicAt(begin + i) * ducking_[begin + i]);
      // A code is within 1/32 of its sample, or 4. That of the prompt comes
      // through filters 80 samples long, whose gains' magnitudes add up to 3;
      // errors have either sign, so half of that is beyond what they reach.
      double near = 0;
      for (size_t k = 0; k <= 80 && k <= past + i; ++k) {
        near = std::max(near, std::abs(double{1} * source[past + i - k]));
      }
      stretch.tolerance[i] =
          std::abs(stretch.samples[i]) / 32 + 4 + 3 * (near / 32 + 4) / 2 + 4;
    }
    return stretch;
  }

 private:
  void Scale(size_t at, double gain) { speech_[at] *= gain; }

  double MusicAt(size_t at) const {
    const size_t size = music_.size();
    const size_t place =
        at < kSeam ? at : kSeam + (at - kSeam) % (size - kSeam);
    double sample = music_[place];
    if (place >= size - kSeam) {
      const size_t within = place - (size - kSeam);
      const double angle =
          std::numbers::pi / 2 * static_cast<double>(within) / kSeam;
      sample = std::cos(angle) * sample + std::sin(angle) * music_[within];
    }
    constexpr size_t kRise = size_t{kPlayMs} * kMs;
    if (at < kRise) {
      sample *=
          std::sin(std::numbers::pi / 2 * static_cast<double>(at) / kRise);
    }
    return sample;
  }

  static double SoftLimited(double value) {
    const double above = std::abs(value) - audio::kSoftLimitKnee;
    if (above <= 0) return value;
    constexpr double kRoom = 32767 - audio::kSoftLimitKnee;
    return std::copysign(
        audio::kSoftLimitKnee + kRoom * above / (kRoom + above), value);
  }

  std::vector<double> music_;
  std::vector<double> speech_;
  std::vector<double> ducking_;
};

constexpr size_t kBlock = 10 * kMs;
constexpr int kMaxLag = 200;

// What the detector says of a stretch of line.
struct Findings {
  // Samples beyond their tolerance.
  std::vector<size_t> clicks;
  // Blocks of 10 ms whose error has more than a tenth of their power.
  std::vector<size_t> blocks;
  // By seconds: by how many samples the line lags behind.
  std::vector<int> lags;
  double error = 0;  // sums of squares
  double power = 0;
};

double ErrorAt(std::span<const int16_t> line, std::span<const double> ideal,
               size_t begin, int lag) {
  double error = 0;
  for (size_t i = begin; i < begin + kSecond; ++i) {
    const auto at = static_cast<int64_t>(i) + lag;
    const double sample = at < 0 || at >= static_cast<int64_t>(line.size())
                              ? 0
                              : line[static_cast<size_t>(at)];
    error += (sample - ideal[i]) * (sample - ideal[i]);
  }
  return error;
}

// The lag that fits best. When none of its neighbours fits better than 0 and
// the error is below a hundredth of the power, no other can.
int LagOf(std::span<const int16_t> line, std::span<const double> ideal,
          size_t begin) {
  double power = 0;
  for (size_t i = begin; i < begin + kSecond; ++i) power += ideal[i] * ideal[i];
  const double at_zero = ErrorAt(line, ideal, begin, 0);
  if (at_zero < power / 100 && at_zero < ErrorAt(line, ideal, begin, -1) &&
      at_zero < ErrorAt(line, ideal, begin, 1)) {
    return 0;
  }
  double least = std::numeric_limits<double>::infinity();
  int best = 0;
  for (int lag = -kMaxLag; lag <= kMaxLag; ++lag) {
    const double error = ErrorAt(line, ideal, begin, lag);
    if (error < least) {
      least = error;
      best = lag;
    }
  }
  return best;
}

Findings Detect(std::span<const int16_t> line, const Ideal::Stretch& ideal) {
  Findings findings;
  for (size_t begin = 0; begin + kBlock <= ideal.samples.size();
       begin += kBlock) {
    double error = 0;
    double power = 0;
    for (size_t i = begin; i < begin + kBlock; ++i) {
      const double off = line[i] - ideal.samples[i];
      if (std::abs(off) > ideal.tolerance[i]) findings.clicks.push_back(i);
      error += off * off;
      power += ideal.samples[i] * ideal.samples[i];
    }
    // 15 are two steps of the finest codes.
    if (error > power / 10 + 15.0 * 15 * kBlock) {
      findings.blocks.push_back(begin);
    }
    findings.error += error;
    findings.power += power;
  }
  for (size_t begin = 0; begin + kSecond <= ideal.samples.size();
       begin += kSecond) {
    findings.lags.push_back(LagOf(line, ideal.samples, begin));
  }
  return findings;
}

bool AnyIn(const std::vector<size_t>& places, size_t begin, size_t end) {
  return std::ranges::any_of(
      places, [&](size_t at) { return at >= begin && at < end; });
}

// What was planted, and how much of it was found.
struct Planted {
  std::string name;
  int count = 0;
  int found = 0;
};

// A minute of line that is known to be good, with a fault in it.
void PlantInto(std::span<const int16_t> line, const Ideal::Stretch& ideal,
               test::Random& random, int rounds,
               std::vector<Planted>& planted) {
  // One click a second.
  std::vector<int16_t> faulty(line.begin(), line.end());
  std::vector<size_t> places;
  for (size_t second = 0; second < 60; ++second) {
    const size_t at = second * kSecond + random.Below(kSecond);
    // Towards zero, so that it fits.
    faulty[at] =
        static_cast<int16_t>(faulty[at] + (faulty[at] < 0 ? 4000 : -4000));
    places.push_back(at);
  }
  Findings findings = Detect(faulty, ideal);
  for (const size_t at : places) {
    ++planted[0].count;
    planted[0].found += AnyIn(findings.clicks, at, at + 1) ? 1 : 0;
  }
  // One gap of 20 ms a second.
  faulty.assign(line.begin(), line.end());
  places.clear();
  for (size_t second = 0; second < 60; ++second) {
    const size_t at = second * kSecond + random.Below(kSecond - 20 * kMs);
    std::fill_n(faulty.begin() + static_cast<ptrdiff_t>(at), 20 * kMs,
                int16_t{0});
    places.push_back(at);
  }
  findings = Detect(faulty, ideal);
  for (const size_t at : places) {
    ++planted[1].count;
    planted[1].found +=
        AnyIn(findings.blocks, at - std::min(at, kBlock), at + 20 * kMs) ? 1
                                                                         : 0;
  }
  // Samples lost or doubled: every whole second behind it lags by as much.
  struct Shift {
    size_t which;
    int samples;
  };
  for (int round = 0; round < rounds; ++round) {
    for (const Shift shift :
         {Shift{2, -160}, Shift{3, -1}, Shift{4, 160}, Shift{5, 1}}) {
      const size_t at = kSecond + random.Below(50 * kSecond);
      const auto place = line.begin() + static_cast<ptrdiff_t>(at);
      faulty.assign(line.begin(), place);
      faulty.insert(faulty.end(), place - shift.samples, line.end());
      faulty.resize(line.size());
      findings = Detect(faulty, ideal);
      // The last second has lost its end.
      const auto behind =
          std::span(findings.lags).subspan(at / kSecond + 1, 58 - at / kSecond);
      const auto before = std::span(findings.lags).first(at / kSecond);
      ++planted[shift.which].count;
      planted[shift.which].found +=
          std::ranges::all_of(behind,
                              [&](int lag) { return lag == shift.samples; }) &&
                  std::ranges::all_of(before, [](int lag) { return lag == 0; })
              ? 1
              : 0;
    }
  }
}

void Measure(const Scope& scope, Report& report) {
  const size_t minutes = scope.extent == Extent::kFull ? 60 : 3;
  const Programme programme = ProgrammeOf(minutes * kMinute);
  const Ideal ideal(programme);
  Pipeline pipeline(programme);
  Pipeline twin(programme);
  test::Random random(21);
  test::Random twin_random(22);
  test::Random fault_random(23);

  std::vector<Planted> planted = {
      {.name = "click of 4000 in one sample"},
      {.name = "gap of 20 ms"},
      {.name = "20 ms lost"},
      {.name = "a sample lost"},
      {.name = "20 ms doubled"},
      {.name = "a sample doubled"},
  };
  size_t samples = 0;
  size_t unlike = 0;
  size_t clicks = 0;
  size_t blocks = 0;
  size_t shifted = 0;
  size_t clipped = 0;
  double error = 0;
  double power = 0;
  for (size_t minute = 0; minute < minutes; ++minute) {
    std::vector<uint8_t> codes;
    std::vector<uint8_t> others;
    pipeline.Run((minute + 1) * kMinute, random, codes);
    twin.Run((minute + 1) * kMinute, twin_random, others);
    samples += codes.size();
    if (codes.size() != kMinute || others.size() != kMinute) break;
    for (size_t i = 0; i < kMinute; ++i) unlike += codes[i] != others[i];
    std::vector<int16_t> line(kMinute);
    audio::DecodeMuLaw(codes, line);
    const Ideal::Stretch wanted = ideal.Of(minute * kMinute, kMinute);
    const Findings findings = Detect(line, wanted);
    clicks += findings.clicks.size();
    blocks += findings.blocks.size();
    for (const int lag : findings.lags) shifted += lag != 0 ? 1 : 0;
    // The outermost code where the limiter leaves room to it.
    for (size_t i = 0; i < kMinute; ++i) {
      if (std::abs(int{line[i]}) == 32124 &&
          std::abs(wanted.samples[i]) + wanted.tolerance[i] < 31612) {
        ++clipped;
      }
    }
    error += findings.error;
    power += findings.power;
    // A minute in ten is enough to know the detector.
    if (minute % 10 == 0) {
      PlantInto(line, wanted, fault_random, minutes == 60 ? 8 : 4, planted);
    }
  }

  report.Text(
      "Prompts in five languages (" + std::to_string(programme.prompts.size()) +
      " of them, with faded edges) go through mu-law, to 24 kHz and back, and "
      "are mixed with music that is ducked by 15 dB under them and repeats "
      "every 19.5 s; " +
      std::to_string(minutes) +
      " minutes, in chunks of 1 to 960 samples. Every sample of the line is "
      "held against the same in double precision, and may be as far off as "
      "the codes of mu-law make it; each second is aligned anew.");
  const std::string header[] = {"of the line", "count"};
  const std::vector<std::vector<std::string>> rows = {
      {"samples", std::to_string(samples)},
      {"samples that depend on the chunks", std::to_string(unlike)},
      {"samples beyond their tolerance", std::to_string(clicks)},
      {"blocks of 10 ms that are not what they should be",
       std::to_string(blocks)},
      {"seconds that lag or lead", std::to_string(shifted)},
      {"samples in the soft limiter", std::to_string(pipeline.limited())},
      {"samples clipped", std::to_string(clipped)},
      {"signal to error, dB", Fixed(10 * std::log10(power / error), 1)},
  };
  report.Table(header, rows);
  report.Exactly(
      "samples lost or doubled in all",
      static_cast<double>(samples) - static_cast<double>(minutes * kMinute), 0);
  report.Exactly("samples that depend on the chunks",
                 static_cast<double>(unlike), 0);
  report.Exactly("clicks", static_cast<double>(clicks), 0);
  report.Exactly("broken blocks", static_cast<double>(blocks), 0);
  report.Exactly("seconds that lag or lead", static_cast<double>(shifted), 0);
  report.Exactly("samples clipped", static_cast<double>(clipped), 0);
  report.AtLeast("signal to error, dB", 10 * std::log10(power / error), 30);

  report.Text("The same detector on lines with a fault planted in them:");
  const std::string planted_header[] = {"planted", "times", "found"};
  std::vector<std::vector<std::string>> planted_rows;
  for (const Planted& fault : planted) {
    planted_rows.push_back(
        {fault.name, std::to_string(fault.count), std::to_string(fault.found)});
    report.AtLeast(
        "share found: " + fault.name,
        fault.count == 0 ? 0 : static_cast<double>(fault.found) / fault.count,
        0.98);
  }
  report.Table(planted_header, planted_rows);
}

const Section kSection(70, "The way to the caller, sample by sample", Measure);

}  // namespace
}  // namespace trunkline::quality
