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
constexpr std::string_view kPromptFolders[] = {
    "en_US_f_Allison", "es_MX_f_Allison", "fr_CA_f_June", "it_IT_m_Carlo",
    "ru_RU_f_IvrvoiceRU"};
constexpr std::string_view kMusic = "/usr/share/asterisk/moh";

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

void Die(std::string_view what, const fs::path& where) {
  std::cerr << what << ": " << where << " (scripts/setup installs the corpora)"
            << "\n";
  std::exit(2);
}

std::vector<fs::path> FilesBelow(
    const fs::path& folder, std::initializer_list<std::string_view> endings) {
  if (!fs::is_directory(folder)) Die("no such folder", folder);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (entry.is_regular_file() &&
        std::ranges::find(endings, ending) != endings.end()) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> PromptFiles(std::string_view language) {
  for (const std::string_view folder : kPromptFolders) {
    if (!folder.starts_with(language)) continue;
    std::vector<fs::path> files =
        FilesBelow(fs::path(kSounds) / folder, {".wav"});
    if (!files.empty()) return files;
  }
  Die("no prompts of " + std::string(language), kSounds);
}

std::vector<fs::path> MusicFiles() {
  std::vector<fs::path> files = FilesBelow(kMusic, {".wav"});
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
