#include "support/corpus.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace trunkline::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSounds = "/usr/share/asterisk/sounds";
constexpr std::string_view kMusic = "/usr/share/asterisk/moh";

[[noreturn]] void Die(std::string_view what, const fs::path& where) {
  std::cerr << what << ": " << where << " (scripts/setup installs the corpora)"
            << "\n";
  std::exit(2);
}

std::vector<fs::path> WavFilesBelow(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".wav") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

uint32_t Little32(const std::vector<char>& bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

uint16_t Little16(const std::vector<char>& bytes, size_t at) {
  uint16_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

}  // namespace

std::vector<fs::path> PromptFiles(std::string_view language) {
  const std::string beginning = std::string(language) + "_";
  if (fs::is_directory(kSounds)) {
    for (const fs::directory_entry& entry : fs::directory_iterator(kSounds)) {
      if (!entry.path().filename().string().starts_with(beginning)) continue;
      std::vector<fs::path> files = WavFilesBelow(entry.path());
      if (!files.empty()) return files;
    }
  }
  Die("no prompts of " + std::string(language), kSounds);
}

std::vector<fs::path> MusicFiles() {
  if (!fs::is_directory(kMusic)) Die("no music on hold", kMusic);
  std::vector<fs::path> files = WavFilesBelow(kMusic);
  if (files.empty()) Die("no music on hold", kMusic);
  return files;
}

std::vector<int16_t> ReadWavFile(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  constexpr size_t kRiffHeader = 12;
  constexpr size_t kChunkHeader = 8;
  bool is_s16_mono = false;
  for (size_t at = kRiffHeader; at + kChunkHeader <= bytes.size();) {
    const std::string_view id(bytes.data() + at, 4);
    const size_t size = Little32(bytes, at + 4);
    at += kChunkHeader;
    const size_t here = std::min(size, bytes.size() - at);
    if (id == "fmt " && here >= 16) {
      is_s16_mono = Little16(bytes, at) == 1 && Little16(bytes, at + 2) == 1 &&
                    Little16(bytes, at + 14) == 16;
    } else if (id == "data" && is_s16_mono) {
      std::vector<int16_t> samples(here / 2);
      std::memcpy(samples.data(), bytes.data() + at, samples.size() * 2);
      return samples;
    }
    at += size + size % 2;
  }
  Die("not a mono WAV of 16 bits", file);
}

}  // namespace trunkline::test
