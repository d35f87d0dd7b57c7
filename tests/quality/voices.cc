#include "quality/voices.h"

#include <gsm/gsm.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "audio/level.h"
#include "audio/resampler.h"
#include "support/corpus.h"
#include "support/labelled_speech.h"

namespace trunkline::quality {
namespace {

namespace fs = std::filesystem;

using Samples = std::vector<int16_t>;

constexpr int kShortestMs = 2000;

std::vector<char> ReadFile(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// GSM 06.10: 160 samples in 33 bytes.
Samples DecodeGsm(const std::vector<char>& bytes) {
  constexpr size_t kFrameBytes = 33;
  constexpr size_t kFrameSamples = 160;
  const std::unique_ptr<gsm_state, void (*)(gsm)> decoder(gsm_create(),
                                                          gsm_destroy);
  Samples samples;
  for (size_t at = 0; at + kFrameBytes <= bytes.size(); at += kFrameBytes) {
    std::array<gsm_byte, kFrameBytes> frame;
    std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(at), kFrameBytes,
                frame.begin());
    samples.resize(samples.size() + kFrameSamples);
    gsm_decode(decoder.get(), frame.data(),
               samples.data() + samples.size() - kFrameSamples);
  }
  return samples;
}

Samples FromWide(const Samples& wide) {
  audio::Resampler resampler(16000, 8000);
  Samples narrow(resampler.MaxOutputSamples(wide.size()));
  narrow.resize(resampler.Process(wide, narrow));
  return narrow;
}

Samples FromRaw(const std::vector<char>& bytes) {
  Samples samples;
  for (size_t at = 0; at + 2 <= bytes.size(); at += 2) {
    const auto low = static_cast<uint8_t>(bytes[at]);
    const auto high = static_cast<uint8_t>(bytes[at + 1]);
    samples.push_back(static_cast<int16_t>(low | high << 8));
  }
  return samples;
}

Samples Read(const fs::path& file) {
  const fs::path type = file.extension();
  if (type == ".gsm") return DecodeGsm(ReadFile(file));
  const bool narrow = file.string().starts_with("/usr/share/asterisk");
  if (type == ".raw") return FromWide(FromRaw(ReadFile(file)));
  return narrow ? test::ReadWavFile(file) : FromWide(test::ReadWavFile(file));
}

// Level of the 5 % of frames that are loudest over that of the 5 % that are
// quietest, dB.
double Range(const Samples& samples) {
  constexpr size_t kFrame = test::kLabelFrame;
  std::vector<double> levels;
  for (size_t at = 0; at + kFrame <= samples.size(); at += kFrame) {
    const auto frame = std::span<const int16_t>(samples).subspan(at, kFrame);
    levels.push_back(audio::LevelDbfsTenths(audio::MeanSquare(frame)) / 10.0);
  }
  std::ranges::sort(levels);
  const size_t last = levels.size() - 1;
  return levels[last * 95 / 100] - levels[last * 5 / 100];
}

Voice FromFolders(std::initializer_list<std::string_view> folders) {
  constexpr double kLeastRangeDb = 38;
  Voice voice;
  for (const std::string_view folder : folders) {
    for (const fs::path& file :
         test::FilesBelow(folder, {".gsm", ".raw", ".wav"})) {
      Samples samples = Read(file);
      if (!test::IsPrompt(file, samples, kShortestMs)) continue;
      if (Range(samples) >= kLeastRangeDb) voice.push_back(std::move(samples));
    }
  }
  if (voice.empty()) test::Die("no recordings", *folders.begin());
  return voice;
}

}  // namespace

std::vector<Voice> UnknownVoices() {
  return {FromFolders({"/usr/share/asterisk/sounds/es",
                       "/usr/share/asterisk/sounds/fr"}),
          FromFolders({"/usr/share/asterisk/sounds/it_IT_f_Menardi"}),
          FromFolders({"/usr/share/pocketsphinx/test/data"})};
}

}  // namespace trunkline::quality
