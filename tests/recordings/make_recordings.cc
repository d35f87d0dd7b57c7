// Recorded calls for the suite `recordings`, the same for the same numbers.
//
//   make_recordings FOLDER FIRST COUNT VOICES
//       writes NUMBER.opus, the recording, and NUMBER.raw, what it is of: both
//       sides in turns, S16, at the recording's rate, muted where it was paused
//   make_recordings FOLDER wav
//       writes WAV files of each encoding, and as ENCODING.raw what they decode
//       to
//
// People, prompts and the voices in VOICES, WAV files in mono, take turns on
// lines that are digitally silent or have noise of some level, at 8 and at 16
// kHz; on some of them one side says nothing at all. Frames are lost,
// recordings are paused, and sessions are lost and replaced.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audio/g711.h"
#include "audio/recorder.h"
#include "audio/resampler.h"
#include "audio/wav.h"
#include "support/audio_signals.h"
#include "support/corpus.h"
#include "support/line_conditions.h"
#include "support/ogg_opus.h"

namespace trunkline::test {
namespace {

using Samples = std::vector<int16_t>;

constexpr size_t kVoiceSeconds = 60;

Samples Resampled(Samples samples, int from_hz, int to_hz) {
  if (from_hz == to_hz) return samples;
  audio::Resampler resampler(from_hz, to_hz);
  Samples resampled(resampler.MaxOutputSamples(samples.size()));
  resampled.resize(resampler.Process(samples, resampled));
  return resampled;
}

// Those who speak in the calls.
class Voices {
 public:
  explicit Voices(const std::filesystem::path& folder)
      : files_(FilesBelow(folder, {".wav"})) {}

  size_t count() const { return kOwn + files_.size(); }

  // Somebody who speaks, at `rate_hz`. number < count().
  const Samples& Of(size_t number, int rate_hz) {
    Samples& voice = voices_[{number, rate_hz}];
    if (!voice.empty()) return voice;
    if (number >= kOwn) {
      const std::filesystem::path& file = files_[number - kOwn];
      // The name ends with the rate.
      const std::string name = file.stem().string();
      const auto file_hz = static_cast<int>(
          std::strtol(name.c_str() + name.rfind('-') + 1, nullptr, 10));
      voice = Resampled(ReadWavFile(file), file_hz, rate_hz);
    } else {
      voice =
          Resampled(number < std::size(kPromptLanguages)
                        ? PromptLine(kPromptLanguages[number], kVoiceSeconds)
                        : VoiceSignal(kVoiceSeconds * 8000, -200, number),
                    8000, rate_hz);
    }
    if (rate_hz == 8000) voice = ThroughMuLaw(voice);
    return voice;
  }

 private:
  // One for each language, and a synthetic one.
  static constexpr size_t kOwn = std::size(kPromptLanguages) + 1;

  std::vector<std::filesystem::path> files_;
  std::map<std::pair<size_t, int>, Samples> voices_;
};

void Write(const std::string& name, const void* bytes, size_t size) {
  std::ofstream file(name, std::ios::binary);
  file.write(static_cast<const char*>(bytes),
             static_cast<std::streamsize>(size));
  if (!file.flush()) Die("not written", name);
}

// One call.
class Call {
 public:
  Call(size_t number, Voices& voices)
      : random_(number + 1),
        rate_hz_(number % 3 == 2 ? 16000 : 8000),
        frame_(static_cast<size_t>(rate_hz_ / 50)),
        frames_(50 * (8 + random_.Below(30)) + random_.Below(50)),
        silent_side_(number % 4) {
    for (Samples& side : sides_) side = Line();
    TakeTurns(voices);
    LoseFrames();
  }

  void Record(const std::string& name) {
    audio::Recorder::Config config;
    config.sample_rate_hz = rate_hz_;
    config.serial = static_cast<uint32_t>(random_.Next());
    audio::Recorder recorder(config);
    Append(recorder.Start({}));
    Pauses();
    size_t losses = random_.Below(4);
    for (size_t i = 0; i < frames_; ++i) {
      if (losses > 0 && i > 100 && random_.Below(frames_ / 3) == 0) {
        --losses;
        i = GoOn(recorder, config, i);
        continue;
      }
      if (paused_[i]) {
        recorder.Pause();
        for (Samples& side : sides_) Silence(side, i);
      } else {
        recorder.Resume();
      }
      Append(recorder.Process(Frame(0, i), Frame(1, i)));
    }
    Append(recorder.Finish());
    Write(name + ".opus", file_.data(), file_.size());
    Samples both;
    for (size_t i = 0; i < frames_ * frame_; ++i) {
      both.push_back(sides_[0][i]);
      both.push_back(sides_[1][i]);
    }
    Write(name + ".raw", both.data(), 2 * both.size());
  }

 private:
  // A line on which nobody speaks.
  Samples Line() {
    constexpr std::array<int, 6> kLevels = {-9999, -9999, -750,
                                            -650,  -580,  -520};
    const int level = kLevels[random_.Below(kLevels.size())];
    Samples line(frames_ * frame_);
    if (level > -9999) line = NoiseSignal(line.size(), level, random_.Next());
    return rate_hz_ == 8000 && random_.Below(2) == 0 ? ThroughMuLaw(line)
                                                     : line;
  }

  void TakeTurns(Voices& voices) {
    size_t side = random_.Below(2);
    for (size_t at = random_.Below(100); at < frames_;) {
      const size_t turn = 25 + random_.Below(250);
      const Samples& voice = voices.Of(random_.Below(voices.count()), rate_hz_);
      const size_t from = random_.Below(voice.size() / 2);
      const size_t count =
          std::min({turn * frame_, voice.size() - from,
                    (frames_ - std::min(at, frames_)) * frame_});
      // The other side may be one that says nothing.
      if (side + 1 != silent_side_) {
        Mix(std::span(sides_[side]).subspan(at * frame_),
            std::span(voice).subspan(from, count));
      }
      // Some speak before the other has ended.
      const size_t pause = random_.Below(150);
      at += turn;
      at = pause > 20 ? at + pause : at - std::min<size_t>(at, 20);
      side = 1 - side;
    }
  }

  void LoseFrames() {
    if (random_.Below(3) != 0) return;
    for (size_t i = 0; i < frames_; ++i) {
      if (random_.Below(40) != 0) continue;
      const size_t run = 1 + random_.Below(8);
      for (size_t k = i; k < std::min(i + run, frames_); ++k) {
        Silence(sides_[0], k);
      }
    }
  }

  void Pauses() {
    paused_.resize(frames_);
    for (size_t count = random_.Below(3); count > 0; --count) {
      const size_t from = random_.Below(frames_);
      const size_t to = std::min(frames_, from + random_.Below(300));
      std::fill(paused_.begin() + static_cast<ptrdiff_t>(from),
                paused_.begin() + static_cast<ptrdiff_t>(to), true);
    }
  }

  // The session is lost before frame `i`, and with it what no page held. The
  // next one goes on with the file, up to 2 s later; returns its last frame of
  // silence.
  size_t GoOn(audio::Recorder& recorder, audio::Recorder::Config config,
              size_t i) {
    const std::vector<OggPage> pages = ReadOggPages(file_);
    config.pages_before = static_cast<uint32_t>(pages.size());
    config.granule_before = static_cast<uint64_t>(pages.back().granule);
    recorder = audio::Recorder(config);
    const auto stored = static_cast<size_t>(recorder.frames());
    const size_t to = std::min(frames_ - 1, i + random_.Below(100));
    for (size_t k = stored; k <= to; ++k) {
      for (Samples& side : sides_) Silence(side, k);
      Append(recorder.Process(Frame(0, k), Frame(1, k)));
    }
    return to;
  }

  std::span<const int16_t> Frame(size_t side, size_t i) const {
    return std::span(sides_[side]).subspan(i * frame_, frame_);
  }
  void Silence(Samples& side, size_t i) const {
    std::fill_n(side.begin() + static_cast<ptrdiff_t>(i * frame_), frame_,
                int16_t{0});
  }
  void Append(std::span<const uint8_t> pages) {
    file_.insert(file_.end(), pages.begin(), pages.end());
  }
  Random random_;
  int rate_hz_;
  size_t frame_;
  size_t frames_;
  // 0 and 3 for none.
  size_t silent_side_;
  std::array<Samples, 2> sides_;
  std::vector<bool> paused_;
  std::vector<uint8_t> file_;
};

void WriteWav(const std::string& name, audio::WavFormat::Encoding encoding,
              const Samples& samples) {
  audio::WavFormat format;
  format.encoding = encoding;
  format.channels = 1;
  format.sample_rate_hz = 8000;
  std::vector<uint8_t> file(audio::kMaxWavHeaderBytes + 2 * samples.size() + 1);
  const size_t data =
      samples.size() * static_cast<size_t>(format.bytes_per_sample());
  const size_t header = audio::WriteWavHeader(format, data, file);
  const size_t written =
      audio::WriteWavSamples(format, samples, std::span(file).subspan(header));
  file[header + written] = 0;
  Write(name, file.data(), header + written + data % 2);
}

void WriteWavs(const std::string& folder) {
  const Samples samples = RandomSamples(8001, 5);
  Samples decoded = samples;
  WriteWav(folder + "/pcm16.wav", audio::WavFormat::Encoding::kPcm16, samples);
  Write(folder + "/pcm16.raw", decoded.data(), 2 * decoded.size());
  std::vector<uint8_t> codes(samples.size());
  WriteWav(folder + "/mulaw.wav", audio::WavFormat::Encoding::kMuLaw, samples);
  audio::EncodeMuLaw(samples, codes);
  audio::DecodeMuLaw(codes, decoded);
  Write(folder + "/mulaw.raw", decoded.data(), 2 * decoded.size());
  WriteWav(folder + "/alaw.wav", audio::WavFormat::Encoding::kALaw, samples);
  audio::EncodeALaw(samples, codes);
  audio::DecodeALaw(codes, decoded);
  Write(folder + "/alaw.raw", decoded.data(), 2 * decoded.size());
}

}  // namespace
}  // namespace trunkline::test

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[2]) == "wav") {
    trunkline::test::WriteWavs(argv[1]);
    return 0;
  }
  if (argc != 5) {
    std::fputs("usage: make_recordings FOLDER (FIRST COUNT VOICES | wav)\n",
               stderr);
    return 2;
  }
  const size_t first = std::strtoul(argv[2], nullptr, 10);
  const size_t count = std::strtoul(argv[3], nullptr, 10);
  trunkline::test::Voices voices(argv[4]);
  for (size_t number = first; number < first + count; ++number) {
    trunkline::test::Call(number, voices)
        .Record(std::string(argv[1]) + "/" + std::to_string(number));
  }
  return 0;
}
